"""The plots of an audit, as Vega-Lite specifications; colours are names such as "@accent".

This module knows nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from uptake.audit.summary import Figure, span

if TYPE_CHECKING:
    import altair as alt

__all__ = ["along", "dots"]


def _values(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    return [
        {
            "name": f.name.replace("_", " "),
            "value": 100 * (f.rate.value or 0.0),
            "low": 100 * (f.rate.low or 0.0),
            "high": 100 * (f.rate.high or 0.0),
            "label": _label(f.rate.value or 0.0),
            "interval": span(f.rate),
            "n": f"{f.rate.events:,} of {f.rate.occasions:,}",
            "meaning": f.meaning,
        }
        for f in figures
        if f.rate.value is not None
    ]


def _label(value: float) -> str:
    return f"{100 * value:.0f}" if value >= 0.0995 else f"{100 * value:.1f}"


def _reach(values: Sequence[dict[str, Any]]) -> int:
    """The end of the scale: a round number of percent beyond what is shown."""
    furthest = max((value["high"] for value in values), default=0.0)
    return next((reach for reach in (5, 10, 20, 40, 60, 80) if furthest <= reach), 100)


def dots(figures: Sequence[Figure], *, base: Figure | None = None) -> dict[str, Any] | None:
    """A dot and an interval a figure, in percent; `base` is a line that they are held against."""
    import altair as alt

    values = _values(figures)
    if not values:
        return None
    scale = alt.Scale(domain=[0, _reach(values)], clamp=True)

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", scale=scale, title=None, axis=alt.Axis(tickCount=5))

    names = [value["name"] for value in values]
    shown = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=180)),
        tooltip=[alt.Tooltip(f"{n}:N") for n in ("name", "meaning", "label", "interval", "n")],
    )
    layers = [
        shown.mark_rule(strokeWidth=3, color="@accent", opacity=0.45, strokeCap="round").encode(
            x=x("low"), x2="high:Q"
        ),
        shown.mark_point(filled=True, size=100, opacity=1, color="@accent").encode(x=x("value")),
        shown.mark_text(dy=-13, fontWeight=600, color="@ink").encode(x=x("value"), text="label:N"),
    ]
    if base is not None and base.rate.value is not None:
        at = alt.Chart(alt.Data(values=[{"base": 100 * base.rate.value}]))
        layers.insert(0, at.mark_rule(color="@soft", strokeDash=[3, 3]).encode(x=x("base")))
    chart = alt.layer(*layers).properties(width="container", height=38 * len(values) + 10)
    return chart.to_dict()


def along(
    places: Sequence[tuple[str, Figure, Figure, Figure]],
) -> dict[str, Any] | None:
    """First breakdowns by the number of the reply, with intervals."""
    import altair as alt

    values = _values([Figure(label, first.rate) for label, first, _, _ in places])
    if len(values) < 2:
        return None
    scale = alt.Scale(domain=[0, _reach(values)], clamp=True)
    names = [value["name"] for value in values]

    def y(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", scale=scale, title="% break here", axis=alt.Axis(tickCount=4))

    shown = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("name:N", sort=names, title="reply", axis=alt.Axis(labelAngle=0)),
        tooltip=[alt.Tooltip(f"{n}:N") for n in ("name", "label", "interval", "n")],
    )
    chart = alt.layer(
        shown.mark_bar(color="@band", cornerRadiusEnd=3).encode(y=y("value")),
        shown.mark_rule(strokeWidth=3, color="@accent", opacity=0.45, strokeCap="round").encode(
            y=y("low"), y2="high:Q"
        ),
        shown.mark_point(filled=True, size=80, opacity=1, color="@accent").encode(y=y("value")),
    ).properties(width="container", height=240)
    return chart.to_dict()
