"""An Endpoint against a real server on the loopback: every way a reply can come or fail to.

All of it over the official SDK, and over aiohttp.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from loopback import Loopback, error

from uptake.conversation import Conversation
from uptake.model import Model, ModelError, Sampling
from uptake.models import direct
from uptake.models.apis import Chat
from uptake.models.endpoint import Endpoint
from uptake.models.limits import Backoff
from uptake.models.prices import Price

TALK = Conversation().user("How many apples?")


@pytest.fixture(autouse=True, params=["sdk", "aiohttp"])
def client(request, monkeypatch):
    """What connects where an Endpoint is not told."""
    monkeypatch.setattr(direct, "installed", lambda: request.param == "aiohttp")
    return request.param


def completion(text="12", **message):
    return {
        "choices": [
            {"message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


@asynccontextmanager
async def opened(server, **options):
    """A server and an endpoint that retries twice without delay."""
    keys = {name: options.pop(name) for name in ("key", "key_hint") if name in options}
    async with server.running():
        endpoint = Endpoint("m", Chat(server.url, **keys), name="test", **options)
        endpoint._backoff = Backoff(options.get("retries", 2), first=0.0)
        try:
            yield endpoint
        finally:
            await endpoint.aclose()


def ask(server, *, talk=TALK, sampling=None, times=1, **options):
    """The replies to `times` calls one after another."""

    async def scene():
        async with opened(server, **options) as endpoint:
            return [
                await endpoint.reply(talk, sampling or Sampling(seed=seed)) for seed in range(times)
            ]

    return asyncio.run(scene())


def failure(server, **options):
    """The one line of a call that fails."""
    with pytest.raises(ModelError) as caught:
        ask(server, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 500
    assert line.startswith("test")
    assert getattr(server, "url", "") in line
    return caught.value


def test_is_a_model():
    assert isinstance(Endpoint("m", Chat("http://127.0.0.1:1/v1")), Model)


def test_a_reply_carries_words_tokens_and_cost():
    (reply,) = ask(Loopback(completion("The answer is 12.")), price=Price(1.0, 10.0))
    assert reply.text == "The answer is 12."
    assert reply.finish_reason == "stop"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (100, 10)
    assert reply.usage.cost == pytest.approx(0.0002)
    assert not reply.usage.cached


def test_without_a_price_the_cost_is_unknown_not_zero():
    (reply,) = ask(Loopback(completion()))
    assert reply.usage.cost is None


def test_a_cost_stated_by_the_server_is_believed():
    answer = completion()
    answer["usage"]["cost"] = 0.5
    (reply,) = ask(Loopback(answer), price=Price(1.0, 1.0))
    assert reply.usage.cost == 0.5


def test_tokens_are_estimated_where_the_server_does_not_count():
    answer = completion("word " * 300)
    del answer["usage"]
    (reply,) = ask(Loopback(answer), price=Price(1.0, 1.0))
    assert reply.usage.completion_tokens >= 300
    assert reply.usage.prompt_tokens >= 4
    assert reply.usage.cost > 0


def test_every_field_of_every_message_is_sent_as_it_is():
    messages = [
        {"role": "system", "content": "Be brief.", "name": "rules"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "7", "x_unheard_of": {"deep": [1, None]}},
    ]
    server = Loopback(completion())
    ask(server, talk=Conversation.from_dicts(messages))
    assert server.bodies[0]["messages"] == messages


def test_a_reply_of_tool_calls_has_no_words_and_is_no_error():
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    (reply,) = ask(Loopback(completion(None, tool_calls=calls, annotations=[], audio=None)))
    said = reply.message.to_dict()
    assert said == {"role": "assistant", "content": None, "tool_calls": calls}


def test_sampling_and_extra_settings_are_sent():
    server = Loopback(completion())
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=77, seed=2**40 + 5)
    ask(server, sampling=sampling, extra={"reasoning_effort": "low"})
    sent = {key: value for key, value in server.bodies[0].items() if key != "messages"}
    assert sent == {
        "model": "m",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 77,
        "seed": 5,
        "reasoning_effort": "low",
    }


def test_the_key_is_sent_and_openai_identities_are_not(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-others")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-not-for-others")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-not-for-others")
    with_key, without = Loopback(completion()), Loopback(completion())
    ask(with_key, key="k1")
    ask(without)
    assert with_key.headers[0]["Authorization"] == "Bearer k1"
    assert "Authorization" not in without.headers[0]
    for server in (with_key, without):
        assert "not-for-others" not in str(server.headers[0])


# What fails for good


def test_unreachable_is_fatal_and_tried_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"

    async def scene():
        endpoint = Endpoint("m", Chat(url), name="test")
        try:
            await endpoint.reply(TALK, Sampling())
        finally:
            await endpoint.aclose()

    with pytest.raises(ModelError, match="no server answers there") as caught:
        asyncio.run(scene())
    assert caught.value.fatal
    assert "tries" not in str(caught.value)
    assert url in str(caught.value)


def test_a_server_that_goes_away_is_waited_for_and_then_given_up():
    async def scene():
        server = Loopback(completion())
        async with server.running():
            endpoint = Endpoint("m", Chat(server.url), name="test")
            endpoint._backoff = Backoff(2, first=0.0)
            await endpoint.reply(TALK, Sampling())
        with pytest.raises(ModelError, match="3 tries") as caught:
            await endpoint.reply(TALK, Sampling())
        assert caught.value.fatal
        async with server.running(server.port):
            assert (await endpoint.reply(TALK, Sampling())).text == "12"
        await endpoint.aclose()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, error("Incorrect API key provided"), "the key was refused .401.*set MY_KEY"),
        (402, error("Insufficient credits"), "cannot pay"),
        (404, error("The model `m` does not exist"), "no such model.*`m` does not exist"),
        (404, "404 page not found", "no such model or path.*/v1"),
        (429, error("You exceeded your quota", code="insufficient_quota"), "quota is used up"),
    ],
)
def test_what_no_retry_can_mend_is_fatal_at_once(status, body, words):
    server = Loopback((status, body))
    raised = failure(server, key_hint="set MY_KEY")
    assert raised.fatal
    assert len(server.bodies) == 1
    with pytest.raises(ModelError, match=words):
        raise raised


def test_a_key_does_not_follow_where_a_server_sends_it():
    stranger = Loopback(completion())

    async def scene():
        async with stranger.running():
            away = {"location": f"{stranger.url}/chat/completions"}
            async with opened(Loopback((307, "", away)), key="k1") as endpoint:
                await endpoint.reply(TALK, Sampling())

    with pytest.raises(ModelError, match=r"elsewhere \(307\)") as caught:
        asyncio.run(scene())
    assert caught.value.fatal
    assert stranger.bodies == []


def test_an_address_that_serves_pages_is_fatal():
    raised = failure(Loopback((200, "<html>\n<h1>Welcome</h1>")))
    assert raised.fatal
    assert "not JSON" in str(raised)


# What fails this time


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_a_refused_request_is_not_tried_again_and_not_fatal(status):
    server = Loopback((status, error("this model's maximum context length is 10 tokens")))
    raised = failure(server)
    assert not raised.fatal
    assert f"({status})" in str(raised)
    assert "maximum context length" in str(raised)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_passing_failure_is_tried_again(status):
    busy = (status, error("busy"), {"retry-after": "0"})
    server = Loopback(busy, busy, completion("at last"))
    (reply,) = ask(server)
    assert reply.text == "at last"
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("status", "words"), [(429, "too many requests"), (500, "the server failed")]
)
def test_a_lasting_failure_is_told_after_all_retries(status, words):
    server = Loopback((status, "<html>\n  busy\n</html>"))
    raised = failure(server)
    assert not raised.fatal
    assert f"{words} ({status})" in str(raised)
    assert "3 tries" in str(raised)
    assert len(server.bodies) == 3


def test_a_wish_beyond_patience_is_not_waited_for():
    server = Loopback((429, error("come back tomorrow"), {"retry-after": "86400"}))
    raised = failure(server)
    assert "asks to wait 86400 s" in str(raised)
    assert len(server.bodies) == 1


def test_no_retries_means_one_try():
    server = Loopback((500, error()))
    failure(server, retries=0)
    assert len(server.bodies) == 1


def test_a_dropped_connection_is_tried_again():
    async def hang_up(request):
        request.transport.abort()
        return web.Response()

    server = Loopback(hang_up, completion("there"))
    (reply,) = ask(server)
    assert reply.text == "there"


def test_a_connection_that_breaks_within_the_reply_is_tried_again():
    async def break_off(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"choices": ')
        request.transport.abort()
        return response

    server = Loopback(break_off, completion("there"))
    (reply,) = ask(server)
    assert reply.text == "there"


def test_silence_ends_at_the_timeout():
    async def sleep(request):
        await asyncio.sleep(60)

    server = Loopback(sleep)
    raised = failure(server, timeout=0.2, retries=1)
    assert not raised.fatal
    assert "no reply within 0.2 s" in str(raised)
    assert len(server.bodies) == 2


def test_a_reply_that_drips_for_ever_ends_at_the_timeout():
    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    raised = failure(Loopback(drip), timeout=0.3, retries=0)
    assert "no reply within 0.3 s" in str(raised)


@pytest.mark.parametrize("content", ["", " \n", None])
def test_an_empty_reply_is_an_error(content):
    answer = completion(content)
    answer["choices"][0]["finish_reason"] = "length"
    raised = failure(Loopback(answer))
    assert not raised.fatal
    assert "the reply is empty (finish_reason 'length')" in str(raised)


def test_a_reply_of_two_megabytes_is_not_read_to_its_end():
    server = Loopback(completion("a" * 2_000_000))
    raised = failure(server)
    assert not raised.fatal
    assert "longer than 1,048,576 bytes" in str(raised)
    assert len(server.bodies) == 1
    (reply,) = ask(Loopback(completion("a" * 2_000_000)), max_reply_bytes=3_000_000)
    assert len(reply.text) == 2_000_000


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (json.dumps(completion("caf\xe9"), ensure_ascii=False).encode("latin-1"), "byte 0xe9 at"),
        (json.dumps(completion("\ud83d")).encode(), "surrogate"),
        (b'{"choices": []}', "no choices"),
        (b'{"choices": [{}]}', "no message"),
        (b"[1, 2]", "no choices"),
        (json.dumps(error("upstream broke")).encode(), "upstream broke"),
    ],
)
def test_an_unreadable_reply_is_one_line(body, words):
    raised = failure(Loopback(body))
    assert not raised.fatal
    assert words in str(raised)


def test_not_json_is_not_fatal_once_the_server_has_answered():
    async def scene():
        server = Loopback(completion(), b"oops", completion("fine"))
        async with opened(server) as endpoint:
            await endpoint.reply(TALK, Sampling())
            with pytest.raises(ModelError, match="not JSON") as caught:
                await endpoint.reply(TALK, Sampling())
            assert not caught.value.fatal
            assert (await endpoint.reply(TALK, Sampling())).text == "fine"

    asyncio.run(scene())


# Parameters that a server does not take


def picky(*forbidden):
    """Answers like a server that rejects some parameters, one at a time."""

    async def answer(request):
        body = await request.json()
        for name, words in forbidden:
            if name in body:
                return 400, error(words, param=name, code="unsupported_parameter")
        return completion()

    return answer


def test_a_rejected_parameter_is_dropped_once_and_remembered():
    server = Loopback(
        picky(
            ("seed", "Unknown parameter: 'seed'."),
            ("temperature", "'temperature' does not support 0.5 with this model."),
            ("max_tokens", "'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
        )
    )
    ask(server, sampling=Sampling(temperature=0.5, max_tokens=9), times=3)
    assert len(server.bodies) == 3 + 3
    last = server.bodies[-1]
    assert last["max_completion_tokens"] == 9
    assert not {"seed", "temperature", "max_tokens"} & set(last)


def test_a_server_that_takes_neither_limit_gets_none():
    server = Loopback(
        picky(
            ("max_tokens", "max_tokens: Extra inputs are not permitted"),
            ("max_completion_tokens", "max_completion_tokens: Extra inputs are not permitted"),
        )
    )
    ask(server)
    assert len(server.bodies) == 3
    assert not [name for name in server.bodies[-1] if name.startswith("max")]


def test_callers_at_once_learn_of_a_rejection_together():
    async def scene():
        server = Loopback(picky(("seed", "Unknown parameter: 'seed'.")))
        async with opened(server) as endpoint:
            replies = await asyncio.gather(
                *(endpoint.reply(TALK, Sampling(seed=seed)) for seed in range(8))
            )
            assert len(replies) == 8
            assert endpoint.dropped == {"seed"}
            assert len(server.bodies) <= 16

    asyncio.run(scene())


def test_a_rejected_value_is_an_error_not_a_rejected_parameter():
    server = Loopback((400, error("max_tokens is too large: 99999", param="max_tokens")))
    raised = failure(server, sampling=Sampling(max_tokens=99999))
    assert "too large" in str(raised)
    assert len(server.bodies) == 1


# Many at once


def test_requests_in_flight_are_bounded():
    async def slow(request):
        await asyncio.sleep(0.01)
        return completion()

    async def scene():
        server = Loopback(slow)
        async with opened(server, concurrency=3) as endpoint:
            await asyncio.gather(*(endpoint.reply(TALK, Sampling(seed=s)) for s in range(12)))
        assert server.most_in_flight == 3
        assert len(server.bodies) == 12

    asyncio.run(scene())


def test_a_hundred_at_once_are_a_hundred_at_once():
    async def scene():
        everyone = asyncio.Event()

        async def wait_for_all(request):
            if server.in_flight == 100:
                everyone.set()
            await everyone.wait()
            return completion()

        server = Loopback(wait_for_all)
        async with opened(server, concurrency=100, timeout=30) as endpoint:
            for _ in range(2):
                calls = (endpoint.reply(TALK, Sampling(seed=seed)) for seed in range(100))
                assert len(await asyncio.gather(*calls)) == 100

    asyncio.run(scene())


def test_a_cancelled_call_frees_its_place():
    first = asyncio.Event()

    async def hang_then_answer(request):
        if not first.is_set():
            first.set()
            await asyncio.sleep(60)
        return completion()

    async def scene():
        server = Loopback(hang_then_answer)
        async with opened(server, concurrency=1) as endpoint:
            hanging = asyncio.create_task(endpoint.reply(TALK, Sampling()))
            await first.wait()
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
            assert (await endpoint.reply(TALK, Sampling())).text == "12"

    asyncio.run(scene())


def test_one_endpoint_serves_one_event_loop_after_another(tmp_path):
    endpoint = None

    async def scene(server, seeds):
        nonlocal endpoint
        async with server.running(getattr(server, "port", 0)):
            endpoint = endpoint or Endpoint(
                "m", Chat(server.url), concurrency=1, cache=tmp_path / "c"
            )
            await asyncio.gather(*(endpoint.reply(TALK, Sampling(seed=s)) for s in seeds))
            await endpoint.aclose()

    server = Loopback(completion())
    asyncio.run(scene(server, range(3)))
    asyncio.run(scene(server, range(6)))
    assert len(server.bodies) == 6


# The cache


def counting():
    """Every answer is another one."""
    said = 0

    async def answer(request):
        nonlocal said
        said += 1
        return completion(f"answer {said}")

    return answer


def test_the_same_call_is_paid_once_and_repeats_stay_independent(tmp_path):
    server = Loopback(counting())
    options = {"cache": tmp_path / "replies.sqlite", "price": Price(1.0, 1.0)}
    first = ask(server, times=3, **options)
    assert [reply.text for reply in first] == ["answer 1", "answer 2", "answer 3"]
    assert not any(reply.usage.cached for reply in first)


def test_a_cached_reply_is_the_same_at_no_cost(tmp_path):
    async def scene():
        server = Loopback(counting())
        path = tmp_path / "deeper" / "replies.sqlite"
        async with opened(server, cache=path, price=Price(1.0, 1.0)) as endpoint:
            paid = await endpoint.reply(TALK, Sampling(seed=1))
            again = await endpoint.reply(TALK, Sampling(seed=1))
            warmer = await endpoint.reply(TALK, Sampling(seed=1, temperature=0.9))
        assert again.message == paid.message
        assert again.finish_reason == paid.finish_reason
        assert again.usage.prompt_tokens == paid.usage.prompt_tokens
        assert (again.usage.cached, again.usage.cost) == (True, 0.0)
        assert warmer.text == "answer 2"
        # Another endpoint at the same address reads the same file.
        async with server.running(server.port):
            other = Endpoint("m", Chat(server.url), cache=path)
            assert (await other.reply(TALK, Sampling(seed=1))).usage.cached
            stranger = Endpoint("m2", Chat(server.url), cache=path)
            assert not (await stranger.reply(TALK, Sampling(seed=1))).usage.cached
            await other.aclose()
            await stranger.aclose()

    asyncio.run(scene())


def test_callers_of_the_same_at_once_are_told_the_same_for_one_request(tmp_path):
    async def scene():
        server = Loopback(counting())
        async with opened(server, cache=tmp_path / "c") as endpoint:
            replies = await asyncio.gather(*(endpoint.reply(TALK, Sampling()) for _ in range(9)))
        assert {reply.text for reply in replies} == {"answer 1"}
        assert len(server.bodies) == 1

    asyncio.run(scene())


def test_failures_are_not_cached(tmp_path):
    async def scene():
        server = Loopback((400, error("no")), completion("yes"))
        async with opened(server, cache=tmp_path / "c") as endpoint:
            with pytest.raises(ModelError):
                await endpoint.reply(TALK, Sampling())
            assert (await endpoint.reply(TALK, Sampling())).text == "yes"

    asyncio.run(scene())


KILLED = textwrap.dedent("""
    import asyncio, sys
    from uptake.conversation import Conversation
    from uptake.models.apis import Chat
    from uptake.models.endpoint import Endpoint
    from uptake.model import Sampling

    async def main(url, path):
        endpoint = Endpoint("m", Chat(url), cache=path)
        for seed in range(10_000):
            await endpoint.reply(Conversation().user("How many apples?"), Sampling(seed=seed))
            print(seed, flush=True)

    asyncio.run(main(*sys.argv[1:]))
""")


def test_kill_9_loses_no_reply_that_was_given(tmp_path):
    async def scene():
        server, path = Loopback(counting()), tmp_path / "c"
        async with server.running():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", KILLED, server.url, str(path), stdout=subprocess.PIPE
            )
            for _ in range(20):
                given = int(await process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            while line := await process.stdout.readline():
                given = int(line)
            endpoint = Endpoint("m", Chat(server.url), cache=path)
            asked = len(server.bodies)
            for seed in range(given + 1):
                assert (await endpoint.reply(TALK, Sampling(seed=seed))).usage.cached
            assert len(server.bodies) == asked
            await endpoint.aclose()

    asyncio.run(scene())
