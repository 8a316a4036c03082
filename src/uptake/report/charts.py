"""The plots of the report, as Vega-Lite specifications.

Colours are names such as "@accent": the page puts in those of its light or dark side.

This module knows nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from uptake.measures import Agreement, Figure
from uptake.report.curves import attempts, course, levels, revealed, turns
from uptake.report.figures import Figures
from uptake.report.scales import bounds, floor, mark_people, tips, x

if TYPE_CHECKING:
    import altair as alt

    Plot = alt.LayerChart | alt.FacetChart

__all__ = ["charts", "points"]


def charts(
    figures: Figures,
    controls: Sequence[Figures] = (),
    spread: Iterable[tuple[str, float]] = (),
) -> dict[str, dict[str, Any]]:
    """Specifications by name, those for which something was measured.

    `skills` or else `conditions`, `levels`, `spread` and `attempts`; then `revealed`, `course` and
    `turns`.
    `spread` has the mean score of each instruction under each condition.
    """
    made: dict[str, Plot | None] = (
        {"skills": _skills(figures, controls)}
        if figures.skills
        else {
            "conditions": _conditions(figures, controls),
            "levels": levels(figures),
            "spread": _spread(figures, spread),
            "attempts": attempts(figures),
        }
    )
    made |= {"revealed": revealed(figures), "course": course(figures), "turns": turns(figures)}
    return {name: chart.to_dict() for name, chart in made.items() if chart is not None}


def _conditions(figures: Figures, controls: Sequence[Figures]) -> Plot | None:
    """Mean score of each condition with its interval, before what constant policies reach."""
    import altair as alt

    values: list[dict[str, Any]] = []
    for condition in figures.told:
        row = figures.get("mean", condition)
        if row is None or row.value is None:
            continue
        reached = [(c.value("mean", condition) or 0.0, c.model) for c in controls]
        best, policy = max(reached, default=(0.0, "none"))
        values.append(
            bounds(row) | {"condition": condition, "control": 100 * best, "policy": policy}
        )
    if not values:
        return None
    order = list(figures.told)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("condition:N", sort=order, title=None),
        tooltip=tips("condition", "score", "low", "high", "control", "policy"),
    )
    band = base.mark_bar(height=26, color="@band").encode(x=x("control"), x2=alt.datum(0))
    return alt.layer(
        band,
        base.mark_rule(strokeWidth=3, color="@accent", opacity=0.45, strokeCap="round").encode(
            x=x("low"), x2="high:Q"
        ),
        base.mark_point(filled=True, size=110, opacity=1, color="@accent").encode(x=x("score")),
        base.mark_text(dy=-15, fontWeight=600, color="@ink").encode(x=x("score"), text="label:N"),
    ).properties(width="container", height=52 * len(values))


def _skills(figures: Figures, controls: Sequence[Figures]) -> Plot:
    """Each metric of the probe's own with its interval, before the range of constant policies."""
    values = [
        value | {"skill": f"{value['metric']} · {value['condition']}"}
        for value in points(figures, controls)
    ]
    return _dots(values, signed=any(m.kind == "difference" for m, _ in figures.skills))


def points(
    figures: Figures, controls: Sequence[Figures], *, only_headline: bool = False
) -> Iterator[dict[str, Any]]:
    """The values of each metric that is a share or a difference, with the reach of the controls."""
    for metric, row in figures.skills:
        if row.value is None or metric.kind == "amount":
            continue
        if only_headline and not metric.headline:
            continue
        reached = [c.value(metric.name, metric.condition) for c in controls]
        known = [100 * value for value in reached if value is not None] or [0.0]
        yield bounds(row) | {
            "metric": metric.name.replace("_", " "),
            "condition": metric.condition,
            "least": min(known),
            "most": max(known),
            "meaning": metric.meaning,
            **({"people": 100 * people} if (people := _people(metric)) is not None else {}),
        }


def _people(metric: Figure) -> float | None:
    return metric.people if isinstance(metric, Agreement) else None


def _dots(values: list[dict[str, Any]], *, signed: bool) -> Plot:
    import altair as alt

    least = floor(values, signed=signed)
    skill = alt.Y("skill:N", sort=[value["skill"] for value in values], title=None)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=skill, tooltip=tips("skill", "score", "low", "high", "least", "most", "meaning")
    )
    return alt.layer(
        base.mark_bar(height=26, color="@band").encode(x=x("least", least), x2="most:Q"),
        base.mark_rule(strokeWidth=3, color="@accent", opacity=0.45, strokeCap="round").encode(
            x=x("low", least), x2="high:Q"
        ),
        base.mark_point(filled=True, size=110, opacity=1, color="@accent").encode(
            x=x("score", least)
        ),
        base.mark_text(dy=-15, fontWeight=600, color="@ink").encode(
            x=x("score", least), text="label:N"
        ),
        *mark_people(values, skill, least),
    ).properties(width="container", height=44 * max(1, len(values)))


def _spread(figures: Figures, spread: Iterable[tuple[str, float]]) -> Plot | None:
    """How many instructions score how much; and, above, from P10 to A90 over repeats."""
    import altair as alt

    counts: dict[tuple[str, int], int] = {}
    for condition, score in spread:
        if condition not in figures.told:
            continue
        key = condition, round(10 * score) * 10
        counts[key] = counts.get(key, 0) + 1
    if not counts:
        return None
    dots = [
        {"condition": condition, "score": score, "instructions": count}
        for (condition, score), count in counts.items()
    ]
    ranges: list[dict[str, Any]] = []
    for condition in figures.told:
        high, width = figures.value("a90", condition), figures.value("u90_10", condition)
        if high is not None and width is not None:
            low = 100 * (high - width)
            ranges.append(
                {"condition": condition, "A90": 100 * high, "P10": low, "U90-10": 100 * width}
            )
    rows = len({dot["condition"] for dot in dots})
    y = alt.Y("condition:N", sort=list(figures.told), title=None)
    layers: list[alt.Chart] = [
        alt.Chart(alt.Data(values=dots))
        .mark_circle(opacity=0.35, color="@accent")
        .encode(
            y=y,
            x=x("score"),
            size=alt.Size(
                "instructions:Q", legend=None, scale=alt.Scale(type="linear", range=[8, 520])
            ),
            tooltip=tips("condition", "score", "instructions"),
        )
    ]
    if ranges:
        bars = alt.Chart(alt.Data(values=ranges)).encode(
            y=y, tooltip=tips("condition", "A90", "P10", "U90-10")
        )
        layers.append(
            bars.mark_rule(strokeWidth=3, color="@ink", yOffset=-21, strokeCap="round").encode(
                x=x("P10"), x2="A90:Q"
            )
        )
    return alt.layer(*layers).properties(width="container", height=58 * rows)
