"""ShareGPT's format: `conversations` (or `conversation`, `items`) of `from` and `value`.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from uptake.conversation import Message
from uptake.transcripts.fields import listed, made, mapping, message, name_of
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["SHAREGPT"]

_KEYS = ("conversations", "conversation", "items")


def _turns(row: Row) -> Sequence[Any]:
    return next((found for key in _KEYS if (found := listed(row.get(key)))), ())


def _knows(row: Row) -> bool:
    turns = _turns(row)
    return bool(turns) and "from" in mapping(turns[0])


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    said = [_message(mapping(turn)) for turn in _turns(row)]
    if isinstance(row.get("system"), str) and row["system"]:
        said.insert(0, Message("system", row["system"]))
    model = name_of(row, "model", "model_name")
    yield made("sharegpt", source, said, ident=name_of(row, "id", "conversation_id"), model=model)


def _message(turn: Row) -> Message:
    said = turn.get("value", turn.get("text"))
    if not isinstance(said, str):
        raise ValueError(f'a turn without "value": {dict(turn)!r}'[:120])
    return message(turn.get("from"), said)


SHAREGPT = Format("sharegpt", "ShareGPT: from and value", _knows, _read)
"""Known by `from` in its first turn."""
