"""The same instruction in fewer, larger shards, and where long instructions come from."""

from __future__ import annotations

import io
from random import Random

import pytest
import toy
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import uptake
from uptake.domains import DomainError, domain, long
from uptake.domains.math.problem import LONG, draw_long, solve
from uptake.errors import UptakeError
from uptake.instruction import Instruction, Shard
from uptake.model import Scripted
from uptake.probes.granularity import counts, in_shards, merged, shards_of
from uptake.probes.lost import lost
from uptake.report import terminal, write_report

FACTS = st.lists(
    st.builds(
        Shard,
        st.sampled_from(["Ann has 3 pens.", "sorted by name", "One\nTwo."]),
        needed=st.booleans(),
        quantity=st.sampled_from([None, "how many"]),
    ),
    min_size=1,
    max_size=9,
)


@given(FACTS, st.data())
def test_merging_loses_nothing_and_keeps_the_order(facts, data):
    one = Instruction("i", "toy", "full", (Shard("Ask."), *facts), "1")
    count = data.draw(st.integers(2, len(one.shards)))
    fewer = merged(one, count)
    assert len(fewer.shards) == count
    assert fewer.shards[0] == one.shards[0]
    told = "\n".join(shard.text for shard in fewer.shards[1:])
    assert told.split() == "\n".join(fact.text for fact in facts).split()
    assert any(s.needed for s in fewer.shards[1:]) == any(fact.needed for fact in facts)
    assert (fewer.full, fewer.answer, fewer.id) == (one.full, one.answer, one.id)
    if count == len(one.shards):
        assert fewer == one


def test_neighbours_are_shared_out_evenly():
    one = Instruction("i", "toy", "f", tuple(Shard(f"{k}.") for k in range(8)), "1")
    assert [s.text for s in merged(one, 4).shards] == ["0.", "1. 2.", "3. 4. 5.", "6. 7."]
    assert [s.text for s in merged(one, 2).shards] == ["0.", "1. 2. 3. 4. 5. 6. 7."]
    with pytest.raises(ValueError, match="has 8 shards, not 9"):
        merged(one, 9)


def test_numbers_are_read_as_people_write_them():
    assert counts("2-8") == counts(["2-4", "5", "6-8"]) == (2, 3, 4, 5, 6, 7, 8)
    assert counts("4,2,4") == counts((4, 2)) == (2, 4)
    for wrong in ("", "two", "1-8", "8-2", "2-", "0"):
        with pytest.raises(UptakeError, match="--shards"):
            counts(wrong)
    assert shards_of(in_shards(7)) == 7
    assert [shards_of(told) for told in ("sharded", "full", "sharded-few")] == [None] * 3


def test_each_number_that_an_instruction_has_is_a_condition_of_its_own():
    (four,) = toy.generate(1)
    told = {s.condition: s for s in lost.told_in((2, 3, 4, 5)).scenarios(four)}
    assert [len(told[in_shards(k)].turns) for k in (2, 3, 4)] == [2, 3, 4]
    assert in_shards(5) not in told
    assert told[in_shards(2)].turns[1].text == " ".join(s.text for s in four.shards[1:])


@given(st.integers(0, 10_000), st.sampled_from(LONG), st.sampled_from(("train", "heldout")))
def test_a_long_problem_has_as_many_facts_and_works_out(seed, shards, split):
    found = draw_long(Random(seed), split, shards)
    assert len({fact.key for fact in found.facts}) == shards - 1
    assert all(1 <= result <= 300 for *_, result in found.working)
    for fact in found.facts:
        moved = found.with_value(fact.key, found.values[fact.key] * 7 + 301)
        assert (solve(moved.story.plan, moved.values) != found.working) == fact.needed


@pytest.mark.parametrize("name", ["math", "database", "actions", "code", "data2text", "summary"])
def test_every_domain_has_eight_shards_and_they_can_be_solved_in_any_number(name, tmp_path):
    played = uptake.probe(
        "lost", model="policy:ask", domain=name, n=2, repeats=1, shards=(2, 5, 8), out=tmp_path,
        conditions=["full", *map(in_shards, (2, 5, 8))], progress=False,
    )  # fmt: skip
    means = {
        (row.model, row.condition): row.value
        for row in played.rows()
        if (row.metric, row.score) == ("mean", "last")
    }
    oracle = [value for (model, _), value in means.items() if model == "oracle"]
    others = [value for (model, _), value in means.items() if model != "oracle"]
    assert oracle == [1.0] * 4
    assert max(others) == 0


def test_the_usual_instructions_stay_as_they_are_and_long_ones_have_other_ids():
    math = domain("math")
    usual = {one.id for one in math.generate(50)}
    assert not usual & {one.id for one in long(math, 50, 8)}
    assert {len(one.shards) for one in long(math, 50, 7)} == {7}
    assert all(len(one.shards) >= 5 for one in long(math, 50, 5))
    assert {one.id for one in long(math, 50, 3)} <= {one.id for one in math.generate(400)}
    with pytest.raises(
        DomainError, match="of 1,064 instructions of the domain math 0 have 9 shards"
    ):
        long(math, 1, 9)


def test_the_report_shows_the_score_and_what_is_kept_by_number(tmp_path):
    def reply(conversation):
        """Right if the facts came in no more than two turns."""
        said = conversation.said_by("user")
        return toy.solve("\n".join(said)) if len(said) < 4 else "The answer is 999."

    out = tmp_path / "run"
    result = uptake.probe(
        "lost", model=Scripted(reply, name="m"), instructions=toy.generate(8), verify=toy.verify,
        repeats=2, shards="2-8", out=out, progress=False,
    )  # fmt: skip
    assert [result.value("kept", in_shards(k)) for k in (2, 3, 4, 5)] == [1, 1, 0, None]
    console = Console(file=io.StringIO(), width=80)
    terminal(out, console=console)
    text = console.file.getvalue()
    assert "told in so many shards" in text
    assert "sharded-" not in text
    write_report(out)
    page = (out / "report.html").read_text()
    assert "By how many shards" in page
    assert '"shards": 4' in page
