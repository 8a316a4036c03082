"""Conversations that people already have: logs in many formats, read as they come.

    for found in read("logs/", "more.jsonl.gz"):
        if isinstance(found, Fault): print(found)
        else: found.conversation, found.model, found.source

One format a file of this folder; `FORMATS` is the one table of them. Each row is read by the
first format that knows it, so that a file may mix them. Files may be gzipped or compressed with
zstandard; folders, patterns ("logs/**/*.jsonl") and standard input ("-") are read, too. Memory
does not grow with the size of a log. A row that cannot be read is a `Fault`, never an error.

This package fetches nothing, and knows nothing of what a conversation is worth (`audit`).
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from uptake.bridges.inspect_log import unzipped
from uptake.transcripts.anthropic import ANTHROPIC
from uptake.transcripts.convokit import gathered, is_utterance
from uptake.transcripts.episodes import EPISODES
from uptake.transcripts.files import STDIN, expanded, kind_of, opened
from uptake.transcripts.grown import grown
from uptake.transcripts.lic import LIC
from uptake.transcripts.openai import OPENAI
from uptake.transcripts.parquet import parquet_rows
from uptake.transcripts.rows import rows
from uptake.transcripts.samples import INSPECT
from uptake.transcripts.sharegpt import SHAREGPT
from uptake.transcripts.spans import SPANS
from uptake.transcripts.tau2 import TAU2
from uptake.transcripts.transcript import (
    Fault,
    Format,
    Row,
    Source,
    Transcript,
    TranscriptError,
)
from uptake.transcripts.wildchat import WILDCHAT

__all__ = [
    "FORMATS",
    "Fault",
    "Format",
    "Source",
    "Transcript",
    "TranscriptError",
    "expanded",
    "read",
    "read_file",
]

# In the order in which they are tried: the widest last.
_TABLE = (EPISODES, LIC, TAU2, INSPECT, SPANS, SHAREGPT, WILDCHAT, ANTHROPIC, OPENAI)
FORMATS = MappingProxyType({each.name: each for each in _TABLE})
"""Every format whose rows hold whole conversations, by name; "convokit" is read beside them."""

_CONVOKIT = "convokit"
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def read(*logs: str | Path, form: str | None = None) -> Iterator[Transcript | Fault]:
    """Every conversation of these logs, and what of them could not be read.

    `form` names the format, where it is not to be found out.

    Raises:
        TranscriptError: a log is not there, a folder has none, an unknown format, or Parquet
            without pyarrow.
    """
    for file in expanded(logs):
        yield from read_file(file, form)


def read_file(
    file: str, form: str | None = None, seen: Callable[[int], None] | None = None
) -> Iterator[Transcript | Fault]:
    """Every conversation of one file, and what of it could not be read; see `read`.

    `seen` is told how many bytes of the file were read so far, compressed as they lie.
    """
    if form not in (None, _CONVOKIT, *FORMATS):
        known = ", ".join(sorted([*FORMATS, _CONVOKIT]))
        raise TranscriptError(f"no format {form!r}; known are {known}")
    nothing = True
    try:
        for found in _read(file, form, seen or _unheeded):
            nothing = False
            yield found
    except OSError as error:
        yield Fault(file, None, f"cannot be read ({error.strerror or error})")
        return
    if nothing:
        yield Fault(file, None, "no conversation in it")


def _unheeded(_: int) -> None:
    pass


def _read(file: str, form: str | None, seen: Callable[[int], None]) -> Iterator[Transcript | Fault]:
    kind = kind_of(file)
    if kind in ("parquet", "zip") and file == STDIN:
        yield Fault(file, None, f"{kind} cannot be read from standard input; name the file")
    elif kind == "zip":
        yield from _eval(file)
    elif kind == "parquet":
        yield from _by_format(parquet_rows(file), file, form)
    else:
        yield from _text(file, kind, form, seen)


def _text(
    file: str, kind: str, form: str | None, seen: Callable[[int], None]
) -> Iterator[Transcript | Fault]:
    def again() -> Generator[tuple[int, Row] | Fault]:
        with opened(file, kind) as (stream, raw):
            for row in rows(stream, file):
                if file != STDIN:
                    seen(raw.tell())
                yield row

    found = again()
    first = next(found, None)
    if first is None:
        return
    corpus = form == _CONVOKIT or (
        form is None and not isinstance(first, Fault) and is_utterance(first[1])
    )
    whole = chain([first], found)
    if not corpus:
        yield from _by_format(whole, file, form)
    elif Path(file).is_file():
        found.close()
        yield from gathered(again, file, twice=True)
    else:
        yield from gathered(lambda: whole, file, twice=False)


def _eval(file: str) -> Iterator[Transcript | Fault]:
    """The samples of an Inspect log; the line is the number of the sample."""
    number = 0
    try:
        head, samples = unzipped(Path(file))
        for number, sample in enumerate(samples, 1):
            row: Row = {"eval": head["eval"], "sample": sample}
            yield from _row(INSPECT, row, Source(file, number))
    except (*_BROKEN, zipfile.BadZipFile, zlib.error) as error:
        why = " ".join(str(error).split())[:120]
        yield Fault(file, number + 1, f"a zip that is no whole log of Inspect ({why})")


def _by_format(
    found: Iterable[tuple[int, Row] | Fault], file: str, form: str | None
) -> Iterator[Transcript | Fault]:
    """The transcripts of rows; those of formats that grow are joined."""
    yield from grown(_each(found, file, form))


def _each(
    found: Iterable[tuple[int, Row] | Fault], file: str, form: str | None
) -> Iterator[Transcript | Fault]:
    for item in found:
        if isinstance(item, Fault):
            yield item
            continue
        line, row = item
        of = FORMATS[form] if form else next((each for each in _TABLE if each.knows(row)), None)
        if of is None:
            keys = ", ".join(list(row)[:6]) or "none"
            yield Fault(file, line, f"of no format that is known; its keys are {keys}")
        else:
            yield from _row(of, row, Source(file, line))


def _row(form: Format, row: Row, source: Source) -> Iterator[Transcript | Fault]:
    names: set[str] = set()
    try:
        for found in form.read(row, source):
            name = found.id if found.id not in names else f"{found.id}.{len(names) + 1}"
            names.add(name)
            yield found if name == found.id else replace(found, id=name)
    except _BROKEN as error:
        why = f"no {error} in it" if isinstance(error, KeyError) else " ".join(str(error).split())
        yield Fault(source.file, source.line, f"broken {form.name}: {why[:200]}")
