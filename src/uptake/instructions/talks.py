"""Dialogues between two people, as chat messages: {"messages": [{"role": …, "content": …}, …]}.

"user" is who speaks first in each exchange, "assistant" the person whose place a model is to
take. Several messages of one in a row are one. This is the form in which chats are kept for
training, so any corpus of dialogues can be brought into it.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, cast

from uptake.instruction import Instruction, Shard

__all__ = ["from_talk"]


def from_talk(row: Mapping[str, Any], line: int) -> Instruction:
    """The dialogue of one row. Raises ValueError where it is none of two people."""
    said: Any = row["messages"]
    if not isinstance(said, list) or not said:
        raise ValueError('"messages" is not a list; write [{"role": "user", "content": …}, …]')
    turns = [_turn(item, place) for place, item in enumerate(cast("list[Any]", said))]
    spoken = [
        (role, "\n".join(text for _, text in group))
        for role, group in groupby(turns, key=lambda turn: turn[0])
    ]
    if spoken[0][0] == "assistant":
        spoken = spoken[1:]
    exchanges = [
        (user, reply) for (_, user), (_, reply) in zip(spoken[::2], spoken[1::2], strict=False)
    ]
    if not exchanges:
        raise ValueError('no "user" message with an "assistant" message after it')
    ident = row.get("id", f"dialogue/{line}")
    meta = {"dialogue": [list(exchange) for exchange in exchanges]}
    first = exchanges[0][0]
    return Instruction(str(ident), "dialogue", first, (Shard(first),), "", meta)


def _turn(item: Any, place: int) -> tuple[str, str]:
    fields = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    role, content = fields.get("role"), fields.get("content")
    if role not in ("user", "assistant") or not isinstance(content, str) or not content.strip():
        raise ValueError(
            f"message {place} is not said by one of two people; write "
            '{"role": "user" or "assistant", "content": "…"}'
        )
    return role, content.strip()
