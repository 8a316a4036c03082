"""Parcels: sent, tracked, and boxes for them."""

from __future__ import annotations

from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    choice,
    flag,
    fraction,
    person,
    whole,
    word,
)

__all__ = ["PARCEL"]

PARCEL = Theme(
    "parcel",
    (
        Function(
            "send_parcel",
            "Books the sending of a parcel.",
            (
                Param(
                    "recipient",
                    person(),
                    "Who gets it.",
                    "who gets the parcel",
                    "to {v}",
                    ("{S} is for {v}.", "{S} goes to {v}."),
                    claim="{S} is for {v}",
                ),
                Param(
                    "address.street",
                    word("Mill Road", "Station Street", "Oak Lane", "Harbour Way", "Long Row"),
                    "The street, without the number.",
                    "the street where the parcel goes",
                    "in {v}",
                    ("{S} goes to [a house in |]{v}.", "The street for {S} is {v}."),
                    claim="{S} goes to {v}",
                ),
                Param(
                    "address.number",
                    whole(1, 240),
                    "The number of the house.",
                    "the number of the house where the parcel goes",
                    "at number {v}",
                    ("{S} goes to number {v}.", "The house number for {S} is {v}."),
                    claim="the house number for {S} is {v}",
                ),
                Param(
                    "weight_kg",
                    fraction(1, 15),
                    "In kilograms.",
                    "the weight of the parcel",
                    "weighing {v} kg",
                    ("{S} weighs {v} kg.", "The weight of {S} is {v} kg."),
                    claim="{S} weighs {v} kg",
                ),
                Param(
                    "insured",
                    flag("insured", "not insured"),
                    "Whether it is insured.",
                    "whether the parcel is insured",
                    "{v}",
                    ("{S} should be {v}.", "I want {S} to be {v}."),
                    required=False,
                    default=False,
                    claim="{S} is {v}",
                ),
                Param(
                    "speed",
                    choice("economy", "standard", "express"),
                    "How fast it goes.",
                    "how fast the parcel goes",
                    "by {v} delivery",
                    ("Send {S} by {v} delivery.", "{S} goes by {v} delivery."),
                    required=False,
                    default="standard",
                    claim="{S} goes by {v} delivery",
                ),
            ),
            does="send a parcel",
            subject="the parcel",
            again="recipient",
        ),
        Function(
            "track_parcel",
            "Says where a parcel is.",
            (
                Param(
                    "tracking_number",
                    whole(10_000, 99_999),
                    "The number on the slip.",
                    "the number of the parcel to track",
                    "number {v}",
                    ("It is {v}.",),
                ),
            ),
            also=("[Also track|And track] the shipment with the number {v}.",),
            also_claim="the shipment with the number {v} is to be tracked, too",
        ),
        Function(
            "order_boxes",
            "Orders empty boxes.",
            (
                Param(
                    "count",
                    whole(2, 40),
                    "How many.",
                    "how many empty boxes to order",
                    "{v} boxes",
                    ("It is {v}.",),
                ),
                Param(
                    "size",
                    choice("small", "medium", "large"),
                    "How big.",
                    "the size of the boxes",
                    "of {v} size",
                    ("They are {v}.",),
                    required=False,
                    default="medium",
                ),
            ),
            also=("[Also order|And order] {v} empty boxes.",),
            also_claim="{v} empty boxes are to be ordered, too",
        ),
    ),
)
