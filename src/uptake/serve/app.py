"""The server: which path leads where, and what is opened and closed with it.

A path that is not listed here leads nowhere. `create_app` builds the ASGI app, `run` serves it.

This module knows nothing of what any of its parts does.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from uptake.analyst import Deterministic
from uptake.analysts import analyst as named_analyst
from uptake.conversation import Conversation
from uptake.errors import UptakeError
from uptake.model import Model, ModelError
from uptake.models import model as open_model
from uptake.serve import wire
from uptake.serve.access import Access
from uptake.serve.dashboard import create_dashboard
from uptake.serve.dashboard.feed import Feed
from uptake.serve.desk import Desk
from uptake.serve.http import HttpUpstream
from uptake.serve.later import Later
from uptake.serve.local import LocalUpstream
from uptake.serve.metrics import CONTENT_TYPE, Metrics
from uptake.serve.openapi import document
from uptake.serve.passthrough import PassThrough
from uptake.serve.relay import Relay, Workshop
from uptake.serve.replay import Replay
from uptake.serve.settings import Settings
from uptake.serve.shadow import Shadows
from uptake.serve.store import Store, StoreError, open_store
from uptake.serve.surfaces.chat import Chat
from uptake.serve.surfaces.messages import Messages
from uptake.serve.surfaces.responses import Responses
from uptake.serve.upstream import Upstream

__all__ = ["SURFACES", "Opened", "check", "create_app", "from_environment", "run"]

log = logging.getLogger("uptake.serve")

SURFACES = (Chat(), Messages(), Responses())

HOUR = 3600.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open before the server is: the store, and the model that is served from here."""

    store: Store
    model: Model | None = None

    async def aclose(self) -> None:
        """Close both."""
        await self.store.aclose()
        if self.model is not None:
            await self.model.aclose()


def create_app(
    settings: Settings, store: Store | None = None, model: Model | None = None
) -> ASGIApp:
    """The app; `store` and `model` take the place of those that `settings` names."""
    rooms = _Rooms(settings, store, model)
    routes: list[BaseRoute] = [
        Mount("/v1", rooms.door("rest")),
        Route("/health", _health),
        Route("/ready", rooms.ready),
        Route("/metrics", rooms.metrics),
        Route("/openapi.json", _openapi),
    ]
    if settings.shows_dashboard:
        routes.append(Mount("/dashboard", rooms.door("dashboard")))
    rest = Starlette(routes=routes, lifespan=rooms.open, exception_handlers={404: _nowhere})
    return _Front({surface.path: rooms.door(surface.name) for surface in SURFACES}, rest)


class _Front:
    """What comes most often goes straight to its room; the way through `rest` costs as much."""

    def __init__(self, doors: Mapping[str, ASGIApp], rest: ASGIApp) -> None:
        self._doors = doors
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["method"] == "POST"
        door = self._doors.get(scope["path"]) if straight else None
        await (door or self._rest)(scope, receive, send)


class _Rooms:
    """What is opened with the server. Routes are there before it: `door` leads in once it is."""

    def __init__(self, settings: Settings, store: Store | None, model: Model | None) -> None:
        self._settings = settings
        self._given = store
        self._model = model
        self._store: Store | None = None
        self._apps: dict[str, ASGIApp] = {}
        self._counts = Metrics()

    def door(self, name: str) -> ASGIApp:
        """An app that is the one called `name`."""
        return _Door(self._apps, name)

    @asynccontextmanager
    async def open(self, app: Starlette) -> AsyncGenerator[None]:
        """Open everything; close it in the other order."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            store = self._given or open_store(settings.store)
            stack.push_async_callback(store.aclose)
            self._store = store
            opened: list[Model] = []
            upstream = _upstream(settings, self._model, opened)
            stack.push_async_callback(upstream.aclose)
            served = opened[0] if opened else None
            analyst = named_analyst(settings.analyst, served, opened)
            for model in opened[1 if served else 0 :]:
                stack.push_async_callback(model.aclose)
            desk = Desk(store, analyst)
            Deterministic().reading(
                Conversation().user("Hello.")
            )  # so that no request waits for it
            feed = Feed()
            stack.callback(feed.close)
            later = Later()
            stack.push_async_callback(later.finish, settings.grace_seconds)
            access = Access(settings, await store.salt())
            shadows = Shadows(upstream, store, self._counts, later)
            shop = Workshop(
                settings, upstream, desk, access, self._counts, shadows, later, feed.tell
            )
            for surface in SURFACES:
                self._apps[surface.name] = Relay(surface, shop)
            self._apps["rest"] = PassThrough(shop)
            if settings.shows_dashboard:
                token = settings.dashboard_token or ""
                replay = Replay(settings, upstream)
                self._apps["dashboard"] = create_dashboard(
                    store, token, replay=replay, feed=feed, forgot=desk.forget
                )
            retiring = asyncio.ensure_future(_retire(store, settings.retain, desk.forget))
            stack.callback(retiring.cancel)
            yield

    async def ready(self, request: Request) -> Response:
        """Whether turns can be kept; the upstream says for itself how it is."""
        try:
            if self._store is None:
                raise StoreError("the store is not open yet")
            async with asyncio.timeout(self._settings.store_seconds):
                await self._store.ready()
        except (StoreError, TimeoutError) as error:
            why = str(error) or "the store is late"
            return JSONResponse({"status": "not ready", "reason": why}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """What was counted."""
        return Response(self._counts.text(), media_type=CONTENT_TYPE.decode())


class _Door:
    def __init__(self, apps: dict[str, ASGIApp], name: str) -> None:
        self._apps = apps
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[self._name](scope, receive, send)


def _upstream(settings: Settings, model: Model | None, opened: list[Model]) -> Upstream:
    """Where requests go; the model that is served from here is added to `opened`."""
    if settings.upstream is not None:
        return HttpUpstream(settings)
    opened.append(model or open_model(settings.model))
    return LocalUpstream(opened[0])


async def _retire(store: Store, days: float | None, forgot: Callable[[], None]) -> None:
    """Forget what is older than `days`, once an hour."""
    while days is not None:
        try:
            gone = await store.expire(time.time() - days * DAY)
            if gone:
                forgot()
                log.info("%d turns were older than %g days, and are forgotten", gone, days)
        except StoreError as error:
            log.warning("what is too old was not forgotten: %s", error)
        await asyncio.sleep(HOUR)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _openapi(request: Request) -> Response:
    return JSONResponse(document())


async def _nowhere(request: Request, error: Exception) -> Response:
    return JSONResponse(wire.error("there is nothing at this path", code="not_found"), 404)


SETTINGS = "UPTAKE_SERVE_SETTINGS"


def from_environment() -> ASGIApp:
    """The app of one worker process among several, which is all that the process is for."""
    _collect_seldom()
    return create_app(Settings.from_json(os.environ[SETTINGS]))


def _collect_seldom() -> None:
    """Have rings of garbage looked for less often.

    What a turn leaves behind is freed without that, and to look through thousands of ledgers in
    memory for the few rings costs a fifth of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def run(settings: Settings, opened: Opened) -> None:
    """Serve until interrupted; streams that are open are finished first, within `grace_seconds`.

    `opened` is what `check` gave; it is closed with the server.
    """
    import uvicorn

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    app: ASGIApp | str
    if settings.workers == 1:
        _collect_seldom()
        app = create_app(settings, opened.store, opened.model)
    else:  # each process opens its own
        asyncio.run(opened.aclose())
        app = "uptake.serve.app:from_environment"
    os.environ[SETTINGS] = settings.to_json()
    try:
        uvicorn.run(
            app,
            factory=isinstance(app, str),
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="auto",
            http="httptools",
            lifespan="on",
            ws="none",
            access_log=False,
            server_header=False,
            date_header=False,
            log_level="warning",
            timeout_graceful_shutdown=int(settings.grace_seconds) or 1,
        )
    finally:
        with suppress(KeyError):
            del os.environ[SETTINGS]


def check(settings: Settings) -> Opened:
    """Try everything that may be wrong before anything is served. Raises UptakeError.

    What was opened for that stays open, for `run`.
    """
    if settings.upstream is not None and settings.analyst in ("self", "examine"):
        raise UptakeError(
            f"--analyst {settings.analyst}: the upstream serves many models; name one, for example"
            f" --analyst {settings.upstream}#NAME"
        )
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise UptakeError(
                f"cannot listen on {where}: {error.strerror}; give another --host or --port"
            ) from error
    try:
        return asyncio.run(_opened(settings))
    except (StoreError, ModelError) as error:
        raise UptakeError(str(error)) from error


async def _opened(settings: Settings) -> Opened:
    """What the server is to have open. Raises StoreError, ModelError, UptakeError."""
    store = open_store(settings.store)
    models: list[Model] = []
    try:
        await store.ready()
        if settings.upstream is None:
            models.append(open_model(settings.model))
        served = models[0] if models else None
        named_analyst(settings.analyst, served, models)
        for model in models[1 if served else 0 :]:
            await model.aclose()
    except BaseException:
        await store.aclose()
        for model in models:
            await model.aclose()
        raise
    return Opened(store, served)
