"""What is handed in: one figure, one table, one paragraph, from the results that there are.

This module knows nothing of how arms were taught or measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from uptake.study.measure import SKILLS
from uptake.study.runner import results
from uptake.study.sums import Estimate, Group, grouped
from uptake.study.words import PUBLISHED, paragraph

__all__ = ["rows", "table", "write"]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "skill": tuple(SKILLS),
    "full": ("full",),
    "sharded": ("lost",),
    "missing, net": ("missing",),
    "presupposition, net": ("presupposition",),
    "revision, net": ("revision",),
    "repair": ("repair",),
    "handoff": ("handoff",),
}
"""The table's columns, and the mean of which figures they hold."""

REFERENCES = ("base", "mediator", "reward", "distil")
"""What has no amount of data, and is drawn across."""

COLOURS: Mapping[str, str] = {
    "monologic": "#8c8c8c",
    "natural": "#3b7dd8",
    "dense": "#1b9e77",
    "corpus": "#a6761d",
    "base": "#000000",
    "mediator": "#7a5195",
    "reward": "#d95f02",
    "distil": "#e7298a",
}
"""Of what is drawn against the amount of data."""


def write(out: Path) -> str:
    """Write study.svg, study.png, table.md, paragraph.md and rows.json; the table and paragraph."""
    groups = grouped(results(out))
    words, lines = paragraph(groups), table(groups)
    (out / "paragraph.md").write_text(words + "\n", encoding="utf-8")
    (out / "table.md").write_text(lines + "\n", encoding="utf-8")
    (out / "rows.json").write_text(json.dumps(rows(groups), indent=1) + "\n", encoding="utf-8")
    chart = _figure(groups)
    chart.save(str(out / "study.svg"))
    chart.save(str(out / "study.png"), scale_factor=2)
    return f"{lines}\n\n{words}\n\n{out / 'study.svg'}"


def rows(groups: Mapping[str, Group]) -> list[dict[str, Any]]:
    """Every figure of every group with its interval over seeds and instructions."""
    found: list[dict[str, Any]] = []
    for name, group in _ordered(groups):
        about = {"group": name, "seeds": len(group.results), "n": group.instructions}
        for column, estimate in _columns(group):
            if estimate is not None:
                found.append(about | {"figure": column} | _bounds(estimate))
        for mode in group.results[0]["loss"]:
            found.append(about | {"figure": f"loss on {mode}", "value": group.loss(mode)})
        for step in group.steps():
            asks = group.at(step, "asks")
            if asks is not None:
                found.append(about | {"figure": "asks", "step": step} | _bounds(asks))
    return found


def table(groups: Mapping[str, Group]) -> str:
    """One line a group: the skills with their intervals, and the loss on dialogue."""
    heads = [*COLUMNS, "loss, natural", "loss, dense"]
    lines = [
        f"| arm | seeds | n | {' | '.join(heads)} |",
        f"|---|---:|---:|{'---:|' * len(heads)}",
    ]
    for name, group in _ordered(groups):
        cells = ["" if found is None else str(found) for _, found in _columns(group)]
        losses = [group.loss(mode) for mode in ("natural", "dense")]
        cells += ["" if loss is None else f"{loss:.3f}" for loss in losses]
        about = f"{name} | {len(group.results)} | {group.instructions}"
        lines.append(f"| {about} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _columns(group: Group) -> Iterator[tuple[str, Estimate | None]]:
    """The table's columns; None where nothing was measured."""
    known = group.results[0]["measured"]["figures"]
    for column, names in COLUMNS.items():
        here = tuple(name for name in names if name in known)
        yield column, group.mean(here) if here else None


def _ordered(groups: Mapping[str, Group]) -> list[tuple[str, Group]]:
    order = ("base", "mediator", "tokens", "distil", "reward", "dpo")

    def place(item: tuple[str, Group]) -> tuple[Any, ...]:
        arm = item[1].arm
        return order.index(arm.objective), arm.mode, arm.amount, arm.start, arm.where, arm.rate

    return sorted(groups.items(), key=place)


def _bounds(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _figure(groups: Mapping[str, Group]) -> Any:
    """Skill against amount, held-out loss beside it; each skill by itself; preferences by step."""
    import altair as alt

    known = next(iter(groups.values())).results[0]["measured"]["figures"]
    skills = tuple(name for name in SKILLS if name in known)
    parts: list[Any] = [
        alt.hconcat(
            _against_amount(groups, skills, "skill, mean of the probes", 420, 280),
            _loss(groups, "natural"),
            _loss(groups, "dense"),
        )
    ]
    small = [
        _against_amount(groups, (name,), name, 190, 130, whole=True)
        for name in (*skills, "full")
        if name in known
    ]
    parts += [alt.hconcat(*small[at : at + 6]) for at in range(0, len(small), 6)]
    page: Any = alt.vconcat(*parts)
    curves = list(_curves(groups))
    if curves:
        both: Any = alt.vconcat(page, alt.hconcat(*curves))
        page = both.resolve_scale(color="independent")
    return page.configure_axis(gridOpacity=0.4).configure_legend(symbolOpacity=1)


def _against_amount(
    groups: Mapping[str, Group],
    names: Sequence[str],
    title: str,
    width: int,
    height: int,
    *,
    whole: bool = False,
) -> Any:
    """The mean of some figures against the amount of data; `whole` shows up to 1 and below 0."""
    import altair as alt

    points = [
        {"amount": group.tokens / 1e6, "of": group.arm.mode} | _bounds(group.mean(names))
        for group in groups.values()
        if group.arm.objective == "tokens"
    ]
    across = [
        {"of": name} | _bounds(groups[name].mean(names)) for name in REFERENCES if name in groups
    ]
    line = alt.Chart(alt.Data(values=points), width=width, height=height).encode(
        x=_amounts(groups), color=_colour(groups)
    )
    rule = alt.Chart(alt.Data(values=across)).encode(y="value:Q", color=_colour(groups))
    low = alt.Y("low:Q", title=title)
    if whole:
        low = low.scale(domain=[-0.2, 1], clamp=True)
    return alt.layer(
        line.mark_area(opacity=0.18).encode(y=low, y2="high:Q"),
        line.mark_line(point=True).encode(y="value:Q"),
        rule.mark_rule(strokeDash=[5, 4], strokeWidth=2),
    )


def _amounts(groups: Mapping[str, Group]) -> Any:
    """The axis of the amounts, with a tick at each."""
    import altair as alt

    ticks: dict[int, float] = {}
    for group in groups.values():
        if group.arm.objective == "tokens":
            least = min(group.tokens / 1e6, ticks.get(group.arm.amount, float("inf")))
            ticks[group.arm.amount] = float(f"{least:.2g}")
    amounts = sorted(ticks.values()) or [1.0]
    axis = alt.Axis(values=amounts, format="~g", labelOverlap=True)
    scale = alt.Scale(type="log", domain=[0.9 * amounts[0], 1.15 * amounts[-1]], nice=False)
    return alt.X("amount:Q", title="million tokens", axis=axis, scale=scale)


def _colour(groups: Mapping[str, Group]) -> Any:
    """The colour of each data mode and of each arm that has no amount, of those that there are."""
    import altair as alt

    there = {group.arm.mode or name for name, group in groups.items()}
    known = {name: colour for name, colour in COLOURS.items() if name in there}
    scale = alt.Scale(domain=list(known), range=list(known.values()))
    return alt.Color("of:N", title=None, scale=scale)


def _loss(groups: Mapping[str, Group], mode: str) -> Any:
    """The held-out loss on a mode's conversations against the amount of data."""
    import altair as alt

    points = [
        {"amount": group.tokens / 1e6, "of": group.arm.mode, "value": group.loss(mode)}
        for group in groups.values()
        if group.arm.objective == "tokens"
    ]
    across = [
        {"of": name, "value": groups[name].loss(mode)} for name in REFERENCES if name in groups
    ]
    title = f"held-out loss on {mode} dialogue (nats)"
    line = alt.Chart(alt.Data(values=points), width=240, height=280).encode(
        x=_amounts(groups),
        y=alt.Y("value:Q", title=title).scale(zero=False),
        color=_colour(groups),
    )
    rule = alt.Chart(alt.Data(values=across)).encode(y="value:Q", color=_colour(groups))
    return alt.layer(line.mark_line(point=True), rule.mark_rule(strokeDash=[5, 4], strokeWidth=2))


def _curves(groups: Mapping[str, Group]) -> Iterator[Any]:
    """How often is asked, by steps of preference: one plot a start and place, a line a rate."""
    import altair as alt

    some = [group for group in groups.values() if group.arm.objective == "dpo"]
    for start, where in sorted({(g.arm.start, g.arm.where) for g in some}, reverse=True):
        here = [g for g in some if (g.arm.start, g.arm.where) == (start, where)]
        points: list[dict[str, Any]] = [
            {"step": step, "rate": f"{group.arm.rate:g}"} | _bounds(asks)
            for group in here
            for step in group.steps()
            if (asks := group.at(step, "asks")) is not None
        ]
        words = "everywhere" if where == "all" else "on complete requests only"
        line = alt.Chart(
            alt.Data(values=points), width=240, height=220, title=f"from {start}, {words}"
        ).encode(
            x=alt.X("step:Q", title="steps of DPO for direct answers"),
            color=alt.Color("rate:N", title="learning rate"),
        )
        y = alt.Y("value:Q", title="asks when needed").scale(domain=[0, 1])
        layers = [
            line.mark_area(opacity=0.18).encode(y=alt.Y("low:Q"), y2="high:Q"),
            line.mark_line(point=True).encode(y=y),
        ]
        begun = [point["value"] for point in points if point["step"] == 0]
        if begun and max(begun) > 0:
            mark = alt.Data(values=[{"y": (1 + PUBLISHED) * sum(begun) / len(begun)}])
            layers.append(alt.Chart(mark).mark_rule(strokeDash=[2, 3]).encode(y="y:Q"))
        yield alt.layer(*layers)
