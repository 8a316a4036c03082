"""`uptake train acts`, on corpora of a few made-up dialogues."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from uptake.audit.features import Seen
from uptake.audit.learned import calibrate, probabilities, read_weights
from uptake.cli import _run  # pyright: ignore[reportPrivateUsage]
from uptake.train.annotator import Shape, calibrated, fit, read_turns, scored, thinned
from uptake.train.corpora import read_corpora
from uptake.train.counted import best_cut, calibration_error, f1
from uptake.train.native import JUDGED, LEARNED

SAID = {
    "mrda": [("so you mean {} right?", ["bu"]), ("i like {}.", ["s"]), ("what?", ["br"])],
    "molweni": [("which {} is it?", ["Clarification_question"]), ("try {}.", ["Comment"])],
    "tiage": [("do you have a {}?", ["topic_shift"]), ("my {} is nice.", ["no_topic_shift"])],
    "cima": [("no, it is {}.", ["Correction"]), ("{} is right.", ["Hint"])],
    "star": [("which {}?", ["hotel_ask_price"]), ("it is {}.", ["hotel_inform_price"])],
    "casino": [("what {} do you want?", ["elicit-pref"]), ("i want {}.", ["self-need"])],
}
THINGS = "tea bread wood water salt milk rice corn".split()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, said in SAID.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as lines:
            for number in range(60):
                split = ("train", "train", "dev", "test")[number % 4]
                for place in range(6):
                    text, labels = said[rng.integers(len(said))]
                    row = {
                        "dialogue": f"{number}",
                        "speaker": "ab"[place % 2] if name != "cima" else "tutor",
                        "text": text.format(f"{rng.choice(THINGS)}{number}"),
                        "labels": labels,
                        "split": split,
                    }
                    lines.write(json.dumps(row) + "\n")
    return folder


def test_it_learns_what_the_labels_show_and_writes_it_down(data: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert _run(["train", "acts", "--data", str(data), "--out", str(out)]) == 0
    weights = read_weights(out / "acts.npz")
    said = [[Seen("i like tea.", "a"), Seen("so you mean corn right?", "b")]]
    check = probabilities(weights, said)[0][:, LEARNED.index("check")]
    assert check[1] > check[0]
    card = (out / "README.md").read_text()
    for corpus in JUDGED:
        assert f"| {corpus} |" in card
    assert "CC BY 4.0" in card


def test_what_numpy_reads_is_what_torch_learned(data: Path):
    turns = read_turns(read_corpora(data))
    still = Shape(epochs=12, forget=0.0, batch=64)
    weights = fit(turns, turns.which("train"), still, lambda _: None)
    rows = turns.which("test")
    scores = scored(weights, turns)
    ready = calibrated(weights, turns, scores, turns.which("dev"))
    probable = calibrate(ready, scores)
    for act in ("check", "clarify", "correct_other", "topic_open"):
        column = LEARNED.index(act)
        mine = rows[turns.known[rows, column] >= 0]
        does = turns.known[mine, column] == 1
        assert f1(does, probable[mine, column] >= 0.5) > 0.9
        assert calibration_error(probable[mine, column], does) < 0.1


def test_nothing_is_learned_of_what_is_not_judged(data: Path):
    turns = read_turns(read_corpora(data, ["tiage"]))
    weights = fit(turns, turns.which("train"), Shape(batch=64), lambda _: None)
    silent = [place for place, act in enumerate(LEARNED) if act != "topic_open"]
    assert np.all(weights.table[:, weights.width + np.array(silent)] == 0)


def test_the_same_seed_learns_the_same(data: Path):
    turns = read_turns(read_corpora(data, ["tiage", "mrda"]))
    shape = Shape(epochs=1, batch=64)
    one, two = (fit(turns, turns.which("train"), shape, lambda _: None) for _ in range(2))
    assert np.array_equal(one.table, two.table)
    assert np.array_equal(one.outer, two.outer)


def test_fewer_turns_stand_for_all(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("uptake.train.annotator._MOST", 10)
    monkeypatch.setattr("uptake.train.annotator._RARE", 0.0)
    turns = read_turns(read_corpora(data, ["tiage", "mrda"]))
    rows = turns.which("train")
    kept, counts = thinned(turns, rows, np.random.default_rng(0))
    assert len(kept) == 20
    assert counts.sum() == pytest.approx(len(rows))
    assert set(kept) <= set(rows)


def test_the_best_cut_is_one_of_the_probabilities(data: Path):
    turns = read_turns(read_corpora(data, ["tiage"]))
    rows = turns.which("dev")
    column = LEARNED.index("topic_open")
    does = turns.known[:, column] == 1
    probable = np.where(does, 0.4, 0.2).astype(np.float32)
    assert best_cut(turns, probable, rows, column) == pytest.approx(0.4)
    assert f1(does[rows], probable[rows] >= 0.4) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "acts"], "--data"),
        (["train", "acts", "--data", "nowhere"], "nowhere"),
        (["train", "acts", "--data", "x", "--tokens", "5"], "--tokens"),
        (["train", "base", "--data", "x"], "--data goes with acts"),
    ],
)
def test_bad_usage_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert _run(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert said in lines[-1]
