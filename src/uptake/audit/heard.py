"""A conversation laid out for its audit: who said what where, and the ledger of what was settled.

Turns are messages of the user's or the assistant's that have words: a call of a tool says nothing
to the partner. Of a very long message only the beginning is read.

This module knows nothing of acts or of what goes wrong.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

from uptake import signs
from uptake.analyst import hear
from uptake.conversation import Conversation
from uptake.ground import CommonGround, Entry

__all__ = ["LONGEST", "Heard", "alike", "content", "listen"]

LONGEST = 20_000
"""Characters of a message that are read."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_APOSTROPHE = re.compile("['’]")


@dataclass(frozen=True, slots=True)
class Heard:
    """The turns of a conversation: `turns` are places of messages, `texts` the words of each.

    `users` and `replies` are the turns of the user and of the assistant. `ground` is the ledger
    after the user's last turn; its turns are counted among `users`.
    """

    conversation: Conversation
    turns: tuple[int, ...]
    users: tuple[int, ...]
    replies: tuple[int, ...]
    texts: dict[int, str]
    ground: CommonGround

    def role(self, at: int) -> str:
        """Who speaks at a place: "user" or "assistant"."""
        return self.conversation.messages[at].role

    def before(self, at: int, role: str) -> int | None:
        """The last turn of a speaker's before a place."""
        turns = self.users if role == "user" else self.replies
        number = bisect_left(turns, at)
        return turns[number - 1] if number else None

    def after(self, at: int, role: str) -> int | None:
        """The next turn of a speaker's after a place."""
        turns = self.users if role == "user" else self.replies
        number = bisect_right(turns, at)
        return turns[number] if number < len(turns) else None

    def said_at(self, entry: Entry) -> int:
        """The place where an entry of the ledger was said."""
        return self.users[entry.span.turn]


def listen(conversation: Conversation) -> Heard:
    """Lay out a conversation, and keep its ledger by rule (`analyst`)."""
    texts: dict[int, str] = {}
    ground, asked = CommonGround(), None
    for at, message in enumerate(conversation):
        if message.role not in ("user", "assistant"):
            continue
        words = message.text[:LONGEST]
        if not words.strip():
            continue
        texts[at] = words
        if message.role == "user":
            ground, asked = hear(ground, words, asked), None
        else:
            asked = words
    roles = {at: conversation.messages[at].role for at in texts}
    users = tuple(at for at, role in roles.items() if role == "user")
    replies = tuple(at for at, role in roles.items() if role == "assistant")
    return Heard(conversation, tuple(texts), users, replies, texts, ground)


@lru_cache(maxsize=2048)
def content(text: str) -> frozenset[str]:
    """The content words of a text, cut to their first letters so that kin are equal."""
    return frozenset(map(_kin, _WORD.findall(text))) - {""}


@lru_cache(maxsize=16384)
def _kin(word: str) -> str:
    """The first letters of a word; "" for one that says nothing."""
    low = _APOSTROPHE.split(word.lower(), 1)[0]
    return "" if low in signs.COMMON else low[:5]


def alike(first: str, second: str) -> float:
    """How many of two texts' content words are shared, from 0 to 1 (Dice 1945)."""
    a, b = content(first), content(second)
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0
