"""Many patterns, of which few match a text: one look says which of them may.

The patterns of a `Sieve` are laid together in one automaton (RE2, which reads a text once however
many there are), without what it has no word for: lookarounds, and long bounds on repeats. So each
lets through at least what it matches, and only those that let a text through are tried as they are.
What is found is what the patterns alone would find.

This module knows nothing of what is looked for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any

__all__ = ["Sieve", "Sign"]

_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")
_BOUND = re.compile(r"\{0,\d{2,}\}")  # a long bounded repeat would make the automaton large
_MEMORY = 64 << 20  # bytes that the automaton may take
_KEPT = 512  # texts of which it is remembered which patterns may match
# Marks beyond ASCII; no pattern has one of them in a class of what may not stand there.
_MARKS = str.maketrans("’‘“”–—…•·×", "''" + 8 * "~")
_ALL = -1  # every bit


class Sieve:
    """Patterns that are tried together: `sign` adds one."""

    def __init__(self) -> None:
        """No pattern yet."""
        self._patterns: list[str] = []
        self._automaton: Any = None
        self.may = lru_cache(_KEPT)(self._may)

    def sign(self, pattern: str) -> Sign:
        """A pattern of this sieve. Raises re.error for one that is none."""
        self._patterns.append(pattern)
        return Sign(self, 1 << (len(self._patterns) - 1), re.compile(pattern))

    def _may(self, text: str) -> int:
        """A bit for each pattern that may match a text: all, where that is not known."""
        if not text.isascii():
            text = text.translate(_MARKS)
        # Of other letters the automaton has another notion of what a word is.
        if not (text.isascii() and text.isprintable()):
            return _ALL
        if self._automaton is None:
            self._automaton = _automaton(self._patterns)
        bits = 0
        for number in self._automaton.Match(text) or ():
            bits |= 1 << number
        return bits


class Sign:
    """A pattern of a `Sieve`, used as one of `re` is."""

    __slots__ = ("_bit", "_may", "pattern")

    def __init__(self, sieve: Sieve, bit: int, pattern: re.Pattern[str]) -> None:
        """The pattern that has this bit in a sieve."""
        self._may, self._bit, self.pattern = sieve.may, bit, pattern

    def search(self, text: str) -> re.Match[str] | None:
        """Its first match."""
        return self.pattern.search(text) if self._may(text) & self._bit else None

    def match(self, text: str) -> re.Match[str] | None:
        """Its match at the beginning."""
        return self.pattern.match(text) if self._may(text) & self._bit else None

    def sub(self, put: str, text: str, count: int = 0) -> str:
        """The text with its matches replaced."""
        return self.pattern.sub(put, text, count) if self._may(text) & self._bit else text


def _automaton(patterns: list[str]) -> Any:
    re2: Any = import_module("re2")  # it has no types
    options = re2.Options()
    options.max_mem = _MEMORY
    made = re2.Set.SearchSet(options)
    for pattern in patterns:
        made.Add(_loose(pattern))
    made.Compile()
    return made


def _loose(pattern: str) -> str:
    """A pattern that matches wherever this one does, without lookarounds and long bounds."""
    kept: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith(_LOOKS, at):
            at = _closed(pattern, at)
        else:
            size = 2 if pattern[at] == "\\" else 1
            kept.append(pattern[at : at + size])
            at += size
    return _BOUND.sub("*", "".join(kept)).translate(_MARKS)


def _closed(pattern: str, at: int) -> int:
    """Where the group that opens at a place ends."""
    depth = 0
    inside = False  # a class of characters, whose brackets are no groups
    while at < len(pattern):
        each = pattern[at]
        if each == "\\":
            at += 1
        elif each in "[]":
            inside = each == "["
        elif not inside and each in "()":
            depth += 1 if each == "(" else -1
            if not depth:
                return at + 1
        at += 1
    raise ValueError(f"a group is not closed: {pattern}")
