"""How close two sentences are: what they share of their words, the rare ones counting more.

This module knows nothing of ledgers, or of what follows from being close.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from uptake.analyst.wording import Wording

__all__ = ["closeness", "dice", "rarity", "share"]


SMALL = 0.15  # what the small words weigh


def rarity(sentences: Iterable[Wording]) -> dict[str, float]:
    """What each key weighs: the less, the more of the sentences have it; values less than words."""
    seen = Counter(key for said in sentences for key in said.keys)
    return {key: (0.6 if key[0] == "=" else 2.0) / (1 + count) for key, count in seen.items()}


def dice(one: Wording, two: Wording, weights: Mapping[str, float]) -> float:
    """Twice the weight that two sentences share, over what both have; at most 1 (Dice 1945).

    Amounts do not count: one of them is what may be wrong. A key without a weight weighs 1.
    """
    a, b = _but_amounts(one), _but_amounts(two)
    both = _weight(a, weights) + _weight(b, weights)
    return 2 * _weight(a & b, weights) / both if both else 0.0


def closeness(one: Wording, two: Wording, weights: Mapping[str, float]) -> float:
    """`dice`, and a little for the small words ("for the first year", "after the first year")."""
    small = Counter(one.frame) & Counter(two.frame)
    both = len(one.frame) + len(two.frame)
    return (1 - SMALL) * dice(one, two, weights) + SMALL * 2 * small.total() / max(both, 1)


def share(about: frozenset[str], said: Wording) -> float:
    """How many of some stems a sentence has, from 0 to 1."""
    return len(about & said.about) / len(about) if about else 0.0


def _but_amounts(said: Wording) -> frozenset[str]:
    return frozenset(key for key in said.keys if not key.startswith("=number"))


def _weight(found: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(key, 1.0) for key in found)
