"""Rows of WildChat and LMSYS-Chat-1M, and of arena battles in their manner.

`conversation` is a list of `role` and `content`; WildChat has `conversation_hash` and a time a
turn, LMSYS `conversation_id`. A battle has `conversation_a` and `conversation_b`: two
transcripts. Addresses, headers and the like are not taken over.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator

from uptake.transcripts.fields import listed, made, mapping, message, name_of, when
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["WILDCHAT"]

_SIDES = (
    ("conversation", "model", ""),
    ("conversation_a", "model_a", "/a"),
    ("conversation_b", "model_b", "/b"),
)
_META = ("language", "toxic", "redacted", "winner")


def _knows(row: Row) -> bool:
    firsts = (turn for key, _, _ in _SIDES for turn in listed(row.get(key))[:1])
    return any("role" in mapping(turn) for turn in firsts)


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    ident = name_of(row, "conversation_hash", "conversation_id", "question_id", "id")
    meta = {key: row[key] for key in _META if isinstance(row.get(key), str | bool)}
    for key, model, side in _SIDES:
        turns = [mapping(turn) for turn in listed(row.get(key))]
        if not turns:
            continue
        times = [when(turn.get("timestamp")) for turn in turns]
        if times[-1] is None:
            times[-1] = when(name_of(row, "timestamp", "tstamp"))
        yield made(
            "wildchat",
            source,
            (message(turn.get("role"), turn.get("content")) for turn in turns),
            ident=None if ident is None else f"{ident}{side}",
            model=row.get(model),
            times=times,
            meta=meta,
        )


WILDCHAT = Format("wildchat", "WildChat and LMSYS rows, JSONL or Parquet", _knows, _read)
"""Known by a `conversation` whose turns have a `role`."""
