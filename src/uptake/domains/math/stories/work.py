"""Stories of work done by the day."""

from __future__ import annotations

from random import Random

from uptake.domains.math.stories.events import add_events
from uptake.domains.math.stories.forms import forms
from uptake.domains.math.stories.parts import Fact, Step, Story
from uptake.domains.math.stories.phrases import NOW, lasting

__all__ = ["rate"]


def rate(rng: Random, events: int | None = None) -> Story:
    """Work done by the day, then something gained or lost."""
    pace = Fact(
        "pace",
        "how many {T} {A} makes a day",
        forms(
            "{A} [makes|finishes] {v} {T} [a|each|every] day.",
            "At work, {A} [makes|finishes] {v} {T} [a|each|every] day.",
            "[Each|Every] day, {A} [makes|finishes] {v} {T}[| at work].",
        ),
        ("{A} makes some {T} a day.", "Every day, {A} makes some {T}."),
        "Does {A} make {v} {T} a day?",
        high=12,
        droppable=True,
    )
    days = Fact(
        "days",
        "how many days {A} works",
        lasting("days"),
        ("{A} works for some days.", "The work of {A} takes a few days."),
        "Does {A} work for {v} days?",
        high=12,
        droppable=True,
    )
    plan = [Step("*", "pace", "days")]
    facts = add_events(rng, plan, events or rng.choice((1, 1, 2)))
    return Story("rate", (pace, days, *facts), tuple(plan), forms(*NOW))
