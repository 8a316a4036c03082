"""A reply's bullets, and what each cites and says in figures.

A summary is its list items; without any, its sentences. A citation is a number of a document in
square brackets ([1], [1, 3], [Doc 2], [1-3], [1][2]), or in round ones with the word ("(doc 3)").
A bare "(3)" may be a figure and is none; "document 3" outside of brackets is neither.

This module knows nothing of insights, and not whether what a bullet says is so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Bullet", "bullets", "cited", "figures", "spelled", "words"]

_MARKER = re.compile(r"^\s*(?:[-*+•–—‣◦]|\(?\d{1,2}[.)])\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?\])])[\"'”’*_]*\s+(?=[\"'“‘*_]*[A-Z0-9])")
_BRACKETS = re.compile(r"\[([^\[\]]{1,200})\]|【([^【】]{1,200})】|\(([^()]{1,200})\)")
_WORD = r"(?:documents?|docs?\.?|sources?|refs?\.?)"
_LABEL = rf"(?:{_WORD}|d|\^|\#|no\.?)"
_ITEM = rf"(?:{_LABEL}\s*\#?\s*)?\d{{1,4}}(?:\s*[-–—]\s*\d{{1,4}})?"
_LIST = re.compile(rf"\s*{_ITEM}(?:\s*(?:,|;|&|and|,\s*and)\s*{_ITEM})*\s*", re.IGNORECASE)
_SPAN = re.compile(r"(\d+)(?:\s*[-–—]\s*(\d+))?")
_WITH_WORD = re.compile(rf"\s*{_WORD}", re.IGNORECASE)
_MENTION = re.compile(
    r"\b(?:documents?|docs?\.?)\s*#?\s*\d{1,4}(?:\s*(?:,|and|&|,\s*and)\s*\d{1,4}\b)*",
    re.IGNORECASE,
)
_LONGEST_SPAN = 50

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NAMED = {word: i for i, word in enumerate(_UNITS)} | {
    word: 10 * i for i, word in enumerate(_TENS, 2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_FIGURE = re.compile(rf"(?P<digits>{_DIGITS.pattern})|(?P<word>[A-Za-z]+)|(?P<end>[^\s\-‐‑])")


@dataclass(frozen=True, slots=True)
class Bullet:
    """One claim of a summary: its text without marker and citations, and the documents cited."""

    text: str
    documents: frozenset[int]

    def __str__(self) -> str:
        cited = ", ".join(str(number) for number in sorted(self.documents))
        return f"{self.text} [{cited}]" if cited else self.text


def bullets(reply: str) -> list[Bullet]:
    """What a reply commits to, in order; none where it only asks, or says it does not know.

    List items count, each with the lines that go on under it, and nothing else in that reply;
    headings (an item that ends in a colon) and questions do not. Where there is no list, the
    sentences count if one of them cites.
    """
    listed = [item for item in _items(reply) if not item.rstrip("*_ ").endswith((":", "?"))]
    if listed:
        found = [_bullet(item) for item in listed]
    else:
        lines = [] if _MARKER.search(reply) else reply.splitlines()
        parts = (part for line in lines for part in _SENTENCE_END.split(line))
        found = [_bullet(part) for part in parts if not part.rstrip("*_ ").endswith("?")]
        if not any(bullet.documents for bullet in found):
            return []
    return [bullet for bullet in found if words(bullet.text)]


def _items(reply: str) -> list[str]:
    """The list items; a line without a marker goes on with the item above, an empty one ends it."""
    found: list[str] = []
    open_item = False
    for line in reply.splitlines():
        marker = _MARKER.match(line)
        if marker:
            found.append(line[marker.end() :])
        elif line.strip() and open_item:
            found[-1] += f" {line.strip()}"
        open_item = bool(line.strip()) and (open_item or marker is not None)
    return found


def _bullet(text: str) -> Bullet:
    documents: set[int] = set()

    def take(match: re.Match[str]) -> str:
        found = _documents(match)
        documents.update(found or ())
        return match[0] if found is None else " "

    plain = _BRACKETS.sub(take, text)
    return Bullet(" ".join(plain.split()), frozenset(documents))


def cited(text: str) -> frozenset[int]:
    """The documents that a text cites in brackets; a span may hold 50 of them at most."""
    return _bullet(text).documents


def _documents(match: re.Match[str]) -> set[int] | None:
    """The documents between a pair of brackets; None where they hold something else."""
    content = match[1] or match[2] or match[3]
    if not _LIST.fullmatch(content) or (match[3] and not _WITH_WORD.match(content)):
        return None
    found: set[int] = set()
    for first, last in _SPAN.findall(content):
        low, high = int(first), int(last or first)
        found.update(range(low, min(high, low + _LONGEST_SPAN - 1) + 1))
    return found


def words(text: str) -> list[str]:
    """The words of a text in small letters; hyphens and apostrophes part them."""
    return re.findall(r"[^\W_]+", text.casefold())


def figures(text: str) -> list[float]:
    """The numbers that a text states, in digits (1,200) or in words (twelve hundred).

    A lone "one" is seldom a figure in English and is left out; documents named outside of brackets
    ("document 3") are left out too.
    """
    found: list[float] = []
    run: list[str] = []
    for match in [*_FIGURE.finditer(_MENTION.sub(" ; ", text)), None]:
        word = (match["word"] or "").lower() if match else ""
        if word in _NAMED or word in _SCALES or (run and word == "and"):
            run.append(word)
            continue
        found += _read(run)
        run = []
        if match and match["digits"]:
            found.append(float(match["digits"].replace(",", "")))
    return found


def _read(run: list[str]) -> list[float]:
    """The numbers of a run of number words: "two hundred and five" is one, "two and five" two."""
    parts: list[list[str]] = [[]]
    for i, word in enumerate(run):
        if word == "and":
            joined = bool(parts[-1]) and parts[-1][-1] in _SCALES and i + 1 < len(run)
            parts += [] if joined else [[]]
        elif word in _NAMED and parts[-1] and not _goes_on(parts[-1][-1], word):
            parts.append([word])
        else:
            parts[-1].append(word)
    return [float(_value(part)) for part in parts if part and part != ["one"]]


def _goes_on(before: str, word: str) -> bool:
    """Whether a number word adds to the one before it: "twenty five", "hundred five"."""
    return before in _SCALES or (before in _TENS and 0 < _NAMED[word] < 10)


def _value(part: list[str]) -> int:
    total = current = 0
    for word in part:
        if word in _NAMED:
            current += _NAMED[word]
        elif word == "hundred":
            current = max(current, 1) * 100
        else:
            total, current = total + max(current, 1) * _SCALES[word], 0
    return total + current


def spelled(number: int) -> str:
    """A number from 0 to 999 in words: "one hundred and twenty-five". Raises ValueError."""
    if not 0 <= number <= 999:
        raise ValueError(f"{number} is not between 0 and 999; write it in digits")
    if number < 20:
        return _UNITS[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_UNITS[rest]}" if rest else "")
    hundreds, rest = divmod(number, 100)
    return f"{_UNITS[hundreds]} hundred" + (f" and {spelled(rest)}" if rest else "")
