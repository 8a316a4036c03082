"""The dashboard's addresses: what each shows or does, for whoever is logged in.

Pages are read from the store as they are asked for; open ones hear of changes by server-sent
events, and ask again every few seconds besides, since other workers tell this one nothing.

This module knows nothing of how a request to a model is answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from uptake.serve.dashboard import arms, guard, views
from uptake.serve.dashboard.feed import ANY, Feed
from uptake.serve.dashboard.pages import STATIC, page, text
from uptake.serve.records import Amendment, Turn, new_id
from uptake.serve.sse import COMMENT, Event
from uptake.serve.store import Store, StoreError

__all__ = ["Replay", "create_dashboard"]

Replay = Callable[[Turn, list[Turn]], AsyncIterator[str]]
"""Answers a turn once more, unmediated: the turn, its line up to it; the reply in pieces."""

Inside = Callable[[Request, str], Awaitable[Response]]
"""An address for those who are logged in: the request and its session."""

ROWS = 50
"""Conversations on a page of the list."""

TURNS = 60
"""Turns of a conversation that are shown at first."""

LISTEN_SECONDS = 300.0
"""How long one stream of events lasts: then the browser asks again, and is checked again."""

REPLAYS = 4
"""Replays at once; each costs a call to the model."""

LONGEST_WORDS = 4000
"""Characters of a correction."""


def create_dashboard(
    store: Store,
    token: str,
    *,
    replay: Replay | None,
    feed: Feed,
    forgot: Callable[[], None] | None = None,
) -> Starlette:
    """The dashboard, to be mounted. `token` lets people in, `replay` None leaves replays out.

    `forgot` is called when a conversation was deleted.

    Raises UptakeError where the token is too short.
    """
    return _Dashboard(store, token, replay, feed, forgot).app()


class _Dashboard:
    def __init__(
        self,
        store: Store,
        token: str,
        replay: Replay | None,
        feed: Feed,
        forgot: Callable[[], None] | None,
    ) -> None:
        self._forgot = forgot
        self._store = store
        self._sessions = guard.Sessions(token)
        self._attempts = guard.Attempts()
        self._replay = replay
        self._replaying = 0
        self._feed = feed

    def app(self) -> Starlette:
        inside = self._inside
        return Starlette(
            routes=[
                Route("/login", self.login, methods=["GET", "POST"]),
                Route("/static/report.css", _report_css),
                Mount("/static", StaticFiles(directory=STATIC)),
                Route("/", inside(self.conversations)),
                Route("/logout", inside(self.logout), methods=["POST"]),
                Route("/arms", inside(self.arms)),
                Route("/live", inside(self.live)),
                Route("/c/{id}", inside(self.conversation)),
                Route("/c/{id}/after", inside(self.after)),
                Route("/c/{id}/amend", inside(self.amend), methods=["POST"]),
                Route("/c/{id}/delete", inside(self.delete), methods=["POST"]),
                Route("/c/{id}/replay", inside(self.replay), methods=["POST"]),
                Route("/{path:path}", inside(_nothing)),
            ],
            middleware=[Middleware(guard.SafeHeaders)],
            exception_handlers={HTTPException: _refused, StoreError: _no_store},
        )

    def _inside(self, handler: Inside) -> Callable[[Request], Awaitable[Response]]:
        """The same address for those who are logged in; the others are led to the login."""

        async def guarded(request: Request) -> Response:
            session = self._sessions.of(request)
            if session is not None:
                return await handler(request, session)
            login = f"{_base(request)}/login"
            if "hx-request" in request.headers:
                return Response(status_code=401, headers={"hx-redirect": login})
            if "text/event-stream" in request.headers.get("accept", ""):
                return Response(status_code=401)
            return RedirectResponse(login, 303)

        return guarded

    async def login(self, request: Request) -> Response:
        if request.method == "GET":
            return page(request, "login.html", problem="")
        address = request.client.host if request.client else ""
        seconds = self._attempts.wait(address)
        if seconds:
            problem = f"Too many tries: wait {seconds} seconds."
            response = page(request, "login.html", status=429, problem=problem)
            response.headers["retry-after"] = str(seconds)
            return response
        given = (await guard.form(request)).get("token", "")
        if not self._sessions.opens(given.strip()):
            self._attempts.failed(address)
            return page(request, "login.html", status=403, problem="That is not the token.")
        response = RedirectResponse(f"{_base(request)}/", 303)
        self._sessions.begin(request, response)
        return response

    async def logout(self, request: Request, session: str) -> Response:
        await self._form(request, session)
        response = RedirectResponse(f"{_base(request)}/login", 303)
        self._sessions.end(request, response)
        return response

    async def conversations(self, request: Request, session: str) -> Response:
        search = request.query_params.get("search", "")[:200].strip()
        before = request.query_params.get("before") or None
        found = await self._store.summaries(limit=ROWS + 1, before=before, search=search)
        shown = found[:ROWS]
        values: dict[str, Any] = {
            "rows": shown,
            "search": search,
            "older": shown[-1].last.id if len(found) > ROWS else None,
            "newest": before is None,
        }
        state = _digest(text("_rows.html", base=_base(request), state="", **values))
        if request.query_params.get("state") == state:
            return Response(status_code=204)
        template = "_rows.html" if "hx-request" in request.headers else "list.html"
        return page(request, template, state=state, stamp=self._sessions.stamp(session), **values)

    async def conversation(self, request: Request, session: str) -> Response:
        line = await self._line(request)
        whole = "all" in request.query_params or len(line) <= TURNS
        values = await self._shown(request, session, line, line if whole else line[-TURNS:])
        hidden = 0 if whole else len(line) - TURNS
        return page(request, "conversation.html", hidden=hidden, **values)

    async def after(self, request: Request, session: str) -> Response:
        """The turns that came after one, for an open page; 204 where there are none."""
        line = await self._line(request)
        seen = request.query_params.get("turn")
        place = next((i for i, turn in enumerate(line) if turn.id == seen), None)
        if place is None:  # another line by now, or shortened: the page is to be made anew
            return Response(status_code=200, headers={"hx-refresh": "true"})
        if place + 1 == len(line):
            return Response(status_code=204)
        values = await self._shown(request, session, line, line[place + 1 :])
        return page(request, "_after.html", **values)

    async def amend(self, request: Request, session: str) -> Response:
        """Put an entry of the ledger right, or take it back, from the next turn on."""
        fields = await self._form(request, session)
        line = await self._line(request, fields.get("at"))
        last = line[-1]
        if last.thread is None:
            raise HTTPException(409, "Only a conversation with an id of its own can be corrected.")
        taken_back = fields.get("do") == "withdraw"
        words = None if taken_back else " ".join(fields.get("words", "").split())
        if words is not None and not 0 < len(words) <= LONGEST_WORDS:
            raise HTTPException(400, f"Give 1 to {LONGEST_WORDS:,} characters.")
        number = fields.get("entry", "")
        ledger = views.laid(line)[-1].stand
        entry = ledger.line(int(number)) if number.isascii() and number.isdigit() else None
        if entry is None or not entry.holds:
            raise HTTPException(409, "That no longer holds as you saw it: load the page again.")
        await self._store.amend(
            Amendment(new_id(), last.tenant, last.thread, last.id, entry.id, words, time.time())
        )
        self._feed.tell(last.conversation)
        return RedirectResponse(_address(request, last.conversation, fields.get("at")), 303)

    async def delete(self, request: Request, session: str) -> Response:
        await self._form(request, session)
        last = (await self._line(request))[-1]
        await self._store.delete(last.tenant, last.conversation)
        if self._forgot is not None:
            self._forgot()
        self._feed.tell(last.conversation)
        return RedirectResponse(f"{_base(request)}/", 303)

    async def replay(self, request: Request, session: str) -> Response:
        """A turn's reply without mediation: lines of JSON with `text`, or `error`; `done` last."""
        fields = await self._form(request, session)
        line = await self._line(request, fields.get("turn"))
        if self._replay is None:
            raise HTTPException(404, "Replays are not to be had here.")
        if self._replaying >= REPLAYS:
            raise HTTPException(429, f"{REPLAYS} replays are running: wait for one to end.")
        stream = self._replayed(self._replay(line[-1], line))
        return StreamingResponse(stream, media_type="application/x-ndjson")

    async def _replayed(self, pieces: AsyncIterator[str]) -> AsyncIterator[bytes]:
        self._replaying += 1
        try:
            async for piece in pieces:
                yield _json_line({"text": piece})
        except Exception as error:  # noqa: BLE001 - whatever it is, the page is to say so
            yield _json_line({"error": f"No reply: {error}"})
        finally:
            self._replaying -= 1
            if isinstance(pieces, AsyncGenerator):  # whoever left has the call dropped, too
                await pieces.aclose()
        yield _json_line({"done": True})

    async def arms(self, request: Request, session: str) -> Response:
        counts = await self._store.arms()
        recent = await self._store.summaries(limit=ROWS)
        shadows = [each for each in recent if each.last.arm == "shadow"]
        return page(
            request,
            "arms.html",
            arms=counts,
            plots=arms.plots(counts),
            shadows=[(each, views.laid([each.last])[0]) for each in shadows],
            stamp=self._sessions.stamp(session),
        )

    async def live(self, request: Request, session: str) -> Response:
        """An event `changed` whenever something did; of one conversation where it is named."""
        wanted = request.query_params.get("conversation", ANY)
        return StreamingResponse(self._events(wanted), media_type="text/event-stream")

    async def _events(self, wanted: str) -> AsyncIterator[bytes]:
        until = time.monotonic() + LISTEN_SECONDS
        with self._feed.listen() as ear:
            yield b"retry: 1000\n\n"
            while time.monotonic() < until:
                try:
                    changed = await asyncio.wait_for(anext(ear), 15)
                except TimeoutError:
                    yield COMMENT
                except StopAsyncIteration:
                    return
                else:
                    if wanted == ANY or changed in (wanted, ANY):
                        yield Event("1", "changed").encode()

    async def _line(self, request: Request, at: str | None = None) -> list[Turn]:
        """The line of the conversation in the address, up to a turn `at` of it where one is named.

        Raises HTTPException 404 where there is none.
        """
        line = await self._store.turns(request.path_params["id"])
        at = at or request.query_params.get("at")
        if line and at and at != line[-1].id:
            line = await self._store.line(line[-1].tenant, at)
        if not line:
            raise HTTPException(404, "This conversation is not, or no longer, here.")
        return line

    async def _shown(
        self, request: Request, session: str, line: list[Turn], wanted: list[Turn]
    ) -> dict[str, Any]:
        """What a template needs to show the last turns of a line."""
        last = line[-1]
        made: list[Amendment] = []
        if last.thread is not None:
            made = await self._store.amendments(last.tenant, last.thread)
        on_it = {turn.id for turn in line}
        children = await self._store.forks(last.tenant, [turn.id for turn in line])
        turns = views.laid(line, made, [turn for turn in children if turn.id not in on_it])
        waiting = {each.entry: each for each in made if each.after == last.id}
        return {
            "turns": turns[len(turns) - len(wanted) :],
            "last": last,
            "first": turns[0],
            "count": len(line),
            "ledger": turns[-1].stand,
            "waiting": waiting,
            "at": request.query_params.get("at", ""),
            "replays": self._replay is not None,
            "stamp": self._sessions.stamp(session),
        }

    async def _form(self, request: Request, session: str) -> dict[str, str]:
        """The fields of a form that one of our pages sent. Raises HTTPException."""
        fields = await guard.form(request)
        self._sessions.check(request, session, fields.get("stamp", ""))
        return fields


async def _nothing(request: Request, session: str) -> Response:
    raise HTTPException(404, "There is no such page.")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and "hx-request" in request.headers:  # deleted under an open page
        return Response(status_code=404, headers={"hx-redirect": f"{_base(request)}/"})
    return page(request, "message.html", status=error.status_code, message=error.detail)


async def _no_store(request: Request, error: Exception) -> Response:
    return page(request, "message.html", status=503, message=f"The store does not answer: {error}")


async def _report_css(request: Request) -> Response:
    """The report's style, which the dashboard's builds on."""
    style = files("uptake.report").joinpath("style.css").read_bytes()
    return Response(style, media_type="text/css")


def _base(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


def _address(request: Request, conversation: str, at: str | None) -> str:
    where = f"{_base(request)}/c/{quote(conversation, safe='')}"
    return f"{where}?at={quote(at, safe='')}" if at else where


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _json_line(data: dict[str, Any]) -> bytes:
    return (json.dumps(data) + "\n").encode()
