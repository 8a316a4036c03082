"""What is trained on: conditions of the probes in shares, each told by one of the training users.

Task k of a seed is the same whoever asks for it, so that a resumed run meets what an unbroken one
would have. Training tasks are made of the train split and told by `users.TRAINING`; held-out ones
of the other split and, in turn, by `users.HELDOUT`. A file of instructions is split by their ids:
about one in `EVERY` is held out, whatever the seed.

This module knows nothing of models, rewards or trainers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from uptake.domains import domain, guess
from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.instructions import read_instructions
from uptake.probes import names, probe
from uptake.probes.handoff import LISTENS
from uptake.probes.variants import pick, spoken
from uptake.scenario import Scenario, Told, bullets
from uptake.seeds import stable_seed
from uptake.users import HELDOUT, TRAINING

__all__ = [
    "JUMBLED",
    "MIXTURE",
    "TOLD",
    "Task",
    "TaskError",
    "Tasks",
    "told_in_any_order",
    "told_then_asked",
]

TOLD = "told.then_asked"
"""A condition that is no probe's: the facts over turns, then the question."""

JUMBLED = "told.in_any_order"
"""The other: a list of the question and the facts in any order, as one who asked for them one by
one comes to know them, and as a mediator hands them on."""

OWN = (TOLD, JUMBLED)

MIXTURE: Mapping[str, float] = {
    "missing.missing": 0.26,
    "missing.distracted": 0.06,
    "missing.complete": 0.14,
    "lost.full": 0.08,
    "lost.sharded": 0.16,
    TOLD: 0.06,
    "revision.changed": 0.08,
    "revision.withdrawn": 0.04,
    "revision.pushback": 0.04,
    "presupposition.false": 0.05,
    "presupposition.true": 0.03,
}
"""Shares of conditions that are learned together: one alone unlearns the others."""

EVERY = 10
"""Of the instructions of a file, one in so many is held out."""

FIRST = ("I will tell you the facts first.", "First the facts, then the question.")
TRIES = 50


class TaskError(UptakeError):
    """A mixture that names no condition, or one that no instruction of a domain suits."""


@dataclass(frozen=True, slots=True)
class Task:
    """A scenario of a probe, and the name of the user who tells it."""

    probe: str
    scenario: Scenario
    user: str


class Tasks:
    """Tasks of a domain, or of a file of instructions, in the shares of a mixture, by their number.

    Raises TaskError where the mixture names an unknown condition or has no share above 0, or where
    the file has too few instructions, and InstructionError where it cannot be read.
    """

    def __init__(
        self,
        source: str,
        mixture: Mapping[str, float] = MIXTURE,
        *,
        seed: int = 0,
        split: str = "train",
        instructions: str = "",
    ) -> None:
        _check(mixture)
        self._source, self._seed, self._split = instructions or source, seed, split
        self._file = _part(instructions, split) if instructions else ()
        self._conditions = list(mixture)
        self._shares = [mixture[condition] for condition in self._conditions]
        self._users = TRAINING if split == "train" else HELDOUT

    def task(self, number: int) -> Task:
        """Task `number`. Raises TaskError where no instruction suits its condition."""
        rng = Random(stable_seed("task", self._source, self._split, self._seed, number))
        condition = rng.choices(self._conditions, self._shares)[0]
        return self.of(condition, number, rng.choice(self._users))

    def of(self, condition: str, number: int, user: str | None = None) -> Task:
        """The task of that number under a given condition, told by `user` or one drawn."""
        name, _, told = condition.partition(".")
        for attempt in range(TRIES):
            one, other = self._instructions(number, attempt)
            for scenario in _scenarios(name, one, other):
                if scenario.condition == told:
                    chosen = user or self._users[number % len(self._users)]
                    return Task(name, scenario, chosen)
        raise TaskError(
            f"no instruction of {self._source} is told as {condition}; leave it out of the mixture"
        )

    def _instructions(self, number: int, attempt: int) -> tuple[Instruction, Instruction]:
        seed = stable_seed("instructions", self._seed, number, attempt)
        if self._file:
            return self._drawn(seed)
        one, other = _domain(self._source).generate(2, seed=seed, split=self._split)
        return one, other

    def _drawn(self, seed: int) -> tuple[Instruction, Instruction]:
        one, other = Random(seed).sample(self._file, 2)
        return one, other


@cache
def _part(path: str, split: str) -> tuple[Instruction, ...]:
    """The instructions of a file that are trained on, or those that are not."""
    held = [stable_seed("held out", one.id) % EVERY == 0 for one in _read(path)]
    found = [one for one, out in zip(_read(path), held, strict=True) if out is (split != "train")]
    if len(found) < 2:
        raise TaskError(
            f"{path}: {len(found)} of its {len(held)} instructions are for {split}; give it more"
        )
    return tuple(found)


_read = cache(read_instructions)
_domain, _probe = cache(domain), cache(probe)  # each look-up reads what is installed


def _check(mixture: Mapping[str, float]) -> None:
    if not mixture or min(mixture.values()) < 0 or sum(mixture.values()) <= 0:
        raise TaskError("the mixture needs shares of 0 or more, and one above 0")
    for condition in mixture:
        name, _, told = condition.partition(".")
        if condition not in OWN and (name not in names() or told not in _probe(name).conditions):
            raise TaskError(
                f"the mixture's {condition!r} is no condition; write PROBE.CONDITION, "
                f"as missing.complete, or {' or '.join(OWN)}"
            )


def _scenarios(name: str, one: Instruction, other: Instruction) -> list[Scenario]:
    if name == "told":
        return [told_then_asked(one), told_in_any_order(one)]
    return list(_probe(name).scenarios(one, other))


def told_then_asked(instruction: Instruction) -> Scenario:
    """The facts one a turn, to be listened to, and then the question."""
    first = pick(FIRST, instruction.id, "first")
    intent, *facts = instruction.shards
    plan = [
        Told(
            f"{first} {fact.text}" if at == 1 else fact.text,
            (at,),
            good=LISTENS,
            poor=guess(instruction.domain, [fact.text]),
            move="hold",
        )
        for at, fact in enumerate(facts, 1)
    ]
    plan.append(Told(intent.text, (0,), good=spoken(instruction)))
    return Scenario(instruction, "then_asked", tuple(plan), scripted=True)


def told_in_any_order(instruction: Instruction) -> Scenario:
    """The question and the facts at once, as a list, the facts in any order."""
    first, *rest = range(len(instruction.shards))
    Random(f"in any order/{instruction.id}").shuffle(rest)
    order = (first, *rest)
    text = bullets([instruction.shards[at].text for at in order])
    return Scenario(instruction, "in_any_order", (Told(text, order),))
