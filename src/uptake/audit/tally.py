"""A rate over conversations that can be added up in parts, with its 95% interval.

A rate is events over occasions (questions over replies). Both come in conversations, and those of
one conversation go together, so the conversation is what is drawn: only six sums are kept of any
number of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Rate", "Tally", "apart"]

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its 95% interval: `events` of `occasions`, in `n` conversations that had any.

    `value` and the bounds are None where there was no occasion.
    """

    value: float | None
    low: float | None
    high: float | None
    events: int
    occasions: int
    n: int


@dataclass(slots=True)
class Tally:
    """Sums over conversations of events x and occasions y: n, x, y, x², xy, y²."""

    n: int = 0
    x: int = 0
    y: int = 0
    xx: int = 0
    xy: int = 0
    yy: int = 0

    def add(self, events: int, occasions: int, n: int = 1) -> None:
        """One more conversation, or `n` alike; without an occasion it says nothing."""
        if occasions:
            self.n += n
            self.x += n * events
            self.y += n * occasions
            self.xx += n * events * events
            self.xy += n * events * occasions
            self.yy += n * occasions * occasions

    def merge(self, other: Tally) -> None:
        """Add the sums of other conversations."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def over(self, base: Tally) -> Tally:
        """These events over the occasions of `base`, of which conversations without one tell, too.

        Exact, where `base` counted the same occasions in every conversation with an event.
        """
        return Tally(base.n, self.x, base.y, self.xx, self.xy, base.yy)

    def to_list(self) -> list[int]:
        """The six sums."""
        return [getattr(self, name) for name in self.__slots__]

    @classmethod
    def from_list(cls, sums: Sequence[int]) -> Tally:
        """The tally with these sums."""
        return cls(*sums)

    def rate(self) -> Rate:
        """The rate x / y and its interval.

        Wilson's interval (1927) at the effective number of occasions: as many independent ones
        as would have the variance of the linearised ratio (Cochran 1977, 2.11; Korn & Graubard
        1998 for the device), and the number of conversations where all or none are events.
        """
        if not self.y:
            return Rate(None, None, None, 0, 0, 0)
        p = self.x / self.y
        spread = self.xx - 2 * p * self.xy + p * p * self.yy
        error = spread / (self.y * self.y) * self.n / max(self.n - 1, 1)
        size = float(self.n)
        if 0 < p < 1 and error > 1e-15 and self.n > 1:
            size = min(p * (1 - p) / error, float(self.y))
        low, high = _wilson(min(p, 1.0), size)
        return Rate(p, low, high, self.x, self.y, self.n)


def _wilson(p: float, n: float) -> tuple[float, float]:
    square = _Z * _Z / n
    middle = (p + square / 2) / (1 + square)
    half = _Z * math.sqrt(p * (1 - p) / n + square / (4 * n)) / (1 + square)
    return (0.0 if p == 0 else middle - half), (1.0 if p == 1 else middle + half)


def apart(first: Rate, second: Rate) -> tuple[float, float, float] | None:
    """`first` less `second` with its 95% interval, of independent rates (Newcombe 1998, 10)."""
    a, b = first, second
    if a.value is None or b.value is None:
        return None
    assert a.low is not None and a.high is not None and b.low is not None and b.high is not None  # noqa: PT018
    gap = a.value - b.value
    down = math.hypot(a.value - a.low, b.high - b.value)
    up = math.hypot(a.high - a.value, b.value - b.low)
    return gap, gap - down, gap + up
