"""Two runs read from disk and compared, and the table of it in the terminal.

This module knows nothing of how a difference is calculated (`compare`) or of HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uptake.compare import Compared, Comparison, Overlap, compare_runs, speaker
from uptake.episode import RULES, Episode
from uptake.errors import UptakeError
from uptake.probes import metrics
from uptake.report.figures import percent
from uptake.run.record import episodes, settings

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = [
    "Side",
    "amount",
    "compared",
    "comparison_tables",
    "headline",
    "left_out",
    "moved",
    "moved_span",
    "odds",
    "signed",
    "unlike",
]


@dataclass(frozen=True)
class Side:
    """One of two runs: where it lies, who spoke, and what it was begun with."""

    label: str
    path: Path
    name: str
    settings: dict[str, Any]
    episodes: int


def compared(
    a: Path,
    b: Path,
    *,
    model_a: str | None = None,
    model_b: str | None = None,
    rule: str = "last",
    conditions: Sequence[str] = (),
    only: Sequence[str] = (),
) -> tuple[Comparison, tuple[Side, Side]]:
    """The runs in `a` and `b` (folders, or files like their `episodes.jsonl`) compared.

    `model_a` and `model_b` choose a speaker where a run holds several; controls need not be told
    apart. The rest is that of `compare_runs`.

    Raises:
        UptakeError: no run there, no clear speaker, an unknown rule, or nothing in common.
    """
    if rule not in RULES:
        raise UptakeError(f"--rule {rule!r} is unknown; there are: {', '.join(RULES)}")
    left, mine = _side("A", Path(a), model_a)
    right, theirs = _side("B", Path(b), model_b)
    own = metrics({e.probe for e in mine}, {e.condition for e in mine})
    found = compare_runs(
        mine, theirs, own, names=_names(left, right), rule=rule, conditions=conditions, only=only
    )
    return found, (left, right)


def comparison_tables(comparison: Comparison, sides: Sequence[Side]) -> Iterator[RenderableType]:
    """A table for each probe and domain, who A and B are, and what was left out."""
    from rich.text import Text

    for overlap in comparison.overlaps:
        rows = [row for row in comparison.rows if _place(row) == _place(overlap)]
        if rows:
            yield _table(overlap, rows)
        for line in left_out(overlap):
            yield Text(line, "yellow")
        for row in rows:
            if row.note and (row.difference is None or "not comparable" in row.note):
                yield Text(f"{row.metric} of {row.condition}: {row.note}", "yellow")
    yield Text(f"A  {comparison.a}\nB  {comparison.b}")
    differing = unlike(sides)
    if differing:
        words = "; ".join(f"{name} {a} in A, {b} in B" for name, a, b in differing)
        yield Text(f"The runs were begun with other settings: {words}.", "yellow")
    sure = sum(row.differs for row in comparison.rows)
    tested = sum(row.p is not None for row in comparison.rows)
    yield Text(f"{sure} of {tested} figures differ, at p < 0.05 after Holm's adjustment.", "bold")


def headline(rows: Sequence[Compared]) -> Compared | None:
    """What to show first: kept over turns, or else a mean, or else the first that is known."""
    known = [row for row in rows if row.difference is not None]
    for metric, condition in (("net", "missing"), ("kept", "sharded"), ("mean", "sharded")):
        for row in known:
            if (row.metric, row.condition) == (metric, condition):
                return row
    return next(iter(known), None)


def amount(row: Compared, value: float | None) -> str:
    """A value of a run: a share as "61%", a difference in signed points, or an amount."""
    if value is None:
        return "–"
    if row.kind == "amount":
        return f"{value:.1f}"
    return signed(100 * value, 0) if row.kind == "difference" else percent(value)


def moved(row: Compared, value: float | None) -> str:
    """A difference as "+12", in percentage points, or "−0.4" of an amount."""
    if value is None:
        return "–"
    return signed(value, 1) if row.kind == "amount" else signed(100 * value, 0)


def moved_span(row: Compared) -> str:
    """The interval of the difference as "[−3, +20]"; empty where there is none."""
    if row.low is None or row.high is None:
        return ""
    return f"[{moved(row, row.low)}, {moved(row, row.high)}]"


def odds(p: float | None) -> str:
    """A p-value as "0.03" or "< 0.001"."""
    if p is None:
        return "–"
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def left_out(overlap: Overlap) -> list[str]:
    """What the comparison has to do without, a line each."""
    lines: list[str] = []
    if overlap.only_a or overlap.only_b:
        lines.append(
            f"Left out: instructions that only A played ({overlap.only_a:,}) "
            f"or only B ({overlap.only_b:,})."
        )
    if overlap.other:
        lines.append(
            f"Ids that have another answer in B, so another instruction: {overlap.other:,}."
        )
    if overlap.failed_a or overlap.failed_b:
        lines.append(
            f"Failed episodes, which have no score: {overlap.failed_a:,} of A, "
            f"{overlap.failed_b:,} of B."
        )
    return lines


def unlike(sides: Sequence[Side]) -> list[tuple[str, str, str]]:
    """The settings in which two runs differ, as name, A's and B's; none where a run has none."""
    a, b = (side.settings for side in sides)
    passed_over = ("model", "controls", "instructions_sha256")
    return [
        (name, str(a.get(name, "none")), str(b.get(name, "none")))
        for name in dict.fromkeys([*a, *b] if a and b else [])
        if name not in passed_over and a.get(name) != b.get(name)
    ]


def _side(label: str, path: Path, name: str | None) -> tuple[Side, list[Episode]]:
    played, held = episodes(path), settings(path)
    policies = {e.model for e in played if e.model.startswith("policy:")}
    option = f"--model-{label.lower()}"
    try:
        found, mine = speaker(played, name, controls=held.get("controls", policies), option=option)
    except UptakeError as error:
        raise UptakeError(f"{path}: {error}") from error
    return Side(label, path, found, held, len(mine)), mine


def _names(a: Side, b: Side) -> tuple[str, str]:
    """Who spoke; and in which run, where one name spoke in both."""
    if a.name != b.name:
        return a.name, b.name
    return f"{a.name} in {a.path}", f"{b.name} in {b.path}"


def _place(of: Compared | Overlap) -> tuple[str, str]:
    return of.probe, of.domain


def _table(overlap: Overlap, rows: Sequence[Compared]) -> Table:
    from rich import box
    from rich.table import Table

    title = f"{overlap.probe} · {overlap.domain} · {overlap.both:,} instructions of both runs"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("figure", overflow="fold")
    table.add_column("told", overflow="fold")
    for name in ("A", "B", "B−A", "95%", "p", "Holm", "d_z", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.metric,
            row.condition,
            amount(row, row.a),
            amount(row, row.b),
            "withheld" if row.difference is None else moved(row, row.difference),
            moved_span(row),
            odds(row.p).replace(" ", ""),
            odds(row.holm).replace(" ", ""),
            signed(row.effect, 1),
            str(row.n),
            style="bold" if row.differs else "",
        )
    return table


def signed(value: float | None, digits: int) -> str:
    """A number with its sign, unless it rounds to 0; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if not text.strip("+−0.") else text
