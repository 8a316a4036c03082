"""Anthropic through its own SDK, against a real server that speaks the Messages API."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from loopback import Loopback, error

from uptake.conversation import Conversation
from uptake.model import ModelError, Sampling
from uptake.models import model
from uptake.models.apis import Chat, Messages
from uptake.models.endpoint import Endpoint
from uptake.models.limits import Backoff

TALK = Conversation().system("Be brief.").user("How many apples?")


def said(text="12", *blocks, stop="end_turn", **fields):
    """A reply as the Messages API gives it."""
    words = [{"type": "text", "text": text}] if text else []
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [*blocks, *words],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 60,
            "cache_creation_input_tokens": 30,
            "cache_read_input_tokens": 10,
            "output_tokens": 10,
        },
        **fields,
    }


def refused(kind, message):
    return {"type": "error", "request_id": "req_1"} | error(message, type=kind)


@asynccontextmanager
async def opened(server, monkeypatch, **options):
    """The model that the string and the usual variables name; it retries twice without delay."""
    async with server.running():
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k1")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.root)
        endpoint = model("anthropic/claude-haiku-4-5", **options)
        endpoint._backoff = Backoff(2, first=0.0)
        try:
            yield endpoint
        finally:
            await endpoint.aclose()


@pytest.fixture
def ask(monkeypatch):
    def asked(server, *, talk=TALK, sampling=None, times=1, **options):
        async def scene():
            async with opened(server, monkeypatch, **options) as endpoint:
                return [
                    await endpoint.reply(talk, sampling or Sampling(seed=seed))
                    for seed in range(times)
                ]

        return asyncio.run(scene())

    return asked


@pytest.fixture
def failure(ask):
    def failed(server, **options):
        with pytest.raises(ModelError) as caught:
            ask(server, **options)
        line = str(caught.value)
        assert "\n" not in line
        assert line.startswith("anthropic/claude-haiku-4-5 at http://127.0.0.1")
        return caught.value

    return failed


def test_a_reply_carries_words_tokens_and_cost(ask):
    server = Loopback(said("The answer is 12."))
    (reply,) = ask(server)
    assert reply.text == "The answer is 12."
    assert reply.finish_reason == "stop"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (100, 10)
    assert reply.usage.cost == pytest.approx((100 * 1.0 + 10 * 5.0) / 1e6)
    assert server.paths == ["/v1/messages"]
    assert server.headers[0]["Authorization"] == "Bearer k1"
    assert server.headers[0]["anthropic-version"] == "2023-06-01"


def test_what_is_sent_has_a_temperature_and_no_seed(ask):
    server = Loopback(said())
    ask(server, sampling=Sampling(temperature=0.3, max_tokens=77, seed=5))
    assert server.bodies[0] == {
        "model": "claude-haiku-4-5",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "How many apples?"}]}],
        "max_tokens": 77,
        "temperature": 0.3,
    }


def test_tools_go_there_and_calls_come_back_and_go_there_again(ask):
    tool = {"name": "count", "description": "Counts.", "parameters": {"type": "object"}}
    calls = Loopback(
        said("", {"type": "tool_use", "id": "t1", "name": "count", "input": {"of": "apples"}})
        | {"stop_reason": "tool_use"}
    )
    wanted = {"tools": [{"type": "function", "function": tool}], "tool_choice": "required"}
    (reply,) = ask(calls, extra=wanted)
    assert reply.finish_reason == "tool_calls"
    assert calls.bodies[0]["tool_choice"] == {"type": "any"}
    assert calls.bodies[0]["tools"] == [
        {"name": "count", "description": "Counts.", "input_schema": {"type": "object"}}
    ]
    (call,) = reply.message.to_dict()["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"of": "apples"}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "12"}
    talk = Conversation.from_dicts([*TALK.to_dicts(), reply.message.to_dict(), result])
    server = Loopback(said())
    ask(server, talk=talk, extra=wanted)
    assert server.bodies[0]["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "t1", "name": "count", "input": {"of": "apples"}}
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [{"type": "text", "text": "12"}],
                }
            ],
        },
    ]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
    ],
)
def test_why_a_reply_ended_is_said_in_the_usual_words(ask, stop, reason):
    assert ask(Loopback(said(stop=stop)))[0].finish_reason == reason


def test_a_refusal_without_words_is_a_reply(ask):
    why = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    (reply,) = ask(Loopback(said("", stop="refusal", stop_details=why)))
    assert reply.text == "Not this."
    assert reply.message.extra["refusal"] == "Not this."
    assert reply.finish_reason == "content_filter"


def test_only_thoughts_is_an_empty_reply(failure):
    thought = {"type": "thinking", "thinking": "Well…", "signature": "s"}
    raised = failure(Loopback(said("", thought, stop="max_tokens")))
    assert "the reply is empty (finish_reason 'length')" in str(raised)
    assert not raised.fatal


# Parameters that a model does not take


def test_a_model_without_a_temperature_is_asked_without_one(ask):
    async def newer(request):
        if "temperature" in await request.json():
            return 400, refused(
                "invalid_request_error", "`temperature` is deprecated for this model."
            )
        return said()

    server = Loopback(newer)
    ask(server, sampling=Sampling(temperature=0.0), times=3)
    assert len(server.bodies) == 3 + 1
    assert "temperature" not in server.bodies[-1]


def test_where_only_one_may_be_named_it_is_the_temperature(ask):
    async def either(request):
        if {"temperature", "top_p"} <= set(await request.json()):
            words = "`temperature` and `top_p` cannot both be specified for this model."
            return 400, refused("invalid_request_error", words)
        return said()

    server = Loopback(either)
    ask(server, sampling=Sampling(temperature=1.0, top_p=0.9))
    assert len(server.bodies) == 1
    assert server.bodies[0]["top_p"] == 0.9
    server = Loopback(either)
    ask(server, sampling=Sampling(temperature=0.5, top_p=0.9))
    assert server.bodies[-1]["temperature"] == 0.5
    assert "top_p" not in server.bodies[-1]


def test_the_token_limit_is_never_dropped(failure):
    words = "max_tokens: 99999 > 64000, which is not supported by this model"
    server = Loopback((400, refused("invalid_request_error", words)))
    raised = failure(server, sampling=Sampling(max_tokens=99999))
    assert "not supported by this model" in str(raised)
    assert len(server.bodies) == 1


# How much it may think, and the form of what it says

SCHEMA = {"type": "object", "properties": {"score": {"type": "number"}}, "required": ["score"]}
FORM = {"type": "json_schema", "schema": SCHEMA}
NO_FORM = (
    "output_config.format: Extra inputs are not permitted",
    "This model does not support json_schema output",
    "output_config: Extra inputs are not permitted",
)
NO_EFFORT = (
    "This model does not support the effort parameter.",
    "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
    "output_config: Extra inputs are not permitted",
)


def test_effort_and_form_go_into_one_object(ask):
    server = Loopback(said())
    ask(server, sampling=Sampling(effort="high", schema=SCHEMA))
    ask(server, sampling=Sampling(effort="low"))
    ask(server)
    assert server.bodies[0]["output_config"] == {"effort": "high", "format": FORM}
    assert server.bodies[1]["output_config"] == {"effort": "low"}
    assert "output_config" not in server.bodies[2]


@pytest.mark.parametrize("words", NO_FORM)
def test_a_form_that_is_not_taken_is_left_out_and_said(monkeypatch, words):
    async def formless(request):
        if "format" in (await request.json()).get("output_config", {}):
            return 400, refused("invalid_request_error", words)
        return said()

    async def scene():
        async with opened(server, monkeypatch) as endpoint:
            for _ in range(2):
                await endpoint.reply(TALK, Sampling(effort="high", schema=SCHEMA))
            return endpoint.dropped

    server = Loopback(formless)
    assert asyncio.run(scene()) == {"output_config.format"}
    assert [body["output_config"].keys() for body in server.bodies] == [
        {"effort", "format"},
        {"effort"},
        {"effort"},
    ]


@pytest.mark.parametrize("words", NO_EFFORT)
def test_an_effort_that_is_not_taken_ends_the_run(failure, words):
    server = Loopback((400, refused("invalid_request_error", words)))
    raised = failure(server, sampling=Sampling(effort="minimal"))
    assert raised.fatal
    assert "it takes no such output_config.effort" in str(raised)
    assert len(server.bodies) == 1


# What goes wrong


@pytest.mark.parametrize(
    ("status", "kind", "words", "line"),
    [
        (401, "authentication_error", "invalid key", "refused .401.*set ANTHROPIC_API_KEY"),
        (400, "invalid_request_error", "Your credit balance is too low", "cannot pay .400"),
        (402, "billing_error", "pay first", "cannot pay .402"),
        (404, "not_found_error", "model: claude-0", "no such model.*claude-0.*/v1/messages"),
    ],
)
def test_what_no_retry_can_mend_is_fatal_at_once(failure, status, kind, words, line):
    server = Loopback((status, refused(kind, words)))
    raised = failure(server)
    assert raised.fatal
    assert len(server.bodies) == 1
    with pytest.raises(ModelError, match=line):
        raise raised


def test_a_spent_quota_is_not_asked_for_again(failure):
    details = {"error_code": "enforced_spend_limit_reached"}
    body = {"type": "error"} | error("limit", type="rate_limit_error", details=details)
    server = Loopback((429, body))
    assert failure(server).fatal
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "rate_limit_error"), (500, "api_error"), (529, "overloaded_error")]
)
def test_a_passing_failure_is_tried_again(ask, status, kind):
    busy = (status, refused(kind, "busy"), {"retry-after": "0"})
    server = Loopback(busy, busy, said("at last"))
    assert ask(server)[0].text == "at last"
    assert len(server.bodies) == 3


def test_a_lasting_overload_is_one_line(failure):
    raised = failure(Loopback((529, refused("overloaded_error", "Overloaded"))))
    assert not raised.fatal
    assert "the server failed (529): Overloaded, 3 tries" in str(raised)


def test_a_dropped_connection_is_tried_again(ask):
    async def hang_up(request):
        request.transport.abort()
        return web.Response()

    assert ask(Loopback(hang_up, said("there")))[0].text == "there"


def test_silence_ends_at_the_timeout(failure):
    async def sleep(request):
        await asyncio.sleep(60)

    assert "no reply within 0.3 s, 3 tries" in str(failure(Loopback(sleep), timeout=0.3))


def test_a_server_that_is_not_there_is_fatal(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")

    async def scene():
        endpoint = model("anthropic/m")  # needs no key here
        try:
            await endpoint.reply(TALK, Sampling())
        finally:
            await endpoint.aclose()

    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ModelError, match="no server answers there") as caught:
        asyncio.run(scene())
    assert caught.value.fatal


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (json.dumps(said("a" * 2_000_000)).encode(), "longer than 1,048,576 bytes"),
        (json.dumps(said("caf\xe9"), ensure_ascii=False).encode("latin-1"), "byte 0xe9 at"),
        (json.dumps(said("\ud83d")).encode(), "surrogate"),
        (json.dumps(said(" \n")).encode(), "the reply is empty (finish_reason 'stop')"),
        (json.dumps(said("")).encode(), "the reply is empty"),
        (b'{"type": "message"}', "no content"),
        (b"[1, 2]", "no content"),
        (json.dumps(refused("api_error", "upstream broke")).encode(), "upstream broke"),
    ],
)
def test_an_unreadable_reply_is_one_line(failure, body, words):
    raised = failure(Loopback(body))
    assert not raised.fatal
    assert words in str(raised)


def test_an_address_that_serves_pages_is_fatal(failure):
    assert failure(Loopback((200, "<html>Welcome"))).fatal


def test_what_cannot_be_said_there_is_one_line_and_not_sent(failure):
    server = Loopback(said())
    sound = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    raised = failure(server, talk=Conversation.from_dicts([{"role": "user", "content": [sound]}]))
    assert "'input_audio' has no place in this API" in str(raised)
    assert not raised.fatal
    assert server.bodies == []


def test_a_cached_reply_is_the_same_and_no_other_apis(ask, monkeypatch, tmp_path):
    async def scene():
        server = Loopback(said("first"), said("second"))
        async with opened(server, monkeypatch, cache=tmp_path / "c") as endpoint:
            paid = await endpoint.reply(TALK, Sampling())
            again = await endpoint.reply(TALK, Sampling())
            assert again.message == paid.message
            assert (again.usage.cached, again.usage.cost) == (True, 0.0)
        # The same address and model by the other API is another thing to ask.
        keys = {
            Endpoint("claude-haiku-4-5", api, client="sdk")._cache_key(TALK.to_dicts(), Sampling())
            for api in (Messages(server.root), Chat(server.root))
        }
        assert len(keys) == 2

    asyncio.run(scene())
