"""Which topic a piece of a turn belongs to: opened, come back to, or told apart by its words.

A piece may begin with words that only steer ("Back to the first one.", "Two:"): they are followed,
and what comes after them is left to `hearing`. Steering needs a topic to steer to: without one the
words are taken as they stand.

This module knows nothing of what a piece says, or of corrections.
"""

from __future__ import annotations

from uptake.analyst.draft import SAYING, Draft
from uptake.analyst.language import Pack
from uptake.analyst.wording import past_marks

__all__ = ["belongs", "named", "steer", "turn_opens"]

_ENOUGH = 6  # stems that a turn needs to be about something of its own


def steer(draft: Draft, read: str, *, announced: bool, first: bool) -> int:
    """Follow what the piece says about topics; how many of its characters only do that."""
    for follow in (_label, _opening, _return):
        taken = follow(draft, read, announced, first)
        if taken:
            return past_marks(read, taken)
    again = draft.pack["topic.again"].at(read)
    return past_marks(read, again.end()) if again else 0


def named(draft: Draft, what: str) -> int | None:
    """The topic that words such as "the first question" or "the trip" name, if just one fits."""
    pack = draft.pack
    words = what.split()
    live = sorted(draft.stack)
    number = next((pack.ordinals[word] for word in words if word in pack.ordinals), None)
    thing = not pack.things.isdisjoint(words)
    if number is not None and (thing or len(words) <= 2):
        return _numbered(live, number, pack, words)
    if not pack.other.isdisjoint(words):
        return live[0] if len(live) == 1 else draft.stack[-2] if len(live) == 2 else None
    if not pack.last.isdisjoint(words) and thing:
        return draft.stack[-2] if len(live) > 1 else None
    about = draft.wording(what).about - pack.things
    if not about:  # "my question", "what I asked": the one that was left
        return draft.stack[-2] if thing and len(live) > 1 else None
    shared = {topic: len(about & draft.vocabulary(topic)) / len(about) for topic in live}
    best = max(shared.values(), default=0.0)
    fitting = [topic for topic, share in shared.items() if share == best]
    return fitting[0] if best >= 0.5 and len(fitting) == 1 else None


def belongs(draft: Draft, about: frozenset[str]) -> int:
    """The topic whose words a fact shares; the open one where no other shares clearly more."""
    now = draft.open()
    if len(draft.stack) < 2 or not about or about & draft.vocabulary(now):
        return now
    shared = {topic: len(about & draft.vocabulary(topic)) for topic in draft.stack[:-1]}
    best = max(shared, key=lambda topic: shared[topic])
    clear = sum(each == shared[best] for each in shared.values()) == 1
    return best if clear and shared[best] * 2 >= len(about) else now


def turn_opens(draft: Draft, about: frozenset[str], *, tells: bool, points: bool) -> None:
    """Open a topic for a turn that asks something whole by itself, and shares no word with ours.

    Such a turn tells what it asks about, and points at nothing. One that shares its words
    with another topic comes back to that one.
    """
    if not draft.stack or about & draft.vocabulary(draft.stack[-1]):
        return
    if not any(e.kind == "goal" for e in draft.entries if e.topic == draft.stack[-1]):
        return
    others = {topic: len(about & draft.vocabulary(topic)) for topic in draft.stack[:-1]}
    best = max(others, key=lambda topic: others[topic], default=None)
    if best is not None and others[best] >= 2:
        draft.resume(best)
    elif tells and not points and len(about) >= _ENOUGH:
        draft.begin()


def _label(draft: Draft, read: str, announced: bool, first: bool) -> int:
    """Topics that were announced, or that are numbered turn by turn: "Second question: …"."""
    found = draft.pack["topic.label"].at(read)
    if not found:
        return 0
    name = found["word"] or found["number"] or found["digit"]
    if name in draft.pack.enders:  # the first of them begins one, unless nothing was said yet
        if not (announced or first):
            return 0
        if announced and _asked(draft):
            draft.begin()
        return found.end()
    opened = draft.turns[draft.topics[draft.stack[-1]].opened] if draft.stack else ""
    numbered = first and _starts(opened, draft.pack)
    if not (announced or numbered):
        return 0
    if len(draft.stack) > 1 and not announced:
        known = _numbered(sorted(draft.stack), draft.pack.ordinals.get(name, 0), draft.pack, [])
        if known is not None:
            draft.resume(known)
            return found.end()
    draft.begin()
    return found.end()


def _starts(turn: str, pack: Pack) -> bool:
    found = pack["topic.label"].at(turn[:80].lower())
    return bool(found and (found["word"] or found["number"] or found["digit"]) in pack.enders)


def _opening(draft: Draft, read: str, announced: bool, first: bool) -> int:
    found = draft.pack["topic.open"].at(read)
    if not found or not read[found.start() : found.end()].strip():
        return 0
    if any(e.kind in SAYING for e in draft.entries if draft.stack and e.topic == draft.stack[-1]):
        draft.begin()
    return found.end()


def _return(draft: Draft, read: str, announced: bool, first: bool) -> int:
    for phrase in draft.pack.among("topic.back", read):
        found = phrase.at(read)
        if found:
            topic = named(draft, found["what"])
            if topic is not None:
                draft.resume(topic)
                return found.end()
            plain = not draft.wording(found["what"]).about - draft.pack.things
            return found.end() if plain and len(draft.stack) == 1 and read[found.end() :] else 0
    return 0


def _numbered(live: list[int], number: int, pack: Pack, words: list[str]) -> int | None:
    if len(live) < 2:
        return None
    if "latter" in words:
        return live[-1]
    return live[number - 1] if 0 < number <= len(live) else None


def _asked(draft: Draft) -> bool:
    """Whether anything was asked under the open topic before this turn."""
    return any(
        entry.kind in SAYING and entry.span.turn < draft.turn
        for entry in draft.entries
        if draft.stack and entry.topic == draft.stack[-1]
    )
