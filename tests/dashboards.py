"""A dashboard on loopback, a browser that is logged in, and turns that were played."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import uvicorn
from browser import Page, browser
from starlette.applications import Starlette
from starlette.routing import Mount

from uptake.conversation import Conversation
from uptake.ground import CommonGround
from uptake.mediator import Mediator
from uptake.model import Model, Sampling
from uptake.seeds import stable_seed
from uptake.serve.dashboard import Feed, Replay, create_dashboard
from uptake.serve.records import Arm, Turn, new_id
from uptake.serve.store import Store, open_store

TOKEN = "a token of the tests"


def site(store: Store, *, replay: Replay | None = None, feed: Feed | None = None) -> Starlette:
    made = create_dashboard(store, TOKEN, replay=replay, feed=feed or Feed())
    return Starlette(routes=[Mount("/dashboard", made)])


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Store]:
    """A store that lasts as long as the test."""
    store = open_store("memory:")
    try:
        yield store
    finally:
        await store.aclose()


@contextlib.asynccontextmanager
async def serving(app: Starlette, feed: Feed) -> AsyncIterator[str]:
    """The address of the dashboard, on a real server."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/dashboard"
    finally:
        feed.close()
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def visiting(
    store: Store, *, replay: Replay | None = None, feed: Feed | None = None
) -> AsyncIterator[tuple[Page, str]]:
    """A browser that is logged in, and the dashboard's address."""
    feed = feed or Feed()
    app = site(store, replay=replay, feed=feed)
    async with serving(app, feed) as address, browser() as page:
        await page.show(width=1280)
        await page.open(f"{address}/")
        await page.until("!!document.querySelector('.login')")
        await page.js(
            f"document.querySelector('[name=token]').value = {TOKEN!r};"
            "document.querySelector('.login').requestSubmit()"
        )
        await page.until("!!document.querySelector('#rows')")
        yield page, address


def kept(ground: CommonGround, before: CommonGround) -> dict[str, Any]:
    """What a turn keeps of the ledger: what differs from before."""
    known = set(before.entries)
    return {
        "changes": tuple(
            {
                "id": entry.id,
                "turn": entry.span.turn,
                "text": entry.text,
                "wording": ground.wording(entry),
                "kind": entry.kind,
                "topic": entry.topic,
                "status": entry.status,
                "by": entry.by,
            }
            for entry in ground.entries
            if entry not in known
        ),
        "topics": tuple({"id": topic.id, "state": topic.state} for topic in ground.topics),
    }


async def played(
    model: Model,
    turns: Sequence[str],
    *,
    arm: Arm = "mediated",
    seed: int = 0,
    at: float = 0.0,
    thread: str | None = None,
) -> list[Turn]:
    """A conversation with a model, as the server would keep it.

    In shadow, the model's own reply goes on the record and the mediated one is what would have been
    said; both get the same draws.
    """
    mediated = Mediator(model)
    said, ground, found = Conversation(), CommonGround(), list[Turn]()
    conversation = new_id(at)
    for place, words in enumerate(turns):
        asked = said.user(words)
        sampling = Sampling(seed=stable_seed(seed, "dashboard", place))
        started = time.perf_counter()
        other = await mediated.reply(asked, sampling)
        reply = await model.reply(asked, sampling) if arm == "shadow" else other
        done, usage = other.mediation, reply.usage
        move = done.move
        sent = None if done.sent in (None, asked) else tuple(done.sent.to_dicts())
        found.append(
            Turn(
                id=new_id(at + place * 20),
                tenant="t" * 32,
                thread=thread,
                conversation=conversation,
                parent=found[-1].id if found else None,
                asked=f"{conversation} {place} asked".encode(),
                key=f"{conversation} {place}".encode(),
                at=at + place * 20,
                surface="chat",
                model=model.name,
                arm=arm,
                state="finished",
                said=({"role": "user", "content": words},),
                reply=reply.message.to_dict(),
                move=move.name,
                why=move.why,
                form=move.form,
                alternatives=tuple(move.alternatives),
                sent=sent,
                would=other.message.text if arm == "shadow" else None,
                **kept(done.reading.ground, ground),
                ms=done.ms,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                seconds=time.perf_counter() - started,
            )
        )
        said, ground = asked.add(reply.message), done.reading.ground
    return found
