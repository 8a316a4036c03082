"""Logs of Lost in Conversation (Laban et al. 2025, arXiv 2505.06120): a `trace` a conversation.

The trace has messages and, between them, entries of role "log": which shard was revealed, what
kind of reply it was, what an answer scored. These stay in `meta["log"]`, each with the number of
messages that were said before it.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from uptake.conversation import Message
from uptake.transcripts.fields import listed, made, mapping, message, when
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["LIC"]

_META = ("conv_type", "task", "task_id", "score", "is_correct", "note")


def _knows(row: Row) -> bool:
    return bool(listed(row.get("trace"))) and ("conv_id" in row or "conv_type" in row)


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    said: list[Message] = []
    times: list[float | None] = []
    log: list[dict[str, Any]] = []
    for entry in map(mapping, listed(row["trace"])):
        if entry.get("role") == "log":
            log.append({"after": len(said), **mapping(entry.get("content"))})
            continue
        said.append(message(entry.get("role"), entry.get("content")))
        times.append(when(entry.get("timestamp")))
    meta = {key: row[key] for key in _META if key in row}
    yield made(
        "lic",
        source,
        said,
        ident=row.get("conv_id"),
        model=row.get("assistant_model"),
        times=times,
        meta=meta | {"log": log},
    )


LIC = Format("lic", "Lost in Conversation logs", _knows, _read)
"""Known by a `trace` with `conv_id` or `conv_type`."""
