"""A calendar: events made, taken out and listed."""

from __future__ import annotations

from uptake.domains.actions.themes.phrases import DAY, TIME
from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    day,
    flag,
    people,
    time,
    whole,
    word,
)

__all__ = ["CALENDAR"]

CALENDAR = Theme(
    "calendar",
    (
        Function(
            "create_event",
            "Puts an event into the calendar.",
            (
                Param(
                    "title",
                    word("budget review", "design talk", "team lunch", "road map", "quiet hour"),
                    "What the event is called.",
                    "the title of the meeting",
                    'called "{v}"',
                    ('[Call|Name] {S} "{v}".', 'The [title|name] of {S} is "{v}".'),
                    claim='the title of {S} is "{v}"',
                ),
                Param(
                    "date",
                    day(),
                    DAY,
                    "the day of the meeting",
                    "on {v}",
                    ("{S} [is|takes place] on {v}.", "The day of {S} is {v}."),
                    claim="{S} is on {v}",
                ),
                Param(
                    "start",
                    time(),
                    f"{TIME} All day if left out.",
                    "the time when the meeting starts",
                    "[at|from] {v}",
                    ("{S} [starts|begins] at {v}.", "The start of {S} is at {v}."),
                    required=False,
                    claim="{S} starts at {v}",
                ),
                Param(
                    "duration_minutes",
                    whole(10, 180, 5),
                    "How long it lasts, in minutes.",
                    "how long the meeting lasts",
                    "for {v} minutes",
                    ("{S} [lasts|takes] {v} minutes.", "Keep {v} minutes free for {S}."),
                    required=False,
                    default=60,
                    claim="{S} lasts {v} minutes",
                ),
                Param(
                    "attendees",
                    people(),
                    "Who is invited, in any order.",
                    "who is invited to the meeting",
                    "with {v}",
                    ("Invite {v} to {S}.", "{v} should be asked to {S}."),
                    required=False,
                    claim="{v} are invited to {S}",
                ),
                Param(
                    "private",
                    flag("private", "open to all"),
                    "Whether nobody else sees it: true if private, false if open to all.",
                    "who can see the meeting",
                    "marked as {v}",
                    ("{S} should be {v}.", "Mark {S} as {v}."),
                    required=False,
                    default=False,
                    claim="{S} is marked as {v}",
                ),
            ),
            does="put a meeting in the calendar",
            subject="the meeting",
            again="date",
        ),
        Function(
            "cancel_event",
            "Takes an event out of the calendar.",
            (
                Param(
                    "title",
                    word("dentist", "yoga class", "car check", "book club", "piano lesson"),
                    "What the event is called.",
                    "the entry to be cancelled",
                    'called "{v}"',
                    ('It is "{v}".',),
                ),
                Param(
                    "notify",
                    flag("with a notice", "without a notice"),
                    "Whether those invited are told.",
                    "whether people are told",
                    "{v}",
                    ("Do it {v}.",),
                    required=False,
                    default=True,
                ),
            ),
            also=('[Also cancel|Please cancel, too,] the entry called "{v}".',),
            also_claim='the entry called "{v}" is to be cancelled, too',
        ),
        Function(
            "list_events",
            "Lists the events of one day.",
            (Param("date", day(), DAY, "the day to list", "of {v}", ("It is {v}.",)),),
            also=("[Also list|And list] what is on for {v}.",),
            also_claim="the events of {v} are to be listed, too",
        ),
    ),
)
