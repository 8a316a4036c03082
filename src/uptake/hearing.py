"""How the ledger grows by a turn of the user's: `hear`.

This module knows nothing of the assistant's turns but the question that the user had just been
asked, and no English: that is the language pack's.
"""

from __future__ import annotations

from dataclasses import replace

from uptake.ground import CommonGround, Entry, Kind, Span, Topic
from uptake.language import ENGLISH, Language
from uptake.sentences import sentences

__all__ = ["hear"]


def hear(
    ground: CommonGround, text: str, asked: str | None = None, language: Language = ENGLISH
) -> CommonGround:
    """The ledger after one more user turn.

    `asked` is what the assistant had just said, so that a bare "7" is known for an answer.
    """
    turn = len(ground.turns)
    entries = list(ground.entries)
    at = 0
    for sentence in sentences(text):
        start = text.index(sentence.text, at)
        at = start + len(sentence.text)
        kind: Kind = "goal" if sentence.text.rstrip().endswith("?") else "fact"
        span = Span(turn, start, at)
        entries.append(Entry(len(entries), span, sentence.text, kind))
    topics = ground.topics or (Topic(0, turn, turn),)
    topics = (*topics[:-1], replace(topics[-1], last=turn))
    return CommonGround((*ground.turns, text), tuple(entries), topics, ground.stack or (0,))
