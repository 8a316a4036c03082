"""What an arm is worth: every probe, played greedily on the same held-out instructions.

Figures are kept instruction by instruction, so that intervals can be taken over instructions and
seeds together. Instructions are played a few at a time, with all that is told of them, so that a
measurement that is cut off by its time has every figure on fewer instructions.

This module knows nothing of how the model came about.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uptake import run as runs
from uptake.analysts import mediator
from uptake.embedded.model import Embedded
from uptake.episode import Episode, play
from uptake.model import Model, ModelError, Sampling
from uptake.models import model as open_model
from uptake.probes import metrics
from uptake.run.plan import Job
from uptake.scores import measured

__all__ = ["FIGURES", "SKILLS", "Measurement", "measure", "opened"]

SKILLS: Mapping[str, tuple[str, str, str]] = {
    "lost": ("lost", "mean", "sharded"),
    "missing": ("missing", "net", "missing"),
    "thinking": ("thinking", "net_brief", "missing@brief"),
    "presupposition": ("presupposition", "net", "false"),
    "revision": ("revision", "net", "changed"),
    "repair": ("repair", "taken_up", "third"),
    "reference": ("reference", "net", "unclear"),
    "grounding": ("grounding", "kappa", "beside"),
    "handoff": ("handoff", "returns", "resumed"),
    "persistence": ("persistence", "honoured", "20"),
}
"""One figure of each probe, by the probe: the first headline of each. Their mean is the skill."""

FIGURES: Mapping[str, tuple[str, str, str]] = {
    **SKILLS,
    "full": ("lost", "mean", "full"),
    "asks": ("missing", "asks", "missing"),
    "solved": ("missing", "solved", "missing"),
    "holds": ("missing", "holds", "complete"),
    "withdraws": ("revision", "withdraws", "withdrawn"),
    "rejects": ("presupposition", "rejects", "false"),
}
"""Everything that is kept of an arm: probe, metric, condition."""

SEED = 577_215
"""Of the instructions that are played: no training meets the held-out split."""

CHUNK = 10
"""Instructions at a time."""

REPLY_TOKENS = 256


@dataclass(frozen=True)
class Measurement:
    """Figures by name: what each instruction adds to numerator and denominator, in their order.

    An instruction on which a figure was not measured adds 0 to both.
    """

    figures: Mapping[str, tuple[list[float], list[float]]]
    instructions: int
    episodes: int
    failed: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON, the value of each figure beside its parts."""
        shown = {
            name: {"value": _value(top, bottom), "top": top, "bottom": bottom}
            for name, (top, bottom) in self.figures.items()
        }
        return {
            "figures": shown,
            "instructions": self.instructions,
            "episodes": self.episodes,
            "failed": self.failed,
            "seconds": round(self.seconds, 1),
        }


def opened(folder: Path, threads: int) -> Model:
    """The model in a folder: by the embedded runtime where that knows the network."""
    try:
        return Embedded(folder, threads=threads)
    except (ModelError, KeyError, ValueError):
        return open_model(f"hf:{folder}")


def measure(
    folder: Path,
    *,
    source: str,
    n: int,
    seconds: float,
    threads: int = 1,
    probes: Sequence[str] = (),
    conditions: Sequence[str] = (),
    mediated: bool = False,
) -> Measurement:
    """Play `probes` (those of `SKILLS`) on the model in a folder, for about as long as `seconds`.

    The first few instructions are played to their end, however long they take.
    """

    async def measuring() -> Measurement:
        plain = opened(folder, threads)
        model: Model = mediator(plain, [], mediated=mediated) or plain
        ready = runs.setup(
            probes or tuple(SKILLS),
            model=model,
            domain=source,
            n=n,
            repeats=1,
            seed=SEED,
            conditions=conditions,
            controls=False,
            sampling=Sampling(temperature=0.0, max_tokens=REPLY_TOKENS),
        )
        try:
            return await _played(ready, seconds)
        finally:
            await plain.aclose()

    return asyncio.run(measuring())


async def _played(ready: runs.Setup, seconds: float) -> Measurement:
    began, episodes, done = time.monotonic(), list[Episode](), 0
    for jobs in _chunks(ready):
        episodes += await asyncio.gather(*(_episode(job, ready) for job in jobs))
        done = min(len(ready.plan.instructions), done + CHUNK)
        if time.monotonic() - began > seconds:
            break
    failed = sum(episode.ended == "error" for episode in episodes)
    spent = time.monotonic() - began
    ids = [one.id for one in ready.plan.instructions[:done]]
    return Measurement(_figures(episodes, ids), done, len(episodes), failed, spent)


def _chunks(ready: runs.Setup) -> list[list[Job]]:
    """The jobs, a few instructions together."""
    place = {one.id: at // CHUNK for at, one in enumerate(ready.plan.instructions)}
    found: dict[int, list[Job]] = defaultdict(list)
    for job in ready.plan.jobs():
        found[place[job.scenario.instruction.id]].append(job)
    return [found[at] for at in sorted(found)]


async def _episode(job: Job, ready: runs.Setup) -> Episode:
    return await play(
        job.scenario,
        job.model,
        verify=ready.verify[job.scenario.instruction.domain],
        seed=ready.plan.seed,
        sampling=ready.plan.sampling,
        probe=job.probe,
    )


def _figures(
    episodes: Sequence[Episode], ids: Sequence[str]
) -> dict[str, tuple[list[float], list[float]]]:
    ours = metrics({e.probe for e in episodes}, {e.condition for e in episodes})
    rows = {row.key: row for row in measured(episodes, ours) if row.score == "last"}
    found: dict[str, tuple[list[float], list[float]]] = {}
    for name, key in FIGURES.items():
        if key in rows:
            row = rows[key]
            top = dict(zip(row.instructions, map(float, row.ratio.numerator), strict=True))
            bottom = dict(zip(row.instructions, map(float, row.ratio.denominator), strict=True))
            found[name] = ([top.get(i, 0.0) for i in ids], [bottom.get(i, 0.0) for i in ids])
    return found


def _value(top: Sequence[float], bottom: Sequence[float]) -> float | None:
    return sum(top) / sum(bottom) if sum(bottom) else None
