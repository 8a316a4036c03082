"""Two sides measured on the same instructions: difference, interval, paired test, effect size.

Each side is a `Ratio`: an average over instructions, or a ratio of two such averages. Whatever was
measured on one instruction stays together, in a resample as in a permutation. The methods and
their sources are told in `docs/compare.md`.

This module knows nothing of episodes, models or what a number means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uptake.intervals import Ratio, draws, rare, reach

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["FLIPS", "Contrast", "contrasts", "holm"]

FLIPS = 20_000
"""How many permutations are drawn for a p-value: enough to stand the adjustment of a long table."""

CHUNK = 2000  # flips at once

NOTHING = 1e-9  # less than this is rounding


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two values on the `n` instructions that both sides have, and `first` less `second`.

    `low` and `high` bound the difference at 95%, `p` is two-sided, and `effect` is Cohen's d_z:
    NaN each where it cannot be known. `test` names what gave p.
    """

    first: float
    second: float
    value: float
    low: float
    high: float
    p: float
    effect: float
    n: int
    test: str


def contrasts(
    pairs: Sequence[tuple[Ratio, Ratio]],
    *,
    resamples: int = 2000,
    flips: int = FLIPS,
    seed: int = 0,
) -> list[Contrast]:
    """Each pair compared; all `pairs` have the same instructions in the same order.

    An instruction without a measurement on either side is left out of that pair. The interval is
    the paired bootstrap-t of the difference, its error that of the linearised ratios (Cochran
    1977, 2.11; Efron & Tibshirani 1993, 12.5), with the exact bounds of `intervals` where few
    instructions differ; an amount gets the percentile interval. p is from flipping the signs of
    what each instruction adds to the difference (Good 2005; for ratios Hemerik, Goeman & Finos
    2020), all flips where 2^n is no more than `flips`, and never below 1 / (flips + 1) where they
    are drawn; where all that differ do so by the same amount that is McNemar's exact test (1947).
    The effect is d_z, the mean difference over its standard deviation (Cohen 1988, 2.3.5).

    Raises:
        ValueError: two of them have different lengths.
    """
    import numpy as np

    lengths = {len(ratio.numerator) for pair in pairs for ratio in pair}
    if not lengths:
        return []
    if len(lengths) > 1:
        raise ValueError(f"not paired: {sorted(lengths)} instructions")
    (n,) = lengths
    sides = [_Sides(first, second) for first, second in pairs]
    weights = draws(n, resamples, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [_contrast(side, weights) for side in sides]
    tests = _tests(
        [side.parts(c.first, c.second) for side, c in zip(sides, found, strict=True)], flips, seed
    )
    return [replace(c, p=p, test=test) for c, (p, test) in zip(found, tests, strict=True)]


def holm(p: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number (Holm 1979); NaN is no test, and stays NaN.

    Whoever calls those below 0.05 different is wrong about any of them in at most 5% of tables.
    """
    found = [math.nan] * len(p)
    tested = sorted((i for i, value in enumerate(p) if not math.isnan(value)), key=lambda i: p[i])
    highest = 0.0
    for rank, i in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * p[i]))
        found[i] = highest
    return found


class _Sides:
    """Two ratios on the instructions that both have; what is left out is 0 in all four columns."""

    def __init__(self, first: Ratio, second: Ratio) -> None:
        import numpy as np

        self.kind = first.kind
        self.both = (first.denominator > 0) & (second.denominator > 0)
        self.n = int(self.both.sum())
        columns = (first.numerator, first.denominator, second.numerator, second.denominator)
        self.columns = np.stack([np.where(self.both, c, 0.0) for c in columns], axis=1)

    def difference(self, weights: Array) -> tuple[Array, Array, Array]:
        """First, second, and the standard error of their difference, under each row of weights."""
        import numpy as np

        top, under, other, below = (weights @ self.columns).T
        first, second = top / under, other / below
        part = np.stack([1 / under, -first / under, -1 / below, second / below], axis=1)
        products = (self.columns[:, :, None] * self.columns[:, None, :]).reshape(-1, 16)
        moments = (weights @ products).reshape(-1, 4, 4)
        squares = np.einsum("ri,rij,rj->r", part, moments, part)
        # Where the residuals are 0, rounding leaves about 1e-16 of what was subtracted.
        whole = np.einsum("ri,rij,rj->r", np.abs(part), moments, np.abs(part))
        squares = np.where(squares <= 1e-12 * whole, 0.0, squares)
        return first, second, np.sqrt(squares * self.n / max(self.n - 1, 1))

    def parts(self, first: float, second: float) -> Array:
        """What each instruction adds to the difference: their mean over the `n` is that.

        Linearised at the middle of the two, as a score is under the hypothesis of no difference.
        """
        top, under, other, below = self.columns.T
        middle = (first + second) / 2
        left = (top - middle * under) / under.sum()
        return (left - (other - middle * below) / below.sum()) * self.n

    def furthest(self) -> float:
        """The most that one instruction can add, in units of its share: 1 for a mean of scores,
        2 for one of differences in [-1, 1].
        """
        _, under, _, below = self.columns.T
        if self.kind == "ratio":
            return self.n / float(min(under.sum(), below.sum()))
        widest = 2.0 if self.kind == "difference" else 1.0
        return widest * self.n * max(float(y.max() / y.sum()) for y in (under, below))


def _contrast(sides: _Sides, weights: Array) -> Contrast:
    """Everything but the test, which all pairs share the permutations of."""
    import numpy as np

    if sides.n == 0:
        nan = math.nan
        return Contrast(nan, nan, nan, nan, nan, nan, nan, 0, "none")
    ones = np.ones((1, len(sides.columns)))
    first, second, error = (float(each[0]) for each in sides.difference(ones))
    value = first - second
    low, high = _bounds(sides, value, error, sides.parts(first, second), weights)
    spread = error * math.sqrt(sides.n)
    if abs(value) < NOTHING:
        effect = 0.0
    else:
        effect = value / spread if spread > NOTHING else math.nan
    return Contrast(first, second, value, low, high, math.nan, effect, sides.n, "none")


def _bounds(
    sides: _Sides, value: float, error: float, parts: Array, weights: Array
) -> tuple[float, float]:
    """The 95% interval of a difference; see `contrasts`."""
    import numpy as np

    if sides.n < 2:
        return math.nan, math.nan
    if error < NOTHING:
        return _agreed(sides, value)
    first, second, errors = sides.difference(weights)
    again = first - second
    if sides.kind == "amount":
        low, high = np.nanquantile(again, (0.025, 0.975))
        return float(low), float(high)
    t = np.where(errors > 1e-12, (again - value) / errors, np.sign(again - value) * np.inf)
    t = np.where(np.abs(again - value) < 1e-12, 0.0, t)
    under, over = reach(np.where(np.isnan(t), 0.0, t))
    counts = np.array([(parts < -NOTHING).sum(), (parts > NOTHING).sum()])
    fewer, more = rare(counts, np.array([sides.n, sides.n])) * sides.furthest()
    most = {"share": 1.0, "difference": 2.0}.get(sides.kind, math.inf)
    low = max(-most, -float(fewer), value - float(over) * error)
    return low, min(most, float(more), value - float(under) * error)


def _agreed(sides: _Sides, value: float) -> tuple[float, float]:
    """Bounds where all instructions differ by the same: exact, as `intervals` has them."""
    if sides.kind == "amount":
        return value, value
    share = 0.025 ** (1 / sides.n)
    unseen = (1 - share) * sides.furthest()
    return value * share - unseen, value * share + unseen


def _tests(parts: Sequence[Array], flips: int, seed: int) -> list[tuple[float, str]]:
    """The two-sided p of no difference and the name of its test, of each column of `parts`."""
    found = [_exact(column, flips) for column in parts]
    drawn = [i for i, exact in enumerate(found) if exact is None]
    p = dict(zip(drawn, _flipped([parts[i] for i in drawn], flips, seed), strict=True))
    return [exact or (p[i], "sign-flip") for i, exact in enumerate(found)]


def _exact(parts: Array, flips: int) -> tuple[float, str] | None:
    """The p over all flips, where they can be counted; None where they must be drawn."""
    import numpy as np

    if np.isnan(parts).any():
        return math.nan, "none"
    differ = parts[np.abs(parts) > NOTHING]
    if not len(differ):
        return 1.0, "none differ"
    if float(np.ptp(np.abs(differ))) < NOTHING:
        return _mcnemar(int((differ > 0).sum()), len(differ)), "McNemar, exact"
    if 2 ** len(differ) > flips:
        return None
    sums = np.zeros(1)
    for part in differ:
        sums = np.concatenate([sums + part, sums - part])
    as_far = np.abs(sums) >= abs(float(differ.sum())) - NOTHING
    return float(as_far.mean()), "sign-flip, exact"


def _flipped(parts: Sequence[Array], flips: int, seed: int) -> list[float]:
    """Each p, from the same drawn flips, some at a time to spare memory."""
    import numpy as np

    if not parts:
        return []
    columns = np.stack(parts, axis=1)
    least = np.abs(columns.sum(axis=0)) - NOTHING * len(columns)
    rng, as_far = np.random.default_rng([seed, 1]), np.zeros(len(parts))
    for start in range(0, flips, CHUNK):
        shape = min(CHUNK, flips - start), len(columns)
        signs = rng.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1
        as_far += (np.abs(signs @ columns) >= least).sum(axis=0)
    return [float(p) for p in (1 + as_far) / (flips + 1)]


def _mcnemar(more: int, differ: int) -> float:
    """The exact two-sided p that `more` of the `differ` go one way, were both ways as likely."""
    ways = sum(math.comb(differ, k) for k in range(min(more, differ - more) + 1))
    return min(1.0, 2 * ways / 2**differ)
