"""Paired differences: what is known of them in closed form, and how often the interval holds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uptake.contrasts import contrasts, holm
from uptake.intervals import Ratio, paired_difference


def mean(values, kind="share"):
    values = np.asarray(values, dtype=float)
    there = ~np.isnan(values)
    return Ratio(np.where(there, values, 0.0), there.astype(float), kind)


def one(first, second, **more):
    return contrasts([(first, second)], **{"resamples": 500, "flips": 2000} | more)[0]


scores = st.lists(st.sampled_from([0.0, 0.3, 0.5, 1.0]), min_size=2, max_size=30)


@settings(deadline=None, max_examples=40)
@given(scores, st.sampled_from(["share", "ratio", "amount"]))
def test_a_side_against_itself_does_not_differ(values, kind):
    found = one(mean(values, kind), mean(values, kind))
    assert (found.value, found.p, found.effect) == (0, 1, 0)
    assert found.low <= 0 <= found.high


@settings(deadline=None, max_examples=40)
@given(scores, st.integers(0, 10**6), st.sampled_from(["share", "ratio", "amount"]))
def test_swapping_the_sides_turns_every_sign(values, seed, kind):
    rng = np.random.default_rng(seed)
    under = rng.choice([0.4, 1.0], (2, len(values)))
    if kind == "share":
        under[:] = 1
    first = Ratio(np.array(values), under[0], kind)
    second = Ratio(rng.permutation(values), under[1], kind)
    there, back = one(first, second), one(second, first)
    assert back.value == -there.value
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert (back.p, back.n) == (there.p, there.n)
    assert back.effect == pytest.approx(-there.effect, nan_ok=True)
    assert there.low - 1e-12 <= there.value <= there.high + 1e-12


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(3, 40))
def test_of_means_it_is_the_paired_difference_and_d_z(seed, n):
    rng = np.random.default_rng(seed)
    first, second = rng.uniform(size=(2, n))
    found, known = one(mean(first), mean(second)), paired_difference(first, second, resamples=500)
    gap = first - second
    assert found.value == pytest.approx(gap.mean())
    assert found.effect == pytest.approx(gap.mean() / gap.std(ddof=1))
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    assert found.p == pytest.approx(known.p, abs=0.06)


def test_where_all_flips_can_be_counted_p_is_their_share():
    gap = np.array([0.3, 0.1, 0.4, -0.1, 0.2, 0.5, 0.05, 0.15])
    found = one(mean(gap + 0.2), mean(np.full(8, 0.2)))
    signs = itertools.product((-1, 1), repeat=8)
    assert found.p == np.mean([abs(gap @ np.array(s)) >= gap.sum() - 1e-9 for s in signs])
    assert found.test == "sign-flip, exact"


@pytest.mark.parametrize(("more", "fewer", "same"), [(9, 2, 10), (5, 5, 0), (40, 11, 100)])
def test_of_right_and_wrong_it_is_mcnemars_exact_test(more, fewer, same):
    first = mean([1.0] * more + [0.0] * fewer + [1.0] * same)
    second = mean([0.0] * more + [1.0] * fewer + [1.0] * same)
    found = one(first, second)
    tail = sum(math.comb(more + fewer, k) for k in range(fewer + 1)) / 2 ** (more + fewer)
    assert found.p == pytest.approx(min(1, 2 * tail))
    assert found.test == "McNemar, exact"


def test_what_one_side_lacks_is_left_out():
    first, second = [0.4, math.nan, 0.6, 0.1], [0.1, 0.2, 0.1, math.nan]
    found = one(mean(first), mean(second))
    assert (found.n, found.first, found.second) == (2, pytest.approx(0.5), pytest.approx(0.1))
    nothing = one(mean([math.nan, 1.0]), mean([1.0, math.nan]))
    assert nothing.n == 0
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.p)


def test_one_instruction_has_a_difference_and_no_interval():
    found = one(mean([1.0]), mean([0.0]))
    assert (found.value, found.p) == (1, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.effect)


def test_sides_of_different_lengths_are_refused_and_no_pair_is_nothing():
    with pytest.raises(ValueError, match="not paired"):
        one(mean([1.0]), mean([1.0, 0.0]))
    assert contrasts([]) == []


def test_an_amount_is_bounded_by_no_score():
    found = one(mean([10.0, 12.0, 15.0, 9.0], "amount"), mean([2.0, 3.0, 1.0, 4.0], "amount"))
    assert found.value == 9
    assert 5 < found.low < 9 < found.high < 14


def simulated(rng, n, kind):
    """A pair of sides that share their instructions' difficulty, and what differs in truth."""
    easy = rng.beta(2, 2, n)
    if kind == "share":
        sides = [rng.binomial(5, np.clip(easy + gain, 0, 1)) / 5 for gain in (0.0, -0.1)]
        truth = 0.5 - np.mean(np.clip(np.random.default_rng(0).beta(2, 2, 400_000) - 0.1, 0, 1))
        return mean(sides[0]), mean(sides[1]), truth
    full = [rng.binomial(10, 0.4 + easy / 2) / 10 for _ in range(2)]
    told = [rng.binomial(10, keeps * (0.4 + easy / 2)) / 10 for keeps in (0.8, 0.6)]
    under = [np.maximum(side, 1e-12) for side in full]
    return Ratio(told[0], under[0], "ratio"), Ratio(told[1], under[1], "ratio"), 0.2


@pytest.mark.parametrize("kind", ["share", "ratio"])
def test_the_interval_covers_the_truth_in_93_of_100_pairs(kind):
    rng = np.random.default_rng(20)
    held = 0
    for _ in range(200):
        first, second, truth = simulated(rng, 60, kind)
        found = one(first, second, resamples=400, flips=1)
        held += found.low <= truth <= found.high
    assert held >= 0.93 * 200


def test_no_difference_is_rejected_as_seldom_as_it_should_be():
    rng = np.random.default_rng(21)
    easy = rng.beta(2, 2, (150, 40))
    pairs = [(mean(rng.binomial(5, e) / 5), mean(rng.binomial(5, e) / 5)) for e in easy]
    p = np.array([found.p for found in contrasts(pairs, resamples=10, flips=2000)])
    assert (p < 0.05).mean() <= 0.10
    assert 0.3 < p.mean() < 0.7


probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(probabilities)
def test_holm_is_its_definition_and_never_lowers(p):
    found = holm(p)
    order = sorted(range(len(p)), key=lambda i: p[i])
    for rank, i in enumerate(order):
        want = max((len(p) - k) * p[order[k]] for k in range(rank + 1))
        assert found[i] == pytest.approx(min(1.0, want))
        assert found[i] >= p[i]


def test_holm_passes_over_what_is_no_test():
    found = holm([0.01, math.nan, 0.04])
    assert found[0] == pytest.approx(0.02)
    assert math.isnan(found[1])
    assert found[2] == pytest.approx(0.04)
