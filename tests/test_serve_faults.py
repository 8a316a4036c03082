"""The server when things go wrong around it: no wrong byte, nothing stuck, nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest
from served import chunks, completion, reply, serving, streamed, upstream

from uptake.serve.settings import Settings
from uptake.serve.store import open_store

FIRST = [{"role": "user", "content": "How many apples does Ann have in the end?"}]


def run(case, seconds=120):
    return asyncio.run(asyncio.wait_for(case(), seconds))


@asynccontextmanager
async def between(*script, **settings):
    async with upstream(*script) as above:
        given = {"dashboard": False, **settings}
        async with serving(Settings(upstream=above.url, **given), open_store("memory:")) as served:
            yield above, served


MALFORMED = [
    [b"data: {not json}\n\n", b"data: [DONE]\n\n"],
    [b"\xff\xfe\x00 binary\n\n", b"data: \xff\xff\n\n"],
    [b"no field at all\n", b"\n", b":\n\n", b"data\n\n", b"event: x\ndata: 1\ndata: 2\n\n"],
    [b'data: {"choices": [{"delta": {"content": 5}}]}\n\n', b'data: {"choices": "x"}\n\n'],
    [b'data: {"choices": [{"index": "a", "delta": null}]}\n\n', b"data: []\n\n", b"data: null\n\n"],
    [b"data: " + b"x" * 2**21 + b"\n\n", b"data: [DONE]\n\n"],
    [
        b'data: {"choices":[{"index":0,"delta":{"content":"' + b"y" * 2**21 + b'"}}]}\n\n',
        *chunks("after"),
    ],
    [b"data: " + b"[" * 100_000 + b"\n\n"],
    [b"data: half"],
    [b"\r\n\r\ndata: {}\r\n\r\ndata: [DONE]\r\n\r\n"],
    [],
]


@pytest.mark.parametrize("parts", MALFORMED, ids=range(len(MALFORMED)))
def test_whatever_the_upstream_streams_arrives_to_the_byte(parts):
    async def case():
        async with between(streamed(parts)) as (_, served):
            status, _, content = await served.chat(FIRST, stream=True)
            assert (status, content) == (200, b"".join(parts))

    run(case)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": [{"message": 7}]}',
        b"\xff" * 100,
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error", "418 I'm a teapot"])
def test_whatever_the_upstream_answers_arrives_to_the_byte(body, status):
    async def case():
        async with between(reply(body, status)) as (_, served):
            got, _, content = await served.chat(FIRST)
            assert (got, content) == (int(status[:3]), body)

    run(case)


def test_a_reply_too_long_to_be_kept_is_sent_whole():
    async def case():
        body = completion("word " * 50_000)
        async with between(reply(body), kept_bytes=100_000) as (_, served):
            status, _, content = await served.chat(FIRST)
            assert (status, json.loads(content)) == (200, body)
            _, _, metrics = await served.get("/metrics")
            assert b'uptake_failures_total{part="too_long"} 1.0' in metrics

    run(case)


async def _reset(writer, got):
    writer.transport.abort()


async def _half_head(writer, got):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-ty")
    await writer.drain()
    writer.transport.abort()


async def _nonsense(writer, got):
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


async def _short(writer, got):
    writer.write(
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"cho'
    )
    await writer.drain()
    writer.transport.abort()


@pytest.mark.parametrize("fault", [_reset, _half_head, _nonsense, _short], ids=lambda f: f.__name__)
def test_a_connection_that_fails_is_told_once_in_the_apis_shape(fault):
    async def case():
        async with between(fault) as (above, served):
            status, _, content = await served.chat(FIRST)
            assert (status, json.loads(content)["error"]["type"]) == (502, "upstream_error")
            assert len(above.got) == 1

    run(case)


def test_a_hundred_clients_that_leave_anywhere_leave_nothing_behind():
    async def case():
        parts = chunks("one two three four five six seven eight nine ten")
        async with between(streamed(parts, pause=0.02)) as (above, served):
            before = len(asyncio.all_tasks())

            async def leaves(number):
                asking = asyncio.ensure_future(served.chat(FIRST, stream=bool(number % 3)))
                await asyncio.sleep(0.004 * number)
                asking.cancel()
                await asyncio.wait([asking])

            await asyncio.gather(*(leaves(number) for number in range(100)))
            for _ in range(500):
                if above.open == 0 and len(asyncio.all_tasks()) <= before + 2:
                    break
                await asyncio.sleep(0.02)
            assert above.open == 0
            _, _, metrics = await served.get("/metrics")
            assert b"uptake_requests_open 0.0" in metrics

    run(case)


SLOW = 1000


def test_a_thousand_slow_clients_each_get_their_own_reply_to_the_byte():
    async def echoed(writer, got):
        said = got.json["messages"][-1]["content"]
        await streamed(chunks(f"{said} is what was said {said}"))(writer, got)

    async def slowly(host, port, number):
        reader, writer = await asyncio.open_connection(host, port, limit=1024)
        body = json.dumps(
            {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"n{number}"}]}
        )
        writer.write(
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\n\r\n{body}".encode()
        )
        got = b""
        while part := await reader.read(200):
            got += part
            await asyncio.sleep(0.05)
        writer.close()
        content, rest = b"", got.partition(b"\r\n\r\n")[2]
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            content, rest = content + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return content

    async def case():
        async with between(echoed) as (_, served):
            host, _, port = served.root.removeprefix("http://").partition(":")
            got = await asyncio.gather(*(slowly(host, int(port), n) for n in range(SLOW)))
            for number, content in enumerate(got):
                assert content == b"".join(chunks(f"n{number} is what was said n{number}"))
            _, _, metrics = await served.get("/metrics")
            assert b"uptake_requests_open 0.0" in metrics

    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    try:
        run(case)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _started(port, store, url):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uptake", "serve", "--upstream", url, "--port", str(port)),
        *("--store", str(store), "--no-dashboard"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"http://127.0.0.1:{port}/ready") as answer:
                    if answer.status == 200:
                        return process
            except aiohttp.ClientError:
                assert process.returncode is None
                await asyncio.sleep(0.05)


def _free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_killed_under_load_it_has_kept_every_turn_that_was_finished_and_none_twice(tmp_path):
    async def case():
        port, store = _free_port(), tmp_path / "turns.db"
        finished = []
        async with upstream(streamed(chunks("All right."))) as above:
            process = await _started(port, store, above.url)
            url = f"http://127.0.0.1:{port}/v1/chat/completions"

            async def goes_on(http, number):
                messages = []
                for turn in range(1000):
                    messages.append({"role": "user", "content": f"talk {number} turn {turn}"})
                    body = {"model": "m", "stream": True, "messages": messages}
                    async with http.post(url, json=body) as answer:
                        content = await answer.read()
                        assert content.endswith(b"data: [DONE]\n\n")
                    finished.append(messages[-1]["content"])
                    messages.append({"role": "assistant", "content": "All right. "})

            async with aiohttp.ClientSession() as http:
                talking = [asyncio.ensure_future(goes_on(http, number)) for number in range(16)]
                while len(finished) < 300:
                    await asyncio.sleep(0.01)
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
                done = list(finished)
                await asyncio.gather(*talking, return_exceptions=True)

            process = await _started(port, store, above.url)  # and goes on where it was
            async with aiohttp.ClientSession() as http:
                number, turn = done[-1].split()[1::2]
                messages = []
                for before in range(int(turn) + 1):
                    messages.append({"role": "user", "content": f"talk {number} turn {before}"})
                    messages.append({"role": "assistant", "content": "All right. "})
                body = {"model": "m", "messages": [*messages, {"role": "user", "content": "after"}]}
                async with http.post(url, json=body) as answer:
                    went_on = answer.headers["x-uptake-conversation"]
            process.terminate()
            await process.wait()
        kept = open_store(str(store))
        try:
            line = await kept.turns(went_on)
            talks = [await kept.turns(each.conversation) for each in await kept.summaries()]
        finally:
            await kept.aclose()
        assert len(line) == int(turn) + 2
        finished = {turn.id: turn for talk in talks for turn in talk if turn.state == "finished"}
        rows = [turn.said[-1]["content"] for turn in finished.values()]
        assert len(rows) == len(set(rows))
        assert set(done) <= set(rows)

    run(case, 240)


def test_interrupted_it_finishes_the_streams_that_are_open(tmp_path):
    async def case():
        port = _free_port()
        parts = chunks("one two three four five six")
        async with upstream(streamed(parts, pause=0.1)) as above:
            process = await _started(port, tmp_path / "turns.db", above.url)
            async with aiohttp.ClientSession() as http:
                url = f"http://127.0.0.1:{port}/v1/chat/completions"
                async with http.post(
                    url, json={"model": "m", "stream": True, "messages": FIRST}
                ) as answer:
                    first = await answer.content.readany()
                    process.send_signal(signal.SIGTERM)
                    rest = await answer.read()
                    assert first + rest == b"".join(parts)
            await asyncio.wait_for(process.wait(), 10)

    run(case)
