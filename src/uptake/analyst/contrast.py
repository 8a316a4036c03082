"""One value in another's place: "7, not 5", "change Ann to Ben", "sorry, I meant Tuesday".

The old value is struck where it stands, and the new one put there, word for word. Where it could
stand in several places and nothing tells which, nothing is struck and the correction is pending.

This module knows nothing of whole sentences (`revising`), and no English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from uptake.analyst.closeness import share
from uptake.analyst.draft import Draft, Slot
from uptake.analyst.language import Pack
from uptake.analyst.opening import Opening, past_fillers
from uptake.analyst.wording import Value, fold
from uptake.ground import Entry, Span

__all__ = ["Bare", "bare", "contrast", "exchange", "put_bare"]

_WORD = re.compile(r"[^\W\d_][\w'-]*")
_MARK = re.compile(r"[,;:.!?()–—]")
MOST = 16  # words of a piece that only puts one value in another's place
SPEAKS = 0.0  # log-odds that they are beside the matter


def contrast(draft: Draft, start: int, read: str, opened: Opening) -> Entry | None:
    """For "7, not 5", "use 7 instead of 5", "change Ann to Ben"."""
    if not any(draft.standing(landed=False)):
        return None
    for place in dict.fromkeys((0, past_fillers(read, draft.pack))):
        for name in ("sure", "opened", "values"):
            words = name == "sure" or (name == "opened" and opened.corrects)
            for phrase in draft.pack.among(f"contrast.{name}", read):
                found = phrase.all_of(read, place)
                entry = found and _put(draft, start, read, found, found["rest"], words=words)
                if entry:
                    return entry
    for phrase in draft.pack.among("contrast.anywhere", read):
        if found := phrase.within(read):
            context = read[: found.start()]
            told = bool(draft.wording(context).about) and not opened.corrects
            words = opened.corrects
            return _put(draft, start, read, found, context, words=words, close=told)
    return None


def exchange(draft: Draft, start: int, end: int) -> Entry | None:
    """Of two values among words about what was said, the one that was said is the old one.

    Where both were, the patterns tell which is the old one, or the words beside them, or nothing.
    """
    read = fold(draft.text[start:end])
    said = draft.wording(draft.text[start:end])
    values = [value for value in said.values if value.key not in draft.pack.meta]  # "is right"
    if len(values) != 2 or values[0].kind != values[1].kind or not said.frame:
        return None
    if not _about_saying(draft, read, values):
        return None
    places = [_places(draft, read[value.start : value.end]) for value in values]
    if not any(places):
        return None
    which = 0 if places[0] else 1
    if not all(places) and _of_reply(draft, read, values, 1 - which):
        return None
    if all(places):
        known = _old(read, values, draft.pack)
        if known is None and not _only_of_saying(draft, read):
            return None
        entry = contrast(draft, start, read, Opening(sure=True))
        if entry is not None:
            return entry
        if known is None:
            return draft.add(start, end, "correction", status="pending")
        which = known
    old, new = values[which], values[1 - which]
    found = _closest(draft, places[which], frozenset(), read[old.start : old.end])
    if len(found) != 1:
        return draft.add(start, end, "correction", status="pending")
    entry = draft.add(start, end, "correction", _topic(draft, found[0]))
    put = Span(draft.turn, start + new.start, start + new.end)
    draft.strike(found[0].entry, found[0].start, found[0].end, entry, put)
    return entry


def _of_reply(draft: Draft, read: str, values: Sequence[Value], other: int) -> bool:
    """Whether a value that the user did not say is the reply's, and wrong ("it has 12, not 9")."""
    said = draft.wording((draft.asked or "")[-1000:]).values
    return any(value.key == values[other].key for value in said) and (
        _old(read, values, draft.pack) == other
    )


def _old(read: str, values: Sequence[Value], pack: Pack) -> int | None:
    """Which of two values is the old one by the words beside each: "I typed", "is wrong"."""
    one, two = values
    between = read[one.end : two.start]
    cut = pack["contrast.parts"].within(between)
    after, before = (between[: cut.start()], between[cut.end() :]) if cut else ("", between)
    leads, trails = _MARK.split(read[: one.start])[-1], _MARK.split(read[two.end :])[0]
    beside = (f"{leads} {after}", f"{before} {trails}")
    lean = [0, 0]
    for which, words in enumerate(beside):
        said = _WORD.findall(words)
        lean[which] = sum(w in pack.was for w in said) - sum(w in pack.now for w in said)
    return None if lean[0] == lean[1] else int(lean[1] > lean[0])


def _about_saying(draft: Draft, read: str, values: Sequence[Value]) -> bool:
    """Whether words without their values only speak of what was said, or are beside the matter."""
    if _only_of_saying(draft, read):
        return True
    if len(read.split()) > MOST:
        return False
    rest = read
    for value in reversed(values):
        rest = f"{rest[: value.start]}{rest[value.end :]}"
    return draft.beside(rest, draft.wording(rest).about, draft.told()) > SPEAKS


def _only_of_saying(draft: Draft, read: str) -> bool:
    pack = draft.pack
    words = {word for word in _WORD.findall(read) if word not in pack.meta}
    return all(word in pack.numbers or word in pack.sets for word in words)


def _put(
    draft: Draft,
    start: int,
    read: str,
    found: re.Match[str],
    context: str,
    *,
    words: bool,
    close: bool = False,
) -> Entry | None:
    """Strike what is named as old, and put what is named as new; None where the old was not said.

    Only where `words` is true may they be anything but values and names. With `close` the old must
    have been said in nearly the same words as `context`. Where it was said more than once, and it
    is not clear which one is meant, the correction is pending.
    """
    narrowed = _narrowed(draft, start, read, found)
    if narrowed is None:
        return None
    kind, span = narrowed
    new = draft.text[span.start : span.end]
    old = draft.text[start + found.start("old") : start + found.end("old")]
    if kind == "words" and not words and not (new[:1].isupper() and old[:1].isupper()):
        return None
    about = draft.wording(context).about
    places = [each for each in _places(draft, fold(old)) if kind in ("words", each.kind)]
    if close:
        places = [e for e in places if share(about, draft.words(draft.entries[e.entry])) > 0.6]
    if not places or fold(new) == fold(old):
        return None
    end = start + len(read.rstrip())
    places = _closest(draft, places, about, old)
    if not places:
        return draft.add(start, end, "correction", status="pending")
    entry = draft.add(start, end, "correction", _topic(draft, places[0]))
    for place in places:
        draft.strike(place.entry, place.start, place.end, entry, span)
    return entry


def _narrowed(draft: Draft, start: int, read: str, found: re.Match[str]) -> tuple[str, Span] | None:
    """What kind of value the old one is, and where the new one stands; None if it is another's."""
    old = found["old"]
    was = draft.wording(old).values
    first, last = found.span("new")
    if len(was) == 1:
        new = [v for v in draft.wording(read[first:last]).values if v.kind == was[0].kind]
        if not new:  # "the $100 must be paid"
            return None
        value = new[-1] if found.start("new") < found.start("old") else new[0]
        place = Span(draft.turn, start + first + value.start, start + first + value.end)
        return was[0].kind, place
    words = len(old.split())
    if found.start("new") < found.start("old"):
        first = last - len(" ".join(read[first:last].split(" ")[-words:]))
    return "words", Span(draft.turn, start + first, start + last)


def _places(draft: Draft, old: str) -> list[Slot]:
    """Where the old value stands, the latest first: as a value however written, or as words."""
    values = draft.wording(old).values
    kind, key = (values[0].kind, values[0].key) if len(values) == 1 else ("name", old)
    entries = list(draft.standing(landed=False))
    slots = [slot for entry in entries for slot in draft.slots(entry)]
    found = [slot for slot in slots if (slot.kind, slot.key) == (kind, key)]
    if found:
        return found
    return [
        Slot(entry.id, *match.span(), kind if values else "words", key, entry.span.turn)
        for entry in entries
        if old in fold(entry.text)
        for match in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", fold(entry.text))
        if all(match.end() <= each.start or match.start() >= each.end for each in entry.struck)
    ]


def _closest(draft: Draft, places: Sequence[Slot], about: frozenset[str], old: str) -> list[Slot]:
    """The place that is meant: by the words said with it, or as the only one that is left.

    What was itself a correction is less likely to be wrong, and "3" means "3" rather than "three".
    A name stands for one person: where nothing else tells them apart, all its places are meant.
    """
    for likely in (
        [each for each in places if not _corrected(draft, each)],
        [each for each in places if _as_written(draft, each) == old],
    ):
        places = likely or places
    if len(places) < 2:
        return list(places)
    if about:
        shares = [share(about, draft.words(draft.entries[each.entry])) for each in places]
        best = max(shares)
        if best:
            places = [e for e, found in zip(places, shares, strict=True) if found == best]
    if len(places) > 1 and places[0].kind in ("words", "name"):
        return list(places)
    return list(places) if len(places) == 1 else []


def _corrected(draft: Draft, place: Slot) -> bool:
    entry = draft.entries[place.entry]
    return entry.kind == "correction" or any(each.start == place.start for each in entry.struck)


def _as_written(draft: Draft, place: Slot) -> str:
    return draft.entries[place.entry].text[place.start : place.end]


@dataclass(frozen=True, slots=True)
class Bare:
    """A value said alone, `start` to `end` of the text, perhaps with the word that it counts."""

    start: int
    end: int
    kind: str
    key: str
    unit: frozenset[str]


def bare(draft: Draft, read: str) -> Bare | None:
    """The value that `read` gives and nothing else; None where it says more."""
    at = past_fillers(read, draft.pack)
    trail = draft.pack["lead.trail"].within(read, at)
    text = read[at : trail.start() if trail else len(read)].rstrip(" .!?")
    said = draft.wording(text)
    words = [each for each in said.frame if each not in "$€£%"]
    if len(said.values) == 1 and len(words) <= 2 and len(said.about) <= 1:
        value = said.values[0]
        return Bare(at + value.start, at + value.end, value.kind, value.key, said.about)
    if not said.values and len(words) == 1 and len(said.about) == 1:
        first = re.search(r"\w", text)
        begin = at + (first.start() if first else 0)
        return Bare(begin, at + len(text), "name", read[begin : at + len(text)], frozenset())
    return None


def put_bare(draft: Draft, start: int, end: int, bare: Bare, opened: Opening) -> Entry | None:
    """Put a value that was said alone in the place of the last one of its kind, if there is any."""
    if bare.kind == "name" and not draft.text[start + bare.start].isupper():
        return None
    places = _last_places(draft, bare)
    if opened.plain and not opened.sure and draft.asked is not None and not _echo(draft, bare):
        places = [slot for slot in places if slot.key == bare.key]
        if not places:  # "No, 19.": a doubt of the reply
            return draft.add(start, end, "social")
    if not places:
        return None
    if len(places) > 1:
        return draft.add(start, end, "correction", status="pending")
    place = places[0]
    entry = draft.add(start, end, "correction", _topic(draft, place))
    first = start + bare.start
    if bare.kind == "number" and draft.text[max(first - 1, 0)] in "$€£":
        old = draft.entries[place.entry].text
        first -= old[max(place.start - 1, 0)] not in "$€£"
    draft.strike(
        place.entry, place.start, place.end, entry, Span(draft.turn, first, start + bare.end)
    )
    return entry


def _last_places(draft: Draft, bare: Bare) -> list[Slot]:
    """The value of that kind that was said last; several where it is not clear which one."""
    echoed = _echo(draft, bare)
    if len(echoed) == 1:
        return echoed
    found = [
        slot
        for entry in draft.standing(landed=False)
        for slot in draft.slots(entry)
        if slot.kind == bare.kind and (not bare.unit or bare.unit & _counted(draft, slot))
    ]
    latest = max((slot.turn for slot in found), default=-1)
    found = [slot for slot in found if slot.turn == latest]
    if bare.kind == "name":  # a sentence's first word may be any
        found = [slot for slot in found if slot.start] or found
    elif not bare.unit and found:  # in the sentence said last, if that has just one
        of_last = [slot for slot in found if slot.entry == found[0].entry]
        found = of_last if len(of_last) == 1 else found
    return found


def _echo(draft: Draft, bare: Bare) -> list[Slot]:
    """The user's values of that kind that the assistant had just repeated."""
    if draft.asked is None:
        return []
    said = draft.wording(draft.asked[-1000:])
    keys = {value.key for value in said.values if value.kind == bare.kind}
    if bare.kind == "name":
        keys = set(re.findall(r"\w+", fold(draft.asked[-1000:])))
    slots = [slot for entry in draft.standing(landed=False) for slot in draft.slots(entry)]
    return [s for s in slots if s.kind == bare.kind and s.key in keys and s.key != bare.key]


def _counted(draft: Draft, slot: Slot) -> frozenset[str]:
    """The word after a value, which is what it counts."""
    after = draft.wording(draft.entries[slot.entry].text[slot.end :])
    return frozenset(after.frame[:2])


def _topic(draft: Draft, place: Slot) -> int:
    return draft.entries[place.entry].topic
