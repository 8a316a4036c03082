"""Runs the arms of a study side by side, and goes on where it was stopped or killed.

Each arm is one job of a pool of processes. Its result is a file that is there whole or not at all,
so a study that is begun again does only the arms that have none. Processes whose study was killed
end themselves.

This module knows nothing of what an arm does.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uptake.errors import UptakeError
from uptake.study.arms import Arm, Settings, StudyError
from uptake.study.teaching import do, result_path

__all__ = ["Progress", "begin", "results", "run_arms"]

SETTINGS = "study.json"

FREE = ("device", "measure_seconds", "objectives", "seeds", "amounts", "dpo_rates", "taught")
"""Settings that may change from one sitting to the next: which arms there are, where things lie."""
TAUGHT = "taught_sha256"
"""Under it the settings hold a mark of each model of `taught`: folders may move, models not."""


@dataclass(frozen=True, slots=True)
class Progress:
    """An arm that is done, or why it is not; how many of how many; seconds since the start."""

    arm: str
    done: int
    of: int
    seconds: float
    failed: str | None = None


def begin(settings: Settings, out: Path) -> None:
    """Write down whose folder it is. Raises StudyError where it is another study's."""
    path, given = out / SETTINGS, settings.to_dict()
    marks = [_mark(Path(folder)) for folder in settings.taught]
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        other = [key for key in given if key not in FREE and known.get(key) != given[key]]
        if other:
            raise StudyError(
                f"{out} holds a study with another {', '.join(other)}; give another --out"
            )
        before = known.get(TAUGHT, [])
        for folder, mark, known_mark in zip(settings.taught, marks, before, strict=False):
            if mark != known_mark:
                raise StudyError(
                    f"{out} holds arms of another model than lies in {folder}; give --taught the "
                    "models of before, in their order, or another --out"
                )
        marks += before[len(marks) :]
    try:
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**given, TAUGHT: marks}, indent=2), encoding="utf-8")
    except OSError as error:
        raise StudyError(f"cannot write {out}: {error.strerror}; choose another --out") from error


def _mark(folder: Path) -> str:
    """What tells one saved model from another: a digest of its weights."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as weights:
            found.update(hashlib.file_digest(weights, "sha256").digest())
    return found.hexdigest()[:16]


def results(out: Path) -> list[dict[str, Any]]:
    """The results of a study so far, in the order of their names."""
    found = sorted((out / "arms").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def run_arms(
    settings: Settings,
    wanted: Sequence[Arm],
    out: Path,
    *,
    workers: int,
    threads: int,
    report: Callable[[Progress], None] = lambda progress: None,
) -> list[str]:
    """Do the arms that have no result yet, `workers` at a time; a line for each that failed.

    An arm that begins from another's model waits for that; where that failed, it fails with it.
    """
    began = time.monotonic()
    left = [arm for arm in wanted if not result_path(out, arm).exists()]
    ready = {arm.id for arm in wanted if arm not in left}
    lines: list[str] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start, (os.getpid(), threads)) as pool:
        running: dict[Future[str | None], Arm] = {}
        try:
            while left or running:
                for arm in [arm for arm in left if _may_begin(arm, settings, ready)]:
                    left.remove(arm)
                    job = pool.submit(_job, settings.to_dict(), arm, out, threads)
                    running[job] = arm
                if not running:
                    lines += [f"{arm.id}: {arm.needs} has no model" for arm in left]
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for job in finished:
                    arm, failed = running.pop(job), job.result()
                    if failed is None:
                        ready.add(arm.id)
                    else:
                        lines.append(f"{arm.id}: {failed}")
                    done = sum(result_path(out, one).exists() for one in wanted)
                    seconds = time.monotonic() - began
                    report(Progress(arm.id, done, len(wanted), seconds, failed))
        except BrokenProcessPool as error:
            raise StudyError(
                "a worker was killed, for memory perhaps; fewer --workers, and the same command "
                "goes on"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.kill()
            raise
    return lines


def _may_begin(arm: Arm, settings: Settings, ready: set[str]) -> bool:
    return arm.needs is None or bool(settings.taught) or arm.needs in ready


def _start(parent: int, threads: int) -> None:
    """What a worker does first: let the study stop it, watch that there is one, share the cores."""
    from uptake.train.loops import quiet

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet(threads)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _job(settings: dict[str, Any], arm: Arm, out: Path, threads: int) -> str | None:
    """Do an arm in a worker; None, or what went wrong in a line."""
    try:
        do(Settings.of(settings), arm, out, threads)
    except UptakeError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (one arm's failure must not take the others)
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return None
