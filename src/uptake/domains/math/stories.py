"""The stories of the math domain: what happens in a word problem, and the many ways to say it.

A `Story` is a set of facts, a plan that combines their values step by step, and the questions
that may be asked of it. Sentences are templates over names ({A}, {B}, {C}, {D}), the thing counted
({T}), other things ({S}), a container ({K}, plural {Ks}), colours ({P}, {Q}) and the fact's own
value ({v}). They are written as patterns with alternatives, "[has|owns] {v} {T}", and expanded;
about one wording in six is kept out of all training text, whoever and whatever it is said of.

This module knows nothing of numbers, of how facts are joined into a request, or of chats.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from random import Random

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


@dataclass(frozen=True, slots=True)
class Forms:
    """The ways to say one thing: those that training may hear, the plainest first, and the rest."""

    train: tuple[str, ...]
    heldout: tuple[str, ...]

    def of(self, split: str) -> tuple[str, ...]:
        return self.heldout if split == "heldout" else self.train


def expand(pattern: str) -> list[str]:
    """Every reading of a pattern: "a [b|c]" gives "a b" and "a c"."""
    parts = [part.split("|") for part in re.split(r"[\[\]]", pattern)]
    return ["".join(choice) for choice in product(*parts)]


HELDOUT_SHARE = 1 / 6

_SAID_OF = re.compile(r"\{[A-Z]\w*\}|dollars|days|hours")


def _draw(form: str) -> float:
    """A number in [0, 1) from the wording alone: who and what it is said of make no difference.

    Else a form that is held out for one container would be trained for the other, and a model that
    meets it would be right to take the one for the other.
    """
    return zlib.crc32(_SAID_OF.sub("_", form).encode()) / 2**32


@cache
def forms(*patterns: str) -> Forms:
    """Expand the patterns and hold out some forms, at least one; never the first."""
    said = list(dict.fromkeys(form for pattern in patterns for form in expand(pattern)))
    lowest = min(map(_draw, said[1:]))
    held = [form for form in said[1:] if _draw(form) <= max(lowest, HELDOUT_SHARE)]
    return Forms(tuple(form for form in said if form not in held), tuple(held))


@dataclass(frozen=True, slots=True)
class Fact:
    """One quantity of a story.

    `quantity` names it ("how many apples Ann has at first"); `say` states it; `vague` mentions it
    without its value; `check` asks about it directly; `low`..`high` is the range of its value.
    `droppable`: leaving it unsaid makes the request incomplete. `optional`: the story still makes
    sense without it. Distractors are not `needed`.
    """

    key: str
    quantity: str
    say: Forms
    vague: tuple[str, ...]
    check: str
    low: int = 2
    high: int = 20
    droppable: bool = False
    optional: bool = False
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """`left op right`, each a fact's key or "#i", the result of step i."""

    op: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Story:
    """Facts in telling order, the plan that leads to the answer, and the question."""

    name: str
    facts: tuple[Fact, ...]
    plan: tuple[Step, ...]
    questions: Forms


LEAD = "[|Then |Later |After that, ]"

# What may happen to a stock: the operation, what it is called, how it is said, hinted at, asked.
_Event = tuple[str, str, Forms, tuple[str, ...], str]
_GIVEN: _Event = (
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
_GIVES: _Event = (
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
_EVENTS: tuple[_Event, ...] = (
    _GIVEN,
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
    _GIVES,
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


def _events(
    rng: Random, plan: list[Step], count: int, first: str = "", among: Sequence[_Event] = _EVENTS
) -> list[Fact]:
    """Add `count` events to the plan; the first acts on `first` where the plan is empty."""
    facts: list[Fact] = []
    for index, (op, quantity, say, vague, check) in enumerate(rng.sample(among, count)):
        key = f"event{index}"
        facts.append(Fact(key, quantity, say, vague, check, optional=True))
        plan.append(Step(op, f"#{len(plan) - 1}" if plan else first, key))
    return facts


_WHEN = "[now|in the end|at the end]"
_ASK = "[Find|Work out|Tell me]"
_NOW = (
    f"How many {{T}} does {{A}} have {_WHEN}?",
    f"How many {{T}} are left with {{A}} {_WHEN}?",
    f"{_ASK} [how many|the number of] {{T}} {{A}} has {_WHEN}.",
)
_ALL = (f"How many {{T}} does {{A}} have in all {_WHEN}?", "How many {T} does {A} have in all?")
_MONEY = tuple(pattern.replace("{T}", "dollars") for pattern in _NOW)


def _has(thing: str) -> Forms:
    return forms(
        f"{{A}} [has|owns|keeps] {{v}} {thing}.",
        f"[At home|Today], {{A}} [has|owns|keeps] {{v}} {thing}.",
        f"There are {{v}} {thing} in the [room|house] of {{A}}.",
        f"In the [room|house] of {{A}} there are {{v}} {thing}.",
        f"{{A}} [has|owns|keeps] {{v}} {thing} in the [room|house].",
    )


def _starts(thing: str) -> Forms:
    return forms(
        f"{{A}} [has|owns|keeps] {{v}} {thing} [at first|at the start|to begin with].",
        f"[At first|At the start|To begin with], {{A}} [has|owns|keeps] {{v}} {thing}.",
        f"{{A}} [starts|begins] with {{v}} {thing}.",
    )


_START = Fact(
    "start",
    "how many {T} {A} has at first",
    _starts("{T}"),
    ("{A} has some {T} at first.", "At the start, {A} owns some {T}."),
    "Does {A} have {v} {T} at first?",
    high=60,
    droppable=True,
)


def change(rng: Random, events: int | None = None) -> Story:
    """A stock that grows and shrinks."""
    plan: list[Step] = []
    facts = _events(rng, plan, events or rng.choice((2, 2, 2, 3)), "start")
    return Story("change", (_START, *facts), tuple(plan), forms(*_NOW))


def transfer(rng: Random) -> Story:
    """A stock from which something is given to another, or to which another gives."""
    plan: list[Step] = []
    facts = _events(rng, plan, rng.choice((1, 1, 2)), "start", (_GIVEN, _GIVES))
    return Story("transfer", (_START, *facts), tuple(plan), forms(*_NOW))


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
        _has("{T}"),
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
                f"{_ASK} [how many|the number of] {{T}} {{A}} and {{B}} have [together|in all].",
            ),
        )
    third, op2 = _relation(rng, "third", "{C}", "{B}")
    return Story(
        "compare-three",
        (base, second, third),
        (Step(op, "base", "second"), Step(op2, "#0", "third")),
        forms(
            "How many {T} does {C} [have|own|keep]?",
            f"{_ASK} [how many|the number of] {{T}} {{C}} [has|owns|keeps].",
        ),
    )


def groups(rng: Random, events: int | None = None) -> Story:
    """Equal groups, then something gained or lost."""
    count = Fact(
        "count",
        "how many {Ks} {A} has",
        _has("{Ks}"),
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
    facts = _events(rng, plan, events or rng.choice((1, 1, 2)))
    return Story("groups", (count, each, *facts), tuple(plan), forms(*_NOW, *_ALL))


def share(rng: Random) -> Story:
    """An equal share, added to what each had."""
    del rng
    total = Fact(
        "total",
        "how many {T} {A} has",
        _has("{T}"),
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
            f"How many {{T}} does [each|every] child have {_WHEN}?",
            f"{_ASK} [how many|the number of] {{T}} [each|every] child has {_WHEN}.",
        ),
    )


_COST = Fact(
    "cost",
    "how many dollars the {T} cost each",
    forms(
        "The {T} cost {v} dollars [each|apiece].",
        "At the [shop|market], the {T} cost {v} dollars [each|apiece].",
        "[Each|Every one] of the {T} costs {v} dollars[| there| at the shop].",
        "The price of the {T} is {v} dollars [each|apiece].",
        "The price of [each|every one] of the {T} is {v} dollars.",
        "The [shop|market] sells [|all ]the {T} for {v} dollars [each|apiece].",
        "{A} pays {v} dollars for [each|every one] of the {T}.",
    ),
    ("The {T} cost some dollars each.", "Each of the {T} costs a few dollars."),
    "Do the {T} cost {v} dollars each?",
    high=12,
    droppable=True,
)
_BOUGHT = Fact(
    "count",
    "how many {T} {A} buys",
    forms(
        "[|Then |At the shop, |At the market, ]{A} [buys|orders|takes] {v} [|of the ]{T}.",
        "{A} [buys|orders|takes] {v} [|of the ]{T} at the [shop|market].",
    ),
    ("{A} buys some {T}.", "At the shop, {A} buys some of the {T}."),
    "Does {A} buy {v} {T}?",
    high=12,
    droppable=True,
)
_FEE = Fact(
    "fee",
    "how many dollars the delivery costs",
    forms(
        "The delivery costs {v} dollars.",
        "The delivery [|home ]costs [|{A} ]{v} dollars.",
        "{A} [|also |then ]pays {v} dollars for the delivery[| home].",
        "The price of the delivery [|home ]is {v} dollars.",
        "For the delivery[| home], {A} [|also ]pays {v} dollars.",
    ),
    ("The delivery costs some dollars.", "{A} also pays for the delivery."),
    "Does the delivery cost {v} dollars?",
    optional=True,
)
_PURSE = Fact(
    "purse",
    "how many dollars {A} has at first",
    _starts("dollars"),
    ("{A} has some dollars at first.", "{A} starts with some dollars."),
    "Does {A} have {v} dollars at first?",
    low=10,
    high=99,
    droppable=True,
)


def price(rng: Random) -> Story:
    """Buying several at one price, with a fee, or out of a purse."""
    if rng.random() < 0.5:
        return Story(
            "price-fee",
            (_COST, _BOUGHT, _FEE),
            (Step("*", "cost", "count"), Step("+", "#0", "fee")),
            forms(
                "How many dollars does {A} pay[| in all| together]?",
                f"{_ASK} [how many|the number of] dollars {{A}} pays [in all|together].",
            ),
        )
    return Story(
        "price-purse",
        (_PURSE, _COST, _BOUGHT),
        (Step("*", "cost", "count"), Step("-", "purse", "#0")),
        forms(*_MONEY),
    )


def _lasting(unit: str) -> Forms:
    return forms(
        f"{{A}} works for {{v}} {unit}.",
        f"{{A}} works [|for ]{{v}} {unit}[| in a row].",
        f"The work [of {{A}} takes|takes {{A}}] {{v}} {unit}.",
        f"For {{v}} {unit}[| in a row], {{A}} [works|is at work].",
        f"{{A}} is at work for {{v}} {unit}[| in a row].",
        f"{{A}} [does|keeps doing] [this|that] for {{v}} {unit}[| in a row].",
    )


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
        _lasting("days"),
        ("{A} works for some days.", "The work of {A} takes a few days."),
        "Does {A} work for {v} days?",
        high=12,
        droppable=True,
    )
    plan = [Step("*", "pace", "days")]
    facts = _events(rng, plan, events or rng.choice((1, 1, 2)))
    return Story("rate", (pace, days, *facts), tuple(plan), forms(*_NOW))


_PAY = Fact(
    "pay",
    "how many dollars {A} earns an hour",
    forms(
        "{A} [earns|makes|gets] {v} dollars [an|each|every] hour.",
        "[Each|Every] hour, {A} [earns|makes|gets] {v} dollars.",
        "The pay of {A} is {v} dollars [an|each|every] hour.",
    ),
    ("{A} earns some dollars an hour.", "Every hour, {A} earns a few dollars."),
    "Does {A} earn {v} dollars an hour?",
    high=12,
    droppable=True,
)
_HOURS = Fact(
    "hours",
    "how many hours {A} works",
    _lasting("hours"),
    ("{A} works for some hours.", "The work of {A} takes a few hours."),
    "Does {A} work for {v} hours?",
    high=12,
    droppable=True,
)
_SAVED = Fact(
    "saved",
    "how many dollars {A} saved before",
    forms(
        "{A} [saved|had] {v} dollars [before|already|before that].",
        "[Before|Before that|Until now], {A} [saved|had] {v} dollars.",
    ),
    ("{A} saved some dollars before.", "Before, {A} had a few dollars."),
    "Did {A} save {v} dollars before?",
    high=60,
    optional=True,
)
_SPENT = Fact(
    "spent",
    "how many dollars {A} spends on {T}",
    forms(
        LEAD + "{A} [|also ]spends {v} dollars on {T}.",
        LEAD + "{A} [|also ]pays {v} dollars for {T}.",
        "For {T}, {A} [|also ]pays {v} dollars.",
        "On {T}, {A} [|also ]spends {v} dollars.",
    ),
    ("{A} spends some dollars on {T}.", "Then {A} pays a few dollars for {T}."),
    "Does {A} spend {v} dollars on {T}?",
    optional=True,
)


def wages(rng: Random) -> Story:
    """Pay by the hour, with savings or spending."""
    extra = {"+": _SAVED, "-": _SPENT}
    kinds = rng.choice((("+",), ("-",), ("+", "-")))
    plan = [Step("*", "pay", "hours")]
    for kind in kinds:
        plan.append(Step(kind, f"#{len(plan) - 1}", extra[kind].key))
    facts = (_PAY, _HOURS, *(extra[kind] for kind in kinds))
    return Story("wages", facts, tuple(plan), forms(*_MONEY))


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
    facts = _events(rng, plan, events or 1)
    return Story("pair", (first, second, *facts), tuple(plan), forms(*_NOW, *_ALL))


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
