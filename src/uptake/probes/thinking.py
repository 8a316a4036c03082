"""`thinking`: does more working before the answer help the skill, or hurt it?

`missing` and `lost` at three budgets of working, asked for in words, so that any model can follow:
none, brief, full. The slope is the skill with full working less the skill with none. Before it is
trained to ask, a model that thinks more may ask less. After Wang et al. 2025, arXiv 2507.23407.

This module knows nothing of models, or of tokens that are thought and not said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from uptake.instruction import Instruction, Shard
from uptake.probes.missing import Missing, asks
from uptake.probes.variants import Played
from uptake.scenario import Scenario, scenarios
from uptake.scores import Metric

__all__ = ["BUDGETS", "Thinking", "thinking"]

BUDGETS = {
    "none": "Just give the answer.",
    "brief": "Show brief working.",
    "full": "Explain every step.",
}
"""How much working is asked for, and the words that ask for it."""

TOLD = ("complete", "missing", "sharded")


@dataclass(frozen=True, slots=True)
class Thinking:
    """The same skills at several budgets."""

    name: str = "thinking"
    conditions: tuple[str, ...] = tuple(f"{told}@{budget}" for told in TOLD for budget in BUDGETS)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` complete, with a hole, and over turns; each at every budget."""
        found = [
            replace(scenario, condition=f"{scenario.condition}@{budget}")
            for budget, words in BUDGETS.items()
            for scenario in _told(_asking(instruction, words))
            if scenario.condition in TOLD
        ]
        return sorted(found, key=lambda scenario: self.conditions.index(scenario.condition))


def _told(instruction: Instruction) -> list[Scenario]:
    return [*Missing().scenarios(instruction), *scenarios(instruction, ("sharded",))]


def _asking(instruction: Instruction, words: str) -> Instruction:
    """The instruction with a word on the working before its intent."""
    intent = instruction.shards[0]
    asked: Shard = replace(intent, text=f"{words}\n{intent.text}")
    return replace(instruction, shards=(asked, *instruction.shards[1:]))


def net(budget: str, played: Played) -> float | None:
    """Asks where something is missing, less asks where nothing is, at one budget."""
    needed = asks(f"missing@{budget}", played)
    needless = asks(f"complete@{budget}", played)
    return None if needed is None or needless is None else needed - needless


def score(told: str, budget: str, played: Played) -> float | None:
    """The last reply's score at one budget."""
    episode = played.get(f"{told}@{budget}")
    return None if episode is None else episode.turns[-1].score


def slope(told: str, played: Played) -> float | None:
    """The score told in one way with full working, less the same with none."""
    most, least = score(told, "full", played), score(told, "none", played)
    return None if most is None or least is None else most - least


def slope_net(played: Played) -> float | None:
    """Half of the net of asking with full working, less the same with none; in [-1, 1]."""
    most, least = net("full", played), net("none", played)
    return None if most is None or least is None else (most - least) / 2


METRICS = (
    *(
        Metric(
            f"net_{budget}",
            f"missing@{budget}",
            partial(net, budget),
            f"asks when needed, less asks when not, with {budget} working",
            kind="difference",
            headline=budget == "brief",
        )
        for budget in BUDGETS
    ),
    *(
        Metric(
            f"{told}_{budget}",
            f"{told}@{budget}",
            partial(score, told, budget),
            f"right when {'all is told at once' if told == 'complete' else 'told over turns'}, "
            f"with {budget} working",
        )
        for told in ("complete", "sharded")
        for budget in BUDGETS
    ),
    Metric(
        "slope_complete",
        "complete@full",
        partial(slope, "complete"),
        "told at once: right with full working, less with none",
        kind="difference",
    ),
    Metric(
        "slope_sharded",
        "sharded@full",
        partial(slope, "sharded"),
        "told over turns: right with full working, less with none",
        kind="difference",
        headline=True,
    ),
    Metric(
        "slope_net",
        "missing@full",
        slope_net,
        "half of: net of asking with full working, less with none",
        kind="difference",
    ),
)


thinking = Thinking()
