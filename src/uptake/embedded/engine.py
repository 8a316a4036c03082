"""Continuous batching: requests join and leave the running batches at every step.

Each core has a thread with a batch of its own; all take from one queue. Step by step, a thread lets
the finished and the cancelled go, takes in one that waits, reads its prompt and adds one token to
each of its rows; it sleeps when there is nothing to do.

A reply depends on its prompt, its sampling and the weights, and not on what runs beside it: rows
are computed apart (`decoder`), each request draws from a random generator of its own, and what was
read of a prompt is the same whenever it was read. On x86-64 this holds bit for bit and is tested;
where a matrix library rounds by batch size, logits may differ by about 1e-5, which turns about one
sampled token in 100,000. So may those after a reply that was written here: what was computed for
it, a token at a time, differs in the last bits from what reading it gives, and is reused for as
long as it is remembered (`prefix`).

This module knows nothing of text or of asyncio: it takes tokens and calls back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from uptake.embedded.decoder import Batch, Network
from uptake.embedded.sampling import draw
from uptake.model import Sampling

__all__ = ["Engine", "Request"]


@dataclass(eq=False, slots=True)
class Request:
    """A prompt to be continued. `on_token` and `on_end` are called from the engine's threads.

    `on_end` is told "stop", "length" or the exception that ended it, and is not called for a
    request that was cancelled. `made` holds the new tokens, without the end token.
    """

    prompt: NDArray[np.int64]
    sampling: Sampling
    on_end: Callable[[str | Exception], None]
    on_token: Callable[[int], None] | None = None
    made: list[int] = field(default_factory=list[int])
    steps: int = 0
    cancelled: bool = False
    random: Generator = field(init=False)

    def __post_init__(self) -> None:
        self.random = default_rng(self.sampling.seed % 2**64)


class Engine:
    """Threads that continue requests until `close`."""

    def __init__(self, network: Network, ends: Iterable[int], *, threads: int, rows: int) -> None:
        self._network = network
        self._ends = frozenset(ends)
        self._rows = rows
        self._waiting: deque[Request] = deque()
        self._unfinished = 0
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"uptake-embedded-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def unfinished(self) -> int:
        """Requests waiting or running."""
        return self._unfinished

    def submit(self, request: Request) -> None:
        """Queue a request. Raises RuntimeError once closed."""
        with self._changed:
            if self._closed:
                raise RuntimeError("the engine is closed")
            self._waiting.append(request)
            self._unfinished += 1
            self._changed.notify()

    def cancel(self, request: Request) -> None:
        """Let go of a request: its row is free before the next token."""
        with self._changed:
            request.cancelled = True
            if request in self._waiting:
                self._waiting.remove(request)
                self._unfinished -= 1

    def close(self) -> None:
        """End all requests with an error and wait for the threads to stop."""
        self._stop(RuntimeError("the engine was closed"))
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        batch = Batch(self._network, self._rows)
        rows: list[Request | None] = []
        failure: Exception = RuntimeError("the engine was closed")
        try:
            while (newcomers := self._take(batch, rows)) is not None:
                running = len(rows)
                rows.extend(newcomers)
                batch.step(running, newcomers[0].prompt if newcomers else None)
                self._extend(batch, rows)
        except Exception as error:  # noqa: BLE001 (whatever it is, nobody may be left waiting)
            failure = error
        self._stop(failure)
        for request in rows:
            if request is not None:
                self._end(request, failure)

    def _stop(self, failure: Exception) -> None:
        """Take no more requests, end those that wait, and have the threads stop."""
        with self._changed:
            self._closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for request in waiting:
            self._end(request, failure)

    def _take(self, batch: Batch, rows: list[Request | None]) -> list[Request] | None:
        """Close the gaps, and give the one that waits and may join now; None once closed.

        Sleeps while nothing runs and nothing waits, so there is always something to compute.
        """
        self._close_up(batch, rows)
        running = len(rows)
        with self._changed:
            while not self._closed and running == 0 and not self._waiting:
                self._changed.wait()
            if self._closed:
                return None
            share = -(-self._unfinished // len(self._threads))
            joins = self._waiting and running < min(self._rows, share)
            return [self._waiting.popleft()] if joins else []

    def _close_up(self, batch: Batch, rows: list[Request | None]) -> None:
        """Let the cancelled go, and fill the gaps of those who left with the last rows."""
        for row, request in enumerate(rows):
            if request is not None and request.cancelled:
                rows[row] = None
                self._leave()
        while None in rows:
            last = rows.pop()
            if last is not None:
                gap = rows.index(None)
                batch.move(len(rows), gap)
                rows[gap] = last

    def _extend(self, batch: Batch, rows: list[Request | None]) -> None:
        """Draw the next token of each row, and empty the rows that are thereby done."""
        live = [request for request in rows if request is not None]
        tokens = draw(
            batch.logits[: len(live)],
            np.array([request.sampling.temperature for request in live]),
            np.array([request.sampling.top_p for request in live]),
            np.array([_uniform(request) for request in live]),
        )
        batch.tokens[: len(live)] = tokens
        for row, (request, token) in enumerate(zip(live, tokens.tolist(), strict=True)):
            reason = self._advance(request, token)
            if reason is not None:
                rows[row] = None
                batch.keep(row, np.array([*request.prompt.tolist(), *request.made], np.int64))
                self._end(request, reason)

    def _advance(self, request: Request, token: int) -> str | None:
        """Add a token to a request; the reason where that ends it."""
        if request.cancelled:
            return "cancelled"
        request.steps += 1
        if token in self._ends:
            return "stop"
        request.made.append(token)
        if request.on_token is not None:
            request.on_token(token)
        room = self._network.config.positions - len(request.prompt)
        return "length" if request.steps >= min(request.sampling.max_tokens, room) else None

    def _end(self, request: Request, reason: str | Exception) -> None:
        self._leave()
        if not request.cancelled:
            request.on_end(reason)

    def _leave(self) -> None:
        with self._changed:
            self._unfinished -= 1


def _uniform(request: Request) -> float:
    """The next number in [0, 1) of the request's own sequence; greedy requests need none."""
    return request.random.random() if request.sampling.temperature else 0.0
