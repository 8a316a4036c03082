"""From episodes to figures: ability, aptitude, unreliability, what is kept, and behaviour.

The definitions are those of Laban et al. 2025, *LLMs Get Lost In Multi-Turn Conversation*
(arXiv 2505.06120): per instruction over its repeats, then averaged over instructions. Every
condition is scored under the same three rules (`Episode.score`).

Pure: no clock, no files, and the same figures for the same episodes and seed. This module knows
nothing of how episodes were played or how figures are shown.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from uptake.cells import Cell, Pending, cells_of, names_of, pending, spoiled
from uptake.episode import Episode
from uptake.halflife import half_life
from uptake.intervals import (
    Difference,
    Interval,
    Ratio,
    intervals,
    paired_difference,
)
from uptake.measures import Figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = [
    "NEAR_ZERO",
    "RESAMPLES",
    "Measured",
    "Row",
    "compare",
    "measured",
    "rows",
]

NEAR_ZERO = 0.05
"""*Kept* is withheld where the interval of FULL reaches below this: the ratio means nothing."""

RESAMPLES = 2000
"""How often the instructions are drawn again for an interval."""


@dataclass(frozen=True, slots=True)
class _Named:
    """Which figure it is. `score` is the rule; figures that no rule touches have "last"."""

    probe: str
    domain: str
    condition: str
    model: str
    mediated: bool
    score: str
    metric: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Which figure it is, of one model under one score: probe, metric and condition."""
        return self.probe, self.metric, self.condition


@dataclass(frozen=True, slots=True)
class Row(_Named):
    """One figure of one condition and model, with its 95% interval.

    `value` is None where it is withheld, and `low` and `high` where there is no interval; `note`
    says why. `n` counts instructions, except for `failures`, `undecided` and `spoiled`: counts
    among `n` episodes.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `note` only where there is one."""
        data = asdict(self)
        return data if self.note else {k: v for k, v in data.items() if k != "note"}


@dataclass(frozen=True)
class Measured(_Named):
    """A row before its interval: what each of `instructions` adds to it, in their order.

    All that is measured in a probe and domain has the same instructions. A `withheld` one means
    nothing, as `note` says.
    """

    instructions: tuple[str, ...]
    ratio: Ratio
    withheld: bool
    note: str | None


def rows(
    episodes: Iterable[Episode],
    metrics: Mapping[str, Sequence[Figure]] | None = None,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> list[Row]:
    """Every figure of every probe, domain, condition and model, in long form.

    Under each rule: `mean` (P), `a90` (aptitude), `u90_10` (unreliability) and, for conditions
    other than `full`, `kept`. Once for each condition, with `score` "last": `right_then_wrong`,
    `attempted_first`, `asked`, `turns`, `words`, `tokens`, `failures`, `undecided`; where a model
    played the user, `faithful` and `spoiled`; and, where the conversation has turns,
    `score_by_first_attempt:B` and `first_attempt:B` for each bucket B and for "never",
    `score_by_turn:K` and `score_by_shards:K`. `docs/statistics.md` defines each.
    Then the `metrics` of each probe, by its name.

    Intervals come from `bootstrap` resamples of the instructions, the same for all figures of a
    domain. Failed episodes have no score and are left out of it, never counted as 0.
    """
    found: list[Row] = []
    for cells in cells_of(episodes):
        figures = pending(cells, names_of(cells), metrics)
        bounds = intervals([f.ratio for f in figures], resamples=bootstrap, seed=seed)
        bounds = [
            interval if f.curve is None else half_life(f.curve, resamples=bootstrap, seed=seed)
            for f, interval in zip(figures, bounds, strict=True)
        ]
        low = {
            (*f.cell.speaker, f.score): i.low
            for f, i in zip(figures, bounds, strict=True)
            if f.cell.condition == "full" and f.metric == "mean"
        }
        for cell in cells:
            for figure, interval in zip(figures, bounds, strict=True):
                if figure.cell is cell:
                    found.append(_row(figure, interval, low.get((*cell.speaker, figure.score))))
            found += _counts(cell)
    return found


def measured(
    episodes: Iterable[Episode], metrics: Mapping[str, Sequence[Figure]] | None = None
) -> list[Measured]:
    """What `rows` takes intervals of, instruction by instruction; no counts and half-lives."""
    found: list[Measured] = []
    for cells in cells_of(episodes):
        names = names_of(cells)
        for f in pending(cells, names, metrics):
            if f.curve is not None:  # no average over instructions
                continue
            c = f.cell
            key = (c.probe, c.domain, c.condition, c.model, c.mediated, f.score, f.metric)
            found.append(Measured(*key, tuple(names), f.ratio, f.withheld, f.note))
    return found


def compare(
    first: Iterable[Episode],
    second: Iterable[Episode],
    *,
    rule: str = "last",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Mean score of `first` less that of `second`, on the instructions that both played.

    For one model under two conditions, or two models under one. Instructions are paired; the test
    is `intervals.paired_difference`. Instructions without a score on either side are left out.
    """
    import numpy as np

    left, right = _means(first, rule), _means(second, rule)
    both = sorted(left.keys() & right.keys())
    return paired_difference(
        np.array([left[key] for key in both]),
        np.array([right[key] for key in both]),
        resamples=bootstrap,
        seed=seed,
    )


def _means(episodes: Iterable[Episode], rule: str) -> dict[tuple[str, str], float]:
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for episode in episodes:
        score = episode.score(rule)
        if score is not None:
            scores[episode.domain, episode.instruction_id].append(score)
    return {key: sum(found) / len(found) for key, found in scores.items()}


def _row(figure: Pending, interval: Interval, full_low: float | None) -> Row:
    cell, note, withheld = figure.cell, figure.note, figure.withheld
    if interval.n == 0:
        withheld, note = True, "nothing was measured"
    elif figure.curve is not None:
        note = _censored(interval, figure.curve.shape[1])
    elif interval.n == 1 and not withheld:
        note = "one instruction: no interval"
    if figure.metric == "kept" and not withheld and not (full_low and full_low >= NEAR_ZERO):
        withheld = True
        note = f"withheld: the 95% interval of FULL reaches below {NEAR_ZERO:g}"
    bounds = (None, None, None) if withheld else (interval.value, interval.low, interval.high)
    value, low, high = (None if b is None or not math.isfinite(b) else b for b in bounds)
    return Row(
        cell.probe,
        cell.domain,
        cell.condition,
        cell.model,
        cell.mediated,
        figure.score,
        figure.metric,
        value,
        low,
        high,
        interval.n,
        note,
    )


def _censored(interval: Interval, turns: int) -> str | None:
    """What a half-life that lies beyond the last turn, or that there is none of, has to say."""
    if math.isnan(interval.value):
        return "no half-life: nobody does it at the first turn"
    if math.isinf(interval.value):
        return f"more than {turns} turns: never down to half within them"
    return f"the upper bound is more than {turns} turns" if math.isinf(interval.high) else None


def _counts(cell: Cell) -> Iterator[Row]:
    """How many episodes ended in an error, were undecided, or were spoiled by the user's model."""
    episodes = list(cell.episodes)
    failed = sum(e.ended == "error" for e in episodes)
    judged = [e for e in episodes if e.ended != "error" and not e.compared]
    undecided = sum(e.score("last") is None for e in judged)
    counts = [("failures", failed), ("undecided", undecided)]
    if any(e.user != "scripted" for e in episodes):
        counts.append(("spoiled", sum(map(spoiled, episodes))))
    for metric, count in counts:
        yield Row(
            cell.probe,
            cell.domain,
            cell.condition,
            cell.model,
            cell.mediated,
            "last",
            metric,
            float(count),
            None,
            None,
            len(episodes),
        )
