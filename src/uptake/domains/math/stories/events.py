"""What may happen to a stock: gains and losses."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from uptake.domains.math.stories.forms import Forms, expand, forms
from uptake.domains.math.stories.parts import Fact, Step
from uptake.domains.math.stories.phrases import LEAD

__all__ = ["EVENTS", "GIVEN", "GIVES", "Event", "add_events"]

# What may happen to a stock: the operation, what it is called, how it is said, hinted at, asked.
Event = tuple[str, str, Forms, tuple[str, ...], str]
GIVEN: Event = (
    "+",
    "how many {T} {B} gives {A}",
    forms(
        LEAD + "{B} [gives|hands] {A} {v} [|more ]{T}.",
        LEAD + "{B} [gives|hands] {v} [|more ]{T} to {A}.",
        LEAD + "{A} [gets|receives] {v} [|more ]{T} from {B}.",
        LEAD + "{A} is [given|handed] {v} [|more ]{T} by {B}.",
    ),
    ("{B} gives {A} some {T}.", "Then {A} gets some {T} from {B}."),
    "Does {B} give {A} {v} {T}?",
)
GIVES: Event = (
    "-",
    "how many {T} {A} gives to {B}",
    forms(
        LEAD + "{A} [gives|hands] {v} [|of the ]{T} to {B}.",
        # All but the barest, which training hears of the one who gives to {A}.
        *expand(LEAD + "{A} [gives|hands] {B} {v} [|of the ]{T}.")[1:],
        LEAD + "{B} [gets|receives] {v} [|of the ]{T} from {A}.",
        LEAD + "{B} is [given|handed] {v} [|of the ]{T} by {A}.",
    ),
    ("{A} gives some {T} to {B}.", "Then {B} gets some of the {T} from {A}."),
    "Does {A} give {v} {T} to {B}?",
)
EVENTS: tuple[Event, ...] = (
    GIVEN,
    (
        "+",
        "how many {T} {A} buys",
        forms(
            "[|Then |Later |After that, |At the shop, |At the market, ]{A} buys {v} [|more ]{T}.",
            "[|Then |Later ]{A} buys {v} [|more ]{T} at the [shop|market].",
        ),
        ("{A} buys some {T}.", "Then {A} buys some more {T}."),
        "Does {A} buy {v} {T}?",
    ),
    (
        "+",
        "how many {T} {A} finds",
        forms(
            "[|Then |Later |After that, |In the garden, |In the park, ]{A} finds {v} [|more ]{T}.",
            "[|Then |Later ]{A} finds {v} [|more ]{T} in the [garden|park].",
        ),
        ("{A} finds some {T}.", "Then {A} finds some {T} in the garden."),
        "Does {A} find {v} {T}?",
    ),
    GIVES,
    (
        "-",
        "how many {T} {A} loses",
        forms(
            "[|Then |Later |After that, |On the way home, ]{A} loses {v} [|of the ]{T}.",
            "[|Then |Later ]{A} loses {v} [|of the ]{T} [on the way home|in the park].",
        ),
        ("{A} loses some {T}.", "On the way home, {A} loses some of the {T}."),
        "Does {A} lose {v} {T}?",
    ),
    (
        "-",
        "how many {T} {A} sells",
        forms(
            "[|Then |Later |After that, |At the market, |At the shop, ]"
            "{A} sells {v} [|of the ]{T}.",
            "[|Then |Later ]{A} sells {v} [|of the ]{T} at the [market|shop].",
        ),
        ("{A} sells some {T}.", "Then {A} sells some of the {T}."),
        "Does {A} sell {v} {T}?",
    ),
)


def add_events(
    rng: Random, plan: list[Step], count: int, first: str = "", among: Sequence[Event] = EVENTS
) -> list[Fact]:
    """Add `count` events to the plan; the first acts on `first` where the plan is empty."""
    facts: list[Fact] = []
    for index, (op, quantity, say, vague, check) in enumerate(rng.sample(among, count)):
        key = f"event{index}"
        facts.append(Fact(key, quantity, say, vague, check, optional=True))
        plan.append(Step(op, f"#{len(plan) - 1}" if plan else first, key))
    return facts
