"""What a turn takes back: "forget the budget", "that is no longer true", "never mind".

A withdrawal names a fact by some of its words, in other words than it was said in, or as what was
said last; or it calls a whole topic off. Verbs that also order things of the world ("leave out
the owners without a visit") need more to count as one. Of a request only the words that name it
are struck.

This module knows nothing of corrections, and no English.
"""

from __future__ import annotations

from collections.abc import Iterable

from uptake.analyst.closeness import rarity
from uptake.analyst.draft import Draft
from uptake.analyst.language import Pack
from uptake.analyst.opening import Opening
from uptake.analyst.revising import ranked
from uptake.analyst.topics import named
from uptake.analyst.wording import Wording
from uptake.ground import Entry

__all__ = ["names_last", "taken_back", "withdraw"]

_MARKS = " .,;:!?-–—"
NAMED = 0.5  # of what a withdrawal names that must be found in what it takes back


def withdraw(draft: Draft, start: int, end: int, what: str, *, sure: bool) -> Entry | None:
    """Enter characters `start` to `end` of the turn as a withdrawal, and take back what it names.

    `what` and `sure` are what `taken_back` says of it. None where nothing is named; what was never
    said is entered as pending where the words are `sure`.
    """
    pack = draft.pack
    if not what or pack["withdraw.last"].at(what):
        return _take_back_last(draft, start, end)
    if pack["withdraw.everything"].within(what):
        return _call_off(draft, start, end, list(draft.stack))
    topic = named(draft, what)
    if topic is not None and _is_topic(draft, what, topic):
        return _call_off(draft, start, end, [topic])
    found = _meant(draft, what)
    if not found:
        return draft.add(start, end, "withdrawal", status="pending") if sure else None
    entry = draft.add(start, end, "withdrawal", found[0].topic)
    for old in found:
        _take_back(draft, old, entry, what)
    return entry


def names_last(what: str, pack: Pack) -> bool:
    """Whether only what was said is named ("scratch that", "forget the number I gave")."""
    return bool(pack["withdraw.last"].at(what)) or pack.meta.issuperset(what.split())


def taken_back(read: str, opened: Opening, pack: Pack) -> tuple[str | None, bool]:
    """What a withdrawal names, and whether only a withdrawal could say it so; None if it is none.

    "Forget the budget" can mean nothing else. "The budget is off" can, and so may say it of what
    was never told.
    """
    if pack["withdraw.idiom"].at(read):
        return None, False
    for place, phrase in enumerate(pack.among("withdraw.sure", read)):
        if found := phrase.all_of(read):
            what = _clean(found["what"], pack)
            again = pack.lists["withdraw.sure"][0].all_of(what)  # "never mind, forget about that"
            return (_clean(again["what"], pack) if again else what), place < 2
    found = pack["withdraw.weak"].all_of(read)
    if found and (
        opened.corrects
        or found["back"]
        or pack["withdraw.mine"].within(read)
        or pack["withdraw.weak_colon"].at(read)
    ):
        return _clean(found["what"], pack) or None, False
    return None, False


def _clean(what: str, pack: Pack) -> str:
    """What is named, without "what I said about" and the like."""
    what = what.strip(_MARKS)
    for _ in range(4):
        found = pack["withdraw.about"].at(what)
        if not found or not found.end():
            break
        what = what[found.end() :].strip(_MARKS)
    return what


def _take_back_last(draft: Draft, start: int, end: int) -> Entry:
    """Take back what was said last; with a request, all that it was told with."""
    past = list(draft.standing())
    last = [entry for entry in past if entry.span.turn == past[0].span.turn]
    if any(entry.kind == "goal" for entry in last):
        return _call_off(draft, start, end, [last[0].topic])
    entry = draft.add(start, end, "withdrawal", status="active" if last else "pending")
    for old in last:
        draft.end(old, entry, "withdrawn")
    return entry


def _call_off(draft: Draft, start: int, end: int, topics: Iterable[int]) -> Entry:
    entry = draft.add(start, end, "withdrawal")
    for topic in topics:
        draft.cancel(topic, entry)
    return entry


def _is_topic(draft: Draft, what: str, topic: int) -> bool:
    """Whether the words name the whole of a topic, not a fact of it."""
    pack = draft.pack
    words = set(what.split())
    if words & pack.things and words & (pack.other | pack.ordinals.keys()):
        return True
    about = draft.wording(what).about - pack.things
    if not about:
        return False
    said = [entry for entry in draft.standing() if entry.topic == topic]
    goals = [entry.text for entry in said if entry.kind == "goal"]
    heads = [draft.wording(goal[slice(*_parts(goal, pack)[0])]).about for goal in goals]
    facts = [draft.words(entry).about for entry in said if entry.kind != "goal"]
    return any(about <= each for each in heads) and not any(about <= each for each in facts)


def _meant(draft: Draft, what: str) -> list[Entry]:
    """The entries that are named: the closest; all of them where one word names several facts."""
    numbered = _numbered(draft, what)
    if numbered is not None:
        return numbered
    said = draft.wording(what)
    asked = said.keys
    standing = list(draft.standing())
    valued = [old for old in standing if _gives(draft, old, said)]
    if len(valued) == 1:  # in whatever words: no other gives that value
        return valued
    standing = valued or standing
    weights = rarity(draft.words(old) for old in standing)
    total = sum(weights.get(key, 1.0) for key in asked)
    shares = {
        old.id: sum(weights[key] for key in asked & draft.words(old).keys) / total
        for old in standing
        if asked
    }
    best = max(shares.values(), default=0.0)
    if best < NAMED:
        return []
    found = [old for old in standing if shares[old.id] == best]
    if len(said.about) == 1:
        return [old for old in found if old.kind != "goal"] or found[:1]
    return [old for _, old in ranked(draft, said, found)[:1]]


def _gives(draft: Draft, old: Entry, said: Wording) -> bool:
    """Whether an entry gives all the amounts that `said` does, and shares a word with it."""
    words = draft.wording(draft.said(old))
    amounts = frozenset(said.amounts)
    return bool(amounts and amounts <= frozenset(words.amounts) and said.about & words.about)


def _numbered(draft: Draft, what: str) -> list[Entry] | None:
    """For "the first part", that one of the things that were said last."""
    words = what.split()
    number = next((draft.pack.ordinals[w] for w in words if w in draft.pack.ordinals), None)
    if number is None or len(words) > 3 or draft.pack.things.isdisjoint(words):
        return None
    past = list(draft.standing())
    last = [entry for entry in reversed(past) if entry.span.turn == past[0].span.turn]
    return last[number - 1 : number]


def _take_back(draft: Draft, old: Entry, entry: Entry, what: str) -> None:
    """Withdraw an entry; of a request only the words that name it, with what belongs to them."""
    about = draft.wording(what).about
    parts = _parts(old.text, draft.pack) if old.kind == "goal" else []
    meant = [cut for cut in parts[1:] if about & draft.wording(old.text[slice(*cut)]).about]
    if len(meant) == 1:
        draft.strike(old.id, *meant[0], entry, None)
    else:
        draft.end(old, entry, "withdrawn")


def _parts(text: str, pack: Pack) -> list[tuple[int, int]]:
    """A clause before each preposition: the first part is what it is about."""
    starts = [0, *(match.start() for match in pack["clause.part"].each(text) if match.start())]
    ends = [*starts[1:], len(text.rstrip(" .!?"))]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if b > a] or [(0, len(text))]
