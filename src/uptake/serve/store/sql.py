"""`SQLStore`: the `Store` protocol over any engine, each method a job for one of three lanes.

Writes go to one thread, what a turn asks to two, what a page asks to one more, so that a slow
search never holds up a turn.

This module knows nothing of which database it is, and nothing of threads but their lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from uptake.serve.records import Amendment, ArmCount, Summary, Turn
from uptake.serve.store import forget, pages, tables
from uptake.serve.store.lanes import Engine, Readers, Writer
from uptake.serve.store.protocol import DEADLINE, StoreError
from uptake.serve.store.tables import Database

__all__ = ["SQLStore"]

PATIENCE = 5
"""How many times as long a page waits."""
LENGTH = 1024
"""How many jobs may wait."""
EXPIRED = 50
"""How many conversations are forgotten in one go, so that turns come between."""


class SQLStore:
    """A Store on an engine whose tables are there: see `open_store`.

    `alone` is for an engine with a single connection, on which reads wait for writes.
    """

    def __init__(self, engine: Engine, *, deadline: float = DEADLINE, alone: bool = False) -> None:
        self._writer = Writer(engine, deadline=deadline, length=LENGTH)
        if alone:
            self._turns = self._pages = self._writer
        else:
            self._turns = Readers(engine, "reader", threads=2, deadline=deadline, length=LENGTH)
            slow = deadline * PATIENCE
            self._pages = Readers(engine, "pages", threads=1, deadline=slow, length=LENGTH)

    async def salt(self) -> bytes:
        return await self._turns.run(tables.salt)

    async def add(self, turn: Turn) -> None:
        try:
            values = tables.parameters(turn)
        except (TypeError, ValueError, RecursionError) as error:
            raise StoreError(f"turn {turn.id} cannot be kept: {error}") from error
        await self._writer.run(lambda db: tables.add(db, turn, values))

    async def add_would(self, tenant: str, turn: str, would: str) -> None:
        await self._writer.run(lambda db: tables.add_would(db, tenant, turn, would))

    async def find(self, tenant: str, keys: Sequence[bytes]) -> Turn | None:
        return await self._turns.run(lambda db: tables.find(db, tenant, keys))

    async def children(self, tenant: str, turn: str) -> int:
        return await self._turns.run(lambda db: tables.children(db, tenant, turn))

    async def latest(self, tenant: str, thread: str) -> Turn | None:
        return await self._turns.run(lambda db: tables.latest(db, tenant, thread))

    async def line(self, tenant: str, turn: str) -> list[Turn]:
        return await self._turns.run(lambda db: tables.line(db, tenant, turn))

    async def amend(self, amendment: Amendment) -> None:
        await self._writer.run(lambda db: tables.amend(db, amendment))

    async def amendments(self, tenant: str, thread: str) -> list[Amendment]:
        return await self._turns.run(lambda db: tables.amendments(db, tenant, thread))

    async def delete(self, tenant: str, conversation: str) -> int:
        return await self._writer.run(lambda db: forget.delete(db, tenant, conversation))

    async def expire(self, before: float) -> int:
        old = await self._pages.run(lambda db: forget.expired(db, before))
        went = 0
        for start in range(0, len(old), EXPIRED):
            some = old[start : start + EXPIRED]
            went += await self._writer.run(partial(_expire, some, before))
        return went

    async def summaries(
        self, *, limit: int = 50, before: str | None = None, search: str = ""
    ) -> list[Summary]:
        return await self._pages.run(lambda db: pages.summaries(db, limit, before, search))

    async def turns(self, conversation: str) -> list[Turn]:
        return await self._pages.run(lambda db: pages.turns(db, conversation))

    async def forks(self, tenant: str, turns: Sequence[str]) -> list[Turn]:
        return await self._pages.run(lambda db: pages.forks(db, tenant, turns))

    async def arms(self, since: float = 0.0) -> list[ArmCount]:
        return await self._pages.run(lambda db: pages.arms(db, since))

    async def ready(self) -> None:
        await self._writer.run(tables.ready)

    async def aclose(self) -> None:
        for lane in (self._turns, self._pages, self._writer):
            await lane.aclose()


def _expire(old: Sequence[tuple[str, str]], before: float, db: Database) -> int:
    return sum(forget.delete(db, *each, before) for each in old)
