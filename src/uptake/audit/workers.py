"""A function over many batches in several processes, the results in the order of the batches.

Each process has a pipe of its own, so that one whose parent is killed reads the end of it and ends,
too. Ctrl-C is the parent's to hear.

This module knows nothing of what is worked out.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

__all__ = ["in_order"]

In = TypeVar("In")
Out = TypeVar("Out")


def in_order(work: Callable[[In], Out], batches: Iterable[In], processes: int) -> Iterator[Out]:
    """`work` of each batch, in order. With one process, or for one batch, it is done right here.

    `work` and what it takes and gives must be picklable. An exception of `work` is raised here.

    Raises:
        RuntimeError: a process ended in the middle of its work.
    """
    rest = iter(batches)
    first = next(rest, None)
    if first is None:
        return
    second = next(rest, None) if processes > 1 else None
    if second is None:
        yield work(first)
        yield from map(work, rest)
        return
    crew = [_Worker(work) for _ in range(processes)]
    number = 0
    try:
        for number, batch in enumerate(_chain(first, second, rest)):
            worker = crew[number % processes]
            if worker.busy:
                yield worker.take()
            worker.give(batch)
        for worker in crew[(number + 1) % processes :] + crew[: (number + 1) % processes]:
            if worker.busy:
                yield worker.take()
    finally:
        for worker in crew:
            worker.end()


def _chain(first: In, second: In, rest: Iterator[In]) -> Iterator[In]:
    yield first
    yield second
    yield from rest


class _Worker:
    """A process with one batch at most."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()
        self.busy = False

    def give(self, batch: Any) -> None:
        self._pipe.send(batch)
        self.busy = True

    def take(self) -> Any:
        try:
            done, result = self._pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError("a process of the audit ended (out of memory?)") from None
        self.busy = False
        if not done:
            raise result
        return result

    def end(self) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join()


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Work until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(200_000)  # an audit makes many objects and hardly a circle of them
    while True:
        try:
            batch = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            result = (True, work(batch))
        except Exception as error:  # noqa: BLE001 - it is raised where the batch came from
            result = (False, error)
        try:
            pipe.send(result)
        except OSError:
            return
