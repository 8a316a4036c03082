"""Preference pairs: what is preferred, where, and that a file is the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from uptake.domains import domain
from uptake.errors import UptakeError
from uptake.questions import questions
from uptake.train.pairs import pairs, preferences


def test_a_direct_answer_is_preferred_to_a_question_and_the_reverse():
    for prefer in ("answer", "question"):
        found = list(preferences("math", 20, prefer=prefer))
        assert len(found) == 20
        for pair in found:
            (chosen,), (rejected,) = pair["chosen"], pair["rejected"]
            asking, answering = (rejected, chosen) if prefer == "answer" else (chosen, rejected)
            assert questions(asking["content"])
            assert not questions(answering["content"])
            assert [m["role"] for m in pair["prompt"]] == ["user"]


def test_the_answer_is_right_where_nothing_is_missing_and_wrong_elsewhere():
    math = domain("math")
    openings = {one["prompt"][0]["content"]: one for one in preferences("math", 40)}
    for where, right in (("missing", False), ("complete", True)):
        for pair in preferences("math", 10, where=where):
            assert pair["condition"] == where
            said = pair["chosen"][0]["content"]
            gold = next(
                one
                for one in math.generate(64, seed=0, split="train")
                if one.shards[0].text in pair["prompt"][0]["content"]
                and sum(s.text in pair["prompt"][0]["content"] for s in one.shards)
                >= len(one.shards) - 1
            )
            assert math.verify(gold, said).score == float(right)
    assert {one["condition"] for one in openings.values()} == {"missing", "complete"}


@pytest.mark.parametrize("source", ["database", "actions", "data2text", "summary"])
def test_every_domain_has_pairs(source: str):
    assert len(list(preferences(source, 4))) == 4


def test_the_file_is_the_same_for_the_same_seed(tmp_path: Path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        pairs(out=tmp_path / name, n=6, seed=seed)
    a, b, c = ((tmp_path / name).read_text() for name in "abc")
    assert a == b != c
    assert len([json.loads(line) for line in a.splitlines()]) == 6
    with pytest.raises(UptakeError, match="give 1 or more"):
        pairs(out=tmp_path / "d", n=0)
