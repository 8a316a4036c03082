"""Answers of the math domain with their working, as the embedded model is able to give them.

Scenarios say only "The answer is 12."; without the steps before it a small model cannot come to it.

This module knows nothing of who says what when.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from random import Random

from uptake.domains.math.problem import Problem, draw, sound
from uptake.instruction import Instruction, Shard
from uptake.train.corpus import solution

__all__ = ["guessed", "worked"]

ANSWER = re.compile(r"The answer is (-?\d+)\.$")
NUMBER = re.compile(r"\d+")
TRIES = 50


def worked(text: str, of: Iterable[Instruction]) -> str:
    """`text` with the steps before its answer, where a reading of one of the instructions has it.

    A reading is the instruction, or the same with a fact changed or taken back. Of other domains,
    and of answers that no reading has, the text stays as it is.
    """
    found = ANSWER.search(text)
    if found is None:
        return text
    answer = int(found[1])
    for instruction in of:
        for problem in _readings(instruction):
            if problem.answer == answer:
                return text[: found.start()] + solution(problem.working)
    return text


def guessed(instruction: Instruction, unsaid: Iterable[int], rng: Random) -> str | None:
    """A confident answer with the unsaid shards at values of its own; None where it has no steps.

    It is what the corpus answers incomplete requests with.
    """
    problem = _problem(instruction.id, instruction.domain, instruction.meta.get("split"))
    if problem is None:
        return None
    hidden = [problem.facts[shard - 1] for shard in unsaid if shard > 0]
    for _ in range(TRIES):
        guess = problem
        for fact in hidden:
            guess = guess.with_value(fact.key, rng.randint(fact.low, fact.high))
        if sound(guess.story.plan, guess.values, "train"):
            return solution(guess.working)
    return None


def _readings(instruction: Instruction) -> Iterator[Problem]:
    problem = _problem(instruction.id, instruction.domain, instruction.meta.get("split"))
    if problem is None:
        return
    yield problem
    told = instruction.shards[1:]
    if len(told) != len(problem.facts):
        return  # a fact was taken back: which shard tells which is no longer known
    for shard, fact in zip(told, problem.facts, strict=True):
        other = _other(problem, shard, fact.key)
        if other is not None:
            yield problem.with_value(fact.key, other)
        if shard.withdrawn is not None:
            yield problem.without(fact.key)


def _other(problem: Problem, shard: Shard, key: str) -> int | None:
    """The value that the shard's false claim states."""
    fact = problem.fact(key)
    for number in NUMBER.findall(shard.false_claim or ""):
        if problem.claim(fact, int(number)) == shard.false_claim:
            return int(number)
    return None


@lru_cache(maxsize=1024)
def _problem(ident: str, source: str, split: str | None) -> Problem | None:
    """The problem that an instruction was made of, drawn again from its id (`domains.seeded`)."""
    if source != "math" or split is None or not ident.startswith("math/"):
        return None
    return draw(Random(ident), split)
