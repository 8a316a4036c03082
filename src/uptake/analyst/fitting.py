"""Which earlier sentences a correction can speak of: the same things, people and units.

Words are many and names are few. A sentence about the red box corrects none about the green one,
and "Ben gets 5 from Ann" none of what Ben gave to her, however many words they share. Each of
these only chooses among several; where none would be left, all are.

This module knows nothing of how close sentences are (`closeness`), or of what follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from uptake.analyst.draft import Draft
from uptake.analyst.wording import Wording, fold
from uptake.ground import Entry

__all__ = ["fitting"]

_WORD = re.compile(r"[^\W\d_][\w'-]*")


def fitting(draft: Draft, text: str, olds: Sequence[Entry]) -> list[Entry]:
    """Those of `olds` that `text` may correct by what it names and counts."""
    said = draft.wording(text)
    known = _known(draft, text)
    people = _people(draft, text, known)
    source = _source(draft, text, known)
    tests: tuple[Callable[[Entry], bool], ...] = (
        lambda old: bool(said.labels) and draft.words(old).labels == said.labels,
        lambda old: not _apart(draft, draft.words(old), said),
        lambda old: _may_be(draft, old, people, known),
        lambda old: len(people) < 2 or _source(draft, old.text, known) == source,
        lambda old: bool(said.counted & draft.words(old).counted),
    )
    found = list(olds)
    for test in tests:
        found = [old for old in found if test(old)] or found
    return found


def _apart(draft: Draft, old: Wording, said: Wording) -> bool:
    """Whether a colour or the like tells them apart, and an amount is another as well."""
    kinds = draft.pack.apart
    one = {value.key for value in old.values if value.kind in kinds}
    two = {value.key for value in said.values if value.kind in kinds}
    return bool(one and two and one != two and old.amounts != said.amounts)


def _may_be(draft: Draft, old: Entry, people: Sequence[str], known: frozenset[str]) -> bool:
    """Whether an entry names the same people, or none, or one by a pronoun."""
    named, meant = frozenset(_people(draft, old.text, known)), frozenset(people)
    if not meant or not named or named == meant:
        return True
    stands = not draft.pack.anaphors.isdisjoint(_WORD.findall(fold(old.text)))
    return stands and named < meant


def _known(draft: Draft, text: str) -> frozenset[str]:
    """The names in all that was said: words with a capital that do not begin a sentence."""
    texts = [text, *(entry.text for entry in draft.standing())]
    return frozenset(
        _name(said[start:end])
        for said in texts
        for start, end in draft.wording(said).names
        if said[:start].strip()
    )


def _people(draft: Draft, text: str, known: frozenset[str]) -> list[str]:
    named = (_name(text[start:end]) for start, end in draft.wording(text).names)
    return [name for name in named if name in known]


def _source(draft: Draft, text: str, known: frozenset[str]) -> str:
    """Whom something comes from: the one after "by" or "from", else the one named first."""
    first = ""
    for start, end in draft.wording(text).names:
        name = _name(text[start:end])
        if name not in known:
            continue
        if (_WORD.findall(fold(text[:start])) or [""])[-1] in draft.pack.sources:
            return name
        first = first or name
    return first


def _name(word: str) -> str:
    return fold(word).removesuffix("'s").rstrip("'")
