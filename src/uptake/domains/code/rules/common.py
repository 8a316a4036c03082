"""The rules that hold of numbers and of words alike, or whose wordings do.

This module knows nothing of which rules go together.
"""

from __future__ import annotations

from uptake.domains.code.rules.parts import Rule, each, numbered

__all__ = ["EMPTY", "ORDER", "PURPOSE", "SKIP", "TAKE", "UNIQUE"]

SKIP = Rule(
    "skip",
    "how many {items} are skipped at the start",
    ("The first {v} {items} are skipped, whatever they are.",),
    ("Start only after the first {v} {items}, whatever they are.",),
    "The first {v} are skipped, whatever they are.",
    numbered("items = items[{v}:]", 2, 4),
)
UNIQUE = Rule(
    "unique",
    "how many of several equal values are kept",
    ("Of values that end up equal, keep {v}.", "Where values end up equal, keep {v}."),
    ("Should values end up the same, {v} may stay.",),
    "Of those that end up equal, keep {v}.",
    {"only the first": "items = list(dict.fromkeys(items))", "all of them": "items = list(items)"},
)
ORDER = Rule(
    "order",
    "the order of the values",
    ("Put the values in {v} order.", "Sort the values in {v} order."),
    ("The values have to stand in {v} order.",),
    "Put them in {v} order.",
    {"ascending": "items = sorted(items)", "descending": "items = sorted(items, reverse=True)"},
)
TAKE = Rule(
    "take",
    "how many values are kept in the end",
    (
        "Once they are in their final order, keep no more than the first {v} values.",
        "Of the values in their final order, only the first {v} are kept.",
    ),
    ("When the order is final, cut the values off after the first {v}.",),
    "Once they are in their final order, keep no more than the first {v}.",
    numbered("items = items[:{v}]", 2, 4),
)
EMPTY = Rule(
    "empty",
    "what is returned if no value is left",
    ("If no value is left, return {v}.", "Return {v} if there is no value left."),
    ("With nothing left, {v} is what comes back.",),
    "If there is none, return {v}.",
    each("if not items:\n    return {v}", "-1", "-5", "99", "None"),
)
PURPOSE = Rule(
    "purpose",
    "what the function is for",
    ("It is for {v}.", "I need the function for {v}."),
    ("The function will be of use in {v}.",),
    "It is for {v}.",
    dict.fromkeys(("a school project", "a yearly report", "a small game", "a web page"), ""),
    needed=False,
)
