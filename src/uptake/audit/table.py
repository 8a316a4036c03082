"""The summary of an audit in the terminal.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from uptake.audit import summary
from uptake.audit.against import Change, differ
from uptake.audit.run import Audited

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["tables"]

LISTED = 10  # faults


def tables(found: Audited, changed: list[Change] | None = None) -> Iterator[RenderableType]:
    """What to print: the headline, causes, places, signals, groups, and what was not read.

    With `changed` also how it differs from other logs.
    """
    from rich.text import Text

    findings = found.findings
    head = summary.headline(findings)
    yield Text(
        f"{findings.conversations:,} conversations, {findings.turns:,} turns of user and assistant"
    )
    if head.rate.value is None:
        yield Text("No reply of an assistant in them: there is nothing to audit.", "yellow")
    else:
        yield Text(f"{summary.share(head.rate)} {summary.span(head.rate)} {head.meaning}", "bold")
        yield _causes(found)
        yield from _places(found)
        yield from _signals(found)
        yield from _early(found)
        for kind in ("model", "corpus"):
            if len(findings.groups(kind)) > 1:
                yield _groups(found, kind)
    if changed is not None:
        yield from _changed(changed)
    if found.setup.escalated is not None:
        yield Text(found.setup.escalated.line())
    yield from _left_out(found)


def _changed(changed: list[Change]) -> Iterator[RenderableType]:
    from rich.text import Text

    table = _table("against the other logs", "before", "after", "change", "95%", "p", "adjusted")
    for each in changed:
        name = f"{each.name.replace('_', ' ')} ({each.meaning})"
        if each.difference is None:
            table.add_row(name, summary.share(each.before), summary.share(each.after))
            continue
        table.add_row(
            name,
            summary.share(each.before),
            summary.share(each.after),
            f"{100 * each.difference:+.1f}",
            f"[{100 * (each.low or 0):+.1f}, {100 * (each.high or 0):+.1f}]",
            summary.odds(each.p),
            summary.odds(each.holm),
            style="bold" if each.differs else "",
        )
    yield table
    yield Text(f"{differ(changed)} Users and topics may have changed, too.")


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=0, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if not number else "right", no_wrap=bool(number))
    return table


def _causes(found: Audited) -> Table:
    table = _table("why (of conversations)", "share", "95%", "n")
    for figure in summary.causes(found.findings):
        name = f"{figure.name.replace('_', ' ')}: {figure.meaning}"
        rate = figure.rate
        table.add_row(name, summary.share(rate), summary.span(rate), f"{rate.events:,}")
    return table


def _places(found: Audited) -> Iterator[Table]:
    places = summary.places(found.findings)
    if len(places) > 1:
        table = _table("reply", "breaks first", "95%", "breaks", "asks", "n")
        for label, first, breaks, asks in places:
            rates = (
                summary.share(first.rate),
                summary.span(first.rate),
                summary.share(breaks.rate),
            )
            table.add_row(label, *rates, summary.share(asks.rate), f"{breaks.rate.n:,}")
        yield table


def _signals(found: Audited) -> Iterator[Table]:
    figures = [f for f in summary.signals(found.findings) if f.rate.events]
    if figures:
        table = _table("what users do (of their later turns)", "share", "95%", "n")
        for figure in figures:
            name = f"{figure.name.replace('_', ' ')}: {figure.meaning}"
            rate = figure.rate
            table.add_row(name, summary.share(rate), summary.span(rate), f"{rate.events:,}")
        yield table


def _early(found: Audited) -> Iterator[RenderableType]:
    from rich.text import Text

    failed, sound, gap = summary.early(found.findings)
    if gap is not None and failed.rate.n >= summary.FEWEST and sound.rate.n >= summary.FEWEST:
        points = [f"{100 * value:+.0f}" for value in gap]
        yield Text(
            f"Later replies break in {summary.share(failed.rate)} of conversations where "
            f"{failed.meaning}, else in {summary.share(sound.rate)}: {points[0]} points "
            f"[{points[1]}, {points[2]}]."
        )


def _groups(found: Audited, kind: str) -> Table:
    table = _table(kind, "breaks", "95%", "users show it", "too soon", "asks", "repaired", "n")
    for name, rates in summary.groups(found.findings, kind):
        shares = [summary.share(rates[f]) for f in ("signal", "premature", "asks", "repaired")]
        broken = rates["breakdown"]
        table.add_row(name, summary.share(broken), summary.span(broken), *shares, f"{broken.n:,}")
    return table


def _left_out(found: Audited) -> Iterator[RenderableType]:
    from rich.text import Text

    if found.faults:
        yield Text(f"{found.faults:,} not read:", "yellow")
        for fault in found.some_faults[:LISTED]:
            yield Text(f"  {fault}")
        if found.faults > LISTED:
            yield Text(f"  and more, all of them in {found.setup.out / 'faults.jsonl'}")
    roles = found.findings.roles
    if roles:
        names = ", ".join(f"{name} ({n:,})" for name, n in roles.most_common(8))
        yield Text(
            f"Roles that nobody knows, left out, in so many conversations: {names}", "yellow"
        )
