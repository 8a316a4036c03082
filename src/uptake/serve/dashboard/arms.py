"""The arms of a roll-out side by side: shares with intervals, means, and where to draw them.

Turns of one conversation are not independent, so an interval counts conversations, as if all turns
of one were alike: wide rather than narrow. Pure; knows nothing of how an arm was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uptake.intervals import wilson
from uptake.serve.records import ArmCount

__all__ = ["Bar", "Plot", "plots", "read"]

WIDE = 100.0
"""The width of a plot, in units of its own."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One arm in a plot: the share, its 95% interval, and all three in units of width."""

    arm: str
    share: float
    low: float
    high: float
    at: float
    left: float
    right: float
    of: int


@dataclass(frozen=True, slots=True)
class Plot:
    """A share of turns, arm by arm; `top` is the share at the right edge."""

    title: str
    means: str
    top: float
    bars: tuple[Bar, ...]


def read(arm: ArmCount) -> bool:
    """Whether it is known what users put right: as it came, a conversation may not be read at all.

    Nothing found there is then no sign of contented users.
    """
    return arm.arm != "original" or arm.repairs > 0


def plots(arms: Sequence[ArmCount]) -> tuple[Plot, ...]:
    """What can be compared: how often users put something right, and how often a reply failed."""
    return (
        _plot(
            "The user puts something right",
            "Turns that correct, take back or doubt what was said.",
            [(arm, arm.repairs) for arm in arms if read(arm)],
        ),
        _plot(
            "No reply",
            "Turns whose reply failed.",
            [(arm, arm.failed) for arm in arms],
        ),
    )


def _plot(title: str, means: str, counts: Sequence[tuple[ArmCount, int]]) -> Plot:
    found = [
        (arm, hits / arm.turns, *_bounds(hits / arm.turns, arm.conversations))
        for arm, hits in counts
        if arm.turns and arm.conversations
    ]
    top = _round_up(max((high for *_, high in found), default=1.0))
    bars = tuple(
        Bar(
            arm=arm.arm,
            share=share,
            low=low,
            high=high,
            at=round(WIDE * share / top, 2),
            left=round(WIDE * low / top, 2),
            right=round(WIDE * high / top, 2),
            of=arm.conversations,
        )
        for arm, share, low, high in found
    )
    return Plot(title, means, top, bars)


def _bounds(share: float, conversations: int) -> tuple[float, float]:
    return wilson(share * conversations, conversations)


def _round_up(share: float) -> float:
    """The next tenth, 1 at most."""
    return min(1.0, (int(share * 10) + 1) / 10)
