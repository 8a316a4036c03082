"""Stories of things that people have: stocks, comparisons, groups, shares, containers."""

from __future__ import annotations

from random import Random

from uptake.domains.math.stories.events import GIVEN, GIVES, add_events
from uptake.domains.math.stories.forms import Forms, forms
from uptake.domains.math.stories.parts import Fact, Step, Story
from uptake.domains.math.stories.phrases import ALL, ASK, NOW, WHEN, has, starts

__all__ = ["change", "compare", "groups", "pair", "share", "transfer"]

_START = Fact(
    "start",
    "how many {T} {A} has at first",
    starts("{T}"),
    ("{A} has some {T} at first.", "At the start, {A} owns some {T}."),
    "Does {A} have {v} {T} at first?",
    high=60,
    droppable=True,
)


def change(rng: Random, events: int | None = None) -> Story:
    """A stock that grows and shrinks."""
    plan: list[Step] = []
    facts = add_events(rng, plan, events or rng.choice((2, 2, 2, 3)), "start")
    return Story("change", (_START, *facts), tuple(plan), forms(*NOW))


def transfer(rng: Random) -> Story:
    """A stock from which something is given to another, or to which another gives."""
    plan: list[Step] = []
    facts = add_events(rng, plan, rng.choice((1, 1, 2)), "start", (GIVEN, GIVES))
    return Story("transfer", (_START, *facts), tuple(plan), forms(*NOW))


def _relation(rng: Random, key: str, who: str, whom: str) -> tuple[Fact, str]:
    """How many more, fewer or times as many {who} has as {whom}; and the operation."""
    kind = rng.choice(("more", "fewer", "times"))
    has = "[has|owns|keeps]"
    if kind == "times":
        return Fact(
            key,
            f"how many times as many {{T}} {who} has as {whom}",
            forms(
                f"{who} {has} {{v}} times as many {{T}} as {whom}.",
                f"{who} {has} {{v}} times the number of {{T}} that {whom} {has}.",
                f"Compared with {whom}, {who} {has} {{v}} times as many {{T}}.",
            ),
            (f"{who} has several times as many {{T}} as {whom}.",),
            f"Does {who} have {{v}} times as many {{T}} as {whom}?",
            high=5,
        ), "*"
    return Fact(
        key,
        f"how many {kind} {{T}} {who} has than {whom}",
        forms(
            f"{who} {has} {{v}} {kind} {{T}} than {whom}.",
            f"Compared with {whom}, {who} {has} {{v}} {kind} {{T}}.",
            f"{who} {has} {{v}} {kind} {{T}} than {whom} {has}.",
        ),
        (f"{who} has some {kind} {{T}} than {whom}.",),
        f"Does {who} have {{v}} {kind} {{T}} than {whom}?",
    ), {"more": "+", "fewer": "-"}[kind]


def compare(rng: Random) -> Story:
    """Two or three people, each with more, fewer or several times as many as another."""
    base = Fact(
        "base",
        "how many {T} {A} has",
        has("{T}"),
        ("{A} has some {T}.", "{A} owns some {T}."),
        "Does {A} have {v} {T}?",
        high=40,
        droppable=True,
    )
    second, op = _relation(rng, "second", "{B}", "{A}")
    if rng.random() < 0.5:
        return Story(
            "compare-two",
            (base, second),
            (Step(op, "base", "second"), Step("+", "base", "#0")),
            forms(
                "How many {T} do {A} and {B} have [together|in all]?",
                f"{ASK} [how many|the number of] {{T}} {{A}} and {{B}} have [together|in all].",
            ),
        )
    third, op2 = _relation(rng, "third", "{C}", "{B}")
    return Story(
        "compare-three",
        (base, second, third),
        (Step(op, "base", "second"), Step(op2, "#0", "third")),
        forms(
            "How many {T} does {C} [have|own|keep]?",
            f"{ASK} [how many|the number of] {{T}} {{C}} [has|owns|keeps].",
        ),
    )


def groups(rng: Random, events: int | None = None) -> Story:
    """Equal groups, then something gained or lost."""
    count = Fact(
        "count",
        "how many {Ks} {A} has",
        has("{Ks}"),
        ("{A} has some {Ks}.", "{A} owns some {Ks}."),
        "Does {A} have {v} {Ks}?",
        high=12,
        droppable=True,
    )
    each = Fact(
        "each",
        "how many {T} each {K} holds",
        forms(
            "[Each|Every] {K} [holds|contains] {v} {T}.",
            "There are {v} {T} in [each|every] {K}.",
            "[In|Inside] [each|every] {K} there are {v} {T}.",
            "{A} [puts|keeps] {v} {T} in [each|every] {K}.",
        ),
        ("Each {K} holds some {T}.", "There are some {T} in each {K}."),
        "Does each {K} hold {v} {T}?",
        high=12,
        droppable=True,
    )
    plan = [Step("*", "count", "each")]
    facts = add_events(rng, plan, events or rng.choice((1, 1, 2)))
    return Story("groups", (count, each, *facts), tuple(plan), forms(*NOW, *ALL))


def share(rng: Random) -> Story:
    """An equal share, added to what each had."""
    del rng
    total = Fact(
        "total",
        "how many {T} {A} has",
        has("{T}"),
        ("{A} has some {T}.", "{A} owns some {T}."),
        "Does {A} have {v} {T}?",
        low=6,
        high=96,
        droppable=True,
    )
    people = Fact(
        "people",
        "how many children share the {T}",
        forms(
            "{v} children [share|divide] the {T} equally.",
            "[Then|Today], {v} children [share|divide] the {T} equally.",
            "The {T} are [shared|divided] equally [by|among|between] {v} children.",
            "{A} [shares|divides] the {T} equally [among|between] {v} children.",
            "{A} has the {T} [shared|divided] equally [among|between] {v} children.",
        ),
        ("Some children share the {T} equally.", "{A} shares the {T} equally among the children."),
        "Do {v} children share the {T}?",
        high=12,
    )
    extra = Fact(
        "extra",
        "how many {T} each child had before",
        forms(
            "[Each|Every] child [had|owned|kept] {v} {T} [before|already].",
            "[Before|Before that], [each|every] child [had|owned|kept] {v} {T}.",
        ),
        ("Each child had some {T} before.", "Before, every child had some {T}."),
        "Did each child have {v} {T} before?",
        optional=True,
    )
    return Story(
        "share",
        (total, people, extra),
        (Step("/", "total", "people"), Step("+", "#0", "extra")),
        forms(
            f"How many {{T}} does [each|every] child have {WHEN}?",
            f"{ASK} [how many|the number of] {{T}} [each|every] child has {WHEN}.",
        ),
    )


def _holding(colour: str) -> Forms:
    return forms(
        f"{{A}} [has|owns|keeps] a {colour} {{K}} with {{v}} {{T}} [in|inside] it.",
        f"The {colour} {{K}} [|of {{A}} ][holds|contains] {{v}} {{T}}.",
        f"There are {{v}} {{T}} [in|inside] the {colour} {{K}}[| of {{A}}].",
        f"[In|Inside] the {colour} {{K}} [|of {{A}} ]there are {{v}} {{T}}.",
        f"{{A}} [puts|keeps] {{v}} {{T}} [in|inside] the {colour} {{K}}.",
    )


def pair(rng: Random, events: int | None = None) -> Story:
    """Two containers told apart by colour, or one of them as "the other one"."""
    first = Fact(
        "first",
        "how many {T} the {P} {K} holds",
        _holding("{P}"),
        ("{A} has a {P} {K} with some {T} in it.", "The {P} {K} of {A} holds some {T}."),
        "Does the {P} {K} hold {v} {T}?",
        high=40,
        droppable=True,
    )
    second = Fact(
        "second",
        "how many {T} the {Q} {K} holds",
        _holding("{Q}"),
        ("{A} has a {Q} {K} with some {T} in it.", "The {Q} {K} of {A} holds some {T}."),
        "Does the {Q} {K} hold {v} {T}?",
        high=40,
    )
    plan = [Step("+", "first", "second")]
    facts = add_events(rng, plan, events or 1)
    return Story("pair", (first, second, *facts), tuple(plan), forms(*NOW, *ALL))
