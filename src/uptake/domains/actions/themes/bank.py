"""A bank: transfers, cards and limits."""

from __future__ import annotations

from uptake.domains.actions.themes.phrases import DAY
from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    amount,
    choice,
    day,
    flag,
    person,
    whole,
    word,
)

__all__ = ["BANK"]

BANK = Theme(
    "bank",
    (
        Function(
            "transfer_money",
            "Transfers money to somebody.",
            (
                Param(
                    "to",
                    person(),
                    "Who gets the money.",
                    "who gets the money",
                    "to {v}",
                    ("{v} is the one who gets {S}.", "Address {S} to {v}."),
                    claim="{v} is the one who gets {S}",
                ),
                Param(
                    "amount",
                    amount(12, 900),
                    "How much.",
                    "the amount of the transfer",
                    "of {v}",
                    ("{S} comes to {v}.", "Make {S} an amount of {v}."),
                    claim="{S} comes to {v}",
                ),
                Param(
                    "currency",
                    choice("EUR", "USD", "GBP", "CHF"),
                    "The code of the currency.",
                    "the currency of the transfer",
                    "in {v}",
                    ("{S} is made in {v}.", "For {S}, use {v}."),
                    claim="{S} is made in {v}",
                ),
                Param(
                    "reference",
                    word("rent deposit", "roof repair", "choir trip", "garden tools", "ski week"),
                    "The words on the statement.",
                    "the reference of the transfer",
                    'with the reference "{v}"',
                    ('Write "{v}" as the reference of {S}.', 'The reference on {S} reads "{v}".'),
                    required=False,
                    claim='the words on the statement are "{v}"',
                ),
                Param(
                    "when",
                    day(),
                    f"{DAY} Today if left out.",
                    "the day of the transfer",
                    "dated {v}",
                    ("{S} should leave on {v}.", "Date {S} {v}."),
                    required=False,
                    claim="{S} leaves on {v}",
                ),
                Param(
                    "urgent",
                    flag("urgent", "ordinary"),
                    "True if urgent, false if ordinary.",
                    "how urgent the transfer is",
                    "as an {v} payment",
                    ("Handle {S} as an {v} payment.", "{S} counts as {v}."),
                    required=False,
                    default=False,
                    claim="{S} counts as {v}",
                ),
            ),
            does="make a transfer",
            subject="the transfer",
            again="to",
        ),
        Function(
            "freeze_card",
            "Freezes a bank card.",
            (
                Param(
                    "last_digits",
                    whole(1000, 9999),
                    "The last four digits.",
                    "the card to freeze",
                    "ending in {v}",
                    ("It is {v}.",),
                ),
                Param(
                    "reason",
                    choice("lost", "stolen", "unused"),
                    "Why.",
                    "why the card is frozen",
                    "because it is {v}",
                    ("It is {v}.",),
                    required=False,
                    default="unused",
                ),
            ),
            also=("On top of that, freeze the card ending in {v}.",),
            also_claim="the card ending in {v} is frozen as well",
        ),
        Function(
            "set_spending_limit",
            "Sets the most that may be spent in a month.",
            (
                Param(
                    "limit",
                    whole(300, 4000, 50),
                    "In the currency of the account.",
                    "the spending limit of a month",
                    "to {v}",
                    ("It is {v}.",),
                ),
            ),
            also=("On top of that, set my monthly spending limit to {v}.",),
            also_claim="the monthly spending limit is set to {v} as well",
        ),
    ),
)
