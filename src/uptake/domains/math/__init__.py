"""Grade-school word problems, generated without end; the verifier reads the last committed number.

Every fact of a problem is known (its quantity, its value, another value that contradicts it), so
each instruction can be told under every condition. Training and held-out problems differ in
names, things, number pairs and sentence templates.

This module knows nothing of models, or of how the problems are told over turns.
"""

from __future__ import annotations

from random import Random
from typing import Any

from uptake.domains import seeded
from uptake.domains.math.answer import committed, same
from uptake.domains.math.problem import Problem, draw
from uptake.instruction import Instruction, Shard, Verdict

__all__ = ["Math", "committed", "instruction", "math", "same"]


def instruction(problem: Problem, rng: Random, ident: str) -> Instruction:
    """Tell a problem as an instruction: shard 0 asks, each further shard states one fact."""
    question = problem.question(rng)
    shards = [Shard(question)]
    for fact in problem.facts:
        text = problem.say(fact, rng)
        other = problem.other_value(fact.key, rng)
        shards.append(
            Shard(
                text,
                needed=fact.needed,
                quantity=problem.quantity(fact),
                value=str(problem.values[fact.key]),
                contradicted=None if other is None else problem.say(fact, rng, other),
                ambiguous=problem.corefer(fact, text),
            )
        )
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
    }
    return Instruction(ident, "math", full, tuple(shards), str(problem.answer), meta)


class Math:
    """The math domain."""

    name = "math"

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions; the same for the same seed and split ("train" or "heldout")."""

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw(rng, split), rng, ident)

        return seeded(self.name, n, seed, split, make)

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """Right if the last number the reply commits to equals the gold answer."""
        answer = committed(reply)
        if answer is None:
            return Verdict(0.0, None)
        return Verdict(1.0 if same(answer, instruction.answer) else 0.0, answer)


math = Math()
