"""How often people do each act, to hold a log against: a small dated table that ships.

The rates are those of labels that people gave to dialogues between people, corpus by corpus
(`runs/human_reference.py`). No corpus is of people and models, and they differ by what is talked
about and by how a turn is cut: look at them as an order of magnitude.

This module knows nothing of logs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Human", "people", "people_dated"]


@dataclass(frozen=True, slots=True)
class Human:
    """How often people did `act` in one corpus: the share of turns with its 95% interval.

    `who` is whose turns they are ("anyone", or one party where the corpus labels no other).
    """

    act: str
    corpus: str
    talk: str
    who: str
    rate: float
    low: float
    high: float
    turns: int
    dialogues: int


@cache
def people() -> tuple[Human, ...]:
    """The table, act by act."""
    return tuple(Human(**row) for row in _table()["rows"])


def people_dated() -> str:
    """The day that the table was made."""
    return str(_table()["date"])


@cache
def _table() -> dict[str, Any]:
    text = files("uptake.audit").joinpath("people.json").read_text(encoding="utf-8")
    return json.loads(text)
