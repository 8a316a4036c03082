"""Which facts of a GSM8K problem its answer hangs on; problems here are made up."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.instruction import Instruction, Shard
from uptake.instructions import read_instructions
from uptake.probes.missing import missing
from uptake.sharding import shard
from uptake.sharding.gaps import COMMON, known_gaps
from uptake.train.tasks import TaskError, Tasks

FACTS = ("How many are left?", "Ann picks 35 pears.", "She gives away 14.", "She is 9 years old.")


def problem(solution: str, answer: str, *texts: str) -> Instruction:
    shards = tuple(Shard(text) for text in texts or FACTS)
    meta = {"solution": f"{solution}\n#### {answer}"}
    return Instruction("one", "math", " ".join(texts or FACTS), shards, answer, meta)


FARM = ("How much does she earn?", "Ann picks 35 pears.", "A pear sells for 4 coins.", "She is 9.")


def test_what_a_sum_takes_is_a_gap_and_what_none_takes_is_not() -> None:
    assert known_gaps(problem("35 * 4 = <<35*4=140>>140 coins.", "140", *FARM)) == (1, 2)


def test_what_leaves_a_problem_by_itself_is_none() -> None:
    """Nobody misses that she gave some away; without what she picked there is nothing to give."""
    assert known_gaps(problem("35 - 14 = <<35-14=21>>21 pears.", "21")) == (1,)


def test_the_question_itself_is_none() -> None:
    asked = "Ann picks 35 pears and sells each for 4. What does she earn?"
    assert known_gaps(problem("<<35*4=140>>", "140", asked, "She is 9 years old.")) == ()


def test_a_number_that_is_told_twice_is_none() -> None:
    twice = (*FARM, "The 35 pears were ripe.")
    assert known_gaps(problem("<<35*4=140>>", "140", *twice)) == (2,)


def test_a_number_that_a_sum_comes_to_is_none() -> None:
    texts = (
        "How many pears are there?",
        "There are 5 bags of 6 pears.",
        "Each of 30 shops has them.",
    )
    assert known_gaps(problem("<<5*6=30>> <<30*30=900>>", "900", *texts)) == (1,)


def test_what_anybody_knows_is_none() -> None:
    texts = ("How many hours is it?", "It takes 13 days.", "A day has 24 hours.")
    assert known_gaps(problem("<<13*24=312>>", "312", *texts)) == (1,)


def test_a_fact_that_does_not_change_the_answer_is_none() -> None:
    texts = ("How many are left?", "Ann picks 35 pears.", "She buys 17 and gives these 17 away.")
    assert known_gaps(problem("<<35+17-17=35>>", "35", *texts)) == ()


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("Ann has 21 left.", "21"),  # no sum
        ("<<35-14=21>>", "22"),  # that comes to something else
        ("<<35-14=20>>", "20"),  # that is wrong
        ("<<35-x(14)=21>>", "21"),  # that cannot be read
        ("<<35-=21>>", "21"),
        ("<<35/0=21>>", "21"),
    ],
)
def test_nothing_is_known_without_sums_that_come_to_the_answer(solution: str, answer: str) -> None:
    assert known_gaps(problem(solution, answer)) == ()


FACTORS = st.integers(13, 999).filter(lambda part: part not in COMMON)


@given(st.lists(FACTORS, min_size=2, max_size=5, unique=True))
def test_every_factor_is_a_gap_and_no_part_of_a_plain_sum_is(numbers: list[int]) -> None:
    told = [f"Shop {chr(65 + i)} has {number} pens." for i, number in enumerate(numbers)]
    product, total = math.prod(numbers), sum(numbers)
    times = f"<<{'*'.join(map(str, numbers))}={product}>>"
    plus = f"<<{'+'.join(map(str, numbers))}={total}>>"
    assert known_gaps(problem(times, str(product), "How many?", *told)) == tuple(
        range(1, len(numbers) + 1)
    )
    assert known_gaps(problem(plus, str(total), "How many?", *told)) == ()


def test_shard_keeps_what_has_a_gap_and_missing_leaves_it_out(tmp_path: Path) -> None:
    problem = "Ann picks 35 pears. She is 9 years old. A pear sells for 4. What does she earn?"
    rows = [
        {"question": problem, "answer": "35*4 = <<35*4=140>>140\n#### 140"},
        {"question": "Ann has a dog. How many dogs is that?", "answer": "One.\n#### 1"},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "mc.jsonl"
    done = asyncio.run(shard(tmp_path / "rows.jsonl", out, gaps=True, progress=False))
    assert [fate.ident for fate in done.dropped] == ["gsm8k/2"]
    assert "unsolvable" in (done.dropped[0].why or "")
    (kept,) = read_instructions(out)
    assert list(kept.meta["gaps"]) == [1, 3]
    for scenario in missing.scenarios(kept):
        assert "9 years" in scenario.turns[0].text
        hole = scenario.condition == "missing"
        assert bool(scenario.hidden & {1, 3}) is hole


def written(folder: Path, count: int) -> str:
    path = folder / "many.jsonl"
    rows = [
        {
            "question": f"Ann picks {60 + n} pears. A pear sells for 3 coins. What does she earn?",
            "answer": f"<<{60 + n}*3={180 + 3 * n}>>\n#### {180 + 3 * n}",
            "id": f"row {n}",
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = folder / "mc.jsonl"
    asyncio.run(shard(path, out, gaps=True, progress=False))
    return str(out)


def test_tasks_are_drawn_from_a_file_and_what_is_held_out_is_never_trained_on(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, 40)
    mixture = {"missing.missing": 0.5, "missing.complete": 0.5}
    met: dict[str, set[str]] = {}
    for split in ("train", "heldout"):
        tasks = Tasks("math", mixture, split=split, instructions=path)
        drawn = [tasks.task(k) for k in range(200)]
        assert drawn == [tasks.task(k) for k in range(200)]
        assert {one.scenario.condition for one in drawn} == {"missing", "complete"}
        met[split] = {one.scenario.instruction.id for one in drawn}
    assert not met["train"] & met["heldout"]
    assert len(met["train"] | met["heldout"]) > 30


def test_a_file_that_is_too_short_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="are for heldout; give it more"):
        Tasks("math", instructions=written(tmp_path, 2), split="heldout")
