"""A journey: tickets, bicycles and the weather."""

from __future__ import annotations

from uptake.domains.actions.themes.phrases import DAY
from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    choice,
    day,
    flag,
    listed,
    whole,
    word,
)

__all__ = ["TRAIN"]

_STATIONS = word(
    "Antwerp", "Basel", "Cologne", "Dijon", "Graz", "Lyon", "Milan", "Turin", "Utrecht"
)

TRAIN = Theme(
    "train",
    (
        Function(
            "book_train",
            "Books a train ticket.",
            (
                Param(
                    "origin",
                    word("Bern", "Ghent", "Lille", "Munich", "Prague", "Vienna"),
                    "The town it leaves from.",
                    "the town where the journey begins",
                    "[from|out of] {v}",
                    ("{S} sets out from {v}.", "{v} is where {S} sets out."),
                    claim="{S} sets out from {v}",
                ),
                Param(
                    "destination",
                    _STATIONS,
                    "The town it goes to.",
                    "the town where the journey ends",
                    "to {v}",
                    ("{S} ends in {v}.", "{v} is where {S} ends."),
                    claim="{S} ends in {v}",
                ),
                Param(
                    "date",
                    day(),
                    DAY,
                    "the day of the journey",
                    "on {v}",
                    ("{S} happens on {v}.", "I take {S} on {v}."),
                    claim="the date of {S} is {v}",
                ),
                Param(
                    "passengers.adults",
                    whole(1, 5),
                    "How many adults.",
                    "the number of adults on the journey",
                    "for {v} [grown-up|adult] passengers",
                    ("Count {v} adults for {S}.", "The number of adults on {S} is {v}."),
                    claim="the number of adults on {S} is {v}",
                ),
                Param(
                    "passengers.children",
                    whole(1, 5),
                    "How many children.",
                    "the number of children on the journey",
                    "with children numbering {v}",
                    ("The number of children on {S} is {v}.", "For {S}, put down {v} as children."),
                    required=False,
                    default=0,
                    claim="the number of children on {S} is {v}",
                ),
                Param(
                    "via",
                    listed("Aachen", "Metz", "Ulm", "Verona", "Zurich", ordered=True),
                    "Towns to stop in, in the order of the journey.",
                    "the towns on the way",
                    "by way of {v}",
                    ("{S} leads by way of {v}.", "Route {S} by way of {v}."),
                    required=False,
                    claim="{S} leads by way of {v}",
                ),
                Param(
                    "seat",
                    choice("window", "aisle", "table"),
                    "Where to sit.",
                    "the seat on the journey",
                    "in a {v} seat",
                    ("I want a {v} seat on {S}.", "Choose a {v} seat for {S}."),
                    required=False,
                    default="window",
                    claim="the kind of seat on {S} is {v}",
                ),
            ),
            does="book a train journey",
            subject="the journey",
            again="date",
        ),
        Function(
            "rent_bicycle",
            "Rents a bicycle at a station.",
            (
                Param(
                    "town",
                    _STATIONS,
                    "The town.",
                    "the town of the bicycle",
                    "in {v}",
                    ("In {v}.",),
                ),
                Param(
                    "electric",
                    flag("electric", "plain"),
                    "Whether it has a motor.",
                    "the kind of bicycle",
                    "{v}",
                    ("Take the {v} one.",),
                    required=False,
                    default=False,
                ),
            ),
            also=("On top of that, rent a bicycle in {v}.",),
            also_claim="a bicycle in {v} is rented as well",
        ),
        Function(
            "check_weather",
            "Forecasts the weather of a town.",
            (
                Param(
                    "town", _STATIONS, "The town.", "the town of the forecast", "in {v}", ("{v}.",)
                ),
            ),
            also=("On top of that, look up the weather in {v}.",),
            also_claim="the weather in {v} is looked up as well",
        ),
    ),
)
