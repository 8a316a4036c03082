"""What a probe measures of its own: the kinds of figures it may name, and what each is read off.

This module knows nothing of how a figure is worked out of many episodes (`scores`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from uptake.agreement import Decisions
from uptake.episode import Episode

__all__ = ["Agreement", "Course", "Figure", "Metric"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a probe reads off the episodes of one instruction and repeat.

    `of` takes them by condition, all with a score, and gives a number, or None where there is
    nothing to say. A `pooled` metric is the mean over all that have one, each counting alike;
    any other is first averaged over the repeats of an instruction. `kind` says what the values
    are: a "share" in [0, 1], a "difference" of two in [-1, 1], or an "amount" above 0. `condition`
    is what the row is filed under; `headline` ones are shown first; `meaning` is half a sentence.
    `sides` says of a difference when an episode falls short, for each condition it is made of.
    """

    name: str
    condition: str
    of: Callable[[Mapping[str, Episode]], float | None]
    meaning: str
    kind: Literal["share", "difference", "amount"] = "share"
    pooled: bool = False
    headline: bool = False
    sides: tuple[tuple[str, Callable[[Episode], bool]], ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a probe reads off where two agree beyond chance: Cohen's kappa over many decisions.

    `of` takes what `Metric.of` does and gives the decisions of both, place by place; the kappa is
    that of all places of all episodes. `people` is what two people come to, where that is known.
    The rest is as in `Metric`.
    """

    name: str
    condition: str
    of: Callable[[Mapping[str, Episode]], Decisions]
    meaning: str
    headline: bool = False
    people: float | None = None
    kind: Literal["difference"] = "difference"


@dataclass(frozen=True, slots=True)
class Course:
    """What a probe follows turn by turn: the share at each turn, and its half-life.

    `of` takes what `Metric.of` does and says for each turn whether it was so; None where there is
    nothing to say. The shares are rows `by_turn:1`, `by_turn:2` and so on, under the name that
    `by_turn` gives; the row `name` is the half-life in turns (`halflife`). The rest is as in
    `Metric`.
    """

    name: str
    by_turn: str
    condition: str
    of: Callable[[Mapping[str, Episode]], Sequence[bool] | None]
    meaning: str
    headline: bool = False
    kind: Literal["amount"] = "amount"


Figure = Metric | Agreement | Course
"""Whatever a probe measures of its own."""
