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

__all__ = ["LONGEST", "Value", "Wording", "fold", "past_marks", "reader", "wording"]

LONGEST = 2000  # characters; what is longer is no sentence that another could correct

_TOKEN = re.compile(
    r"\d{1,2}:\d\d(?!\d)|\d+(?:st|nd|rd|th)\b|\d+(?:[.,]\d+)*|\.\d+|[^\W\d_]+(?:'[^\W\d_]+)*|\w+|[^\w\s]"
)
_MARKS = re.compile(r"[\s,.:;!?*()–—-]*")
_FOLD = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})


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
    pack = language.pack
    know = lru_cache(maxsize=16384)(partial(_word, pack=pack))
    return lru_cache(maxsize=16384)(partial(_wording, pack=pack, know=know))


class _Tokens(NamedTuple):
    """The words, numbers and marks of a sentence, in lower case, and where each stands."""

    words: Sequence[str]
    spans: Sequence[tuple[int, int]]


class _Word(NamedTuple):
    """A word wherever it stands: its stem, "" where it is none that two sentences are compared by.

    `same` is the stem of what it is compared as, `tells` whether a sentence is about it, `begins`
    whether a value can begin with it.
    """

    root: str
    same: str
    tells: bool
    begins: bool
    indefinite: bool
    additive: bool
    negates: bool


def _word(word: str, pack: Pack) -> _Word:
    sign = word in "$€£%"
    compared = word not in pack.glue and (word[0].isalnum() or sign)
    root = _stem(word, pack) if compared else ""
    return _Word(
        root,
        pack.same.get(word, root) if compared else "",
        compared and word not in pack.stop and not sign,
        word in pack.valued or word[0] == "." or word[0].isdigit(),
        word in pack.indefinite,
        word in pack.additive,
        word in pack.negations,
    )


def _wording(text: str, pack: Pack, know: Callable[[str], _Word]) -> Wording:
    if len(text) > LONGEST:
        return _NOTHING
    read = fold(text)
    spans = [found.span() for found in _TOKEN.finditer(read)]
    words = [read[start:end] for start, end in spans]
    known = [*map(know, words)]
    values, taken = _values(_Tokens(words, spans), known, pack)
    frame: list[str] = []
    starts: list[int] = []
    about: set[str] = set()
    counted: set[str] = set()
    names: list[tuple[int, int]] = []
    indefinite, additive, negated = 0, False, False
    amount: str | None = None
    for place, word in enumerate(known):
        additive = additive or word.additive
        negated = negated or word.negates
        if place in taken:
            value = taken[place]
            amount = value.key if value.kind == "number" else amount
            continue
        indefinite += word.indefinite
        if not word.root:
            continue
        start, end = spans[place]
        frame.append(word.same)
        starts.append(start)
        if not word.tells:
            continue
        about.add(word.root)
        if amount is not None and not word.additive:
            counted.add(word.root)
            amount = None
        if text[start].isupper():
            names.append((start, end))
    return Wording(
        tuple(frame),
        tuple(starts),
        frozenset(about),
        frozenset(counted),
        tuple(values),
        tuple(names),
        indefinite,
        additive,
        negated,
    )


def _stem(word: str, pack: Pack) -> str:
    """A word without the ending that its other forms have."""
    for ending, put, least in pack.endings:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: len(word) - len(ending)] + put
    return word


def _values(
    tokens: _Tokens, known: Sequence[_Word], pack: Pack
) -> tuple[list[Value], dict[int, Value]]:
    """The values in order, and by the places of their tokens."""
    found: list[Value] = []
    taken: dict[int, Value] = {}
    place = 0
    for at, word in enumerate(known):
        if at < place or not word.begins:
            continue
        value, after = _value(tokens, at, pack)
        if value is not None:
            found.append(value)
            for each in range(at, after):
                taken[each] = value
        place = max(after, at + 1)
    return found, taken


def _value(tokens: _Tokens, place: int, pack: Pack) -> tuple[Value | None, int]:
    word = tokens.words[place]
    before = tokens.words[place - 1] if place else ""
    after = tokens.words[place + 1] if place + 1 < len(tokens.words) else ""
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


def _figure(tokens: _Tokens, place: int, pack: Pack) -> tuple[Value | None, int]:
    """A number in digits, with what belongs to it: a fraction's other half, "million", "pm"."""
    word = tokens.words[place]
    after = place + 1
    if word[-1].isalpha():
        return _made(tokens, place, after, "ordinal", word)
    following = tokens.words[after] if after < len(tokens.words) else ""
    if ":" in word or following in pack.dayhalf:
        clock = following in pack.dayhalf
        return _made(tokens, place, after + clock, "time", word + (following if clock else ""))
    if following == "/" and after + 1 < len(tokens.words) and tokens.words[after + 1].isdigit():
        return _made(tokens, place, after + 2, "number", f"{word}/{tokens.words[after + 1]}")
    try:
        number = float(word.replace(",", ""))
    except ValueError:  # "1.2.3", a version
        return _made(tokens, place, after, "number", word)
    scaled = following in pack.scales
    number *= pack.scales[following] if scaled else 1
    return _made(tokens, place, after + scaled, "number", _written(number))


def _named(tokens: _Tokens, place: int, pack: Pack) -> tuple[Value | None, int]:
    """A number in words: "twenty-five", "two hundred and six"."""
    total, current = 0.0, pack.numbers[tokens.words[place]]
    after = place + 1
    while after < len(tokens.words):
        word = tokens.words[after]
        step = after
        if word in pack.joins_numbers and after + 1 < len(tokens.words):
            step, word = after + 1, tokens.words[after + 1]
        if word in pack.scales and step == after:
            current *= pack.scales[word]
            if pack.scales[word] >= 1000:
                total, current = total + current, 0.0
        elif word in pack.numbers and _adds(current, pack.numbers[word], step > after):
            current += pack.numbers[word]
        elif word in pack.ordinals and step == after + 1 and tokens.words[after] == "-":
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


def _made(tokens: _Tokens, place: int, after: int, kind: str, key: str) -> tuple[Value, int]:
    return Value(tokens.spans[place][0], tokens.spans[after - 1][1], kind, key), after


def _written(number: float) -> str:
    return f"{number:.10g}"
