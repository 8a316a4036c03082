"""`missing`: does the model ask for what it was not told, and only then?

An instruction is told at once as a list: whole (`complete`), without one fact that it needs
(`missing`), or without it and with a fact that nothing depends on (`distracted`). The user gives
the fact to a reply that asks for it, and to no other. A model that always asks and one that never
does both come to a net of 0. After Wang et al. 2025, arXiv 2507.23407 (GSM-MC and GSM-MCE).

This module knows nothing of models, or of how a question is recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from uptake.episode import Episode
from uptake.instruction import Instruction
from uptake.measures import Metric
from uptake.scenario import Scenario, Told, bullets

__all__ = ["Missing", "asked", "asks", "missing"]

Played = Mapping[str, Episode]
"""The episodes of one instruction and repeat, by condition."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The same instruction whole, and with a hole in it."""

    name: str = "missing"
    conditions: tuple[str, ...] = ("complete", "missing", "distracted")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` under each condition; none where it has no fact to leave out.

        `distracted` needs a sentence that the domain gives as `meta["distractor"]`. Where the
        domain says of which shards the absence can be noticed (`meta["gaps"]`), one of them is
        left out.
        """
        left_out = withheld(instruction)
        if left_out is None:
            return []
        everything = tuple(range(len(instruction.shards)))
        told = tuple(i for i in everything if i != left_out)
        found = [
            _scenario(instruction, "complete", everything),
            _scenario(instruction, "missing", told),
        ]
        distractor = instruction.meta.get("distractor")
        if isinstance(distractor, str):
            found.append(_scenario(instruction, "distracted", told, distractor))
        return found


def withheld(instruction: Instruction) -> int | None:
    """The needed shard that is left out, the same for the same instruction; None if there is none.

    One of `meta["gaps"]`, where the domain knows them: an argument that has a default, or one
    filter of a query, is not missed by anybody. Otherwise one that names its quantity is
    preferred, since a question can then be seen to ask for it.
    """
    needed = sorted(instruction.needed - {0})
    named = [i for i in needed if instruction.shards[i].quantity] or needed
    gaps = instruction.meta.get("gaps")
    found = named if gaps is None else [i for i in needed if i in gaps]
    return Random(f"missing/{instruction.id}").choice(found) if found else None


def _scenario(
    instruction: Instruction, condition: str, told: tuple[int, ...], extra: str | None = None
) -> Scenario:
    texts = [instruction.shards[i].text for i in told] + ([extra] if extra else [])
    hidden = frozenset(range(len(instruction.shards))) - set(told)
    return Scenario(instruction, condition, (Told(bullets(texts), told),), hidden=hidden)


def asks(condition: str, played: Played) -> float | None:
    """Whether the first reply asks and commits to no answer."""
    return float(played[condition].turns[0].asked) if condition in played else None


def asks_right(condition: str, played: Played) -> float | None:
    """Whether the question is for what was left out; None where nothing is asked."""
    if not asks(condition, played):
        return None
    first = played[condition].turns[0]
    return float(first.about is not None and first.about not in first.told)


def asked(episode: Episode) -> bool:
    """Whether the first reply asks and commits to no answer."""
    return episode.turns[0].asked


def net(condition: str, played: Played) -> float | None:
    """Asks where something is missing, less asks where nothing is (Youden's J)."""
    needed, needless = asks(condition, played), asks("complete", played)
    return None if needed is None or needless is None else needed - needless


def holds(played: Played) -> float | None:
    """Whether nothing is asked of a complete request."""
    needless = asks("complete", played)
    return None if needless is None else 1 - needless


def solved(condition: str, played: Played) -> float | None:
    """The score of the last reply where the fact was asked for, and 0 where it never was told."""
    if condition not in played:
        return None
    last = played[condition].turns[-1]
    return last.score if last.ready else 0.0


def burden(condition: str, played: Played) -> float | None:
    """The words the user had to say after the first message."""
    if condition not in played:
        return None
    return float(sum(len(turn.user.split()) for turn in played[condition].turns[1:]))


def _metrics(condition: str) -> tuple[Metric, ...]:
    """What is measured where something is missing, under one of the two conditions."""
    whole = condition == "missing"
    return (
        Metric("asks", condition, partial(asks, condition), "asks when a needed fact is missing"),
        Metric(
            "asks_right",
            condition,
            partial(asks_right, condition),
            "of its questions, those for the fact that is missing",
            pooled=True,
        ),
        Metric(
            "net",
            condition,
            partial(net, condition),
            "asks when needed, less asks when not",
            kind="difference",
            headline=whole,
            sides=((condition, lambda e: not asked(e)), ("complete", asked)),
        ),
        Metric(
            "solved",
            condition,
            partial(solved, condition),
            "right in the end, having asked for the fact",
            headline=whole,
        ),
        Metric(
            "user_words",
            condition,
            partial(burden, condition),
            "words that the user had to add",
            kind="amount",
        ),
    )


METRICS = (
    Metric("holds", "complete", holds, "asks nothing of a complete request"),
    *_metrics("missing"),
    *_metrics("distracted"),
)


missing = Missing()
