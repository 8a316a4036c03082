"""Threads that work for coroutines: one that writes, many jobs a transaction, and some that read.

A caller awaits its own job: a write until its transaction is committed. No caller waits longer than
its deadline, and no more jobs wait than the lane is long: beyond that, StoreError at once. A write
whose caller gave up may still happen; a read whose caller gave up does not.

This module knows nothing of SQL beyond where a transaction begins and ends, and nothing of turns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from uptake.serve.store.protocol import StoreError
from uptake.serve.store.tables import Database

__all__ = ["Connection", "Engine", "Lane", "Readers", "Writer"]

T = TypeVar("T")
Job = Callable[[Database], Any]
Waiting = tuple[Job, "asyncio.Future[Any]"]

BATCH = 256
"""At most so many jobs share a transaction."""


class Connection(Database, Protocol):
    """A connection that can be closed."""

    def close(self) -> None:
        """Let go of it."""
        ...


class Engine(Protocol):
    """Where connections come from, and what their errors mean."""

    begin: str
    """The statement that begins a transaction that writes."""

    errors: tuple[type[Exception], ...]
    """What a connection raises."""

    def connect(self, *, deadline: float) -> Connection:
        """A connection that waits less than `deadline` seconds for another's lock."""
        ...

    def check(self) -> None:
        """Raises StoreError where the place is not the one that was opened."""
        ...

    def explain(self, error: Exception) -> StoreError:
        """One line for a person."""
        ...

    def broken(self, connection: Connection, error: Exception) -> bool:
        """Whether a new connection may do what this one could not."""
        ...


class Lane:
    """Jobs in the order they came, done by `threads` threads with a connection each."""

    def __init__(
        self, engine: Engine, name: str, *, threads: int, deadline: float, length: int
    ) -> None:
        self.engine = engine
        self.deadline = deadline
        self._length = length
        self._jobs: SimpleQueue[Waiting | None] = SimpleQueue()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"store {name} {n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, job: Callable[[Database], T]) -> T:
        """What a job gives. Raises StoreError where it fails, is late, or has no room."""
        if self._closed:
            raise StoreError("the store is closed")
        if self._jobs.qsize() >= self._length:
            raise StoreError(f"the store is behind: {self._length} jobs wait for it")
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[T] = loop.create_future()
        self._jobs.put((job, waiting))
        timer = loop.call_later(self.deadline, _give_up, waiting, self.deadline)
        try:
            return await waiting
        finally:
            timer.cancel()

    async def aclose(self) -> None:
        """Do what waits, then end; at the deadline, whatever is left is left to itself."""
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, self.deadline)

    def _work(self) -> None:
        raise NotImplementedError


class Readers(Lane):
    """Each job by itself, on the first thread that is free."""

    def _work(self) -> None:
        desk = _Desk(self.engine, self.deadline)
        while (item := self._jobs.get()) is not None:
            job, waiting = item
            if not waiting.done():
                _tell([(waiting, desk.outcome(job))])
        desk.close()


class Writer(Lane):
    """Group commit: whatever waits when the last transaction ends makes up the next."""

    def __init__(self, engine: Engine, *, deadline: float, length: int) -> None:
        super().__init__(engine, "writer", threads=1, deadline=deadline, length=length)

    def _work(self) -> None:
        desk = _Desk(self.engine, self.deadline)
        closing = False
        while not closing:
            item = self._jobs.get()
            if item is None:
                break
            batch = [item]
            with suppress(Empty):
                while len(batch) < BATCH:
                    more = self._jobs.get_nowait()
                    if more is None:
                        closing = True
                        break
                    batch.append(more)
            self._write(desk, batch)
        desk.close()

    def _write(self, desk: _Desk, batch: Sequence[Waiting]) -> bool:
        """Do a batch, or each of it alone where one spoils it; whether anything could begin."""
        transaction = _Transaction(self.engine.begin, [job for job, _ in batch])
        outcome = desk.outcome(transaction)
        if not isinstance(outcome, StoreError):
            _tell([(waiting, each) for (_, waiting), each in zip(batch, outcome, strict=True)])
            return True
        if len(batch) == 1 or not transaction.begun:
            _tell([(waiting, outcome) for _, waiting in batch])
            return transaction.begun
        for done, one in enumerate(batch, start=1):
            if not self._write(desk, [one]):
                _tell([(waiting, outcome) for _, waiting in batch[done:]])
                break
        return True


class _Transaction:
    """Some jobs, all or none. `begun` tells whether it got as far as the first."""

    def __init__(self, begin: str, jobs: Sequence[Job]) -> None:
        self._begin = begin
        self._jobs = jobs
        self.begun = False

    def __call__(self, db: Database) -> list[Any]:
        self.begun = False
        db.execute(self._begin)
        self.begun = True
        try:
            results = [job(db) for job in self._jobs]
            db.execute("COMMIT")
        except BaseException:
            with suppress(Exception):  # it may have ended by itself, or its connection with it
                db.execute("ROLLBACK")
            raise
        return results


class _Desk:
    """A thread's connection, opened when it is needed and again when it broke."""

    def __init__(self, engine: Engine, deadline: float) -> None:
        self._engine = engine
        self._deadline = deadline
        self._connection: Connection | None = None

    def outcome(self, job: Job) -> Any:
        """What a job gives, or the StoreError that it ends in."""
        try:
            self._engine.check()
            old = self._connection is not None
            try:
                return job(self._open())
            except self._engine.errors as error:
                if not (self._drop(error) and old):
                    raise
            return job(self._open())
        except StoreError as error:
            return error
        except Exception as error:  # noqa: BLE001 (a thread that ends would hang every caller)
            self._drop(error)
            return self._engine.explain(error)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect(deadline=self._deadline)
        return self._connection

    def _drop(self, error: Exception) -> bool:
        connection = self._connection
        if connection is None or not self._engine.broken(connection, error):
            return False
        self.close()
        return True

    def close(self) -> None:
        if self._connection is not None:
            with suppress(*self._engine.errors):
                self._connection.close()
            self._connection = None


def _give_up(waiting: asyncio.Future[Any], deadline: float) -> None:
    if not waiting.done():
        waiting.set_exception(StoreError(f"the store is late: no answer in {deadline:g} s"))


def _tell(outcomes: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    """Settle futures, each in its own loop, with as few calls as there are loops."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for waiting, outcome in outcomes:
        loops.setdefault(waiting.get_loop(), []).append((waiting, outcome))
    for loop, told in loops.items():
        with suppress(RuntimeError):  # a loop that has ended waits for nothing
            loop.call_soon_threadsafe(_settle, told)


def _settle(told: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for waiting, outcome in told:
        if waiting.done():
            continue
        if isinstance(outcome, StoreError):
            waiting.set_exception(StoreError(str(outcome)))  # each caller raises its own
        else:
            waiting.set_result(outcome)
