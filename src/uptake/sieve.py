"""Many patterns, of which few match a text: one look says which of them may.

The patterns of a `Sieve` are laid together in one automaton (RE2, which reads a text once however
many there are), without what it has no word for: lookarounds, and long bounds on repeats. Beyond
ASCII it has another notion of what a word is, so one letter stands for all others, in patterns and
texts alike. So each lets through at least what it matches, and only those that let a text through
are tried as they are. What is found is what the patterns alone would find.

This module knows nothing of what is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["Sieve", "Sign"]

_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")
_BOUND = re.compile(r"\{\d+,\d{2,}\}")  # a long bounded repeat would make the automaton large
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_MEMORY = 64 << 20  # bytes that the automaton may take
_KEPT = 512  # texts of which it is remembered which patterns may match
_ALL = -1  # every bit


class _Ascii(dict[int, str]):
    """What stands for a character beyond ASCII, by its code; ASCII stands for itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if code < 128:
            put = char
        elif char.isdecimal():
            put = "0"
        elif char.isalnum():
            put = "x"
        else:
            put = " " if char.isspace() else "~"
        self[code] = put
        return put


_ASCII = _Ascii()


class Sieve:
    """Patterns that are tried together: `sign` adds one."""

    def __init__(self) -> None:
        """No pattern yet."""
        self._patterns: list[str] = []
        self._automaton: _Automaton | None = None
        self.may = lru_cache(_KEPT)(self._may)

    def sign(self, pattern: str) -> Sign:
        """A pattern of this sieve. Raises re.error for one that is none."""
        self._patterns.append(pattern)
        return Sign(self, 1 << (len(self._patterns) - 1), re.compile(pattern))

    def _may(self, text: str) -> int:
        """A bit for each pattern that may match a text: all, where that is not known."""
        if not text.isascii():
            text = text.translate(_ASCII)
        if not text.isprintable():  # the automaton has its own notion of the end of a line
            return _ALL
        if self._automaton is None:
            self._automaton = _automaton(self._patterns)
        may = self._automaton.always
        matched: list[int] = self._automaton.patterns.Match(text) or []
        for number in matched:
            may |= self._automaton.bits[number]
        return may


class Sign:
    """A pattern of a `Sieve`, used as one of `re` is."""

    __slots__ = ("_bit", "_may", "pattern")

    def __init__(self, sieve: Sieve, bit: int, pattern: re.Pattern[str]) -> None:
        """The pattern that has this bit in a sieve."""
        self._may, self._bit, self.pattern = sieve.may, bit, pattern

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Its first match from `start` on."""
        return self.pattern.search(text, start) if self._may(text) & self._bit else None

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Its match that begins at `start`."""
        return self.pattern.match(text, start) if self._may(text) & self._bit else None

    def fullmatch(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Its match from `start` to the end."""
        return self.pattern.fullmatch(text, start) if self._may(text) & self._bit else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Its matches in order."""
        return self.pattern.finditer(text) if self._may(text) & self._bit else iter(())

    def sub(self, put: str, text: str, count: int = 0) -> str:
        """The text with its matches replaced."""
        return self.pattern.sub(put, text, count) if self._may(text) & self._bit else text


class _Automaton(NamedTuple):
    """Patterns laid together, the bit of each, and the bits of those that RE2 cannot hold."""

    patterns: Any
    bits: list[int]
    always: int


def _automaton(patterns: list[str]) -> _Automaton:
    re2: Any = import_module("re2")  # it has no types
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    made = re2.Set.SearchSet(options)
    held: list[int] = []
    always = 0
    for number, pattern in enumerate(patterns):
        try:
            made.Add(_loose(pattern))
            held.append(1 << number)
        except (re2.error, re.error):  # of a kind that it does not know: tried everywhere
            always |= 1 << number
    made.Compile()
    return _Automaton(made, held, always)


def _loose(pattern: str) -> str:
    """A pattern that matches wherever this one does, without lookarounds and long bounds."""
    kept: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith(_LOOKS, at):
            at = _closed(pattern, at)
        elif found := _CLASS.match(pattern, at):
            kept.append(_of(found[0].translate(_ASCII)))
            at = found.end()
        else:
            size = 2 if pattern[at] == "\\" else 1
            kept.append(pattern[at : at + size])
            at += size
    return _BOUND.sub("*", "".join(kept).translate(_ASCII))


def _of(each: str) -> str:
    """A class of characters; any character, where it keeps out one that stands for others."""
    if not each.startswith("[^"):
        return each
    kept = re.compile(each)
    return each if all(kept.match(stands) for stands in "0x ~") else r"[\x00-\x7f]"


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
