"""When a share that falls turn by turn is down to half of what it was at the first turn.

Numbers in, numbers out. This module knows nothing of what the share is of.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from uptake.intervals import Interval, draws

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["half_life"]


def half_life(shares: Array, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """The first turn, counted from 1, whose share is at most half of the first turn's.

    `shares` is instructions × turns, NaN where nothing was measured; the share of a turn is the
    mean over instructions. Infinite where no turn of those that were played is so low: then the
    half-life is longer than that (right-censored, Kaplan & Meier 1958), and no more is said. NaN
    where the first turn's share is 0. The bounds are the 2.5th and the 97.5th percentile over
    bootstrap resamples of the instructions, each an outcome that some resample has; resamples
    without a half-life are left out.
    """
    import numpy as np

    there = ~np.isnan(shares)
    kept, n = np.where(there, shares, 0.0), int(there[:, :1].sum())
    (value,) = _first(kept.sum(axis=0)[None], there.sum(axis=0)[None])
    if n < 2 or math.isnan(value):
        return Interval(float(value), math.nan, math.nan, n)
    weights = draws(len(shares), resamples, seed)
    found = _first(weights @ kept, weights @ there.astype(float))
    known = np.sort(found[~np.isnan(found)])
    low, high = (known[round(q * (len(known) - 1))] for q in (0.025, 0.975))
    return Interval(float(value), float(low), float(high), n)


def _first(totals: Array, counts: Array) -> Array:
    """The half-life of each row of sums and counts, turn by turn."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        means = totals / counts
    start = means[:, :1]
    low = means <= start / 2
    turn = np.where(low.any(axis=1), low.argmax(axis=1) + 1.0, math.inf)
    return np.where(start[:, 0] > 0, turn, math.nan)
