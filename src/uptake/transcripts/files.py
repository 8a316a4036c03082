"""Where logs lie: files, folders, patterns and standard input, compressed or not.

This module knows nothing of what is in them but how they are packed.
"""

from __future__ import annotations

import glob
import gzip
import io
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from uptake.transcripts.transcript import TranscriptError

__all__ = ["STDIN", "expanded", "kind_of", "opened"]

STDIN = "-"
"""What names standard input."""

_TEXT = (".jsonl", ".ndjson", ".json")
_ENDINGS = (
    ".parquet",
    ".eval",
    *(f"{ending}{packed}" for ending in _TEXT for packed in ("", ".gz", ".zst")),
)
# In these folders one file holds the logs, and what lies beside it is about them.
_ALONE = ("utterances.jsonl", "episodes.jsonl")
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PAR1": "parquet",
    b"PK\x03\x04": "zip",
}
_PIECE = 2048  # of compressed bytes: what they unpack to is at most some 64 MiB


def expanded(logs: Sequence[str | Path]) -> list[str]:
    """The files that these names stand for, in order and each once; "-" is standard input.

    Raises:
        TranscriptError: a file or folder is not there, a pattern fits none, or a folder has no
            logs in it.
    """
    found: list[str] = []
    for log in map(str, logs):
        path = Path(log)
        if log in (STDIN, "/dev/stdin"):
            found.append(STDIN)
        elif path.is_file():
            found.append(log)
        elif path.is_dir():
            found += _within(path)
        elif path.exists():  # a pipe: <(zcat …)
            found.append(log)
        else:
            matches = sorted(glob.glob(log, recursive=True))  # noqa: PTH207 - may be absolute
            if not matches:
                raise TranscriptError(f"{log}: no such file, folder or pattern")
            for match in map(Path, matches):
                found += _within(match) if match.is_dir() else [str(match)]
    return list(dict.fromkeys(found))


def _within(folder: Path) -> list[str]:
    """The logs of a folder and of those in it, sorted."""
    paths = [p for p in sorted(folder.rglob("*")) if p.name.lower().endswith(_ENDINGS)]
    paths = [p for p in paths if p.is_file() and not any(x.startswith(".") for x in p.parts[1:])]
    alone = {p.parent for p in paths if p.name in _ALONE}
    paths = [p for p in paths if p.parent not in alone or p.name in _ALONE]
    if not paths:
        raise TranscriptError(
            f"{folder}: a folder without logs; they end in .jsonl, .json, .parquet or .eval"
        )
    return [str(path) for path in paths]


def kind_of(file: str) -> str:
    """How a file is packed, by its first bytes: plain, gzip, zstd, parquet or zip.

    Standard input is looked at without taking anything from it. Raises OSError.
    """
    if file == STDIN:
        head = cast("io.BufferedReader", sys.stdin.buffer).peek(4)[:4]
    elif not Path(file).is_file():
        return "plain"  # a pipe can be read once: it is not looked into
    else:
        with Path(file).open("rb") as stream:
            head = stream.read(4)
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "plain")


@contextmanager
def opened(file: str, kind: str) -> Generator[tuple[BinaryIO, BinaryIO]]:
    """A file's bytes as they were before they were packed, and as they lie. Raises OSError."""
    raw: Any = sys.stdin.buffer if file == STDIN else Path(file).open("rb", 1 << 20)  # noqa: SIM115
    stream: Any = raw
    if kind == "gzip":
        stream = gzip.GzipFile(fileobj=raw, mode="rb")
    elif kind == "zstd":
        stream = io.BufferedReader(_Unzstd(raw))
    try:
        yield stream, raw
    finally:
        if stream is not raw:
            stream.close()
        if file != STDIN:
            raw.close()


class _Unzstd(io.RawIOBase):
    """The bytes of a file of zstandard frames; raises EOFError where the last one breaks off."""

    def __init__(self, raw: BinaryIO) -> None:
        self._pieces = self._unpacked(raw)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        taken = min(len(buffer), len(self._held))
        buffer[:taken] = self._held[:taken]
        self._held = self._held[taken:]
        return taken

    @staticmethod
    def _unpacked(raw: BinaryIO) -> Iterator[bytes]:
        import zstandard

        frame: Any = None
        while data := raw.read(_PIECE):
            while data:
                if frame is None:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                try:
                    yield frame.decompress(data)
                except zstandard.ZstdError as error:
                    raise OSError(str(error)) from error
                data = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
        if frame is not None:
            raise EOFError("the last frame of zstandard breaks off")
