"""Preference pairs of a direct answer and a clarifying question, either way round.

Where a fact is missing, the direct answer presumes another value of it: confident, and wrong. Where
nothing is missing the answer is right and the question is needless. The world's preference data
prefers direct answers everywhere; its reverse, and the control on complete requests alone, show
what that does to asking.

This module knows nothing of trainers, or of which of the two is the better reply.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from uptake.domains import domain, guess
from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.partners import spoken
from uptake.probes.missing import missing
from uptake.probes.variants import changed
from uptake.scenario import Scenario
from uptake.train.worked import worked

__all__ = ["Prefer", "Where", "pairs", "preferences"]

Prefer = Literal["answer", "question"]
Where = Literal["all", "missing", "complete"]

BATCH = 64


def preferences(
    source: str, n: int, *, prefer: Prefer = "answer", where: Where = "all", seed: int = 0
) -> Iterator[dict[str, Any]]:
    """`n` pairs of a domain's train split: `prompt`, `chosen` and `rejected` messages.

    `where` is in which requests: those with a fact missing, complete ones, or both in turn.
    `condition` says which, for whoever counts. The same for the same seed. Answers have their
    working where the domain knows it: preferred without it, a model would unlearn to work.
    """
    kinds = ("missing", "complete") if where == "all" else (where,)
    made = 0
    for instruction in _instructions(source, seed):
        told = {one.condition: one for one in missing.scenarios(instruction)}
        if not told:
            continue
        if made == n:
            return
        scenario = told[kinds[made % len(kinds)]]
        answer = worked(_answer(scenario), [instruction])
        question = _question(scenario)
        best, worst = (answer, question) if prefer == "answer" else (question, answer)
        made += 1
        yield {
            "prompt": [{"role": "user", "content": scenario.turns[0].text}],
            "chosen": [{"role": "assistant", "content": best}],
            "rejected": [{"role": "assistant", "content": worst}],
            "condition": scenario.condition,
        }


def _instructions(source: str, seed: int) -> Iterator[Instruction]:
    found, batch = domain(source), 0
    while True:
        yield from found.generate(BATCH, seed=seed * 1_000_003 + batch, split="train")
        batch += 1


def _answer(scenario: Scenario) -> str:
    """The answer where nothing is missing, and otherwise that of another value of what is."""
    one = scenario.instruction
    for shard in sorted(scenario.hidden & one.needed):
        if one.shards[shard].contradicted is None or one.shards[shard].revised is None:
            return guess(one.domain, [scenario.turns[0].text])
        one = changed(one, shard)
    return spoken(one)


def _question(scenario: Scenario) -> str:
    """The question for what is missing, and otherwise for something that was told."""
    one = scenario.instruction
    named = [i for i, shard in enumerate(one.shards) if shard.quantity]
    hidden = sorted(scenario.hidden & one.needed)
    about = hidden[0] if hidden else Random(one.id).choice(named or [0])
    return f"Could you tell me {one.shards[about].quantity or 'more about that'}?"


def pairs(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    domain: str = "math",
    n: Annotated[int, Parameter(name=["-n", "--n"])] = 1000,
    prefer: Prefer = "answer",
    where: Where = "all",
    seed: int = 0,
) -> None:
    """Write preference pairs of a direct answer and a clarifying question, for method "dpo".

    Parameters
    ----------
    out
        The JSONL file to write.
    domain
        Where the requests are generated.
    n
        How many pairs.
    prefer
        What is chosen: answer, as the world's preference data does, or question.
    where
        In requests with something missing, in complete ones, or in all.
    seed
        The same seed writes the same file.
    """
    if n < 1:
        raise UptakeError(f"-n {n}: give 1 or more")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for pair in preferences(domain, n, prefer=prefer, where=where, seed=seed):
            file.write(json.dumps(pair, ensure_ascii=False) + "\n")
