"""Every figure against a calculation that is written otherwise: plain loops and numpy's own."""

from __future__ import annotations

import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from uptake.intervals import Ratio, intervals, paired_difference, percentile, wilson

unit = st.floats(0, 1, width=32)


def mean(values) -> Ratio:
    return Ratio(np.asarray(values, float), np.ones(len(values)))


@settings(deadline=None)
@given(
    arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 12)), elements=unit),
    st.sampled_from([0.1, 0.5, 0.9]),
    st.data(),
)
def test_percentiles_are_numpys_on_what_is_there(values, q, data):
    missing = data.draw(arrays(bool, values.shape))
    values = np.where(missing, np.nan, values)
    found = percentile(values, q)
    for row, got in zip(values, found, strict=True):
        there = row[~np.isnan(row)]
        want = np.percentile(there, 100 * q) if len(there) else np.nan
        assert got == pytest.approx(want, abs=1e-12, nan_ok=True)


def loop_bootstrap_t(top, under, kind, resamples, seed):
    """The same interval, drawn and worked out one resample after the other."""
    n = len(top)
    scale = (lambda v: math.log(v / (1 - v))) if kind == "share" else math.log
    slope = (lambda v: 1 / (v * (1 - v))) if kind == "share" else (lambda v: 1 / v)

    def measure(t, u):
        value = t.sum() / u.sum()
        rest = t - value * u
        return value, math.sqrt(n / (n - 1) * (rest @ rest)) / u.sum()

    value, error = measure(top, under)
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    distances = []
    for rows in drawn:
        again, errors = measure(top[rows], under[rows])
        distances.append((scale(again) - scale(value)) / (slope(again) * errors))
    tail = math.floor(0.025 * resamples)
    either = sorted(abs(t) for t in distances)[-1 - 2 * tail]
    over = max(sorted(distances)[-1 - tail], either)
    below = min(sorted(distances)[tail], -either)
    ends = [scale(value) - t * slope(value) * error for t in (over, below)]
    back = (lambda v: 1 / (1 + math.exp(-v))) if kind == "share" else math.exp
    return value, back(ends[0]), back(ends[1])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["share", "ratio"]))
def test_intervals_are_those_of_a_plain_loop(seed, kind):
    rng = np.random.default_rng([seed, 9])
    top = rng.uniform(0.05, 0.5, 40)
    under = np.ones(40) if kind == "share" else rng.uniform(0.55, 1, 40)
    got = intervals([Ratio(top, under, kind)], resamples=200, seed=seed)[0]
    value, low, high = loop_bootstrap_t(top, under, kind, 200, seed)
    assert (got.value, got.low, got.high) == pytest.approx((value, low, high), rel=1e-9)
    assert got.n == 40


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=2, max_size=60))
def test_an_interval_holds_its_value_and_stays_where_scores_can_be(values):
    got = intervals([mean(values)], resamples=200)[0]
    assert got.value == pytest.approx(np.mean(values))
    assert 0 <= got.low <= got.value + 1e-12
    assert got.value - 1e-12 <= got.high <= 1


def test_instructions_without_a_measurement_change_nothing_but_n():
    values = np.array([0.2, 0.9, 0.4, 0.7, 0.5])
    padded = Ratio(np.append(values, 0.0), np.append(np.ones(5), 0.0))
    got = intervals([padded], resamples=500)[0]
    assert got.value == pytest.approx(values.mean())
    assert got.n == 5


def test_where_all_agree_the_bound_is_exact():
    low = intervals([mean([1.0] * 100)])[0].low
    assert low**100 == pytest.approx(0.025)
    high = intervals([mean([0.0] * 100)])[0].high
    assert (1 - high) ** 100 == pytest.approx(0.025)


@pytest.mark.parametrize(("seen", "n"), [(1, 100), (2, 100), (3, 20)])
def test_where_few_differ_the_bound_is_that_of_clopper_and_pearson(seen, n):
    got = intervals([mean([0.0] * seen + [1.0] * (n - seen))])[0]
    share = 1 - got.low
    rarer = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(seen + 1))
    assert rarer <= 0.025 + 1e-9
    assert got.low > 0.5


def test_the_same_conditions_keep_everything_and_pairing_narrows():
    rng = np.random.default_rng(3)
    full = rng.uniform(0.3, 1, 50)
    sharded = full * rng.uniform(0.55, 0.65, 50)
    same, paired, shuffled = intervals(
        [
            Ratio(full, full, "ratio"),
            Ratio(sharded, full, "ratio"),
            Ratio(rng.permutation(sharded), full, "ratio"),
        ]
    )
    assert same.value == 1
    assert paired.value == pytest.approx(shuffled.value)
    assert paired.high - paired.low < (shuffled.high - shuffled.low) / 3


def test_one_instruction_has_a_value_and_no_interval():
    got = intervals([mean([0.5])])[0]
    assert got.value == 0.5
    assert math.isnan(got.low)
    assert math.isnan(got.high)


def test_the_test_of_a_difference_is_the_exact_one():
    gap = np.array([0.3, 0.1, 0.4, -0.1, 0.2, 0.5, 0.05, 0.15])
    found = paired_difference(gap + 0.2, np.full(8, 0.2), resamples=40_000)
    signs = itertools.product((-1, 1), repeat=8)
    exact = np.mean([abs(gap @ np.array(s)) >= gap.sum() - 1e-9 for s in signs])
    assert found.p == pytest.approx(exact, abs=0.005)
    assert found.value == pytest.approx(gap.mean())
    assert found.low < found.value < found.high


def test_no_difference_is_no_difference():
    found = paired_difference(np.ones(30), np.ones(30))
    assert found.p == 1
    assert found.low < 0 < found.high


def test_differences_leave_out_what_one_side_lacks_and_refuse_what_is_not_paired():
    found = paired_difference(np.array([0.4, np.nan, 0.6]), np.array([0.1, 0.2, 0.1]))
    assert found.n == 2
    assert math.isnan(paired_difference(np.array([]), np.array([])).p)
    with pytest.raises(ValueError, match="not paired"):
        paired_difference(np.ones(2), np.ones(3))


def test_a_score_interval_is_wilsons():
    # The worked example of Newcombe 1998: 81 of 263.
    assert [round(bound, 4) for bound in wilson(81, 263)] == [0.2553, 0.3662]
    assert wilson(0, 0) == (0, 1)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == pytest.approx(1)


def test_the_docs_show_the_coverage_that_was_measured():
    root = Path(__file__).parent.parent
    result = json.loads((root / "runs/results/coverage.json").read_text())
    shown = (root / "docs/statistics.md").read_text()
    rows = re.findall(r"^\| (\S+) \| (\d+) \| ([\d.]+) \(([\d.]+)\) \|", shown, re.MULTILINE)
    names = {"mean": "mean", "a90": "A90", "u90_10": "U90−10", "kept": "kept"}
    assert rows == [
        (names[s["statistic"]], str(s["n"]), f"{100 * s['mean']:.1f}", f"{100 * s['worst']:.1f}")
        for s in result["summary"]
        if s["method"] == "uptake"
    ]
    assert result["date"] in shown


def test_coverage_was_measured_to_be_enough():
    root = Path(__file__).parent.parent
    result = json.loads((root / "runs/results/coverage.json").read_text())
    ours = [line for line in result["summary"] if line["method"] == "uptake"]
    assert {line["n"] for line in ours} == {20, 50, 100, 200}
    assert all(line["mean"] >= 0.93 for line in ours)
    assert all(line["worst"] >= 0.93 for line in ours if line["n"] >= 100)
