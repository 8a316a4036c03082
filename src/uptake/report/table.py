"""The table in the terminal: one line a model, the constant policies among them.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from uptake.report.figures import Figures, groups, percent, reach, shown, span, span_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from uptake.report.faith import Faith
    from uptake.scores import Row

__all__ = ["spoiled", "tables"]

LISTED = 10  # faults of the user's model


def tables(rows: Sequence[Row], probed: Collection[str] = ()) -> Iterator[RenderableType]:
    """A table for each probe and domain, and what it comes to in words."""
    from rich.text import Text

    if not rows:
        yield Text("No episode has been played yet.")
    for group in groups(rows, probed):
        yield _skills(group) if group[0].by_skill else _table(group)
        if group[0].levels and not group[0].by_skill:
            yield _levels(group)
        for figures in group:
            if not figures.control:
                yield from _words(figures)
                yield from _cost(figures, group[0])


def spoiled(found: Faith) -> Iterator[Text]:
    """What a model that played the user got wrong, a line each, and where to read the rest."""
    from rich.text import Text

    yield Text(f"user {found.user}: {found.words}.", "yellow" if found.faults else "")
    for fault in found.faults[:LISTED]:
        yield Text(f"  {fault.episode}, turn {fault.turn}: {fault.why}")
    if len(found.faults) > LISTED:
        yield Text(f"  and {len(found.faults) - LISTED:,} more, all of them in report.html")


def _table(group: Sequence[Figures]) -> Table:
    from rich import box
    from rich.table import Table

    conditions = list(dict.fromkeys(c for figures in group for c in figures.told))
    first = group[0]
    n = max((row.n for f in group for row in f.table.values() if row.metric == "mean"), default=0)
    title = f"{first.probe} · {first.domain} · {n} instructions · last reply, 95% intervals"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("model", overflow="fold", min_width=13)
    for condition in conditions:
        table.add_column(condition, justify="right", no_wrap=True)
    for name in ("kept", "A90", "U90−10"):
        table.add_column(name, justify="right", no_wrap=True)
    for figures in group:
        means = [figures.get("mean", condition) for condition in conditions]
        told = figures.headline
        kept = figures.get("kept", told) if told else None
        table.add_row(
            figures.name + ("\ncontrol" if figures.control else ""),
            *(_cell(row) for row in means),
            "withheld" if kept and kept.value is None else _cell(kept),
            _change(figures, "a90", told),
            _change(figures, "u90_10", told),
            style="dim" if figures.control else "",
        )
    return table


def _levels(group: Sequence[Figures]) -> Table:
    """The score and what is kept by how many shards are told, of all models but the controls."""
    from rich import box
    from rich.table import Table

    levels = group[0].levels
    title = "told in so many shards; 1: at once, as a list"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("model", overflow="fold", min_width=13)
    for count, _ in levels:
        table.add_column(str(count), justify="right", no_wrap=True)
    for figures in group:
        for metric, name in (("mean", "score"), ("kept", "kept")):
            rows = [figures.get(metric, condition) for _, condition in levels]
            if not figures.control:
                table.add_row(f"{figures.name}\n{name}", *map(_cell, rows))
    numbers = [figures.get("mean", c) for figures in group[:1] for _, c in levels]
    table.add_row("instructions", *(f"{row.n}" if row else "–" for row in numbers), style="dim")
    return table


def _skills(group: Sequence[Figures]) -> Table:
    """One line a metric, one column a model, and the best that a constant policy reaches."""
    from rich import box
    from rich.table import Table

    first = group[0]
    n = max((row.n for figures in group for _, row in figures.skills), default=0)
    title = f"{first.probe} · {first.domain} · {n} instructions · 95% intervals"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("skill", min_width=10)
    table.add_column("told", min_width=10)
    models = [figures for figures in group if not figures.control]
    controls = [figures for figures in group if figures.control]
    for figures in models:
        table.add_column(figures.name, justify="right", overflow="fold")
    if controls:
        table.add_column("controls", justify="right", style="dim")
    for metric in first.metrics:
        rows = [figures.get(metric.name, metric.condition) for figures in models]
        table.add_row(
            metric.name,
            metric.condition,
            *(
                f"{shown(metric, row.value if row else None)}\n{span_of(metric, row)}"
                for row in rows
            ),
            *([reach(metric, controls)] if controls else []),
            style="bold" if metric.headline else "",
        )
    return table


def _cell(row: Row | None) -> str:
    """The value over its interval; the brackets are left out, for 80 columns are few."""
    bounds = span(row).strip("[]").replace(", ", "–")
    return f"{percent(row.value if row else None)}\n{bounds}"


def _change(figures: Figures, metric: str, told: str | None) -> str:
    """Told at once, then told over turns."""
    before = percent(figures.value(metric, "full")).rstrip("%")
    after = percent(figures.value(metric, told)).rstrip("%") if told else "–"
    return f"{before}→{after}"


def _cost(figures: Figures, probed: Figures) -> Iterator[Text]:
    """What a model that is played beside the probed one takes for one of its tokens."""
    from rich.text import Text

    told = figures.headline or next(reversed(figures.conditions), "")
    spent, plain = figures.value("tokens", told), probed.value("tokens", told)
    if figures is not probed and spent and plain:
        words = f"{figures.name} takes {spent / plain:.2f} tokens for one of {probed.name}'s"
        yield Text(f"{words} ({told}: {spent:,.0f} a conversation).")


def _words(figures: Figures) -> Iterator[Text]:
    from rich.text import Text

    told = figures.headline
    kept = figures.get("kept", told) if told else None
    if told and kept and kept.value is not None:
        yield Text.assemble(
            (f"{figures.name} keeps ", "bold"),
            (f"{percent(kept.value)} {span(kept)}", "bold"),
            f" of its score when told over turns ({told}: "
            f"{percent(figures.value('mean', 'full'))} → {percent(figures.value('mean', told))}).",
        )
    elif kept:
        yield Text(f"{figures.name}: kept is {kept.note}.")
    for metric, words in (("failures", "failed"), ("undecided", "could not be judged")):
        counts = [row for (m, _, _), row in figures.table.items() if m == metric]
        count = sum(int(row.value or 0) for row in counts)
        if count:
            total = sum(row.n for row in counts)
            yield Text(f"{count:,} of {total:,} episodes {words}; they have no score.", "yellow")
