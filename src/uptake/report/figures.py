"""Looks figures up among rows, and puts them into words.

This module knows nothing of where the words are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from uptake.measures import Course, Figure
from uptake.partners import ORACLE
from uptake.probes import metrics
from uptake.probes.granularity import shards_of
from uptake.scores import Row

__all__ = ["Figures", "groups", "percent", "reach", "shown", "span", "span_of"]


@dataclass(frozen=True)
class Figures:
    """The rows of one model in one probe and domain. `control`: it is there to be compared with.

    `metrics` are those that the probe has of its own.
    """

    probe: str
    domain: str
    model: str
    mediated: bool
    control: bool
    metrics: tuple[Figure, ...]
    conditions: tuple[str, ...]
    table: dict[tuple[str, str, str], Row] = field(repr=False)

    @property
    def name(self) -> str:
        """The model, and that it was mediated, if it was."""
        return f"{self.model} (mediated)" if self.mediated else self.model

    @property
    def headline(self) -> str | None:
        """The condition whose *kept* is the headline: `sharded`, or else the last with one."""
        told = [c for c in self.conditions if self.get("kept", c)]
        return "sharded" if "sharded" in told else told[-1] if told else None

    @property
    def told(self) -> tuple[str, ...]:
        """The conditions without those that only differ in how many shards they tell in."""
        return tuple(c for c in self.conditions if shards_of(c) is None)

    @property
    def levels(self) -> list[tuple[int, str]]:
        """The conditions that tell in so many shards, the fewest first; told as a list is one."""
        found = [(count, c) for c in self.conditions if (count := shards_of(c)) is not None]
        once = [(1, "concat")] if found and "concat" in self.conditions else []
        return once + sorted(found)

    @property
    def by_skill(self) -> bool:
        """Whether the probe has a headline of its own, in place of what is kept."""
        return any(metric.headline for metric in self.metrics)

    @property
    def skills(self) -> list[tuple[Figure, Row]]:
        """The probe's own metrics that were measured, in order; none if kept is its headline."""
        return self._measured() if self.by_skill else []

    @property
    def details(self) -> list[tuple[Figure, Row]]:
        """What the probe measures beside what is kept, and has a value."""
        if self.by_skill:
            return []
        return [(metric, row) for metric, row in self._measured() if row.value is not None]

    def _measured(self) -> list[tuple[Figure, Row]]:
        found = [(metric, self.get(metric.name, metric.condition)) for metric in self.metrics]
        return [(metric, row) for metric, row in found if row is not None]

    def get(self, metric: str, condition: str, score: str = "last") -> Row | None:
        """One row, None where there is none."""
        return self.table.get((metric, condition, score))

    def value(self, metric: str, condition: str, score: str = "last") -> float | None:
        """One value, None where there is none or it is withheld."""
        row = self.get(metric, condition, score)
        return None if row is None else row.value


def groups(rows: Iterable[Row], probed: Collection[str] = ()) -> list[list[Figures]]:
    """For each probe and domain, the figures of each model: those that are probed come first.

    A constant policy is a control, unless it is itself what was `probed`.
    """
    found: dict[tuple[str, str], dict[tuple[str, bool], list[Row]]] = {}
    for row in rows:
        models = found.setdefault((row.probe, row.domain), {})
        models.setdefault((row.model, row.mediated), []).append(row)
    return [
        sorted(
            (_figures(part, probed) for part in models.values()),
            key=lambda f: (f.control, f.model == ORACLE, f.model not in probed, f.mediated),
        )
        for models in found.values()
    ]


def percent(value: float | None) -> str:
    """0.613 as "61%"; a dash where there is no value."""
    return "–" if value is None else f"{100 * value:.0f}%"


def span(row: Row | None) -> str:
    """The interval as "[57, 65]", in percent; empty where there is none."""
    if row is None or row.low is None or row.high is None:
        return ""
    return f"[{100 * row.low:.0f}, {100 * row.high:.0f}]"


def shown(metric: Figure, value: float | None) -> str:
    """A value of a metric: a share in percent, a difference in signed points, or an amount."""
    if value is None:
        return "–"
    if metric.kind == "amount":
        return f"{value:.1f}"
    return f"{100 * value:+.0f}" if metric.kind == "difference" else percent(value)


def span_of(metric: Figure, row: Row | None) -> str:
    """The interval of a metric as "[57, 65]"; a note in its place where there is none."""
    if isinstance(metric, Course) and row is not None and row.note:
        least = "" if row.low is None else f"at least {row.low:.0f}, "
        return f"{least}{row.note.partition(':')[0]}"
    if row is None or row.low is None or row.high is None:
        return ""
    if metric.kind == "amount":
        return f"[{row.low:.1f}, {row.high:.1f}]"
    return span(row)


def reach(metric: Figure, controls: Iterable[Figures]) -> str:
    """From the least to the most that a constant policy comes to, as "0% to 100%"."""
    values = [control.value(metric.name, metric.condition) for control in controls]
    known = {shown(metric, value): value for value in values if value is not None}
    if not known:
        return "–"
    least, most = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return least if least == most else f"{least} to {most}"


def _figures(rows: Sequence[Row], probed: Collection[str]) -> Figures:
    first = rows[0]
    return Figures(
        first.probe,
        first.domain,
        first.model,
        first.mediated,
        first.model.startswith("policy:") and first.model not in probed,
        metrics([first.probe], {row.condition for row in rows}).get(first.probe, ()),
        tuple(_ordered({row.condition for row in rows})),
        {(row.metric, row.condition, row.score): row for row in rows},
    )


def _ordered(conditions: set[str]) -> list[str]:
    order = ("full", "concat", "sharded", "shuffled", "recap", "snowball")
    known = [c for c in order if c in conditions]
    return known + sorted(conditions.difference(order))
