"""What a run found, for people and for programs: a table, `scores.json`, one HTML file.

Everything is worked out again from the episodes of a run's folder, so a report can be made at any
time, also of a run that was stopped half-way.

This package knows nothing of how a figure is calculated (`scores`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uptake.probes import metrics
from uptake.report.table import tables
from uptake.run.record import episodes, notes, settings
from uptake.scores import rows

if TYPE_CHECKING:
    from rich.console import Console

    from uptake.compare import Comparison
    from uptake.episode import Episode
    from uptake.report.compared import Side
    from uptake.scores import Row

__all__ = ["terminal", "write_comparison", "write_report", "write_scores"]

_last: dict[tuple[Path, int, int], tuple[list[Episode], list[Row]]] = {}


def terminal(out: Path, console: Console | None = None) -> None:
    """Print the scores of the run in `out`: one line a model, controls among them.

    Raises:
        UptakeError: there is no run in `out`, or a line of it is no episode.
    """
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    for part in tables(_read(out)[1], settings(Path(out)).get("model")):
        console.print(part)
    for line in notes(Path(out)):
        console.print(Text(line, "yellow"))


def write_scores(out: Path) -> Path:
    """Write `scores.json` in `out` and give its path: `{"rows": [...]}`, see `scores.Row`.

    Where a reader of the scores must know something of them, `"notes"` has a line for it.

    Raises:
        UptakeError: there is no run in `out`, or a line of it is no episode.
        OSError: the file cannot be written.
    """
    found = [row.to_dict() for row in _read(out)[1]]
    said = notes(Path(out))
    data = {"rows": found} | ({"notes": said} if said else {})
    return _write(Path(out) / "scores.json", json.dumps(data, indent=1) + "\n")


def write_report(out: Path) -> Path:
    """Write `report.html` in `out` and give its path: one file that needs nothing else.

    Raises:
        UptakeError: there is no run in `out`, or a line of it is no episode.
        OSError: the file cannot be written.
    """
    from uptake.report.page import page

    return _write(Path(out) / "report.html", page(Path(out), *_read(out)))


def write_comparison(path: Path, comparison: Comparison, sides: Sequence[Side]) -> Path:
    """Write two runs compared (`report.compared`) as one HTML file at `path`, and give `path`.

    Raises:
        OSError: the file cannot be written.
    """
    from uptake.report.compared_page import comparison_page

    return _write(Path(path), comparison_page(comparison, sides))


def _read(out: Path) -> tuple[list[Episode], list[Row]]:
    """The episodes and scores of a run; the last run's are kept, for one call follows another."""
    try:
        stat = (Path(out) / "episodes.jsonl").stat()
        key = (Path(out).resolve(), stat.st_size, stat.st_mtime_ns)
    except OSError:
        key = (Path(out), -1, -1)  # `episodes` says what is wrong
    if key not in _last:
        played = episodes(Path(out))
        _last.clear()
        _last[key] = played, rows(played, metrics({episode.probe for episode in played}))
    return _last[key]


def _write(path: Path, text: str) -> Path:
    """Replace `path` as a whole, so that a reader never sees half of it."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_bytes(text.encode("utf-8", "replace"))
    beside.replace(path)
    return path
