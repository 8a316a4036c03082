"""Music: playlists, volume and artists."""

from __future__ import annotations

from uptake.domains.actions.tools import (
    Function,
    Param,
    Theme,
    choice,
    flag,
    listed,
    person,
    whole,
    word,
)

__all__ = ["MUSIC"]

MUSIC = Theme(
    "music",
    (
        Function(
            "make_playlist",
            "Makes a playlist.",
            (
                Param(
                    "name",
                    word("Slow Sunday", "Night Drive", "Rain Check", "First Light", "Loud Lunch"),
                    "The name of the playlist.",
                    "the name of the playlist",
                    'called "{v}"',
                    ('[Call|Name] {S} "{v}".', 'The name of {S} is "{v}".'),
                    claim='{S} is called "{v}"',
                ),
                Param(
                    "genres",
                    listed("jazz", "folk", "soul", "techno", "opera", "blues", "ska"),
                    "What to mix, in any order.",
                    "the genres of the playlist",
                    "of {v}",
                    ("{S} should mix {v}.", "Fill {S} with {v}."),
                    claim="{S} mixes {v}",
                ),
                Param(
                    "minutes",
                    whole(20, 240, 10),
                    "How long, in minutes.",
                    "the length of the playlist",
                    "of {v} minutes",
                    ("{S} should be {v} minutes long.", "The length of {S} is {v} minutes."),
                    required=False,
                    default=60,
                    claim="{S} is {v} minutes long",
                ),
                Param(
                    "energy",
                    choice("low", "medium", "high"),
                    "How lively it is.",
                    "the energy of the playlist",
                    "with {v} energy",
                    ("{S} should have {v} energy.", "The energy of {S} should be {v}."),
                    required=False,
                    default="medium",
                    claim="{S} has {v} energy",
                ),
                Param(
                    "first_songs",
                    listed("Wires", "Paper Boat", "Salt", "Old Coat", "Mirror", ordered=True),
                    "Songs to begin with, in this order.",
                    "the songs the playlist begins with",
                    "beginning with {v}",
                    ("{S} should begin with {v}.", "Open {S} with {v}."),
                    required=False,
                    claim="{S} begins with {v}",
                ),
                Param(
                    "owner",
                    person(),
                    "Whose account it belongs to.",
                    "whose account the playlist belongs to",
                    "[for|in the account of] {v}",
                    ("{S} belongs in the account of {v}.", "Put {S} in the account of {v}."),
                    claim="{S} belongs in the account of {v}",
                ),
            ),
            does="make a playlist",
            subject="the playlist",
            again="owner",
        ),
        Function(
            "set_volume",
            "Sets the volume of the speakers.",
            (
                Param(
                    "percent",
                    whole(5, 95, 5),
                    "From 0 to 100.",
                    "the volume of the speakers",
                    "to {v} percent",
                    ("It is {v}.",),
                ),
            ),
            also=("[Also set|And set] the volume to {v} percent.",),
            also_claim="the volume is to be set to {v} percent, too",
        ),
        Function(
            "follow_artist",
            "Follows an artist.",
            (
                Param(
                    "artist",
                    word("The Ferries", "Miriam Vale", "Blue Static", "Kid Orbit", "Nine Pins"),
                    "The artist's name.",
                    "the artist to follow",
                    "{v}",
                    ("It is {v}.",),
                ),
                Param(
                    "alerts",
                    flag("with alerts", "without alerts"),
                    "Whether to tell of new songs.",
                    "whether to get alerts",
                    "{v}",
                    ("Do it {v}.",),
                    required=False,
                    default=False,
                ),
            ),
            also=("[Also follow|And follow] {v}.",),
            also_claim="{v} is to be followed, too",
        ),
    ),
)
