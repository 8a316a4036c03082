"""Breakdowns that the user does not make audible: answers too soon, and requests that are lost.

    premature     an answer before the user had told what it takes: they go on telling, ask nothing
                  new, and are answered anew
    lost_topic    a request that the reply leaves for another and that nobody comes back to

Both are told by hindsight, from the ledger's goals and facts and from the words that turns share.
A request is lost at the first reply that could have answered it or come back to it and did neither.

This module knows nothing of what the user says when a reply fails (`signals`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from uptake.acts import ASKING
from uptake.audit.heard import Heard, alike, content
from uptake.audit.marks import Marks, does
from uptake.ground import Entry

__all__ = ["lost", "premature"]

_ASKS = tuple(sorted(ASKING - {"follow_up"}))
_TELLS = ("fact", "answer", "preference")
FEWEST = 4  # content words of a reply that can be an answer without saying so
FRESH = 2  # content words that a turn tells for the first time
ANEW = 0.3  # of two replies' content words that are shared where the second does the first again
OWN = 2  # content words of its own that a request needs to be known again
_WANTS = re.compile(r"\W*i( also|'d| would|’d)? (need|want|like)\b", re.IGNORECASE)  # a request
_PROMISE = re.compile(
    r"\b(one|a|just a) (moment|second|sec|minute)\b|\bhold on\b|\bbear with me\b"
    r"|\b(let me|i(['’]ll| will)) (just )?(check|look|see|read|find out|get back)\b",
    re.IGNORECASE,
)
SHORT = 12  # words of a reply that only promises
BRIEF = 60  # content words of a reply that can be seen to leave one of two requests out
# A turn that begins so takes the reply as it is; what else it tells is not for the request.
_TAKES = re.compile(
    r"\W*(great|nice|perfect|good|cool|wonderful|excellent|thanks|thank you|i (really )?(like|love)"
    r"|(that|this)('s| is| sounds| helps| works| will do))\b",
    re.IGNORECASE,
)


def premature(heard: Heard, marks: Marks, failed: set[int]) -> Iterator[tuple[int, int, str]]:
    """Replies that answered too soon, the turn that goes on telling, and its words.

    `failed` are the user's turns that show a failure: what they tell mends the reply.
    """
    entries = _by_turn(heard)
    for at in heard.replies:
        said, before = heard.after(at, "user"), heard.before(at, "user")
        if said is None or before is None or said in failed or not entries.get(before):
            continue
        told = entries.get(said, ())
        if not told or any(e.kind not in _TELLS or e.by is not None for e in told):
            continue
        if _answers(heard, marks, at) and _goes_on(heard, marks, at, before, said):
            earlier = [e for e in heard.ground.entries if heard.said_at(e) < at]
            kinds = {e.kind for e in earlier if e.topic == told[0].topic}
            if "goal" in kinds or (kinds and does(marks, at, "commit")):
                yield at, said, told[0].text


def _by_turn(heard: Heard) -> dict[int, list[Entry]]:
    """What the user said that settles anything, by the place where it was said."""
    found: dict[int, list[Entry]] = {}
    for entry in heard.ground.entries:
        if entry.kind != "social":
            found.setdefault(heard.said_at(entry), []).append(entry)
    return found


def _answers(heard: Heard, marks: Marks, at: int) -> bool:
    """Whether a reply answers: it commits, or says a good deal, and asks or offers nothing."""
    if does(marks, at, *_ASKS, "refuse") or heard.texts[at].rstrip().endswith("?"):
        return False
    return does(marks, at, "commit") or len(content(heard.texts[at])) >= FEWEST


def _goes_on(heard: Heard, marks: Marks, at: int, before: int, said: int) -> bool:
    """Whether a turn adds to what it takes: its words are new, and the reply is given anew.

    Where that cannot be seen (a number is told, or the log ends there), the turn must not take the
    reply as good.
    """
    text, request = heard.texts[said], content(heard.texts[before])
    fresh = content(text) - request - content(heard.texts[at])
    valued = any(word.isdigit() for word in fresh)
    if not (valued or len(fresh) >= FRESH) or _TAKES.match(text):
        return False
    if _WANTS.match(text) and not content(text) & request:
        return False  # "I need a regular expression" after a sum is another request
    reply = heard.after(said, "assistant")
    if (valued or reply is None) and not does(marks, said, "acknowledge"):
        return True
    return reply is not None and (
        does(marks, reply, "commit") or alike(heard.texts[at], heard.texts[reply]) >= ANEW
    )


def lost(heard: Heard, marks: Marks) -> Iterator[tuple[int, int, str]]:
    """Replies that lost a request, the turn that made it, and its words."""
    entries = _by_turn(heard)
    asking = {at for at, said in entries.items() if any(e.kind == "goal" for e in said)}
    for said in sorted(asking):
        reply = heard.after(said, "assistant")
        if reply is None or does(marks, reply, "refuse", "huh"):
            continue
        goals = [e for e in entries[said] if e.kind == "goal" and e.by is None]
        if _serves(heard, marks, reply):
            left = reply
            goals = [goal for goal in goals if _left_out(goal, goals, heard.texts[reply])]
        else:
            left = _left_for(heard, asking, said, reply)
        for goal in goals:
            if left is not None and _known(goal) and not _comes_back(heard, goal, left):
                yield left, said, goal.text


def _serves(heard: Heard, marks: Marks, reply: int) -> bool:
    """Whether a reply answers at once, and does not ask first or only promise."""
    text = heard.texts[reply]
    if len(text.split()) <= SHORT and _PROMISE.search(text):
        return False
    return does(marks, reply, "commit") or not does(marks, reply, *_ASKS)


def _left_out(goal: Entry, goals: Sequence[Entry], reply: str) -> bool:
    """Whether of two requests in one turn a reply has words of the other alone."""
    words, answer = content(goal.text), content(reply)
    others = [content(other.text) for other in goals if other.id != goal.id]
    return len(answer) <= BRIEF and any(
        len(words - other) >= OWN and not (words - other) & answer and (other - words) & answer
        for other in others
    )


def _left_for(heard: Heard, asking: set[int], said: int, reply: int) -> int | None:
    """The reply to another request, where the user makes one in place of an answer."""
    following = heard.after(reply, "user")
    if following is None or following not in asking:
        return None
    new = content(heard.texts[following])
    known = content(heard.texts[said]) | content(heard.texts[reply])
    return heard.after(following, "assistant") if len(new) >= OWN and not new & known else None


def _known(goal: Entry) -> bool:
    """Whether a request has words enough to be known again."""
    return len(content(goal.text)) >= OWN


def _comes_back(heard: Heard, goal: Entry, left: int) -> bool:
    """Whether anyone speaks of a request again, from the reply that left it."""
    words = content(goal.text)
    later = (at for at in heard.turns if at >= left)
    return any(len(words & content(heard.texts[at])) >= OWN for at in later)
