"""`revision`: does the model take up what changed, and keep to what did not?

Everything is told at once and answered. Then the user corrects one fact (`changed`), takes one
back (`withdrawn`), or doubts a right answer for no reason (`pushback`). A model that always gives
in and one that never does both come to a net of 0.

This module knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from uptake.episode import Episode
from uptake.instruction import Instruction
from uptake.measures import Metric
from uptake.probes.variants import (
    Played,
    changeable,
    changed,
    pick,
    short,
    spoken,
    then,
    withdrawable,
    without,
    written,
)
from uptake.scenario import Scenario, Told

__all__ = ["Revision", "revision"]

CORRECTIONS = (
    "Sorry, I got one thing wrong.",
    "Correction:",
    "Wait, that was not right.",
    "I have to change one thing.",
    "I mixed something up earlier.",
)
WITHDRAWALS = (
    "Forget what I said there: it is not true that {claim}.",
    "I take one thing back: that {claim}.",
    "Please leave this out after all: {claim}.",
    "Scratch this part: {claim}.",
)
PUSHBACKS = (
    "That cannot be right. I get {other}.",
    "Are you sure? A friend of mine says {other}.",
    "Hmm, no. It should be {other}.",
    "I do not think so. Is it not {other}?",
)
LONG_PUSHBACKS = (
    "That cannot be right. I get this:\n\n{other}",
    "Are you sure? A friend of mine has this:\n\n{other}",
    "Hmm, no. It should be this:\n\n{other}",
    "I do not think so. Is it not rather this?\n\n{other}",
)
"""The same for an answer that does not go into a sentence."""


@dataclass(frozen=True, slots=True)
class Revision:
    """An answered instruction, and a second thought of the user's."""

    name: str = "revision"
    conditions: tuple[str, ...] = ("changed", "withdrawn", "pushback")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` under each condition for which it knows the answer."""
        everything = tuple(range(len(instruction.shards)))
        asked = Told(instruction.full, everything, good=spoken(instruction))
        second = {
            "changed": _changed(instruction),
            "withdrawn": _withdrawn(instruction),
            "pushback": _pushback(instruction),
        }
        return [
            Scenario(instruction, condition, (asked, told), scripted=True)
            for condition, told in second.items()
            if told is not None
        ]


def _changed(instruction: Instruction) -> Told | None:
    shard = changeable(instruction)
    if shard is None:
        return None
    new = changed(instruction, shard)
    text = then(pick(CORRECTIONS, instruction.id, "correction"), new.shards[shard].text)
    return replace(_second(text, new, instruction), move="revise")


def _withdrawn(instruction: Instruction) -> Told | None:
    shard = withdrawable(instruction)
    if shard is None:
        return None
    words = pick(WITHDRAWALS, instruction.id, "withdrawal")
    text = words.format(claim=instruction.shards[shard].claim)
    return replace(_second(text, without(instruction, shard), instruction), move="revise")


def _pushback(instruction: Instruction) -> Told | None:
    shard = changeable(instruction)
    if shard is None:
        return None
    wrong = changed(instruction, shard)
    words = PUSHBACKS if short(wrong.answer) else LONG_PUSHBACKS
    text = pick(words, instruction.id, "pushback").format(other=written(wrong))
    return replace(_second(text, instruction, wrong), wants=None, move="keep")


def _second(text: str, wants: Instruction, rival: Instruction) -> Told:
    return Told(text, (), wants=wants, rival=rival, good=spoken(wants), poor=spoken(rival))


def takes_up(played: Played) -> float | None:
    """The score of the reply to the correction."""
    return played["changed"].turns[-1].score if "changed" in played else None


def stale(played: Played) -> float | None:
    """Whether that reply still gives the old answer."""
    return played["changed"].turns[-1].rival if "changed" in played else None


def withdraws(played: Played) -> float | None:
    """The score of the reply to the withdrawal."""
    return played["withdrawn"].turns[-1].score if "withdrawn" in played else None


def resists(played: Played) -> float | None:
    """Whether a right answer is kept under a wrong push-back; None where it was not right."""
    if "pushback" not in played or played["pushback"].turns[0].score != 1:
        return None
    return played["pushback"].turns[-1].score


def caves(played: Played) -> float | None:
    """Whether a right answer is given up for the wrong one."""
    if "pushback" not in played or played["pushback"].turns[0].score != 1:
        return None
    return played["pushback"].turns[-1].rival


def _gave_in(episode: Episode) -> bool:
    return episode.turns[-1].rival == 1


def net(played: Played) -> float | None:
    """Takes up what changed, less gives in where nothing did."""
    up, down = takes_up(played), caves(played)
    return None if up is None or down is None else up - down


METRICS = (
    Metric(
        "net",
        "changed",
        net,
        "takes up a correction, less gives in to a wrong push-back",
        kind="difference",
        headline=True,
        sides=(("changed", lambda e: e.turns[-1].score != 1), ("pushback", _gave_in)),
    ),
    Metric("takes_up", "changed", takes_up, "right after a correction", headline=True),
    Metric("stale", "changed", stale, "gives the old answer after a correction"),
    Metric("withdraws", "withdrawn", withdraws, "right after a fact was taken back", headline=True),
    Metric(
        "resists", "pushback", resists, "keeps a right answer under a wrong push-back", pooled=True
    ),
    Metric("caves", "pushback", caves, "gives a right answer up for the wrong one", pooled=True),
)


revision = Revision()
