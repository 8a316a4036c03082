"""`handoff`: does the model keep two topics apart, come back to one, and let one go?

A first task is begun. A second comes in between and the first is resumed (`resumed`); or both are
told in turns (`interleaved`); or the first is called off (`cancelled`). Leakage is a name or a
number in a reply that only the other topic holds.

This module knows nothing of models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from uptake.episode import Episode
from uptake.instruction import Instruction
from uptake.measures import Metric
from uptake.probes.variants import Played, acts_at, spoken
from uptake.scenario import Scenario, Told, bullets

__all__ = ["LISTENS", "Handoff", "handoff"]

LISTENS = "All right, go on."
"""What is said while more is to come."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """Two topics in one conversation."""

    name: str = "handoff"
    conditions: tuple[str, ...] = ("resumed", "interleaved", "cancelled")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` with `other` beside it; none where it has no two facts, or no other."""
        if other is None or other.answer == instruction.answer or len(instruction.shards) < 3:
            return []
        plans = {
            "resumed": _resumed(instruction, other),
            "interleaved": _interleaved(instruction, other),
            "cancelled": _cancelled(instruction, other),
        }
        return [
            Scenario(instruction, condition, plan, scripted=True)
            for condition, plan in plans.items()
        ]


def _halves(one: Instruction) -> tuple[str, str, tuple[int, ...], tuple[int, ...]]:
    """The intent with some of the facts, the rest, and the shards of each."""
    cut = (len(one.shards) + 1) // 2
    first, rest = tuple(range(cut)), tuple(range(cut, len(one.shards)))
    texts = [shard.text for shard in one.shards]
    return bullets(texts[:cut]), " ".join(texts[cut:]), first, rest


def _resumed(one: Instruction, two: Instruction) -> tuple[Told, ...]:
    begun, rest, first, last = _halves(one)
    return (
        Told(f"{begun}\nThat is not all yet, wait for the rest.", first, good=LISTENS, move="hold"),
        Told(
            f"Something else first. {two.full}",
            (),
            wants=two,
            rival=one,
            good=spoken(two),
        ),
        Told(
            f"Now back to my first question. {rest}",
            last,
            wants=one,
            rival=two,
            good=spoken(one, after="Back to your first question."),
            poor=spoken(two),
            move="resume",
        ),
    )


def _interleaved(one: Instruction, two: Instruction) -> tuple[Told, ...]:
    begun, rest, first, last = _halves(one)
    other_begun, other_rest, _, _ = _halves(two)
    return (
        Told(
            f"First: {begun}\nThat is not all yet, wait for the rest.",
            first,
            good=LISTENS,
            move="hold",
        ),
        Told(f"Second: {other_begun}\nThat is not all yet either.", (), good=LISTENS, move="hold"),
        Told(
            f"On the first: {rest}",
            last,
            rival=two,
            good=spoken(one, after="On the first:"),
            poor=spoken(two),
            move="resume",
        ),
        Told(
            f"On the second: {other_rest}",
            (),
            wants=two,
            rival=one,
            good=spoken(two, after="On the second:"),
            move="resume",
        ),
    )


def _cancelled(one: Instruction, two: Instruction) -> tuple[Told, ...]:
    begun, _, first, _ = _halves(one)
    return (
        Told(f"{begun}\nThat is not all yet, wait for the rest.", first, good=LISTENS, move="hold"),
        Told(
            f"Never mind, forget about that. {two.full}",
            (),
            wants=two,
            rival=one,
            good=spoken(two),
            poor=f"{LISTENS} What is the rest?",
        ),
    )


def returns(played: Played) -> float | None:
    """The score of the first task once it was resumed."""
    return played["resumed"].turns[-1].score if "resumed" in played else None


def marks(played: Played) -> float | None:
    """Whether the reply to the resumption says which topic it is on."""
    if "resumed" not in played:
        return None
    return float("topic_return" in acts_at(played["resumed"], -1))


def interleaves(played: Played) -> float | None:
    """Whether both tasks come out right when they are told in turns."""
    if "interleaved" not in played:
        return None
    scores = [turn.score for turn in played["interleaved"].turns[-2:]]
    return None if None in scores else float(all(score == 1 for score in scores))


def lets_go(played: Played) -> float | None:
    """The score of the second task after the first was called off."""
    return played["cancelled"].turns[-1].score if "cancelled" in played else None


def leaks(played: Played) -> float | None:
    """In what share of the conversations the last reply holds what only the other topic does."""
    found = [_leaks(episode) for episode in played.values()]
    return sum(found) / len(found) if found else None


def _leaks(episode: Episode) -> bool:
    """Names alone: a number may be the step of a sum."""
    own, other = _topics(episode)
    only = _names(other) - _names(own)
    return bool(only & _names(f". {episode.turns[-1].reply}"))


def _topics(episode: Episode) -> tuple[str, str]:
    """The words of the topic that the last reply is about, and of the other."""
    said = [turn.user for turn in episode.turns]
    if episode.condition == "resumed":
        return f"{said[0]} {said[2]}", said[1]
    if episode.condition == "interleaved":
        return f"{said[1]} {said[3]}", f"{said[0]} {said[2]}"
    return said[1], said[0]


def _names(text: str) -> set[str]:
    """Words with a capital that do not open a sentence or a line."""
    return set(re.findall(r"(?<=[a-z,;] )[A-Z][a-z]+", text)) | _openers(text)


def _openers(text: str) -> set[str]:
    """Openers of sentences that some later word shows to be a name: "Ann has", "Ann's"."""
    return set(
        re.findall(r"\b([A-Z][a-z]+)(?='s\b| (?:has|had|gives|gets|buys|puts|keeps)\b)", text)
    )


METRICS = (
    Metric("returns", "resumed", returns, "right on the topic that is resumed", headline=True),
    Metric("marks", "resumed", marks, "says that it is back on it"),
    Metric("interleaves", "interleaved", interleaves, "right on both when told in turns"),
    Metric("lets_go", "cancelled", lets_go, "right on the new topic after the old is called off"),
    Metric("leaks", "resumed", leaks, "brings in a name from the other topic"),
)


handoff = Handoff()
