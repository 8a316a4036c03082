"""The plots of the report, as Vega-Lite specifications.

Colours are names such as "@accent": the page puts in those of its light or dark side.

This module knows nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from uptake.report.figures import Figures
from uptake.scenario import AT_ONCE
from uptake.scores import BUCKETS

if TYPE_CHECKING:
    import altair as alt

    Plot = alt.LayerChart | alt.FacetChart

__all__ = ["charts", "profile"]

SCALE = [0, 25, 50, 75, 100]
HUES = ("@accent", "@fourth", "@second", "@third")


def charts(
    figures: Figures,
    controls: Sequence[Figures] = (),
    spread: Iterable[tuple[str, float]] = (),
) -> dict[str, dict[str, Any]]:
    """Specifications by name: `skills`, `conditions`, `spread`, `attempts`, `turns`, where known.

    `spread` has the mean score of each instruction under each condition.
    """
    if figures.skills:
        return {"skills": _skills(figures, controls).to_dict()}
    made = {
        "conditions": _conditions(figures, controls),
        "spread": _spread(figures, spread),
        "attempts": _attempts(figures),
        "turns": _turns(figures),
    }
    return {name: chart.to_dict() for name, chart in made.items() if chart is not None}


def _conditions(figures: Figures, controls: Sequence[Figures]) -> Plot | None:
    """Mean score of each condition with its interval, before what constant policies reach."""
    import altair as alt

    values: list[dict[str, Any]] = []
    for condition in figures.conditions:
        row = figures.get("mean", condition)
        if row is None or row.value is None:
            continue
        reached = [(c.value("mean", condition) or 0.0, c.model) for c in controls]
        best, policy = max(reached, default=(0.0, "none"))
        values.append(
            _bounds(row) | {"condition": condition, "control": 100 * best, "policy": policy}
        )
    if not values:
        return None
    order = list(figures.conditions)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("condition:N", sort=order, title=None),
        tooltip=_tips("condition", "score", "low", "high", "control", "policy"),
    )
    band = base.mark_bar(height=26, color="@band").encode(x=_x("control"), x2=alt.datum(0))
    return alt.layer(
        band,
        base.mark_rule(strokeWidth=3, color="@accent", opacity=0.45, strokeCap="round").encode(
            x=_x("low"), x2="high:Q"
        ),
        base.mark_point(filled=True, size=110, opacity=1, color="@accent").encode(x=_x("score")),
        base.mark_text(dy=-15, fontWeight=600, color="@ink").encode(
            x=_x("score"), text=alt.Text("score:Q", format=".0f")
        ),
    ).properties(width="container", height=52 * len(values))


def profile(groups: Iterable[tuple[Figures, Sequence[Figures]]]) -> dict[str, Any] | None:
    """One line a headline figure, over all probes: a model's skills at a look.

    Each group is the figures of the model in one probe, and those of its controls. None where
    fewer than three lines would be shown.
    """
    values: list[dict[str, Any]] = []
    for figures, controls in groups:
        kept = figures.get("kept", figures.headline) if figures.headline else None
        if not figures.by_skill and kept is not None and kept.value is not None:
            bounds = {"least": 0.0, "most": 0.0, "meaning": "score over turns, for one at once"}
            values.append(_bounds(kept) | bounds | {"skill": f"{figures.probe}: kept"})
        for value in _lines(figures, controls, only_headline=True):
            values.append(value | {"skill": f"{figures.probe}: {value['metric']}"})
    return _dots(values, signed=True).to_dict() if len(values) > 2 else None


def _skills(figures: Figures, controls: Sequence[Figures]) -> Plot:
    """Each metric of the probe's own with its interval, before the range of constant policies."""
    values = [
        value | {"skill": f"{value['metric']} · {value['condition']}"}
        for value in _lines(figures, controls)
    ]
    return _dots(values, signed=any(m.kind == "difference" for m, _ in figures.skills))


def _lines(
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
        yield _bounds(row) | {
            "metric": metric.name.replace("_", " "),
            "condition": metric.condition,
            "least": min(known),
            "most": max(known),
            "meaning": metric.meaning,
        }


def _dots(values: list[dict[str, Any]], *, signed: bool) -> Plot:
    import altair as alt

    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y(
            "skill:N",
            sort=[value["skill"] for value in values],
            title=None,
            axis=alt.Axis(labelLimit=260),
        ),
        tooltip=_tips("skill", "score", "low", "high", "least", "most", "meaning"),
    )
    return alt.layer(
        base.mark_bar(height=26, color="@band").encode(x=_x("least", signed=signed), x2="most:Q"),
        base.mark_rule(strokeWidth=3, color="@accent", opacity=0.45, strokeCap="round").encode(
            x=_x("low", signed=signed), x2="high:Q"
        ),
        base.mark_point(filled=True, size=110, opacity=1, color="@accent").encode(
            x=_x("score", signed=signed)
        ),
        base.mark_text(dy=-15, fontWeight=600, color="@ink").encode(
            x=_x("score", signed=signed), text=alt.Text("score:Q", format=".0f")
        ),
    ).properties(width="container", height=44 * max(1, len(values)))


def _spread(figures: Figures, spread: Iterable[tuple[str, float]]) -> Plot | None:
    """How many instructions score how much; and, above, from P10 to A90 over repeats."""
    import altair as alt

    counts: dict[tuple[str, int], int] = {}
    for condition, score in spread:
        key = condition, round(10 * score) * 10
        counts[key] = counts.get(key, 0) + 1
    if not counts:
        return None
    dots = [
        {"condition": condition, "score": score, "instructions": count}
        for (condition, score), count in counts.items()
    ]
    ranges: list[dict[str, Any]] = []
    for condition in figures.conditions:
        high, width = figures.value("a90", condition), figures.value("u90_10", condition)
        if high is not None and width is not None:
            low = 100 * (high - width)
            ranges.append(
                {"condition": condition, "A90": 100 * high, "P10": low, "U90-10": 100 * width}
            )
    rows = len({dot["condition"] for dot in dots})
    y = alt.Y("condition:N", sort=list(figures.conditions), title=None)
    layers: list[alt.Chart] = [
        alt.Chart(alt.Data(values=dots))
        .mark_circle(opacity=0.35, color="@accent")
        .encode(
            y=y,
            x=_x("score"),
            size=alt.Size(
                "instructions:Q", legend=None, scale=alt.Scale(type="linear", range=[8, 520])
            ),
            tooltip=_tips("condition", "score", "instructions"),
        )
    ]
    if ranges:
        bars = alt.Chart(alt.Data(values=ranges)).encode(
            y=y, tooltip=_tips("condition", "A90", "P10", "U90-10")
        )
        layers.append(
            bars.mark_rule(strokeWidth=3, color="@ink", yOffset=-21, strokeCap="round").encode(
                x=_x("P10"), x2="A90:Q"
            )
        )
    return alt.layer(*layers).properties(width="container", height=58 * rows)


def _attempts(figures: Figures) -> Plot | None:
    """The premature-answer curve: the score by when the first attempt came."""
    import altair as alt

    told = figures.headline
    values: list[dict[str, Any]] = []
    for bucket in BUCKETS:
        row = figures.get(f"score_by_first_attempt:{bucket}", told) if told else None
        if row is not None and row.value is not None and told:
            share = figures.value(f"first_attempt:{bucket}", told) or 0.0
            values.append(
                _bounds(row) | {"when": bucket.replace("-", "–") + "%", "share": 100 * share}
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
        tooltip=_tips("when", "score", "low", "high", "share"),
    )
    return alt.layer(
        base.mark_rule(strokeWidth=3, color="@accent", opacity=0.35, strokeCap="round").encode(
            y=_y("low"), y2="high:Q"
        ),
        base.mark_line(color="@accent", strokeWidth=1.5, opacity=0.7).encode(y=_y("score")),
        base.mark_circle(color="@accent", opacity=1).encode(
            y=_y("score"),
            size=alt.Size(
                "share:Q", legend=None, scale=alt.Scale(domain=[0, 100], range=[30, 700])
            ),
        ),
        base.mark_text(dy=-20, dx=17, fontWeight=600, color="@ink").encode(
            y=_y("score"), text=alt.Text("score:Q", format=".0f")
        ),
    ).properties(width="container", height=260)


def _turns(figures: Figures) -> Plot | None:
    """The score of each reply, turn by turn."""
    import altair as alt

    values: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    for condition in figures.conditions:
        if condition in AT_ONCE:  # its second turn is only where the model asked back
            continue
        line: list[dict[str, Any]] = []
        for turn in range(1, 1000):
            row = figures.get(f"score_by_turn:{turn}", condition)
            if row is None:
                break
            if row.value is not None:
                line.append(_bounds(row) | {"condition": condition, "turn": turn})
        values += line
        ends += line[-1:]
    if not values:
        return None
    names = [end["condition"] for end in ends]
    colour = alt.Color(
        "condition:N",
        sort=names,
        scale=alt.Scale(domain=names, range=[HUES[i % len(HUES)] for i in range(len(names))]),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke", symbolOpacity=1),
    )
    last = max(value["turn"] for value in values)
    x = alt.X(
        "turn:Q",
        title="turn",
        scale=alt.Scale(domain=[1, max(last, 2)], nice=False),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False, values=list(range(1, last + 1))),
    )
    base = alt.Chart(alt.Data(values=values)).encode(
        x=x, color=colour, tooltip=_tips("condition", "turn", "score", "low", "high", "n")
    )
    return alt.layer(
        base.mark_area(opacity=0.14).encode(y=_y("low"), y2="high:Q"),
        base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=42)).encode(y=_y("score")),
    ).properties(width="container", height=260)


def _bounds(row: Any) -> dict[str, Any]:
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    return {"score": 100 * row.value, "low": 100 * low, "high": 100 * high, "n": row.n}


def _x(name: str, *, signed: bool = False) -> alt.X:
    """Percent from 0, or from -100 where differences are shown."""
    import altair as alt

    marks = [-100, -50, 0, 50, 100] if signed else SCALE
    scale = alt.Scale(domain=[marks[0], marks[-1]])
    return alt.X(f"{name}:Q", scale=scale, title=None, axis=alt.Axis(values=marks))


def _y(name: str) -> alt.Y:
    import altair as alt

    scale = alt.Scale(domain=[0, 100])
    return alt.Y(f"{name}:Q", scale=scale, title=None, axis=alt.Axis(values=SCALE))


def _tips(*names: str) -> list[alt.Tooltip]:
    import altair as alt

    words = {"condition", "policy", "when", "skill", "meaning"}
    whole = {"n", "turn", "instructions"}
    return [
        alt.Tooltip(f"{name}:N")
        if name in words
        else alt.Tooltip(f"{name}:Q", format="d" if name in whole else ".1f")
        for name in names
    ]
