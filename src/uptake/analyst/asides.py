"""Whether words are beside the matter: thanks, small talk, talk about what was said.

What settles nothing has few words in common with other such talk, so no list holds it. A linear
model (logistic regression) weighs what a piece says: its words, pairs of them, pieces of them, and
whether it shares words with what the user told. It was taught by `runs/asides.py` on talk among
people and tasks that people told. Its weights lie beside the language pack (`CODE.asides`),
hashed, so that no text can be read out of them; a language without them has no asides.

This module knows nothing of what follows: `hearing` leaves out only what is surely an aside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from zlib import crc32

from uptake.analyst.language import Language
from uptake.errors import UptakeError

__all__ = ["NEVER", "Weights", "aside", "features", "read_weights", "shared"]

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,:]\d+)*|[^\w\s]")
LONGEST = 300  # characters: nobody's small talk is longer in one piece
NEVER = -99.0


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each place that a feature may be hashed to, in steps of `step`."""

    table: bytes
    step: float
    bias: float

    def of(self, feature: str) -> int:
        """The weight of a feature, in steps."""
        weight = self.table[crc32(feature.encode()) % len(self.table)]
        return weight - 256 if weight > 127 else weight


def aside(read: str, language: Language, told: frozenset[str], about: frozenset[str]) -> float:
    """The log-odds that a piece is beside the matter; `NEVER` where nothing can tell.

    `read` is the piece as patterns read it, `about` its stems, `told` those of what was told.
    """
    weights = _weights(language)
    if weights is None or len(read) > LONGEST:
        return NEVER
    return _of_words(read, language) + _of_shared(shared(about, told), language)


def features(read: str) -> Iterator[str]:
    """What a piece says, as the model sees it: words, pairs of words, and pieces of words."""
    before = "^"
    for found in _TOKEN.finditer(read):
        word = _word(found[0])
        yield from _within(word)
        yield f"{before} {word}"
        before = word
    yield f"{before} $"


def _word(token: str) -> str:
    """A word as the model sees it: all numbers are one."""
    return "0" if token[0].isdigit() else token


def _within(word: str) -> Iterator[str]:
    """The features of one word, whatever stands beside it."""
    yield word
    if len(word) > 3:
        marked = f"<{word}>"
        for at in range(len(marked) - 3):
            yield f"~{marked[at : at + 4]}"


def shared(about: frozenset[str], told: frozenset[str]) -> str:
    """How much a piece shares with what was told, as the model sees it."""
    return f"#{min(len(about & told), 3)}"


@lru_cache(maxsize=8192)
def _of_words(read: str, language: Language) -> float:
    weights = _weights(language)
    if weights is None:
        return NEVER
    total, before = 0, "^"
    for token in _TOKEN.findall(read):
        word = _word(token)
        total += _of_word(word, language) + weights.of(f"{before} {word}")
        before = word
    return weights.bias + weights.step * (total + weights.of(f"{before} $"))


@cache
def _of_shared(feature: str, language: Language) -> float:
    weights = _weights(language)
    return weights.step * weights.of(feature) if weights is not None else 0.0


@lru_cache(maxsize=16384)
def _of_word(word: str, language: Language) -> int:
    """The weights of one word's own features together, in steps."""
    weights = _weights(language)
    return sum(map(weights.of, _within(word))) if weights is not None else 0


@cache
def _weights(language: Language) -> Weights | None:
    """The weights beside a pack, None where it has none. Raises UptakeError if they are no such."""
    return read_weights(language.file.with_suffix(".asides"))


def read_weights(path: Path) -> Weights | None:
    """Weights from a file: a line of JSON that says how they were made, then one byte for each."""
    if not path.is_file():
        return None
    head, _, table = path.read_bytes().partition(b"\n")
    try:
        made = json.loads(head)
        weights = Weights(table, float(made["step"]), float(made["bias"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UptakeError(f"weights {path}: {error}: make them anew with runs/asides.py") from error
    if len(table) != made.get("places"):
        raise UptakeError(f"weights {path}: {len(table)} of {made.get('places')} bytes are there")
    return weights
