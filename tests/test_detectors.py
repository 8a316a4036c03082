"""The labelled replies are what their README says, and the script counts them right."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from uptake.acts import ACTS, RuleAnnotator

FOLDER = Path(__file__).parent.parent / "runs" / "detectors"
ROWS = [
    json.loads(line) for line in (FOLDER / "replies.jsonl").read_text(encoding="utf-8").splitlines()
]

spec = importlib.util.spec_from_file_location("measure", FOLDER / "measure.py")
assert spec
assert spec.loader
measure = importlib.util.module_from_spec(spec)
sys.modules["measure"] = measure  # its dataclass looks its module up
spec.loader.exec_module(measure)


def test_the_labels_are_acts_that_the_rules_look_for():
    assert {act for row in ROWS for act in row["acts"]} == RuleAnnotator.finds <= ACTS.keys()


def test_each_reply_has_a_number_of_its_own():
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert f"holds {len(ROWS)} replies" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_what_was_right_wrong_and_missed_is_counted():
    pairs = [(True, True), (True, True), (True, False), (False, True), (False, False)]
    counts = measure.count(pairs)
    assert counts == measure.Counts(right=2, wrong=1, missed=1)
    precision, recall, f1 = counts.rows("check")
    assert precision["value"] == recall["value"] == f1["value"] == pytest.approx(2 / 3)
    assert [precision["n"], recall["n"]] == [3, 3]
    assert all(row["low"] < row["value"] < row["high"] for row in (precision, recall, f1))


def test_f1_is_the_mean_of_precision_and_recall_that_is_harmonic():
    precision, recall, f1 = measure.Counts(right=6, wrong=2, missed=6).rows("x")
    p, r = precision["value"], recall["value"]
    assert f1["value"] == pytest.approx(2 * p * r / (p + r))


def test_what_never_occurs_has_no_figure():
    rows = measure.Counts(right=0, wrong=0, missed=0).rows("x")
    assert [row["value"] for row in rows] == [None, None, None]


def test_an_answer_is_no_question_of_the_assistant():
    turns = [
        ("assistant", "Which year are you asking about?"),
        ("assistant", "$5"),
        ("user", "2019"),
    ]
    item = {"corpus": "pacific", "context": [{"speaker": s, "text": t} for s, t in turns]}
    assert list(measure.answers_of(item)) == ["$5"]
