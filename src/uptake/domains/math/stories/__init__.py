"""The stories of the math domain: what happens in a word problem, and the many ways to say it.

A `Story` is a set of facts, a plan that combines their values step by step, and the questions
that may be asked of it. Sentences are templates over names ({A}, {B}, {C}, {D}), the thing counted
({T}), other things ({S}), a container ({K}, plural {Ks}), colours ({P}, {Q}) and the fact's own
value ({v}). They are written as patterns with alternatives, "[has|owns] {v} {T}", and expanded;
about one wording in six is kept out of all training text, whoever and whatever it is said of.

These modules know nothing of numbers, of how facts are joined into a request, or of chats.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from uptake.domains.math.stories.distractors import DISTRACTORS, distractor
from uptake.domains.math.stories.forms import Forms, forms
from uptake.domains.math.stories.holdings import change, compare, groups, pair, share, transfer
from uptake.domains.math.stories.money import price, wages
from uptake.domains.math.stories.parts import Fact, Step, Story
from uptake.domains.math.stories.work import rate

__all__ = [
    "DISTRACTORS",
    "STORIES",
    "Fact",
    "Forms",
    "Step",
    "Story",
    "distractor",
    "forms",
    "long",
    "transfer",
]

STORIES: tuple[Callable[[Random], Story], ...] = (
    change,
    compare,
    groups,
    share,
    price,
    rate,
    wages,
    pair,
)


def long(rng: Random, shards: int) -> Story:
    """A story told in so many shards, 4 to 8, with the question: a long one has many events."""
    story, others = rng.choice(((change, 2), (groups, 3), (rate, 3), (pair, 3)))
    return story(rng, shards - others)
