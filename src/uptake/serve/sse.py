"""Server-sent events: bytes to events as they come in, and back.

`Events` takes chunks of any size, cut anywhere, and gives whole events. What it cannot read it
leaves out of the events; who passes bytes on does so untouched, and only listens here.

Source: WHATWG HTML, section 9.2 (server-sent events). This module knows nothing of JSON or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMMENT", "Event", "Events"]

COMMENT = b": keep-alive\n\n"
"""What is sent while there is nothing to say; clients leave comments out."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the joined `data` lines, and the name, "" where it has none."""

    data: str
    name: str = ""

    def encode(self) -> bytes:
        """The event as bytes, with the blank line that ends it."""
        lines = [f"event: {self.name}"] if self.name else []
        lines += [f"data: {line}" for line in self.data.split("\n")]
        return ("\n".join(lines) + "\n\n").encode()


class Events:
    """Whole events out of a stream of chunks.

    At most `limit` bytes of an unfinished event are held; a longer one is dropped and the stream
    counts as `broken`, after which nothing more is heard.
    """

    def __init__(self, limit: int = 8 * 2**20) -> None:
        self._limit = limit
        self._rest = b""
        self._size = 0
        self._lines: list[bytes] = []
        self.broken = False

    @property
    def between(self) -> bool:
        """Whether the stream so far ends where an event ends, so that a comment may be put in."""
        return not self._rest and not self._lines

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that end within this chunk."""
        if self.broken:
            return []
        text = self._rest + chunk
        # A carriage return may be the first half of a line's end: it waits for the second.
        held = b"\r" if text.endswith(b"\r") else b""
        text = text.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._rest = rest + held
        found: list[Event] = []
        for line in lines:
            if line:
                self._lines.append(line)
                self._size += len(line)
            elif self._lines:
                event = _event(self._lines)
                self._lines, self._size = [], 0
                if event is not None:
                    found.append(event)
        if self._size + len(self._rest) > self._limit:
            self.broken, self._rest, self._lines = True, b"", []
        return found


def _event(lines: list[bytes]) -> Event | None:
    """The event of these lines; None where they hold no data (comments, ids)."""
    data: list[str] = []
    name = ""
    for line in lines:
        field, _, value = line.partition(b":")
        words = value.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"data":
            data.append(words)
        elif field == b"event":
            name = words
    return Event("\n".join(data), name) if data else None
