"""What the plots have in common: their axes, their colours, and a row as a point with bounds.

Colours are names such as "@accent": the page puts in those of its light or dark side.

This module knows nothing of what is plotted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

    from uptake.scores import Row

__all__ = ["HUES", "bounds", "floor", "hued", "mark_people", "tips", "x", "y"]

SCALE = [0, 25, 50, 75, 100]

HUES = ("@accent", "@fourth", "@second", "@third")
"""Colours of lines and models that are told apart, over again where there are more."""


def bounds(row: Row) -> dict[str, Any]:
    """A row's value and interval in percent, its number of instructions, and its label.

    The label is rounded here, as in the text of the page: a browser would round a half otherwise.
    """
    value = row.value or 0.0
    low = value if row.low is None else row.low
    high = value if row.high is None else row.high
    label = f"{100 * value:.0f}"
    return {"score": 100 * value, "low": 100 * low, "high": 100 * high, "n": row.n, "label": label}


def x(name: str, least: int = 0) -> alt.X:
    """Percent up to 100, from 0 or from below it where differences are shown (`floor`)."""
    import altair as alt

    marks = list(range(least, 101, 25 if least == 0 else 50))
    scale = alt.Scale(domain=[least, 100], clamp=True)
    return alt.X(f"{name}:Q", scale=scale, title=None, axis=alt.Axis(values=marks))


def floor(values: Iterable[dict[str, Any]], *, signed: bool) -> int:
    """Where the scale of such values begins: 0, or what is `signed` needs room for."""
    lowest = min((v for value in values for v in (value["low"], value["least"])), default=0.0)
    return 0 if not signed else -100 if lowest < -50 else -50


def y(name: str) -> alt.Y:
    """Percent from 0, upwards."""
    import altair as alt

    scale = alt.Scale(domain=[0, 100], clamp=True)
    return alt.Y(f"{name}:Q", scale=scale, title=None, axis=alt.Axis(values=SCALE))


def mark_people(values: Sequence[dict[str, Any]], skill: alt.Y, least: int) -> list[alt.Chart]:
    """A tick where two people come to, on the line of each `skill` that has such a figure."""
    import altair as alt

    known = [value for value in values if "people" in value]
    base = alt.Chart(alt.Data(values=known))
    tick = base.mark_tick(color="@ink", thickness=2, height=24, orient="vertical").encode(
        y=skill, x=x("people", least), tooltip=tips("skill", "people")
    )
    return [tick] if known else []


def hued(field: str, names: Sequence[str], symbol: str = "stroke") -> alt.Color:
    """One colour a name, with a legend above."""
    import altair as alt

    return alt.Color(
        f"{field}:N",
        sort=list(names),
        scale=alt.Scale(domain=list(names), range=[HUES[i % len(HUES)] for i in range(len(names))]),
        legend=alt.Legend(title=None, orient="top", symbolType=symbol, symbolOpacity=1),
    )


def tips(*names: str) -> list[alt.Tooltip]:
    """What is shown where the pointer rests."""
    import altair as alt

    words = {"condition", "policy", "when", "skill", "meaning", "model"}
    whole = {"n", "turn", "shards", "instructions"}
    return [
        alt.Tooltip(f"{name}:N")
        if name in words
        else alt.Tooltip(f"{name}:Q", format="d" if name in whole else ".1f")
        for name in names
    ]
