"""How well an annotator's probabilities do on labelled turns: where to cut, F1, calibration.

This module knows nothing of where the probabilities came from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uptake.audit.features import Floats, Ints
from uptake.train.annotator import Turns

__all__ = ["best_cut", "calibration_error", "f1"]

Bools = NDArray[np.bool_]


def best_cut(turns: Turns, probable: Floats, rows: Ints, act: int) -> float:
    """The probability of one act from which on F1 over `rows` is highest, corpora counting alike.

    `probable` is of every turn, (n,). Where no row has the act, one half.
    """
    _, of, counts = np.unique(turns.corpus[rows], return_inverse=True, return_counts=True)
    weight = 1.0 / counts[of]
    order = np.argsort(-probable[rows], kind="stable")
    likely = probable[rows][order]
    does = (turns.known[rows, act] == 1)[order] * weight[order]
    if not does.any():
        return 0.5
    found = 2 * np.cumsum(does) / (np.cumsum(weight[order]) + does.sum())
    ends = np.append(np.diff(likely) != 0, True)  # no cut between equals
    return float(likely[np.argmax(np.where(ends, found, 0))])


def f1(does: Bools, found: Bools) -> float:
    """F1 of what was found of what is there; 0 where both are nothing."""
    return float(2 * (does & found).sum() / max(int(does.sum() + found.sum()), 1))


def calibration_error(probable: Floats, does: Bools, bins: int = 15) -> float:
    """Expected calibration error (Naeini et al. 2015), over bins of equal width."""
    which = np.minimum((probable * bins).astype(np.int64), bins - 1)
    gaps: NDArray[Any] = np.bincount(which, does - probable, minlength=bins)
    return float(np.abs(gaps).sum() / max(len(probable), 1))
