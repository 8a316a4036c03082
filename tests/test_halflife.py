from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.halflife import half_life


def course(*shares: float, n: int = 40):
    """Instructions of which so many are still so at each turn."""
    return np.array([[float(i < round(share * n)) for share in shares] for i in range(n)])


@pytest.mark.parametrize(
    ("shares", "turn"),
    [
        ((1.0, 0.8, 0.5, 0.5), 3),
        ((0.6, 0.4, 0.3), 3),
        ((1.0, 0.4, 0.9, 0.1), 2),
        ((1.0, 0.9, 0.51), math.inf),
        ((1.0,), math.inf),
    ],
)
def test_it_is_the_first_turn_with_at_most_half_of_the_first_turns_share(shares, turn):
    found = half_life(course(*shares, n=100))
    assert found.value == turn
    assert found.low <= turn <= found.high
    assert found.n == 100


def test_where_nobody_begins_there_is_none():
    assert math.isnan(half_life(course(0.0, 0.0)).value)


@given(st.integers(0, 50))
def test_the_interval_holds_what_is_sure_and_says_where_it_ends_beyond(seed):
    sure = half_life(course(1.0, 1.0, 0.0), seed=seed)
    assert (sure.low, sure.value, sure.high) == (3, 3, 3)
    unsure = half_life(course(1.0, 0.55, 0.53, n=40), seed=seed)
    assert unsure.low == 2
    assert unsure.high == math.inf


def test_turns_that_were_not_played_count_for_nothing():
    shares = course(1.0, 1.0, 0.5, n=10)
    shares[:5, 2] = np.nan  # those who still did
    assert half_life(shares).value == 3
    shares[5:, 2] = np.nan
    assert half_life(shares).value == math.inf
