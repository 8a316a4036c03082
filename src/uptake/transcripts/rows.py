"""The rows of a file as they come, in little memory: JSON lines, a JSON array, or one document.

What cannot be read is a `Fault` that names the line, and reading goes on with the next line. Only
within an array or a document there is no next line to go on with: what follows is lost, and the
fault says so.

This module knows nothing of what the rows hold.
"""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO, cast

from uptake.transcripts.transcript import Fault, Row

__all__ = ["LONGEST", "rows"]

LONGEST = 64 << 20
"""Bytes of the longest line, and of the longest item of an array, that is read."""

_DOCUMENT = 256 << 20  # bytes of one object over many lines
_BOM = b"\xef\xbb\xbf"
_BROKEN_STREAM = (EOFError, zlib.error, gzip.BadGzipFile, OSError, ValueError)
_LOST = "what follows in this file is not read"


def rows(stream: BinaryIO, file: str, longest: int = LONGEST) -> Iterator[tuple[int, Row] | Fault]:
    """Each row with its line, or why it cannot be read."""
    try:
        yield from _rows(_Lines(stream, longest), file)
    except _BROKEN_STREAM as error:
        why = " ".join(str(error).split()) or type(error).__name__
        yield Fault(file, None, f"broken off ({why}): {_LOST}; copy or compress the file again")


class _Lines:
    """The lines of a stream, counted; a line that is too long comes as its first bytes alone."""

    def __init__(self, stream: BinaryIO, longest: int) -> None:
        self._stream = stream
        self.longest = longest
        self.number = 0

    def line(self) -> bytes:
        """The next line; b"" at the end. Of one that is too long, its beginning."""
        self.number += 1
        return self._stream.readline(self.longest)

    def more(self, size: int) -> bytes:
        """So many bytes more, whatever lines they are."""
        return self._stream.read(size)

    def skip(self) -> int:
        """Pass over what is left of a line; how many bytes that was."""
        skipped = 0
        while piece := self._stream.readline(1 << 20):
            skipped += len(piece)
            if piece.endswith(b"\n"):
                break
        return skipped


def _rows(lines: _Lines, file: str) -> Iterator[tuple[int, Row] | Fault]:
    first = _first(lines)
    if first is None:
        yield Fault(file, None, "empty")
    elif b"\0" in first[:4096]:
        yield Fault(file, None, "binary, not a log of text")
    elif first.lstrip().startswith(b"[") and not _whole(first):
        yield from _array(first, lines, file)
    elif first.strip() == b"{" or (first.lstrip().startswith(b"{") and _opens(first)):
        yield from _document(first, lines, file)
    else:
        yield from _line(first, lines.number, lines, file)
        while line := lines.line():
            if line.strip():
                yield from _line(line, lines.number, lines, file)


def _first(lines: _Lines) -> bytes | None:
    """The first line that holds anything, without a byte order mark."""
    while line := lines.line():
        line = line.removeprefix(_BOM)
        if line.strip():
            return line
    return None


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _opens(line: bytes) -> bool:
    """Whether a line is the beginning of a document: it ends after a comma or an open bracket."""
    return line.rstrip().endswith((b"{", b"[", b",")) and line.endswith(b"\n")


def _line(line: bytes, number: int, lines: _Lines, file: str) -> Iterator[tuple[int, Row] | Fault]:
    if len(line) >= lines.longest and not line.endswith(b"\n"):
        size = (len(line) + lines.skip()) / (1 << 20)
        most = lines.longest / (1 << 20)
        words = f"a line of {size:,.0f} MiB; the longest that is read is {most:g}"
        yield Fault(file, number, words)
        return
    try:
        value: Any = json.loads(line)
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} (0x{line[error.start]:02x})"
        yield Fault(file, number, f"{byte} is not UTF-8")
    except JSONDecodeError as error:
        yield Fault(file, number, f"not JSON ({error.msg}, column {error.colno})")
    except RecursionError:
        yield Fault(file, number, "nested too deeply")
    except ValueError as error:  # an integer of thousands of digits
        yield Fault(file, number, str(error).partition(";")[0])
    else:
        yield from _values(value, number, file)


def _values(value: Any, number: int, file: str) -> Iterator[tuple[int, Row] | Fault]:
    """A row, or the rows of a list; a list of messages is one row."""
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if items and all(map(_is_message, items)):
            yield number, {"messages": items}
        else:
            for item in items:
                yield from _values(item, number, file)
    elif isinstance(value, dict):
        yield number, cast("Row", value)
    else:
        yield Fault(file, number, f"a {type(value).__name__}, not an object")


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    fields = cast("Row", value)
    return "role" in fields and bool({"content", "tool_calls"} & fields.keys())


def _document(first: bytes, lines: _Lines, file: str) -> Iterator[tuple[int, Row] | Fault]:
    begun = lines.number
    data = first + lines.more(_DOCUMENT)
    if len(data) > _DOCUMENT:
        most = _DOCUMENT >> 20
        yield Fault(file, begun, f"one object of more than {most} MiB; write one object a line")
        return
    try:
        value: Any = json.loads(data)
    except JSONDecodeError as error:
        line = begun + error.lineno - 1
        yield Fault(file, line, f"not JSON ({error.msg}, column {error.colno}): {_LOST}")
    except (ValueError, RecursionError) as error:
        yield Fault(file, begun, f"not JSON ({str(error)[:80]}): {_LOST}")
    else:
        yield from _values(value, begun, file)


def _array(first: bytes, lines: _Lines, file: str) -> Iterator[tuple[int, Row] | Fault]:
    """The items of an array one by one; an array of messages is one row."""
    talk: list[Any] = []
    begun = lines.number
    for item in _Array(first, lines, file).items():
        if isinstance(item, Fault):
            yield item
        elif _is_message(item[1]):
            talk.append(item[1])
        else:
            yield from _values(item[1], item[0], file)
    if talk:
        yield begun, {"messages": talk}


class _Array:
    """An array that is read piece by piece: `text` is what was read and not yet taken."""

    def __init__(self, first: bytes, lines: _Lines, file: str) -> None:
        self.lines, self.file = lines, file
        self.line = lines.number
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self.text = self._decode.decode(first).lstrip()[1:]
        self.ended = False

    def _more(self, size: int) -> None:
        data = self.lines.more(size)
        self.ended = not data
        self.text += self._decode.decode(data, final=self.ended)

    def items(self) -> Iterator[tuple[int, Any] | Fault]:
        """Each item with its line; a fault is the last."""
        decode = JSONDecoder().raw_decode
        while True:
            self._pass()
            if not self.text:
                if self.ended:
                    yield Fault(self.file, self.line, "the array breaks off: its ] is missing")
                    return
                self._more(1 << 16)
                continue
            if self.text[0] == "]":
                return
            try:
                value, end = decode(self.text)
            except JSONDecodeError as error:
                if (
                    not self.ended
                    and len(self.text) < self.lines.longest
                    and _may_go_on(error, self.text)
                ):
                    self._more(max(1 << 16, len(self.text)))
                    continue
                line = self.line + error.lineno - 1
                yield Fault(self.file, line, f"not JSON ({error.msg}): {_LOST}")
                return
            except (ValueError, RecursionError) as error:
                yield Fault(self.file, self.line, f"not JSON ({str(error)[:80]}): {_LOST}")
                return
            yield self.line, value
            self._take(end)

    def _pass(self) -> None:
        """Pass over what stands between items."""
        rest = self.text.lstrip(" \t\r\n,")
        self._take(len(self.text) - len(rest))

    def _take(self, end: int) -> None:
        self.line += self.text.count("\n", 0, end)
        self.text = self.text[end:]


def _may_go_on(error: JSONDecodeError, text: str) -> bool:
    """Whether it is not JSON only for want of what comes next."""
    return error.msg.startswith("Unterminated") or error.pos >= len(text) - 16
