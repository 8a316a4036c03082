"""Several servers before one store: a conversation goes on wherever its next turn arrives."""

from __future__ import annotations

import asyncio
import socket

import postgresql
import pytest
from served import completion, reply, serving, upstream

from uptake.serve.app import check, run
from uptake.serve.records import Amendment, new_id
from uptake.serve.settings import Settings
from uptake.serve.store import StoreError, open_store

SAID = (
    "How many apples does Ann have in the end?",
    "Ann has 12 apples at first.",
    "Ann gives 4 apples to Ben.",
    "A friend brings 3 more.",
)
ID = {"x-uptake-conversation": "chat 7"}


@pytest.fixture(scope="module")
def database():
    with postgresql.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "turns.db")
    return request.getfixturevalue("database").empty()


def test_turns_arrive_at_one_server_and_the_other_in_turn(url):
    async def scene():
        async with upstream(reply(completion("All right."))) as above:
            settings = Settings(upstream=above.url, dashboard=False, store=url)
            async with serving(settings) as one, serving(settings) as other:
                messages, names = [], set()
                for place, words in enumerate(SAID):
                    messages.append({"role": "user", "content": words})
                    _, headers, _ = await (one, other)[place % 2].chat(messages)
                    names.add(headers["x-uptake-conversation"])
                    messages.append({"role": "assistant", "content": "All right."})
                (name,) = names
                sent = above.got[-1].json["messages"]
                assert len(sent) == 1
                assert all(words in sent[0]["content"] for words in SAID)
                kept = open_store(url)
                try:
                    line = await kept.turns(name)
                finally:
                    await kept.aclose()
                assert [turn.said[-1]["content"] for turn in line] == list(SAID)

    asyncio.run(asyncio.wait_for(scene(), 120))


def test_what_was_put_right_at_one_server_holds_at_the_other(url):
    async def scene():
        async with upstream(reply(completion("All right."))) as above:
            settings = Settings(upstream=above.url, dashboard=False, store=url)
            async with serving(settings) as one, serving(settings) as other:
                first = [{"role": "user", "content": SAID[0]}]
                await one.chat(first, headers=ID)
                told = [*first, {"role": "assistant", "content": "All right."}]
                told.append({"role": "user", "content": SAID[1]})
                _, headers, _ = await one.chat(told, headers=ID)
                kept = open_store(url)
                try:
                    turn = (await kept.turns(headers["x-uptake-conversation"]))[-1]
                    entry = next(each["id"] for each in turn.changes if "12" in each["text"])
                    words = "Ann has 20 apples at first."
                    made = (turn.tenant, turn.thread, turn.id, entry, words, turn.at)
                    await kept.amend(Amendment(new_id(), *made))
                finally:
                    await kept.aclose()
                told.append({"role": "assistant", "content": "All right."})
                told.append({"role": "user", "content": SAID[2]})
                await other.chat(told, headers=ID)
                (sent,) = above.got[-1].json["messages"]
                assert "20 apples" in sent["content"]
                assert "12" not in sent["content"]

    asyncio.run(asyncio.wait_for(scene(), 120))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_what_was_checked_is_what_is_served(monkeypatch, tmp_path):
    opened = []

    def counted(*given, **named):
        opened.append(open_store(*given, **named))
        return opened[-1]

    async def lives(app):
        """Starts the app and stops it, as a server does."""
        said = asyncio.Queue()
        for kind in ("lifespan.startup", "lifespan.shutdown"):
            said.put_nowait({"type": kind})
        answers = []

        async def send(message):
            answers.append(message["type"])

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, said.get, send)
        assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    monkeypatch.setattr("uptake.serve.app.open_store", counted)
    monkeypatch.setattr("uvicorn.run", lambda app, **_: asyncio.run(lives(app)))
    monkeypatch.setattr("gc.freeze", lambda: None)
    monkeypatch.setattr("gc.set_threshold", lambda *_: None)
    settings = Settings(
        upstream="http://127.0.0.1:9/v1",
        port=free_port(),
        store=str(tmp_path / "turns.db"),
        dashboard=False,
    )
    run(settings, check(settings))
    (store,) = opened
    with pytest.raises(StoreError, match="closed"):
        asyncio.run(store.ready())
