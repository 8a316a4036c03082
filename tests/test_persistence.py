"""A constraint that is given up at a known turn: its half-life is known, too."""

from __future__ import annotations

import asyncio

import pytest

from uptake.domains import domain
from uptake.episode import play
from uptake.model import Scripted
from uptake.probes.persistence import METRICS, persistence
from uptake.scores import rows

MATH = domain("math")


def measured(honours):
    """The rows of a model that keeps to the constraint where `honours(instruction, turn)`."""

    async def run():
        return [
            await play(told, said(told, i), verify=MATH.verify, probe="persistence")
            for i, instruction in enumerate(MATH.generate(20, seed=1))
            for told in persistence.scenarios(instruction)
        ]

    def said(told, i):
        replies = [
            line.good if honours(i, turn) else line.poor for turn, line in enumerate(told.turns, 1)
        ]
        return Scripted(replies, name="m")

    found = rows(asyncio.run(run()), {"persistence": METRICS}, bootstrap=300)
    return {f"{row.metric}:{row.condition}": row for row in found if row.score == "last"}


def test_the_share_by_turn_and_its_half_life_are_those_of_the_model():
    found = measured(lambda i, turn: turn < 5 or (turn < 8 and i % 2 == 0))
    shares = [found[f"honoured_by_turn:{turn}:20"].value for turn in range(1, 21)]
    assert shares == [1.0] * 4 + [0.5] * 3 + [0.0] * 13
    low, high = found["honoured_by_turn:6:20"].low, found["honoured_by_turn:6:20"].high
    assert low < 0.5 < high
    for condition in ("10", "20", "40"):
        row = found[f"half_life:{condition}"]
        assert row.value == 5
        assert 5 <= row.low <= row.high <= 8
        assert row.note is None


def test_a_half_life_beyond_the_last_turn_is_not_made_up():
    found = measured(lambda i, turn: True)["half_life:10"]
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.note == "more than 10 turns: never down to half within them"
    assert "nobody" in measured(lambda i, turn: False)["half_life:10"].note


@pytest.mark.parametrize("condition", ["10", "20", "40"])
def test_a_bound_beyond_the_last_turn_is_said(condition):
    found = measured(lambda i, turn: turn == 1 or i < 10)[f"half_life:{condition}"]
    assert (found.value, found.high) == (2, None)
    assert found.note == f"the upper bound is more than {condition} turns"
