"""What a sentence is about, and which values it gives: numbers, days, colours, times.

Two sentences that say the same of different values have one `frame`; what they share is counted
in stems (`about`), and what both count ("7 apples", `counted`) is a stronger tie.

This module knows nothing of turns, of ledgers, or of what a sentence does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import NamedTuple

from uptake.analyst.language import Language, Pack

__all__ = ["LONGEST", "Token", "Value", "Wording", "fold", "past_marks", "reader", "wording"]

LONGEST = 2000  # characters; what is longer is no sentence that another could correct

_TOKEN = re.compile(
    r"\d{1,2}:\d\d(?!\d)|\d+(?:st|nd|rd|th)\b|\d+(?:[.,]\d+)*|\.\d+|[^\W\d_]+(?:'[^\W\d_]+)*|\w+|[^\w\s]"
)
_MARKS = re.compile(r"[\s,.:;!?*()–—-]*")
_FOLD = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})


class Token(NamedTuple):
    """A word, a number or a mark, in lower case, and where it stands."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Value:
    """What could be otherwise: "7", "twenty-five", "Tuesday", "8:00 pm".

    `kind` is "number", "ordinal", "time" or the name of a set of the language's; `key` is the same
    for the same value however it is written. Only numbers are amounts: the others also tell things
    apart.
    """

    start: int
    end: int
    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Wording:
    """One sentence. `names` are its capitalised words, as (start, end).

    `starts` are where the words of its frame begin. `keys` is what another sentence may share with
    it: its stems, what it counts, its values.
    """

    frame: tuple[str, ...]
    starts: tuple[int, ...]
    about: frozenset[str]
    counted: frozenset[str]
    values: tuple[Value, ...]
    names: tuple[tuple[int, int], ...]
    indefinite: int
    additive: bool
    negated: bool
    keys: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        counted = {f"#{word}" for word in self.counted}
        values = {f"={value.kind}{value.key}" for value in self.values}
        object.__setattr__(self, "keys", self.about | counted | values)

    @property
    def amounts(self) -> tuple[str, ...]:
        """The keys of its numbers, in order."""
        return tuple(value.key for value in self.values if value.kind == "number")

    @property
    def labels(self) -> tuple[str, ...]:
        """The keys of its other values, in order."""
        return tuple(value.key for value in self.values if value.kind != "number")


_NOTHING = Wording((), (), frozenset(), frozenset(), (), (), 0, False, False)


def past_marks(read: str, at: int = 0) -> int:
    """Where the next word begins, from `at` on."""
    found = _MARKS.match(read, at)
    return found.end() if found else at


def fold(text: str) -> str:
    """Lower case, plain apostrophes, and exactly as long as `text`."""
    return _folded(text) if len(text) <= LONGEST else _fold(text)


def _fold(text: str) -> str:
    low = text.lower()
    if len(low) != len(text):  # "İ" in lower case is two characters
        low = "".join(each if len(each) == 1 else mark for mark in text for each in [mark.lower()])
    return low.translate(_FOLD)


_folded = lru_cache(maxsize=16384)(_fold)  # the same turns are read again with each new one


def wording(text: str, language: Language) -> Wording:
    """The wording of one sentence; that of a very long one is empty."""
    return reader(language)(text)


@cache
def reader(language: Language) -> Callable[[str], Wording]:
    """`wording` in one language; what it has read it remembers."""
    return lru_cache(maxsize=16384)(partial(_wording, language=language))


def _wording(text: str, language: Language) -> Wording:
    if len(text) > LONGEST:
        return _NOTHING
    pack = language.pack
    tokens = [Token(m[0], m.start(), m.end()) for m in _TOKEN.finditer(fold(text))]
    values, taken = _values(tokens, pack)
    frame: list[str] = []
    starts: list[int] = []
    about: set[str] = set()
    counted: set[str] = set()
    names: list[tuple[int, int]] = []
    indefinite = 0
    amount: str | None = None
    for place, token in enumerate(tokens):
        if place in taken:
            value = taken[place]
            amount = value.key if value.kind == "number" else amount
            continue
        word = token.word
        indefinite += word in pack.indefinite
        if word in pack.glue or not (word[0].isalnum() or word in "$€£%"):
            continue
        root = _stem(word, language)
        frame.append(pack.same.get(word, root))
        starts.append(token.start)
        if word in pack.stop or word in "$€£%":
            continue
        about.add(root)
        if amount is not None and word not in pack.additive:
            counted.add(root)
            amount = None
        if text[token.start].isupper():
            names.append((token.start, token.end))
    words = {token.word for token in tokens}
    return Wording(
        tuple(frame),
        tuple(starts),
        frozenset(about),
        frozenset(counted),
        tuple(values),
        tuple(names),
        indefinite,
        not words.isdisjoint(pack.additive),
        not words.isdisjoint(pack.negations),
    )


@lru_cache(maxsize=16384)
def _stem(word: str, language: Language) -> str:
    """A word without the ending that its other forms have."""
    for ending, put, least in language.pack.endings:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: len(word) - len(ending)] + put
    return word


def _values(tokens: Sequence[Token], pack: Pack) -> tuple[list[Value], dict[int, Value]]:
    """The values in order, and by the places of their tokens."""
    found: list[Value] = []
    taken: dict[int, Value] = {}
    place = 0
    for at, token in enumerate(tokens):
        if at < place or not _may_be_value(token.word, pack):
            continue
        value, after = _value(tokens, at, pack)
        if value is not None:
            found.append(value)
            for each in range(at, after):
                taken[each] = value
        place = max(after, at + 1)
    return found, taken


def _may_be_value(word: str, pack: Pack) -> bool:
    """Whether a word can begin a value: few do, and all are asked."""
    return word in pack.valued or word[0] == "." or word[0].isdigit()


def _value(tokens: Sequence[Token], place: int, pack: Pack) -> tuple[Value | None, int]:
    word = tokens[place].word
    before = tokens[place - 1].word if place else ""
    after = tokens[place + 1].word if place + 1 < len(tokens) else ""
    if word[0].isdigit() or (word[0] == "." and len(word) > 1):
        return _figure(tokens, place, pack)
    if word in pack.numbers and not (word in pack.one and _pronoun(before, after, pack)):
        return _named(tokens, place, pack)
    if word in pack.scales:
        return _made(tokens, place, place + 1, "number", _written(pack.scales[word]))
    if word in pack.ordinals:
        part = before in pack.indefinite or before in pack.one or after == "of"
        kind, key = ("number", f"1/{pack.ordinals[word]}") if part else ("ordinal", f"{word}")
        return _made(tokens, place, place + 1, kind, key)
    if word in pack.sets:
        return _made(tokens, place, place + 1, pack.sets[word], word)
    return None, place + 1


def _pronoun(before: str, after: str, pack: Pack) -> bool:
    return before in pack.one_after or before in pack.ordinals or before in pack.sets or not after


def _figure(tokens: Sequence[Token], place: int, pack: Pack) -> tuple[Value | None, int]:
    """A number in digits, with what belongs to it: a fraction's other half, "million", "pm"."""
    word = tokens[place].word
    after = place + 1
    if word[-1].isalpha():
        return _made(tokens, place, after, "ordinal", word)
    following = tokens[after].word if after < len(tokens) else ""
    if ":" in word or following in pack.dayhalf:
        clock = following in pack.dayhalf
        return _made(tokens, place, after + clock, "time", word + (following if clock else ""))
    if following == "/" and after + 1 < len(tokens) and tokens[after + 1].word.isdigit():
        return _made(tokens, place, after + 2, "number", f"{word}/{tokens[after + 1].word}")
    try:
        number = float(word.replace(",", ""))
    except ValueError:  # "1.2.3", a version
        return _made(tokens, place, after, "number", word)
    scaled = following in pack.scales
    number *= pack.scales[following] if scaled else 1
    return _made(tokens, place, after + scaled, "number", _written(number))


def _named(tokens: Sequence[Token], place: int, pack: Pack) -> tuple[Value | None, int]:
    """A number in words: "twenty-five", "two hundred and six"."""
    total, current = 0.0, pack.numbers[tokens[place].word]
    after = place + 1
    while after < len(tokens):
        word = tokens[after].word
        step = after
        if word in pack.joins_numbers and after + 1 < len(tokens):
            step, word = after + 1, tokens[after + 1].word
        if word in pack.scales and step == after:
            current *= pack.scales[word]
            if pack.scales[word] >= 1000:
                total, current = total + current, 0.0
        elif word in pack.numbers and _adds(current, pack.numbers[word], step > after):
            current += pack.numbers[word]
        elif word in pack.ordinals and step == after + 1 and tokens[after].word == "-":
            return _made(tokens, place, step + 1, "number", f"{current:g}/{pack.ordinals[word]}")
        else:
            break
        after = step + 1
    return _made(tokens, place, after, "number", _written(total + current))


def _adds(current: float, more: float, joined: bool) -> bool:
    """Whether a number word goes on from what was read: "twenty five", not "two six"."""
    hundreds = current >= 100 and current % 100 == 0 and 0 < more < 100
    tens = 20 <= current % 100 < 100 and current % 10 == 0 and 0 < more < 10
    return hundreds or (tens and more >= 1) or (joined and current >= 100 and more < 1)


def _made(
    tokens: Sequence[Token], place: int, after: int, kind: str, key: str
) -> tuple[Value, int]:
    return Value(tokens[place].start, tokens[after - 1].end, kind, key), after


def _written(number: float) -> str:
    return f"{number:.10g}"
