"""What a conversation says, read by rule: the ledger, and what the present request points at.

An `Analyst` reads a conversation and gives a `Reading`. `Deterministic` does so from the words
alone: no model is called, the same conversation always gives the same reading, and whatever it is
not sure of it leaves as it was said. Its English lies in a language pack (`language`), and how
the ledger grows by a turn is `hearing`'s.

This module knows nothing of what to do next (`moves`) or of models that might read better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from uptake.conversation import Conversation
from uptake.ground import CommonGround, Span
from uptake.hearing import hear
from uptake.language import ENGLISH, Language
from uptake.model import Usage

__all__ = [
    "ENGLISH",
    "Analyst",
    "Deterministic",
    "Language",
    "Presupposition",
    "Reading",
    "Referent",
    "hear",
    "ledger",
]


@dataclass(frozen=True, slots=True)
class Referent:
    """What the present request points at, outside of the user's own words.

    `words` are the pointing words, verbatim, and `span` is where they stand. `message` is the
    index of the conversation's message that holds the piece pointed at, and `text` that piece,
    verbatim: a block of code, an item of a list, a whole reply, a tool's result. Both are None
    where it lies in the user's own words, or is unclear. `candidates` is how many things fit:
    with more than one it is unclear which.
    """

    words: str
    span: Span
    message: int | None = None
    text: str | None = None
    candidates: int = 1


@dataclass(frozen=True, slots=True)
class Presupposition:
    """What the user takes for granted against what the user said before.

    `words` are those of the last turn, at `span`; `against` is the id of the entry that says
    otherwise and `fact` that entry's own words.
    """

    words: str
    span: Span
    against: int
    fact: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What an analyst made of a conversation.

    `missing` are noun phrases of what must be known before the goal can be met; `false` the
    presuppositions of the last turn that the ledger speaks against; `referents` what it points
    at. `telling` is true where the user is plainly still telling. `resumed` is the topic that the
    last turn came back to. `self_contained` is true where the present request needs nothing of
    the assistant's own turns. `by` names the analyst, `note` says why another did not serve, and
    `usage` is what the reading cost.
    """

    ground: CommonGround
    missing: tuple[str, ...] = ()
    false: tuple[Presupposition, ...] = ()
    referents: tuple[Referent, ...] = ()
    telling: bool = False
    resumed: int | None = None
    self_contained: bool = True
    by: str = "deterministic"
    note: str | None = None
    usage: Usage | None = None


class Analyst(Protocol):
    """Whoever reads a conversation: by rule, or by asking a model."""

    async def read(self, conversation: Conversation, before: CommonGround | None = None) -> Reading:
        """What `conversation` says; `before` is the ledger of some of its first user turns."""
        ...


@dataclass(frozen=True, slots=True)
class Deterministic:
    """The analyst that goes by rule: no model, no clock, no chance."""

    language: Language = ENGLISH

    async def read(self, conversation: Conversation, before: CommonGround | None = None) -> Reading:
        """See `reading`, which needs no event loop."""
        return self.reading(conversation, before)

    def reading(self, conversation: Conversation, before: CommonGround | None = None) -> Reading:
        """What `conversation` says.

        `before` is a ledger of its first user turns, which are then not heard again; one that
        does not fit is left aside.
        """
        said = conversation.said_by("user")
        ground = before if before is not None and _fits(before, said) else CommonGround()
        asked: str | None = None
        heard = 0
        for message in conversation:
            if message.role == "assistant":
                asked = message.text
            elif message.role == "user":
                if heard >= len(ground.turns):
                    ground = hear(ground, message.text, asked, self.language)
                heard, asked = heard + 1, None
        return Reading(ground)


def ledger(
    turns: Sequence[str],
    asked: Sequence[str | None] = (),
    language: Language = ENGLISH,
) -> CommonGround:
    """The common ground after these turns of the user's: `hear` of each in its order.

    `asked` may say, turn by turn, what the assistant had just said.
    """
    ground = CommonGround()
    for number, text in enumerate(turns):
        ground = hear(ground, text, asked[number] if number < len(asked) else None, language)
    return ground


def _fits(ground: CommonGround, said: Sequence[str]) -> bool:
    return ground.turns == tuple(said[: len(ground.turns)])
