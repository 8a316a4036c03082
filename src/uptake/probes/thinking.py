"""`thinking`: does more thinking before the answer help the skill, or hurt it?

`missing` and `lost` at several budgets. By default these are working asked for in words, so that
any model can follow: none, brief, full. `--budgets low,medium,high` sets how much a reasoning model
thinks, by the endpoint's `reasoning_effort`; a number (`--budgets 256,1024,4096`) is the most
tokens that thinking and reply may have together. The slope is the skill at the largest budget less
the skill at the least. Before it is trained to ask, a model that thinks more may ask less. After
Wang et al. 2025, arXiv 2507.23407.

This module knows nothing of models, or of how much was thought at a budget.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from uptake.errors import UptakeError
from uptake.instruction import Instruction, Shard
from uptake.measures import Metric
from uptake.probes.missing import Missing, asked, asks
from uptake.probes.variants import Played
from uptake.scenario import Scenario, scenarios

__all__ = ["EFFORTS", "WORDS", "Thinking", "thinking"]

WORDS = {
    "none": "Just give the answer.",
    "brief": "Show brief working.",
    "full": "Explain every step.",
}
"""How much working is asked for, and the words that ask for it."""

EFFORTS = ("off", "minimal", "low", "medium", "high", "xhigh", "max")
"""What `reasoning_effort` may be, the least first; "off" is sent as "none", which is taken here."""

TOLD = ("complete", "missing", "sharded")


@dataclass(frozen=True, slots=True)
class Thinking:
    """The same skills at several budgets, the least first, all of one kind."""

    name: str = "thinking"
    budgets: tuple[str, ...] = tuple(WORDS)

    @property
    def conditions(self) -> tuple[str, ...]:
        """How an instruction is told, at each budget: "missing@brief"."""
        return tuple(f"{told}@{budget}" for told in TOLD for budget in self.budgets)

    def at(self, budgets: Sequence[str]) -> Thinking:
        """The probe at other budgets.

        Raises:
            UptakeError: a budget is unknown, they are of several kinds, or there is only one.
        """
        kinds = {_kind(budget) for budget in budgets}
        if len(kinds) > 1 or len(set(budgets)) < 2:
            raise UptakeError(
                f"--budgets {','.join(budgets)}: give at least two, all of one kind, "
                f"for example none,full or low,high or 256,4096"
            )
        return replace(self, budgets=tuple(_ordered(budgets)))

    def metrics_of(self, conditions: Collection[str]) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return _metrics(_ordered({told.partition("@")[2] for told in conditions} - {""}))

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` complete, with a hole, and over turns; each at every budget."""
        found = [
            replace(scenario, condition=f"{scenario.condition}@{budget}")
            for budget in self.budgets
            for scenario in _at(instruction, budget)
            if scenario.condition in TOLD
        ]
        return sorted(found, key=lambda scenario: self.conditions.index(scenario.condition))


def _kind(budget: str) -> str:
    if budget in WORDS or budget in EFFORTS:
        return "words" if budget in WORDS else "effort"
    if budget.isdecimal() and int(budget) > 0:
        return "tokens"
    raise UptakeError(
        f"--budgets: {budget!r} is none; there are: {', '.join(WORDS)}; {', '.join(EFFORTS)}; "
        "or a number of tokens"
    )


def _ordered(budgets: Collection[str]) -> list[str]:
    """Each once, the least first."""
    order = [*WORDS, *EFFORTS]
    named = [budget for budget in order if budget in budgets]
    return named + sorted({b for b in budgets if b.isdecimal()}, key=int)


def _at(instruction: Instruction, budget: str) -> list[Scenario]:
    kind = _kind(budget)
    if kind == "words":
        return _told(_asking(instruction, WORDS[budget]))
    effort = ("none" if budget == "off" else budget) if kind == "effort" else None
    tokens = int(budget) if kind == "tokens" else None
    told = _told(instruction)
    return [replace(scenario, effort=effort, reply_tokens=tokens) for scenario in told]


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


def slope(told: str, least: str, most: str, played: Played) -> float | None:
    """The score told in one way at the largest budget, less the same at the least."""
    high, low = score(told, most, played), score(told, least, played)
    return None if high is None or low is None else high - low


def slope_net(least: str, most: str, played: Played) -> float | None:
    """Half of the net of asking at the largest budget, less the same at the least; in [-1, 1]."""
    high, low = net(most, played), net(least, played)
    return None if high is None or low is None else (high - low) / 2


def _metrics(budgets: Sequence[str]) -> tuple[Metric, ...]:
    """The figures at these budgets, the least first."""
    levels = (
        *(_net(budget, budget == budgets[len(budgets) // 2]) for budget in budgets),
        *(_right(told, budget) for told in ("complete", "sharded") for budget in budgets),
    )
    if len(budgets) < 2:
        return levels
    least, most = budgets[0], budgets[-1]
    change = f"with {_words(most)}, less with {_words(least)}"
    return (
        *levels,
        Metric(
            "slope_complete",
            f"complete@{most}",
            partial(slope, "complete", least, most),
            f"told at once: right {change}",
            kind="difference",
        ),
        Metric(
            "slope_sharded",
            f"sharded@{most}",
            partial(slope, "sharded", least, most),
            f"told over turns: right {change}",
            kind="difference",
            headline=True,
        ),
        Metric(
            "slope_net",
            f"missing@{most}",
            partial(slope_net, least, most),
            f"half of: net of asking {change}",
            kind="difference",
        ),
    )


def _net(budget: str, headline: bool) -> Metric:
    return Metric(
        f"net_{budget}",
        f"missing@{budget}",
        partial(net, budget),
        f"asks when needed, less asks when not, with {_words(budget)}",
        kind="difference",
        headline=headline,
        sides=((f"missing@{budget}", lambda e: not asked(e)), (f"complete@{budget}", asked)),
    )


def _right(told: str, budget: str) -> Metric:
    when = "all is told at once" if told == "complete" else "told over turns"
    return Metric(
        f"{told}_{budget}",
        f"{told}@{budget}",
        partial(score, told, budget),
        f"right when {when}, with {_words(budget)}",
    )


def _words(budget: str) -> str:
    if budget in WORDS:
        return f"{budget} working"
    return f"at most {budget} tokens" if budget.isdecimal() else f"reasoning effort {budget}"


thinking = Thinking()
