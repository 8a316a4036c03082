"""What a run found, for people and for programs: a table, `scores.json`, one HTML file.

Everything is worked out again from the episodes of a run's folder, so a report can be made at any
time, also of a run that was stopped half-way.

This package knows nothing of how a figure is calculated (`scores`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uptake.errors import UptakeError
from uptake.probes import metrics
from uptake.report.faith import faith
from uptake.report.table import spoiled, tables
from uptake.run.record import episodes, notes, settings
from uptake.scores import rows

if TYPE_CHECKING:
    from rich.console import Console

    from uptake.compare import Comparison
    from uptake.episode import Episode
    from uptake.report.compared import Side
    from uptake.report.page import Run
    from uptake.scores import Row

__all__ = ["terminal", "write_comparison", "write_report", "write_scores"]

_last: tuple[tuple[tuple[Path, int, int], ...], list[Run], list[Row]] | None = None


def terminal(*outs: Path, console: Console | None = None) -> None:
    """Print the scores of a run, or of several together: the models, controls among them.

    Raises:
        UptakeError: as `write_report`.
    """
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    runs, found = _read(*outs)
    for part in tables(found, [run.probed for run in runs if run.probed]):
        console.print(part)
    for line in [line for run in runs for line in notes(run.out)]:
        console.print(Text(line, "yellow"))
    for each in faith([episode for run in runs for episode in run.episodes]):
        for line in spoiled(each):
            console.print(line)


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


def write_report(*outs: Path, to: Path | None = None) -> Path:
    """Write one file that needs nothing else, and give its path: `report.html` in the run's folder.

    Of several runs, which must be of different models, it is one page at `to`.

    Raises:
        UptakeError: there is no run in a folder, a line of it is no episode, or the runs have a
            model in common or call two instructions the same.
        OSError: the file cannot be written.
    """
    from uptake.report.page import page

    return _write(Path(to or Path(outs[0]) / "report.html"), page(*_read(*outs)))


def write_comparison(path: Path, comparison: Comparison, sides: Sequence[Side]) -> Path:
    """Write two runs compared (`report.compared`) as one HTML file at `path`, and give `path`.

    Raises:
        OSError: the file cannot be written.
    """
    from uptake.report.compared_page import comparison_page

    return _write(Path(path), comparison_page(comparison, sides))


def _read(*outs: Path) -> tuple[list[Run], list[Row]]:
    """The runs and their scores; the last are kept, for one call follows another."""
    global _last
    key = tuple(map(_state, outs))
    if _last is None or _last[0] != key:
        from uptake.report.page import Run

        runs = [Run(Path(out), settings(Path(out)), episodes(Path(out))) for out in outs]
        together = _together(runs)
        found = rows(
            together, metrics({e.probe for e in together}, {e.condition for e in together})
        )
        _last = key, runs, found
    return _last[1], _last[2]


def _state(out: Path) -> tuple[Path, int, int]:
    try:
        stat = (Path(out) / "episodes.jsonl").stat()
    except OSError:
        return Path(out), -1, -1  # `episodes` says what is wrong
    return Path(out).resolve(), stat.st_size, stat.st_mtime_ns


def _together(runs: Sequence[Run]) -> list[Episode]:
    """All episodes, those that stand in several runs (the controls') once.

    Raises:
        UptakeError: a model that was probed stands in two runs, or an id has two answers.
    """
    found: dict[Any, Episode] = {}
    answers: dict[Any, tuple[str, Path]] = {}
    for run in runs:
        for e in run.episodes:
            answer = answers.setdefault((e.probe, e.condition, e.instruction_id), (e.gold, run.out))
            if answer[0] != e.gold:
                raise UptakeError(
                    f"{e.instruction_id} has another answer in {run.out} than in {answer[1]}: "
                    "only runs of the same instructions make one report"
                )
            if e.key in found and e.model == run.probed:
                raise UptakeError(
                    f"{e.model} stands in {run.out} and in another of these runs: "
                    "uptake compare puts them side by side"
                )
            found[e.key] = e
    return list(found.values())


def _write(path: Path, text: str) -> Path:
    """Replace `path` as a whole, so that a reader never sees half of it."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_bytes(text.encode("utf-8", "replace"))
    beside.replace(path)
    return path
