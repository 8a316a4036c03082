"""What an audit is of and what it writes, and what must be the same for it to go on.

This module knows nothing of how logs are read, or of what is found in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from uptake.audit import cluster, workers
from uptake.audit.answers import Escalated

__all__ = ["Setup", "settings_of", "size_of"]

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Setup:
    """What to audit and what to write: see `uptake audit --help`.

    `escalated` is what came of asking a model first (`escalate`): its answers lie in `out`. `ray`
    is the address of a cluster that works in the place of processes.
    """

    logs: tuple[str, ...]
    out: Path
    form: str | None = None
    redact: bool = False
    parquet: bool = False
    events: bool = False
    processes: int = 1
    labels: Path | None = None
    escalated: Escalated | None = None
    ray: str | None = None

    def in_order(self, work: Callable[[In], Out], batches: Iterable[In]) -> Iterator[Out]:
        """`work` of each batch, in order, wherever it is done."""
        if self.ray is None:
            return workers.in_order(work, batches, self.processes)
        return cluster.in_order(work, batches, self.processes, self.ray)


def settings_of(setup: Setup, files: Sequence[str]) -> dict[str, Any]:
    """What must be the same for two sittings to be one, of what is read."""
    return {
        "logs": list(files),
        "sizes": [size_of(file) for file in files],
        "format": setup.form,
        "redact": setup.redact,
        "labels": [str(setup.labels), size_of(str(setup.labels))] if setup.labels else None,
    }


def size_of(file: str) -> int:
    """Its bytes; 0 for what is no file, as standard input."""
    path = Path(file)
    return path.stat().st_size if path.is_file() else 0
