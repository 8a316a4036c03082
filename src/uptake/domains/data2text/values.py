"""The numbers and the words of a text, in a form that their ways of writing share.

A number is `("number", value)` or, for times, `("time", seconds)`: "12,034", "12 034" with a narrow
space and "12034" are one; so are "3", "three" and "3rd"; "2:05:09" and "2 hours 5 minutes and 9
seconds"; "1.5 million" and "1,500,000". Words lose case, accents and a possessive ending.

This module knows nothing of tables; number words go up to twenty, and nothing is rounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Found", "Value", "numbers", "plain", "words"]

Value = tuple[str, Fraction]

_CARDINALS = """zero one two three four five six seven eight nine ten eleven twelve thirteen
fourteen fifteen sixteen seventeen eighteen nineteen twenty""".split()
_ORDINALS = """zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh
twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
twentieth""".split()
_WORDS = {word: i for words in (_CARDINALS, _ORDINALS) for i, word in enumerate(words)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}

_SPELT = re.compile(
    r"(?:(?P<h>\d+) ?(?:hours?|hrs?|h)\b,? (?:and )?)?(?P<m>\d+) ?(?:minutes?|mins?)\b"
    r"(?:,? (?:and )?(?P<s>\d+) ?(?:seconds?|secs?)\b)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?<![\w.:])\d+(?::\d\d){1,2}(?![\d:])")
_DIGITS = re.compile(
    r"(?<![\w.])(?P<whole>\d{1,3}(?:[,\u202f\u00a0\u2009]\d{3})+(?!\d)|\d+)(?P<part>\.\d+)?"
    r"(?:[ \u00a0-]?(?P<scale>thousand|million|billion)\b)?",
    re.IGNORECASE,
)
_WORD = re.compile(rf"\b(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b", re.IGNORECASE)
# What follows a word of tens or a scale is more than a word up to twenty ("nine hundred").
_BIGGER = re.compile(r"[ -](?:hundred|thousand|million|billion)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A number of a text: where it stands, its value, and whether it is spelt as a word."""

    start: int
    end: int
    value: Value
    spelt: bool


def numbers(text: str) -> list[Found]:
    """Every number of a text, in order."""
    return sorted(_all(text), key=lambda found: found.start)


def _all(text: str) -> Iterator[Found]:
    for pattern in (_SPELT, _CLOCK):
        for match in pattern.finditer(text):
            yield Found(match.start(), match.end(), ("time", _seconds(match)), False)
        # What was read stays out of what is read next, and every place stays where it is.
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    for match in _DIGITS.finditer(text):
        whole = re.sub(r"\D", "", match["whole"])
        scale = _SCALES.get((match["scale"] or "").lower(), 1)
        value = Fraction(whole + (match["part"] or "")) * scale
        yield Found(match.start(), match.end(), ("number", value), False)
    for match in _WORD.finditer(text):
        if not _BIGGER.match(text, match.end()):
            value = Fraction(_WORDS[match[0].lower()])
            yield Found(match.start(), match.end(), ("number", value), True)


def _seconds(match: re.Match[str]) -> Fraction:
    named = match.groupdict()
    parts = [named["h"], named["m"], named["s"]] if named else match[0].split(":")
    total = 0
    for part in parts:
        total = 60 * total + int(part or 0)
    return Fraction(total)


def plain(text: str) -> str:
    """Small letters without accents, one kind of apostrophe."""
    text = text.replace("’", "'").casefold()
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The words and numbers of a text in order, plain and without possessive endings."""
    found = re.findall(r"\w+(?:'\w+)*'?", plain(text))
    return [re.sub(r"('s|')$", "", word) for word in found]
