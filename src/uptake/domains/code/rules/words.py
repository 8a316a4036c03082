"""The rules of functions that take words, and the slots that they are drawn for.

This module knows nothing of what else a function may take.
"""

from __future__ import annotations

from dataclasses import replace

from uptake.domains.code.rules.common import EMPTY, ORDER, PURPOSE, SKIP, TAKE, UNIQUE
from uptake.domains.code.rules.parts import Rule, Slot, each, numbered

__all__ = ["WORDS"]

_ALPHABET = replace(
    ORDER,
    name="alphabet",
    code={
        "alphabetical": "items = sorted(items)",
        "reverse alphabetical": "items = sorted(items, reverse=True)",
    },
)
_TIE = Rule(
    "tie",
    "the order of values of the same length",
    (
        "Values of the same length go in {v} order.",
        "Where values are of the same length, put those in {v} order.",
    ),
    ("Among values equally long, {v} order decides.",),
    "Where they are of the same length, put those in {v} order.",
    _ALPHABET.code,  # before the sort by length, which keeps the order of equals
)
_LENGTH = Rule(
    "length",
    "whether short or long values come first",
    ("Sort the values by length, the {v} first.", "Put the values with the {v} first, by length."),
    ("By length, the {v} of the values lead.",),
    "Sort them by length, the {v} first.",
    {
        "shortest": "items = sorted(items, key=len)",
        "longest": "items = sorted(items, key=len, reverse=True)",
    },
    needs=("tie",),
)
_BLANK = replace(
    EMPTY,
    name="blank",
    code=each("if not items:\n    return {v}", '"none"', '"empty"', '"?"', "None"),
)
_LONGER = Rule(
    "longer",
    "how many letters {items} must exceed",
    (
        "Only {items} of more than {v} letters count.",
        "Of the {items}, only those with over {v} letters count.",
    ),
    ("For {items} to count, {v} letters are not enough.",),
    "Only the ones of more than {v} letters count.",
    numbered("items = [x for x in items if len(x) > {v}]", 2, 4),
)
_SHORTER = Rule(
    "shorter",
    "from how many letters on {items} are left out",
    (
        "Leave out {items} of {v} letters or more.",
        "Any {item} with {v} letters or more does not count.",
    ),
    ("Whatever reaches {v} letters among the {items} is to be ignored.",),
    "Leave out those of {v} letters or more.",
    numbered("items = [x for x in items if len(x) < {v}]", 5, 7),
)
_WITH = Rule(
    "with",
    "the letter that {items} must contain",
    ('Only {items} that contain the letter "{v}" count.',),
    ('For {items} to count, there has to be the letter "{v}" in them.',),
    'Only the ones that contain the letter "{v}" count.',
    each('items = [x for x in items if "{v}" in x]', *"aeo"),
)
_BEGIN = Rule(
    "begin",
    "the letter with which {items} that are left out begin",
    (
        'Leave out {items} that begin with "{v}".',
        'Any {item} that begins with "{v}" does not count.',
    ),
    ('Whatever starts with "{v}" among the {items} is to be ignored.',),
    'Leave out those that begin with "{v}".',
    each('items = [x for x in items if not x.startswith("{v}")]', *"bmst"),
)
_SPELL = Rule(
    "spell",
    "how the {items} that count are spelled",
    (
        "Each {item} that counts is to be written {v}.",
        "Every {item} that counts has to be spelled {v}.",
    ),
    ("Have each {item} that counts spelled {v}.",),
    "Each of them is to be written {v}.",
    {
        "backwards": "items = [x[::-1] for x in items]",
        "twice in a row": "items = [x + x for x in items]",
    },
)
_CASE = Rule(
    "case",
    "which letters of the {items} that count become capitals",
    ("Turn {v} of each {item} that counts into a capital.",),
    ("In each {item} that counts, {v} has to become a capital.",),
    "Turn {v} of each of them into a capital.",
    {
        "every letter": "items = [x.upper() for x in items]",
        "the first letter": "items = [x[:1].upper() + x[1:] for x in items]",
    },
)
_CUT = Rule(
    "cut",
    "to how many letters the {items} that count are shortened",
    ("Shorten each {item} that counts to its first {v} letters.",),
    ("Of each {item} that counts, use the first {v} letters alone.",),
    "Shorten each of them to its first {v} letters.",
    numbered("items = [x[:{v}] for x in items]", 2, 4),
)
_FRONT = Rule(
    "front",
    "what is put in front of the {items} that count",
    ('Put "{v}" in front of each {item} that counts.',),
    ('Each {item} that counts gets "{v}" as its beginning.',),
    'Put "{v}" in front of each of them.',
    each('items = ["{v}" + x for x in items]', "#", "x-", "re", "__"),
)
_JOIN = Rule(
    "join",
    "what stands between the values in the result",
    ('The result is a string: the values with "{v}" between them.',),
    ('Join the values to a string, "{v}" between each two.',),
    'The result is a string: all of them with "{v}" in between.',
    each('result = "{v}".join(items)', "-", "/", "+", ", "),
)
_LETTERS = Rule(
    "letters",
    "what is counted",
    ("The result is the number of {v}.", "Return the number of {v}."),
    ("What comes back is the number of {v}.",),
    "The result is the number of {v}.",
    {
        "values": "result = len(items)",
        "letters in all values together": "result = sum(len(x) for x in items)",
    },
)

WORDS = (
    Slot("skip", 0.15, (SKIP,)),
    Slot("keep", 0.6, (_LONGER, _SHORTER)),
    Slot("also", 0.45, (_WITH, _BEGIN)),
    Slot("change", 0.6, (_SPELL, _CASE, _CUT, _FRONT)),
    Slot("unique", 0.3, (UNIQUE,)),
    Slot("tie", 0.0, (_TIE,)),
    Slot("order", 0.5, (_ALPHABET, _LENGTH)),
    Slot("take", 0.35, (TAKE,)),
    Slot("empty", 0.4, (_BLANK,)),
    Slot("result", 0.6, (_JOIN, _LETTERS)),
    Slot("purpose", 0.15, (PURPOSE,)),
)
"""The slots of a function of words, in the order in which their lines are run."""
