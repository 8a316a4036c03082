"""`uptake study`: the arms side by side, then the figure, the table and the paragraph.

This module knows nothing of how arms are taught, measured or drawn.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from uptake.errors import UptakeError
from uptake.probes import probe
from uptake.study.arms import OBJECTIVES, Arm, Settings, StudyError, arms
from uptake.study.runner import Progress, begin, results, run_arms

__all__ = ["study"]

QUICK = Settings(
    n=20,
    measure_seconds=40.0,
    heldout=40,
    seeds=1,
    amounts=(1, 4),
    unit=60_000,
    dpo_rates=(1e-4,),
    dpo_steps=(0, 20),
    distil_steps=8,
    reward_steps=8,
)
"""A small grid, for two cores in a quarter of an hour: too small to conclude anything from."""

List = Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())]


def study(
    *,
    quick: Annotated[bool, Parameter(negative=())] = False,
    workers: int = 1,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("out/study"),
    model: str = "",
    taught: List = None,
    corpus: Path | None = None,
    only: Annotated[List, Parameter(name="--arms")] = None,
    probes: List = None,
    n: Annotated[int | None, Parameter(name=["-n", "--n"])] = None,
    seeds: int | None = None,
    amounts: List = None,
    unit: int | None = None,
    measure_seconds: float | None = None,
    distil_steps: int | None = None,
    reward_steps: int | None = None,
    device: str = "auto",
) -> int:
    """Compare data modes, amounts and objectives from one checkpoint; go on where it stopped.

    Parameters
    ----------
    quick
        A small grid, for two cores in a quarter of an hour.
    workers
        How many arms side by side, each in a process of its own.
    out
        The folder for results, figure, table and paragraph.
    model
        A Hugging Face folder to begin from. Default: the model that ships.
    taught
        Folders of models taught by reward, one a seed. Default: the recipe taught is run.
    corpus
        A JSONL file of chats (`messages`), as one more data mode.
    only
        Only these: base, mediator, tokens, dpo, reward, distil.
    probes
        Measure by these alone. Default: every probe.
    n
        How many instructions every probe plays.
    seeds
        How many seeds.
    amounts
        Multiples of the unit, for example 1,2,4,8,16.
    unit
        An amount of 1, in tokens.
    measure_seconds
        About how long an arm may be measured.
    distil_steps
        Steps of self-distillation.
    reward_steps
        Steps of the recipe taught, where no model is given.
    device
        Where it learns: auto (cuda where there is one), cpu, cuda, cuda:1.
    """
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise UptakeError(
            f"uptake study needs {', '.join(missing)}: pip install torch==2.13.0, then "
            "pip install 'uptake[train]'"
        )
    if workers < 1:
        raise StudyError(f"--workers {workers}: give 1 or more")
    given = {
        "n": n,
        "seeds": seeds,
        "unit": unit,
        "measure_seconds": measure_seconds,
        "distil_steps": distil_steps,
        "reward_steps": reward_steps,
        "amounts": _numbers(amounts),
    }
    settings = replace(
        QUICK if quick else Settings(),
        model=model,
        taught=tuple(_split(taught)),
        corpus=str(corpus) if corpus else "",
        objectives=tuple(_split(only)) or OBJECTIVES,
        probes=tuple(_split(probes)),
        device=device,
        **{key: value for key, value in given.items() if value is not None},
    )
    wanted = arms(settings)
    _check(settings)
    begin(settings, out)
    _say(f"{len(wanted)} arms, {workers} at a time, into {out}")
    threads = max(1, _cores() // workers)
    failed = _run(settings, wanted, out, workers, threads)
    for line in failed:
        _say(f"failed: {line}")
    if results(out):
        from uptake.study.paper import write

        print(write(out))
    return 1 if failed else 0


def _run(settings: Settings, wanted: list[Arm], out: Path, workers: int, threads: int) -> list[str]:
    try:
        return run_arms(settings, wanted, out, workers=workers, threads=threads, report=_told)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; the same command goes on from {out}") from None


def _told(progress: Progress) -> None:
    line = f"{progress.done} of {progress.of}  {progress.seconds:.0f} s  {progress.arm}"
    _say(line if progress.failed is None else f"{line}  failed: {progress.failed}")


def _check(settings: Settings) -> None:
    """Raise an UptakeError where a folder, a file or a probe that was named is not there."""
    for name in settings.probes:
        probe(name)
    folders = [*([settings.model] if settings.model else []), *settings.taught]
    for folder in folders:
        if not (Path(folder) / "config.json").is_file():
            raise StudyError(f"{folder}: no config.json there; give a saved Hugging Face folder")
    if settings.corpus and not Path(settings.corpus).is_file():
        raise StudyError(f"{settings.corpus}: no such file; give JSONL with messages")


def _split(values: list[str] | None) -> list[str]:
    return [part for value in values or () for part in value.split(",") if part]


def _numbers(values: list[str] | None) -> tuple[int, ...] | None:
    try:
        return tuple(int(value) for value in _split(values)) or None
    except ValueError:
        raise StudyError("--amounts takes whole numbers, as 1,2,4") from None


def _cores() -> int:
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
