"""What a run will play: probes × instructions × conditions × models × repeats, and what it may use.

A `Plan` is made of settings and makes `Job`s, one at a time and always in the same order: repeats
outermost, so that a run that is stopped early has every condition of every instruction about
equally often, and the controls first, since they cost nothing.

This module knows nothing of how a conversation goes, or of what is left of it on disk.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.model import Model, Sampling
from uptake.models.prices import Price
from uptake.probes import Probe
from uptake.scenario import Scenario

__all__ = [
    "CHARACTERS_A_TOKEN",
    "Estimate",
    "Job",
    "Plan",
    "describe",
    "estimate",
    "named",
    "pairs",
    "sample",
]

# Constant policies say the same in every repeat; two show that nothing varies.
CONTROL_REPEATS = 2

CHARACTERS_A_TOKEN = 4
"""What a token is taken for before anything is asked."""

TOKENS_AROUND_MESSAGE = 4
TOKENS_A_REPLY = 120  # brief working and an answer


@dataclass(frozen=True, slots=True)
class Job:
    """One episode that is to be played."""

    probe: str
    scenario: Scenario
    model: Model
    repeat: int
    user: str

    @property
    def key(self) -> tuple[Any, ...]:
        """The same as `Episode.key` of the episode that it becomes."""
        instruction = self.scenario.instruction
        return (
            self.probe,
            instruction.domain,
            instruction.id,
            self.scenario.condition,
            self.model.name,
            bool(getattr(self.model, "mediated", False)),
            self.repeat,
            self.user,
        )


@dataclass(frozen=True)
class Plan:
    """Everything that decides which episodes there are, and what is said in them.

    `source` names where the instructions came from, for people. `beside` are models that are played
    as often as `model` is: the same one mediated, or mended in another way; `analyst` names the
    one that reads for it, None the default. `user` is the name of
    the simulated user, `judge` that of the model that scores, where one does. `budgets` are those
    of thinking that the probes were given in place of their own, `shards` the numbers of shards
    that they tell an instruction in, too.
    """

    probes: tuple[Probe, ...]
    instructions: tuple[Instruction, ...]
    source: str
    model: Model
    controls: tuple[Model, ...] = ()
    beside: tuple[Model, ...] = ()
    analyst: str | None = None
    conditions: tuple[str, ...] = ()
    repeats: int = 10
    seed: int = 0
    user: str = "scripted"
    sampling: Sampling = field(default_factory=Sampling)
    judge: str | None = None
    budgets: tuple[str, ...] = ()
    shards: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be played.

        Raises:
            UptakeError: nothing to play, an unknown condition, or an id that is used twice.
        """
        if not self.instructions:
            raise UptakeError(f"no instructions in {self.source}: there is nothing to play")
        if self.repeats < 1:
            raise UptakeError(f"--repeats must be at least 1, not {self.repeats}")
        known = list(dict.fromkeys(c for probe in self.probes for c in probe.conditions))
        for condition in self.conditions:
            if condition not in known:
                raise UptakeError(
                    f"no condition is called {condition!r}; there are: {', '.join(known)}"
                )
        ids: set[tuple[str, str]] = set()
        for instruction in self.instructions:
            if (instruction.domain, instruction.id) in ids:
                raise UptakeError(
                    f"two instructions in {self.source} have the id {instruction.id!r}: "
                    "give each its own"
                )
            ids.add((instruction.domain, instruction.id))

    def settings(self) -> dict[str, Any]:
        """What must be the same for two runs to be one, as JSON."""
        text = json.dumps([_identity(i) for i in self.instructions], sort_keys=True)
        return {
            "probes": [probe.name for probe in self.probes],
            "model": self.model.name,
            "controls": [control.name for control in self.controls],
            # Only where there are any, so that a run that was begun without goes on.
            **({"beside": [named(model) for model in self.beside]} if self.beside else {}),
            **({"analyst": self.analyst} if self.analyst else {}),
            "source": self.source,
            "instructions": len(self.instructions),
            "conditions": list(self.conditions) or "all",
            "repeats": self.repeats,
            "seed": self.seed,
            "user": self.user,
            "temperature": self.sampling.temperature,
            "reply_tokens": self.sampling.max_tokens,
            # As above.
            **({"judge": self.judge} if self.judge else {}),
            **({"effort": self.sampling.effort} if self.sampling.effort else {}),
            **({"budgets": list(self.budgets)} if self.budgets else {}),
            **({"shards": list(self.shards)} if self.shards else {}),
            # Last, so that a setting which changes the instructions is named before its effect.
            "instructions_sha256": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16],
        }

    def folder(self) -> Path:
        """Where the run goes when nothing else is said: the same for the same settings."""
        settings = self.settings()
        mark = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:6]
        words = "-".join([*settings["probes"], self.model.name])
        return Path("out") / f"{_slug(words)}-{mark}"

    @cached_property
    def scenarios(self) -> tuple[tuple[str, Scenario], ...]:
        """Every scenario that this plan plays, with the name of its probe."""
        return tuple(
            (probe.name, scenario)
            for probe in self.probes
            for instruction, other in pairs(self.instructions)
            for scenario in probe.scenarios(instruction, other)
            if not self.conditions or scenario.condition in self.conditions
        )

    def jobs(self, done: Container[tuple[Any, ...]] = ()) -> Iterator[Job]:
        """Every job whose key is not in `done`, in order, made as it is asked for."""
        for model, repeat in self._played():
            for probe, scenario in self.scenarios:
                if len(scenario.turns) > _most_turns(model):
                    continue
                job = Job(probe, scenario, model, repeat, self.user)
                if job.key not in done:
                    yield job

    def _played(self) -> Iterator[tuple[Model, int]]:
        for control in self.controls:
            for repeat in range(min(self.repeats, CONTROL_REPEATS)):
                yield control, repeat
        for repeat in range(self.repeats):
            for model in (self.model, *self.beside):
                yield model, repeat


def named(model: Model) -> str:
    """A model as the tables name it."""
    return f"{model.name} (mediated)" if getattr(model, "mediated", False) else model.name


@dataclass(slots=True)
class Estimate:
    """How much a plan will use of the model that is probed, by itself and as part of the others.

    Controls are counted as episodes only.

    Calls and tokens are estimates: each turn of the scenario is one call, 4 characters are one
    token, and a reply is `TOKENS_A_REPLY` tokens. `most_tokens` takes every reply at its limit.
    """

    episodes: int = 0
    control_episodes: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    most_tokens: int = 0
    user_calls: int = 0
    by_condition: dict[str, Estimate] = field(default_factory=dict[str, "Estimate"])

    @property
    def tokens(self) -> int:
        """Prompt and reply tokens together."""
        return self.prompt_tokens + self.reply_tokens

    def add(self, scenario: Scenario, sampling: Sampling, calls: int = 1) -> None:
        """Count one episode, with so many calls a turn."""
        longest = scenario.reply_tokens or sampling.max_tokens
        reply = min(TOKENS_A_REPLY, longest)
        said = _tokens(scenario.system) if scenario.system else 0
        self.episodes += 1
        for heard, told in enumerate(scenario.turns):
            said += _tokens(told.text)
            self.calls += calls
            self.prompt_tokens += calls * (said + heard * reply)
            self.reply_tokens += calls * reply
            self.most_tokens += calls * (said + (heard + 1) * longest)


def estimate(plan: Plan, done: Container[tuple[Any, ...]] = ()) -> Estimate:
    """What the episodes of `plan` that are not in `done` will use."""
    total = Estimate()
    for job in plan.jobs(done):
        if job.model in plan.controls:
            total.control_episodes += 1
            continue
        part = total.by_condition.setdefault(job.scenario.condition, Estimate())
        calls = getattr(job.model, "calls", 1)
        part.add(job.scenario, plan.sampling, calls)
        total.add(job.scenario, plan.sampling, calls)
    if plan.user != "scripted":
        total.user_calls = total.calls
    return total


def describe(plan: Plan, counted: Estimate, price: Price | None, played: int = 0) -> str:
    """The estimate for a person: a table by condition, the sums, the price, and how it was made."""
    models = (plan.model, *plan.beside)
    lines = [
        f"{', '.join(p.name for p in plan.probes)} on {', '.join(map(named, models))}: "
        f"{len(plan.instructions):,} instructions from {plan.source}, "
        f"{plan.repeats} repeats, seed {plan.seed}, user {plan.user}",
        "",
        f"{'condition':<12}{'episodes':>10}{'calls':>10}{'tokens in':>14}{'tokens out':>14}",
    ]
    parts = [*counted.by_condition.items(), ("all", counted)]
    lines += [
        f"{name:<12}{part.episodes:>10,}{part.calls:>10,}"
        f"{part.prompt_tokens:>14,}{part.reply_tokens:>14,}"
        for name, part in parts
    ]
    lines += ["", f"price       {_priced(counted, price)}"]
    lines.append(f"at most     {counted.most_tokens:,} tokens, if every reply is as long as it may")
    if counted.control_episodes:
        lines.append(f"controls    {counted.control_episodes:,} episodes more, which cost nothing")
    if counted.user_calls:
        lines.append(f"user        up to {counted.user_calls:,} calls more to {plan.user}")
    if plan.judge:
        lines.append(
            f"judge       up to {counted.calls:,} calls more to {plan.judge}, "
            "and those for the controls"
        )
    if plan.beside:
        lines.append("mended      counted as if they sent the conversation as it is")
    if played:
        lines.append(f"played      {played:,} episodes are there already and not counted above")
    lines.append(
        f"estimates   one call a turn, {CHARACTERS_A_TOKEN} characters a token, "
        f"{min(TOKENS_A_REPLY, plan.sampling.max_tokens)} tokens a reply"
    )
    return "\n".join(lines)


def _priced(counted: Estimate, price: Price | None) -> str:
    if price is None:
        return "not known"
    cost = price.cost(counted.prompt_tokens, counted.reply_tokens)
    return (
        f"about ${cost:,.2f}, at ${price.prompt:g} in and ${price.completion:g} out "
        "a million tokens"
    )


def _most_turns(model: Model) -> float:
    """The longest conversation that a model says it can hold, in turns of the user."""
    return getattr(model, "most_turns", None) or float("inf")


def pairs(
    instructions: Sequence[Instruction],
) -> Iterator[tuple[Instruction, Instruction | None]]:
    """Each instruction with the next one of its domain, the last with the first; None if alone."""
    domains: dict[str, list[Instruction]] = defaultdict(list)
    for instruction in instructions:
        domains[instruction.domain].append(instruction)
    following = {
        name: iter([*alike[1:], alike[0]] if len(alike) > 1 else [None])
        for name, alike in domains.items()
    }
    return ((one, next(following[one.domain])) for one in instructions)


def sample(instructions: Sequence[Instruction], n: int, seed: int) -> list[Instruction]:
    """`n` of the instructions, drawn by `seed`, in their own order; all where there are no more."""
    if n >= len(instructions):
        return list(instructions)
    picked = random.Random(f"uptake {seed}").sample(range(len(instructions)), n)
    return [instructions[i] for i in sorted(picked)]


def _identity(instruction: Instruction) -> list[Any]:
    shards = [asdict(shard) for shard in instruction.shards]
    return [instruction.id, instruction.domain, instruction.full, shards, instruction.answer]


def _tokens(text: str) -> int:
    return TOKENS_AROUND_MESSAGE + -(-len(text) // CHARACTERS_A_TOKEN)


def _slug(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-.")[:80]
