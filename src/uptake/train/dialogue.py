"""Conversations to learn from in three modes: in one message, or over turns with maintenance.

| mode | what it holds |
|---|---|
| `monologic` | every problem in one message, and its answer |
| `natural` | the same over turns; maintenance comes as often as it does among people |
| `dense` | the same with something to maintain in nearly every conversation, and always done |

The scenarios are those of the tasks that rewards are given on, told by the same users; the partner
says a scenario's good reply at the rate of the mode, and otherwise its poor one. People's rates are
counted a turn (`natural.json`, by `runs/natural_rates.py`). What the user brings up (a correction,
a second topic) comes in `natural` as often as people do such a thing in a conversation of
`TURNS` turns, and the partner then does what is right: people do.

This module knows nothing of tokens, models or trainers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Literal

from uptake.domains import guess
from uptake.instruction import Instruction
from uptake.partners import spoken
from uptake.scenario import Scenario
from uptake.seeds import stable_seed
from uptake.train.corpus import Chat
from uptake.train.env import Env
from uptake.train.rollout import verifier
from uptake.train.tasks import TOLD, Task, Tasks
from uptake.train.worked import guessed, worked
from uptake.users import user

__all__ = ["MODES", "Manner", "Mode", "conversations", "manner", "natural"]

Mode = Literal["monologic", "natural", "dense"]

MODES: tuple[Mode, ...] = ("monologic", "natural", "dense")

TURNS = 4
"""The user's turns in a conversation, about: what turns a rate a turn into one a conversation."""

OKAY = ("Okay.", "Got it.", "Noted.")

DENSE: Mapping[str, float] = {
    "missing.missing": 0.16,
    "missing.distracted": 0.04,
    "missing.complete": 0.08,
    "lost.full": 0.06,
    "lost.sharded": 0.18,
    TOLD: 0.08,
    "revision.changed": 0.08,
    "revision.withdrawn": 0.05,
    "revision.pushback": 0.05,
    "presupposition.false": 0.06,
    "presupposition.true": 0.04,
    "repair.third": 0.03,
    "repair.huh": 0.03,
    "reference.unclear": 0.03,
    "handoff.resumed": 0.03,
}
"""Shares of conditions where there is something to maintain in nearly every conversation."""

PLAIN: Mapping[str, float] = {
    "missing.missing": 0.2,
    "missing.complete": 0.2,
    "lost.full": 0.2,
    "lost.sharded": 0.25,
    TOLD: 0.15,
}
"""Shares of conditions in what is left of `natural` beside what users bring up."""

EVENTS: Mapping[str, str] = {
    "revision.changed": "repair_self",
    "revision.withdrawn": "repair_self",
    "presupposition.false": "correct",
    "repair.huh": "huh",
    "handoff.resumed": "topic_return",
}
"""What a user brings up, and the act of people's by whose rate it comes."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the conversations of a mode are made: shares of conditions, and the partner's rates.

    `ask` is how often it asks where something is missing or could be two things, `acknowledge` how
    often it waits, where more facts come without a word of that, and does not guess.
    """

    mixture: Mapping[str, float]
    ask: float
    acknowledge: float


@cache
def natural() -> Mapping[str, float]:
    """People's rates a turn, by act."""
    table = json.loads(files("uptake.train").joinpath("natural.json").read_text(encoding="utf-8"))
    return {act: row["rate"] for act, row in table.items()}


def manner(mode: Mode) -> Manner:
    """How the conversations of a mode are made; `monologic` ones tell the problems of `natural`."""
    if mode == "dense":
        return Manner(DENSE, 1.0, 1.0)
    rates = natural()
    events = {condition: TURNS * rates[act] for condition, act in EVENTS.items()}
    left = 1.0 - sum(events.values())
    plain = {condition: left * share for condition, share in PLAIN.items()}
    return Manner(plain | events, rates["ask"], rates["acknowledge"])


def conversations(
    source: str, mode: Mode, *, seed: int = 0, split: str = "train"
) -> Iterator[Chat]:
    """Conversations of a mode without end, the same for the same seed and split."""
    how = manner(mode)
    tasks, number = Tasks(source, how.mixture, seed=seed, split=split), 0
    while True:
        task = tasks.task(number)
        rng = Random(stable_seed("conversation", mode, source, split, seed, number))
        yield _told_at_once(task) if mode == "monologic" else _played(task, how, rng)
        number += 1


def _told_at_once(task: Task) -> Chat:
    one = task.scenario.instruction
    return [
        {"role": "user", "content": one.full},
        {"role": "assistant", "content": worked(spoken(one), [one])},
    ]


def _played(task: Task, how: Manner, rng: Random) -> Chat:
    scenario = task.scenario
    verify = verifier(scenario.instruction.domain)
    env = Env(verify, user=user(task.user), probe=task.probe)
    env.reset(scenario)
    while env.episode is None:
        said = [message["content"] for message in env.messages if message["role"] == "user"]
        env.reply(_reply(scenario, said, how, rng))
    return [{"role": m["role"], "content": m["content"]} for m in env.messages]


def _reply(scenario: Scenario, said: list[str], how: Manner, rng: Random) -> str:
    """What the partner says after the user's turns `said`."""
    if scenario.scripted:
        told = scenario.turns[min(len(said), len(scenario.turns)) - 1]
        rate = how.ask if told.move == "ask" else 1.0
        text = told.good if told.poor is None or rng.random() < rate else told.poor
        of = (told.wants, told.rival, scenario.instruction, *(t.wants for t in scenario.turns))
        return worked(text or "", [one for one in of if one is not None])
    unsaid = _unsaid(scenario, said)
    if not unsaid:
        return worked(spoken(scenario.instruction), [scenario.instruction])
    if rng.random() < how.ask:
        shard = scenario.instruction.shards[unsaid[0]]
        return f"Could you tell me {shard.quantity or 'more about that'}?"
    more = len(said) > 1 and not scenario.hidden
    if more and rng.random() < how.acknowledge:
        return rng.choice(OKAY)
    blind = guessed(scenario.instruction, unsaid, rng)
    return blind or guess(scenario.instruction.domain, said)


def _unsaid(scenario: Scenario, said: list[str]) -> list[int]:
    """The needed shards that were not told: in no plan's turn that was said, nor in any words."""
    one: Instruction = scenario.instruction
    told = {shard for turn in scenario.turns if turn.text in said for shard in turn.shards}
    heard = "\n".join(said)
    return [
        shard
        for shard in sorted(one.needed - told)
        if one.shards[shard].text not in heard and not _valued(one.shards[shard].value, said)
    ]


def _valued(value: str | None, said: list[str]) -> bool:
    """Whether a turn is no more than the value: what a terse user answers with."""
    return value is not None and f"{value}." in said
