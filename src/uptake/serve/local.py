"""`LocalUpstream`: a Model in this process, asked as an address would be.

It answers `/chat/completions`, `/messages`, `/responses` and `/models`. A model that can `stream`
is streamed, any other gives its reply in one piece. A model takes words and gives words: tools that
are offered to it are not used, and the name of a model that a request asks for is not looked at.

This module knows nothing of sockets, or of what a mediator decides.
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import unquote

from uptake.conversation import Conversation, Message
from uptake.embedded.model import TooLongError
from uptake.model import Model, ModelError, Reply, Sampling
from uptake.seeds import stable_seed
from uptake.serve.cutting import Cutter
from uptake.serve.sse import Event
from uptake.serve.surfaces import Asked, Body, Stopped, Surface, Unreadable, Writer
from uptake.serve.surfaces.chat import Chat
from uptake.serve.surfaces.fields import compact
from uptake.serve.surfaces.messages import Messages
from uptake.serve.surfaces.responses import Responses
from uptake.serve.upstream import Answer, Headers

__all__ = ["LocalUpstream"]

CHAT = Chat()
SURFACES: dict[str, Surface] = {
    surface.path.removeprefix("/v1"): surface for surface in (CHAT, Messages(), Responses())
}

MOST_CHOICES = 128
ROOM = 32
"""Pieces of a stream that wait for the client, before the model's next one waits too."""

Say = Callable[[str], Awaitable[None]]
OnEnd = Callable[[Reply], None]


class LocalUpstream:
    """`model` as an `Upstream`, which closes it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._since = int(time.time())

    async def send(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        """See `Upstream`. Whatever goes wrong before the first word is an answer in itself."""
        path = target.partition("?")[0]
        surface = next((s for at, s in SURFACES.items() if f"{path}/".startswith(f"{at}/")), CHAT)
        try:
            if path == "/models" or path.startswith("/models/"):
                return _whole(self._models(method, path))
            if path not in SURFACES:
                raise _Refused(404, f"there is no {path} here")
            if method != "POST":
                raise _Refused(405, f"{path} takes POST")
            return await self._answer(surface, _object(body))
        except _Refused as error:
            kind = "server_error" if error.status >= 500 else "invalid_request_error"
            data = surface.error(error.status, str(error), kind, error.code)
            return _whole(data, error.status)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()

    async def _answer(self, surface: Surface, data: Body) -> Answer:
        try:
            asked = surface.read(data)
        except Unreadable as error:
            raise _Refused(400, str(error)) from None
        _check(asked)
        data = data if asked.model else {**data, "model": self._model.name}
        draws = _draws(asked, data.get("seed") is not None)
        if not asked.stream:
            return _whole(_replied(surface, data, await self._replies(asked, draws)))
        writers = zip(_writers(surface, data, len(draws)), draws, strict=True)
        choices = [_Choice(writer, self._speaker(asked, draw)) for writer, draw in writers]
        stream = _Stream(choices)
        await stream.begin()
        return stream

    async def _replies(self, asked: Asked, draws: Sequence[Sampling]) -> list[Reply]:
        async def one(draw: Sampling) -> Reply:
            if not asked.stop:
                return await self._model.reply(asked.conversation, draw)
            return await self._speaker(asked, draw)(_unsaid)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(draw)) for draw in draws]
        except ExceptionGroup as failed:
            raise _refused(failed) from None
        return [task.result() for task in tasks]

    def _speaker(self, asked: Asked, draw: Sampling) -> _Speaker:
        """What says a reply piece by piece, up to a stop word, and then gives it."""

        async def speak(say: Say) -> Reply:
            cutter = Cutter(asked.stop)
            ends: list[Reply] = []
            said = ""
            async with aclosing(_pieces(self._model, asked.conversation, draw, ends)) as pieces:
                async for piece in pieces:
                    said += (words := cutter.feed(piece))
                    await say(words)
                    if cutter.by is not None:
                        break
            reply = ends[-1] if ends else Reply(Message("assistant", said))
            if cutter.by is not None:
                return Stopped(Message("assistant", said), "stop", reply.usage, by=cutter.by)
            await say(cutter.rest())
            return reply

        return speak

    def _models(self, method: str, path: str) -> Body:
        """The one model, as OpenAI and as Anthropic list it."""
        if method != "GET":
            raise _Refused(405, f"{path} takes GET")
        name = self._model.name
        made = datetime.fromtimestamp(self._since, UTC).isoformat()
        card = {"id": name, "object": "model", "created": self._since, "owned_by": "uptake"}
        card |= {"type": "model", "display_name": name, "created_at": made, "lifecycle": "active"}
        if path == "/models":
            pages = {"has_more": False, "first_id": name, "last_id": name}
            return {"object": "list", "data": [card], **pages}
        if unquote(path.removeprefix("/models/")) != name:
            raise _Refused(404, f"the model here is {name}", "model_not_found")
        return card


_Speaker = Callable[[Say], Awaitable[Reply]]


async def _unsaid(words: str) -> None:
    """Nobody listens: the reply is wanted whole."""


async def _pieces(
    model: Model, conversation: Conversation, draw: Sampling, ends: list[Reply]
) -> AsyncGenerator[str, None]:
    """The words of a reply as they come; once they have ended, `ends` has all of it."""
    stream: Any = getattr(model, "stream", None)
    if stream is None:
        reply = await model.reply(conversation, draw)
        ends.append(reply)
        if reply.message.content is not None:
            yield reply.message.text
        return
    streamed = cast("AsyncGenerator[str, None]", stream(conversation, draw, ends.append))
    async with aclosing(streamed) as pieces:
        async for piece in pieces:
            yield piece


@dataclass
class _Choice:
    """One reply on its way into a stream: the role goes out with the first word."""

    writer: Writer
    speak: _Speaker
    begun: bool = False

    async def run(self, put: Callable[[bytes], Awaitable[None]]) -> None:
        async def send(events: Sequence[Event]) -> None:
            begin = () if self.begun else self.writer.begin()
            self.begun = True
            await put(b"".join(event.encode() for event in (*begin, *events)))

        async def say(words: str) -> None:
            if words:
                await send(self.writer.words(words))

        await send(self.writer.end(await self.speak(say)))


class _Stream:
    """An `Answer` that a task of its own writes, so that anyone may drop it at any time."""

    status = 200
    headers: Headers = (
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
    )

    def __init__(self, choices: Sequence[_Choice]) -> None:
        self._choices = choices
        self._queue = asyncio.Queue[bytes | _Refused | None](ROOM)
        self._first: bytes | None = None
        self._task = asyncio.create_task(self._write())

    async def begin(self) -> None:
        """Wait for the first piece. Raises _Refused where it fails before."""
        try:
            first = await self._queue.get()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        if isinstance(first, _Refused):
            raise first
        self._first = first

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `Answer`."""
        piece, self._first = self._first, None
        try:
            while isinstance(piece, bytes):
                yield piece
                piece = await self._queue.get()
        finally:
            self._task.cancel()

    async def aclose(self) -> None:
        """See `Answer`."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)  # whoever still reads is at the end

    async def _write(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for choice in self._choices:
                    group.create_task(choice.run(self._queue.put))
        except ExceptionGroup as failed:
            error = _refused(failed)
            if not any(choice.begun for choice in self._choices):
                await self._queue.put(error)
                return
            events = self._choices[0].writer.failed(str(error))
            await self._queue.put(b"".join(event.encode() for event in events))
        await self._queue.put(None)


@dataclass(frozen=True, slots=True)
class _Answered:
    """An `Answer` that is all there."""

    status: int
    headers: Headers
    body: bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `Answer`."""
        yield self.body

    async def aclose(self) -> None:
        """See `Answer`."""


def _replied(surface: Surface, data: Body, replies: Sequence[Reply]) -> Body:
    """A whole answer; only the chat API has several choices."""
    if isinstance(surface, Chat):
        return surface.replies(data, replies)
    return surface.reply(data, replies[0])


def _writers(surface: Surface, data: Body, n: int) -> Sequence[Writer]:
    return surface.writers(data, n) if isinstance(surface, Chat) else [surface.writer(data)]


def _whole(data: Body, status: int = 200) -> Answer:
    return _Answered(status, ((b"content-type", b"application/json"),), compact(data).encode())


class _Refused(Exception):
    """Why there is no reply, with the status and, where it has one, the finer name."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def _refused(failed: ExceptionGroup[Exception]) -> _Refused:
    """What to say of the first error. A model may raise anything; only its own words go further."""
    error = failed.exceptions[0]
    if isinstance(error, TooLongError):
        return _Refused(400, str(error), "context_length_exceeded")
    if isinstance(error, ModelError):
        return _Refused(500, str(error))
    return _Refused(500, f"the model failed: {type(error).__name__}")


def _object(body: bytes) -> Body:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise _Refused(400, "the body is not JSON") from None
    if not isinstance(data, dict):
        raise _Refused(400, "the body is not a JSON object")
    return cast("Body", data)


def _check(asked: Asked) -> None:
    """Refuse what makes no sense, and what no model here can do."""
    draw = asked.sampling
    if asked.logprobs:
        raise _Refused(400, "logprobs: this model does not give them; leave them out")
    if not 1 <= asked.request.n <= MOST_CHOICES:
        raise _Refused(400, f"n is {asked.request.n}; it must be 1 to {MOST_CHOICES}")
    if not 0 <= draw.temperature < math.inf:
        raise _Refused(400, f"temperature is {draw.temperature}; it must be 0 or more")
    if not 0 < draw.top_p <= 1:
        raise _Refused(400, f"top_p is {draw.top_p}; it must be above 0 and at most 1")
    if draw.max_tokens < 1:
        raise _Refused(400, f"the token limit is {draw.max_tokens}; it must be 1 or more")


def _draws(asked: Asked, seeded: bool) -> list[Sampling]:
    """How each choice is drawn: the first by the seed, one of chance unless it was given."""
    seed = asked.sampling.seed if seeded else secrets.randbelow(2**31)
    later = [stable_seed(seed, "choice", n) for n in range(1, asked.request.n)]
    return [replace(asked.sampling, seed=each) for each in (seed, *later)]
