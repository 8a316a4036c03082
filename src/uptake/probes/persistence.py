"""`persistence`: does a constraint from the first turn hold through turns of other work?

The first message says how every reply is to be written, and sets a task; short questions on what
was told and small talk follow, for 10, 20 or 40 turns. Whether a reply honours the constraint is
read off its words, so no judge is needed.

This module knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

from uptake.instruction import Instruction
from uptake.measures import Course, Figure, Metric
from uptake.probes.variants import Played, pick, spoken
from uptake.scenario import Scenario, Told

__all__ = ["CONSTRAINTS", "LENGTHS", "Persistence", "by_turn", "persistence"]

CONSTRAINTS: dict[str, tuple[Callable[[str], bool], str]] = {
    "From now on, end every reply with the word OVER.": (
        lambda reply: reply.rstrip(" .!*\n").endswith("OVER"),
        "{reply} OVER",
    ),
    "Begin each of your replies, now and later, with the word Noted.": (
        lambda reply: reply.lstrip(" *").startswith("Noted"),
        "Noted. {reply}",
    ),
    "Put two stars, **, before and after every reply of yours.": (
        lambda reply: len(reply.strip()) > 4 and reply.strip()[:2] == reply.strip()[-2:] == "**",
        "**{reply}**",
    ),
    "Sign every message to me with your name, Robin, on the last line.": (
        lambda reply: "Robin" in reply.strip().rsplit("\n", 1)[-1],
        "{reply}\nRobin",
    ),
}
"""What the user asks for, whether a reply honours it, and one that does."""

LENGTHS = {"10": 10, "20": 20, "40": 40}
"""The conditions, and how many turns each has."""

TALK = ("Thanks.", "Good.", "I see.", "Okay, that helps.", "Fine.")


@dataclass(frozen=True, slots=True)
class Persistence:
    """A constraint, and other work."""

    name: str = "persistence"
    conditions: tuple[str, ...] = tuple(LENGTHS)

    @property
    def metrics(self) -> tuple[Figure, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` under a constraint, with each number of turns."""
        constraint = pick(tuple(CONSTRAINTS), instruction.id, "constraint")
        return [
            Scenario(instruction, name, _plan(instruction, constraint, turns), scripted=True)
            for name, turns in LENGTHS.items()
        ]


def _plan(instruction: Instruction, constraint: str, turns: int) -> tuple[Told, ...]:
    form = CONSTRAINTS[constraint][1]
    everything = tuple(range(len(instruction.shards)))

    def said(text: str, reply: str, yes: bool | None = None) -> Told:
        return Told(text, (), good=form.format(reply=reply), poor=reply, yes=yes)

    first = Told(
        f"{constraint} {instruction.full}",
        everything,
        good=form.format(reply=spoken(instruction)),
        poor=spoken(instruction),
    )
    checks = [
        said(shard.check, f"Yes, {shard.claim}.", yes=True)
        for shard in instruction.shards
        if shard.check and shard.claim
    ]
    talk = [said(words, "You are welcome.") for words in TALK]
    work = [told for pair in zip(cycle(checks), talk, strict=False) for told in pair] or talk
    return (first, *islice(cycle(work), turns - 1))


def by_turn(condition: str, played: Played) -> list[bool] | None:
    """For each turn, whether the constraint of the first message is honoured."""
    if condition not in played:
        return None
    turns = played[condition].turns
    found = (known for text, (known, _) in CONSTRAINTS.items() if turns[0].user.startswith(text))
    holds = next(found, None)
    return None if holds is None else [holds(turn.reply) for turn in turns]


def honoured(condition: str, played: Played) -> float | None:
    """The share of the turns that honour the constraint."""
    held = by_turn(condition, played)
    return None if held is None else sum(held) / len(held)


def lasts(condition: str, played: Played) -> float | None:
    """The number of turns before the first that does not honour it."""
    held = by_turn(condition, played)
    return None if held is None else float([*held, False].index(False))


def endures(condition: str, played: Played) -> float | None:
    """The share honoured in the second half of the turns, over that in the first, at most 1.

    Of conversations whose first reply honours the constraint: None for the others.
    """
    held = by_turn(condition, played)
    if held is None or not held[0]:
        return None
    middle = len(held) // 2
    early, late = sum(held[:middle]) / middle, sum(held[middle:]) / (len(held) - middle)
    return min(1.0, late / early)


def _metrics(condition: str) -> tuple[Figure, ...]:
    main = condition == "20"
    return (
        Metric(
            "honoured",
            condition,
            partial(honoured, condition),
            "share of turns that honour the constraint",
            headline=main,
        ),
        Metric(
            "lasts",
            condition,
            partial(lasts, condition),
            "turns before the first lapse",
            kind="amount",
        ),
        Metric(
            "endures",
            condition,
            partial(endures, condition),
            "of what held in the first half, what holds in the second",
            pooled=True,
        ),
        Course(
            "half_life",
            "honoured_by_turn",
            condition,
            partial(by_turn, condition),
            "first turn that half as many honour as honoured the first",
        ),
    )


METRICS = tuple(metric for condition in LENGTHS for metric in _metrics(condition))


persistence = Persistence()
