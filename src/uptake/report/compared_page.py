"""Two runs as one HTML page: the headline, a dot and an interval a figure, the table, the method.

Whatever a model or a file said is escaped, as in the report of one run (`frame`).

This module knows nothing of how a difference is calculated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from uptake.compare import Compared, Comparison
from uptake.report.compared import (
    Side,
    amount,
    headline,
    left_out,
    moved,
    moved_span,
    odds,
    signed,
)
from uptake.report.frame import bundle, made, nonce, render

if TYPE_CHECKING:
    import altair as alt

    Plot = alt.LayerChart | alt.FacetChart

__all__ = ["comparison_page", "difference_charts"]

# In the order of the page, after the probe's own.
NAMES = {
    "mean": ("Mean score", "of the reply that counts"),
    "kept": ("Kept", "mean score over that told at once"),
    "a90": ("Aptitude A90", "a good run: the 90th percentile over repeats"),
    "u90_10": ("Unreliability U90−10", "a good run less a bad one; less is steadier"),
    "right_then_wrong": ("Right, then wrong", "had the answer, and left it; less is better"),
    "attempted_first": ("Answered at the first turn", "share of conversations"),
    "asked": ("Asked at least once", "share of conversations"),
}


def comparison_page(comparison: Comparison, sides: Sequence[Side]) -> str:
    """The whole page, one file that needs nothing else."""
    parts: list[dict[str, Any]] = []
    for overlap in comparison.overlaps:
        place = (overlap.probe, overlap.domain)
        rows = [row for row in comparison.rows if (row.probe, row.domain) == place]
        alone = overlap.only_a or overlap.only_b  # told in numbers of their own
        if rows:
            parts.append(
                {
                    "overlap": overlap,
                    "rows": [_words(row) for row in rows],
                    "first": _lead(headline(rows)),
                    "charts": difference_charts(rows),
                    "warnings": left_out(overlap)[1:] if alone else left_out(overlap),
                    "differ": sum(row.differs for row in rows),
                    "tested": sum(row.p is not None for row in rows),
                }
            )
    return render(
        "compared.html",
        comparison=comparison,
        parts=parts,
        settings=_settings(sides),
        tested=sum(row.p is not None for row in comparison.rows),
        made=made(),
        bundle=bundle(),
        nonce=nonce([comparison, sides]),
    )


def difference_charts(rows: Sequence[Compared]) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, meaning and Vega-Lite specification of each metric that is a share or a ratio.

    What a probe measures of its own shares one chart. All have one scale, in percentage points.
    Colours are names such as "@accent": the page puts in those of its light or dark side.
    """
    shown = [row for row in rows if row.difference is not None and row.kind != "amount"]
    reach = _reach(shown)
    own = [row for row in shown if row.metric not in NAMES]
    found: list[tuple[str, str, dict[str, Any]]] = []
    if own:
        values = [
            _point(row) | {"condition": f"{row.metric.replace('_', ' ')} · {row.condition}"}
            for row in own
        ]
        found.append(("Skill by skill", "What the probe measures", _chart(values, reach).to_dict()))
    for metric, (name, meaning) in NAMES.items():
        values = [_point(row) for row in shown if row.metric == metric]
        if values:
            found.append((name, meaning, _chart(values, reach).to_dict()))
    return found


def _reach(rows: Sequence[Compared]) -> int:
    """How many points the scale goes to either side: a round number beyond every interval."""
    bounds = [abs(b) for row in rows for b in (row.difference, row.low, row.high) if b is not None]
    furthest = 100 * max(bounds, default=0.0)
    return next((reach for reach in (10, 20, 30, 50, 100) if furthest <= reach), 200)


def _chart(values: Sequence[dict[str, Any]], reach: int) -> Plot:
    import altair as alt

    scale = alt.Scale(domain=[-reach, reach], clamp=True)
    words = "datum.value == 0 ? '0' : format(datum.value, '+d')"
    axis = alt.Axis(values=[-reach, -reach // 2, 0, reach // 2, reach], labelExpr=words)

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", scale=scale, title=None, axis=axis)

    base = alt.Chart(alt.Data(values=list(values))).encode(
        y=alt.Y(
            "condition:N",
            sort=[value["condition"] for value in values],
            title=None,
            axis=alt.Axis(labelLimit=200),
        ),
        color=alt.Color("hue:N", scale=None),
        tooltip=[
            alt.Tooltip(f"{name}:N", title=name.replace("_", " "))
            for name in ("condition", "A", "B", "difference", "interval", "p_after_Holm", "n")
        ],
    )
    zero = (
        alt.Chart(alt.Data(values=[{}]))
        .mark_rule(color="@soft", strokeDash=[3, 3])
        .encode(x=alt.datum(0, scale=scale, axis=axis))
    )
    return alt.layer(
        zero,
        base.mark_rule(strokeWidth=3, opacity=0.45, strokeCap="round").encode(
            x=x("low"), x2="high:Q"
        ),
        base.mark_point(filled=True, size=110, opacity=1).encode(x=x("points")),
        base.mark_text(dy=-14, fontWeight=600).encode(
            x=x("points"), text="difference:N", color=alt.value("@ink")
        ),
    ).properties(width="container", height=46 * len(values) + 10)


def _point(row: Compared) -> dict[str, Any]:
    points = 100 * (row.difference or 0.0)
    return {
        "condition": row.condition,
        "points": points,
        "low": points if row.low is None else 100 * row.low,
        "high": points if row.high is None else 100 * row.high,
        "hue": "@accent" if row.differs else "@faint",
        "A": amount(row, row.a),
        "B": amount(row, row.b),
        "difference": moved(row, row.difference),
        "interval": moved_span(row),
        "p_after_Holm": odds(row.holm),
        "n": str(row.n),
    }


def _words(row: Compared) -> dict[str, Any]:
    """A row of the table, every figure in words."""
    return {
        "metric": row.metric,
        "condition": row.condition,
        "a": amount(row, row.a),
        "b": amount(row, row.b),
        "difference": "withheld" if row.difference is None else moved(row, row.difference),
        "interval": moved_span(row),
        "p": odds(row.p),
        "holm": odds(row.holm),
        "effect": signed(row.effect, 2),
        "n": row.n,
        "out": f"{row.only_a:,} / {row.only_b:,}",
        "note": row.note or "",
        "test": row.test,
        "differs": row.differs,
    }


def _lead(row: Compared | None) -> dict[str, Any] | None:
    """The headline: the figure, its two bars, and whether it differs."""
    if row is None:
        return None
    unit = "" if row.kind == "amount" else " points"
    bars = row.kind in ("share", "ratio")
    return _words(row) | {
        "name": NAMES[row.metric][0] if row.metric in NAMES else row.metric.replace("_", " "),
        "value": moved(row, row.difference),
        "unit": unit,
        "bars": [
            ("A", amount(row, row.a), min(100, round(100 * max(row.a or 0, 0), 1))),
            ("B", amount(row, row.b), min(100, round(100 * max(row.b or 0, 0), 1))),
        ]
        if bars
        else [],
    }


def _settings(sides: Sequence[Side]) -> list[tuple[str, str, str, bool]]:
    """What each run was begun with, as name, A's, B's, and whether they differ."""
    a, b = sides
    found = [
        ("run", str(a.path), str(b.path)),
        ("model", a.name, b.name),
        ("episodes of it", f"{a.episodes:,}", f"{b.episodes:,}"),
    ]
    names = [n for n in dict.fromkeys([*a.settings, *b.settings]) if n not in ("model", "controls")]
    for name in names:
        pair = (_said(a.settings.get(name)), _said(b.settings.get(name)))
        found.append((name.replace("_", " "), *pair))
    return [(name, x, y, x != y) for name, x, y in found]


def _said(value: Any) -> str:
    if value is None:
        return "not known"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
