"""Shards without a model: every sentence is one, and what asks comes first. Nothing is lost.

This module knows nothing of whether the shards say what the request says: `verify` measures it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from uptake.conversation import thaw
from uptake.instruction import Instruction, Shard
from uptake.sentences import cut
from uptake.sharding.request import Request, request

__all__ = ["UnshardableError", "by_sentence", "pieces"]

# Lines that begin something of their own: an item, and an example (until the next blank line).
_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d+[.)])[ \t]")
_EXAMPLE = re.compile(r"[ \t]*(?:>>>|(?:for )?examples?\b[\w ]*:?[ \t]*$)", re.I | re.M)
_ABBREVIATED = re.compile(r"\b(?:[A-Z]|v|St|Mt|No|Jr|Sr|Inc|approx|etc)\.$")
_WISH = re.compile(
    r"(?:please )?(?:find|calculate|compute|determine|work out|tell|give|get|list|show|write)\b"
    r"|(?:i|we) (?:want|need|would like)\b|i['’]d like\b",
    re.IGNORECASE,
)


class UnshardableError(ValueError):
    """An instruction cannot be made into shards: why, in half a sentence."""


def by_sentence(instruction: Instruction) -> Instruction:
    """The instruction in shards, a sentence each, the one that asks first.

    The same instruction always gives the same shards. Every word of `full` is in one of them.

    Raises:
        UnshardableError: it is one sentence.
    """
    asked = request(instruction)
    found = pieces(asked.text)
    if len(found) < (1 if asked.intent else 2):
        raise UnshardableError("it is one sentence; give a --model to cut it")
    intent, facts = _intent_first(asked, found, last=instruction.domain == "math")
    shards = (Shard(asked.with_context(intent)), *map(Shard, facts))
    meta = {**thaw(instruction.meta), "sharded_by": "sentence"}
    return replace(instruction, shards=shards, meta=meta)


def pieces(text: str) -> list[str]:
    """The sentences of a text, items of lists and examples whole; no word is left out."""
    found: list[str] = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        for unit in _units(paragraph.split("\n")):
            if _EXAMPLE.match(unit):
                found.append(unit.strip("\n"))
            else:
                found += _joined(cut(" ".join(unit.split())))
    return [piece for piece in found if piece.strip()]


def _units(lines: Sequence[str]) -> list[str]:
    """The lines that belong together: a wrapped sentence, an item, an example with its result."""
    units: list[str] = []
    for line in lines:
        inside = bool(units) and bool(_EXAMPLE.match(units[-1]))
        starts = _EXAMPLE.match(line) and not inside
        if units and not starts and (inside or not _ITEM.match(line)):
            units[-1] += f"\n{line}"
        else:
            units.append(line)
    return units


def _joined(cuts: Sequence[str]) -> list[str]:
    """What was cut inside a quotation, behind an abbreviation or before a small letter, whole."""
    found: list[str] = []
    for piece in cuts:
        before = found[-1] if found else ""
        inside = before.count('"') % 2 or before.count("“") > before.count("”")
        if before and (inside or _ABBREVIATED.search(before) or piece[0].islower()):
            found[-1] = f"{before} {piece}"
        else:
            found.append(piece)
    return found


def _intent_first(asked: Request, found: list[str], *, last: bool) -> tuple[str, list[str]]:
    """What is wanted, and the rest in its order.

    The first question or wish, for what follows adds to it; a problem (`last`) ends with its
    question instead. Where there is none, the first or the last sentence.
    """
    if asked.intent is not None:
        return asked.intent, found
    questions = [i for i, piece in enumerate(found) if piece.rstrip("\"'”’)").endswith(("?", "？"))]
    wishes = [i for i, piece in enumerate(found) if _WISH.match(piece)]
    if last:
        at = (questions or wishes or [len(found) - 1])[-1]
    else:
        at = min([*questions, *wishes], default=0)
    return found[at], [*found[:at], *found[at + 1 :]]
