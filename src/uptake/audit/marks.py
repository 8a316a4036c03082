"""The acts of both parties: what each turn does, and the turn it acts on.

An `ActAnnotator` reads a whole conversation and gives the marks of each turn. `RuleMarks` is the
one that ships: for replies the rules of `acts`, for the user's turns some of the same and what the
ledger tells (a correction, a withdrawal, a topic). Its marks are sure or absent. A trained
annotator gives probabilities in its place, and everything after it stays the same.

How often the rules are right is measured for replies only (docs/acts.md); for users' turns not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from uptake.acts import Act, RuleAnnotator
from uptake.audit.heard import Heard

__all__ = ["ActAnnotator", "Mark", "Marks", "RuleMarks", "by_rule", "does", "ruled"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One act of a turn: its name in `acts.ACTS`, its words, and the turn it acts on.

    `said` is verbatim ("" where the turn as a whole does it), `target` the place of a message, and
    `probability` how sure the annotator is, calibrated where it was trained to be.
    """

    name: str
    said: str = ""
    target: int | None = None
    probability: float = 1.0


Marks = Mapping[int, tuple[Mark, ...]]
"""The marks of each turn, by the place of its message."""


class ActAnnotator(Protocol):
    """Says what the turns of a conversation do."""

    def marks(self, heard: Heard) -> Marks:
        """The marks of every turn; a turn that does nothing has none."""
        ...


def does(marks: Marks, at: int | None, *names: str) -> bool:
    """Whether a turn does one of these, as likely as not."""
    found = marks.get(at, ()) if at is not None else ()
    return any(mark.name in names and mark.probability >= 0.5 for mark in found)


LATELY = 8  # turns before one that the rules for replies see
_OF_USERS = frozenset({"acknowledge", "huh", "reject", "correct_other", "repair_self"})
# "No, I meant …": the reply has shown a misreading, and the user mends it.
_MEANT = re.compile(
    r"\b(i (meant|mean(?! to\b)|was (asking|talking) about|asked (for|about)|said|wanted)"
    r"|(that|this|it)('s| is| was)(n't| not) what i (meant|asked|said|want(ed)?|was asking)"
    r"|not what i (meant|asked|said|want(ed)?)"
    r"|you('ve| have)? (misunderst\w+|misread|got me wrong))\b"
)
_NO = re.compile(r"^\W*((sorry|hmm|well|ah|oh)\W+)*(no+|nope|not)\b|\bnot what i\b|\byou.{0,9} mis")
# "That's wrong", "you forgot the 5": the reply is put right, or found fault with.
_FAULT = re.compile(
    r"\b((that|this|it|the answer)('s| is| was| seems| looks)? ?"
    r"(completely |still |just |totally )?(wrong|incorrect|not (right|correct|true))"
    r"|isn't (right|correct|true)"
    r"|you('re| are) (wrong|mistaken)|you (forgot|missed|ignored|left out|overlooked|skipped)"
    r"|(doesn't|does not|didn't|did not) (work|help|answer|match)|still (wrong|broken|not))\b"
)
_OTHER = {"user": "assistant", "assistant": "user"}


@dataclass(frozen=True, slots=True)
class RuleMarks:
    """Acts by patterns of English and by the ledger: no model, the same answer every time."""

    def marks(self, heard: Heard) -> Marks:
        """The marks of every turn of either party."""
        return by_rule(heard, ruled(heard))


def ruled(heard: Heard) -> Mapping[int, tuple[Act, ...]]:
    """What the rules for replies find in every turn: whoever speaks, the other is the user."""
    rules = RuleAnnotator()
    acts: dict[int, tuple[Act, ...]] = {}
    lately: deque[tuple[str, str]] = deque(maxlen=LATELY)
    for at, text in heard.texts.items():
        role = heard.role(at)
        acts[at] = rules.answering(text, [said for who, said in lately if who != role])
        lately.append((role, text))
    return acts


def by_rule(heard: Heard, acts: Mapping[int, tuple[Act, ...]]) -> Marks:
    """The marks of every turn by the rules alone; `acts` are what `ruled` found."""
    found: dict[int, list[Mark]] = {at: [] for at in heard.turns}
    for at in heard.turns:
        mine = heard.role(at) == "user"
        target = heard.before(at, _OTHER[heard.role(at)])
        found[at] += [
            Mark(act.name, act.said, target)
            for act in acts[at]
            if not mine or act.name in _OF_USERS
        ]
        if mine:
            found[at] += _of_user(heard, at, found[at])
        if any(mark.name == "repair_third" for mark in found[at]):  # its "no" is no more
            found[at] = [m for m in found[at] if m.name not in ("correct_other", "reject")]
    for at, mark in _by_ledger(heard):
        if mark.name == "repair_self":  # "I got that wrong" finds no fault with the reply
            found[at] = [m for m in found[at] if m.name != "correct_other"]
        found[at].append(mark)
    return {at: tuple(dict.fromkeys(marks)) for at, marks in found.items()}


def _of_user(heard: Heard, at: int, found: Sequence[Mark]) -> Iterator[Mark]:
    """Repair of what a reply showed: the user's own meaning, or the reply's fault."""
    reply = heard.before(at, "assistant")
    if reply is None:
        return
    low = heard.texts[at][:600].lower().replace("’", "'")
    if _MEANT.search(low) and _NO.search(low):
        yield Mark("repair_third", heard.texts[at][:200], heard.before(reply, "user"))
    elif (fault := _FAULT.search(low)) and not any(m.name == "correct_other" for m in found):
        yield Mark("correct_other", heard.texts[at][fault.start() : fault.end()], reply)


def _by_ledger(heard: Heard) -> Iterator[tuple[int, Mark]]:
    """What the ledger tells of the user's turns: corrections, withdrawals, topics."""
    ground = heard.ground
    ended = {e.by: e for e in ground.entries if e.by is not None}
    ended |= {strike.by: entry for entry in ground.entries for strike in entry.struck}
    for entry in ground.entries:
        at = heard.said_at(entry)
        old = ended.get(entry.id)
        target = heard.said_at(old) if old is not None else None
        if entry.kind == "withdrawal":
            yield at, Mark("cancel", entry.text, target)
        elif old is not None and target != at:
            yield at, Mark("repair_self", entry.text, target)
    for topic in ground.topics[1:]:
        yield heard.users[topic.opened], Mark("topic_open")
    for at, target in _returns(heard):
        yield at, Mark("topic_return", target=target)


def _returns(heard: Heard) -> Iterator[tuple[int, int]]:
    """Where the user comes back to a topic that another had put aside, and where it was left."""
    last: dict[int, int] = {}
    now: int | None = None
    for entry in heard.ground.entries:
        if entry.kind in ("social", "quoted"):
            continue
        turn = entry.span.turn
        if now is not None and entry.topic != now and entry.topic in last:
            yield heard.users[turn], heard.users[last[entry.topic]]
        now, last[entry.topic] = entry.topic, turn
