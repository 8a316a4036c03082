"""What the annotator sees of each turn of a conversation: hashed words, and where the turn stands.

A turn's words are hashed (CRC-32) to rows of a table, one by one, in pairs, and those it begins and
ends with. Beside them stand a few numbers: who spoke before, what was asked and not yet answered,
how many words are shared with the turns before, and what the rules of `acts` found. How the next
turn takes it up tells, too: a log has it.

This module knows nothing of weights, or of which acts there are to find.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log1p
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from uptake.signs import COMMON

__all__ = ["BUCKETS", "PLACED", "SEEN", "Features", "Floats", "Ints", "Seen", "features"]

BUCKETS = 1 << 15
"""Rows of the table that words are hashed to; row 0 is of no word."""

SEEN = (
    "acknowledge check clarify commit correct_other display follow_up huh offer presume refuse "
    "reject repair_self topic_return"
).split()
"""The acts that rules find, in the order in which they are seen."""

_FIRST, _LAST = 40, 24  # words of a long turn that are read
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[?!]")
_LATELY = 6  # turns whose words a turn may share
_SEEN = {name: place for place, name in enumerate(SEEN)}
_NUMBERS = 18
PLACED = _NUMBERS + 3 * len(SEEN)
"""Numbers that tell where a turn stands."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """One turn: its text, who speaks (any name), and the names of the acts that rules found."""

    text: str
    speaker: str
    acts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Features:
    """The features of some turns.

    `rows` are rows of the table, all turns' one after the other, and `ends` says where each turn's
    end, of shape (turns,). `placed` has shape (turns, PLACED). `beside` are the places of the turn
    before, the one before that, and the next, -1 where there is none, of shape (turns, 3).
    """

    rows: Ints
    ends: Ints
    placed: Floats
    beside: Ints

    def __len__(self) -> int:
        """How many turns."""
        return len(self.ends)


def features(conversations: Sequence[Sequence[Seen]]) -> Features:
    """The features of all turns of some conversations, in order."""
    ids: list[int] = []
    starts: list[int] = []
    numbers: list[tuple[float, ...]] = []
    beside: list[tuple[int, int, int]] = []
    ruled: list[tuple[int, int]] = []
    for turns in conversations:
        memory, last = _Memory(), len(turns) - 1
        for place, turn in enumerate(turns):
            at = len(starts)
            words = _words(turn.text)
            starts.append(len(ids))
            ids += [0, *map(_hash, words), 1]
            numbers.append(memory.place(turn.speaker, words))
            ruled += [(at, _SEEN[name]) for name in turn.acts if name in _SEEN]
            before, earlier = (at - 1 if place else -1), (at - 2 if place > 1 else -1)
            beside.append((before, earlier, at + 1 if place < last else -1))
    rows, ends = _grams(np.array(ids, np.int64), np.array(starts, np.int64))
    near = np.array(beside, np.int64).reshape(-1, 3)
    return Features(rows, ends, _placed(numbers, ruled, near), near)


def _placed(
    numbers: Sequence[tuple[float, ...]], ruled: Sequence[tuple[int, int]], near: Ints
) -> Floats:
    """The numbers of each turn, and what rules found of it, of the one before and before that."""
    acts = np.zeros((len(numbers) + 1, len(SEEN)), np.float32)  # the last is nobody's
    where = np.array(ruled, np.int64).reshape(-1, 2)
    acts[where[:, 0], where[:, 1]] = 1
    shaped = np.array(numbers, np.float32).reshape(-1, _NUMBERS)
    return np.concatenate([shaped, acts[:-1], acts[near[:, 0]], acts[near[:, 1]]], axis=1)


def _words(text: str) -> list[str]:
    """The words of a turn in small letters, those in the middle of a long one left out."""
    if len(text) > 1200:  # cut before it is read: a turn may be a book
        text = f"{text[:600]} {text[-600:]}"
    words = _WORD.findall(text.lower().replace("’", "'"))
    return words if len(words) <= _FIRST + _LAST else words[:_FIRST] + words[-_LAST:]


@lru_cache(maxsize=1 << 16)
def _hash(word: str) -> int:
    """A number for a word, the same everywhere; all numbers are one word."""
    return crc32(b"0" if word[0].isdigit() else word.encode()) | 2


def _grams(ids: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """Rows of words, of pairs of neighbours, and of what each turn begins and ends with.

    `ids` has 0 before each turn's words and 1 after them; `starts` are the places of the zeros.
    """
    if not len(starts):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(ids)))
    last = starts + sizes - 1
    pairs = _mixed(ids[:-1], ids[1:], 3)
    inner = np.ones(len(ids), bool)
    inner[last] = False  # no pair across two turns
    opening = _mixed(pairs[starts], ids[np.minimum(starts + 2, last)], 5)  # its first two words
    per_turn = [ids * 0x9E3779B1 & 0xFFFFFFFF, np.append(pairs, 0)]
    out = np.stack(per_turn, axis=1)  # a word and the pair that it begins
    keep = np.stack([ids > 1, inner], axis=1)
    counts = np.add.reduceat(keep.sum(axis=1), starts) + 1
    ends = np.cumsum(counts)
    rows = np.empty(int(ends[-1]), np.int64)
    mine = np.ones(len(rows), bool)
    mine[ends - 1] = False
    rows[mine] = out[keep]
    rows[ends - 1] = opening
    return 1 + (rows >> 7) % (BUCKETS - 1), ends


def _mixed(a: Ints, b: Ints, salt: int) -> Ints:
    """A number of 32 bits for two, in their order."""
    mixed = (a * 0x85EBCA6B + b * 0xC2B2AE35 + salt * 0x27D4EB2F) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 15)) * 0x2C1B3C6D & 0xFFFFFFFF


class _Memory:
    """What is remembered of a conversation while its turns are placed."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.count = 0
        self.pending = ""  # who asked last and was not answered
        self.before = self.earlier = ""  # who spoke last, and before that
        self.asked = False  # whether the last turn ended by asking
        self.length, self.many = 0.0, 0  # of the last turn: its length, its content words
        self.said: dict[str, dict[str, int]] = {}  # by speaker: when a word was said last

    def place(self, speaker: str, words: Sequence[str]) -> tuple[float, ...]:
        """Where a turn stands; it is remembered."""
        content = frozenset(words) - COMMON
        asks, ends = "?" in words, bool(words) and words[-1] == "?"
        length = log1p(len(words))
        own = (
            length,
            float(asks),
            float(ends),
            float(len(words) <= 2),
            float(not content),
            float(self.pending not in ("", speaker)),
            float(self.pending == speaker),
            log1p(self.count) / 4,
            float(not self.count),
        )
        shared = self._shared(speaker, content)
        self.said.setdefault(speaker, {}).update(dict.fromkeys(content, self.count))
        self.count += 1
        self.before, self.earlier = speaker, self.before
        self.asked, self.length, self.many = ends, length, len(content)
        if asks:
            self.pending = speaker
        elif self.pending != speaker:
            self.pending = ""
        return own + shared

    def _shared(self, speaker: str, content: frozenset[str]) -> tuple[float, ...]:
        """Who spoke before, and what share of the words was said before, lately, and by whom."""
        if not self.count:
            return (0.0,) * 9
        now, since = self.count - 1, self.count - _LATELY
        last = lately = mine = theirs = 0
        for word in content:
            own = others = -1
            for who, said in self.said.items():
                at = said.get(word, -1)
                if who == speaker:
                    own = at
                elif at > others:
                    others = at
            last += now in (own, others)
            mine += own >= since and own >= 0
            theirs += others >= since and others >= 0
            lately += max(own, others) >= since and max(own, others) >= 0
        many = max(len(content), 1)
        return (
            float(self.before == speaker),
            float(self.count > 1 and self.earlier == speaker),
            float(self.asked),
            self.length,
            last / many,
            last / max(self.many, 1),
            lately / many,
            mine / many,
            theirs / many,
        )
