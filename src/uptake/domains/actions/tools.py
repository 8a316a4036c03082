"""What a function-calling request is made of: kinds of values, parameters, functions, themes.

Each kind draws a value as JSON together with the words that a person says for it. Patterns hold
alternatives, "[at|from] {v}", one of which is drawn; {v} is the value, {S} what the request is
about ("the meeting"), which an ambiguous wording leaves at "it".

This module knows nothing of any theme, and nothing of how a call is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from uptake.domains.math.words import name

__all__ = [
    "Function",
    "Kind",
    "Param",
    "Theme",
    "Value",
    "amount",
    "choice",
    "day",
    "flag",
    "fraction",
    "listed",
    "people",
    "person",
    "reading",
    "say",
    "time",
    "whole",
    "word",
]


@dataclass(frozen=True, slots=True)
class Value:
    """A value as JSON, and as it is said."""

    data: Any
    text: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: its JSON schema, and how to draw one for a split ("train", "heldout")."""

    schema: Mapping[str, Any]
    draw: Callable[[Random, str], Value]


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. A dotted `name` ("address.city") is a field of an object.

    `about` describes it to the model, with the format where there is one; `quantity` names what it
    settles; `phrase` tells it within the request ("at {v}"), each of `says` in a sentence, `claim`
    in a clause ("{S} is at {v}"; "" for one that is never said by itself).
    `default` is None where it has none; a parameter with one is not required.
    """

    name: str
    kind: Kind
    about: str
    quantity: str
    phrase: str
    says: tuple[str, ...]
    required: bool = True
    default: Any = None
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that can be called.

    `does` is the request for it ("book a table"), `subject` what it is about ("the table").
    `again` is the parameter with which the same may be wanted once more ("" for none); `also` tells
    the whole call in a sentence, for a function that one value completes, `also_claim` in a clause.
    """

    name: str
    about: str
    params: tuple[Param, ...]
    does: str = ""
    subject: str = ""
    again: str = ""
    also: tuple[str, ...] = ()
    also_claim: str = ""

    def param(self, name: str) -> Param:
        return next(param for param in self.params if param.name == name)

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call from values by parameter; dotted names are put into objects."""
        found: dict[str, Any] = {}
        for key, value in values.items():
            outer, _, inner = key.partition(".")
            if inner:
                found.setdefault(outer, {})[inner] = value
            else:
                found[outer] = value
        return found

    def schema(self, called: str) -> dict[str, Any]:
        """What a model is told of it: `name`, `description` and a JSON schema as `parameters`."""
        top = _object()
        for param in self.params:
            outer, _, inner = param.name.partition(".")
            place = top
            if inner:
                place = top["properties"].setdefault(outer, _object())
                if param.required and outer not in top["required"]:
                    top["required"].append(outer)
            shape: dict[str, Any] = {**param.kind.schema, "description": param.about}
            if param.default is not None:
                shape["default"] = param.default
            place["properties"][inner or outer] = shape
            if param.required:
                place["required"].append(inner or outer)
        return {"name": called, "description": self.about, "parameters": top}


@dataclass(frozen=True, slots=True)
class Theme:
    """A field of life with the functions that serve it."""

    name: str
    functions: tuple[Function, ...]


def _object() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def reading(patterns: Sequence[str], rng: Random) -> str:
    """One of the patterns, with its alternatives drawn."""
    pattern = rng.choice(patterns)
    return re.sub(r"\[([^\]]*)\]", lambda found: rng.choice(found[1].split("|")), pattern)


def say(pattern: str, value: str, subject: str = "") -> str:
    """A reading with its value and subject; a sentence gets a capital at its start."""
    text = pattern.replace("{S}", subject).replace("{v}", value)
    return text[:1].upper() + text[1:] if text.endswith((".", "?", "!")) else text


# Kinds


def word(*words: str) -> Kind:
    """Free text, one of `words`."""
    return Kind({"type": "string"}, lambda rng, _: _said(rng.choice(words)))


def choice(*words: str) -> Kind:
    """An enum of `words`."""
    return Kind({"type": "string", "enum": list(words)}, lambda rng, _: _said(rng.choice(words)))


def whole(low: int, high: int, step: int = 1) -> Kind:
    """A whole number from `low` to `high`."""

    def draw(rng: Random, _: str) -> Value:
        return _said(rng.randrange(low, high + 1, step))

    return Kind({"type": "integer", "minimum": low, "maximum": high}, draw)


def fraction(low: int, high: int) -> Kind:
    """A number with one digit after the point, at least `low` and below `high`."""

    def draw(rng: Random, _: str) -> Value:
        return _said(rng.randint(low, high - 1) + rng.randint(1, 9) / 10)

    return Kind({"type": "number"}, draw)


def amount(low: int, high: int) -> Kind:
    """Money, with cents."""

    def draw(rng: Random, _: str) -> Value:
        value = rng.randint(low, high) + rng.choice((0, 25, 50, 75)) / 100
        return Value(value, f"{value:.2f}")

    return Kind({"type": "number", "minimum": 0}, draw)


def flag(yes: str, no: str) -> Kind:
    """True, said as `yes`, or false, said as `no`."""

    def draw(rng: Random, _: str) -> Value:
        data = rng.random() < 0.5
        return Value(data, yes if data else no)

    return Kind({"type": "boolean"}, draw)


def day() -> Kind:
    """A day as YYYY-MM-DD, said the British way in training and the American way else."""

    def draw(rng: Random, split: str) -> Value:
        found = date(2026, 1, 1) + timedelta(days=rng.randrange(1095))
        month = found.strftime("%B")
        british = f"{found.day} {month} {found.year}"
        american = f"{month} {found.day}, {found.year}"
        return Value(found.isoformat(), american if split == "heldout" else british)

    return Kind({"type": "string", "format": "date"}, draw)


def time() -> Kind:
    """A time as HH:MM, said so in training and with am or pm else."""

    def draw(rng: Random, split: str) -> Value:
        hour, minute = rng.randint(7, 21), rng.choice((0, 10, 15, 20, 30, 40, 45, 50))
        plain = f"{hour:02}:{minute:02}"
        halved = f"{(hour - 1) % 12 + 1}:{minute:02} {'am' if hour < 12 else 'pm'}"
        return Value(plain, halved if split == "heldout" else plain)

    return Kind({"type": "string", "pattern": r"^\d{2}:\d{2}$"}, draw)


def person() -> Kind:
    """Somebody's name."""
    return Kind({"type": "string"}, lambda rng, split: _said(name(rng, split)[0]))


def people() -> Kind:
    """Two or three names, in any order."""

    def draw(rng: Random, split: str) -> Value:
        found: dict[str, None] = {}
        wanted = rng.randint(2, 3)
        while len(found) < wanted:
            found[name(rng, split)[0]] = None
        return _list([*found])

    return Kind({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, draw)


def listed(*words: str, ordered: bool = False) -> Kind:
    """Two or three of `words`; the order counts only where it is said to."""

    def draw(rng: Random, _: str) -> Value:
        return _list(rng.sample(words, rng.randint(2, 3)), ", then " if ordered else ", ")

    schema: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    return Kind(schema if ordered else {**schema, "uniqueItems": True}, draw)


def _said(data: Any) -> Value:
    return Value(data, str(data))


def _list(items: list[str], between: str = ", ") -> Value:
    last = between if "then" in between else " and "
    return Value(items, between.join(items[:-1]) + last + items[-1])
