"""What a rule, a slot and a kind of function are, and how a rule's lines are written.

This module knows nothing of what any rule says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Kind", "Rule", "Slot", "each", "numbered"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One requirement: `code` has a line (or several) for each value that may be said.

    `quantity` names what it settles; `train` and `heldout` state it, with {v} for the value and
    {item}, {items} for the things; `open` states it with the things left open. `needs` are the
    slots without which it leaves something unsaid. A rule that is not `needed` has no lines.
    """

    name: str
    quantity: str
    train: tuple[str, ...]
    heldout: tuple[str, ...]
    open: str
    code: Mapping[str, str] = field(default_factory=dict[str, str])
    needs: tuple[str, ...] = ()
    needed: bool = True

    def say(self, split: str) -> tuple[str, ...]:
        """The wordings of that split."""
        return self.heldout if split == "heldout" else self.train


@dataclass(frozen=True, slots=True)
class Slot:
    """Rules of which one may be drawn, with the probability that one is."""

    name: str
    chance: float
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a function takes, and its slots in the order in which their lines are run.

    `takes` says what, by split; `first` is the line that makes items of the first parameter.
    """

    name: str
    takes: Mapping[str, str]
    first: str
    slots: tuple[Slot, ...]


def numbered(line: str, low: int, high: int) -> dict[str, str]:
    """A line for each value from `low` to `high`, in place of {v}."""
    return each(line, *map(str, range(low, high + 1)))


def each(line: str, *values: str) -> dict[str, str]:
    """A line for each of the values, in place of {v}."""
    return {v: line.format(v=v) for v in values}
