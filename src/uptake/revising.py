"""What a piece of a turn puts in the place of what was said before: corrections.

What was said last holds. A correction that names the old value, or gives nothing but a new one,
strikes that value alone; a sentence that says the same with another value supersedes the old one;
a new sentence that was opened as a correction ("Sorry, I got that wrong.") supersedes the one that
it is closest to, when one clearly is closest. Whatever fits nothing, or two things equally well,
supersedes nothing: to drop a fact wrongly is worse than to keep one too many.

This module knows nothing of topics, of what is taken back (`withdrawing`), and no English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from uptake.closeness import dice, rarity, share
from uptake.draft import Draft, Slot
from uptake.ground import Entry, Span
from uptake.language import Pack, Phrase
from uptake.wording import Wording, fold

__all__ = ["Opening", "opening", "ranked", "restated", "revise"]

CLOSE = 0.42  # of two sentences' words that must be shared, rare ones counting more (Dice)
CLEAR = 1.12  # how much closer the closest must be than the next

_EDGE = re.compile(r"[\s,.:;!?*–—-]*")
_STOP = re.compile(r"\s*(?:[,.:;!–—-]|$)|\s+\d")


@dataclass(frozen=True, slots=True)
class Opening:
    """How a piece begins: its first `end` characters only say that something is corrected.

    `sure` openings say so by themselves ("I meant"); `plain` ones may also answer ("no").
    """

    end: int = 0
    sure: bool = False
    plain: bool = False

    @property
    def corrects(self) -> bool:
        """Whether it says that what follows stands in another's place."""
        return self.sure or self.plain


def opening(read: str, pack: Pack) -> Opening:
    """The opening of a piece."""
    end, sure, plain = 0, False, False
    for _ in range(12):  # as many as anyone says before coming to the point
        at = _edge(read, end)
        if found := pack["lead.sure"].at(read, at):
            sure = True
        elif found := _before_a_stop(pack["lead.plain"], read, at, pack):
            plain = True
        else:
            found = pack["lead.soft"].at(read, at)
        if not found or found.end() == at:
            break
        end = found.end()
    return Opening(_edge(read, end) if sure or plain else 0, sure, plain)


def revise(
    draft: Draft, start: int, end: int, opened: Opening, *, goal: bool = False
) -> Entry | None:
    """Enter characters `start` to `end` of the turn as a correction; None where it is none.

    They are what follows `opened`. A value that two places could have had is entered as pending.
    """
    text = draft.text[start:end]
    read = fold(text)
    if (entry := _contrast(draft, start, read, opened)) is not None:
        return entry
    if opened.corrects:
        bare = _bare(draft, read)
        if bare is not None:
            return _value(draft, start, end, bare, opened)
        return _clause(draft, start, end, goal=goal)
    return None


def restated(draft: Draft, start: int, end: int, *, goal: bool) -> Entry | None:
    """Enter a sentence that says what an earlier turn said, of another value, as its correction.

    A request (`goal`) may stand in the place of a request only, and remains one.
    """
    said = draft.wording(draft.text[start:end])
    for old in draft.standing(earlier=True):
        if (old.kind == "goal") == goal and _same_of_another(draft.words(old), said):
            entry = draft.add(start, end, "goal" if goal else "correction", old.topic)
            draft.end(old, entry, "superseded")
            return entry
    return None


# One value in another's place


def _contrast(draft: Draft, start: int, read: str, opened: Opening) -> Entry | None:
    """For "7, not 5", "use 7 instead of 5", "change Ann to Ben"."""
    lists = draft.pack.lists
    for place in dict.fromkeys((0, _filled(read, draft.pack))):
        for name in ("sure", "opened", "values"):
            words = name == "sure" or (name == "opened" and opened.corrects)
            for phrase in lists[f"contrast.{name}"]:
                found = phrase.all_of(read, place)
                entry = found and _put(draft, start, read, found, found["rest"], words=words)
                if entry:
                    return entry
    for phrase in lists["contrast.anywhere"]:
        if found := phrase.within(read):
            context = read[: found.start()]
            told = bool(draft.wording(context).about) and not opened.corrects
            words = opened.corrects
            return _put(draft, start, read, found, context, words=words, close=told)
    return None


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
    have been said in nearly the same words as `context`.
    """
    kind, span = _narrowed(draft, start, read, found)
    new = draft.text[span.start : span.end]
    old = draft.text[start + found.start("old") : start + found.end("old")]
    if kind == "words" and not words and not (new[:1].isupper() and old[:1].isupper()):
        return None
    about = draft.wording(context).about
    places = [each for each in _places(draft, fold(old)) if kind in ("words", each.kind)]
    if close:
        places = [e for e in places if share(about, draft.words(draft.entries[e.entry])) > 0.6]
    places = _closest(draft, places, about, old)
    if not places or fold(new) == fold(old):
        return None
    entry = draft.add(start, start + len(read.rstrip()), "correction", _topic(draft, places[0]))
    for place in places:
        draft.strike(place.entry, place.start, place.end, entry, span)
    return entry


def _narrowed(draft: Draft, start: int, read: str, found: re.Match[str]) -> tuple[str, Span]:
    """What kind of value the old one is, and where exactly the new one stands."""
    old = found["old"]
    was = draft.wording(old).values
    first, last = found.span("new")
    if len(was) == 1:
        new = [v for v in draft.wording(read[first:last]).values if v.kind == was[0].kind]
        if new:
            value = new[-1] if found.start("new") < found.start("old") else new[0]
            first, last = first + value.start, first + value.end
        return was[0].kind, Span(draft.turn, start + first, start + last)
    words = len(old.split())
    if found.start("new") < found.start("old"):
        first = last - len(" ".join(read[first:last].split(" ")[-words:]))
    return "words", Span(draft.turn, start + first, start + last)


def _places(draft: Draft, old: str) -> list[Slot]:
    """Where the old value stands, the latest first: as a value however written, or as words."""
    values = draft.wording(old).values
    found: list[Slot] = []
    for entry in draft.standing():
        if len(values) == 1:
            same = [
                s for s in draft.slots(entry) if (s.kind, s.key) == (values[0].kind, values[0].key)
            ]
            found += same
            continue
        for match in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", fold(entry.text)):
            if all(match.end() <= s.start or match.start() >= s.end for s in entry.struck):
                found.append(Slot(entry.id, match.start(), match.end(), "words", old))
        named_so = [s for s in draft.slots(entry) if s.kind == "name" and s.key == old]
        found += [
            s for s in named_so if not any(f.entry == s.entry and f.start == s.start for f in found)
        ]
    return found


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
            places = [e for e, share in zip(places, shares, strict=True) if share == best]
    if len(places) > 1 and places[0].kind in ("words", "name"):
        return list(places)
    return list(places) if len(places) == 1 else []


def _corrected(draft: Draft, place: Slot) -> bool:
    entry = draft.entries[place.entry]
    return entry.kind == "correction" or any(each.start == place.start for each in entry.struck)


def _as_written(draft: Draft, place: Slot) -> str:
    return draft.entries[place.entry].text[place.start : place.end]


@dataclass(frozen=True, slots=True)
class _Bare:
    """A value said alone, `start` to `end` of the text, perhaps with the word that it counts."""

    start: int
    end: int
    kind: str
    key: str
    unit: frozenset[str]


def _bare(draft: Draft, read: str) -> _Bare | None:
    """The value that `read` gives and nothing else; None where it says more."""
    at = _filled(read, draft.pack)
    trail = draft.pack["lead.trail"].within(read, at)
    text = read[at : trail.start() if trail else len(read)].rstrip(" .!?")
    said = draft.wording(text)
    words = [each for each in said.frame if each not in "$€£%"]
    if len(said.values) == 1 and len(words) <= 2 and len(said.about) <= 1:
        value = said.values[0]
        return _Bare(at + value.start, at + value.end, value.kind, value.key, said.about)
    if not said.values and len(words) == 1 and len(said.about) == 1:
        first = re.search(r"\w", text)
        begin = at + (first.start() if first else 0)
        return _Bare(begin, at + len(text), "name", read[begin : at + len(text)], frozenset())
    return None


def _value(draft: Draft, start: int, end: int, bare: _Bare, opened: Opening) -> Entry | None:
    """Put a value that was said alone in the place of the last one of its kind."""
    if bare.kind == "name" and not draft.text[start + bare.start].isupper():
        return None
    if opened.plain and not opened.sure and draft.asked is not None and not _echo(draft, bare):
        return None  # "No, 19." after a reply that says nothing of the user's values: a doubt
    place = _last_place(draft, bare)
    if place is None:
        return draft.add(start, end, "correction", status="pending")
    entry = draft.add(start, end, "correction", _topic(draft, place))
    first = start + bare.start
    if bare.kind == "number" and draft.text[max(first - 1, 0)] in "$€£":
        old = draft.entries[place.entry].text
        first -= old[max(place.start - 1, 0)] not in "$€£"
    draft.strike(
        place.entry, place.start, place.end, entry, Span(draft.turn, first, start + bare.end)
    )
    return entry


def _last_place(draft: Draft, bare: _Bare) -> Slot | None:
    """The value of that kind that was said last, if it is clear which one that was."""
    echoed = _echo(draft, bare)
    if len(echoed) == 1:
        return echoed[0]
    turn: int | None = None
    found: list[Slot] = []
    for entry in draft.standing():
        if turn is not None and entry.span.turn != turn:
            break
        fitting = [
            slot
            for slot in draft.slots(entry)
            if slot.kind == bare.kind and (not bare.unit or bare.unit & _counted(draft, slot))
        ]
        if fitting and found and not bare.unit and len(found) == 1:
            break  # the sentence said last has one: that is the one
        if fitting:
            found += fitting
            turn = entry.span.turn
    found = [each for each in found if each.key != bare.key]
    return found[0] if len(found) == 1 else None


def _echo(draft: Draft, bare: _Bare) -> list[Slot]:
    """The user's values of that kind that the assistant had just repeated."""
    if draft.asked is None:
        return []
    said = draft.wording(draft.asked[-1000:])
    keys = {value.key for value in said.values if value.kind == bare.kind}
    if bare.kind == "name":
        keys = set(re.findall(r"\w+", fold(draft.asked[-1000:])))
    slots = [slot for entry in draft.standing() for slot in draft.slots(entry)]
    return [s for s in slots if s.kind == bare.kind and s.key in keys and s.key != bare.key]


def _counted(draft: Draft, slot: Slot) -> frozenset[str]:
    """The word after a value, which is what it counts."""
    after = draft.wording(draft.entries[slot.entry].text[slot.end :])
    return frozenset(after.frame[:2])


# A sentence in another's place


def _same_of_another(old: Wording, new: Wording) -> bool:
    """Whether two sentences say the same of different values, or one denies the other."""
    if len(new.frame) < 3 or not new.about or new.labels != old.labels:
        return False
    if old.frame == new.frame:
        if len(old.amounts) == len(new.amounts):
            differ = sum(a != b for a, b in zip(old.amounts, new.amounts, strict=True))
            return 0 < differ < max(2, len(new.amounts))  # "two $5 bills" beside "three $20 bills"
        one = abs(len(old.amounts) - len(new.amounts)) == 1  # "an apple", "2 apples"
        return one and old.indefinite != new.indefinite
    denied = old.negated != new.negated and len(new.about) > 1
    return denied and old.about == new.about and old.amounts == new.amounts


def _clause(draft: Draft, start: int, end: int, *, goal: bool) -> Entry | None:
    """Put a sentence that was opened as a correction in the place of what it is closest to."""
    said = draft.wording(draft.text[start:end])
    if not said.about:
        return None
    olds = [
        old
        for old in draft.standing()
        if (old.kind == "goal") == goal and not _repeats(draft, old, said)
    ]
    found = ranked(draft, said, olds)
    if not found or found[0][0] < CLOSE:
        return None
    (best, old), rest = found[0], found[1:]
    words = draft.words(old)
    if rest and best < rest[0][0] * CLEAR and old.span.turn == rest[0][1].span.turn:
        return None
    if said.additive and not words.additive:
        return None
    if said.amounts and not words.amounts and not words.indefinite and best < 0.6:
        return None
    entry = draft.add(start, end, "goal" if goal else "correction", old.topic)
    _replace(draft, old, entry, said)
    return entry


def _repeats(draft: Draft, old: Entry, said: Wording) -> bool:
    words = draft.words(old)
    return (words.frame, words.amounts, words.labels) == (said.frame, said.amounts, said.labels)


def _replace(draft: Draft, old: Entry, new: Entry, said: Wording) -> None:
    """Strike the clause of `old` that `new` says otherwise; all of it where it is the only one."""
    clauses = _clauses(draft, old.text)
    close = {cut: dice(said, draft.wording(old.text[slice(*cut)]), {}) for cut in clauses}
    meant = max(clauses, key=lambda cut: close[cut])
    others = [cut for cut in clauses if cut != meant]
    say = any(len(draft.wording(old.text[slice(*cut)]).about) > 1 for cut in others)
    if not say or close[meant] <= CLEAR * dice(said, draft.words(old), {}):
        draft.end(old, new, "superseded")
        return
    after = [cut for cut in others if cut > meant]
    if after:  # what joins it to the next goes with it
        draft.strike(old.id, meant[0], after[0][0], new, None)
    else:
        draft.strike(old.id, others[-1][1], meant[1], new, None)


def _clauses(draft: Draft, text: str) -> list[tuple[int, int]]:
    cuts = [match.span() for match in draft.pack["clause.cut"].each(text)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(text)]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if b > a]


def ranked(draft: Draft, said: Wording, olds: Sequence[Entry]) -> list[tuple[float, Entry]]:
    """Entries by how close they are to a sentence, the closest first, then the latest."""
    weights = rarity(draft.words(old) for old in olds)
    scored = [(dice(said, draft.words(old), weights), old) for old in olds]
    return sorted(scored, key=lambda each: (-each[0], -each[1].id))


def _topic(draft: Draft, place: Slot) -> int:
    return draft.entries[place.entry].topic


def _edge(read: str, at: int) -> int:
    found = _EDGE.match(read, at)
    return found.end() if found else at


def _filled(read: str, pack: Pack) -> int:
    """Where the words begin that say more than "it is" or "that should be"."""
    at = _edge(read, 0)
    for _ in range(6):
        found = pack["lead.filler"].at(read, at)
        if not found or found.end() == at:
            break
        at = _edge(read, found.end())
    return at


def _before_a_stop(phrase: Phrase, read: str, at: int, pack: Pack) -> re.Match[str] | None:
    """A "no" that stands by itself: before a comma, a number, or a sure opening."""
    found = phrase.at(read, at)
    if not found:
        return None
    if _STOP.match(read, found.end()) or pack["lead.sure"].at(read, _edge(read, found.end())):
        return found
    return None
