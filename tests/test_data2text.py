"""The data2text domain: what is highlighted has to be said, and nothing else made up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from uptake.domains.data2text import checked_by, data2text, scores
from uptake.domains.data2text.check import Cell, covered, invented
from uptake.domains.data2text.tables import KINDS
from uptake.domains.data2text.telling import SAID
from uptake.domains.data2text.values import numbers
from uptake.instruction import Instruction, Shard
from uptake.instructions import read_instructions, write_lic

SPLITS = ("train", "heldout")


@pytest.fixture(scope="module", params=SPLITS)
def some(request: pytest.FixtureRequest) -> list[Instruction]:
    return data2text.generate(300, seed=3, split=request.param)


def cells(one: Instruction) -> list[str]:
    return [one.meta["rows"][i][j] for i, j in one.meta["highlighted"]]


def score(one: Instruction, reply: str) -> float | None:
    return data2text.verify(one, reply).score


def test_a_reference_is_right(some: list[Instruction]) -> None:
    for one in some:
        assert score(one, one.answer) == 1.0, one.answer
        assert score(one, f"Here it is:\n\n{one.meta['references'][-1]}") == 1.0


def test_each_cell_counts(some: list[Instruction]) -> None:
    tried = 0
    for one in some[:40]:
        for cell in cells(one):
            if one.answer.count(cell) == 1:
                tried += 1
                less = score(one, one.answer.replace(cell, "something", 1))
                assert less is not None
                assert less < 1.0, (one.answer, cell)
    assert tried > 80


def test_another_number_or_name_scores_nothing(some: list[Instruction]) -> None:
    for one in some[:40]:
        for found in re.finditer(r"(?<![\w.,:])\d[\d,]*(?![\d.:])", one.answer):
            other = one.answer[: found.start()] + "777,613" + one.answer[found.end() :]
            assert score(one, other) == 0.0, other
        for name in [row[0] for row in one.meta["rows"]]:
            if name in one.answer:
                assert score(one, one.answer.replace(name, "Zorblax Quimpf")) == 0.0
                assert score(one, one.answer[:-1] + ", like Zorblax.") == 0.0


def test_what_takes_no_work_scores_nothing(some: list[Instruction]) -> None:
    for one in some[:40]:
        told = [shard.text for shard in one.shards]
        rows = ["; ".join(row) for row in one.meta["rows"]]
        for reply in (
            "", "I don't know.", "Which cells are highlighted?", one.full, " ".join(told),
            "\n- ".join(told), "\n".join(rows), f"You said: {one.full}", ", ".join(cells(one)),
        ):  # fmt: skip
            verdict = data2text.verify(one, reply)
            assert verdict.score == 0, reply


def test_what_is_said_to_the_user_beside_is_no_invention(some: list[Instruction]) -> None:
    for one in some[:40]:
        shard = next(shard for shard in one.shards if shard.false_claim)
        for beside in (
            f"No, {shard.claim}, not {shard.false_claim}.",
            f"Are you sure that {shard.false_claim}? I read that {shard.claim}.",
            f"You said that {shard.false_claim}, but the table says otherwise.",
        ):
            assert score(one, f"{beside} {one.answer}") == 1.0, beside
        assert score(one, f"And {shard.false_claim}. {one.answer}") == 0.0


def test_the_same_seed_gives_the_same() -> None:
    for split in SPLITS:
        assert data2text.generate(5, seed=4, split=split) == data2text.generate(
            5, seed=4, split=split
        )
        assert data2text.generate(5, seed=4, split=split) != data2text.generate(
            5, seed=5, split=split
        )
    with pytest.raises(ValueError, match="unknown split 'test'"):
        data2text.generate(1, split="test")


def test_the_splits_share_no_wording_kind_or_name() -> None:
    for kind in SAID["train"]:
        assert not set(SAID["train"][kind]) & set(SAID["heldout"][kind])
    assert not {k.name for k in KINDS["train"]} & {k.name for k in KINDS["heldout"]}
    names = [
        {row[0] for one in data2text.generate(300, split=split) for row in one.meta["rows"]}
        for split in SPLITS
    ]
    assert not names[0] & names[1]


def test_shards_know_what_they_state(some: list[Instruction]) -> None:
    for one in some:
        assert 3 <= len(one.shards) <= 8
        assert [shard.value for shard in one.shards if shard.needed][1:] == cells(one)
        for shard in one.shards[1:]:
            assert shard.quantity
            assert shard.value in shard.text
            if shard.needed:
                assert shard.contradicted
                assert shard.contradicted != shard.text
                assert shard.value in one.full


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("12,034", "12034"), ("12\u202f034", "12,034"), ("7", "seven"), ("7th", "Seventh"),
        ("$1,250.50", "1250.5 dollars"), ("12.5 km²", "12.50 square kilometres"),
        ("2:05:09", "2 hours, 5 minutes and 9 seconds"), ("£4.5 million", "4,500,000 pounds"),
        ("11.3%", "11.3 percent"),
    ],
)  # fmt: skip
def test_a_number_may_be_written_otherwise(a: str, b: str) -> None:
    assert numbers(a)[0].value == numbers(b)[0].value


def test_names_lose_case_accents_and_possessives() -> None:
    cell = [Cell("Brügwick", 0)]
    for text in ("BRUGWICK was opened.", "It is Brugwick's bridge.", "It is brügwick’s."):
        assert covered(text, cell) == [True]
        assert invented(text.capitalize(), "Brügwick", cell) == []
    assert covered("Brügwickstead was opened.", cell) == [False]


def test_a_number_of_another_column_or_row_does_not_count() -> None:
    row = [Cell("Ulmton", 0), Cell("41", 0, "points"), Cell("38", 0, "goals")]
    assert covered("Ulmton had 41 points and 38 goals.", row) == [True, True, True]
    assert covered("Ulmton had 38 points and 41 goals.", row) == [True, False, False]
    two = [Cell("Ulmton", 0), Cell("41", 0), Cell("Kelford", 1), Cell("38", 1)]
    assert covered("Ulmton had 41 and Kelford 38.", two) == [True] * 4
    assert covered("Ulmton had 38 and Kelford 41.", two) == [True, False, True, False]


def test_references_alone_are_scored_by_bleu(tmp_path: Path) -> None:
    row = {
        "task": "data2text", "task_id": "totto/1", "table_highlighted_html": "<table>Ann 7</table>",
        "metadata": {"table_page_title": "Ann"}, "fewshot_descriptions": "Bo sang.",
        "references": ["Ann won seven medals in the games of that year."],
        "shards": [{"shard_id": 1, "shard": "Describe <table>Ann 7</table>."}],
    }  # fmt: skip
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row]))
    [one] = read_instructions(path)
    assert checked_by(one) == "BLEU"
    assert score(one, row["references"][0]) == pytest.approx(1.0)
    assert 0 < (score(one, "Ann won seven medals in the games.") or 0) < 1
    assert score(one, "Which year do you mean?") == 0.0
    write_lic(path, [one])
    assert read_instructions(path) == [one]


def test_the_figures_of_a_reply() -> None:
    [one] = data2text.generate(1)
    whole = scores(one, one.answer)
    assert (whole.coverage, whole.faithful) == (1.0, True)
    assert (whole.chrf, whole.bleu) == (pytest.approx(1.0), pytest.approx(1.0))
    nothing = scores(one, "")
    assert (nothing.coverage, nothing.chrf, nothing.bleu) == (0.0, 0.0, 0.0)
    bare = Instruction("x", "data2text", "Describe it.", (Shard("Describe it."),), "It is so.")
    assert checked_by(bare) == "nothing"
    assert score(bare, "It is a nice table.") is None
