"""Instructions that tell everything at once, made into shards: what `uptake shard` does.

After the sharding process of Laban et al. 2025 (arXiv 2505.06120): a model segments the request and
rephrases the segments (`rephrase`); what comes of it is kept if CONCAT keeps 0.8 of FULL
(`verify`). Without a model every sentence is a shard (`sentence`). The last step of that process,
a person who reads them, is left to a person.

This package knows nothing of formats of files: it reads and writes what `instructions` does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.instructions import read_instructions, write_instructions
from uptake.instructions.own import own
from uptake.model import Model, ModelError, Sampling
from uptake.models import model as open_model
from uptake.run import Limits, check_price
from uptake.run.budget import Budget, LimitReachedError, Metered
from uptake.run.plan import sample
from uptake.run.progress import Progress
from uptake.sharding.gaps import with_gaps
from uptake.sharding.log import Fate, Log
from uptake.sharding.rephrase import by_model
from uptake.sharding.sentence import UnshardableError, by_sentence
from uptake.sharding.verify import verified, verify

__all__ = ["Sharded", "shard"]


@dataclass(frozen=True, slots=True)
class Sharded:
    """What came of it: how many instructions were `asked` for, and the fate of each that is done.

    `failed` are those that a model failed on, with why; the same call tries them again. `stopped`
    says which limit ended it, None where it ran to its end.
    """

    out: Path
    asked: int
    fates: tuple[Fate, ...]
    failed: tuple[Fate, ...] = ()
    stopped: str | None = None

    @property
    def kept(self) -> tuple[Instruction, ...]:
        """The instructions in shards, in the order of the file."""
        return tuple(fate.kept for fate in self.fates if fate.kept is not None)

    @property
    def dropped(self) -> tuple[Fate, ...]:
        """Those that were not kept."""
        return tuple(fate for fate in self.fates if fate.kept is None)

    @property
    def missing(self) -> int:
        """How many are still to be done."""
        return self.asked - len(self.fates)


async def shard(
    path: str | Path,
    out: str | Path,
    *,
    model: str | Model | None = None,
    verify_with: str | Model | None = None,
    repeats: int = 10,
    n: int | None = None,
    seed: int = 0,
    sampling: Sampling | None = None,
    limits: Limits | None = None,
    gaps: bool = False,
    progress: bool = True,
    **options: Any,
) -> Sharded:
    """Make of the instructions in `path` the file `out`, in shards; says what became of each.

    Goes on where an earlier call with the same settings stopped; `out` holds what was kept so far.
    `n` draws a sample by `seed`. `model` segments and rephrases, None cuts by sentence;
    `verify_with` plays what comes of it `repeats` times under FULL and CONCAT. Instructions that
    are in shards already are left as they are, and verified like the others. With `gaps` those are
    kept of which a worked solution says what they cannot be solved without. `options` go to the
    models that are opened by name (a price, a rate).

    Raises:
        UptakeError: a setting that cannot be used, a file that cannot be read or written.
        ModelError: a model cannot be asked at all. What was done is kept.
    """
    path, out, limits = Path(path), Path(out), limits or Limits()
    if repeats < 1 or (n is not None and n < 1):
        raise UptakeError(f"--repeats and -n must be at least 1, not {min(repeats, n or repeats)}")
    chosen = _read(path, n, seed)
    opened: dict[str, Model] = {}
    try:
        cutter, player = (_open(given, opened, options) for given in (model, verify_with))
        method = _Method(cutter, player, repeats, seed, sampling or Sampling(), gaps)
        for one in filter(None, (cutter, player)):
            check_price(one, limits)
        settings = {"source": path.name, **method.settings(), **_identity(chosen)}
        return await _sitting(chosen, out, method, Log(out, settings), limits, progress=progress)
    finally:
        for one in opened.values():
            await one.aclose()


@dataclass(frozen=True, slots=True)
class _Method:
    """How one instruction is made into shards, and checked."""

    cutter: Model | None
    player: Model | None
    repeats: int
    seed: int
    sampling: Sampling
    gaps: bool = False

    def settings(self) -> dict[str, Any]:
        """What must be the same for two calls to be one, as JSON."""
        return {
            **({"gaps": True} if self.gaps else {}),
            "model": None if self.cutter is None else self.cutter.name,
            "verify_with": None if self.player is None else self.player.name,
            "repeats": None if self.player is None else self.repeats,
            "seed": self.seed,
            "temperature": self.sampling.temperature,
            "reply_tokens": self.sampling.max_tokens,
        }

    def metered(self, budget: Budget) -> _Method:
        """The same under a budget."""
        cutter = None if self.cutter is None else Metered(self.cutter, budget)
        player = None if self.player is None else Metered(self.player, budget)
        return replace(self, cutter=cutter, player=player)

    async def sharded(self, one: Instruction) -> Instruction:
        """The instruction in shards. Raises UnshardableError where they do not pass."""
        if len(one.shards) > 1:
            made = one
        elif self.cutter is None:
            made = by_sentence(one)
        else:
            made = await by_model(one, self.cutter, replace(self.sampling, seed=self.seed))
        if self.gaps:
            made = with_gaps(made)
        if self.player is None:
            return made
        found = await verify(
            made, self.player, self.repeats, seed=self.seed, sampling=self.sampling
        )
        if found.fault:
            raise UnshardableError(found.fault)
        return verified(made, found)


async def _sitting(
    chosen: Sequence[Instruction],
    out: Path,
    method: _Method,
    log: Log,
    limits: Limits,
    *,
    progress: bool,
) -> Sharded:
    """Do what is missing until a limit is reached, and write what was kept, whatever happens."""
    budget = Budget(limits.max_tokens, limits.max_cost, log.tokens, log.cost)
    metered = method.metered(budget)
    missing = [place for place in range(len(chosen)) if place not in log.fates]
    jobs = iter(missing)
    failed: list[Fate] = []
    stopped: list[str] = []

    async def work() -> None:
        for place in jobs:
            one = chosen[place]
            try:
                fate = Fate(place, one.id, kept=await metered.sharded(one))
            except UnshardableError as error:
                fate = Fate(place, one.id, why=str(error))
            except LimitReachedError as limit:
                stopped.append(str(limit))
                return
            except ModelError as error:
                if error.fatal:
                    raise
                failed.append(Fate(place, one.id, why=str(error)))
                shown.advance(failed=True)
                continue
            log.add(fate, budget.spent_tokens, budget.spent_cost)
            shown.advance()
            if stopped:
                return
            await asyncio.sleep(0)  # a model that answers at once must not keep Ctrl-C out

    try:
        with Progress(len(missing), show=progress, what="instructions") as shown:
            async with asyncio.TaskGroup() as workers:
                for _ in range(limits.concurrency):
                    workers.create_task(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        log.close(budget.spent_tokens, budget.spent_cost)
        done = tuple(log.fates[place] for place in sorted(log.fates))
        _write(out, [fate.kept for fate in done if fate.kept is not None])
    return Sharded(out, len(chosen), done, tuple(failed), stopped[0] if stopped else None)


def _read(path: Path, n: int | None, seed: int) -> list[Instruction]:
    """The instructions to shard. Raises UptakeError for dialogues, which have turns already."""
    found = read_instructions(path)
    if any(one.domain == "dialogue" for one in found):
        raise UptakeError(f"{path} holds dialogues, which are told over turns as they are")
    return found if n is None else sample(found, n, seed)


def _open(
    given: str | Model | None, opened: dict[str, Model], options: dict[str, Any]
) -> Model | None:
    """The model of that name, opened once; one that was handed in is left open later."""
    if not isinstance(given, str):
        return given
    if given not in opened:
        opened[given] = open_model(given, **options)
    return opened[given]


def _identity(chosen: Sequence[Instruction]) -> dict[str, Any]:
    text = json.dumps([own(one) for one in chosen], sort_keys=True)
    mark = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return {"instructions": len(chosen), "instructions_sha256": mark}


def _write(out: Path, kept: Sequence[Instruction]) -> None:
    """Replace `out` as a whole, so that a crash never leaves half of it."""
    beside = out.with_name(f"part-{out.name}")
    try:
        write_instructions(beside, kept)
        beside.replace(out)
    except OSError as error:
        raise UptakeError(f"cannot write {out}: {error.strerror}; choose another --out") from error
