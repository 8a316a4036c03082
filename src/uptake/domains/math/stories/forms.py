"""Patterns with alternatives, expanded, and which of their wordings are held out."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache
from itertools import product

__all__ = ["Forms", "expand", "forms"]


@dataclass(frozen=True, slots=True)
class Forms:
    """The ways to say one thing: those that training may hear, the plainest first, and the rest."""

    train: tuple[str, ...]
    heldout: tuple[str, ...]

    def of(self, split: str) -> tuple[str, ...]:
        return self.heldout if split == "heldout" else self.train


def expand(pattern: str) -> list[str]:
    """Every reading of a pattern: "a [b|c]" gives "a b" and "a c"."""
    parts = [part.split("|") for part in re.split(r"[\[\]]", pattern)]
    return ["".join(choice) for choice in product(*parts)]


HELDOUT_SHARE = 1 / 6

_SAID_OF = re.compile(r"\{[A-Z]\w*\}|dollars|days|hours")


def _draw(form: str) -> float:
    """A number in [0, 1) from the wording alone: who and what it is said of make no difference.

    Else a form that is held out for one container would be trained for the other, and a model that
    meets it would be right to take the one for the other.
    """
    return zlib.crc32(_SAID_OF.sub("_", form).encode()) / 2**32


@cache
def forms(*patterns: str) -> Forms:
    """Expand the patterns and hold out some forms, at least one; never the first."""
    said = list(dict.fromkeys(form for pattern in patterns for form in expand(pattern)))
    lowest = min(map(_draw, said[1:]))
    held = [form for form in said[1:] if _draw(form) <= max(lowest, HELDOUT_SHARE)]
    return Forms(tuple(form for form in said if form not in held), tuple(held))
