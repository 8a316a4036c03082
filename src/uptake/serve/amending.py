"""What a person has put right in a ledger, as if it had been said at that point.

An amendment is a turn of its own in the ledger: its words stand in place of an entry's, or take it
back, and the turns that come later are heard on top of it. The reply is worked out on a
conversation with these turns put in, and what the model gets has them taken out again.

Pure. This module knows nothing of who amends, or of how it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from uptake.analyst import Language, hear
from uptake.analyst.language import ENGLISH
from uptake.conversation import Conversation, Message
from uptake.ground import CommonGround, Entry, Span
from uptake.serve.records import Amendment

__all__ = ["TAKEN_BACK", "amend", "heard", "without"]

TAKEN_BACK = "(taken back)"
"""What stands in the ledger's turns for an amendment that has no words."""


def amend(ground: CommonGround, amendment: Amendment) -> CommonGround:
    """The ledger with one entry superseded by other words, or taken back.

    The same ledger where that entry does not hold any more, or never was.
    """
    if not 0 <= amendment.entry < len(ground.entries):
        return ground
    old = ground.entries[amendment.entry]
    if old.status not in ("active", "pending"):
        return ground
    text = amendment.words or TAKEN_BACK
    span = Span(len(ground.turns), 0, len(text))
    kind = "correction" if amendment.words else "withdrawal"
    new = Entry(len(ground.entries), span, text, kind, old.topic)
    gone = replace(old, status="superseded" if amendment.words else "withdrawn", by=new.id)
    entries = [gone if entry.id == old.id else entry for entry in ground.entries]
    return replace(ground, turns=(*ground.turns, text), entries=(*entries, new))


def heard(
    messages: Sequence[Message],
    amendments: Mapping[int, Sequence[Amendment]] | None = None,
    language: Language = ENGLISH,
    before: tuple[CommonGround, int] = (CommonGround(), 0),
) -> tuple[CommonGround, tuple[Message, ...]]:
    """The ledger of `messages`, and the messages with what was amended put in.

    `amendments` are those to be made after so many user turns. `before` is the ledger of the
    first so many messages, which are then not heard again.
    """
    ground, start = before
    made = amendments or {}
    asked: str | None = None
    turns = 0
    shown: list[Message] = []
    for place, message in enumerate(messages):
        shown.append(message)
        if message.role == "assistant":
            asked = message.text
        elif message.role == "user":
            turns += 1
            if place >= start:
                ground = hear(ground, message.text, asked, language)
            asked = None
            for amendment in made.get(turns, ()) if place >= start else ():
                changed = amend(ground, amendment)
                if changed is not ground:
                    ground = changed
                    shown.append(Message("user", changed.turns[-1]))
    return ground, tuple(shown)


def without(sent: Conversation, inserted: Sequence[Message]) -> Conversation:
    """A conversation without these very messages (not merely equal ones)."""
    out = {id(message) for message in inserted}
    return Conversation(tuple(m for m in sent if id(m) not in out))
