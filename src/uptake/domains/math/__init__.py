"""Grade-school word problems, generated without end; the verifier reads the last committed number.

Every fact of a problem is known (its quantity, its value, another value that contradicts it), so
each instruction can be told under every condition. Training and held-out problems differ in
names, things, number pairs and sentence templates.

This module knows nothing of models, or of how the problems are told over turns.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from uptake.domains import seeded
from uptake.domains.math.answer import committed, same
from uptake.domains.math.problem import LONG, Problem, draw, draw_long
from uptake.domains.math.stories import Fact
from uptake.instruction import Instruction, Shard, Verdict

__all__ = ["Math", "committed", "instruction", "math", "same"]


def instruction(problem: Problem, rng: Random, ident: str) -> Instruction:
    """Tell a problem as an instruction: shard 0 asks, each further shard states one fact."""
    question = problem.question(rng)
    shards = [Shard(question)]
    for fact in problem.facts:
        text = problem.say(fact, rng)
        value, other = problem.values[fact.key], problem.other_value(fact.key, rng)
        shard = Shard(
            text,
            needed=fact.needed,
            quantity=problem.quantity(fact),
            value=str(value),
            ambiguous=problem.corefer(fact, text),
            withdrawn=_without(problem, fact),
            claim=problem.claim(fact),
            check=problem.check(fact, value),
        )
        if other is not None:
            shard = replace(
                shard,
                contradicted=problem.say(fact, rng, other),
                revised=str(problem.with_value(fact.key, other).answer),
                false_claim=problem.claim(fact, other),
                false_check=problem.check(fact, other),
            )
        shards.append(shard)
    sentences = problem.telling(rng, coreference=0.3)
    asked_first = rng.random() < 0.3
    full = " ".join([question, *sentences] if asked_first else [*sentences, question])
    meta: dict[str, Any] = {
        "story": problem.story.name,
        "split": problem.split,
        "steps": len(problem.working),
        "working": [list(step) for step in problem.working],
        "asked": "first" if asked_first else "last",
        "distractor": problem.aside(Random(f"{ident}/aside")),
        # Without one of the others ("Ann buys 5 more") the request is another, and complete.
        "gaps": [i for i, fact in enumerate(problem.facts, 1) if fact.needed and fact.droppable],
    }
    return Instruction(ident, "math", full, tuple(shards), str(problem.answer), meta)


def _without(problem: Problem, fact: Fact) -> str | None:
    """The answer where the fact is taken back; None where the story cannot do without it."""
    if not fact.optional or len(problem.story.plan) < 2:
        return None
    return str(problem.without(fact.key).answer)


class Math:
    """The math domain."""

    name = "math"

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions; the same for the same seed and split ("train" or "heldout")."""

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw(rng, split), rng, ident)

        return seeded(self.name, n, seed, split, make)

    def long(
        self, n: int, shards: int, *, seed: int = 0, split: str = "heldout"
    ) -> list[Instruction]:
        """`n` instructions of so many shards: 7 or 8, and none for any other number."""

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw_long(rng, split, shards), rng, ident)

        return seeded(f"{self.name}-{shards}", n, seed, split, make) if shards in LONG else []

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """Right if the last number the reply commits to equals the gold answer."""
        answer = committed(reply)
        if answer is None:
            return Verdict(0.0, None)
        return Verdict(1.0 if same(answer, instruction.answer) else 0.0, answer)


math = Math()
