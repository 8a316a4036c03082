"""How many instructions an interval takes: by the formula, and by the intervals that come out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import run

from uptake.errors import UptakeError
from uptake.intervals import Ratio, intervals
from uptake.run.width import Spread, describe_width, kept_spread, needed, spread

parts = st.builds(Spread, st.floats(0, 0.25), st.floats(0, 0.25))


def test_the_number_is_that_of_a_poll():
    assert needed(Spread(0.25, 0.0), 0.06, 1) == 1068  # within 3 points, the textbook's example


@given(parts, st.floats(0.01, 0.5), st.integers(1, 30))
def test_narrower_takes_more_and_repeats_take_less(found, width, repeats):
    n = needed(found, width, repeats)
    assert needed(found, width / 2, repeats) >= n
    assert needed(found, width, repeats + 1) <= n
    assert (1 - width) ** n <= 0.025 + 1e-9  # even if all agree


@pytest.mark.parametrize("width", [0.0, 1.0, -0.1, 5.0])
def test_a_width_that_is_none_is_one_line(width):
    with pytest.raises(UptakeError, match="between 0 and 1"):
        needed(Spread(0.1, 0.1), width, 1)


def simulated(rng, n, repeats):
    easy = rng.beta(2, 2, n)
    return {str(i): [float(s) for s in rng.binomial(1, p, repeats)] for i, p in enumerate(easy)}


def test_the_two_parts_are_those_of_the_population():
    found = spread(simulated(np.random.default_rng(1), 4000, 4))
    assert found.between == pytest.approx(0.05, abs=0.01)  # the variance of a beta(2, 2)
    assert found.within == pytest.approx(0.2, abs=0.01)
    assert found.instructions == 4000


def test_an_interval_of_that_many_instructions_is_as_wide_as_was_wished():
    rng = np.random.default_rng(2)
    pilot = spread(simulated(rng, 200, 3))
    n = needed(pilot, 0.1, 5)
    means = np.array([np.mean(s) for s in simulated(rng, n, 5).values()])
    got = intervals([Ratio(means, np.ones(n))])[0]
    assert got.high - got.low == pytest.approx(0.1, abs=0.015)


def test_kept_of_that_many_instructions_is_as_wide_as_was_wished():
    rng = np.random.default_rng(3)

    def played(n, repeats):
        easy = 0.4 + rng.beta(2, 2, n) / 2
        return [
            {
                str(i): [float(s) for s in rng.binomial(1, keeps * p, repeats)]
                for i, p in enumerate(easy)
            }
            for keeps in (1.0, 0.7)
        ]

    n = needed(kept_spread(*played(300, 4)), 0.12, 6)
    full, told = ([np.mean(s) for s in side.values()] for side in played(n, 6))
    got = intervals([Ratio(np.array(told), np.array(full), "ratio")])[0]
    assert got.high - got.low == pytest.approx(0.12, abs=0.03)


def test_one_repeat_or_one_instruction_says_nothing():
    assert spread({"a": [1.0], "b": [0.0]}) is None
    assert spread({"a": [1.0, 0.0]}) is None
    assert kept_spread({"a": [0.0, 0.0], "b": [0.0, 0.0]}, {"a": [1.0, 0], "b": [1.0, 1.0]}) is None
    assert kept_spread({"a": [1.0, 0.0]}, {"b": [1.0, 0.0]}) is None


def test_the_table_goes_by_what_was_played_and_else_by_what_may_be():
    blank = describe_width([], 0.05, 7)
    header = next(line for line in blank.splitlines() if line.endswith(" 20"))
    assert header.split() == ["1", "3", "5", "7", "10", "20"]
    assert "near 50%" in blank
    known = describe_width([e for e in run() if e.model == "m"], 0.05, 10)
    assert "from 8 instructions" in known
    assert "kept of sharded" in known
    assert "mean of full" in known
