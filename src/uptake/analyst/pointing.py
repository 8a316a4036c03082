"""What a request points at: "it", "the second one", "your code", "make that shorter".

Each pointing word is looked up in what the assistant and the tools said, the latest first, by its
kind: a block of code, a table, an item of a list, a tool's result, a whole reply. Among the user's
own topics it is one of those. How many things fit is counted; with more than one it is unclear.

This module knows nothing of what the words that are pointed at mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from uptake.analyst.draft import SAYING
from uptake.analyst.hearing import settles_nothing
from uptake.analyst.language import Language, Pack
from uptake.analyst.wording import fold, wording
from uptake.conversation import Conversation
from uptake.ground import CommonGround, Span
from uptake.sentences import hidden

__all__ = ["Referent", "referents"]

MANY = 4  # stems: a request that says more than this of its own needs no "it" to be understood
LONG = 2000  # characters of a turn in which pointing words are looked for

_ITEM = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+(?P<item>\S[^\n]*)", re.MULTILINE)
_TABLE = re.compile(r"(?:^[^\n|]*\|[^\n]*(?:\n|\Z)){2,}", re.MULTILINE)
_CODE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Referent:
    """What the present request points at, outside of the user's own words.

    `words` are the pointing words, verbatim, and `span` is where they stand. `message` is the
    index of the conversation's message that holds the piece pointed at, and `text` that piece,
    verbatim: a block of code, an item of a list, a whole reply, a tool's result. `message` is None
    where it lies in the user's own words, or is unclear. `candidates` is how many things fit:
    with more than one it is unclear which.
    """

    words: str
    span: Span
    message: int | None = None
    text: str | None = None
    candidates: int = 1


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where pointing words are looked up: what was said, and what the user's topics are."""

    conversation: Conversation
    ground: CommonGround
    language: Language
    last: int  # the index of the user's last message

    @property
    def pack(self) -> Pack:
        return self.language.pack

    def said(self, *roles: str) -> list[tuple[int, str]]:
        """(index, words) of what they said before the user's last turn, the latest first."""
        messages = list(enumerate(self.conversation))[: self.last]
        return [(i, m.text) for i, m in reversed(messages) if m.role in roles and m.text.strip()]


def referents(
    conversation: Conversation, ground: CommonGround, language: Language
) -> tuple[Referent, ...]:
    """What the user's last turn points at, in the order of its words."""
    places = range(len(conversation) - 1, -1, -1)
    last = next((i for i in places if conversation.messages[i].role == "user"), None)
    if last is None or not ground.turns:
        return ()
    scene = _Scene(conversation, ground, language, last)
    text = ground.turns[-1]
    read = fold(hidden(text[:LONG]))
    whole = scene.pack["point.ask_only"].all_of(read.strip())
    if whole:
        found = _find(scene, "reply", read, read)
        return (_made(scene, 0, len(text), found),) if found else ()
    taken: list[tuple[int, int]] = []
    made: list[Referent] = []
    for pointer in scene.pack.pointers:
        match = pointer.words.within(read)
        if not match or any(a < match.end() and match.start() < b for a, b in taken):
            continue
        found = _find(scene, pointer.kind, match[0], read)
        if found is not None:
            taken.append(match.span())
            made.append(_made(scene, *match.span(), found))
    return tuple(sorted(made, key=lambda each: each.span.start))


_Found = tuple[int | None, str | None, int]
"""The message, the piece, and how many things fit."""


def _made(scene: _Scene, start: int, end: int, found: _Found) -> Referent:
    turn = len(scene.ground.turns) - 1
    return Referent(scene.ground.turns[-1][start:end], Span(turn, start, end), *found)


def _find(scene: _Scene, kind: str, words: str, read: str) -> _Found | None:
    """What words of this kind point at; None where nothing fits, so that they point at nothing."""
    if kind == "code":
        return _block(scene, _CODE)
    if kind == "table":
        return _block(scene, _TABLE)
    if kind == "result":
        results = scene.said("tool", "function")
        return (*results[0], 1) if results else None
    if kind == "reply":
        replies = scene.said("assistant")
        return (*replies[0], 1) if replies else None
    if kind in ("item", "other"):
        return _one_of_several(scene, words, other=kind == "other")
    return _it(scene, words, read)


def _block(scene: _Scene, shape: re.Pattern[str]) -> _Found | None:
    for index, text in scene.said("assistant", "tool", "function"):
        blocks = list(shape.finditer(text))
        if blocks:
            one = blocks[-1][0].strip("\n") if len(blocks) == 1 else None
            return index, one, len(blocks)
    return None


def _one_of_several(scene: _Scene, words: str, *, other: bool) -> _Found | None:
    """An item of the list that the assistant gave last, else one of the user's topics."""
    number = _number(words, scene.pack)
    topics = sorted(scene.ground.stack)
    for index, text in scene.said("assistant"):
        items = [match["item"] for match in _ITEM.finditer(text)]
        if len(items) < 2:
            continue
        if other:
            return index, None, len(items)
        if number is not None and number <= len(items):
            return index, items[number - 1] if number else items[-1], 1
        break
    if len(topics) > 1 and (other or number is not None):
        return None, _told(scene.ground, scene.ground.stack[-1]), 1
    return None


def _number(words: str, pack: Pack) -> int | None:
    """The place in a list that words name, from 1; 0 for the last."""
    tokens = re.findall(r"\w+", words)
    for token in tokens:
        if token in pack.last:
            return 0
        if token in pack.ordinals:
            return pack.ordinals[token]
        if token.isdigit():
            return int(token)
    return None


def _it(scene: _Scene, words: str, read: str) -> _Found | None:
    """Of "it" and "that": one of the user's topics while nothing was answered, else the reply."""
    about = wording(read.replace(words, " "), scene.language).about
    if len(about) > MANY or scene.pack["point.empty"].within(read):
        return None
    untouched = _untouched(scene.ground)
    if len(untouched) > 1:
        return None, None, len(untouched)
    replies = scene.said("assistant")
    told = bool(scene.ground.entries)
    if not replies or settles_nothing(fold(replies[0][1]), scene.language):
        return (None, None, 1) if told and len(scene.ground.turns) > 1 else None
    return (*replies[0], 1)


def _untouched(ground: CommonGround) -> list[int]:
    """The topics that were told in one turn, where no later turn chose one of them."""
    now = len(ground.turns) - 1
    last = {
        topic: max(
            (
                entry.span.turn
                for entry in ground.entries
                if entry.topic == topic and entry.span.turn < now
            ),
            default=-1,
        )
        for topic in ground.stack
    }
    latest = max(last.values(), default=-1)
    return [topic for topic, turn in last.items() if turn == latest >= 0]


def _told(ground: CommonGround, topic: int) -> str:
    said: Sequence[str] = [
        ground.wording(entry)
        for entry in ground.entries
        if entry.topic == topic and entry.kind in SAYING and entry.status == "active"
    ]
    return " ".join(said)
