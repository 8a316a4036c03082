"""The instruction that a model is handed: what holds of what the user said, in one message.

The goal first, then everything else that holds, in the order and the words of its saying, then the
present request. What was corrected stands where it stood, with the words put right; what was taken
back, small talk and other topics are left out. `fresh` starts a new conversation with it;
`appended` keeps every message as it is and only adds to the last.

This module knows nothing of how the ledger came to be (`analyst`) or when to do what (`moves`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from uptake.analyst import Reading, Referent
from uptake.analyst.hearing import doubts
from uptake.analyst.language import ENGLISH
from uptake.analyst.opening import opening
from uptake.analyst.wording import fold
from uptake.conversation import Conversation, Message
from uptake.ground import CommonGround, Entry

__all__ = [
    "appended",
    "changed",
    "doubt",
    "fresh",
    "instruction",
    "pointed",
    "quote",
    "speaks_of",
    "standing",
]

SYSTEM = ("system", "developer")

NOW = "This holds now:"
NO_LONGER = "This no longer holds:"
POINTS = 'By "{words}" I mean this:'


class _Part(NamedTuple):
    """What stands of one turn of the user's, and whether it says what is wanted."""

    turn: int
    text: str
    goal: bool


def fresh(conversation: Conversation, reading: Reading) -> Conversation:
    """The system prompt as it was, then `instruction` as the one message of the user's."""
    kept = [message for message in conversation if message.role in SYSTEM]
    last = conversation.messages[-1]
    return Conversation((*kept, Message("user", instruction(reading.ground), last.extra)))


def appended(conversation: Conversation, reading: Reading) -> Conversation:
    """Every message as it was; to the last is added what has changed, and what it points at.

    The same conversation where there is nothing to add.
    """
    parts = [
        f"{POINTS.format(words=referent.words)}\n{quote(referent.text)}"
        for referent in pointed(conversation, reading)
        if referent.text is not None
    ]
    parts += _changes(reading.ground)
    if not parts:
        return conversation
    *before, last = conversation.messages
    return Conversation((*before, _longer(last, "\n\n".join(parts))))


def _changes(ground: CommonGround) -> list[str]:
    """What was put right, as it holds now, and what was taken back.

    Nothing else: what was asked and answered long ago is not asked again by repeating it.
    """
    heirs = {e.by for e in ground.entries if e.status == "superseded"}
    right = [e for e in ground.entries if e.status == "active" and (e.struck or e.id in heirs)]
    gone = [e for e in ground.entries if e.status == "withdrawn"]
    lists = (NOW, [ground.wording(e) for e in right]), (NO_LONGER, [e.text for e in gone])
    return ["\n- ".join([title, *texts]) for title, texts in lists if texts]


def changed(ground: CommonGround) -> bool:
    """Whether anything that the user said no longer holds as it was said."""
    return any(
        entry.status in ("superseded", "withdrawn") or entry.struck for entry in ground.entries
    )


def pointed(conversation: Conversation, reading: Reading) -> tuple[Referent, ...]:
    """The referents that lie further back than the message before the last."""
    nearest = len(conversation) - 2
    return tuple(
        referent
        for referent in reading.referents
        if referent.message is not None and referent.message < nearest and referent.candidates == 1
    )


def instruction(ground: CommonGround) -> str:
    """What holds of the open topic: the goal, a dash for each thing more, the present request.

    A doubt of the last reply is handed on before all that.
    """
    doubted = doubt(ground)
    told = len(ground.turns) - bool(doubted)
    spent = _spent(ground)
    turns = ground.by_turn()[:told]
    made = [_part(ground, turn, entries, spent) for turn, entries in enumerate(turns)]
    parts = [part for part in made if part]
    goal = next((part for part in parts if part.goal), None)
    rest = [part for part in parts if part is not goal]
    request = rest[-1] if goal and rest and rest[-1].goal else None
    listed = [_listed(part.text) for part in rest if part is not request]
    blocks = "\n".join([*([goal.text] if goal else []), *listed])
    last = request.text if request else ""
    return "\n\n".join(filter(None, (doubted, blocks, last)))


def doubt(ground: CommonGround) -> str:
    """The last turn, word for word, where it doubts the reply and says nothing else; else "".

    What was asked is then worked out anew, without the reply in view. The doubt comes before it:
    whatever comes last is taken for what is asked.
    """
    last = ground.last
    if not last or any(entry.kind not in ("social", "quoted") for entry in last):
        return ""
    asked = any(entry.kind == "goal" for entry in ground.active(ground.topic))
    now = len(ground.turns) - 1
    texts = [*(entry.text for entry in last), ground.turns[now]]  # "Hmm, no. It should be 12."
    doubted = any(
        doubts(read, ENGLISH.pack) or ENGLISH.pack["social.doubt_answer"].at(read)
        for read in map(fold, texts)
    )
    return ground.turns[now].strip() if asked and doubted else ""


def speaks_of(ground: CommonGround) -> bool:
    """Whether `instruction` has anything to say."""
    spent = _spent(ground)
    turns = enumerate(ground.by_turn())
    return any(_part(ground, turn, entries, spent) for turn, entries in turns)


def standing(ground: CommonGround, turn: int) -> str:
    """The words of one turn that hold, of the open topic: struck ones replaced, the rest verbatim.

    "" where nothing of it holds.
    """
    entries = ground.by_turn()[turn]
    part = _part(ground, turn, entries, _spent(ground))
    return part.text if part else ""


def quote(text: str) -> str:
    """`text` as data, in a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}"


_LEADING = re.compile(r"(?!\s)[^\n]*[^\W\d_]{2}[^\n]*")  # words, up to the end of their line
_MARK = re.compile(r"[ \t]*[-*•–·][ \t]*")  # of a list, and nothing after it


def _part(
    ground: CommonGround, turn: int, entries: Sequence[Entry], spent: frozenset[int]
) -> _Part | None:
    """What stands of a turn with these entries; None where nothing does."""
    said = ground.turns[turn]
    if not entries:
        return _Part(turn, said.strip(), False) if re.search(r"\w", said) else None
    steered = len(ground.topics) > 1
    if not steered and all(_holds_as_said(entry, ground.topic, spent) for entry in entries):
        return _Part(turn, said.strip(), False)
    words = {entry.id: _words(ground, entry, spent) for entry in entries}
    if not any(words.values()):
        return None
    text = _woven(said, entries, words, steered=steered)
    goal = any(entry.kind == "goal" and words[entry.id] for entry in entries)
    return _Part(turn, text, goal) if text else None


def _holds_as_said(entry: Entry, topic: int | None, spent: frozenset[int]) -> bool:
    """Whether an entry is a plain fact to which nothing has happened, as nearly every one is."""
    return (
        entry.kind == "fact"
        and entry.status == "active"
        and not entry.struck
        and entry.topic == topic
        and entry.id not in spent
        and bool(entry.text)
    )


def _woven(said: str, entries: Sequence[Entry], words: dict[int, str], *, steered: bool) -> str:
    """The turn with each entry's words in its place, and what lies before an entry with it.

    Words that no entry holds lead up to the next ("Before that, …"); between topics they only say
    which one is meant ("On the second: …") and are left out with `steered`.
    """
    pieces: list[str] = []
    at = 0
    for entry in entries:
        gap = said[at : entry.span.start]
        at = entry.span.end
        if not words[entry.id]:
            pieces.append("\n" if "\n" in gap else "")
            continue
        pieces += [_LEADING.sub("", gap) if steered else gap, words[entry.id]]
    if words[entries[-1].id]:
        pieces.append(said[at:])
    text = "".join(pieces)
    if text == said:
        return text.strip()
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for line in lines if not _MARK.fullmatch(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _words(ground: CommonGround, entry: Entry, spent: frozenset[int]) -> str:
    """What stands in an entry's place: its words as they hold now, or those that took over."""
    if entry.topic != ground.topic or (entry.kind == "goal" and _only_urges(ground, entry)):
        return ""
    if entry.kind == "social":
        return entry.text if _announces(ground, entry, spent) else ""
    if entry.status == "superseded":
        heir = _heir(ground, entry)
        return "" if heir is None else ground.wording(heir)
    if entry.status == "withdrawn" or entry.id in spent:
        return ""
    return _as_data(entry.text) if entry.kind == "quoted" else ground.wording(entry)


def _as_data(text: str) -> str:
    """Pasted text, in a fence unless it was pasted in one."""
    return text if text.startswith("```") and text.endswith("```") else quote(text)


def _only_urges(ground: CommonGround, entry: Entry) -> bool:
    """Whether a request only wants what was asked before: "Please solve it."."""
    if not ENGLISH.pack["goal.go"].all_of(fold(entry.text)):
        return False
    earlier = ground.active(entry.topic, "goal")
    return any(other.id < entry.id for other in earlier)


def _announces(ground: CommonGround, entry: Entry, spent: frozenset[int]) -> bool:
    """Whether an entry says that something was wrong, and nothing said with it could be placed.

    The words are then handed on, so that the model can place it.
    """
    if not opening(fold(entry.text), ENGLISH.pack).sure:
        return False
    turns = (entry.span.turn, entry.span.turn + 1)
    return not any(other.id in spent for other in ground.entries if other.span.turn in turns)


def _heir(ground: CommonGround, entry: Entry) -> Entry | None:
    """The entry whose words stand in place of a superseded one: the last in the line of them.

    None where that does not hold either, or stands already in an earlier one's place.
    """
    by = entry
    while by.status == "superseded" and by.by is not None:
        by = ground.entries[by.by]
    firsts = [other for other in ground.entries if _leads_to(ground, other, by)]
    return by if by.status == "active" and firsts and firsts[0] is entry else None


def _leads_to(ground: CommonGround, entry: Entry, heir: Entry) -> bool:
    while entry.status == "superseded" and entry.by is not None:
        entry = ground.entries[entry.by]
        if entry is heir:
            return True
    return False


def _spent(ground: CommonGround) -> frozenset[int]:
    """The entries that have changed another, so that their words are in place there, or spent."""
    ended = {entry.by for entry in ground.entries if entry.by is not None}
    return frozenset(ended | {strike.by for entry in ground.entries for strike in entry.struck})


def _listed(text: str) -> str:
    """A line after a dash; what has lines of its own stands as it is."""
    return text if "\n" in text or text.startswith("- ") else f"- {text}"


def _longer(message: Message, text: str) -> Message:
    """The message with more text at its end, its other fields and parts kept."""
    content: Any = message.content
    if isinstance(content, tuple):
        parts = cast("tuple[Any, ...]", content)
        return replace(message, content=(*parts, {"type": "text", "text": text}))
    return replace(message, content=f"{message.text}\n\n{text}")
