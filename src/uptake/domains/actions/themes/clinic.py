"""A clinic: appointments, prescriptions and pharmacies."""

from __future__ import annotations

from uptake.domains.actions.themes.phrases import DAY
from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    choice,
    day,
    listed,
    person,
    whole,
    word,
)

__all__ = ["CLINIC"]

CLINIC = Theme(
    "clinic",
    (
        Function(
            "book_appointment",
            "Books an appointment at the clinic.",
            (
                Param(
                    "patient",
                    person(),
                    "The patient's name.",
                    "who the patient is",
                    "for {v}",
                    ("{v} is the patient for {S}.", "Book {S} under the name {v}."),
                    claim="{S} is under the name {v}",
                ),
                Param(
                    "department",
                    choice("eyes", "heart", "skin", "teeth"),
                    "The part of the clinic.",
                    "the department of the appointment",
                    "in the {v} department",
                    ("{S} belongs to the {v} department.", "Ask the {v} department for {S}."),
                    claim="{S} belongs to the {v} department",
                ),
                Param(
                    "date",
                    day(),
                    DAY,
                    "the day of the appointment",
                    "on {v}",
                    ("Make {S} for {v}.", "{v} is the day for {S}."),
                    claim="{S} falls on {v}",
                ),
                Param(
                    "contact.phone",
                    whole(200_000, 999_999),
                    "A phone number, digits only.",
                    "the phone number for the appointment",
                    "with the phone number {v}",
                    ("Leave {v} as the phone number for {S}.", "The phone number with {S} is {v}."),
                    required=False,
                    claim="the phone number with {S} is {v}",
                ),
                Param(
                    "contact.reminder",
                    choice("none", "text", "call"),
                    "How to remind the patient.",
                    "the kind of reminder of the appointment",
                    "with a {v} reminder",
                    ("A {v} reminder of {S} would help.", "Set a {v} reminder for {S}."),
                    required=False,
                    default="none",
                    claim="the kind of reminder for {S} is {v}",
                ),
                Param(
                    "symptoms",
                    listed("itching", "redness", "swelling", "numbness", "tiredness"),
                    "In any order.",
                    "the symptoms",
                    "because of {v}",
                    ("The reason for {S} is {v}.", "Give {v} as the reason for {S}."),
                    required=False,
                    claim="the reason for {S} is {v}",
                ),
            ),
            does="book a visit to the clinic",
            subject="the appointment",
            again="patient",
        ),
        Function(
            "renew_prescription",
            "Renews a prescription.",
            (
                Param(
                    "number",
                    whole(1000, 9999),
                    "The number of the prescription.",
                    "the prescription to renew",
                    "number {v}",
                    ("It is {v}.",),
                ),
                Param(
                    "packs",
                    whole(1, 6),
                    "How many packs.",
                    "the number of packs",
                    "of {v} packs",
                    ("It is {v}.",),
                    required=False,
                    default=1,
                ),
            ),
            also=("On top of that, renew prescription number {v}.",),
            also_claim="prescription number {v} is renewed as well",
        ),
        Function(
            "find_pharmacy",
            "Finds the pharmacies of a district.",
            (
                Param(
                    "district",
                    word("Northgate", "Riverside", "Old Port", "Eastfield"),
                    "The name of the district.",
                    "the district of the pharmacies",
                    "in {v}",
                    ("It is {v}.",),
                ),
            ),
            also=("On top of that, find a pharmacy in {v}.",),
            also_claim="a pharmacy in {v} is looked for as well",
        ),
    ),
)
