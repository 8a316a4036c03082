"""Whether shards say what the request says: told at once as a list, they must do nearly as well.

The criterion is that of Laban et al. 2025 (arXiv 2505.06120): the mean score under CONCAT is at
least 0.8 of that under FULL, over repeats with a model. A request that the model never solves says
nothing of its shards, so it does not pass.

This module knows nothing of how the shards were made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from uptake.conversation import thaw
from uptake.domains import domain as find_domain
from uptake.episode import play
from uptake.instruction import Instruction
from uptake.model import Model, ModelError, Sampling
from uptake.scenario import scenarios
from uptake.sharding.sentence import UnshardableError

__all__ = ["KEEP", "Verified", "verified", "verify"]

KEEP = 0.8
"""The least that CONCAT may keep of FULL."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Mean scores in [0, 1] over the repeats, and by which model."""

    by: str
    full: float
    concat: float
    repeats: int

    @property
    def fault(self) -> str | None:
        """Why the shards do not pass; None where they do."""
        if self.full == 0:
            return f"{self.by} solves it in none of {self.repeats} tries told in full"
        if self.concat < KEEP * self.full:
            return f"CONCAT {self.concat:.2f} is below {KEEP:g} of FULL {self.full:.2f}"
        return None


async def verify(
    instruction: Instruction, model: Model, repeats: int, *, seed: int, sampling: Sampling
) -> Verified:
    """Play the instruction `repeats` times under FULL and under CONCAT.

    Raises:
        ModelError: a reply failed, so that there is no verdict.
        UnshardableError: the replies cannot be scored.
    """
    means: list[float] = []
    for scenario in scenarios(instruction, ("full", "concat")):
        scores: list[float] = []
        for repeat in range(repeats):
            episode = await play(
                scenario,
                model,
                verify=find_domain(instruction.domain).verify,
                repeat=repeat,
                seed=seed,
                sampling=sampling,
                probe="shard",
            )
            if episode.error is not None:
                raise ModelError(episode.error)
            if (score := episode.score()) is None:
                raise UnshardableError("its replies have no score, so it cannot be verified")
            scores.append(score)
        means.append(sum(scores) / repeats)
    return Verified(model.name, means[0], means[1], repeats)


def verified(instruction: Instruction, found: Verified) -> Instruction:
    """The instruction with what was found in its meta."""
    meta: dict[str, Any] = {**thaw(instruction.meta), "verified": asdict(found)}
    return replace(instruction, meta=meta)
