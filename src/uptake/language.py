"""A language pack: the words by which `hearing` and `analyst` know what a turn does.

A pack is a data file, `languages/CODE.toml`, read when it is first needed. It holds phrases and
patterns; what follows from them is for the modules that read them to say.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENGLISH", "Language"]


@dataclass(frozen=True, slots=True)
class Language:
    """One language, by its code; its pack is read when it is first needed."""

    code: str


ENGLISH = Language("en")
"""The language that uptake speaks."""
