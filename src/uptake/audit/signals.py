"""What a user does when a conversation fails: the signals, and what the assistant did before.

    repeats      the same words again
    rephrases    the same request in other words
    meant        "no, I meant …", "that's not what I asked"
    faults       "that's wrong", "you forgot …"
    lost         "what do you mean?"
    gives_up     "never mind", "forget it", asks for a person

Patterns of English, and how alike two turns of the user's are. A user may fail silently, or say
"never mind" and be content: a signal is evidence, not proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from uptake.audit.heard import Heard, alike, content
from uptake.audit.marks import Marks, does
from uptake.sentences import plain

__all__ = ["SIGNALS", "Signal", "signals"]

SIGNALS = ("repeats", "rephrases", "meant", "faults", "lost", "gives_up")
"""Every signal there is a name for, in the order in which they are shown."""

ALIKE = 0.7  # of two requests' content words that are shared where one rephrases the other
KEPT = 0.8  # of the first one's that come again: "a line on cups" asks for more than "on bikes"
FEWEST = 3  # content words of a request that can be told to be another's rewording
BACK = 4  # turns of the user's that are looked back upon

_GIVES_UP = re.compile(
    r"\b(never ?mind|forget (it|about it|this)|i('ll| will) (just )?(do|figure|find|look) (it|this)"
    r"( out| up)? (my)?self|i give up|giving up|(you('re| are)|this is) (useless|hopeless|pointless"
    r"|no help|not helping|a waste)|waste of time|(speak|talk) (to|with) (a|an|some) "
    r"(human|person|real|agent|representative|supervisor)|real person|what's the point"
    r"|screw (it|this))\b"
)


@dataclass(frozen=True, slots=True)
class Signal:
    """A sign of failure in the user's turn `at`: its name in `SIGNALS`, and the words of it.

    `reply` is the place of the assistant's turn before, `did` the acts of that turn.
    """

    at: int
    name: str
    said: str
    reply: int
    did: tuple[str, ...]


def signals(heard: Heard, marks: Marks) -> tuple[Signal, ...]:
    """The signals of a conversation, in order; none before the assistant has spoken."""
    found: list[Signal] = []
    for at in heard.users:
        reply = heard.before(at, "assistant")
        if reply is not None:
            did = tuple(sorted({mark.name for mark in marks.get(reply, ())}))
            text = heard.texts[at]
            found += [Signal(at, name, text[:200], reply, did) for name in _of(heard, marks, at)]
    return tuple(found)


def _of(heard: Heard, marks: Marks, at: int) -> Iterator[str]:
    text = heard.texts[at]
    again = _again(heard, at)
    if again:
        yield again
    if does(marks, at, "repair_third"):
        yield "meant"
    elif does(marks, at, "correct_other"):
        yield "faults"
    if does(marks, at, "huh"):
        yield "lost"
    took_back = any(mark.name == "cancel" and mark.target is not None for mark in marks.get(at, ()))
    if len(text) < 400 and not took_back and _GIVES_UP.search(text.lower().replace("’", "'")):
        yield "gives_up"  # "never mind the tax" takes one thing back, and goes on


def _again(heard: Heard, at: int) -> str | None:
    """Whether a turn says again what the user said lately: word for word, or in other words."""
    text, words = heard.texts[at], content(heard.texts[at])
    if len(words) < 2:
        return None
    told = [(t, heard.texts[t]) for t in heard.users if t < at][-BACK:]
    same = _plain(text)
    if any(_plain(old) == same for _, old in told):
        return "repeats"
    asking = _asking(heard)
    if (
        at not in asking or len(words) < FEWEST
    ):  # facts of one kind are alike, too: "Ann has 3 hens.", "Bob has 4 hens."
        return None
    for t, old in told:
        before = content(old)
        kept = len(before & words) / max(len(before), 1)
        same = kept > KEPT and alike(text, old) >= ALIKE
        if t in asking and same and not _names(text) - _names(old):
            return "rephrases"
    return None


_plain = lru_cache(maxsize=2048)(plain)


def _asking(heard: Heard) -> frozenset[int]:
    """The turns in which the user asks for something."""
    return frozenset(heard.said_at(e) for e in heard.ground.entries if e.kind == "goal")


def _names(text: str) -> frozenset[str]:
    """The numbers and the names of a text: what makes it another fact."""
    return frozenset(re.findall(r"\d+(?:[.,]\d+)*|(?<=[a-z,;] )[A-Z]\w+", text))
