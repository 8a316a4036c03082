"""How well people agree beyond chance: Cohen's kappa of two, Krippendorff's alpha of several.

Numbers in, numbers out. This module knows nothing of what the two decide on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, TypeVar

from uptake.intervals import Ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Decisions", "alpha", "kappa", "masi", "unlike"]

Value = TypeVar("Value", bound=Hashable)

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


def alpha(
    units: Sequence[Sequence[Value]], distance: Callable[[Value, Value], float] | None = None
) -> float | None:
    """Krippendorff's alpha: 1 less the disagreement seen over that of chance.

    `units` hold what each of any number of people said of a unit; who said nothing is left out,
    and a unit of which fewer than two spoke tells nothing. `distance` is 0 for equal values;
    `unlike` unless given. None where nothing could have differed. After Krippendorff 2011.
    """
    apart = distance or unlike
    told = [Counter(unit) for unit in units if len(unit) > 1]
    whole: Counter[Value] = Counter()
    for unit in told:
        whole.update(unit)
    n = whole.total()
    expected = _apart(whole, apart) / (n - 1) if n > 1 else 0.0
    seen = sum(_apart(unit, apart) / (unit.total() - 1) for unit in told)
    return None if expected == 0 else 1 - seen / expected


def _apart(values: Counter[Value], distance: Callable[[Value, Value], float]) -> float:
    """The distances of all ordered pairs of values."""
    return sum(m * n * distance(a, b) for a, m in values.items() for b, n in values.items())


def unlike(a: Hashable, b: Hashable) -> float:
    """1 where two values differ."""
    return float(a != b)


def masi(a: frozenset[str], b: frozenset[str]) -> float:
    """How far two sets are apart, from 0 to 1 (Passonneau 2006).

    Jaccard's distance; what is shared counts by a third where each has something of its own, and
    by two thirds where one holds the other.
    """
    if a == b:
        return 0.0
    shared = len(a & b) / len(a | b)
    return 1 - shared * (2 / 3 if a <= b or b <= a else 1 / 3)
