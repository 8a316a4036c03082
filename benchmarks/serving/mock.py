"""An upstream that costs next to nothing: fixed replies, over a bare asyncio protocol.

    python benchmarks/serving/mock.py PORT [--first MS] [--apart MS] [--tokens N]

Streams begin after `--first` milliseconds, with a token each `--apart`.
"""

from __future__ import annotations

import argparse
import asyncio
import json

WORDS = "All right."
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": WORDS},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 50, "completion_tokens": 3, "total_tokens": 53},
}
BODY = json.dumps(COMPLETION).encode()
WHOLE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
) + BODY
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _chunk(data: str) -> bytes:
    event = f"data: {data}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(event), event)


def _token(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return _chunk(json.dumps({**data, "choices": [choice]}))


class Mock(asyncio.Protocol):
    """One connection; requests come one after the other."""

    first = apart = 0.0
    tokens = 30

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""
        self.streaming: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self.streaming is not None:
            self.streaming.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            size = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    size = int(value)
            if len(rest) < size:
                return
            body, self.buffer = rest[:size], rest[size:]
            if b'"stream":true' in body or b'"stream": true' in body:
                self.streaming = asyncio.ensure_future(self.stream())
            else:
                self.transport.write(WHOLE)

    async def stream(self) -> None:
        await asyncio.sleep(self.first)
        self.transport.write(HEAD + _token({"role": "assistant", "content": ""}))
        for _ in range(self.tokens):
            self.transport.write(_token({"content": "word "}))
            if self.apart:
                await asyncio.sleep(self.apart)
        self.transport.write(_token({}, "stop") + _chunk("[DONE]") + b"0\r\n\r\n")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--first", type=float, default=0.0)
    parser.add_argument("--apart", type=float, default=0.0)
    parser.add_argument("--tokens", type=int, default=30)
    given = parser.parse_args()
    Mock.first, Mock.apart, Mock.tokens = given.first / 1000, given.apart / 1000, given.tokens
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Mock, "127.0.0.1", given.port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
