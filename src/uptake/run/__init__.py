"""Plays a plan into a folder, and goes on where an earlier sitting stopped.

A fixed number of workers take jobs from one iterator, so that memory does not grow with the run.
Each finished episode is one appended line (`record`); a run that is interrupted, however it is,
plays only what is missing when it is started again. Failed episodes are recorded, counted and
played again at the next sitting.

This module knows nothing of how a conversation goes, or of what its scores mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from uptake.analysts import mediator
from uptake.domains import domain as find_domain
from uptake.domains import long
from uptake.episode import Episode, Verify, play
from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.instructions import read_instructions
from uptake.judge import Judge, rubric
from uptake.menders import mender
from uptake.model import Model, Sampling
from uptake.models import model as open_model
from uptake.models.policies import POLICIES, Guess
from uptake.partners import Oracle, guesser
from uptake.probes import Probe, budgeted, granular
from uptake.probes import probe as find_probe
from uptake.probes.granularity import counts
from uptake.run.budget import Budget, LimitReachedError, Metered, metered
from uptake.run.caveats import caveats
from uptake.run.plan import Job, Plan, sample
from uptake.run.progress import Progress
from uptake.run.record import Record
from uptake.user import ModelUser, ScriptedUser, User

__all__ = ["CONCURRENCY", "Limits", "Outcome", "Setup", "check_price", "finish", "run", "setup"]

CONCURRENCY = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be used: episodes at once, and tokens and US dollars over the whole run."""

    concurrency: int = CONCURRENCY
    max_tokens: int | None = None
    max_cost: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could never play.

        Raises:
            UptakeError: a limit below what a limit can be.
        """
        if self.concurrency < 1:
            raise UptakeError(f"--concurrency must be at least 1, not {self.concurrency}")
        if self.max_tokens is not None and self.max_tokens < 0:
            raise UptakeError(f"--max-tokens must not be below 0: {self.max_tokens}")
        if self.max_cost is not None and not self.max_cost >= 0:
            raise UptakeError(f"--max-cost must not be below 0: {self.max_cost}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sitting came to: `episodes` played in all sittings, `failed` among them, `missing`.

    `stopped` says which limit ended it, None where it ran to its end.
    """

    out: Path
    episodes: int
    failed: int
    missing: int
    stopped: str | None = None


@dataclass(slots=True)
class Setup:
    """A plan with what it takes to play it: a verifier for each domain, the user, the models.

    `user` is the model that plays the user, None for the scripted one; `opened` are the models
    that were opened by name. `judge` is the model that scores, if any, with the `rubrics` that its
    domains give it. `notes` is what a reader of the scores must know.
    """

    plan: Plan
    verify: Mapping[str, Verify]
    user: Model | None = None
    opened: list[Model] = field(default_factory=list[Model])
    judge: Model | None = None
    rubrics: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: Sequence[str] = ()

    async def aclose(self) -> None:
        """Close every model that was opened by name; those that were handed in stay open."""
        for opened in self.opened:
            await opened.aclose()


def setup(
    probes: Sequence[str | Probe] = ("lost",),
    *,
    model: str | Model = "embedded",
    instructions: str | Path | Sequence[Instruction] | None = None,
    domain: str | None = None,
    n: int = 100,
    repeats: int = 10,
    seed: int = 0,
    conditions: Sequence[str] = (),
    user: str | Model | None = None,
    judge: str | Model | None = None,
    sampling: Sampling | None = None,
    controls: bool = True,
    mediated: bool = False,
    mend: Sequence[str] = (),
    analyst: str | None = None,
    experience: str | Path | None = None,
    verify: Verify | None = None,
    budgets: Sequence[str] = (),
    shards: str | Sequence[str | int] = (),
    **options: Any,
) -> Setup:
    """A plan from settings as people give them; nothing is asked of a model yet.

    With `mediated`, the model is played as it is and mediated, by the `analyst` of that name
    (`analysts`), which may read an `experience`; `mend` names other ways to mend a conversation
    that are played beside it (`menders`).

    `verify` checks the replies in place of the instructions' own domains; a `judge` scores those
    that answer, in domains that have a rubric for it, or all where `verify` is given. `budgets` are
    those of thinking, for probes that take them. `shards`, as "2-8" or (2, 4, 8), are the numbers
    of shards that `lost` tells each instruction in, too; generated ones then have as many as the
    largest. `options` go to the model that is opened by name (a price, a rate).

    Raises:
        UptakeError: any setting that cannot be used, in one line.
    """
    if n < 1:
        raise UptakeError(f"-n must be at least 1, not {n}")
    found = budgeted([find_probe(p) if isinstance(p, str) else p for p in probes], budgets)
    told_in = counts(shards) if shards else ()
    found = granular(found, told_in)
    chosen, source = _instructions(instructions, domain, n, seed, max(told_in, default=0))
    domains = {instruction.domain for instruction in chosen}
    verifiers = {name: verify or find_domain(name).verify for name in sorted(domains)}
    rubrics = _rubrics(domains) if judge is not None and verify is None else {}
    opened: list[Model] = []
    tested = _open(model, opened, options)
    partner = None if user is None else _open(user, opened, {})
    judging = None if judge is None else _open(judge, opened, {})
    mended = mediator(tested, opened, mediated=mediated, analyst=analyst, experience=experience)
    names = POLICIES if controls else ()
    plan = Plan(
        probes=found,
        instructions=tuple(chosen),
        source=source,
        model=tested,
        controls=tuple(open_model(name) for name in names if name != tested.name),
        beside=(*([mended] if mended else []), *_menders(tested, mend)),
        analyst=" ".join(str(part) for part in (analyst, experience) if part) or None,
        conditions=tuple(conditions),
        repeats=repeats,
        seed=seed,
        user="scripted" if partner is None else partner.name,
        sampling=sampling or Sampling(),
        judge=None if judging is None else judging.name,
        budgets=tuple(budgets),
        shards=told_in,
    )
    _check_effort(plan)
    if controls:
        told = [scenario for _, scenario in plan.scenarios]
        others = [guesser(told) if isinstance(c, Guess) else c for c in plan.controls]
        plan = replace(plan, controls=(*others, Oracle(told)))
    notes = caveats(chosen, usual=verify is None and judge is None)
    if not plan.scenarios:
        raise UptakeError(_unsuited(plan, notes))
    return Setup(plan, verifiers, partner, opened, judging, rubrics, notes)


async def run(
    *probes: str | Probe,
    out: str | Path | None = None,
    concurrency: int = CONCURRENCY,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    progress: bool = True,
    **settings: Any,
) -> Path:
    """Play what is missing of a run, and give its folder. `settings` are those of `setup`.

    Raises:
        UptakeError: a setting that cannot be used, or a folder that cannot be written.
        ModelError: the model cannot be asked at all (unknown, refused, unreachable).
    """
    limits = Limits(concurrency, max_tokens, max_cost)
    ready = setup(probes or ("lost",), **settings)
    try:
        outcome = await finish(ready, out, limits, progress=progress)
    finally:
        await ready.aclose()
    return outcome.out


async def finish(
    ready: Setup,
    out: str | Path | None = None,
    limits: Limits | None = None,
    *,
    progress: bool = True,
) -> Outcome:
    """Play every episode of the plan that `out` does not hold yet.

    Raises:
        UptakeError: the folder cannot be written, is in use, or belongs to other settings.
        ModelError: the model cannot be asked at all. Finished episodes are kept.
    """
    limits = limits or Limits()
    plan = ready.plan
    check_price(plan.model, limits)
    record = Record(Path(out) if out is not None else plan.folder(), plan.settings())
    record.note(ready.notes)
    budget = Budget(limits.max_tokens, limits.max_cost, record.tokens, record.cost)
    try:
        missing = sum(1 for _ in plan.jobs(record.done))
        with Progress(missing, show=progress) as shown:
            sitting = _Sitting(ready, budget, record, shown)
            await sitting.play(limits.concurrency)
    finally:
        # What was spent on conversations that were cut short still counts towards the limits.
        record.lose(budget.spent_tokens - record.tokens, budget.spent_cost - record.cost)
        record.withhold(getattr(plan.model, "dropped", ()))
        record.close()
    done, failed = len(record.done), len(record.failed)
    left = sum(1 for job in plan.jobs(record.done) if job.key not in record.failed)
    return Outcome(record.out, done + failed, failed, left, sitting.stopped)


class _Sitting:
    """The workers of one sitting, and what they share."""

    def __init__(self, ready: Setup, budget: Budget, record: Record, shown: Progress) -> None:
        plan = ready.plan
        self.stopped: str | None = None
        self._record = record
        self._shown = shown
        self._plan = plan
        self._verify = ready.verify
        self._models = {id(one): metered(one, budget) for one in (plan.model, *plan.beside)}
        self._user: User = ScriptedUser()
        if ready.user is not None:
            self._user = ModelUser(Metered(ready.user, budget))
        self._judge = None
        if ready.judge is not None:
            self._judge = Judge(Metered(ready.judge, budget), ready.rubrics)
        self._rubrics = ready.rubrics
        # Taken once: the keys that this sitting adds are of jobs that have gone by.
        self._jobs = plan.jobs(frozenset(record.done))

    async def play(self, concurrency: int) -> None:
        """Play until no job is left or a limit is reached; the first error stops all."""
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(concurrency):
                    workers.create_task(self._work())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _work(self) -> None:
        for job in self._jobs:
            try:
                episode = await self._episode(job)
            except LimitReachedError as limit:
                # Conversations that still fit go on to their end; no new one begins.
                self.stopped = self.stopped or str(limit)
            else:
                self._record.add(episode)
                self._shown.advance(failed=episode.error is not None)
            if self.stopped:
                return
            # A model that answers without waiting must not keep the others, or Ctrl-C, out.
            await asyncio.sleep(0)

    async def _episode(self, job: Job) -> Episode:
        plan = self._plan
        return await play(
            job.scenario,
            self._models.get(id(job.model), job.model),
            verify=self._verify[job.scenario.instruction.domain],
            user=self._user,
            repeat=job.repeat,
            seed=plan.seed,
            sampling=plan.sampling,
            probe=job.probe,
            judge=self._judge if self._judged(job.scenario.instruction.domain) else None,
        )

    def _judged(self, domain: str) -> bool:
        """Whether the judge scores a domain: each where `verify` was given, else by rubric."""
        return not self._rubrics or domain in self._rubrics


def _instructions(
    given: str | Path | Sequence[Instruction] | None,
    domain: str | None,
    n: int,
    seed: int,
    shards: int,
) -> tuple[list[Instruction], str]:
    """The instructions to play, and the name of where they came from.

    Generated ones have at least so many `shards`; a file is taken as it is.
    """
    if given is None:
        name = domain or "math"
        found = find_domain(name)
        made = long(found, n, shards, seed=seed) if shards else found.generate(n, seed=seed)
        return made, name
    if domain is not None:
        raise UptakeError("--instructions and --domain exclude each other: choose one")
    if isinstance(given, str | Path):
        return sample(read_instructions(Path(given)), n, seed), Path(given).name
    return sample(given, n, seed), "instructions"


def _menders(model: Model, names: Sequence[str]) -> list[Model]:
    """The other ways to mend that are played beside the model itself."""
    return [mender(name, model) for name in dict.fromkeys(names)]


def _rubrics(domains: Iterable[str]) -> dict[str, str]:
    """What a judge is told of each domain that takes one; an error where none does."""
    found = {name: rubric(find_domain(name)) for name in sorted(domains)}
    known = {name: words for name, words in found.items() if words is not None}
    if not known:
        raise UptakeError(
            f"--judge: the domain {', '.join(found)} has no rubric: its own verifier decides; "
            "leave --judge out"
        )
    return known


def _unsuited(plan: Plan, notes: Sequence[str]) -> str:
    """Why a plan plays nothing."""
    told = f" under {', '.join(plan.conditions)}" if plan.conditions else ""
    names = ", ".join(probe.name for probe in plan.probes)
    why = "; ".join(notes) or "choose others, or another probe"
    return f"{names} can tell no instruction of {plan.source}{told}: {why}"


def _check_effort(plan: Plan) -> None:
    """Refuse to compare efforts of a model that has none. Most say nothing of it, and are asked."""
    wanted = plan.sampling.effort or any(scenario.effort for _, scenario in plan.scenarios)
    if wanted and not getattr(plan.model, "takes_effort", True):
        raise UptakeError(
            f"{plan.model.name} takes no reasoning effort: leave --effort out, and give --budgets "
            "in words or tokens"
        )


def _open(model: str | Model, opened: list[Model], options: dict[str, Any]) -> Model:
    if not isinstance(model, str):
        return model
    found = open_model(model, **options)
    opened.append(found)
    return found


def check_price(model: Model, limits: Limits) -> None:
    """Refuse to bound a cost that cannot be known. A model without a price asks for no money."""
    if limits.max_cost is not None and getattr(model, "price", 0) is None:
        raise UptakeError(
            f"--max-cost needs the price of {model.name}, which is not known: "
            "give it with --price, or use --max-tokens"
        )
