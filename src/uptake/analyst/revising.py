"""What a piece of a turn puts in the place of what was said before: corrections.

What was said last holds. A correction that names the old value, or gives nothing but a new one,
strikes that value alone (`contrast`); a sentence that says the same with another value supersedes
the old one; a new sentence that was opened as a correction ("Sorry, I got that wrong.") supersedes
the one that it is closest to, when one clearly is closest. Whatever fits nothing, or two things
equally well, supersedes nothing: to drop a fact wrongly is worse than to keep one too many.

This module knows nothing of topics, of what is taken back (`withdrawing`), and no English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from uptake.analyst.closeness import closeness, dice, rarity
from uptake.analyst.contrast import bare, contrast, put_bare
from uptake.analyst.draft import Draft
from uptake.analyst.fitting import fitting
from uptake.analyst.opening import Opening, opening
from uptake.analyst.wording import Wording, fold
from uptake.ground import Entry, Kind

__all__ = ["CLOSE", "ranked", "restated", "retold", "revise", "says_otherwise"]

_MARK = re.compile(r"[:,;–—] ")
_WORD = re.compile(r"[\w'-]+")
_LETTERS = re.compile(r"[^\W\d_][\w'-]*")
_BLANK = re.compile(r"\S+")
_SET_OFF = (":", ";", ".", "!", "?", "–", "—", "*")
_SETS_OFF = "(,;:–—-*.!\n"
_MARKS = " \t\n(,;:–—-*"
_PREFIX = 120  # characters of an introduction

CLOSE = 0.42  # of two sentences' words that must be shared, rare ones counting more (Dice)
LOOSE = 0.2  # the same, where something was said to be wrong
INTRODUCES = 0.0  # log-odds that an introduction is beside the matter
CLEAR = 1.12  # how much closer the closest must be than the next


def revise(
    draft: Draft, start: int, end: int, opened: Opening, *, goal: bool = False
) -> Entry | None:
    """Enter characters `start` to `end` of the turn as a correction; None where it is none.

    They are what follows `opened`. A value that two places could have had is entered as pending.
    """
    text = draft.text[start:end]
    read = fold(text)
    if (entry := contrast(draft, start, read, opened)) is not None:
        return entry
    if opened.corrects:
        asks = read.rstrip().endswith("?")
        value = None if asks or opened.composed else bare(draft, read)
        if value is not None:
            return put_bare(draft, start, end, value, opened)
        return _clause(draft, start, end, opened, goal=goal)
    return None


def restated(draft: Draft, start: int, end: int, *, goal: bool) -> Entry | None:
    """Enter a sentence that says what an earlier turn said, of another value, as its correction.

    A request (`goal`) may stand in the place of a request only, and remains one.
    """
    text = draft.text[start:end]
    last = next(draft.standing(), None)
    for skip in (0, *_introduced(draft, text)):
        said = draft.wording(text[skip:])
        if said.frame[:1] and said.frame[0] in draft.pack.deictic:
            continue
        for old in draft.standing(earlier=True):
            if (old.kind == "goal") != goal or not _same_of_another(draft.words(old), said):
                continue
            if not goal and _goes_on(draft, old.text, text):
                continue
            if old is last and _several_differ(draft.words(old), said):
                return None  # "two $5 bills", "three $20 bills": a list goes on
            entry = draft.add(start + skip, end, "goal" if goal else "correction", old.topic)
            draft.end(old, entry, "superseded")
            return entry
    return None


def retold(draft: Draft, start: int, end: int) -> Entry | None:
    """Enter a sentence that has the words of an earlier one, of another value, in its place.

    Whatever stands before and after them, if that tells nothing: "my sheet says something else,
    Ann has 9", "Ann has 9, I misread it".
    """
    text = draft.text[start:end]
    said = draft.wording(text)
    for old in draft.standing(earlier=True):
        words = draft.words(old)
        found = _within(said, words, text, old.text)
        if found is None:
            continue
        first, last = found
        if not _same_of_another(words, draft.wording(text[first:last])):
            continue
        if _granted(draft, text, first):
            return None
        if not (_introduces(draft, text[:first]) and _trails(draft, text[last:], words)):
            continue
        kind: Kind = "goal" if old.kind == "goal" else "correction"
        entry = draft.add(start + first, start + last, kind, old.topic)
        draft.end(old, entry, "superseded")
        return entry
    return None


def says_otherwise(draft: Draft, text: str) -> bool:
    """Whether a sentence says what an earlier turn said, of another value."""
    said = draft.wording(text)
    return any(_same_of_another(draft.words(old), said) for old in draft.standing(earlier=True))


def _granted(draft: Draft, text: str, first: int) -> bool:
    """Whether what begins at `first` is taken for granted ("bearing in mind that …")."""
    claims = draft.pack["presuppose.before"].each(fold(text[: first + _PREFIX]))
    return any(found.start("claim") == first for found in claims)


def _introduces(draft: Draft, text: str) -> bool:
    """Whether words before a sentence tell nothing of it: "in the park" does, "I see now" does not.

    They give no value and add nothing, share no word with what was told, and are set off by more
    than a comma, speak of the one who talks, signal a correction, or are beside the matter.
    """
    if not text.strip():
        return True
    if opening(fold(text), draft.pack).end >= len(text.rstrip()):
        return True  # "wait no"
    words = _of_talk(draft, text, frozenset())
    if words is None:
        return False
    pack = draft.pack
    if text.rstrip().endswith(_SET_OFF) or words & (pack.signal | pack.undo):
        return True
    if _WORD.findall(fold(text))[0] in pack.places and not words <= pack.meta:
        return False  # "in my garden"
    if words & pack.talkers:
        return True
    comma = text.rstrip().endswith(",") and words.isdisjoint(pack.sequence)
    return comma and draft.beside(text) > INTRODUCES


def _trails(draft: Draft, text: str, old: Wording) -> bool:
    """Whether words after a sentence tell nothing of it: "that's the right one", "(not 5)".

    As `_introduces`; they may give the value that was wrong.
    """
    if not text.strip(_MARKS):
        return True
    pack = draft.pack
    read = fold(text)
    asks = "?" in read or pack["goal.orders"].at(read) or pack["goal.asks"].at(read)
    words = _of_talk(draft, text, frozenset(old.amounts))
    if asks or words is None:
        return False
    first = next(iter(_WORD.findall(read)), "").partition("'")[0]
    apart = text.strip()[0] in _SETS_OFF or first in pack.talkers | pack.deictic | pack.negations
    speaks = words & (pack.talkers | pack.signal | pack.undo) or words <= pack.meta | pack.negations
    return apart and (bool(speaks) or draft.beside(text) > INTRODUCES)


def _of_talk(draft: Draft, text: str, was: frozenset[str]) -> frozenset[str] | None:
    """The words of a stretch that gives no value but `was`, adds nothing, shares nothing told."""
    pack = draft.pack
    words = frozenset(_LETTERS.findall(fold(text)))
    known = was | pack.meta  # "that's not right" names no direction
    if any(value.key not in known for value in draft.wording(text).values):
        return None
    new = words - pack.meta
    told = draft.wording(" ".join(new)).about & draft.told()
    return None if told or new & pack.additive else words


def _within(said: Wording, old: Wording, text: str, was: str) -> tuple[int, int] | None:
    """Where the words of `old` stand in `said`, among others; None where they do not."""
    n, more = len(old.frame), len(said.frame) - len(old.frame)
    if not n or more <= 0 or old.frame[0] not in said.frame:
        return None
    place = next((k for k in range(more + 1) if said.frame[k : k + n] == old.frame), None)
    if place is None:
        return None
    last = len(text) if place == more else len(text[: said.starts[place + n]].rstrip(_MARKS))
    if not place:
        return 0, last
    leads = len(was[: old.starts[0]].split())  # "The", "6": words that are not in its frame
    words = [each.start() for each in _BLANK.finditer(text[: said.starts[place]])]
    if leads >= len(words):
        return None
    return (words[-leads] if leads else said.starts[place]), last


def _introduced(draft: Draft, text: str) -> list[int]:
    """Where a sentence may begin that other words introduce: those say nothing of their own."""
    read = fold(text[:_PREFIX])
    return [
        mark.end()
        for mark in _MARK.finditer(read)
        if draft.pack.meta.issuperset(_WORD.findall(read[: mark.start()]))
    ]


def _same_of_another(old: Wording, new: Wording) -> bool:
    """Whether two sentences say the same of different values, or one denies the other."""
    alike = old.frame == new.frame
    if not alike and old.negated == new.negated:
        return False
    if len(new.frame) < 3 or not new.about or new.labels != old.labels:
        return False
    if alike:
        if len(old.amounts) == len(new.amounts):
            return old.amounts != new.amounts
        one = abs(len(old.amounts) - len(new.amounts)) == 1  # "an apple", "2 apples"
        return one and old.indefinite != new.indefinite
    return len(new.about) > 1 and old.about == new.about and old.amounts == new.amounts


def _goes_on(draft: Draft, old: str, new: str) -> bool:
    """Whether a sentence says that it comes next ("Then Ann sells 5"), and the earlier did not."""
    first = [next(iter(_WORD.findall(fold(text))), "") for text in (old, new)]
    return first[1] in draft.pack.sequence and first[0] != first[1]


def _several_differ(old: Wording, new: Wording) -> bool:
    """Whether more than one amount is another ("In round 2 Ann finds 5", "In round 3 … 6")."""
    return sum(a != b for a, b in zip(old.amounts, new.amounts, strict=False)) > 1


def _clause(draft: Draft, start: int, end: int, opened: Opening, *, goal: bool) -> Entry | None:
    """Put a sentence that was opened as a correction in the place of what it is closest to.

    Where something was said to be wrong, there is something to correct: less must be shared then.
    """
    text = draft.text[start:end]
    said = draft.wording(text)
    if not said.about:
        return None
    olds = [
        old
        for old in draft.standing(landed=False)
        if (old.kind == "goal") == goal and not _repeats(draft, old, said)
    ]
    alike = [old for old in olds if _same_of_another(draft.words(old), said)]
    fresh = [old for old in alike if old.kind != "correction"] or alike
    found = (
        [(1.0, fresh[0])] if len(fresh) == 1 else ranked(draft, said, fitting(draft, text, olds))
    )
    if not found or found[0][0] < (LOOSE if opened.wrong else CLOSE):
        return None
    (best, old), rest = found[0], found[1:]
    words = draft.words(old)
    if rest and best < rest[0][0] * CLEAR:
        return None
    if said.additive and not words.additive and not opened.wrong:
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
    scored = [(closeness(said, draft.words(old), weights), old) for old in olds]
    return sorted(scored, key=lambda each: (-each[0], -each[1].id))
