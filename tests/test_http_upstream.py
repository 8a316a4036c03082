"""The upstream over HTTP: what comes over the wire, however it is framed, and when to let go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from served import reply, streamed, upstream

from uptake.serve.connection import HIGH
from uptake.serve.http import HttpUpstream
from uptake.serve.settings import Settings
from uptake.serve.upstream import UpstreamError

HEADERS = [(b"authorization", b"Bearer k"), (b"x-two", b"1"), (b"x-two", b"2")]


def run(case, seconds=60):
    return asyncio.run(asyncio.wait_for(case(), seconds))


@contextlib.asynccontextmanager
async def asking(*script, **settings) -> AsyncIterator[tuple]:
    async with upstream(*script) as above:
        below = HttpUpstream(Settings(upstream=above.url, **settings))
        try:
            yield above, below
        finally:
            await below.aclose()


async def ask(below, method="POST", target="/chat/completions", body=b"{}"):
    """The status, headers and body of one answer."""
    answer = await below.send(method, target, HEADERS, body)
    try:
        content = b"".join([part async for part in answer.chunks()])
    finally:
        await answer.aclose()
    return answer.status, dict(answer.headers), content


def raw(data: bytes, *, close: bool = False):
    """Answers with these bytes, and hangs up after them if `close`."""

    async def answer(writer, got):
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return answer


def test_a_request_arrives_as_it_was_sent():
    async def case():
        async with asking(reply(b"{}")) as (above, below):
            await ask(below, target="/chat/completions?a=1%20b", body=b"hello")
            await ask(below, "GET", "/models", b"")
            await ask(below, "DELETE", "/files/1", b"")
            first, second, third = above.got
            assert (first.method, first.target, first.body) == (
                "POST",
                "/v1/chat/completions?a=1%20b",
                b"hello",
            )
            assert first.headers["host"] == above.url.removeprefix("http://").removesuffix("/v1")
            assert first.headers["authorization"] == "Bearer k"
            assert "content-length" not in second.headers
            assert third.headers["content-length"] == "0"

    run(case)


FRAMES = {
    "by length": (b"content-length: 5\r\n\r\nhello", False),
    "in chunks, with a trailer": (
        b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n",
        False,
    ),
    "by the end of the connection": (b"\r\nhello", True),
    "closed by its own word": (b"connection: close\r\ncontent-length: 5\r\n\r\nhello", False),
    "with an empty header": (b"x-empty:\r\ncontent-length: 5\r\n\r\nhello", False),
    "with more than it said": (b"content-length: 5\r\n\r\nhello and more", False),
    "with another answer behind it": (
        b"content-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
        False,
    ),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_body_is_whole_however_it_is_framed_and_the_next_is_its_own(frame):
    async def case():
        data, close = FRAMES[frame]
        odd = raw(b"HTTP/1.1 200 OK\r\nx-one: 1\r\n" + data, close=close)
        async with asking(odd, reply(b"next")) as (_, below):
            status, headers, content = await ask(below)
            assert (status, headers[b"x-one"], content) == (200, b"1", b"hello")
            assert b"x-sum" not in headers
            assert (await ask(below))[2] == b"next"

    run(case)


def test_what_only_says_to_wait_is_no_answer():
    async def case():
        early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        async with asking(raw(early + reply(b"then"))) as (_, below):
            status, headers, content = await ask(below)
            assert (status, content) == (200, b"then")
            assert b"link" not in headers

    run(case)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_has_no_body_ends_with_its_head(status):
    async def case():
        bare = raw(f"HTTP/1.1 {status}\r\n\r\n".encode())
        async with asking(bare, reply(b"x")) as (_, below):
            assert (await ask(below))[2] == b""
            assert (await ask(below))[2] == b"x"

    run(case)


def test_the_answer_to_head_has_a_length_and_no_body():
    async def case():
        async with asking(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n")) as (_, below):
            status, headers, content = await ask(below, "HEAD", "/models", b"")
            assert (status, headers[b"content-length"], content) == (200, b"99", b"")

    run(case)


@contextlib.asynccontextmanager
async def counting(script):
    """An upstream of which each connection is answered by `script`: a function of its number."""
    taken = 0

    async def handle(reader, writer):
        nonlocal taken
        taken += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await script(taken, reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    below = HttpUpstream(Settings(upstream=f"http://127.0.0.1:{port}/v1"))
    try:
        yield below, lambda: taken
    finally:
        await below.aclose()
        server.close()


async def _request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    await reader.readexactly(size)


def test_a_connection_that_was_read_to_its_end_carries_the_next_request():
    async def script(number, reader, writer):
        while True:
            await _request(reader)
            writer.write(reply(str(number).encode()))

    async def case():
        async with counting(script) as (below, taken):
            assert [(await ask(below))[2] for _ in range(3)] == [b"1"] * 3
            both = await asyncio.gather(ask(below), ask(below))
            assert sorted(each[2] for each in both) == [b"1", b"2"]
            half = await below.send("POST", "/x", [], b"{}")
            await half.aclose()  # not read: what is left of it must not be the next one's
            assert {(await ask(below))[2] for _ in range(2)} <= {b"1", b"2"}
            assert taken() == 2

    run(case)


def test_a_kept_connection_that_was_let_go_of_is_replaced_once_and_unnoticed():
    async def script(number, reader, writer):
        await _request(reader)
        writer.write(reply(str(number).encode()))
        if number == 1:
            await _request(reader)  # takes the second request, and hangs up without a word
        else:
            await _request(reader)
            writer.write(b"HTTP/1.1")

    async def case():
        async with counting(script) as (below, taken):
            assert (await ask(below))[2] == b"1"
            assert (await ask(below))[2] == b"2"
            with pytest.raises(UpstreamError, match="cannot be reached"):
                await ask(below)  # half a word came: it may have been done, so it is told
            assert taken() == 2

    run(case)


def test_a_new_connection_that_hangs_up_is_not_asked_again():
    async def script(number, reader, writer):
        await _request(reader)

    async def case():
        async with counting(script) as (below, taken):
            with pytest.raises(UpstreamError, match="cannot be reached"):
                await ask(below)
            assert taken() == 1

    run(case)


def test_a_reader_that_is_slow_stops_the_sender():
    async def case():
        size, sent = 64 * HIGH, 0

        async def much(writer, got):
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            for _ in range(64):
                writer.write(b"x" * HIGH)
                await writer.drain()
                sent += HIGH

        async with asking(much) as (_, below):
            answer = await below.send("POST", "/chat/completions", HEADERS, b"{}")
            last = -1
            while sent != last:  # until the sender stands still
                last = sent
                await asyncio.sleep(0.3)
            assert sent < size
            got = sum([len(part) async for part in answer.chunks()])
            await answer.aclose()
            assert got == size

    run(case)


async def _never(writer, got):
    await asyncio.sleep(30)


async def _then_silent(writer, got):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun")
    await asyncio.sleep(30)


def test_what_is_late_is_named_for_what_it_is():
    async def case():
        async with asking(_never, first_seconds=0.1) as (above, below):
            with pytest.raises(UpstreamError, match=r"did not answer within 0\.1 s") as late:
                await ask(below)
            assert late.value.status == 504
            await asyncio.wait_for(above.left.wait(), 5)
        async with asking(_then_silent, idle_seconds=0.1) as (above, below):
            with pytest.raises(UpstreamError, match=r"fell silent for 0\.1 s") as late:
                await ask(below)
            assert late.value.status == 504
            await asyncio.wait_for(above.left.wait(), 5)

    run(case)


def test_a_connection_that_is_not_taken_is_named_so(monkeypatch):
    async def case():
        below = HttpUpstream(Settings(upstream="http://192.0.2.1:9/v1", connect_seconds=0.1))

        async def unanswered(*_, **__):
            await asyncio.sleep(30)

        monkeypatch.setattr("aiohappyeyeballs.start_connection", unanswered)
        with pytest.raises(UpstreamError, match=r"took no connection within 0\.1 s") as late:
            await ask(below)
        assert late.value.status == 504
        await below.aclose()

    run(case)


@pytest.mark.parametrize("when", ["before the head", "within the body"])
def test_who_no_longer_waits_drops_the_connection(when):
    async def case():
        script = _never if when == "before the head" else _then_silent
        async with asking(script) as (above, below):
            waiting = asyncio.ensure_future(ask(below))
            await asyncio.sleep(0.1)
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
            await asyncio.wait_for(above.left.wait(), 5)

    run(case)


def test_headers_without_end_are_no_answer():
    async def case():
        async with asking(raw(b"HTTP/1.1 200 OK\r\n" + b"x-long: y\r\n" * 20_000)) as (_, below):
            with pytest.raises(UpstreamError, match="headers have more than"):
                await ask(below)

    run(case)


def test_a_header_cannot_begin_another():
    async def case():
        async with asking(reply(b"{}")) as (above, below):
            for bad in (b"k\r\nx-evil: 1", b"k\n", b"k\r"):
                with pytest.raises(UpstreamError, match="line break"):
                    await below.send("POST", "/x", [(b"authorization", bad)], b"{}")
            with pytest.raises(UpstreamError, match="line break"):
                await below.send("GET", "/x HTTP/1.1\r\nx-evil: 1\r\n", [], b"")
            assert above.got == []

    run(case)


def test_a_stream_comes_piece_by_piece():
    async def case():
        parts = [b"data: %d\n\n" % n for n in range(5)]
        async with asking(streamed(parts, pause=0.05)) as (_, below):
            answer = await below.send("POST", "/chat/completions", HEADERS, b"{}")
            got = [part async for part in answer.chunks()]
            await answer.aclose()
            assert b"".join(got) == b"".join(parts)
            assert len(got) > 1

    run(case)
