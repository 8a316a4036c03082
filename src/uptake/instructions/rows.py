"""The rows of a file of instructions, each with its line: a JSON array, or one object a line.

A file may be gzipped. What cannot be read is one `InstructionError` that names the line.

This module knows nothing of what the rows hold.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, cast

from uptake.errors import UptakeError

__all__ = ["InstructionError", "rows"]

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class InstructionError(UptakeError):
    """A file of instructions cannot be read: `file:line: what; how to mend`."""


def rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each row with its line number, from a JSON array or from lines."""
    data = _content(path)
    found = _array(path, data) if data.lstrip().startswith(b"[") else _lines(path, data)
    for line, row in found:
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise InstructionError(f"{path}:{line}: a {kind}, not an object; write {{…}} a line")
        yield line, cast("dict[str, Any]", row)


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked, without a byte order mark."""
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InstructionError(f"{path}: broken gzip ({error}); copy the file again") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise InstructionError(f"{path}: {why}; give the path of a file you can read") from None
    return data.removeprefix(_BOM)


def _lines(path: Path, data: bytes) -> Iterator[tuple[int, Any]]:
    for line, raw in enumerate(data.split(b"\n"), 1):
        if raw.strip():
            text = _decode(path, line, raw).strip()
            row, end = _parse(path, line, text, 0)
            if text[end:].strip():
                raise InstructionError(
                    f"{path}:{line}: more after the first object; write one JSON object a line"
                )
            yield line, row


def _array(path: Path, data: bytes) -> Iterator[tuple[int, Any]]:
    """The items of a JSON array one by one, so that each has its line."""
    text = _decode(path, 1, data)
    start = text.index("[")
    line = text.count("\n", 0, start) + 1
    _, end = _parse(path, line, text, start)  # the whole first: what follows may trust the commas
    if text[end:].strip():
        line += text.count("\n", start, end)
        raise InstructionError(f"{path}:{line}: more after the array; remove what follows the ]")
    at = start + 1
    while (after := _row_start(text, at)) < end - 1:
        line += text.count("\n", at, after)
        row, at = _parse(path, line, text, after)
        yield line, row
        line += text.count("\n", after, at)


def _row_start(text: str, at: int) -> int:
    while text[at] in " \t\r\n,":
        at += 1
    return at


def _decode(path: Path, line: int, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line += raw.count(b"\n", 0, error.start)
        column = error.start - raw.rfind(b"\n", 0, error.start)
        byte = raw[error.start]
        raise InstructionError(
            f"{path}:{line}: byte {column} (0x{byte:02x}) is not UTF-8; save the file as UTF-8"
        ) from None


def _parse(path: Path, line: int, text: str, at: int) -> tuple[Any, int]:
    try:
        return JSONDecoder().raw_decode(text, at)
    except JSONDecodeError as error:
        line += text.count("\n", at, error.pos)
        what = f"not JSON ({error.msg}, column {error.colno})"
    except RecursionError:
        what = "nested too deeply"
    except ValueError as error:  # an integer of thousands of digits
        what = str(error).partition(";")[0]
    raise InstructionError(f"{path}:{line}: {what}; write one whole JSON object a row")
