"""The profile: every headline figure of every model on one scale, to be read at a look.

This module knows nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from uptake.report.charts import points
from uptake.report.figures import Figures
from uptake.report.scales import bounds, floor, hued, mark_people, tips, x

if TYPE_CHECKING:
    import altair as alt

    Plot = alt.LayerChart | alt.FacetChart

__all__ = ["profile"]

ROW = 40  # pixels of a skill
MORE = 20  # pixels of each further model


def profile(groups: Iterable[tuple[Figures, Sequence[Figures]]]) -> dict[str, Any] | None:
    """One line a headline figure, over all probes and models.

    Each group is the figures of a model in one probe, and those of its controls. None where fewer
    than three points would be shown.
    """
    groups = list(groups)
    several = len({figures.domain for figures, _ in groups}) > 1
    values = [
        value
        | {"skill": f"{_probe(figures, several)}: {value['metric']}", "model": figures.name}
        | {"label": _label(value)}
        for figures, controls in groups
        for value in _points(figures, controls)
    ]
    return _chart(values).to_dict() if len(values) > 2 else None


def _probe(figures: Figures, several: bool) -> str:
    return f"{figures.probe}, {figures.domain}" if several else figures.probe


def _points(figures: Figures, controls: Sequence[Figures]) -> list[dict[str, Any]]:
    found = list(points(figures, controls, only_headline=True))
    kept = figures.get("kept", figures.headline) if figures.headline else None
    if not figures.by_skill and kept is not None and kept.value is not None:
        words = {"metric": "kept", "meaning": "score over turns, for one at once"}
        found.append(bounds(kept) | {"least": 0.0, "most": 0.0} | words)
    return found


def _label(value: dict[str, Any]) -> str:
    """The figure and its interval in words, for the margin."""
    low, high = value["low"], value["high"]
    return f"{value['label']}  [{low:.0f}, {high:.0f}]"


def _chart(values: list[dict[str, Any]]) -> Plot:
    import altair as alt

    skills = list(dict.fromkeys(value["skill"] for value in values))
    models = list(dict.fromkeys(value["model"] for value in values))
    signed = any(value["low"] < 0 or value["least"] < 0 for value in values)
    least = floor(values, signed=signed)
    # The probe on one line, the figure on the next, so that a narrow window has room for both.
    names = alt.Axis(labelExpr="split(datum.label, ': ')", labelLineHeight=15, labelOffset=-7)
    skill = alt.Y("skill:N", sort=skills, title=None, axis=names)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=skill,
        tooltip=tips("model", "skill", "score", "low", "high", "least", "most", "meaning"),
    )
    band = base.mark_bar(color="@band").encode(x=x("least", least), x2="most:Q")
    if len(models) > 1:
        offset = alt.YOffset("model:N", sort=models, scale=alt.Scale(paddingOuter=0.25))
        dots = base.encode(yOffset=offset, color=hued("model", models, "circle"))
        words = dots
    else:
        dots = base.encode(color=alt.value("@accent"))
        words = base.encode(color=alt.value("@ink"))
    return alt.layer(
        band,
        dots.mark_rule(strokeWidth=3, opacity=0.45, strokeCap="round").encode(
            x=x("low", least), x2="high:Q"
        ),
        dots.mark_point(filled=True, size=110, opacity=1).encode(x=x("score", least)),
        # By this name the page leaves them out where there is no room for them.
        words.mark_text(align="left", dx=10)
        .encode(x=alt.value("width"), text="label:N")
        .properties(name="figures"),
        *mark_people(values, skill, least),
    ).properties(
        width="container",
        height=(ROW + MORE * (len(models) - 1)) * len(skills),
    )
