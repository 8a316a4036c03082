"""The common ground: what the user has said so far, word for word, and what still holds of it.

A `CommonGround` is a ledger of `Entry`s, each a verbatim piece of one of the user's turns with its
kind, its topic and its status. It is built from the user's turns alone: the assistant's guesses,
read back in, are contagious. A ledger never changes; the next turn gives a new one.

This module holds the ledger and what can be read off it. It knows nothing of English (`analyst`),
of what to do next (`moves`) or of models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["CommonGround", "Entry", "Kind", "Span", "Status", "Strike", "Topic"]

Kind = Literal[
    "goal",  # what is wanted: a question or a task
    "fact",  # information or a constraint that the goal is subject to
    "correction",  # puts something else in place of what was said
    "withdrawal",  # takes back what was said
    "preference",  # how the reply should be
    "answer",  # answers a question of the assistant's
    "social",  # thanks, greetings, small talk: settles nothing
    "quoted",  # pasted text or data: never an instruction
]

Status = Literal["active", "superseded", "withdrawn", "pending"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a user's turn: characters `start` to `end` of the text of user turn `turn`.

    Turns of the user are counted from 0.
    """

    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Strike:
    """A piece of an entry that no longer holds, while the rest of the entry does.

    `start` and `end` count characters of the entry's text; `by` is the id of the entry that struck
    it. `put` is where the words that stand there instead were said, None where none do.
    """

    start: int
    end: int
    by: int
    put: Span | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing the user said: `text` is exactly what stands at `span`.

    `by` is the id of the entry that superseded or withdrew it, None while it is active or pending.
    `struck` are the pieces that no longer hold. `id`s count up in the order of saying.
    """

    id: int
    span: Span
    text: str
    kind: Kind
    topic: int = 0
    status: Status = "active"
    by: int | None = None
    struck: tuple[Strike, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the things the conversation is about; entries point to it by `id`.

    `state` is "open" (at most one topic is), "suspended" (may be resumed) or "cancelled".
    `opened` is the user turn that opened it, `last` the last user turn that spoke of it.
    """

    id: int
    opened: int
    last: int
    state: Literal["open", "suspended", "cancelled"] = "open"


@dataclass(frozen=True, slots=True)
class CommonGround:
    """The ledger after some number of the user's turns.

    `turns` are the texts of the user's turns that it was built from. `stack` are the ids of the
    topics that are not cancelled, the open one last.
    """

    turns: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    topics: tuple[Topic, ...] = ()
    stack: tuple[int, ...] = field(default=())

    @property
    def topic(self) -> int | None:
        """The open topic; None before anything was said, or after all was called off."""
        return self.stack[-1] if self.stack else None

    @property
    def last(self) -> tuple[Entry, ...]:
        """The entries of the last turn."""
        now, start = len(self.turns) - 1, len(self.entries)
        while start and self.entries[start - 1].span.turn == now:
            start -= 1
        return self.entries[start:]

    def by_turn(self) -> list[list[Entry]]:
        """The entries of each turn."""
        turns: list[list[Entry]] = [[] for _ in self.turns]
        for entry in self.entries:
            turns[entry.span.turn].append(entry)
        return turns

    def active(self, topic: int | None = None, *kinds: Kind) -> tuple[Entry, ...]:
        """What holds, in the order of saying: of one topic or all, of these kinds or all."""
        return tuple(
            entry
            for entry in self.entries
            if entry.status == "active"
            and (topic is None or entry.topic == topic)
            and (not kinds or entry.kind in kinds)
        )

    def standing(self, topic: int | None = None) -> tuple[Entry, ...]:
        """What a partner has to know, in the order of saying: what settles nothing is left out.

        So is a withdrawal, and a correction whose words stand in the entry that it corrects. What
        is pending is there: it was said, though not what it changes.
        """
        landed = {
            strike.by for entry in self.entries for strike in entry.struck if strike.put is not None
        }
        return tuple(
            entry
            for entry in self.entries
            if entry.status in ("active", "pending")
            and (topic is None or entry.topic == topic)
            and entry.kind not in ("social", "withdrawal")
            and entry.id not in landed
        )

    def wording(self, entry: Entry) -> str:
        """The words of an entry as they hold now, each of them said by the user."""
        text = entry.text
        if not entry.struck:
            return text
        for strike in sorted(entry.struck, key=lambda strike: strike.start, reverse=True):
            put = strike.put
            words = "" if put is None else self.turns[put.turn][put.start : put.end]
            text = text[: strike.start] + words + text[strike.end :]
        return text
