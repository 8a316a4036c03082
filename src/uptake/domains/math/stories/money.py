"""Stories of money: buying, and pay by the hour."""

from __future__ import annotations

from random import Random

from uptake.domains.math.stories.forms import forms
from uptake.domains.math.stories.parts import Fact, Step, Story
from uptake.domains.math.stories.phrases import ASK, LEAD, MONEY, lasting, starts

__all__ = ["price", "wages"]

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
    starts("dollars"),
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
                f"{ASK} [how many|the number of] dollars {{A}} pays [in all|together].",
            ),
        )
    return Story(
        "price-purse",
        (_PURSE, _COST, _BOUGHT),
        (Step("*", "cost", "count"), Step("-", "purse", "#0")),
        forms(*MONEY),
    )


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
    lasting("hours"),
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
    return Story("wages", facts, tuple(plan), forms(*MONEY))
