"""ASGI by hand: bodies with a bound, headers that may go on, replies as JSON or as they come.

Plain functions of `scope`, `receive` and `send`, since what hides them hides a client's leaving.
This module knows nothing of conversations.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from uptake.serve.upstream import Headers

__all__ = [
    "Gone",
    "TooLarge",
    "attended",
    "backward",
    "begin",
    "error",
    "forward",
    "header",
    "read",
    "say",
    "send_json",
    "target",
]

# Of one connection, not of the message (RFC 9110, section 7.6.1).
_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
_OURS = b"x-uptake-"


class Gone(Exception):
    """The client has left."""


class TooLarge(Exception):
    """A body is longer than it may be."""


async def read(receive: Receive, limit: int, seconds: float) -> bytes:
    """The whole body. Raises TooLarge, Gone, and TimeoutError for one that does not end in time."""
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(seconds):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise TooLarge
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


async def attended(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do the work while the client is there; to be called after the body was read.

    A client that leaves has the work cancelled, and that is all there is to it.
    """
    task = asyncio.current_task()
    left = False

    async def watch() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        if task is not None:
            task.cancel()

    watching = asyncio.ensure_future(watch())
    try:
        await work
    except asyncio.CancelledError:
        if not left:
            raise
        if task is not None:
            task.uncancel()
    finally:
        watching.cancel()


def header(scope: Scope, name: bytes) -> str | None:
    """A request header, None where it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def forward(scope: Scope, key: str | None, *, plain: bool) -> list[tuple[bytes, bytes]]:
    """The request headers that go upstream.

    `key` takes the place of whatever key the client sent. With `plain` the reply must come
    uncompressed, so that it can be read as it goes by.
    """
    drop = {b"host", b"content-length", *_HOP, *_named(scope["headers"])}
    if key is not None:
        drop |= {b"authorization", b"x-api-key", b"api-key"}
    if plain:
        drop.add(b"accept-encoding")
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if name not in drop and not name.startswith(_OURS)
    ]
    if key is not None:
        kept.append((b"authorization", b"Bearer " + key.encode()))
        if any(name == b"anthropic-version" for name, _ in kept):
            kept.append((b"x-api-key", key.encode()))
    if plain:
        kept.append((b"accept-encoding", b"identity"))
    return kept


def backward(headers: Headers, *, changed: bool = False) -> list[tuple[bytes, bytes]]:
    """The reply headers that go on to the client; `changed` where the body is not as it came."""
    drop = {*_HOP, *_named(headers), *([b"content-length", b"etag"] if changed else [])}
    return [
        (name.lower(), value)
        for name, value in headers
        if name.lower() not in drop and not name.lower().startswith(_OURS)
    ]


def _named(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """The headers that `connection` names."""
    return {
        part.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for part in value.split(b",")
    }


_STEPS_OUT = re.compile(rb"//|/\.{1,2}(/|$)|%2e|%2f|%5c|\\|[\x00-\x20\x7f-\xff]", re.IGNORECASE)


def target(scope: Scope) -> str | None:
    """The path below /v1, with its query; None where it might lead out of there."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0]
    if not path.startswith(b"/v1/") or _STEPS_OUT.search(path):
        return None
    query: bytes = scope.get("query_string", b"")
    whole = path[len(b"/v1") :] + (b"?" + query if query else b"")
    return whole.decode("latin-1")


async def begin(send: Send, status: int, headers: Headers) -> None:
    """Send the status and the headers."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def say(send: Send, part: bytes, *, more: bool = True) -> None:
    """Send a piece of the body."""
    await send({"type": "http.response.body", "body": part, "more_body": more})


async def send_json(send: Send, status: int, body: Any, headers: Headers = ()) -> None:
    """Send a whole reply."""
    content = json.dumps(body, ensure_ascii=False).encode()
    first = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *headers,
    ]
    await begin(send, status, first)
    await say(send, content, more=False)


def error(
    message: str, kind: str = "invalid_request_error", code: str | None = None
) -> Mapping[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
