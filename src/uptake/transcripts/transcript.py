"""What was read of a log: a `Transcript`, or a `Fault` that says what could not be read and why.

This module knows nothing of files or formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from uptake.conversation import Conversation
from uptake.errors import UptakeError

__all__ = ["Fault", "Format", "Row", "Source", "Transcript", "TranscriptError"]

Row = Mapping[str, Any]
"""One object of a log."""


class TranscriptError(UptakeError):
    """Logs cannot be read at all: what, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was read: a file and its line from 1; in Parquet the row, in `.eval` the
    sample. In a document over many lines it is the line that its object begins in.
    """

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation of a log.

    `times` holds when each message was said, in seconds since 1970, or None; it is empty where
    nothing is known of any. `model` is the model's name, where the log has it. `meta` is what
    the format tells beside (a score, a task, the ids of a span), as plain JSON.
    """

    id: str
    conversation: Conversation
    format: str
    source: Source
    model: str | None = None
    times: tuple[float | None, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be read: the file, its line (None: the whole of it), and why."""

    file: str
    line: int | None
    why: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.why}"


@dataclass(frozen=True, slots=True)
class Format:
    """A format of logs: whether a row is of it, and the conversations that a row holds.

    `read` raises ValueError, KeyError, TypeError or AttributeError for a row that is broken. Of a
    request, which repeats all that was said before, it says so (`grown`).
    """

    name: str
    words: str
    knows: Callable[[Row], bool]
    read: Callable[[Row, Source], Iterator[Transcript]]
