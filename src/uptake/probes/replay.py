"""`replay`: real conversations played again, the user's turns in their order.

The instructions come from `uptake mine`: the shards are what the user said turn by turn, `full` is
the request as it finally stood. `sharded` says the turns one after the other, whatever the replies;
`full` and `concat` tell everything at once.

This module knows nothing of models, or of where instructions come from.
"""

from __future__ import annotations

from dataclasses import dataclass

from uptake.instruction import Instruction
from uptake.partners import spoken
from uptake.probes.handoff import LISTENS
from uptake.scenario import Scenario, Told, scenarios

__all__ = ["Replay", "replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """The turns of a conversation as they came, beside the whole request."""

    name: str = "replay"
    conditions: tuple[str, ...] = ("full", "concat", "sharded")

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` under each condition; only `full` where it is a single turn.

        The system prompt is `meta["system"]`, where there is one. What a good partner does at each
        turn is not known of a real conversation, so no move is named; an oracle listens up to the
        last.
        """
        system = instruction.meta.get("system")
        system = system if isinstance(system, str) else None
        if len(instruction.shards) == 1:
            return scenarios(instruction, ("full",), system=system)
        last = len(instruction.shards) - 1
        told = tuple(
            Told(shard.text, (at,), good=spoken(instruction) if at == last else LISTENS, move="")
            for at, shard in enumerate(instruction.shards)
        )
        replayed = Scenario(instruction, "sharded", told, system, scripted=True)
        return [*scenarios(instruction, ("full", "concat"), system=system), replayed]


replay = Replay()
