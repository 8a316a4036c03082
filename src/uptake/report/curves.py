"""The plots over a count: by when the first answer came, by turn, by what was told, by shards.

This module knows nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from uptake.cells import BUCKETS
from uptake.measures import Agreement, Course
from uptake.report.figures import Figures
from uptake.report.scales import bounds, hued, tips, y
from uptake.scenario import AT_ONCE

if TYPE_CHECKING:
    import altair as alt

    Plot = alt.LayerChart | alt.FacetChart

__all__ = ["attempts", "course", "levels", "revealed", "turns"]

LONGEST = 1000  # turns
HEIGHT = 260

# What a line is drawn over: the name of the count, and what stands at the axis.
TURN = ("turn", "turn")
SHARDS_TOLD = ("shards", "shards told")
IN_SHARDS = ("shards", "told in so many shards; 1: at once, as a list")


def attempts(figures: Figures) -> Plot | None:
    """The premature-answer curve: the score by when the first attempt came."""
    import altair as alt

    told = figures.headline
    values: list[dict[str, Any]] = []
    for bucket in BUCKETS:
        row = figures.get(f"score_by_first_attempt:{bucket}", told) if told else None
        if row is not None and row.value is not None and told:
            share = figures.value(f"first_attempt:{bucket}", told) or 0.0
            values.append(
                bounds(row) | {"when": bucket.replace("-", "–") + "%", "share": 100 * share}
            )
    if not values:
        return None
    order = [bucket.replace("-", "–") + "%" for bucket in BUCKETS]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X(
            "when:N",
            sort=order,
            scale=alt.Scale(domain=order),
            title="first attempt, in percent of the conversation",
            axis=alt.Axis(labelAngle=0),
        ),
        tooltip=tips("when", "score", "low", "high", "share"),
    )
    return alt.layer(
        base.mark_rule(strokeWidth=3, color="@accent", opacity=0.35, strokeCap="round").encode(
            y=y("low"), y2="high:Q"
        ),
        base.mark_line(color="@accent", strokeWidth=1.5, opacity=0.7).encode(y=y("score")),
        base.mark_circle(color="@accent", opacity=1).encode(
            y=y("score"),
            size=alt.Size(
                "share:Q", legend=None, scale=alt.Scale(domain=[0, 100], range=[30, 700])
            ),
        ),
        base.mark_text(dy=-20, dx=17, fontWeight=600, color="@ink").encode(
            y=y("score"), text="label:N"
        ),
    ).properties(width="container", height=HEIGHT)


def turns(figures: Figures) -> Plot | None:
    """The score of each reply, turn by turn, of conditions that have turns.

    Nothing for a probe that follows something else turn by turn, or compares with people.
    """
    if any(isinstance(metric, Course | Agreement) for metric in figures.metrics):
        return None
    lines = {
        # The second turn of what is told at once is only where the model asked back.
        condition: _series(figures, "score_by_turn", condition)
        for condition in figures.told
        if condition.partition("@")[0] not in (*AT_ONCE, "complete", "missing", "distracted")
    }
    return _lines({c: line for c, line in lines.items() if len(line) > 1}, TURN)


def revealed(figures: Figures) -> Plot | None:
    """The revealed-shards curve: the score by how many shards were told."""
    if any(isinstance(metric, Agreement) for metric in figures.metrics):
        return None
    lines = {c: _series(figures, "score_by_shards", c) for c in figures.told}
    return _lines({c: line for c, line in lines.items() if len(line) > 1}, SHARDS_TOLD)


def levels(figures: Figures) -> Plot | None:
    """The score and what is kept by the number of shards that the same is told in."""
    lines = {
        name: [
            (count, bounds(row))
            for count, condition in figures.levels
            if (row := figures.get(metric, condition)) is not None and row.value is not None
        ]
        for name, metric in (("score", "mean"), ("kept", "kept"))
    }
    return _lines({name: line for name, line in lines.items() if line}, IN_SHARDS)


def course(figures: Figures) -> Plot | None:
    """The share of what the probe follows turn by turn; None where it follows nothing."""
    lines = {
        metric.condition: _series(figures, metric.by_turn, metric.condition)
        for metric in figures.metrics
        if isinstance(metric, Course)
    }
    return _lines({c: line for c, line in lines.items() if line}, TURN)


def _series(figures: Figures, metric: str, condition: str) -> list[tuple[int, dict[str, Any]]]:
    """The points of one line: the number after the metric's colon, and the row."""
    found = ((k, figures.get(f"{metric}:{k}", condition)) for k in range(1, LONGEST))
    return [(k, bounds(row)) for k, row in found if row is not None and row.value is not None]


def _lines(
    lines: Mapping[str, Sequence[tuple[int, dict[str, Any]]]], over: tuple[str, str]
) -> Plot | None:
    """One line a condition over a count, with its band."""
    import altair as alt

    count, title = over
    values = [
        point | {"condition": condition, count: k}
        for condition, line in lines.items()
        for k, point in line
    ]
    if not values:
        return None
    last = max(k for line in lines.values() for k, _ in line)
    step = 1 if last <= 12 else 5
    marks = [1, *range(step, last + 1, step)] if step > 1 else list(range(1, last + 1))
    axis = alt.X(
        f"{count}:Q",
        title=title,
        scale=alt.Scale(domain=[1, max(last, 2)], nice=False),
        axis=alt.Axis(format="d", grid=False, values=marks),
    )
    base = alt.Chart(alt.Data(values=values)).encode(
        x=axis,
        color=hued("condition", list(lines)),
        tooltip=tips("condition", count, "score", "low", "high", "n"),
    )
    return alt.layer(
        base.mark_area(opacity=0.14).encode(y=y("low"), y2="high:Q"),
        base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=42)).encode(y=y("score")),
    ).properties(width="container", height=HEIGHT)
