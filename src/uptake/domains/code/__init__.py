"""Functions to write in Python, generated without end; the verifier runs them on hidden tests.

Every requirement of a function is known (what it settles, its value, another value that
contradicts it) and shows in the tests, so each instruction can be told under every condition.
Replies run in `sandbox`, which says what it guards against and where it cannot. Rows of Lost in
Conversation's task "code", LiveCodeBench and HumanEval are verified by their own tests.

This module knows nothing of models, or of how a function is described over turns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from uptake.domains import seeded
from uptake.domains.code.answer import committed, same
from uptake.domains.code.claims import ASIDES
from uptake.domains.code.rows import UNSOLVED, Tests, hidden
from uptake.domains.code.sandbox import Limits, SandboxError, Solution, layers, outputs, passes
from uptake.domains.code.tasks import Case, Chosen, Task, draw, retold, tests
from uptake.instruction import Instruction, Shard, Verdict

__all__ = ["Code", "code", "committed", "instruction", "layers", "same"]

_CALL = re.compile(r"`([A-Za-z_]\w*)\(([\w, ]*)\)`")


def instruction(task: Task, rng: Random, ident: str) -> Instruction:
    """Tell a task as an instruction: shard 0 asks, each further shard states one requirement."""
    asked = task.ask(rng)
    cases = tests(task, 0)
    shards = [Shard(asked), *(_shard(task, chosen, rng) for chosen in task.rules)]
    told = [task.fill(rng.choice(each.rule.say(task.split)), each.value) for each in task.rules]
    meta: dict[str, Any] = {
        "kind": task.kind.name,
        "split": task.split,
        "rules": [chosen.rule.name for chosen in task.rules],
        "function": task.name,
        "parameters": list(task.parameters),
        "tests": _listed(cases),
        "revised": _readings(task, cases, task.changed),
        "withdrawn": _readings(task, cases, task.without),
        "gaps": [1 + i for i in task.gaps()],
        "distractor": Random(f"{ident}/aside").choice(ASIDES[task.split]),
    }
    full = " ".join([asked, *told])
    return Instruction(ident, "code", full, tuple(shards), task.source(), meta)


def _shard(task: Task, chosen: Chosen, rng: Random) -> Shard:
    """A requirement, and what is right where it is another or is taken back."""
    rule = chosen.rule
    wording = rng.choice(rule.say(task.split))
    claim, check = task.claim(chosen)
    false_claim, false_check = task.claim(chosen.turned())
    without = task.without(rule.name)
    return Shard(
        task.fill(wording, chosen.value),
        needed=rule.needed,
        quantity=rule.quantity.format(items=task.items),
        value=chosen.value,
        contradicted=task.fill(wording, chosen.other),
        ambiguous=task.fill(rule.open, chosen.value),
        revised=task.changed(rule.name).source(),
        withdrawn=None if without is None else without.source(),
        claim=claim,
        check=check,
        false_claim=false_claim,
        false_check=false_check,
    )


def _readings(
    task: Task, cases: Sequence[Case], reading: Callable[[str], Task | None]
) -> dict[str, dict[str, Any]]:
    """The hidden tests of a reading of each requirement, by the number of its shard.

    The inputs stay: they tell the task from each of these readings (`tests`).
    """
    return {
        str(i): {"tests": _listed(retold(told, cases))}
        for i, chosen in enumerate(task.rules, 1)
        if chosen.rule.needed and (told := reading(chosen.rule.name)) is not None
    }


def _listed(cases: Sequence[Case]) -> list[dict[str, Any]]:
    return [{"input": list(case.args), "output": case.output} for case in cases]


@dataclass(frozen=True, slots=True)
class Code:
    """The code domain; `limits` are those of each run of a reply."""

    limits: Limits = field(default_factory=Limits)
    name: str = "code"
    slow: bool = True  # so that other episodes go on while a reply runs

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions; the same for the same seed and split ("train" or "heldout")."""

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw(rng, split), rng, ident)

        return seeded(self.name, n, seed, split, make)

    def caveat(self, instruction: Instruction) -> str | None:
        """That it has no tests to run, or no solution; None where it has both."""
        if hidden(instruction.meta) is None:
            return "without a score: it brings no tests of a function that can be read"
        if instruction.answer == UNSOLVED:
            return "it brings no solution, so the oracle has nothing to say and scores 0"
        return None

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """Right if the last code that defines the function passes every hidden test.

        Takes up to `limits.clock` seconds and blocks for them; may be called from any thread. No
        score where the instruction brings no tests that can be read, or nothing can be run.
        """
        known = hidden(instruction.meta)
        written = committed(reply, None if known is None or known.any_name else known.name)
        if known is None:
            return Verdict(None, written)
        if written is None:
            return Verdict(0.0, None)
        try:
            return Verdict(float(self._passes(known, written)), written)
        except SandboxError:
            return Verdict(None, written)

    def guess(self, said: Sequence[str]) -> str:
        """The function that was asked for by name, which gives back what it gets."""
        calls = [match for text in said for match in _CALL.finditer(text)]
        name, parameters = calls[-1].groups() if calls else ("solution", "items")
        first = parameters.partition(",")[0].strip() or "None"
        return f"```python\ndef {name}({parameters}):\n    return {first}\n```"

    def _passes(self, known: Tests, written: str) -> bool:
        solution = Solution(written, known.name, known.prelude, known.any_name)
        if known.check is not None:
            return passes(solution, known.check, prelude=known.helpers, limits=self.limits)
        found = outputs(solution, [case.args for case in known.cases], self.limits)
        return all(
            output.error is None and same(output.value, case.output)
            for output, case in zip(found, known.cases, strict=True)
        )


code = Code()
