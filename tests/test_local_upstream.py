"""A model in this process asked as an address would be, by the SDKs that people use."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import anthropic
import openai
import pytest
import tiny_llama
from hypothesis import given
from hypothesis import strategies as st

from serving import serving
from uptake.conversation import Conversation, Message
from uptake.embedded import Embedded
from uptake.model import ModelError, Reply, Sampling, Scripted, Usage
from uptake.serve.cutting import Cutter
from uptake.serve.local import LocalUpstream

HELLO = [{"role": "user", "content": "Hello"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}


def run(work):
    return asyncio.run(work)


@asynccontextmanager
async def asking(model):
    """An OpenAI client of a server over `model`."""
    upstream = LocalUpstream(model)
    async with serving(upstream) as root:
        client = openai.AsyncOpenAI(api_key="none", base_url=f"{root}/v1", max_retries=0)
        async with client:
            yield client
    await upstream.aclose()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_llama.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def endless(tmp_path_factory) -> Path:
    """A network that cannot end a reply soon: its end token is none it ever draws greedily."""
    folder = tiny_llama.write(tmp_path_factory.mktemp("endless"), positions=20_000)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "eos_token_id": 0}))
    return folder


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def answered(model, path="/chat/completions", method="POST", body=b"", **fields):
    """Status, body as JSON, of one request without a server between."""
    upstream = LocalUpstream(model)
    sent = body or json.dumps({"model": "m", "messages": HELLO, **fields}).encode()
    answer = await upstream.send(method, path, (), sent)
    said = b"".join([chunk async for chunk in answer.chunks()])
    await answer.aclose()
    return answer.status, said if fields.get("stream") else json.loads(said)


# The OpenAI SDK


def test_the_sdk_reads_a_reply_and_a_stream():
    async def play():
        async with asking(Scripted(["Two apples."])) as client:
            whole = await client.chat.completions.create(model="m", messages=HELLO)
            assert whole.choices[0].message.content == "Two apples."
            assert whole.choices[0].finish_reason == "stop"
            assert (whole.model, whole.usage.prompt_tokens) == ("m", 1)
            stream = await client.chat.completions.create(
                model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            said = [c.choices[0].delta.content for c in chunks if c.choices]
            assert "".join(filter(None, said)) == "Two apples."
            assert chunks[-1].usage == whole.usage

    run(play())


def test_the_sdk_puts_a_stream_with_tool_calls_together():
    message = Message("assistant", "I look.", {"tool_calls": [CALL, {**CALL, "id": "call_2"}]})

    async def play():
        async with asking(Scripted([Reply(message, "tool_calls", Usage(1, 2))])) as client:
            async with client.chat.completions.stream(model="m", messages=HELLO) as stream:
                final = await stream.get_final_completion()
            whole = await client.chat.completions.create(model="m", messages=HELLO)
            for found in (final.choices[0], whole.choices[0]):
                assert found.finish_reason == "tool_calls"
                assert found.message.content == "I look."
                calls = [call.to_dict() for call in found.message.tool_calls]
                assert [call["id"] for call in calls] == ["call_1", "call_2"]
                assert calls[0]["function"]["name"] == "look"
                assert calls[0]["function"]["arguments"] == '{"at": 1}'

    run(play())


def test_the_sdk_gets_n_choices_whole_and_streamed(folder: Path):
    async def play():
        async with asking(Embedded(folder)) as client:
            asked = {"model": "m", "messages": HELLO, "n": 3, "seed": 4, "max_tokens": 12}
            whole = await client.chat.completions.create(**asked)
            said = [choice.message.content for choice in whole.choices]
            assert [choice.index for choice in whole.choices] == [0, 1, 2]
            assert len(set(said)) == 3
            stream = await client.chat.completions.create(
                **asked, stream=True, stream_options={"include_usage": True}
            )
            streamed = ["", "", ""]
            ends = []
            async for chunk in stream:
                for choice in chunk.choices:
                    streamed[choice.index] += choice.delta.content or ""
                    ends += [choice.index] if choice.finish_reason else []
                counted = chunk.usage
            assert streamed == said
            assert sorted(ends) == [0, 1, 2]
            assert counted == whole.usage

    run(play())


def test_the_embedded_model_is_streamed_as_it_writes(folder: Path):
    async def play():
        async with asking(Embedded(folder)) as client:
            asked = {"model": "m", "messages": HELLO, "temperature": 0, "max_tokens": 20}
            whole = await client.chat.completions.create(**asked)
            stream = await client.chat.completions.create(
                **asked, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            said = [c.choices[0].delta.content for c in chunks if c.choices]
            assert "".join(filter(None, said)) == whole.choices[0].message.content
            assert len(said) > 5
            assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
            assert chunks[-1].usage == whole.usage

    run(play())


def test_a_reply_differs_from_time_to_time_unless_a_seed_is_given(folder: Path):
    async def play():
        model = Embedded(folder)
        drawn = [await answered(model, max_tokens=12) for _ in range(4)]
        kept = [await answered(model, max_tokens=12, seed=7) for _ in range(2)]
        await model.aclose()
        said = [body["choices"][0]["message"]["content"] for _, body in drawn]
        assert len(set(said)) == 4
        assert kept[0][1]["choices"] == kept[1][1]["choices"]

    run(play())


def test_the_sdk_lists_the_model():
    async def play():
        async with asking(Scripted(["x"], name="my/model")) as client:
            assert [model.id async for model in client.models.list()] == ["my/model"]
            assert (await client.models.retrieve("my/model")).owned_by == "uptake"
            with pytest.raises(openai.NotFoundError, match="the model here is my/model"):
                await client.models.retrieve("other")

    run(play())


# Responses, by the OpenAI SDK


def test_the_sdk_reads_a_response_and_a_stream(folder: Path):
    message = Message("assistant", "I look.", {"tool_calls": [CALL]})

    async def play():
        async with asking(Scripted([Reply(message, "tool_calls", Usage(3, 2))])) as client:
            whole = await client.responses.create(model="m", input="Hello", instructions="Be kind.")
            async with client.responses.stream(model="m", input="Hello") as stream:
                final = await stream.get_final_response()
            for found in (whole, final):
                assert found.output_text == "I look."
                assert (found.output[1].name, found.output[1].arguments) == ("look", '{"at": 1}')
                assert (found.status, found.usage.total_tokens) == ("completed", 5)
            with pytest.raises(openai.BadRequestError, match="lies with the server"):
                await client.responses.create(model="m", input="x", previous_response_id=whole.id)
        async with asking(Embedded(folder)) as client:
            asked = {"model": "m", "input": "Hello", "temperature": 0, "max_output_tokens": 20}
            whole = await client.responses.create(**asked)
            events = [event async for event in await client.responses.create(**asked, stream=True)]
            said = [e.delta for e in events if e.type == "response.output_text.delta"]
            final = events[-1].response
            assert "".join(said) == final.output_text == whole.output_text
            assert (final.status, final.usage) == (whole.status, whole.usage)

    run(play())


# The Anthropic SDK


@asynccontextmanager
async def asking_as_anthropic(model):
    upstream = LocalUpstream(model)
    async with serving(upstream) as root:
        client = anthropic.AsyncAnthropic(api_key="none", base_url=root, max_retries=0)
        async with client:
            yield client
    await upstream.aclose()


def test_the_anthropic_sdk_reads_a_reply_and_a_stream():
    message = Message("assistant", "I look.", {"tool_calls": [CALL]})
    asked = {"model": "m", "max_tokens": 9, "messages": HELLO}

    async def play():
        model = Scripted([Reply(message, "tool_calls", Usage(3, 2))])
        async with asking_as_anthropic(model) as client:
            whole = await client.messages.create(**asked)
            async with client.messages.stream(**asked) as stream:
                said = "".join([text async for text in stream.text_stream])
                final = await stream.get_final_message()
            assert said == "I look."
            for found in (whole, final):
                assert [block.type for block in found.content] == ["text", "tool_use"]
                assert (found.content[0].text, found.content[1].input) == ("I look.", {"at": 1})
                assert found.stop_reason == "tool_use"
                assert (found.usage.input_tokens, found.usage.output_tokens) == (3, 2)
            assert [model.id async for model in client.models.list()] == ["scripted"]

    run(play())


def test_the_anthropic_sdk_streams_the_embedded_model_to_a_stop_word(endless: Path):
    async def play():
        model = Embedded(endless)
        async with asking_as_anthropic(model) as client:
            asked = {"model": "m", "messages": HELLO, "extra_body": {"temperature": 0}}
            text = (await client.messages.create(**asked, max_tokens=40)).content[0].text
            stop = text[10:13]
            asked |= {"max_tokens": 15_000, "stop_sequences": [stop]}
            async with client.messages.stream(**asked) as stream:
                final = await stream.get_final_message()
            assert final.content[0].text == text[: text.index(stop)]
            assert (final.stop_reason, final.stop_sequence) == ("stop_sequence", stop)
            await until(lambda: model.unfinished == 0)

    run(play())


def test_errors_reach_the_anthropic_sdk(folder: Path):
    async def play():
        async with asking_as_anthropic(Embedded(folder)) as client:
            long = [{"role": "user", "content": "many words " * 300}]
            with pytest.raises(anthropic.BadRequestError, match="can read 384"):
                await client.messages.create(model="m", max_tokens=9, messages=long)
            with pytest.raises(anthropic.NotFoundError, match="there is no /messages/count"):
                await client.messages.count_tokens(model="m", messages=HELLO)

    run(play())


# What goes wrong


def test_errors_reach_the_sdk_with_their_status(folder: Path):
    async def play():
        async with asking(Embedded(folder)) as client:
            create = client.chat.completions.create
            long = [{"role": "user", "content": "many words " * 300}]
            for stream in (False, True):
                with pytest.raises(openai.BadRequestError, match="can read 384") as caught:
                    await create(model="m", messages=long, stream=stream)
                assert caught.value.code == "context_length_exceeded"
            with pytest.raises(openai.BadRequestError, match="logprobs"):
                await create(model="m", messages=HELLO, logprobs=True)
            with pytest.raises(openai.NotFoundError, match="there is no /embeddings here"):
                await client.embeddings.create(model="m", input="x")

    run(play())


@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ({"body": b"{"}, 400, "not JSON"),
        ({"body": b"[1]"}, 400, "not a JSON object"),
        ({"messages": []}, 400, "messages is empty"),
        ({"n": 0}, 400, "n is 0"),
        ({"n": 129}, 400, "n is 129"),
        ({"top_p": 0}, 400, "top_p is 0"),
        ({"temperature": -1}, 400, "temperature is -1"),
        ({"max_tokens": 0}, 400, "limit is 0"),
        ({"stop": [5]}, 400, "stop is neither"),
        ({"top_logprobs": 3}, 400, "logprobs"),
        ({"method": "GET"}, 405, "takes POST"),
        ({"path": "/models"}, 405, "takes GET"),
        ({"path": "/nothing"}, 404, "there is no /nothing"),
        ({"path": "//host/x"}, 404, "there is no //host/x"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_one_line(fields, status: int, why: str):
    got, body = run(answered(Scripted(["x"]), **fields))
    assert got == status
    assert why in body["error"]["message"]
    assert body["error"]["type"] == "invalid_request_error"
    assert "\n" not in body["error"]["message"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModelError("it is closed"), "it is closed"),
        (KeyError("secret"), "the model failed: KeyErr"),
    ],
    ids=str,
)
@pytest.mark.parametrize("fields", [{}, {"n": 3}, {"stream": True}, {"stop": "x"}], ids=str)
def test_a_model_that_fails_is_a_server_error(error, said: str, fields):
    status, body = run(answered(Scripted([error]), **fields))
    body = json.loads(body) if fields.get("stream") else body
    assert status == 500
    assert said in body["error"]["message"]
    assert "secret" not in json.dumps(body)


class Breaking(Scripted):
    """Streams some words, and then fails."""

    def __init__(self) -> None:
        super().__init__(["x"])

    async def stream(self, conversation, sampling, on_end=None):
        yield "One"
        yield " two"
        raise ModelError("the network broke")


async def listen(stream, said: list[str]) -> None:
    async for chunk in stream:
        said.append(chunk.choices[0].delta.content or "")


def test_a_stream_that_breaks_ends_with_an_error_as_data():
    async def play():
        async with asking(Breaking()) as client:
            stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
            said: list[str] = []
            with pytest.raises(openai.APIError, match="the network broke"):
                await listen(stream, said)
            assert "".join(said) == "One two"

    run(play())


# Letting go


@pytest.mark.parametrize("n", [1, 2])
def test_closing_a_stream_stops_the_model_at_once(endless: Path, n: int):
    body = {"messages": HELLO, "stream": True, "temperature": 0, "max_tokens": 15_000, "n": n}

    async def play():
        model = Embedded(endless)
        upstream = LocalUpstream(model)
        answer = await upstream.send("POST", "/chat/completions", (), json.dumps(body).encode())
        chunks = aiter(answer.chunks())
        await anext(chunks)
        assert model.unfinished == n
        reading = asyncio.create_task(anext(chunks, b"ended"))
        await answer.aclose()  # from beside the one who reads
        await until(lambda: model.unfinished == 0)
        await reading
        await upstream.aclose()

    run(play())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("n", [1, 2])
def test_cancelling_a_request_stops_the_model_at_once(endless: Path, stream: bool, n: int):
    body = {"messages": HELLO, "stream": stream, "temperature": 0, "max_tokens": 15_000, "n": n}

    async def play():
        model = Embedded(endless, threads=1, rows=1)
        first = asyncio.create_task(
            model.reply(Conversation().user("Hi"), Sampling(0, max_tokens=15_000))
        )
        await until(lambda: model.unfinished == 1)  # so that ours waits for its first word
        upstream = LocalUpstream(model)
        sent = upstream.send("POST", "/chat/completions", (), json.dumps(body).encode())
        asked = asyncio.create_task(sent)
        await until(lambda: model.unfinished == 1 + n)
        asked.cancel()
        await until(lambda: model.unfinished == 1)
        assert asked.cancelled() or (await asyncio.gather(asked, return_exceptions=True))
        first.cancel()
        await upstream.aclose()

    run(play())


def test_a_client_that_leaves_stops_the_model(endless: Path):
    async def play():
        model = Embedded(endless)
        async with asking(model) as client:
            stream = await client.chat.completions.create(
                model="m", messages=HELLO, stream=True, temperature=0, max_tokens=15_000
            )
            await anext(aiter(stream))
            assert model.unfinished == 1
            await stream.close()
            await until(lambda: model.unfinished == 0)

    run(play())


# Stop words

LETTERS = st.text("abc", max_size=12)


@given(st.lists(LETTERS, max_size=8), st.lists(LETTERS.filter(bool), max_size=3))
def test_a_text_is_cut_at_the_same_place_however_it_comes(pieces, stops):
    whole, cut = Cutter(stops), Cutter(stops)
    text = "".join(pieces)
    said = "".join([*(cut.feed(piece) for piece in pieces), cut.rest()])
    assert said == whole.feed(text) + whole.rest()
    assert cut.by == whole.by
    if cut.by is None:
        assert said == text
        assert not any(stop in text for stop in stops)
    else:
        assert text.startswith(said + cut.by)
        assert not any(stop in (said + cut.by)[:-1] for stop in stops)


@given(LETTERS, LETTERS.filter(bool))
def test_nothing_is_held_back_that_cannot_become_a_stop_word(text: str, stop: str):
    cutter = Cutter([stop])
    said = cutter.feed(text)
    if cutter.by is None:
        held = text.removeprefix(said)
        assert stop.startswith(held)
        assert held != stop


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_ends_at_a_stop_word(stream: bool, folder: Path):
    async def play():
        async with asking(Scripted(["One two three."])) as client:
            create = client.chat.completions.create
            for stop in ("two", ["x", " t"]):
                got = await create(model="m", messages=HELLO, stop=stop, stream=stream)
                if stream:
                    said = [c.choices[0].delta.content or "" async for c in got]
                    text = "".join(said)
                else:
                    text = got.choices[0].message.content
                    assert got.choices[0].finish_reason == "stop"
                assert text.rstrip() == "One"

    run(play())


def test_a_stop_word_stops_the_model_too(endless: Path):
    async def play():
        model = Embedded(endless)
        fields = {"temperature": 0, "max_tokens": 15_000}
        full = await answered(model, **{**fields, "max_tokens": 40})
        text = full[1]["choices"][0]["message"]["content"]
        stop = text[10:13]
        status, body = await answered(model, **fields, stop=stop)
        assert status == 200
        assert body["choices"][0]["message"]["content"] == text[: text.index(stop)]
        assert 0 < body["usage"]["completion_tokens"] < 5_000
        await until(lambda: model.unfinished == 0)
        await model.aclose()

    run(play())
