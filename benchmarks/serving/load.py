"""Callers that cost next to nothing: requests as bytes, over sockets that stay open.

This module knows nothing of what answers.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

__all__ = ["conversation", "first_tokens", "post", "requests"]

REPLY = "All right."


FACTS = (
    "Person {n} has {a} apples at first.",
    "On Monday a neighbour drops off {b} more.",
    "{c} of them are bruised and go into the compost.",
    "The school across the street gets {d} as a gift.",
    "A basket of {e} arrives from an aunt.",
    "Two friends come by and eat {f} each.",
    "Half of what is left is sold for {g} coins at the market.",
    "The buyer returns {h} of those.",
    "A cousin brings {i} from another orchard.",
)


def conversation(number: int, turns: int) -> list[dict[str, str]]:
    """A plain talk of so many user turns: a request, then facts.

    No sentence stands in two conversations, so that nothing which remembers texts finds them.
    """
    values = {name: 10 * number + place for place, name in enumerate("abcdefghi", start=1)}
    said = [f"How many apples does person {number} have in the end?"]
    said += [FACTS[turn % len(FACTS)].format(n=number, **values) for turn in range(turns - 1)]
    messages: list[dict[str, str]] = []
    for words in said:
        messages += [{"role": "user", "content": words}, {"role": "assistant", "content": REPLY}]
    return messages[:-1]


def post(messages: list[dict[str, str]], *, stream: bool = False) -> bytes:
    """A request as it goes over the wire."""
    fields = {"model": "m", "messages": messages, **({"stream": True} if stream else {})}
    body = json.dumps(fields, separators=(",", ":")).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        "authorization: Bearer sk-bench\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def requests(port: int, wanted: Sequence[bytes], callers: int) -> float:
    """Seconds that `callers` at once take to have each of `wanted` answered whole."""
    left = iter(wanted)
    started = time.perf_counter()
    await asyncio.gather(*(_caller(port, left) for _ in range(callers)))
    return time.perf_counter() - started


async def _caller(port: int, left: object) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in left:  # type: ignore[attr-defined]
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1").partition("\r\n")[0])
        lower = head.lower()
        if b"content-length:" in lower:
            size = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
        else:
            await _chunked(reader)
    writer.close()


async def _chunked(reader: asyncio.StreamReader) -> None:
    while True:
        size = int(await reader.readline(), 16)
        await reader.readexactly(size + 2)
        if size == 0:
            return


async def first_tokens(port: int, wanted: Sequence[bytes], apart: float) -> list[float]:
    """Milliseconds to the first piece of content; a stream begins each `apart` seconds."""
    each = (_stream(port, request, place * apart) for place, request in enumerate(wanted))
    return await asyncio.gather(*each)


async def _stream(port: int, request: bytes, wait: float) -> float:
    await asyncio.sleep(wait)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.perf_counter()
    writer.write(request)
    seen = b""
    while b'"content": "word' not in seen and b'"content":"word' not in seen:
        part = await reader.read(65536)
        if not part:
            raise RuntimeError("the stream ended before its first token")
        seen += part
    took = (time.perf_counter() - started) * 1000
    while b"[DONE]" not in seen[-200:]:
        part = await reader.read(65536)
        if not part:
            break
        seen = seen[-200:] + part
    writer.close()
    return took
