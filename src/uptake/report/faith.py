"""How faithful a model that played the user was, and which conversations it spoiled.

This module knows nothing of how faults are found (`user`) or shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uptake.cells import spoiled, unfaithful
from uptake.episode import Episode

__all__ = ["Faith", "Fault", "faith"]


@dataclass(frozen=True)
class Fault:
    """One turn that the user's model got wrong: in which conversation, which turn from 1, why."""

    episode: str
    turn: int
    why: str


@dataclass(frozen=True)
class Faith:
    """A user's model: how many of its turns were unfaithful, and what it spoiled by them.

    The scripted words stood in at those turns, so the conversations are scored like any other.
    """

    user: str
    turns: int
    episodes: int
    spoiled: int
    faults: tuple[Fault, ...]

    @property
    def words(self) -> str:
        """All of it in one line."""
        return (
            f"unfaithful at {len(self.faults):,} of {self.turns:,} turns, "
            f"which spoiled {self.spoiled:,} of {self.episodes:,} conversations"
        )


def faith(episodes: Sequence[Episode]) -> list[Faith]:
    """One a user's model; none where only the scripted user played."""
    by_user: dict[str, list[Episode]] = {}
    for episode in episodes:
        if episode.user != "scripted":
            by_user.setdefault(episode.user, []).append(episode)
    return [_faith(user, played) for user, played in by_user.items()]


def _faith(user: str, played: Sequence[Episode]) -> Faith:
    faults = [
        Fault(_title(episode), number, turn.unfaithful or "")
        for episode in played
        for number, turn in enumerate(episode.turns, 1)
        if unfaithful(turn)
    ]
    turns = sum(len(episode.turns) for episode in played)
    return Faith(user, turns, len(played), sum(map(spoiled, played)), tuple(faults))


def _title(e: Episode) -> str:
    return f"{e.probe} · {e.instruction_id} · {e.condition} · {e.model} · repeat {e.repeat + 1}"
