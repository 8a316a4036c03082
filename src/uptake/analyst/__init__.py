"""What a conversation says, read by rule: the ledger, and what the present request leans on.

An `Analyst` reads a conversation and gives a `Reading`. `Deterministic` does so from the words
alone: no model is called, the same conversation always gives the same reading, and whatever it is
not sure of it leaves as it was said. Its English lies in a language pack (`language`), and how
the ledger grows by a turn is `hearing`'s.

This module knows nothing of what to do next (`moves`) or of models that might read better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from uptake.analyst.hearing import hear
from uptake.analyst.language import ENGLISH, Language, Pack
from uptake.analyst.pointing import Referent, referents
from uptake.analyst.presuming import presumed_false
from uptake.analyst.wording import LONGEST, fold
from uptake.conversation import Conversation
from uptake.ground import CommonGround, Span
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
    """The analyst that goes by rule: no model, no clock, no chance.

    It never says that something is `missing`: that takes knowledge of the world, and to guess
    would be to ask idly.
    """

    language: Language = ENGLISH

    async def read(self, conversation: Conversation, before: CommonGround | None = None) -> Reading:
        """See `reading`, which needs no event loop."""
        return self.reading(conversation, before)

    def reading(self, conversation: Conversation, before: CommonGround | None = None) -> Reading:
        """What `conversation` says.

        `before` is a ledger of its first user turns, which are then not heard again; one that
        does not fit is left aside.
        """
        ground = before or CommonGround()
        if ground.turns and not _fits(ground, conversation.said_by("user")):
            ground = CommonGround()
        asked: str | None = None
        heard = 0
        for message in conversation:
            if message.role == "assistant":
                asked = message.text
            elif message.role == "user":
                if heard >= len(ground.turns):
                    ground = hear(ground, message.text, asked, self.language)
                heard, asked = heard + 1, None
        return self._read(conversation, ground)

    def _read(self, conversation: Conversation, ground: CommonGround) -> Reading:
        found = referents(conversation, ground, self.language)
        pack = self.language.pack
        return Reading(
            ground,
            false=_false(ground, self.language),
            referents=found,
            telling=_telling(ground, self.language),
            resumed=_resumed(ground, pack),
            self_contained=not any(each.message is not None for each in found)
            and not _leans(ground, pack),
        )


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


def _false(ground: CommonGround, language: Language) -> tuple[Presupposition, ...]:
    """What the last turn takes for granted against an earlier fact."""
    presumes = language.pack["presuppose.before"]
    asking = [
        entry
        for entry in ground.last
        if entry.kind in ("goal", "fact", "social") and presumes.within(fold(entry.text))
    ]
    if not asking:
        return ()
    now = len(ground.turns) - 1
    facts = [
        (entry, ground.wording(entry))
        for entry in ground.standing()
        if entry.kind in ("fact", "correction", "answer") and entry.span.turn < now
    ]
    found: list[Presupposition] = []
    for entry in asking:
        false = presumed_false(entry.text, facts, language)
        if false is not None:
            start, end, against = false
            first = entry.span.start + start
            span = Span(now, first, first + end - start)
            fact = ground.wording(against)
            found.append(Presupposition(entry.text[start:end], span, against.id, fact))
    return tuple(found)


def _telling(ground: CommonGround, language: Language) -> bool:
    """Whether the user said to wait, in the last turn or until a request that has not come."""
    for back, entries in enumerate(reversed(ground.by_turn())):
        said = " ".join([entry.text for entry in entries if entry.kind != "quoted"])
        read = _pauses_kept if len(said) <= LONGEST else _pauses
        telling, until_asked, done = read(said, language)
        if done and back == 0:
            return False
        if telling and (back == 0 or until_asked):
            return True
        if done or any(entry.kind == "goal" for entry in entries):
            return False
    return False


def _pauses(said: str, language: Language) -> tuple[bool, bool, bool]:
    """Whether a turn says to wait; whether until a request comes; and whether to wait no more."""
    pack, read = language.pack, fold(said)
    patterns = (pack["social.telling"], pack["social.until_asked"], pack["social.done"])
    telling, until_asked, done = (bool(each.within(read)) for each in patterns)
    return telling, until_asked, done


_pauses_kept = lru_cache(maxsize=8192)(_pauses)  # the same turns are read again with each new one


def _resumed(ground: CommonGround, pack: Pack) -> int | None:
    """The topic that the last turn came back to, or named among several."""
    now = len(ground.turns) - 1
    if ground.topic is None or ground.topics[ground.topic].opened >= now:
        return None
    last = ground.last
    before = ground.entries[: len(ground.entries) - len(last)]
    if before and before[-1].topic != ground.topic:
        return ground.topic
    named = any(
        phrase.at(fold(entry.text))
        for entry in last[:1]
        if entry.kind == "social" and len(ground.stack) > 1
        for phrase in pack.lists["topic.back"]
    )
    return ground.topic if named else None


def _leans(ground: CommonGround, pack: Pack) -> bool:
    """Whether an answer that holds is nothing without the assistant's question."""
    return any(
        entry.kind == "answer" and len(entry.text.split()) <= BARE
        for entry in ground.active(ground.topic)
    )


BARE = 3  # words of an answer that says nothing without its question
