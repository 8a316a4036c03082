"""The rules of functions that take whole numbers, and the slots that they are drawn for.

This module knows nothing of what else a function may take.
"""

from __future__ import annotations

from dataclasses import replace

from uptake.domains.code.rules.common import EMPTY, ORDER, PURPOSE, SKIP, TAKE, UNIQUE
from uptake.domains.code.rules.parts import Rule, Slot, numbered

__all__ = ["BOUNDED", "NUMBERS"]

_ABOVE = Rule(
    "above",
    "the number that {items} must exceed",
    ("Only {items} greater than {v} count.", "Of the {items}, only those above {v} count."),
    ("For {items} to count, they have to be higher than {v}.",),
    "Only the ones greater than {v} count.",
    numbered("items = [x for x in items if x > {v}]", 3, 9),
)
_BELOW = Rule(
    "below",
    "the number from which on {items} are left out",
    ("Leave out {items} of {v} or more.", "Any {item} that is {v} or more does not count."),
    ("Whatever reaches {v} among the {items} is to be ignored.",),
    "Leave out those of {v} or more.",
    numbered("items = [x for x in items if x < {v}]", 12, 18),
)
_MULTIPLES = Rule(
    "multiples",
    "the number whose multiples are left out",
    ("Multiples of {v} do not count.", "Leave out {items} that {v} divides evenly."),
    ("Ignore the {items} that are multiples of {v}.",),
    "Leave out those that {v} divides evenly.",
    numbered("items = [x for x in items if x % {v} != 0]", 3, 7),
)
_PARITY = Rule(
    "parity",
    "whether even or odd {items} count",
    ("Only {v} {items} count.", "Of the {items}, only the {v} ones count."),
    ("For {items} to count, they have to be {v}.",),
    "Only the {v} ones count.",
    {
        "even": "items = [x for x in items if x % 2 == 0]",
        "odd": "items = [x for x in items if x % 2 == 1]",
    },
)
_BOUND = Rule(
    "bound",
    "on which side of the limit {items} must lie",
    (
        "Only {items} {v} than the limit count.",
        "Of the {items}, only those {v} than the limit count.",
    ),
    ("For {items} to count, they have to be {v} than the limit.",),
    "Only the ones {v} than that count.",
    {
        "greater": "items = [x for x in items if x > limit]",
        "smaller": "items = [x for x in items if x < limit]",
    },
)
_TIMES = Rule(
    "times",
    "what the {items} that count are multiplied by",
    ("Multiply each {item} that counts by {v}.", "Each {item} that counts is multiplied by {v}."),
    ("Take {v} times each {item} that counts.",),
    "Multiply each of them by {v}.",
    numbered("items = [x * {v} for x in items]", 2, 9),
)
_PLUS = Rule(
    "plus",
    "what is added to the {items} that count",
    ("Add {v} to each {item} that counts.", "Each {item} that counts goes up by {v}."),
    ("Increase each {item} that counts by {v}.",),
    "Add {v} to each of them.",
    numbered("items = [x + {v} for x in items]", 2, 9),
)
_POWER = Rule(
    "power",
    "which power of the {items} that count is taken",
    ("Replace each {item} that counts by its {v}.", "Of each {item} that counts, take the {v}."),
    ("Each {item} that counts becomes its {v}.",),
    "Replace each of them by its {v}.",
    {"square": "items = [x**2 for x in items]", "cube": "items = [x**3 for x in items]"},
)
_REMAINDER = Rule(
    "remainder",
    "by what the {items} that count are divided to get the remainder",
    ("Replace each {item} that counts by its remainder when divided by {v}.",),
    ("Each {item} that counts becomes what remains of it after division by {v}.",),
    "Replace each of them by its remainder when divided by {v}.",
    numbered("items = [x % {v} for x in items]", 4, 9),
)
_CAP = Rule(
    "cap",
    "the highest value there may be",
    ("After any other change, a value above {v} becomes {v}.",),
    ("No value may exceed {v} once it has been changed: a higher one becomes {v}.",),
    "After any other change, one above {v} becomes {v}.",
    numbered("items = [min(x, {v}) for x in items]", 9, 40),
)
_TOTAL = Rule(
    "total",
    "what is worked out from the values",
    ("The result is the {v} of the values.", "Return the {v} of the values."),
    ("What comes back is the {v} of the values.",),
    "The result is the {v} of them.",
    {"sum": "result = sum(items)", "count": "result = len(items)"},
)
_EXTREME = replace(
    _TOTAL,
    name="extreme",
    code={"maximum": "result = max(items)", "minimum": "result = min(items)"},
    needs=("empty",),
)
_AVERAGE = replace(
    _TOTAL,
    name="average",
    code={
        "average": "result = sum(items) / len(items)",
        "halved sum": "result = sum(items) / 2",
    },
    needs=("empty", "round"),
)
_ROUND = Rule(
    "round",
    "how the result is rounded",
    ("Round the result {v} to a whole number.",),
    ("A result with a fraction goes {v} to the whole number next to it.",),
    "Round it {v} to a whole number.",
    {"down": "result = int(result // 1)", "up": "result = -int(-result // 1)"},
)

NUMBERS = (
    Slot("skip", 0.15, (SKIP,)),
    Slot("keep", 0.7, (_ABOVE, _BELOW)),
    Slot("also", 0.45, (_MULTIPLES, _PARITY)),
    Slot("change", 0.6, (_TIMES, _PLUS, _POWER, _REMAINDER)),
    Slot("cap", 0.2, (_CAP,)),
    Slot("unique", 0.3, (UNIQUE,)),
    Slot("order", 0.4, (ORDER,)),
    Slot("take", 0.35, (TAKE,)),
    Slot("empty", 0.4, (EMPTY,)),
    Slot("result", 0.65, (_TOTAL, _EXTREME, _AVERAGE)),
    Slot("round", 0.0, (_ROUND,)),
    Slot("purpose", 0.15, (PURPOSE,)),
)
"""The slots of a function of whole numbers, in the order in which their lines are run."""

BOUNDED = tuple(Slot("keep", 1.0, (_BOUND,)) if slot.name == "keep" else slot for slot in NUMBERS)
"""The same, where what counts lies on one side of a limit that the function takes."""
