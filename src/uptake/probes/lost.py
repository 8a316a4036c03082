"""`lost`: how much of a model's ability survives a conversation.

The same instructions are told at once (`full`), at once as a list (`concat`: the bar, for it shows
what the rewording alone costs), over turns in their natural order (`sharded`) and in another
(`shuffled`), and with two ways of saying again what was said (`recap`, `snowball`); if wished for,
in fewer shards (`sharded-2`, …: `granularity`). After Laban et al. 2025, arXiv 2505.06120, from
whose sections 6 and 7 the figures of behaviour are taken, too.

This module knows nothing of models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from uptake.episode import Episode, Turn
from uptake.instruction import Instruction
from uptake.measures import Metric
from uptake.probes.granularity import in_shards, merged
from uptake.probes.variants import Played
from uptake.questions import questions
from uptake.scenario import CONDITIONS, Scenario, scenarios

__all__ = ["STRATEGIES", "Lost", "lost", "strategy"]

STRATEGIES = (
    "answer",
    "clarification",
    "interrogation",
    "discussion",
    "hedging",
    "refusal",
    "missing",
)
"""What a reply does: the seven strategies of arXiv 2505.06120, section 3.2."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The same instruction told at once and told over turns; in each of so many `shards`, too."""

    name: str = "lost"
    shards: tuple[int, ...] = ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """How an instruction is told: "sharded-4" is in four shards."""
        return (*CONDITIONS, "shuffled", *map(in_shards, self.shards))

    def told_in(self, shards: Sequence[int]) -> Lost:
        """The probe that tells each instruction in so many shards, too."""
        return replace(self, shards=tuple(shards))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` under each condition.

        Not `shuffled` with fewer than two facts, nor in more shards than it has; only `full` where
        it has a single shard, for then there is nothing to tell over turns.
        """
        if len(instruction.shards) == 1:
            return scenarios(instruction, ("full",))
        found = scenarios(instruction)
        if len(instruction.shards) > 2:
            (mixed,) = scenarios(_shuffled(instruction), ("sharded",))
            found.append(replace(mixed, condition="shuffled"))
        for count in self.shards:
            if count <= len(instruction.shards):
                (told,) = scenarios(merged(instruction, count), ("sharded",))
                found.append(replace(told, condition=in_shards(count)))
        return found


def _shuffled(instruction: Instruction) -> Instruction:
    """The facts in another order, the same for the same instruction; the intent stays first."""
    intent, *facts = instruction.shards
    mixed, rng = list(facts), Random(f"shuffled/{instruction.id}")
    while mixed == facts:
        if len(set(facts)) == 1:
            break
        rng.shuffle(mixed)
    return replace(instruction, shards=(intent, *mixed))


def strategy(turn: Turn, said: Sequence[str] = ()) -> str:
    """Which of the seven a reply follows; `said` is what the user had said up to it."""
    if not turn.reply.strip():
        return "missing"
    if turn.answer is not None:
        return "answer"
    asked = questions(turn.reply, said)
    if asked:
        return "clarification" if len(asked) == 1 else "interrogation"
    low = turn.reply.lower()
    if _REFUSES.search(low):
        return "refusal"
    return "hedging" if _HEDGES.search(low) else "discussion"


_REFUSES = re.compile(
    r"\b(i (can ?no|can['’])t (help|assist|do|answer|provide)|(i am|i'm) (unable|not able)"
    r"|i (won['’]t|will not)|i cannot (help|assist|do|answer|provide))\b"
)
_HEDGES = re.compile(
    r"\b(it depends|depending on|might be|may be|could be|possibly|perhaps|either|if we assume"
    r"|one option|several possib\w+|it is hard to say|not sure)\b"
)


def lock_in(played: Played) -> float | None:
    """Whether a first answer that was wrong, and not the last, is never revised."""
    if "sharded" not in played:
        return None
    turns = played["sharded"].turns
    given = [turn for turn in turns if turn.answer is not None]
    if not given or given[0].score != 0 or given[0] is turns[-1]:
        return None
    return float(all(turn.answer == given[0].answer for turn in given))


def bloat(played: Played) -> float | None:
    """The words of the last reply over turns, for one of the reply to all at once."""
    if not {"full", "sharded"} <= played.keys():
        return None
    once = len(played["full"].turns[-1].reply.split())
    return len(played["sharded"].turns[-1].reply.split()) / once if once else None


def used(where: str, played: Played) -> float | None:
    """Of the numbers told in a part of the conversation, the share that the last reply holds.

    The turns with a number that no other turn has, after the intent, in thirds: "first", "middle"
    and "last". None where fewer than three turns have one.
    """
    if "sharded" not in played:
        return None
    episode = played["sharded"]
    numbers = _own_numbers(episode)
    if len(numbers) < 3:
        return None
    last = set(_NUMBER.findall(episode.turns[-1].reply))
    held = [bool(own & last) for own in numbers]
    third = {"first": held[:1], "middle": held[1:-1], "last": held[-1:]}[where]
    return sum(third) / len(third)


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _own_numbers(episode: Episode) -> list[set[str]]:
    """For each turn after the first, the numbers that only it has; turns without are left out."""
    told = [set(_NUMBER.findall(turn.user)) for turn in episode.turns[1:]]
    often = Counter(number for numbers in told for number in numbers)
    own = [{number for number in numbers if often[number] == 1} for numbers in told]
    return [numbers for numbers in own if numbers]


def middle_loss(played: Played) -> float | None:
    """What is used of the first and the last turn, less what is used of those between."""
    first, middle, last = (used(where, played) for where in ("first", "middle", "last"))
    if first is None or middle is None or last is None:
        return None
    return (first + last) / 2 - middle


def follows(which: str, played: Played) -> float | None:
    """The share of the replies before everything was told that follow a strategy."""
    if "sharded" not in played:
        return None
    turns = played["sharded"].turns
    said = [turn.user for turn in turns]
    early = [strategy(t, said[: k + 1]) for k, t in enumerate(turns) if not t.ready]
    return sum(found == which for found in early) / len(early) if early else None


def by_shards(count: int, condition: str, played: Played) -> float | None:
    """The last reply's score where there are so many shards, the intent among them."""
    episode = played.get(condition)
    if episode is None or episode.needed_shards != count:
        return None
    return episode.score("last")


METRICS = (
    Metric(
        "lock_in",
        "sharded",
        lock_in,
        "of first answers that were wrong, never revised",
        pooled=True,
    ),
    Metric(
        "bloat",
        "sharded",
        bloat,
        "words of the last reply, for one of the reply to all at once",
        kind="amount",
        pooled=True,
    ),
    Metric(
        "middle_loss",
        "sharded",
        middle_loss,
        "uses the first and the last fact, less uses those between",
        kind="difference",
        pooled=True,
    ),
    *(
        Metric(
            f"strategy_{name}",
            "sharded",
            partial(follows, name),
            f"of the replies before all is told: {name}",
        )
        for name in STRATEGIES
    ),
    *(
        Metric(
            f"score_{count}_shards",
            condition,
            partial(by_shards, count, condition),
            f"right, of the instructions with {count} needed shards",
            pooled=True,
        )
        for condition in ("full", "sharded")
        for count in range(2, 9)
    ),
)


lost = Lost()
