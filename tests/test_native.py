"""Corpora's labels as acts, and how corpora are read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from uptake.acts import ACTS
from uptake.errors import UptakeError
from uptake.train.corpora import read_corpora
from uptake.train.native import JUDGED, LEARNED, NATIVE, judged


def test_every_line_of_the_table_names_acts_that_there_are_and_says_why():
    assert set(LEARNED) <= set(ACTS)
    for line in NATIVE:
        assert line.why
        assert set(line.shows) <= JUDGED[line.corpus]
        assert set(line.open) <= set(LEARNED)
        assert not set(line.shows) & set(line.open)


def test_a_corpus_is_silent_on_what_it_does_not_judge():
    assert judged("tiage", "A", ["topic_shift"]) == {"topic_open": True}
    assert judged("tiage", "A", ["no_topic_shift"]) == {"topic_open": False}
    assert judged("tiage", "A", []) == {}


def test_what_a_label_leaves_open_is_neither_true_nor_false():
    plain, agrees = judged("mrda", "x", ["s"]), judged("mrda", "x", ["s", "aa"])
    assert plain["acknowledge"] is False
    assert "acknowledge" not in agrees
    both = judged("mrda", "x", ["bk", "aa"])
    assert both["acknowledge"] is True


def test_the_first_line_that_fits_a_label_counts():
    asks = judged("star", "system", ["hotel_ask_confirm_booking"])
    assert (asks["check"], asks["clarify"]) == (True, False)
    assert judged("star", "system", ["hotel_ask_price"])["clarify"] is True
    assert "clarify" not in judged("star", "system", ["trivia_ask_question"])


def test_quoted_speech_is_not_the_speakers():
    assert judged("mrda", "x", ["s", "q:br"])["huh"] is False


def test_a_tutor_is_judged_for_corrections_and_a_student_for_understanding():
    assert judged("cima", "tutor", ["Correction"]) == {"correct_other": True}
    assert judged("cima", "student", ["student:Affirmation"]) == {"acknowledge": True}


def corpus(
    folder: Path, name: str, *dialogues: list[tuple[str, str, list[str]]], split: str
) -> None:
    with gzip.open(folder / f"{name}.jsonl.gz", "at") as lines:
        for number, turns in enumerate(dialogues):
            for place, (speaker, text, labels) in enumerate(turns):
                row = {"dialogue": f"{split}-{number}", "turn": place, "speaker": speaker}
                lines.write(
                    json.dumps({**row, "text": text, "labels": labels, "split": split}) + "\n"
                )


def test_parallel_tutors_become_dialogues_of_their_own(tmp_path: Path):
    said = [
        ("student", "Is it blu?", ["student:Guess"]),
        ("tutor#1", "No, it is rosso.", ["Correction"]),
        ("tutor#2", "Yes.", ["Confirmation"]),
    ]
    corpus(tmp_path, "cima", said, split="train")
    one, two = read_corpora(tmp_path, ["cima"])
    assert [turn.text for turn in one.turns] == ["Is it blu?", "No, it is rosso."]
    assert [turn.text for turn in two.turns] == ["Is it blu?", "Yes."]
    assert two.turns[0].does == {}  # counted once
    assert {turn.speaker for turn in two.turns} == {"student", "tutor"}


def test_dialogues_that_overlap_with_the_test_part_are_left_out(tmp_path: Path):
    long = "have you tried to turn it off and on again?"
    mine = [[("a", f"{name} {long}", ["Comment"])] for name in ("one", "two", "three")]
    corpus(tmp_path, "molweni", mine[0], mine[1], split="dev")
    corpus(tmp_path, "molweni", mine[1], mine[2], split="test")
    found = read_corpora(tmp_path, ["molweni"])
    assert [each.split for each in found if each.split == "test"] == ["test", "test"]
    assert [each.turns[0].text for each in found if each.split != "test"] == [f"one {long}"]


def test_what_is_missing_or_broken_is_named(tmp_path: Path):
    with pytest.raises(UptakeError, match="no tiage"):
        read_corpora(tmp_path, ["tiage"])
    (tmp_path / "tiage.jsonl").write_text('{"dialogue": 1}\n')
    with pytest.raises(UptakeError, match=r"tiage\.jsonl:1"):
        read_corpora(tmp_path, ["tiage"])
