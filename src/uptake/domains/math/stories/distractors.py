"""Facts that no answer depends on."""

from __future__ import annotations

from random import Random

from uptake.domains.math.stories.forms import forms
from uptake.domains.math.stories.parts import Fact

__all__ = ["DISTRACTORS", "distractor"]

DISTRACTORS = (
    Fact(
        "age",
        "how old {D} is",
        forms(
            "{D} is {v} years old[| now| today].",
            "[Now|Today], {D} is {v} years old.",
            "The age of {D} is {v}[| years].",
        ),
        (),
        "Is {D} {v} years old?",
        low=6,
        high=60,
        needed=False,
    ),
    Fact(
        "distance",
        "how many miles from the shop {D} lives",
        forms(
            "{D} lives {v} miles [|away ]from the shop.",
            "From the shop to [|the house of ]{D} it is {v} miles.",
            "It is {v} miles from the shop to [|the house of ]{D}.",
            "It is {v} miles from the house of {D} to the shop.",
        ),
        (),
        "Does {D} live {v} miles from the shop?",
        needed=False,
    ),
    Fact(
        "other",
        "how many {S} {D} has",
        forms(
            "{D} [has|owns|keeps] {v} {S}.",
            "In the [room|house] of {D} there are {v} {S}.",
            "There are {v} {S} in the [room|house] of {D}.",
        ),
        (),
        "Does {D} have {v} {S}?",
        needed=False,
    ),
)


def distractor(rng: Random) -> Fact:
    """A fact that no answer depends on, about {D} and perhaps other things {S}."""
    return rng.choice(DISTRACTORS)
