"""The requirements of the code domain: how each is said, and the line of Python that meets it.

A function takes items, drops some, changes the rest, orders and cuts them, and makes up a result.
Each rule is one step of that, true in whatever order it is told: "count" is said of the items
that no rule leaves out, "values" of what became of those.

These modules know nothing of functions, tests or which rules go together.
"""

from __future__ import annotations

import zlib

from uptake.domains.code.rules.numbers import BOUNDED, NUMBERS
from uptake.domains.code.rules.parts import Kind, Rule, Slot
from uptake.domains.code.rules.words import WORDS

__all__ = ["KINDS", "Kind", "Rule", "Slot", "is_heldout_mix"]


def is_heldout_mix(names: tuple[str, ...]) -> bool:
    """Whether that mixture of rules is kept out of all training text."""
    return zlib.crc32("+".join(sorted(names)).encode()) % 4 == 0


KINDS: tuple[Kind, ...] = (
    Kind(
        "numbers",
        {
            "train": "a list of {items} (whole numbers)",
            "heldout": "{items} in a list, all of them whole",
        },
        "items = list({arg})",
        NUMBERS,
    ),
    Kind(
        "bounded",
        {
            "train": "a list of {items} and a limit (all whole numbers)",
            "heldout": "{items} in a list and a limit, all of them whole",
        },
        "items = list({arg})",
        BOUNDED,
    ),
    Kind(
        "words",
        {"train": "a list of {items} (strings)", "heldout": "{items} in a list, as strings"},
        "items = list({arg})",
        WORDS,
    ),
    Kind(
        "text",
        {
            "train": "a string with {items} separated by spaces",
            "heldout": "{items} in one string, with spaces between them",
        },
        "items = {arg}.split()",
        WORDS,
    ),
)
