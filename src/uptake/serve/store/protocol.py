"""What a store does: the `Store` protocol, and the error that it ends in.

Every read and write is of one tenant, but for what only the dashboard asks, whose reader sees all,
and for `expire`.

This module knows nothing of HTTP, and nothing of what turns mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from uptake.serve.records import Amendment, ArmCount, Summary, Turn

__all__ = ["DEADLINE", "Store", "StoreError"]

DEADLINE = 2.0
"""Seconds that a turn waits for the store at most, where nobody says otherwise."""


class StoreError(Exception):
    """The store is full, locked or gone: one line that says what and where."""


class Store(Protocol):
    """Keeps turns and amendments. Every method may raise StoreError, and none waits for ever."""

    async def salt(self) -> bytes:
        """32 bytes drawn when the store was made, for `keys.tenant`."""
        ...

    async def add(self, turn: Turn) -> None:
        """Keep a turn. Durable against the death of this process when it returns; twice is once."""
        ...

    async def add_would(self, tenant: str, turn: str, would: str) -> None:
        """Keep what a shadow would have said for a turn; nothing where there is no such turn."""
        ...

    async def find(self, tenant: str, keys: Sequence[bytes]) -> Turn | None:
        """The newest turn whose `key` is the first of `keys` that any turn has."""
        ...

    async def children(self, tenant: str, turn: str) -> int:
        """How many turns go on from this one."""
        ...

    async def latest(self, tenant: str, thread: str) -> Turn | None:
        """The newest turn of a thread."""
        ...

    async def line(self, tenant: str, turn: str) -> list[Turn]:
        """The turns from the root to this one, in order; empty where there is no such turn.

        It begins later where older turns have been forgotten, or were never kept.
        """
        ...

    async def forks(self, tenant: str, turns: Sequence[str]) -> list[Turn]:
        """The turns that go on from any of these, oldest first: for the dashboard."""
        ...

    async def amend(self, amendment: Amendment) -> None:
        """Keep an amendment, durably; twice is once."""
        ...

    async def amendments(self, tenant: str, thread: str) -> list[Amendment]:
        """What was put right in a thread, in order."""
        ...

    async def delete(self, tenant: str, conversation: str) -> int:
        """Forget a conversation; how many turns went.

        Its branches are conversations of their own and stay readable: a turn that a branch goes on
        from stays, unlisted, until the last such branch is forgotten. An amendment goes with the
        turn that it comes after, and at the latest with the last conversation of its thread.
        """
        ...

    async def expire(self, before: float) -> int:
        """Forget, as `delete` does, what has an older last turn; how many turns went."""
        ...

    async def summaries(
        self, *, limit: int = 50, before: str | None = None, search: str = ""
    ) -> list[Summary]:
        """All tenants' conversations, latest first; `before` is the last turn's id to go on from.

        `search` is part of an explicit id, or of the first 1,000 characters of the user's first
        words, in any case. A conversation counts its whole line; a branch begins as its root does.
        """
        ...

    async def turns(self, conversation: str) -> list[Turn]:
        """A conversation for the dashboard: its line's turns from the root on, whoever's it is.

        The line is that of its newest turn; a branch's begins with turns of another conversation.
        """
        ...

    async def arms(self, since: float = 0.0) -> list[ArmCount]:
        """What each arm came to since a time."""
        ...

    async def ready(self) -> None:
        """Returns where the store can be written to; raises StoreError where not."""
        ...

    async def aclose(self) -> None:
        """Write what waits, and close."""
        ...
