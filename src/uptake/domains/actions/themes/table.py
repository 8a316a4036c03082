"""An evening out: a table, a cake and a taxi."""

from __future__ import annotations

from uptake.domains.actions.themes.phrases import DAY, TIME
from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    choice,
    day,
    listed,
    time,
    whole,
    word,
)

__all__ = ["TABLE"]

TABLE = Theme(
    "restaurant",
    (
        Function(
            "reserve_table",
            "Reserves a table.",
            (
                Param(
                    "restaurant",
                    word("Rialto", "The Copper Pot", "Sumac", "Lantern House", "Nonna Lia"),
                    "The name of the place.",
                    "the restaurant",
                    "at {v}",
                    ("{S} should be at {v}.", "The restaurant for {S} is {v}."),
                    claim="{S} is at {v}",
                ),
                Param(
                    "guests",
                    whole(2, 14),
                    "How many people come.",
                    "how many people come to the table",
                    "for {v} people",
                    ("{S} has to seat {v} people.", "We will be {v} people at {S}."),
                    claim="{S} seats {v} people",
                ),
                Param(
                    "date",
                    day(),
                    DAY,
                    "the day of the reservation",
                    "on {v}",
                    ("We need {S} on {v}.", "Have {S} kept for us on {v}."),
                    claim="{S} is wanted on {v}",
                ),
                Param(
                    "time",
                    time(),
                    TIME,
                    "the time of the reservation",
                    "at {v}",
                    ("We come to {S} at {v}.", "Have {S} ready at {v}."),
                    claim="{S} is to be ready at {v}",
                ),
                Param(
                    "area",
                    choice("inside", "terrace", "bar"),
                    "Where the table is.",
                    "where the table is",
                    "in the {v} area",
                    ("{S} must be in the {v} area.", "Pick {S} in the {v} area."),
                    required=False,
                    default="inside",
                    claim="{S} is in the {v} area",
                ),
                Param(
                    "diets",
                    listed("vegan", "kosher", "halal", "gluten-free", "nut-free"),
                    "What the kitchen has to mind, in any order.",
                    "the diets at the table",
                    "with {v} food",
                    ("Those at {S} want {v} food.", "For {S}, ask for {v} food."),
                    required=False,
                    claim="{v} food is wanted at {S}",
                ),
            ),
            does="reserve a table",
            subject="the table",
            again="date",
        ),
        Function(
            "order_cake",
            "Orders a cake.",
            (
                Param(
                    "flavour",
                    word("lemon", "carrot", "walnut", "chocolate", "cherry"),
                    "The flavour, one word.",
                    "the flavour of the cake",
                    "with {v}",
                    ("It is {v}.",),
                ),
                Param(
                    "candles",
                    whole(1, 90),
                    "How many candles.",
                    "the number of candles",
                    "with {v} candles",
                    ("It has {v}.",),
                    required=False,
                    default=0,
                ),
            ),
            also=("On top of that, order a {v} cake.",),
            also_claim="a {v} cake is ordered as well",
        ),
        Function(
            "call_taxi",
            "Orders a taxi.",
            (Param("time", time(), TIME, "the time of the taxi", "at {v}", ("It comes at {v}.",)),),
            also=("On top of that, call a taxi for {v}.",),
            also_claim="a taxi comes at {v} as well",
        ),
    ),
)
