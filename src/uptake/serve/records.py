"""What the server keeps of a conversation: `Turn`s, each linked to the one it goes on from.

A turn is one request and its reply. Turns form trees: a request that begins with what an earlier
turn ended with is its child, so that an edit or a second try is a branch, and nothing that was kept
ever changes. `Amendment`s are what a person has put right in the common ground.

This module knows nothing of databases, of HTTP or of how a move was chosen.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Amendment", "Arm", "ArmCount", "State", "Summary", "Turn", "along", "new_id"]

Arm = Literal["mediated", "original", "shadow"]
"""Which way a turn went: `shadow` was mediated for the record, and the original was sent."""

State = Literal["finished", "cut", "failed"]
"""Whether the reply arrived whole, was cut off (the client left, a reset), or never began."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request and what came of it.

    `id` sorts by time. `tenant` stands for the API key (`keys.tenant`) and `thread` is the
    conversation id that the client gave, if any. `conversation` is shared by the turns of one
    line, `parent` is the turn before. `asked` is the chained hash of the messages asked with, `key`
    the same with the reply: a later request that begins so is a child.

    `said` are the messages that the parent had not seen, as chat dicts; `reply` is the message that
    was sent to the client. `sent` is what the model got, None where that was the conversation as it
    came or where no model was called. `would` is what a shadow's mediated reply said.

    `changes` are the entries of the ledger that this turn added or changed: dicts with `id`,
    `turn`, `text`, `wording` (as it holds now), `kind`, `topic`, `status`, `by`. `topics` are all
    topics after it: dicts with `id` and `state`. `at` is in seconds since 1970, `ms` what
    mediation took, `tokens` those of the analyst, `prompt_tokens` and `completion_tokens` those of
    the reply (None where nobody said).
    """

    id: str
    tenant: str
    thread: str | None
    conversation: str
    parent: str | None
    asked: bytes
    key: bytes
    at: float
    surface: str
    model: str
    arm: Arm
    state: State
    said: tuple[Mapping[str, Any], ...]
    reply: Mapping[str, Any] | None
    move: str
    why: str
    form: str
    alternatives: tuple[tuple[str, str], ...] = ()
    sent: tuple[Mapping[str, Any], ...] | None = None
    would: str | None = None
    changes: tuple[Mapping[str, Any], ...] = ()
    topics: tuple[Mapping[str, Any], ...] = ()
    analyst: str = "deterministic"
    note: str | None = None
    ms: float = 0.0
    tokens: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a person has put right in the ledger of a conversation that has an explicit id.

    It holds from the turn after `after` (a turn's id) on. `entry` is the ledger entry's id; `words`
    take its place, and None takes it back.
    """

    id: str
    tenant: str
    thread: str
    after: str
    entry: int
    words: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list: `first` are the first words of its user, `last` its latest turn."""

    conversation: str
    tenant: str
    thread: str | None
    first: str
    turns: int
    started: float
    last: Turn


@dataclass(frozen=True, slots=True)
class ArmCount:
    """What one arm of a roll-out came to.

    `repairs` are the turns in which the user put something right or said it again (the ledger
    holds a correction, a withdrawal or a doubt), `moves` the turns by move. `completion_tokens`
    and `prompt_tokens` are sums, `ms` and `seconds` means a turn.
    """

    arm: Arm
    conversations: int
    turns: int
    failed: int
    repairs: int
    moves: Mapping[str, int]
    prompt_tokens: int
    completion_tokens: int
    ms: float
    seconds: float


_places = itertools.count()


def along(line: Iterable[Turn]) -> list[Mapping[str, Any]]:
    """All that was said and replied along a line of turns, as chat dicts."""
    messages: list[Mapping[str, Any]] = []
    for turn in line:
        messages += [*turn.said, *([turn.reply] if turn.reply else [])]
    return messages


def new_id(at: float | None = None) -> str:
    """32 hexadecimal digits that sort by time: milliseconds, this process's counter, chance."""
    milliseconds = int((time.time() if at is None else at) * 1000)
    return f"{milliseconds:012x}{next(_places) & 0xFFFFFF:06x}{secrets.token_hex(7)}"
