"""Where a conversation breaks, and why: replies that lose the common ground.

    premature     an answer before the user had told what it takes (they go on telling, and nothing
                  new is asked)
    superseded    an answer built on what the user had changed or taken back
    misread       the user has to say what they meant, or that the reply is wrong
    unheard       the user has to ask again
    over_asking   asks what it was told already, or over and over
    drift         speaks of something that the user did not
    lost_topic    a request that is put aside and never answered
    abandoned     the user gives up

By rule: from the acts, the ledger and the user's next turn. What nobody noticed is not found, and
whether an answer is right is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from uptake.acts import ASKING
from uptake.audit.heard import Heard, alike, content
from uptake.audit.marks import Marks, does
from uptake.audit.signals import Signal
from uptake.audit.silent import lost, premature
from uptake.ground import CommonGround, Entry

__all__ = ["CAUSES", "Breakdown", "breakdowns"]

CAUSES = (
    "superseded",
    "over_asking",
    "premature",
    "misread",
    "unheard",
    "abandoned",
    "lost_topic",
    "drift",
)
"""Every cause, the surest first: where several hold of one turn, the first is shown."""

_BY_SIGNAL = {
    "meant": "misread",
    "faults": "misread",
    "lost": "misread",
    "repeats": "unheard",
    "rephrases": "unheard",
    "gives_up": "abandoned",
}
_ASKS = tuple(sorted(ASKING - {"follow_up"}))
_NUMBER: re.Pattern[str] = re.compile(r"\d+(?:[.,]\d+)*")
SAME_QUESTION = 0.85  # of two questions' content words that are shared
TOO_OFTEN = 3  # questions in as many replies running
WORDY = 12  # content words of a reply that can be told to drift


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The assistant's turn `at` broke common ground: the cause, in `CAUSES`, and what shows it.

    `shown` is the place of the turn that shows it, `because` its words, or those that were
    overlooked.
    """

    at: int
    cause: str
    shown: int
    because: str


def breakdowns(heard: Heard, marks: Marks, found: tuple[Signal, ...]) -> tuple[Breakdown, ...]:
    """The breakdowns of a conversation, the earliest first, one of each cause a turn."""
    made = [
        *_superseded(heard, marks),
        *_over_asking(heard, marks),
        *_silent("premature", premature(heard, marks, {signal.at for signal in found})),
        *(Breakdown(s.reply, _BY_SIGNAL[s.name], s.at, s.said) for s in found),
        *_silent("lost_topic", lost(heard, marks)),
        *_drift(heard, marks),
    ]
    once = {(each.at, each.cause): each for each in reversed(made)}
    return tuple(sorted(once.values(), key=lambda b: (b.at, CAUSES.index(b.cause))))


def _silent(cause: str, found: Iterable[tuple[int, int, str]]) -> Iterator[Breakdown]:
    return (Breakdown(at, cause, shown, words[:200]) for at, shown, words in found)


def _superseded(heard: Heard, marks: Marks) -> Iterator[Breakdown]:
    """Replies with a value that the user had replaced or taken back, and without the new one."""
    ground = heard.ground
    replaced = [
        (entry, *what)
        for entry in ground.entries
        for what in _replaced(ground, entry)
        if ground.entries[what[2]].span.turn > entry.span.turn
    ]
    if not replaced:
        return
    answers = [at for at in heard.replies if does(marks, at, "commit", "display")]
    used = {at: _used(heard.texts[at]) for at in answers}
    for entry, old, new, by in replaced:
        gone, fresh = _differ(old, new)
        gone -= _standing(ground, entry)
        ended = heard.users[ground.entries[by].span.turn]
        for at in answers:
            if ended < at and gone & used[at] and not fresh & used[at]:
                yield Breakdown(at, "superseded", ended, old[:200])


def _used(text: str) -> frozenset[str]:
    return frozenset(_NUMBER.findall(text)) | content(text)


def _replaced(ground: CommonGround, entry: Entry) -> Iterator[tuple[str, str, int]]:
    """What of an entry no longer holds: the old words, the new, and the entry that ended them."""
    for strike in entry.struck:
        put = strike.put
        new = "" if put is None else ground.turns[put.turn][put.start : put.end]
        yield entry.text[strike.start : strike.end], new, strike.by
    if entry.by is not None and entry.kind not in ("social", "quoted"):
        later = ground.entries[entry.by]
        yield entry.text, "" if later.kind == "withdrawal" else later.text, entry.by


def _differ(old: str, new: str) -> tuple[frozenset[str], frozenset[str]]:
    """The values that only the old words give, and only the new; else the one word that is other.

    "The tent is red" and "the tent is blue" give no number.
    """
    gone, fresh = _values(old) - _values(new), _values(new) - _values(old)
    if gone or not new:
        return gone, fresh
    was, now = content(old) - content(new), content(new) - content(old)
    return (was, now) if len(was) == 1 and alike(old, new) >= 0.5 else (gone, fresh)


def _values(text: str) -> frozenset[str]:
    """The numbers of a text; where it has none and is short, its content words."""
    numbers = frozenset(_NUMBER.findall(text))
    return numbers if numbers or len(content(text)) > 3 else content(text)


def _standing(ground: CommonGround, but: Entry) -> frozenset[str]:
    """The values and words of all else that holds: to use one of those is no mistake."""
    return frozenset[str]().union(
        *(_used(ground.wording(e)) for e in ground.standing() if e.id != but.id)
    )


def _over_asking(heard: Heard, marks: Marks) -> Iterator[Breakdown]:
    """The same question again though it was answered, or questions in reply after reply."""
    asked = [
        (at, mark.said)
        for at in heard.replies
        for mark in marks.get(at, ())
        if mark.name in _ASKS and mark.said
    ]
    for number, (at, question) in enumerate(asked):
        same = [
            earlier
            for earlier, before in asked[:number]
            if earlier < at and alike(question, before) >= SAME_QUESTION
        ]
        if same and len(content(question)) > 1:
            yield Breakdown(at, "over_asking", same[-1], question[:200])
    running = 0
    for at in heard.replies:
        running = running + 1 if does(marks, at, *_ASKS) and not does(marks, at, "commit") else 0
        if running == TOO_OFTEN:
            yield Breakdown(at, "over_asking", at, f"the {TOO_OFTEN}rd question running")


def _drift(heard: Heard, marks: Marks) -> Iterator[Breakdown]:
    """Long answers that share no word with anything the user said."""
    told: frozenset[str] = frozenset()
    for before, at in pairwise((-1, *heard.turns)):
        if heard.role(at) == "user":
            told |= content(heard.texts[at])
            continue
        words = content(heard.texts[at])
        asked = (
            before >= 0 and heard.role(before) == "user" and len(content(heard.texts[before])) > 3
        )
        if asked and len(words) >= WORDY and not words & told and does(marks, at, "commit"):
            yield Breakdown(at, "drift", before, heard.texts[before][:200])
