"""A house's heating: plans, locks and sensors."""

from __future__ import annotations

from uptake.domains.actions.themes.phrases import TIME
from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    choice,
    flag,
    fraction,
    listed,
    time,
    whole,
    word,
)

__all__ = ["HEATING"]

_ROOMS = word("kitchen", "study", "hall", "attic", "cellar", "workshop", "nursery")

HEATING = Theme(
    "heating",
    (
        Function(
            "schedule_heating",
            "Plans the heating of one room.",
            (
                Param(
                    "room",
                    _ROOMS,
                    "The room, one word.",
                    "the room to heat",
                    "in the {v}",
                    ("{S} is [for|in] the {v}.", "The room for {S} is the {v}."),
                    claim="{S} is for the {v}",
                ),
                Param(
                    "temperature",
                    fraction(16, 25),
                    "In degrees Celsius.",
                    "the temperature of the room",
                    "[at|to] {v} degrees",
                    ("Set {S} to {v} degrees.", "{S} should [bring|keep] it to {v} degrees."),
                    claim="{S} is set to {v} degrees",
                ),
                Param(
                    "from_time",
                    time(),
                    f"{TIME} Now if left out.",
                    "the time when the heating goes on",
                    "from {v}",
                    ("{S} [goes on|starts] at {v}.", "[Start|Begin] {S} at {v}."),
                    required=False,
                    claim="{S} goes on at {v}",
                ),
                Param(
                    "hours",
                    whole(1, 9),
                    "How many hours it stays on.",
                    "how long the heating stays on",
                    "for {v} hours",
                    ("{S} should stay on for {v} hours.", "Leave {S} on for {v} hours."),
                    required=False,
                    default=2,
                    claim="{S} stays on for {v} hours",
                ),
                Param(
                    "days",
                    listed("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
                    "The days of the week by their names, in any order. Every day if left out.",
                    "the days when the heating is on",
                    "on {v}",
                    ("{S} is wanted on {v}.", "Run {S} on {v}."),
                    required=False,
                    claim="{S} runs on {v}",
                ),
                Param(
                    "mode",
                    choice("eco", "comfort", "boost"),
                    "How it heats.",
                    "the mode of the heating",
                    "in {v} mode",
                    ("{S} should [run|work] in {v} mode.", "Use {v} mode for {S}."),
                    required=False,
                    default="comfort",
                    claim="{S} runs in {v} mode",
                ),
            ),
            does="plan the heating",
            subject="the heating",
            again="room",
        ),
        Function(
            "lock_controls",
            "Locks the heating controls of one room.",
            (
                Param(
                    "room", _ROOMS, "The room.", "the room to lock", "in the {v}", ("It is {v}.",)
                ),
            ),
            also=("[Also lock|And lock] the controls in the {v}.",),
            also_claim="the controls in the {v} are to be locked, too",
        ),
        Function(
            "read_sensor",
            "Reads a sensor of the house.",
            (
                Param(
                    "sensor",
                    choice("humidity", "smoke", "pressure", "noise"),
                    "Which sensor.",
                    "the sensor to read",
                    "for {v}",
                    ("It is {v}.",),
                ),
                Param(
                    "average",
                    flag("averaged", "raw"),
                    "Whether to average the last hour.",
                    "whether to average",
                    "{v}",
                    ("It should be {v}.",),
                    required=False,
                    default=False,
                ),
            ),
            also=("[Also read|And read] the {v} sensor.",),
            also_claim="the {v} sensor is to be read, too",
        ),
    ),
)
