"""What a row of any format is made of: texts, answers and shards, taken out and checked.

Whatever is wrong is a `ValueError` that says "what; how to mend".

This module knows nothing of formats or of files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import Any, cast

from uptake.instruction import Shard

__all__ = [
    "SHARD_KEYS",
    "answer_of",
    "final_number",
    "ident_of",
    "known_of",
    "shard_of",
    "shards_of",
    "text_of",
]

SHARD_KEYS = tuple(field.name for field in fields_of(Shard))

_NUMBER = re.compile(r"[-+]?\$?[-+]?\d[\d,]*(\.\d+)?( ?/ ?\d+)?%?|[-+]?\$?\.\d+%?")


def shards_of(row: Mapping[str, Any], key: str = "shards", least: int = 1) -> list[Any]:
    """The list under `key`, of at least so many items."""
    if key not in row:
        raise ValueError(f'missing key "{key}"; add a list of texts, the intent first')
    items = row[key]
    if not isinstance(items, list) or len(cast("list[Any]", items)) < least:
        raise ValueError(f'"{key}" is not a list with an item; list texts, the intent first')
    return cast("list[Any]", items)


def answer_of(row: Mapping[str, Any]) -> str:
    """The answer as text; a bare number will do."""
    value = row.get("answer")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return text_of(row, "answer")


def final_number(solution: str) -> str:
    """GSM8K's final answer stands after "####"; commas and a dollar sign are no part of it."""
    last = solution.rpartition("####")[2].strip()
    if not _NUMBER.fullmatch(last):
        raise ValueError('"answer" does not end in a number; end it with "#### 42"')
    return last.replace(",", "").replace("$", "")


def ident_of(row: Mapping[str, Any], otherwise: str) -> str:
    """The `id` of a row, which may be a number; `otherwise` where it has none."""
    value = row.get("id", otherwise)
    return str(value) if type(value) is int else text_of({"id": value}, "id")


def text_of(row: Mapping[str, Any], key: str) -> str:
    """The text under `key`, with words in it and no half of a character."""
    if key not in row:
        raise ValueError(f'missing key "{key}"; add it')
    value = row[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f'"{key}" is not a text with words in it; write a string')
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f'"{key}" holds half of a character (a lone surrogate); write it whole')
    return value


def shard_of(text: str, fields: Mapping[str, Any]) -> Shard:
    """A shard of this text, with what else is known of it."""
    needed = fields.get("needed", True)
    if not isinstance(needed, bool):
        raise ValueError('"needed" is neither true nor false; write one of them')
    known: dict[str, str | None] = {}
    for key in SHARD_KEYS[2:]:
        value = fields.get(key)
        known[key] = text_of(fields, key) if value is not None else None
    return Shard(text, needed, **known)


def known_of(shard: Shard) -> dict[str, Any]:
    """What is known of a shard beside its text and is not as usual."""
    fields = asdict(shard)
    del fields["text"]
    if shard.needed:
        del fields["needed"]
    return {key: value for key, value in fields.items() if value is not None}
