"""This project's own lines: one object with everything that an `Instruction` holds.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from uptake.conversation import thaw
from uptake.instruction import Instruction, Shard
from uptake.instructions.fields import SHARD_KEYS, answer_of, known_of, shard_of, shards_of, text_of

__all__ = ["from_own", "own"]

_KEYS = ("id", "domain", "full", "shards", "answer", "meta")


def from_own(row: Mapping[str, Any]) -> Instruction:
    """The instruction that an own line holds; no unknown key is passed over.

    Without "shards" it is told at once: `full` is its one shard.
    """
    unknown = sorted(row.keys() - set(_KEYS))
    if unknown:
        raise ValueError(f'unknown key "{unknown[0]}"; put what is yours under "meta"')
    meta: Any = row.get("meta", {})
    if not isinstance(meta, dict):
        raise ValueError('"meta" is not an object; write {…}')
    full = text_of(row, "full")
    shards = shards_of(row) if "shards" in row else [full]
    return Instruction(
        id=text_of(row, "id"),
        domain=text_of(row, "domain") if "domain" in row else "math",
        full=full,
        shards=tuple(_own_shard(item, i) for i, item in enumerate(shards)),
        answer=answer_of(row),
        meta=cast("dict[str, Any]", meta),
    )


def _own_shard(item: Any, index: int) -> Shard:
    if isinstance(item, str):
        return Shard(text_of({"text": item}, "text"))
    if not isinstance(item, dict):
        raise ValueError(f'shard {index} is not text; write a string or {{"text": …}}')
    fields = cast("dict[str, Any]", item)
    unknown = sorted(fields.keys() - set(SHARD_KEYS))
    if unknown:
        known = ", ".join(SHARD_KEYS)
        raise ValueError(f'unknown key "{unknown[0]}" in shard {index}; known are {known}')
    return shard_of(text_of(fields, "text"), fields)


def own(one: Instruction) -> dict[str, Any]:
    """The line of an instruction, lossless."""
    return {
        "id": one.id,
        "domain": one.domain,
        "full": one.full,
        "shards": [{"text": shard.text, **known_of(shard)} for shard in one.shards],
        "answer": one.answer,
        "meta": thaw(one.meta),
    }
