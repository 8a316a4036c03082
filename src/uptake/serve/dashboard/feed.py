"""A feed of what has changed: the server tells it, and open pages hear of it.

It reaches the pages of this process only, and holds nothing back for those who are away: a page
also asks every few seconds. This module knows nothing of HTTP or of what changed in a conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["ANY", "Ear", "Feed"]

ANY = ""
"""Stands for more conversations than an ear holds: look at all of them."""


class Ear:
    """Hears of conversations that changed: an async iterator of their ids, each once.

    At most `most` ids wait to be heard; beyond that, `ANY` stands for all of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._closed = False

    def tell(self, conversation: str) -> None:
        """One more that changed."""
        if ANY not in self._waiting:
            self._waiting[conversation] = None
            if len(self._waiting) > self._most:
                self._waiting = {ANY: None}
        self._wake.set()

    def close(self) -> None:
        """Nothing more will come: the iterator ends."""
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> Ear:
        return self

    async def __anext__(self) -> str:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        first = next(iter(self._waiting))
        del self._waiting[first]
        return first


class Feed:
    """Tells every ear which conversation changed. To be used from one event loop."""

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._ears: set[Ear] = set()
        self._closed = False

    def tell(self, conversation: str) -> None:
        """A conversation has a new turn, or is gone. Never waits."""
        for ear in self._ears:
            ear.tell(conversation)

    @contextmanager
    def listen(self) -> Generator[Ear]:
        """An ear that hears what is told from now on."""
        ear = Ear(self._most)
        if self._closed:
            ear.close()
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)

    def close(self) -> None:
        """The server is stopping: every ear ends, so that no page keeps it up."""
        self._closed = True
        for ear in self._ears:
            ear.close()
