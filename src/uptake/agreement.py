"""How well two agree on where something belongs, beyond chance: Cohen's kappa.

Numbers in, numbers out. This module knows nothing of what the two decide on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from uptake.intervals import Ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Decisions", "kappa"]

Decisions = Sequence[tuple[bool, bool]]
"""At each place, whether the one did it and whether the other did."""


def kappa(decided: Sequence[Decisions]) -> Ratio:
    """Cohen's kappa over the places of all instructions, as what each instruction adds to it.

    With a and b the shares of places where the one and the other do it, and c where both do,
    kappa = (po - pe) / (1 - pe) of Cohen 1960 is 2 (c - ab) / (a + b - 2ab). It is no mean, so
    each instruction adds its places times kappa, and what it moves a, b and c by, times the
    slopes there (the linearisation of Cochran 1977, 2.11). The sum over the places is kappa, and
    its standard error that of the delta method, with instructions as the units of sampling.

    Where neither ever does it, or both always do, there is nothing to agree on: all 0.
    """
    import numpy as np

    places = np.array([float(len(each)) for each in decided])
    one = np.array([float(sum(x for x, _ in each)) for each in decided])
    other = np.array([float(sum(y for _, y in each)) for each in decided])
    both = np.array([float(sum(x and y for x, y in each)) for each in decided])
    total = places.sum()
    nothing = Ratio(np.zeros(len(decided)), np.zeros(len(decided)), "difference")
    if not total:
        return nothing
    a, b, c = one.sum() / total, other.sum() / total, both.sum() / total
    top, under = 2 * (c - a * b), a + b - 2 * a * b
    if under < 1e-12:
        return nothing
    value = top / under
    moved = (
        2 * (both - c * places)
        - (2 * b + value * (1 - 2 * b)) * (one - a * places)
        - (2 * a + value * (1 - 2 * a)) * (other - b * places)
    ) / under
    scale = np.count_nonzero(places) / total  # as if an instruction had one place
    return Ratio((value * places + moved) * scale, places * scale, "difference")
