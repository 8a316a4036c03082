"""The rows of Parquet files, some at a time. Needs pyarrow, of the extra `audit`.

This module knows nothing of what the rows hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from uptake.transcripts.transcript import Fault, Row, TranscriptError

__all__ = ["arrow", "parquet_rows"]

_AT_ONCE = 256  # rows


def arrow(name: str) -> Any:
    """The module `name` of pyarrow, which has no types of its own.

    Raises:
        TranscriptError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise TranscriptError("Parquet needs pyarrow: pip install 'uptake[audit]'") from error


def parquet_rows(file: str) -> Iterator[tuple[int, Row] | Fault]:
    """Each row with its number from 1, or why the file breaks off."""
    parquet, number = arrow("pyarrow.parquet"), 0
    try:
        with parquet.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these
        why = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        yield Fault(file, number or None, f"broken Parquet ({why}); copy the file again")
