"""What a description states of a table, and whether it says more than the table holds.

A reply commits to its sentences of prose. What is left out: questions and requests, announcements
("Here it is:"), refusals, rows and lists of cells, and sentences that are copied from the request.
A cell is covered where one of the first two sentences that state any cell states it. Something is
invented where a number, or a word with a capital, is neither in the request nor in the table.

Not known: whether a number is said of the right thing, but for a noun of another column right
after it ("41 goals" for 41 points) and for two rows told crosswise; whether small words for numbers
("one", "two", "first", "second") are meant as such, so that they are never an invention; names
written small; and names at the start of a sentence, unless they have a possessive or a second
word with a capital, or the reply lacks a name that it should hold. Figures worked out from the
table ("12 more than") and rounded ones count as invented.

This module knows nothing of how tables are made, or of scores by reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from uptake.domains.data2text.values import Value, numbers, plain, words

__all__ = ["Cell", "committed", "covered", "invented", "sentences", "without_talk"]

_READ, _GRAM, _COPIED = 2, 4, 0.75
_SPLIT = re.compile(r"(?<=[.!?])[\"'”’*_)]*\s+|\n+")
_MARKS = re.compile(r"^\s*(?:[-*•>#]+\s+|\d+[.)]\s+)|[*_`\"“”]")
_PAIR = re.compile(r"\w[\w ()²%]*(?::|=| \u2013| -)\s+\S")
_ASKS = re.compile(
    r"\?\W*$|^\W*(?:please\b|(?:could|can|would|will) you\b|let me know\b|feel free\b"
    r"|(?:tell|give|send) me\b|if you\b|(?:i|we) (?:still |also )?(?:need|require)\b)",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b(?:i|we)(?: am|'m|’m| do| can| could)?(?: not|n't|n’t|not)\b.*"
    r"\b(?:know|sure|able|describe|write|tell|have|see)\b"
    r"|\b(?:i|we) (?:cannot|can't|can’t|don't|don’t|do not)\b|^\W*(?:sorry|i'm sorry|i’m sorry)\b"
    r"|\bunable to\b",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"^\W*(?:no|yes|sorry|thanks|thank you|actually|understood|noted|sure|ok|okay|right)\b"
    r"|\b(?:i|i've|i’ve|you|you're|you’re|your|my)\b|\b(?:not|instead of|rather than)\b"
    r"|\bthe table (?:says|has|holds|shows|gives)\b",
    re.IGNORECASE,
)
_SMALL = {Fraction(1), Fraction(2)}
_OPENERS = frozenset(
    """a about across after all along also although among an and another as at based because before
    both but by compared despite each during finally first for from here here's his her however i
    if in it its last meanwhile most next no not of on one once only our out over overall second
    since so some sure that the their then there these they this those though three through to
    together two under until up we what when where which while who with within yes you""".split()
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A highlighted cell: its text, its row, and the noun that follows its number ("" for none)."""

    text: str
    row: int
    unit: str = ""

    @property
    def value(self) -> Value | None:
        """Its number; None for a name."""
        found = numbers(self.text) if any(char.isdigit() for char in self.text) else []
        return found[0].value if found else None


def sentences(text: str) -> list[str]:
    """The sentences of a text, one a line or after a full stop; without marks of emphasis."""
    parts = (_MARKS.sub("", part).strip() for part in _SPLIT.split(text))
    return [part for part in parts if part]


def committed(reply: str, request: str, plain_words: Iterable[str]) -> str | None:
    """The prose of a reply that is its own; None where there is none.

    `request` is everything that the user may say, `plain_words` the table's: a sentence needs two
    words besides, for cells set side by side are a list.
    """
    known = set(plain_words)
    told = words(request)
    joined = f" {' '.join(told)} "
    grams = {tuple(told[i : i + _GRAM]) for i in range(len(told) - _GRAM + 1)}
    kept = [
        said
        for said in sentences(reply)
        if _prose(said, known) and not _copied(words(said), joined, grams)
    ]
    return " ".join(kept) or None


def _prose(said: str, known: set[str]) -> bool:
    if _ASKS.search(said) or _REFUSES.search(said) or said.endswith(":"):
        return False
    if "|" in said or "\t" in said or len(_PAIR.findall(said)) > 1:
        return False
    return len([w for w in words(said) if w not in known and not w[0].isdigit()]) > 1


def _copied(said: list[str], told: str, grams: set[tuple[str, ...]]) -> bool:
    """Whether a sentence is the user's: all of it if short, else most of its runs of four words."""
    if f" {' '.join(said)} " in told:
        return True
    runs = [tuple(said[i : i + _GRAM]) for i in range(len(said) - _GRAM + 1)]
    return bool(runs) and sum(run in grams for run in runs) >= _COPIED * len(runs)


def without_talk(text: str) -> str:
    """A committed text less what is said to the user and denied; all of it where that is all."""
    kept = [said for said in sentences(text) if not _TALK.search(said)]
    return " ".join(kept) or text


def covered(text: str, cells: Sequence[Cell]) -> list[bool]:
    """Which cells a committed text states, each with whether it does."""
    stating = [said for said in sentences(text) if any(_states(said, cell) for cell in cells)]
    read = " ".join(stating[:_READ])
    units = {cell.unit for cell in cells if cell.unit}
    stated = [_states(read, cell) and not _of_another(read, cell, units) for cell in cells]
    crossed = _crossed(read, cells)
    return [good and i not in crossed for i, good in enumerate(stated)]


def _states(text: str, cell: Cell) -> bool:
    if cell.value is not None:
        return any(found.value == cell.value for found in numbers(text))
    return f" {' '.join(words(cell.text))} " in f" {' '.join(words(text))} "


def _of_another(text: str, cell: Cell, units: set[str]) -> bool:
    """Whether each mention of the cell's number is followed by the noun of another column."""
    if cell.value is None:
        return False
    after = [
        (words(text[found.end : found.end + 30]) or [""])[0]
        for found in numbers(text)
        if found.value == cell.value
    ]
    return all(word in units and word != cell.unit for word in after)


def _crossed(text: str, cells: Sequence[Cell]) -> set[int]:
    """The numbers of two rows that stand in the other order than the names of the rows."""
    order: dict[int, int] = {}
    places: dict[tuple[int, int], int] = {}  # by row and place in it
    index: dict[tuple[int, int], int] = {}
    seats: dict[int, int] = {}
    for i, cell in enumerate(cells):
        seat = seats[cell.row] = seats.get(cell.row, -1) + 1
        at = _place(text, cell)
        if at is None:
            continue
        if seat == 0:
            order[cell.row] = at
        places[cell.row, seat] = at
        index[cell.row, seat] = i
    if len(order) != 2:
        return set()
    (one, first), (two, second) = order.items()
    return {
        index[row, seat]
        for row, seat in places
        if seat
        and (one, seat) in places
        and (two, seat) in places
        and (places[one, seat] < places[two, seat]) != (first < second)
    }


def _place(text: str, cell: Cell) -> int | None:
    """Where the text states a cell, if it does so once."""
    if cell.value is not None:
        found = [number.start for number in numbers(text) if number.value == cell.value]
    else:
        found = [match.start() for match in re.finditer(re.escape(plain(cell.text)), plain(text))]
    return found[0] if len(found) == 1 else None


def invented(text: str, request: str, cells: Sequence[Cell]) -> list[str]:
    """The numbers and names of a committed text that neither request nor table holds."""
    held = {found.value for found in numbers(request)}
    made = [
        text[found.start : found.end]
        for found in numbers(text)
        if found.value not in held and not (found.spelt and found.value[1] in _SMALL)
    ]
    known = set(words(request))
    lacking = any(cell.value is None and not _states(text, cell) for cell in cells)
    for said in sentences(text):
        made += _names(said, known, lacking=lacking)
    return made


def _names(said: str, known: set[str], *, lacking: bool) -> list[str]:
    """The words with a capital that are not known; the first word only where it must be a name."""
    found = re.findall(r"[^\W\d_][\w'’]*", said)
    strange = [w[0].isupper() and not set(words(w)) <= known and not _self(w) for w in found]
    names = [word for word, odd in zip(found[1:], strange[1:], strict=True) if odd]
    if found and strange[0] and _first_is_name(found, strange, lacking=lacking):
        names.insert(0, found[0])
    return names


def _self(word: str) -> bool:
    """Whether it is the pronoun "I", which has a capital anywhere."""
    return word == "I" or word.startswith(("I'", "I’"))


def _first_is_name(found: list[str], strange: list[bool], *, lacking: bool) -> bool:
    first = found[0].lower()
    if first in _OPENERS or first.endswith(("ing", "ed", "ly")):
        return False
    return lacking or first.endswith(("'s", "’s")) or (len(found) > 1 and strange[1])
