"""Percentiles, bootstrap intervals and paired tests: numbers in, numbers out.

Everything here is an average over instructions, or a ratio of two such averages, so one function
gives every interval. Instructions are what is drawn again; whatever was measured on one of them,
under several conditions or by several models, stays together.

This module knows nothing of episodes, models or what a number means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = [
    "Difference",
    "Interval",
    "Kind",
    "Ratio",
    "draws",
    "intervals",
    "paired_difference",
    "percentile",
    "rare",
    "reach",
    "wilson",
]

Kind = Literal["share", "difference", "ratio", "amount"]
"""What bounds a statistic: [0, 1]; [-1, 1]; a ratio of two averages in [0, 1]; nothing but 0."""

CHUNK = 32  # statistics at once: keeps the resampled sums of 200 instructions within 30 MB


@dataclass(frozen=True)
class Ratio:
    """A statistic: the sum of `numerator` over the sum of `denominator`, both one an instruction.

    A mean has denominators of 1. An instruction on which nothing was measured has 0 in both.
    """

    numerator: Array
    denominator: Array
    kind: Kind = "share"


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95% interval, from `n` instructions.

    All NaN where nothing was measured; the bounds are NaN where one instruction is all there is.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean paired difference, its 95% interval, and the two-sided p of no difference."""

    value: float
    low: float
    high: float
    p: float
    n: int


def percentile(values: Array, q: float) -> Array:
    """The `q`-th quantile (0 to 1) of each row of `values` (instructions × repeats).

    Linear interpolation between order statistics, at rank (m - 1)·q of m values: definition 7 of
    Hyndman & Fan 1996, numpy's default. NaN marks a repeat without a value and is left out; a row
    without any value gives NaN.
    """
    import numpy as np

    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)  # NaN sorts last
    present = np.sum(~np.isnan(values), axis=1)
    rank = np.maximum(present - 1, 0) * q
    below = np.floor(rank).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(present - 1, 0))
    rows = np.arange(len(values))
    low, high = ordered[rows, below], ordered[rows, above]
    return low + (high - low) * (rank - below)


def intervals(ratios: Sequence[Ratio], *, resamples: int = 2000, seed: int = 0) -> list[Interval]:
    """95% bootstrap-t intervals, all from the same resamples of the instructions.

    Each statistic is studentised by its linearised standard error and taken on a scale without
    bounds (logit for a share, log for a ratio or an amount; a difference stays as it is), as
    Efron & Tibshirani 1993, chapter 12, advise; on each side the wider of the equal-tailed and
    the symmetric interval (Hall 1988) is taken. Where so few instructions differ that resamples
    miss them, exact bounds take over (`_outer`, `_agreed`). An amount gets the plain percentile
    interval. This was chosen by coverage: see `runs/coverage.py`.

    All `ratios` must have the same instructions in the same order.
    """
    import numpy as np

    if not ratios:
        return []
    weights = draws(len(ratios[0].numerator), resamples, seed)
    found: list[Interval] = []
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for start in range(0, len(ratios), CHUNK):
            found += _intervals(ratios[start : start + CHUNK], weights)
    return found


def paired_difference(
    first: Array, second: Array, *, resamples: int = 2000, seed: int = 0
) -> Difference:
    """Is `first` higher than `second` on the same instructions? Values are paired by position.

    The interval is the bootstrap-t of `intervals`, on the plain scale. p is from a sign-flip test
    (Good 2005): were the two exchangeable on each instruction, each difference could as well have
    had the other sign. It is never below 1 / (resamples + 1). NaN marks an instruction that one
    of them lacks.

    Raises:
        ValueError: the two have different lengths.
    """
    import numpy as np

    if first.shape != second.shape:
        raise ValueError(f"not paired: {len(first)} values and {len(second)}")
    gap = first - second
    gap = gap[~np.isnan(gap)]
    n = len(gap)
    if n == 0:
        return Difference(math.nan, math.nan, math.nan, math.nan, 0)
    value = float(gap.mean())
    if n == 1:
        low, high = math.nan, math.nan
    elif float(np.ptp(gap)) < 1e-9:  # as in `_agreed`, with what is unseen between -1 and 1
        share = 0.025 ** (1 / n)
        low, high = value * share - (1 - share), value * share + (1 - share)
    else:
        low, high = _studentised_mean(gap, draws(n, resamples, seed))
    flips = np.random.default_rng([seed, 1]).integers(0, 2, (resamples, n), dtype=np.int8) * 2 - 1
    as_far = np.abs(flips @ gap) >= abs(float(gap.sum())) - 1e-9
    return Difference(value, low, high, float((1 + as_far.sum()) / (resamples + 1)), n)


def draws(n: int, resamples: int, seed: int) -> Array:
    """How often each of `n` instructions is drawn in each resample: (resamples, n)."""
    import numpy as np

    drawn = np.random.default_rng(seed).integers(0, max(n, 1), (resamples, n))
    drawn += np.arange(resamples)[:, None] * n
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n).astype(float)


def _intervals(ratios: Sequence[Ratio], weights: Array) -> list[Interval]:
    import numpy as np

    top = np.stack([ratio.numerator for ratio in ratios], axis=1)
    under = np.stack([ratio.denominator for ratio in ratios], axis=1)
    bounded = np.array([ratio.kind == "share" for ratio in ratios])
    signed = np.array([ratio.kind == "difference" for ratio in ratios])
    held = np.sum(under > 0, axis=0)
    values, error = _statistic(np.ones((1, len(top))), top, under, held)
    value = values[0]
    again, errors = _statistic(weights, top, under, held)
    low, high = _bootstrap_t(value, error[0], again, errors, bounded, signed)
    least, most = _outer(top, under, held, bounded, signed)
    low, high = np.fmax(low, least), np.fmin(high, most)
    found: list[Interval] = []
    for i, ratio in enumerate(ratios):
        n = int(held[i])
        bounds = (float(low[i]), float(high[i]))
        if n < 2:
            bounds = (math.nan, math.nan)
        elif float(error[0, i]) < 1e-9:
            bounds = _agreed(float(value[i]), n, ratio)
        elif ratio.kind == "amount":
            bounds = tuple(float(q) for q in np.nanquantile(again[:, i], (0.025, 0.975)))
        found.append(Interval(float(value[i]), bounds[0], bounds[1], n))
    return found


def _statistic(weights: Array, top: Array, under: Array, held: Array) -> tuple[Array, Array]:
    """Each ratio under each row of weights, and its standard error: (rows, ratios) both.

    The error is that of the linearised ratio (Cochran 1977, section 2.11), from the residuals
    top - value·under; for a mean it is s / √n.
    """
    import numpy as np

    total = weights @ under
    value = (weights @ top) / total
    tops = weights @ top**2
    squares = tops - 2 * value * (weights @ (top * under)) + value**2 * (weights @ under**2)
    # Where the residuals are 0, rounding leaves about 1e-16 of what was subtracted.
    squares = np.where(squares <= 1e-12 * tops, 0.0, squares)
    shrunk = held / np.maximum(held - 1, 1)
    return value, np.sqrt(shrunk * squares) / total


def _bootstrap_t(
    value: Array,
    error: Array,
    again: Array,
    errors: Array,
    bounded: NDArray[np.bool_],
    signed: NDArray[np.bool_],
) -> tuple[Array, Array]:
    import numpy as np

    centre, slope = _unbound(value, bounded, signed)
    moved, slopes = _unbound(again, bounded, signed)
    distance = moved - centre
    t = distance / (slopes * errors)
    # A resample without spread is as far off as can be, unless it is where the value is.
    still = ~(slopes * errors > 0) | ~np.isfinite(t)
    t = np.where(still, np.where(np.abs(again - value) < 1e-12, 0.0, np.sign(again - value)), t)
    t = np.where(still & (t != 0), t * np.inf, t)
    under, over = reach(np.where(np.isnan(again), 0.0, t))
    low = centre - over * slope * error
    high = centre - under * slope * error
    return _rebound(low, bounded, signed), _rebound(high, bounded, signed)


def reach(t: Array) -> tuple[Array, Array]:
    """How far the studentised distances `t` (one a row) go, below and above."""
    import numpy as np

    tail = math.floor(0.025 * len(t))
    either = np.sort(np.abs(t), axis=0)[-1 - 2 * tail]
    t = np.sort(t, axis=0)
    return np.minimum(t[tail], -either), np.maximum(t[-1 - tail], either)


def _unbound(
    value: Array, bounded: NDArray[np.bool_], signed: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Logit of what is bounded by 1, itself where it has a sign, log of the rest; and the slope."""
    import numpy as np

    odds = np.where(bounded, value / (1 - value), value)
    slope = 1 / np.where(bounded, value * (1 - value), value)
    return np.where(signed, value, np.log(odds)), np.where(signed, 1.0, slope)


def _rebound(value: Array, bounded: NDArray[np.bool_], signed: NDArray[np.bool_]) -> Array:
    import numpy as np

    odds = np.exp(value)
    return np.where(signed, value, np.where(bounded, 1 / (1 + np.exp(-value)), odds))


def _outer(
    top: Array,
    under: Array,
    held: NDArray[np.int64],
    bounded: NDArray[np.bool_],
    signed: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """Bounds that hold even where so few instructions differ that resamples miss them.

    At most `rare` of all instructions score above 0, so a mean is at most that; at most `rare`
    of them score below 1 (or, for a ratio, other than its reference), so it is at least 1 less
    that. For a ratio, in units of the mean denominator. A difference in [-1, 1] is as close to 0
    as few instructions can move it.
    """
    import numpy as np

    unit = np.where(bounded | signed, 1.0, under.sum(axis=0) / np.maximum(held, 1))
    some = rare(np.sum(top > 0, axis=0), held) / unit
    fewer = rare(np.sum(top < under, axis=0), held) / unit
    more = np.where(bounded, 0.0, rare(np.sum(top > under, axis=0), held) / unit)
    down = rare(np.sum(top < 0, axis=0), held)
    least = np.where(signed, -np.fmin(down, 1.0), 1 - fewer)
    return least, np.where(signed, np.fmin(some, 1.0), np.fmin(some, 1 + more))


def rare(seen: NDArray[np.int64], n: NDArray[np.int64]) -> Array:
    """The largest probability at which `seen` of `n` or fewer would not be rarer than 2.5%.

    The exact upper bound of Clopper & Pearson 1934, by bisection; infinite beyond 30 seen, where
    it never matters.
    """
    import numpy as np

    i = np.arange(1, 31)[:, None]
    ways = np.cumsum(np.log(np.maximum(n - i + 1, 1e-300) / i), axis=0)
    ways = np.vstack([np.zeros((1, len(n))), ways])
    i = np.arange(31)[:, None]
    low, high = np.zeros(len(n)), np.ones(len(n))
    for _ in range(40):
        p = (low + high) / 2
        terms = np.exp(ways + i * np.log(p) + (n - i) * np.log1p(-p))
        likely = np.sum(np.where((i <= seen) & (i <= n), terms, 0.0), axis=0) > 0.025
        low, high = np.where(likely, p, low), np.where(likely, high, p)
    bound = np.where(seen >= n, 1.0, high)
    return np.where(seen > 30, np.inf, bound)


def _agreed(value: float, n: int, ratio: Ratio) -> tuple[float, float]:
    """Bounds where all `n` instructions give the same: exact, from that alone.

    Were they to give `value` with a probability below b = 0.025^(1/n), to see only it n times
    would be rarer than 2.5%. So at least the share b of all instructions gives `value`, and the
    rest give what they may: from 0 to 1 (over the mean denominator, where there is one).
    """
    if ratio.kind == "amount":
        return value, value
    share = 0.025 ** (1 / n)
    if ratio.kind == "difference":
        return value * share - (1 - share), value * share + (1 - share)
    most = 1.0 if ratio.kind == "share" else n / float(ratio.denominator.sum())
    return value * share, value * share + (1 - share) * most


def _studentised_mean(values: Array, weights: Array) -> tuple[float, float]:
    import numpy as np

    n = len(values)
    value, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(n)
    again = weights @ values / n
    spread = np.sqrt(np.maximum(weights @ values**2 / n - again**2, 0) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(spread > 1e-12, (again - value) / spread, np.sign(again - value) * np.inf)
    under, over = reach(np.nan_to_num(t, nan=0.0, posinf=np.inf, neginf=-np.inf))
    # A difference of two scores lies in [-1, 1], and as close to 0 as few instructions can move it.
    fewer, more = rare(np.array([(values < 0).sum(), (values > 0).sum()]), np.array([n, n]))
    low, high = value - float(over) * error, value - float(under) * error
    return max(-1.0, -float(fewer), low), min(1.0, float(more), high)


def wilson(hits: float, n: float) -> tuple[float, float]:
    """The 95% score interval of a share of `n` (Wilson 1927); (0, 1) where `n` is 0."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959964
    p, scale = hits / n, 1 + z * z / n
    middle = p + z * z / (2 * n)
    width = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale)
