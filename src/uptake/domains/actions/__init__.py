"""Function calling, generated without end: a request over a set of tools, and the calls it takes.

Every argument of the first call and every further call is one fact, so that each instruction can be
told under every condition; the functions are told with the intent. Training and held-out requests
differ in themes, functions, names and sentences. The verifier reads the last calls a reply writes,
and checks them against the functions' JSON schemas and the gold calls; it also takes the gold of
Lost in Conversation's "actions" task.

This module knows nothing of models, and it runs no call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from uptake.conversation import thaw
from uptake.domains import seeded
from uptake.domains.actions.calls import Call, committed, offer, written
from uptake.domains.actions.check import example, offered, right
from uptake.domains.actions.request import Request, draw
from uptake.domains.actions.themes import THEMES
from uptake.instruction import Instruction, Shard, Verdict

__all__ = [
    "Actions",
    "Call",
    "actions",
    "committed",
    "example",
    "instruction",
    "offer",
    "written",
]

_OFFERED = re.compile(r'^\{"name": "([^"]+)"', re.MULTILINE)


def instruction(request: Request, rng: Random, ident: str) -> Instruction:
    """Tell a request as an instruction: shard 0 is the goal with the functions on offer."""
    tools = offer(request.functions)
    shards = [Shard(f"{request.goal(rng)}\n\n{tools}")]
    for fact in request.facts:
        shards.append(
            Shard(
                fact.text,
                needed=fact.needed,
                quantity=fact.quantity,
                value=fact.value,
                contradicted=fact.other,
                ambiguous=fact.vague,
                revised=None if fact.revised is None else written(fact.revised),
                withdrawn=None if fact.withdrawn is None else written(fact.withdrawn),
                claim=fact.claim,
                check=request.check(fact.claim),
                false_claim=fact.false_claim,
                false_check=request.check(fact.false_claim),
            )
        )
    meta: dict[str, Any] = {
        "theme": request.theme,
        "split": request.split,
        "calls": len(request.calls),
        "functions": list(request.functions),
        "distractor": request.distractor,
        "gaps": [i for i, fact in enumerate(request.facts, 1) if fact.gap],
    }
    full = f"{request.whole(rng)}\n\n{tools}"
    return Instruction(ident, "actions", full, tuple(shards), written(request.calls), meta)


class Actions:
    """The actions domain."""

    name = "actions"

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions; the same for the same seed and split ("train" or "heldout").

        Raises ValueError for any other split.
        """

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw(rng, split, THEMES), rng, ident)

        return seeded(self.name, n, seed, split, make)

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """Right if the last calls that the reply writes are the gold ones, in any order.

        The gold is the answer, or what the meta holds as "acceptable": for each call the values
        that each argument may have.

        Raises ValueError where the instruction lists no functions or its gold is no calls.
        """
        schemas = offered(instruction.meta)
        bare = {name: not schema.get("required") for name, schema in schemas.items()}
        calls = committed(reply, bare)
        if not calls:
            return Verdict(0.0, None)
        acceptable = instruction.meta.get("acceptable")
        gold = instruction.answer if acceptable is None else json.dumps(thaw(acceptable))
        score = 1.0 if right(calls, gold, schemas) else 0.0
        return Verdict(score, written(calls))

    def guess(self, said: Sequence[str]) -> str:
        """A call, with nothing, of the first function that the user has offered last."""
        offers = [_OFFERED.findall(text) for text in said]
        told = [names[0] for names in offers if names]
        return json.dumps([{"name": told[-1] if told else "act", "arguments": {}}])


actions = Actions()
