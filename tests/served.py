"""The server on a loopback port, and an upstream that says what a test tells it to, to the byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import uvicorn

from uptake.serve.app import create_app
from uptake.serve.settings import Settings


@dataclass
class Got:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


Answering = Callable[[asyncio.StreamWriter, Got], Awaitable[None]]


@dataclass
class Upstream:
    """Answers request k with item k of `script`, and every later one with the last.

    An item is the bytes of a whole HTTP reply, or an async function of the writer and the request.
    `left` is set each time a client hangs up on an answer that is not finished.
    """

    script: list[bytes | Answering]
    got: list[Got] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    open: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (got := await _request(reader)) is not None:
                self.got.append(got)
                item = self.script[min(len(self.got), len(self.script)) - 1]
                self.open += 1
                answer = asyncio.ensure_future(self._answer(item, writer, got))
                gone = asyncio.ensure_future(_hung_up(reader))
                await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
                self.open -= 1
                if not answer.done():
                    answer.cancel()
                    self.left.set()
                    return
                gone.cancel()
                answer.result()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, item: bytes | Answering, writer, got: Got) -> None:
        if isinstance(item, bytes):
            writer.write(item)
            await writer.drain()
        else:
            await item(writer, got)


async def _hung_up(reader: asyncio.StreamReader) -> None:
    # Peeks: what a next request sends first must stay to be read.
    while not reader.at_eof() and not reader._buffer:
        await asyncio.sleep(0.002)
    if reader._buffer:
        await asyncio.Event().wait()


async def _request(reader: asyncio.StreamReader) -> Got | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Got(method, target, headers, body)


def reply(body: bytes | dict, status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP reply."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {
        "content-type": "application/json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in named.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, f"content-length: {len(content)}"])
    return head.encode() + b"\r\n\r\n" + content


def completion(text: str, model: str = "m") -> dict:
    """A chat completion that says `text`."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        "a_field_of_tomorrow": {"x": 1.50},
    }


def chunks(text: str) -> list[bytes]:
    """The events of a streamed completion that says `text`, a word at a time."""

    def event(delta: dict, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        data = {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
        }
        return f"data: {json.dumps(data)}\n\n".encode()

    words = [event({"content": word + " "}) for word in text.split()]
    return [
        event({"role": "assistant", "content": ""}),
        *words,
        event({}, "stop"),
        b"data: [DONE]\n\n",
    ]


def streamed(parts: list[bytes], *, pause: float = 0.0, end: bool = True) -> Answering:
    """Answers with events, chunked; without `end` the connection breaks off after the last."""

    async def answer(writer: asyncio.StreamWriter, got: Got) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
            b"x-request-id: r1\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for part in parts:
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if end:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        else:
            writer.transport.abort()

    return answer


@contextlib.asynccontextmanager
async def upstream(*script: bytes | Answering) -> AsyncIterator[Upstream]:
    """An upstream on the loopback."""
    playing = Upstream(list(script))
    server = await asyncio.start_server(playing.handle, "127.0.0.1", 0)
    playing.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield playing
    finally:
        server.close()


@dataclass
class Served:
    """A server that runs: its root, the app, and a client of it."""

    root: str
    app: object
    http: aiohttp.ClientSession

    async def chat(self, messages, *, stream=False, headers=None, **fields):
        """Post a conversation; the status, headers and bytes of the reply."""
        body = {
            "model": "m",
            "messages": messages,
            **({"stream": True} if stream else {}),
            **fields,
        }
        return await self.post("/v1/chat/completions", json.dumps(body).encode(), headers)

    async def post(self, path: str, body: bytes, headers=None):
        sent = {"content-type": "application/json", **(headers or {})}
        async with self.http.post(self.root + path, data=body, headers=sent) as answer:
            return answer.status, answer.headers, await answer.read()

    async def get(self, path: str, headers=None):
        async with self.http.get(self.root + path, headers=headers) as answer:
            return answer.status, answer.headers, await answer.read()


@contextlib.asynccontextmanager
async def serving(settings: Settings, store=None) -> AsyncIterator[Served]:
    """The server, in this event loop, on a free port."""
    app = create_app(settings, store)
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="none",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        date_header=False,
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        task = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        if task.done():
            task.result()
            raise RuntimeError("the server did not start")
        jar = aiohttp.CookieJar(unsafe=True)  # an address is no domain
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            yield Served(f"http://127.0.0.1:{port}", app, http)
        server.should_exit = True
        await task
