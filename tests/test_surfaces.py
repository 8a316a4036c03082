"""What clients ask and how replies are written: each API read, written, heard and led."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from anthropic.types import Message as AnthropicMessage
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from uptake.analyst import Deterministic
from uptake.conversation import Conversation, Message
from uptake.model import Reply, Sampling, Usage
from uptake.moves import Request
from uptake.serve.sse import Event, Events
from uptake.serve.surfaces import Stopped, Unreadable
from uptake.serve.surfaces.chat import Chat
from uptake.serve.surfaces.messages import Messages
from uptake.serve.surfaces.responses import Responses

CHAT = Chat()
MESSAGES_API = Messages()
RESPONSES = Responses()

WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def events_of(stream: list[Event]) -> list[dict]:
    """What a client makes of the bytes: the JSON of each event."""
    sent = b"".join(event.encode() for event in stream)
    return [json.loads(event.data) for event in Events().feed(sent) if event.data != "[DONE]"]


def written(surface, body, reply: Reply, pieces) -> list[Event]:
    writer = surface.writer(body)
    stream = list(writer.begin())
    for piece in pieces:
        stream += writer.words(piece)
    return [*stream, *writer.end(reply)]


def heard(surface, stream: list[Event]):
    listener = surface.listener()
    for data in events_of(stream):
        listener.event(data)
    return listener.heard()


def heard_whole(surface, body):
    listener = surface.listener()
    listener.whole(body)
    return listener.heard()


def led(surface, words: str, stream: list[Event]) -> list[Event]:
    leading = surface.leading(words)
    return [sent for event in stream for sent in leading.event(event)]


CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}


@st.composite
def replies(draw) -> tuple[Reply, list[str]]:
    """A reply, and its words in pieces."""
    pieces = draw(st.lists(WORDS.filter(bool), max_size=4))
    calls = draw(st.integers(0, 2))
    content = "".join(pieces) or (None if calls else "")
    extra = {"tool_calls": [{**CALL, "id": f"call_{n}"} for n in range(calls)]} if calls else None
    finish = "tool_calls" if calls else draw(st.sampled_from(["stop", "length"]))
    usage = Usage(draw(st.integers(0, 99)), draw(st.integers(0, 99)))
    return Reply(Message("assistant", content, extra), finish, usage), pieces


def parts_of(words: str) -> list[dict]:
    return [{"type": "text", "text": words}]


# The same talk as each API has it: system, then turns by turns, words as a string or in parts.
SENTENCES = (
    """
Ann has 12 apples. How many are left?|No, I meant 15 apples.|Forget the apples.|Wait, there is more.
Which one, the red or the green?|And the second one?|Back to the report: make it shorter.
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
TALKS = st.tuples(
    st.none() | WORDS.filter(bool),
    st.lists(st.tuples(WORDS | st.sampled_from(SENTENCES), st.booleans()), min_size=1, max_size=7),
)


def spoken(turns, part: Callable[[str, str], dict] | None = None) -> list[dict]:
    """Turns as messages, where `part` makes one part of words."""
    made = []
    for number, (words, in_parts) in enumerate(turns):
        role = "assistant" if number % 2 else "user"
        make = part or (lambda role, words: {"type": "text", "text": words})
        made.append({"role": role, "content": [make(role, words)] if in_parts else words})
    return made


def as_chat(talk) -> dict:
    system, turns = talk
    head = [] if system is None else [{"role": "system", "content": system}]
    return {"model": "m", "messages": [*head, *spoken(turns)]}


def as_messages(talk) -> dict:
    system, turns = talk
    head = {} if system is None else {"system": system}
    return {"model": "m", "max_tokens": 9, **head, "messages": spoken(turns)}


def as_responses(talk) -> dict:
    system, turns = talk
    head = {} if system is None else {"instructions": system}

    def part(role: str, words: str) -> dict:
        return {"type": "output_text" if role == "assistant" else "input_text", "text": words}

    return {"model": "m", **head, "input": spoken(turns, part)}


OTHERS = [(MESSAGES_API, as_messages), (RESPONSES, as_responses)]


@pytest.mark.parametrize(("surface", "form"), OTHERS, ids=["messages", "responses"])
@given(talk=TALKS)
def test_a_talk_reads_the_same_whichever_way_it_comes(surface, form, talk):
    chat, other = CHAT.read(as_chat(talk)).conversation, surface.read(form(talk)).conversation
    assert Deterministic().reading(other) == Deterministic().reading(chat)
    assert [(m.role, m.text) for m in other] == [(m.role, m.text) for m in chat]


# Chat completions


MESSAGES = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What is this?"}], "name": "ann"},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
    {"role": "assistant", "content": "A cat.", "refusal": None, "new_field": {"a": [1]}},
    {"role": "user", "content": "And now?"},
]


def chat_body(**fields):
    return {"model": "m", "messages": MESSAGES, **fields}


def test_chat_is_read():
    asked = CHAT.read(
        chat_body(
            stream=True,
            temperature=0,
            top_p=0.5,
            max_tokens=3,
            max_completion_tokens=7,
            seed=5,
            metadata={"conversation_id": "c1"},
        )
    )
    assert asked.conversation.to_dicts() == MESSAGES
    assert (asked.model, asked.stream, asked.thread) == ("m", True, "c1")
    assert asked.sampling == Sampling(temperature=0, top_p=0.5, max_tokens=7, seed=5)
    assert asked.request == Request()


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        ({"tools": []}, Request()),
        ({"tools": [{"type": "function"}], "tool_choice": "auto"}, Request(tools=True)),
        ({"functions": [{"name": "f"}], "function_call": "auto"}, Request(tools=True)),
        ({"tool_choice": "required"}, Request(required=True)),
        ({"tool_choice": "none"}, Request()),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, Request(required=True)),
        ({"tool_choice": {"type": "custom", "custom": {"name": "f"}}}, Request(required=True)),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}}, Request()),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required"}}},
            Request(required=True),
        ),
        ({"function_call": {"name": "f"}}, Request(required=True)),
        ({"response_format": {"type": "text"}}, Request()),
        ({"response_format": {"type": "json_object"}}, Request(formatted=True)),
        ({"response_format": {"type": "json_schema"}}, Request(formatted=True)),
        ({"guided_regex": "a+"}, Request(formatted=True)),
        ({"modalities": ["text", "audio"]}, Request(formatted=True)),
        ({"n": 3}, Request(n=3)),
        ({"n": None, "tools": None, "response_format": None}, Request()),
    ],
    ids=str,
)
def test_what_comes_with_a_chat(fields, request_: Request):
    assert CHAT.read(chat_body(**fields)).request == request_


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "messages is not a list"),
        ({"messages": []}, "messages is empty"),
        ({"messages": ["hello"]}, r"messages\[0\] is not an object"),
        ({"messages": [{"content": "hello"}]}, "a role that is a string"),
        ({"messages": [{"role": "user", "content": 5}]}, "neither a string nor a list"),
        (chat_body(temperature="hot"), "temperature is not a number"),
        (chat_body(n=1.5), "n is not a whole number"),
        (chat_body(max_tokens=True), "max_tokens is not a whole number"),
        ({"messages": [{"role": "assistant", "tool_calls": ["x"]}]}, r"tool_calls\[0\] is not"),
        ({"messages": [{"role": "user", "content": json.loads("[" * 900 + "]" * 900)}]}, "deeply"),
    ],
    ids=str,
)
def test_what_is_no_chat_is_said_in_one_line(body, why: str):
    with pytest.raises(Unreadable, match=why) as caught:
        CHAT.read(body)
    assert "\n" not in str(caught.value)


UNKNOWN = st.dictionaries(WORDS.map(lambda word: f"x-{word}"), JSON, max_size=3)


@given(UNKNOWN, UNKNOWN)
def test_a_chat_rewritten_with_its_own_conversation_is_itself(fields, extra):
    body = {**extra, **chat_body()}
    body["messages"] = [*MESSAGES, {**fields, "role": "user", "content": "x"}]
    assert CHAT.rewritten(body, CHAT.read(body).conversation) == body


@given(replies())
def test_a_whole_chat_is_as_the_sdk_knows_it(made):
    reply, _ = made
    body = CHAT.reply(chat_body(), reply)
    parsed = ChatCompletion.model_validate(body)
    assert parsed.model_extra == {}
    assert parsed.choices[0].message.content == reply.message.content
    assert parsed.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert len(parsed.choices[0].message.tool_calls or []) == len(
        (reply.message.extra or {}).get("tool_calls", ())
    )


@given(replies(), st.booleans())
def test_a_streamed_chat_is_as_the_sdk_knows_it(made, counted: bool):
    reply, pieces = made
    body = chat_body(stream_options={"include_usage": True}) if counted else chat_body()
    stream = written(CHAT, body, reply, pieces)
    assert stream[-1] == Event("[DONE]")
    chunks = [ChatCompletionChunk.model_validate(data) for data in events_of(stream)]
    assert all(chunk.model_extra == {} for chunk in chunks)
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    if counted:
        last = chunks.pop()
        assert (last.choices, last.usage.completion_tokens) == ([], reply.usage.completion_tokens)
    assert not any(chunk.usage for chunk in chunks)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason]
    assert chunks[-1].choices[0].finish_reason == reply.finish_reason


def test_an_error_in_the_middle_of_a_chat_is_data():
    [event] = CHAT.writer(chat_body()).failed("the model is gone")
    assert json.loads(event.data)["error"]["message"] == "the model is gone"


@given(replies())
def test_a_chat_is_heard_alike_whole_and_streamed(made):
    reply, pieces = made
    body = chat_body(stream_options={"include_usage": True})
    streamed = heard(CHAT, written(CHAT, body, reply, pieces))
    assert streamed == heard_whole(CHAT, CHAT.reply(body, reply))
    assert streamed.finish == reply.finish_reason
    assert streamed.usage == reply.usage
    assert streamed.message["content"] == reply.message.content
    assert list(streamed.message.get("tool_calls", [])) == [
        dict(call) for call in (reply.message.extra or {}).get("tool_calls", ())
    ]


@given(replies(), WORDS.filter(bool))
def test_a_chat_is_led_alike_whole_and_streamed(made, words: str):
    reply, pieces = made
    stream = written(CHAT, chat_body(), reply, pieces)
    told = heard(CHAT, led(CHAT, words, stream))
    body = CHAT.leading(words).whole(CHAT.reply(chat_body(), reply))
    assert told.message == heard_whole(CHAT, body).message
    content = reply.message.content
    assert told.message["content"] == (f"{words}\n\n{content}" if content else content)
    ChatCompletion.model_validate(body)


def test_the_words_come_after_the_role_and_before_the_first_content():
    reply = Reply(Message("assistant", "Two."))
    chunks = events_of(led(CHAT, "Not quite.", written(CHAT, chat_body(), reply, ["Two", "."])))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert [delta.get("content") for delta in deltas] == ["", "Not quite.\n\n", "Two", ".", None]
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_where_the_role_comes_with_the_content_the_words_come_with_both():
    chunk = {"choices": [{"delta": {"role": "assistant", "content": "Two"}}]}
    [event] = led(CHAT, "Not quite.", [Event(json.dumps(chunk))])
    assert json.loads(event.data)["choices"][0]["delta"] == {
        "role": "assistant",
        "content": "Not quite.\n\nTwo",
    }


def test_only_the_first_of_several_choices_is_heard_and_led():
    def chunk(index: int, content: str) -> Event:
        choice = {"index": index, "delta": {"content": content}}
        return Event(json.dumps({"choices": [choice]}))

    stream = [chunk(1, "b"), chunk(0, "a"), chunk(1, "b"), chunk(0, "a")]
    assert heard(CHAT, led(CHAT, "So:", stream)).message["content"] == "So:\n\naa"
    assert heard(CHAT, stream).message["content"] == "aa"


def test_servers_that_leave_fields_out_are_heard():
    listener = CHAT.listener()
    for data in (
        {"choices": None},
        {"choices": [{"delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"content": "Hi", "tool_calls": [{"id": "a", "function": {}}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"id": "b", "function": {"name": "f"}}]}}]},
        {"choices": [{"finish_reason": "stop"}], "usage": {"prompt_tokens": 1}},
    ):
        listener.event(data)
    told = listener.heard()
    assert told.message["content"] == "Hi"
    assert told.message["reasoning_content"] == "hm"
    assert [call["id"] for call in told.message["tool_calls"]] == ["a", "b"]
    assert (told.finish, told.usage) == ("stop", None)


def test_what_never_began_is_no_message():
    assert CHAT.listener().heard().message is None
    assert heard(CHAT, CHAT.writer(chat_body()).failed("no")).message is None


LOOSE = st.recursive(
    JSON,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                "choices index delta message content tool_calls function name arguments id usage"
                " role prompt_tokens finish_reason function_call refusal error type".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)

KINDS = """
message_start message_delta content_block_start content_block_delta response.output_item.added
response.output_item.done response.output_text.done response.completed response.output_text.delta
""".split()


@given(st.dictionaries(st.just("choices"), st.lists(LOOSE, max_size=2)), LOOSE)
def test_no_chunk_is_so_malformed_that_a_chat_is_not_heard(data, usage):
    data = {**data, "usage": usage}
    listener = CHAT.listener()
    listener.event(data)
    listener.whole(data)
    listener.heard()
    CHAT.leading("x").event(Event(json.dumps(data)))
    CHAT.leading("x").whole(data)


# Messages

CACHED = {"cache_control": {"type": "ephemeral"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aa"}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}, "caller": {"type": "d"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "a cat", "is_error": False}
TURNS = [
    {"role": "user", "content": [{"type": "text", "text": "What is this?", **CACHED}, IMAGE]},
    {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "I look."}, USE]},
    {
        "role": "user",
        "content": [{**RESULT, **CACHED}, {**RESULT, "tool_use_id": "t2", "content": [IMAGE]}],
    },
    {"role": "assistant", "content": [{"type": "text", "text": "A cat."}]},
    {"role": "user", "content": [RESULT, {"type": "text", "text": "And now?"}]},
]


def messages_body(**fields):
    return {"model": "m", "max_tokens": 5, "system": parts_of("Be brief."), "messages": TURNS} | (
        fields
    )


def test_messages_are_read():
    asked = MESSAGES_API.read(
        messages_body(stream=True, temperature=0.5, metadata={"user_id": "u"}, stop_sequences=["x"])
    )
    assert (asked.model, asked.stream, asked.thread, asked.stop) == ("m", True, None, ("x",))
    assert asked.sampling == Sampling(temperature=0.5, max_tokens=5)
    said = asked.conversation.to_dicts()
    roles = "system user assistant tool tool assistant tool user"
    assert [message["role"] for message in said] == roles.split()
    assert said[0]["content"] == "Be brief."
    assert said[1]["content"][1]["image_url"] == {"url": "data:image/png;base64,aa"}
    assert said[2]["content"] == "I look."
    assert said[2]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at": 1}'}
    assert (said[3]["tool_call_id"], said[3]["content"]) == ("t1", "a cat")
    assert said[-1] == {"role": "user", "content": "And now?"}


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        ({"tools": [{"name": "f"}], "tool_choice": {"type": "auto"}}, Request(tools=True)),
        ({"tools": [], "tool_choice": {"type": "any"}}, Request(required=True)),
        ({"tool_choice": {"type": "tool", "name": "f"}}, Request(required=True)),
        ({"output_config": {"effort": "low"}}, Request()),
        ({"output_config": {"format": {"type": "json_schema"}}}, Request(formatted=True)),
    ],
    ids=str,
)
def test_what_comes_with_messages(fields, request_: Request):
    assert MESSAGES_API.read(messages_body(**fields)).request == request_


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"messages": None}, "messages is not a list"),
        ({"messages": []}, "messages is empty"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "none of user, assistant and system"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\].content is not a list"),
        ({"messages": [{"role": "assistant", "content": ["x"]}]}, r"content\[0\] is not an object"),
        ({"system": 5}, "system is not a list"),
    ],
    ids=str,
)
def test_what_are_no_messages_is_said_in_one_line(fields, why: str):
    with pytest.raises(Unreadable, match=why):
        MESSAGES_API.read(messages_body(**fields))


BLOCKS = st.sampled_from(
    [*parts_of("a"), *parts_of("b"), {"type": "text", "text": "c", **CACHED}, IMAGE, RESULT]
)
SAID = st.sampled_from([*parts_of("a"), {"type": "text", "text": "b", **CACHED}, USE, THOUGHT])
BODIES = st.builds(
    lambda system, turns, extra: {**extra, **system, "messages": turns},
    st.sampled_from([{}, {"system": ""}, {"system": "x"}, {"system": parts_of("x")}]),
    st.lists(
        st.builds(
            lambda content: {"role": "user", "content": content},
            WORDS | st.lists(BLOCKS, max_size=4),
        )
        | st.builds(
            lambda content: {"role": "assistant", "content": content},
            WORDS | st.lists(SAID, max_size=4),
        ),
        min_size=1,
        max_size=5,
    ),
    UNKNOWN,
)


@given(BODIES)
def test_messages_rewritten_with_their_own_conversation_are_themselves(body):
    made = MESSAGES_API.rewritten(body, MESSAGES_API.read(body).conversation)
    assert json.dumps(made) == json.dumps(body)
    assert all(one is two for one, two in zip(made["messages"], body["messages"], strict=True))


@given(BODIES)
def test_what_is_added_to_the_last_message_leaves_all_others_as_they_came(body):
    body["messages"].append({"role": "user", "content": [RESULT, IMAGE, *parts_of("now?")]})
    *before, last = MESSAGES_API.read(body).conversation.messages
    longer = Message(last.role, (*last.content, {"type": "text", "text": "added"}), last.extra)
    made = MESSAGES_API.rewritten(body, Conversation((*before, longer)))
    assert made.get("system") == body.get("system")
    assert made["messages"][:-1] == body["messages"][:-1]
    assert made["messages"][-1] == {
        "role": "user",
        "content": [RESULT, IMAGE, *parts_of("now?"), *parts_of("added")],
    }


def test_a_fresh_conversation_keeps_the_system_prompt_as_it_came():
    body = messages_body(system=[{"type": "text", "text": "Be brief.", **CACHED}])
    system = MESSAGES_API.read(body).conversation.messages[0]
    made = MESSAGES_API.rewritten(body, Conversation((system, Message("user", "All of it."))))
    assert made == {**body, "messages": [{"role": "user", "content": "All of it."}]}
    made = MESSAGES_API.rewritten(body, Conversation().system("Other.").user("Hi"))
    assert made["system"] == parts_of("Other.")
    assert "system" not in MESSAGES_API.rewritten(body, Conversation().user("Hi"))


EVENT = TypeAdapter(RawMessageStreamEvent)


@given(replies(), st.booleans())
def test_messages_written_are_as_the_sdk_knows_them(made, stopped: bool):
    reply, pieces = made
    if stopped:
        reply = Stopped(reply.message, reply.finish_reason, reply.usage, by="x")
    whole = AnthropicMessage.model_validate(MESSAGES_API.reply(messages_body(), reply))
    assert whole.model_extra == {}
    assert whole.stop_sequence == ("x" if stopped else None)
    assert whole.usage.output_tokens == reply.usage.completion_tokens
    stream = written(MESSAGES_API, messages_body(), reply, pieces)
    assert [event.name for event in stream] == [data["type"] for data in events_of(stream)]
    kinds = [EVENT.validate_python(data).type for data in events_of(stream)]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop")


@given(replies())
def test_messages_are_heard_alike_whole_and_streamed(made):
    reply, pieces = made
    body = messages_body()
    streamed = heard(MESSAGES_API, written(MESSAGES_API, body, reply, pieces))
    whole = heard_whole(MESSAGES_API, MESSAGES_API.reply(body, reply))
    if (reply.message.content or "x").strip():  # blank words are no block of a whole message
        assert streamed.message["content"] == whole.message["content"]
        assert streamed.message["content"] == reply.message.content
    assert (streamed.finish, streamed.usage) == (whole.finish, whole.usage)
    assert (streamed.finish, streamed.usage) == (reply.finish_reason, reply.usage)
    calls = [json.loads(c["function"]["arguments"]) for c in streamed.message.get("tool_calls", ())]
    assert calls == [{"at": 1}] * len((reply.message.extra or {}).get("tool_calls", ()))
    assert [c["id"] for c in whole.message.get("tool_calls", ())] == [
        c["id"] for c in streamed.message.get("tool_calls", ())
    ]


@given(replies(), WORDS.filter(bool))
def test_messages_are_led_alike_whole_and_streamed(made, words: str):
    reply, pieces = made
    content = reply.message.content
    stream = written(MESSAGES_API, messages_body(), reply, pieces)
    told = heard(MESSAGES_API, led(MESSAGES_API, words, stream)).message
    assert told["content"] == (f"{words}\n\n{content}" if content else content)
    if (content or "x").strip():
        body = MESSAGES_API.leading(words).whole(MESSAGES_API.reply(messages_body(), reply))
        assert heard_whole(MESSAGES_API, body).message["content"] == told["content"]


def test_thoughts_and_pings_are_heard():
    listener = MESSAGES_API.listener()
    for data in (
        {"type": "message_start", "message": {"usage": {"input_tokens": 2, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {**THOUGHT, "thinking": ""}},
        {"type": "ping"},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "so"},
        },
        {"type": "content_block_start", "index": 1, "content_block": parts_of("")[0]},
        {"type": "content_block_delta", "index": 1, "delta": {"text": "Hi"}},
        {"type": "error", "error": {"message": "overloaded"}},
    ):
        listener.event(data)
    told = listener.heard()
    assert told.message["content"] == "Hi"
    assert told.message["thinking_blocks"] == [{**THOUGHT, "thinking": "so"}]
    assert (told.finish, told.usage) == (None, Usage(2, 1))


def test_errors_of_messages_have_the_names_of_the_api():
    def named(status: int) -> str:
        return MESSAGES_API.error(status, "no", "invalid_request_error")["error"]["type"]

    assert [named(status) for status in (400, 401, 404, 429, 500, 502, 529)] == [
        "invalid_request_error",
        "authentication_error",
        "not_found_error",
        "rate_limit_error",
        "api_error",
        "api_error",
        "overloaded_error",
    ]


# Responses

REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
FUNCTION = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}", "id": "f"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "a cat"}
PICTURE = {"type": "input_image", "image_url": "https://a/b.png", "detail": "low"}
ANSWER = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
}
ITEMS = [
    {"role": "developer", "content": "Be kind."},
    {"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, PICTURE]},
    REASONING,
    ANSWER,
    FUNCTION,
    {**FUNCTION, "call_id": "c2"},
    OUTPUT,
    {**OUTPUT, "call_id": "c2", "output": [{"type": "input_text", "text": "a dog"}]},
    {"role": "assistant", "content": "A cat."},
    {"role": "user", "content": "And now?"},
]


def responses_body(**fields):
    return {"model": "m", "instructions": "Be brief.", "input": ITEMS, "store": False, **fields}


def test_responses_are_read():
    asked = RESPONSES.read(
        responses_body(
            stream=True, max_output_tokens=7, top_p=0.5, metadata={"conversation_id": "c"}
        )
    )
    assert (asked.model, asked.stream, asked.thread) == ("m", True, "c")
    assert asked.sampling == Sampling(top_p=0.5, max_tokens=7)
    assert asked.request == Request()
    said = asked.conversation.to_dicts()
    roles = "system developer user assistant tool tool assistant user"
    assert [message["role"] for message in said] == roles.split()
    assert said[2]["content"] == [
        *parts_of("What is this?"),
        {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
    ]
    assert said[3]["content"] == "I look."
    assert [call["id"] for call in said[3]["tool_calls"]] == ["c1", "c2"]
    assert said[3]["reasoning_items"] == [REASONING]
    assert (said[5]["tool_call_id"], said[5]["content"]) == ("c2", "a dog")
    words = RESPONSES.read({"input": "Hi"}).conversation
    assert words.to_dicts() == [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        ({"tools": [{"type": "web_search"}]}, Request(tools=True)),
        ({"tool_choice": "required"}, Request(required=True)),
        ({"tool_choice": {"type": "function", "name": "f"}}, Request(required=True)),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, Request()),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, Request()),
        ({"text": {"format": {"type": "json_schema"}}}, Request(formatted=True)),
        ({"store": True}, Request(formatted=True)),
        ({"store": None}, Request(formatted=True)),
    ],
    ids=str,
)
def test_what_comes_with_responses(fields, request_: Request):
    assert RESPONSES.read(responses_body(**fields)).request == request_


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id: what was said before lies"),
        ({"conversation": "conv_1"}, "conversation: what was said"),
        ({"conversation": {"id": "conv_1"}}, "conversation: what was said"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt: what was said"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "lies with the server"),
        ({"input": None}, "input is not a list"),
        ({"input": []}, "input is empty"),
        ({"input": [{"content": "x"}]}, r"input\[0\].role is not a string"),
        ({"input": [{"role": "assistant"}]}, r"input\[0\].content is not a list"),
        ({"instructions": [1]}, "instructions is not a string"),
    ],
    ids=str,
)
def test_what_cannot_be_read_of_responses_is_said_in_one_line(fields, why: str):
    with pytest.raises(Unreadable, match=why):
        RESPONSES.read(responses_body(**fields))


INPUTS = st.builds(
    lambda head, given, extra: {**extra, **head, "input": given},
    st.sampled_from([{}, {"instructions": ""}, {"instructions": None}, {"instructions": "x"}]),
    WORDS
    | st.lists(
        st.sampled_from([*ITEMS, {"type": "web_search_call", "id": "ws", "status": "completed"}]),
        min_size=1,
        max_size=6,
    ),
    UNKNOWN,
)


@given(INPUTS)
def test_responses_rewritten_with_their_own_conversation_are_themselves(body):
    made = RESPONSES.rewritten(body, RESPONSES.read(body).conversation)
    assert json.dumps(made) == json.dumps(body)


@given(INPUTS)
def test_what_is_added_to_the_last_item_leaves_all_others_as_they_came(body):
    if isinstance(body["input"], str):
        body["input"] = [{"role": "user", "content": body["input"]}]
    asking = [{"type": "input_text", "text": "now?"}, PICTURE]
    body["input"].append({"role": "user", "content": asking})
    *before, last = RESPONSES.read(body).conversation.messages
    longer = Message(last.role, (*last.content, {"type": "text", "text": "added"}))
    made = RESPONSES.rewritten(body, Conversation((*before, longer)))
    assert made["input"][:-1] == body["input"][:-1]
    assert made["input"][-1]["content"] == [*asking, {"type": "input_text", "text": "added"}]


def test_an_output_sent_back_reads_as_the_message_that_was_heard():
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    output = [REASONING, search, ANSWER, FUNCTION]
    told = heard_whole(RESPONSES, {"status": "completed", "output": output})
    asked = RESPONSES.read({"input": [{"role": "user", "content": "Hi"}, *output, OUTPUT]})
    assert asked.conversation.messages[1] == Message.from_dict(told.message)


def test_a_fresh_response_keeps_the_instructions_and_a_string_stays_one():
    body = responses_body(input="Hi")
    system = RESPONSES.read(body).conversation.messages[0]
    made = RESPONSES.rewritten(body, Conversation((system, Message("user", "All of it."))))
    assert made == {**body, "input": "All of it."}
    made = RESPONSES.rewritten(body, Conversation().user("Hi"))
    assert "instructions" not in made


STREAM = TypeAdapter(ResponseStreamEvent)


@given(replies())
def test_responses_written_are_as_the_sdk_knows_them(made):
    reply, pieces = made
    whole = Response.model_validate(RESPONSES.reply(responses_body(), reply))
    assert whole.output_text == (reply.message.content or "")
    assert whole.status == ("incomplete" if reply.finish_reason == "length" else "completed")
    assert whole.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    stream = written(RESPONSES, responses_body(), reply, pieces)
    events = [STREAM.validate_python(data) for data in events_of(stream)]
    assert [event.name for event in stream] == [event.type for event in events]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [e.type for e in events[:2]] == ["response.created", "response.in_progress"]
    last = events[-1]
    assert last.type == f"response.{whole.status}"
    assert last.response.output_text == whole.output_text
    assert [item.type for item in last.response.output] == [item.type for item in whole.output]
    kinds = [event.type for event in events]
    assert kinds.count("response.output_item.added") == len(whole.output)
    assert kinds.count("response.output_item.done") == len(whole.output)


def test_a_response_that_breaks_off_says_so():
    writer = RESPONSES.writer(responses_body())
    stream = [*writer.begin(), *writer.words("One"), *writer.failed("the model is gone")]
    last = STREAM.validate_python(events_of(stream)[-1])
    assert (last.type, last.response.error.message) == ("response.failed", "the model is gone")
    told = heard(RESPONSES, stream)
    assert (told.message["content"], told.finish) == ("One", None)


@given(replies(), st.booleans())
def test_responses_are_heard_alike_whole_and_streamed(made, ended: bool):
    reply, pieces = made
    stream = written(RESPONSES, responses_body(), reply, pieces)
    streamed = heard(RESPONSES, stream if ended else stream[:-1])
    whole = heard_whole(RESPONSES, RESPONSES.reply(responses_body(), reply))
    assert streamed.message == whole.message
    assert streamed.message["content"] == reply.message.content
    calls = [dict(call) for call in (reply.message.extra or {}).get("tool_calls", ())]
    assert streamed.message.get("tool_calls", []) == calls
    assert (whole.finish, whole.usage) == (reply.finish_reason, reply.usage)
    assert (streamed.finish, streamed.usage) == (
        (whole.finish, whole.usage) if ended else (None,) * 2
    )


@given(replies(), WORDS.filter(bool))
def test_responses_are_led_alike_whole_and_streamed(made, words: str):
    reply, pieces = made
    content = reply.message.content
    stream = led(RESPONSES, words, written(RESPONSES, responses_body(), reply, pieces))
    events = [STREAM.validate_python(data) for data in events_of(stream)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    body = RESPONSES.leading(words).whole(RESPONSES.reply(responses_body(), reply))
    said = f"{words}\n\n{content}" if content else content
    for told in (heard(RESPONSES, stream), heard_whole(RESPONSES, body)):
        assert told.message["content"] == said
    # Whatever tells the text again tells all of it.
    for event in events:
        if event.type == "response.output_text.done":
            assert event.text == (said or "")
        if event.type == "response.content_part.done":
            assert event.part.text == (said or "")
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == (said or "")


@pytest.mark.parametrize("surface", [CHAT, MESSAGES_API, RESPONSES], ids=lambda s: s.name)
@given(data=LOOSE, kind=st.sampled_from(KINDS))
def test_nothing_is_so_malformed_that_it_is_not_heard(surface, data, kind: str):
    body = {"type": kind, "index": 0, "output_index": 0, "choices": [data], "output": [data]}
    body |= {"content": [data], "item": data, "delta": data, "response": data, "message": data}
    body |= {"content_block": data, "usage": data, "part": data}
    listener, leading = surface.listener(), surface.leading("x")
    for each in ({**body, "type": "message_start"}, body, {**body, "type": KINDS[-1]}, body):
        listener.event(each)
        leading.event(Event(json.dumps(each)))
        leading.whole(each)
    listener.heard()
    listener.whole(body)
    listener.heard()
