"""The verbs for people at a prompt: `probe` and `play`, which wait and give what came of it.

Both work where an event loop is already running, as in a notebook: everything asynchronous happens
on one loop of its own, in a thread of its own, so that a model may be used in many calls.

This module knows nothing of the command line.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from uptake import run as runs
from uptake.episode import Episode, Verify
from uptake.episode import play as play_episode
from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.model import Model, Sampling
from uptake.models import model as load_model
from uptake.probes import Probe, metrics
from uptake.run.record import episodes
from uptake.scenario import Scenario, scenarios
from uptake.user import ModelUser, ScriptedUser, User

if TYPE_CHECKING:
    from uptake.scores import Row

__all__ = ["Result", "play", "probe", "wait"]

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """A run that was played: its folder, and how many episodes failed or are missing.

    `stopped` says which limit ended it, None where it ran to its end. `mediated` is whether the
    model that was handed in was a mediated one.
    """

    out: Path
    model: str
    failed: int
    missing: int
    stopped: str | None
    mediated: bool = False

    def episodes(self) -> list[Episode]:
        """Every episode of the run, those of earlier sittings and of the controls included."""
        return episodes(self.out)

    def rows(self) -> list[Row]:
        """Every score with its interval, in long form: what `scores.json` holds."""
        return self._rows

    @cached_property
    def _rows(self) -> list[Row]:
        from uptake.scores import rows

        played = self.episodes()
        return rows(played, metrics({e.probe for e in played}, {e.condition for e in played}))

    def value(
        self,
        metric: str,
        condition: str = "sharded",
        score: str = "last",
        *,
        mediated: bool | None = None,
    ) -> float | None:
        """One score of the model that was probed; None where it is withheld or there is none.

        `mediated` chooses between with and without, where both were played.
        """
        side = self.mediated if mediated is None else mediated
        wanted = (self.model, side, metric, condition, score)
        for row in self._rows:
            if (row.model, row.mediated, row.metric, row.condition, row.score) == wanted:
                return row.value
        return None


def probe(
    *probes: str | Probe,
    model: str | Model = "embedded",
    instructions: str | Path | Sequence[Instruction] | None = None,
    domain: str | None = None,
    n: int = 100,
    repeats: int = 10,
    seed: int = 0,
    out: str | Path | None = None,
    conditions: Sequence[str] = (),
    user: str | Model | None = None,
    temperature: float = 1.0,
    controls: bool = True,
    mediated: bool = False,
    mend: Sequence[str] = (),
    analyst: str | None = None,
    experience: str | Path | None = None,
    verify: Verify | None = None,
    shards: str | Sequence[str | int] = (),
    concurrency: int = runs.CONCURRENCY,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    progress: bool = True,
    **options: Any,
) -> Result:
    """Play probes (`lost` unless named) on a model, as `uptake probe` does, and wait for the end.

    What an earlier call with the same settings left in `out` is not played again. `shards`, as
    "2-8" or (2, 4, 8), are the numbers of shards that `lost` tells in, too. `options` go to
    the model that is opened by name (`price="0.15,0.60"`, `rpm=60`).

    Raises:
        UptakeError: a setting that cannot be used, or a folder that cannot be written.
        ModelError: the model cannot be asked at all. Finished episodes are kept.
    """
    ready = runs.setup(
        probes or ("lost",),
        model=model,
        instructions=instructions,
        domain=domain,
        n=n,
        repeats=repeats,
        seed=seed,
        conditions=conditions,
        user=user,
        sampling=Sampling(temperature=temperature),
        controls=controls,
        mediated=mediated,
        mend=mend,
        analyst=analyst,
        experience=experience,
        verify=verify,
        shards=shards,
        **options,
    )
    limits = runs.Limits(concurrency, max_tokens, max_cost)

    async def played() -> runs.Outcome:
        try:
            return await runs.finish(ready, out, limits, progress=progress)
        finally:
            await ready.aclose()

    done = wait(played())
    tested = ready.plan.model
    own = bool(getattr(tested, "mediated", False))
    return Result(done.out, tested.name, done.failed, done.missing, done.stopped, own)


def play(
    what: Scenario | Instruction,
    model: str | Model = "embedded",
    *,
    condition: str = "sharded",
    verify: Verify | None = None,
    user: User | Model | str | None = None,
    repeat: int = 0,
    seed: int = 0,
    sampling: Sampling | None = None,
) -> Episode:
    """Play one conversation and wait for its end; `condition` says how an instruction is told.

    Replies are checked by the instruction's own domain, unless `verify` is given.

    Raises:
        UptakeError: no such model, domain or condition.
        ModelError: the model cannot be asked at all.
    """
    if isinstance(what, Instruction):
        try:
            (scenario,) = scenarios(what, (condition,))
        except ValueError as error:
            raise UptakeError(str(error)) from error
    else:
        scenario = what
    if verify is None:
        from uptake.domains import domain

        verify = domain(scenario.instruction.domain).verify
    check = verify

    async def played() -> Episode:
        opened: list[Model] = []
        try:
            return await play_episode(
                scenario,
                _opened(model, opened),
                verify=check,
                user=_partner(user, opened),
                repeat=repeat,
                seed=seed,
                sampling=sampling,
            )
        finally:
            for one in opened:
                await one.aclose()

    return wait(played())


def wait(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, done on the loop of this module; an interrupt cancels it first."""
    loop = _loop()
    ended = threading.Event()

    async def watched() -> T:
        try:
            return await work
        finally:
            ended.set()

    future = asyncio.run_coroutine_threadsafe(watched(), loop)
    try:
        return future.result()
    except BaseException:
        if future.cancel():
            ended.wait(10)  # until files are closed and the folder is let go
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="uptake", daemon=True).start()
    return loop


def _opened(model: str | Model, opened: list[Model]) -> Model:
    if not isinstance(model, str):
        return model
    found = load_model(model)
    opened.append(found)
    return found


def _partner(user: User | Model | str | None, opened: list[Model]) -> User:
    if user is None:
        return ScriptedUser()
    if isinstance(user, str):
        return ModelUser(_opened(user, opened))
    return ModelUser(user) if isinstance(user, Model) else user
