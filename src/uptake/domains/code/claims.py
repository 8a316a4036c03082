"""What each requirement of the code domain comes to, as a clause and as a question.

A clause can be taken back, presupposed or denied ("only ages greater than 5 count"), which the
imperatives of `rules` cannot; the question wants yes or no.

This module knows nothing of which values a rule has, or of Python.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ASIDES", "CLAIMS"]

_RESULT = ("the result is the {v} of the values", "Is the result the {v} of the values?")
_EMPTY = ("{v} is returned if no value is left", "Is {v} returned if no value is left?")
_ORDER = ("the values go in {v} order", "Do the values go in {v} order?")

CLAIMS: Mapping[str, tuple[str, str]] = {
    "skip": (
        "the first {v} {items} are skipped",
        "Are the first {v} {items} skipped?",
    ),
    "above": (
        "only {items} greater than {v} count",
        "Do only {items} greater than {v} count?",
    ),
    "below": (
        "{items} of {v} or more are left out",
        "Are {items} of {v} or more left out?",
    ),
    "multiples": (
        "multiples of {v} are left out",
        "Are multiples of {v} left out?",
    ),
    "parity": (
        "only {v} {items} count",
        "Do only {v} {items} count?",
    ),
    "bound": (
        "only {items} {v} than the limit count",
        "Do only {items} {v} than the limit count?",
    ),
    "times": (
        "each {item} that counts is multiplied by {v}",
        "Is each {item} that counts multiplied by {v}?",
    ),
    "plus": (
        "{v} is added to each {item} that counts",
        "Is {v} added to each {item} that counts?",
    ),
    "power": (
        "each {item} that counts is replaced by its {v}",
        "Is each {item} that counts replaced by its {v}?",
    ),
    "remainder": (
        "each {item} that counts is replaced by its remainder when divided by {v}",
        "Is each {item} that counts replaced by its remainder when divided by {v}?",
    ),
    "cap": (
        "a value above {v} becomes {v} after any other change",
        "Does a value above {v} become {v} after any other change?",
    ),
    "unique": (
        "of values that end up equal, we keep {v}",
        "Of values that end up equal, do we keep {v}?",
    ),
    "order": _ORDER,
    "alphabet": _ORDER,
    "tie": (
        "values of the same length go in {v} order",
        "Do values of the same length go in {v} order?",
    ),
    "length": (
        "the {v} of the values come first",
        "Do the {v} of the values come first?",
    ),
    "take": (
        "only the first {v} values are kept in the end",
        "Are only the first {v} values kept in the end?",
    ),
    "empty": _EMPTY,
    "blank": _EMPTY,
    "total": _RESULT,
    "extreme": _RESULT,
    "average": _RESULT,
    "round": (
        "the result is rounded {v} to a whole number",
        "Is the result rounded {v} to a whole number?",
    ),
    "longer": (
        "only {items} of more than {v} letters count",
        "Do only {items} of more than {v} letters count?",
    ),
    "shorter": (
        "{items} of {v} letters or more are left out",
        "Are {items} of {v} letters or more left out?",
    ),
    "with": (
        'only {items} that contain the letter "{v}" count',
        'Do only {items} that contain the letter "{v}" count?',
    ),
    "begin": (
        '{items} that begin with "{v}" are left out',
        'Are {items} that begin with "{v}" left out?',
    ),
    "spell": (
        "each {item} that counts is written {v}",
        "Is each {item} that counts written {v}?",
    ),
    "case": (
        "{v} of each {item} that counts is turned into a capital",
        "Is {v} of each {item} that counts turned into a capital?",
    ),
    "cut": (
        "each {item} that counts is shortened to its first {v} letters",
        "Is each {item} that counts shortened to its first {v} letters?",
    ),
    "front": (
        '"{v}" is put in front of each {item} that counts',
        'Is "{v}" put in front of each {item} that counts?',
    ),
    "join": (
        'the values are joined to a string with "{v}" between them',
        'Are the values joined to a string with "{v}" between them?',
    ),
    "letters": (
        "the result is the number of {v}",
        "Is the result the number of {v}?",
    ),
    "purpose": (
        "the function is for {v}",
        "Is the function for {v}?",
    ),
}
"""By the name of the rule: the clause, without a full stop, and the question."""

ASIDES: Mapping[str, tuple[str, ...]] = {
    "train": (
        "A colleague of mine will read it first.",
        "My last function was much longer than that.",
        "I write most of my programs in the evening.",
    ),
    "heldout": (
        "Nobody but me is going to see it.",
        "It took me a week to get this far.",
        "Yesterday I tried it with a spreadsheet.",
    ),
}
"""Sentences on which nothing depends, by split."""
