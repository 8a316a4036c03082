"""Weights of the annotator, and the acts that they give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from uptake.acts import ACTS
from uptake.audit import Heard, audit, audits
from uptake.audit.annotator import ADDED, LearnedMarks
from uptake.audit.features import BUCKETS, PLACED, Seen
from uptake.audit.heard import listen
from uptake.audit.learned import (
    NEXT,
    Weights,
    probabilities,
    read_weights,
    shipped,
    write_weights,
)
from uptake.conversation import Conversation
from uptake.errors import UptakeError

TALKS = [
    Conversation()
    .user("Book me a table.")
    .assistant("So you mean for tonight, right?")
    .user("No, I meant tomorrow.")
    .assistant("Got it, tomorrow."),
    Conversation(),
    Conversation().user("Thanks"),
]


def made(acts: tuple[str, ...] = ("check", "huh"), width: int = 3, hidden: int = 4) -> Weights:
    rng = np.random.default_rng(0)
    numbers, k = PLACED + NEXT + 1, len(acts)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return Weights(
        acts,
        rng.integers(-9, 9, (BUCKETS, width + k)).astype(np.int8),
        np.full(width + k, 0.1, np.float32),
        drawn(5 * width + numbers, hidden),
        drawn(hidden),
        drawn(hidden, k),
        drawn(numbers, k),
        drawn(k),
        np.ones(k, np.float32),
        np.zeros(k, np.float32),
    )


@pytest.mark.parametrize("width", [0, 3])
def test_what_was_written_is_read(tmp_path: Path, width: int):
    weights = made(width=width, hidden=4 if width else 0)
    write_weights(tmp_path / "acts.npz", weights)
    again = read_weights(tmp_path / "acts.npz")
    said = [[Seen("Is it red?", "user"), Seen("yes", "assistant")]]
    assert again.acts == weights.acts
    assert np.array_equal(probabilities(again, said)[0], probabilities(weights, said)[0])


def test_a_file_that_is_none_is_refused(tmp_path: Path):
    path = tmp_path / "acts.npz"
    with pytest.raises(UptakeError, match="no weights"):
        read_weights(path)
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UptakeError, match="no weights"):
        read_weights(path)
    write_weights(path, made(acts=("juggle", "huh")))
    with pytest.raises(UptakeError, match="another version"):
        read_weights(path)


def test_conversations_read_together_are_read_as_alone():
    weights = made()
    said = [[Seen("Is it red?", "a"), Seen("yes", "b")], [], [Seen("What?", "a")]]
    together = probabilities(weights, said)
    assert [each.shape for each in together] == [(2, 2), (0, 2), (1, 2)]
    for each, alone in zip(together, said, strict=True):
        assert np.allclose(each, probabilities(weights, [alone])[0], atol=1e-6)
    assert probabilities(weights, []) == []


def test_the_weights_that_ship_are_whole():
    weights = shipped()
    assert set(weights.acts) <= set(ACTS)
    for acts in ADDED.values():
        assert acts <= set(weights.acts)


def test_many_are_audited_as_one_by_one():
    assert [found.marks for found in audits(TALKS)] == [audit(talk).marks for talk in TALKS]


def test_marks_point_at_turns_before_and_quote_what_was_said():
    heard: list[Heard] = [listen(talk) for talk in TALKS]
    for each, marks in zip(heard, LearnedMarks().many(heard), strict=True):
        assert list(marks) == list(each.turns)
        for at, found in marks.items():
            for mark in found:
                assert mark.name in ACTS
                assert 0.5 <= mark.probability <= 1
                assert mark.target is None or mark.target < at
                assert mark.said in each.texts[at]


def test_what_was_learned_is_added_to_what_rules_find(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "uptake.audit.annotator.ADDED",
        {"user": frozenset({"huh"}), "assistant": frozenset({"check"})},
    )
    always = made()
    always = Weights(
        always.acts,
        *(getattr(always, name) for name in Weights.__slots__[1:-2]),
        np.zeros(2, np.float32),
        np.array([5, -5], np.float32),
    )
    marks = LearnedMarks(always).marks(listen(TALKS[0]))
    checks = {at: [m for m in found if m.name == "check"] for at, found in marks.items()}
    assert [bool(checks[at]) for at in (0, 1, 2, 3)] == [False, True, False, True]
    assert [(m.said, m.probability) for m in checks[1]] == [("So you mean for tonight, right?", 1)]
    (added,) = checks[3]
    assert (added.said, round(added.probability, 3), added.target) == ("", 0.993, 2)
    assert not any(m.name == "huh" for found in marks.values() for m in found)
