"""What a turn takes for granted against what was said before.

A clause that is taken for granted ("Since Ann has 9 apples, …") is held against the facts: where
one says the same of another value, and none says it of this one, the clause is false.

This module knows nothing of what the world is like, only of what the user said.
"""

from __future__ import annotations

from collections.abc import Iterable

from uptake.analyst.language import Language
from uptake.analyst.wording import Wording, fold, wording
from uptake.ground import Entry

__all__ = ["presumed_false"]

SAME = 0.6  # of a clause's words that a fact must have to speak of the same


def presumed_false(
    text: str, facts: Iterable[tuple[Entry, str]], language: Language
) -> tuple[int, int, Entry] | None:
    """The first clause of `text` that is taken for granted and false: its place, and the fact.

    `facts` are entries, each with its words as they hold now.
    """
    pack = language.pack
    read = fold(text)
    known = [(fact, wording(words, language)) for fact, words in facts]
    at = 0
    while found := pack["presuppose.before"].within(read, at):
        start, last = found.span("claim")
        ends = pack["presuppose.ends"].within(read, start)
        end = min(last, ends.start()) if ends else last
        against = _against(wording(text[start:end], language), known)
        if against is not None:
            return start, end, against
        at = max(end, start + 1)
    return None


def _against(claim: Wording, known: list[tuple[Entry, Wording]]) -> Entry | None:
    if not claim.about or not claim.values:
        return None
    near = [
        (fact, said)
        for fact, said in known
        if len(claim.about & said.about) >= SAME * len(claim.about)
    ]
    if any(_holds(claim, said) for _, said in near):
        return None
    wrong = [(len(claim.about & said.about), fact) for fact, said in near if _differs(claim, said)]
    return max(wrong, key=lambda each: (each[0], each[1].id))[1] if wrong else None


def _holds(claim: Wording, said: Wording) -> bool:
    return set(claim.amounts) <= set(said.amounts) and set(claim.labels) <= set(said.labels)


def _differs(claim: Wording, said: Wording) -> bool:
    """Whether the same is counted otherwise, or a day, a colour, a time is another one."""
    if claim.counted & said.counted:
        return not set(claim.amounts) <= set(said.amounts)
    kinds = {value.kind for value in claim.values if value.kind not in ("number", "ordinal")}
    theirs = {value.kind for value in said.values}
    whole = claim.about <= said.about
    return whole and bool(kinds & theirs) and not set(claim.labels) <= set(said.labels)
