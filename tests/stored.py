"""Turns to keep, and a store to keep them in: what the tests of the store share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from uptake.serve.records import Turn
from uptake.serve.store import Store, open_store

PATIENT = 60.0
"""A deadline that no busy machine misses."""

ANN, BEN = "a" * 32, "b" * 32


def turn(number: int, conversation: str = "c", parent: int | None = None, **more: object) -> Turn:
    """A plain turn; its id, time and key say its number."""
    made = Turn(
        id=f"{number:032x}",
        tenant=ANN,
        thread=None,
        conversation=conversation,
        parent=None if parent is None else f"{parent:032x}",
        asked=b"asked %d" % number,
        key=b"key %d" % number,
        at=float(number),
        surface="chat",
        model="m",
        arm="mediated",
        state="finished",
        said=({"role": "user", "content": f"question {number}"},),
        reply={"role": "assistant", "content": f"answer {number}"},
        move="answer",
        why="nothing is open",
        form="compact",
    )
    return replace(made, **more)


def within(
    url: str, scene: Callable[[Store], Awaitable[None]], *, deadline: float = PATIENT
) -> None:
    """Play a scene with the store at a URL, and close it."""

    async def whole() -> None:
        store = open_store(url, deadline=deadline)
        try:
            await scene(store)
        finally:
            await store.aclose()

    asyncio.run(whole())


async def keep(store: Store, *turns: Turn) -> None:
    for each in turns:
        await store.add(each)
