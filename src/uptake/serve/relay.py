"""One request of a surface, from its body to the last byte of its reply.

What passes goes through byte for byte, and is only listened to. A turn is kept before its last
bytes are sent, so that whoever has a whole reply finds it kept. A client that leaves ends the work
for it at once, in every phase.

This module knows nothing of how a move is chosen (`plan`) or of any API's shape (`surfaces`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.types import Receive, Scope, Send

from uptake.conversation import Message
from uptake.model import Reply, Usage
from uptake.serve import telemetry, wire
from uptake.serve.access import Access, Refused
from uptake.serve.desk import Desk
from uptake.serve.keeping import turn
from uptake.serve.later import Later
from uptake.serve.metrics import Metrics
from uptake.serve.plan import Caller, Plan, Planner
from uptake.serve.records import State, Turn
from uptake.serve.settings import Settings
from uptake.serve.shadow import Shadows
from uptake.serve.sse import COMMENT, Event, Events
from uptake.serve.store import StoreError
from uptake.serve.surfaces import Body, Heard, Listener, Surface
from uptake.serve.upstream import Answer, Upstream, UpstreamError

__all__ = ["Relay", "Workshop"]

log = logging.getLogger("uptake.serve")

NOTHING = Heard(None, None, None)
EVENTS = b"text/event-stream"

_ENDS = {"message_stop", "response.completed", "response.incomplete", "response.failed"}
"""Event types after which nothing more is to come; "[DONE]" is the chat format's."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every request of a process works with. `tell` is told of each conversation kept."""

    settings: Settings
    upstream: Upstream
    desk: Desk
    access: Access
    metrics: Metrics
    shadows: Shadows
    later: Later
    tell: Callable[[str], None]

    async def body(self, receive: Receive) -> bytes:
        """The whole body of a request. Raises Refused, and Gone where the client has left."""
        settings = self.settings
        try:
            return await wire.read(receive, settings.body_bytes, settings.body_seconds)
        except wire.TooLarge:
            raise Refused(f"a body has at most {settings.body_bytes} bytes", 413) from None
        except TimeoutError:
            raise Refused("the body did not come in time", 408) from None


class Relay:
    """The ASGI app of one surface."""

    def __init__(self, surface: Surface, shop: Workshop) -> None:
        self._surface = surface
        self._shop = shop
        self._planner = Planner(surface, shop.desk, shop.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        metrics = self._shop.metrics
        metrics.open.inc()
        try:
            caller = self._shop.access.caller(scope)
            body = await self._shop.body(receive)
        except Refused as error:
            await self._refuse(send, error.status, str(error))
        except wire.Gone:
            pass
        else:
            exchange = _Exchange(self._surface, self._shop, scope, send)
            await wire.attended(receive, exchange.run(self._planner, body, caller))
        finally:
            metrics.open.dec()

    async def _refuse(self, send: Send, status: int, message: str) -> None:
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        await wire.send_json(send, status, self._surface.error(status, message, kind))


class _Exchange:
    """The work for one request. What it has heard when it ends is kept, however it ends."""

    def __init__(self, surface: Surface, shop: Workshop, scope: Scope, send: Send) -> None:
        self._surface = surface
        self._shop = shop
        self._scope = scope
        self._send = send
        self._since = time.time()
        self._started = time.perf_counter()
        self._plan: Plan | None = None
        self._listener: Listener | None = None
        self._status = 0
        self._kept = False

    async def run(self, planner: Planner, body: bytes, caller: Caller) -> None:
        """Plan, forward or speak, relay, keep."""
        span = telemetry.begun(self._surface.name)
        try:
            self._plan = plan = await planner.plan(body, caller)
            if plan.case is not None and plan.case.mediation is not None:
                self._shop.metrics.mediation.observe(plan.case.mediation.ms / 1000)
            if plan.speaks:
                await self._speak(plan)
            else:
                await self._forward(plan)
        except asyncio.CancelledError:
            self._status = 499
            if self._plan is not None and not self._kept:
                self._shop.later(self._keep(self._plan, self._heard(), "cut"))
            raise
        finally:
            telemetry.finished(span, self._plan, self._heard(), self._status)
            self._count()

    def _heard(self) -> Heard:
        return NOTHING if self._listener is None else self._listener.heard()

    def _count(self) -> None:
        plan = self._plan
        move, arm = ("pass", "original") if plan is None else (plan.move, plan.arm)
        self._shop.metrics.requests.labels(self._surface.name, move, arm, str(self._status)).inc()
        took = (time.perf_counter() - self._started) * 1000
        log.info("%s %s %s %s %.1f ms", self._surface.name, self._status, move, arm, took)
        if self._shop.settings.log_words and plan is not None and plan.asked is not None:
            said = plan.asked.conversation.messages[-1].text if plan.asked.conversation else ""
            reply = (self._heard().message or {}).get("content")
            log.info("  said %r, replied %r", said, reply)

    # The move is the reply.

    async def _speak(self, plan: Plan) -> None:
        data, words = cast("Body", plan.data), plan.words or ""
        reply = Reply(Message("assistant", words), usage=Usage())
        self._listener = _Spoken(Heard(reply.message.to_dict(), "stop", reply.usage))
        await self._keep(plan, self._heard(), "finished")
        if not plan.stream:
            self._status = 200
            await wire.send_json(
                self._send, 200, self._surface.reply(data, reply), self._told(plan)
            )
            return
        writer = self._surface.writer(data)
        events = [*writer.begin(), *writer.words(words), *writer.end(reply)]
        headers = [(b"content-type", EVENTS), (b"cache-control", b"no-cache")]
        await self._begin(200, [*headers, *self._told(plan)])
        await wire.say(self._send, b"".join(event.encode() for event in events), more=False)

    # The upstream's is.

    async def _forward(self, plan: Plan) -> None:
        settings = self._shop.settings
        headers = wire.forward(self._scope, settings.upstream_key, plain=True)
        target = wire.target(self._scope) or self._surface.path.removeprefix("/v1")
        try:
            answer = await self._shop.upstream.send("POST", target, headers, plan.body)
        except UpstreamError as error:
            await self._keep(plan, NOTHING, "failed")
            await self._fail(plan, error)
            return
        try:
            if _is_stream(answer):
                await self._stream(plan, answer)
            else:
                await self._whole(plan, answer)
        finally:
            await answer.aclose()
        if plan.arm == "shadow" and self._kept and plan.case is not None:
            self._shop.shadows.reply(plan, plan.case, target, headers, self._surface)

    async def _fail(self, plan: Plan, error: UpstreamError) -> None:
        self._status = error.status
        body = self._surface.error(error.status, str(error), "upstream_error")
        await wire.send_json(self._send, error.status, body, self._told(plan))

    async def _whole(self, plan: Plan, answer: Answer) -> None:
        """A reply that is no stream: read, kept, then sent; past `kept_bytes` only sent."""
        parts: list[bytes] = []
        size, pieces = 0, answer.chunks()
        try:
            async for part in pieces:
                parts.append(part)
                size += len(part)
                if size > self._shop.settings.kept_bytes:
                    await self._through(plan, answer, parts, pieces)
                    return
        except UpstreamError as error:
            await self._keep(plan, NOTHING, "failed")
            await self._fail(plan, error)
            return
        content = b"".join(parts)
        changed = False
        if answer.status == 200 and (data := _object(content)) is not None:
            self._listener = self._surface.listener()
            self._listener.whole(data)
            if plan.words:
                data = self._surface.leading(plan.words).whole(data)
                content, changed = json.dumps(data, ensure_ascii=False).encode(), True
        heard = self._heard()
        await self._keep(plan, heard, "finished" if heard.message is not None else "failed")
        headers = [*wire.backward(answer.headers, changed=changed), *self._told(plan)]
        if changed:
            headers.append((b"content-length", str(len(content)).encode()))
        await self._begin(answer.status, headers)
        await wire.say(self._send, content, more=False)

    async def _through(
        self, plan: Plan, answer: Answer, parts: list[bytes], rest: AsyncIterator[bytes]
    ) -> None:
        self._shop.metrics.failed.labels("too_long").inc()
        await self._begin(answer.status, [*wire.backward(answer.headers), *self._told(plan)])
        for part in parts:
            await wire.say(self._send, part)
        async for part in rest:
            await wire.say(self._send, part)
        await wire.say(self._send, b"", more=False)

    async def _stream(self, plan: Plan, answer: Answer) -> None:
        """Events, as they come."""
        changed = bool(plan.words)
        events = Events(self._shop.settings.kept_bytes)
        self._listener = listener = self._surface.listener()
        leading = self._surface.leading(plan.words) if plan.words else None
        await self._begin(
            answer.status, [*wire.backward(answer.headers, changed=changed), *self._told(plan)]
        )
        pulse = _Pulse(self._send, events, self._shop.settings.keep_alive_seconds)
        try:
            async for part in answer.chunks():
                pulse.beat()
                found = events.feed(part)
                if _hear(listener, found):
                    await self._keep(plan, listener.heard(), "finished")
                if leading is not None:
                    part = b"".join(e.encode() for event in found for e in leading.event(event))
                if part:
                    await pulse.say(part)
        except UpstreamError as error:
            await self._keep(plan, listener.heard(), "cut")
            if not events.between:
                raise  # half an event is out: only a broken connection says that it is no whole one
            writer = self._surface.writer(cast("Body", plan.data or {}))
            await wire.say(self._send, b"".join(e.encode() for e in writer.failed(str(error))))
        finally:
            pulse.stop()
        heard = listener.heard()
        await self._keep(plan, heard, "finished" if heard.finish else "cut")
        await wire.say(self._send, b"", more=False)

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._status = status
        took = time.perf_counter() - self._started
        self._shop.metrics.first.labels(self._surface.name).observe(took)
        await wire.begin(self._send, status, headers)

    def _told(self, plan: Plan) -> list[tuple[bytes, bytes]]:
        """Our own headers: the move and why, and what it took."""
        told = [
            (b"x-uptake-move", plan.move.encode()),
            (b"x-uptake-reason", _plain(plan.why)),
            (b"x-uptake-arm", plan.arm.encode()),
        ]
        if plan.case is not None:
            told.append((b"x-uptake-conversation", plan.case.conversation.encode()))
        done = None if plan.case is None else plan.case.mediation
        if done is not None:
            told.append((b"x-uptake-tokens", str(done.tokens).encode()))
            told.append((b"x-uptake-ms", f"{done.ms:.2f}".encode()))
        return told

    # What is kept.

    async def _keep(self, plan: Plan, heard: Heard, state: State) -> None:
        """Keep the turn, once. A store that fails or is late is counted, and nothing else."""
        if self._kept or plan.case is None:
            return
        self._kept = True
        self._spend(heard)
        kept: Turn = turn(plan, plan.case, self._surface.name, heard, state, self._since)
        try:
            async with asyncio.timeout(self._shop.settings.store_seconds):
                await self._shop.desk.close(plan.case, kept)
        except (StoreError, TimeoutError) as error:
            self._shop.metrics.failed.labels("store").inc()
            log.warning("a turn was not kept: %s", str(error) or "the store is late")
        else:
            self._shop.tell(kept.conversation)

    def _spend(self, heard: Heard) -> None:
        if heard.usage is not None:
            tokens = self._shop.metrics.tokens
            tokens.labels("in").inc(heard.usage.prompt_tokens)
            tokens.labels("out").inc(heard.usage.completion_tokens)


class _Pulse:
    """Sends a comment where nothing was sent for a while, and only between events."""

    def __init__(self, send: Send, events: Events, seconds: float) -> None:
        self._send = send
        self._events = events
        self._seconds = seconds
        self._last = time.monotonic()
        self._busy = False
        self._task = asyncio.ensure_future(self._run())

    def beat(self) -> None:
        """Something came."""
        self._last = time.monotonic()

    async def say(self, part: bytes) -> None:
        """Send a piece; no comment comes in between."""
        self._busy = True
        try:
            await wire.say(self._send, part)
        finally:
            self._busy = False

    async def _run(self) -> None:
        while True:
            left = self._last + self._seconds - time.monotonic()
            await asyncio.sleep(max(left, 0.001))
            if time.monotonic() < self._last + self._seconds:
                continue
            if self._events.between and not self._busy:
                await wire.say(self._send, COMMENT)
            self.beat()

    def stop(self) -> None:
        """No more of it."""
        self._task.cancel()


class _Spoken:
    """A `Listener` that has heard it all."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def event(self, data: Body) -> None:
        """Nothing more comes."""

    def whole(self, data: Body) -> None:
        """Nothing more comes."""

    def heard(self) -> Heard:
        """What was said."""
        return self._heard


def _hear(listener: Listener, found: list[Event]) -> bool:
    """Have the events heard; whether the last one was among them."""
    over = False
    for event in found:
        if event.data == "[DONE]":
            over = True
        elif (data := _object(event.data)) is not None:
            listener.event(data)
            over = over or data.get("type") in _ENDS
    return over


def _object(text: bytes | str) -> Body | None:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Body", data) if isinstance(data, dict) else None


def _is_stream(answer: Answer) -> bool:
    return any(
        name.lower() == b"content-type" and value.lower().startswith(EVENTS)
        for name, value in answer.headers
    )


def _plain(words: str) -> bytes:
    """Words as a header may hold them: printable ASCII, and not too many."""
    return "".join(c if " " <= c <= "~" else "?" for c in words)[:200].strip().encode()
