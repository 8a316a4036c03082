"""LiteLLM's own proxy with our plug-in, before an upstream on the loopback; and its SDK."""

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

import httpx
import litellm
import pytest

TOLD = [
    {"role": "user", "content": "How many apples does Ann have in the end?"},
    {"role": "assistant", "content": "Probably 5."},
    {"role": "user", "content": "Ann has 12 apples at first."},
    {"role": "assistant", "content": "Then 12."},
    {"role": "user", "content": "Ann gives 4 apples to Ben."},
]
WAIT = [{"role": "user", "content": "I will tell you the facts first, so wait until I ask."}]
PRESUMED = [
    {"role": "user", "content": "Ann has 12 apples at first. Ann gives 4 apples to Ben."},
    {"role": "assistant", "content": "All right."},
    {
        "role": "user",
        "content": "Since Ann has 9 apples at first, how many does Ann have in the end?",
    },
]


OPEN = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}


class Upstream(BaseHTTPRequestHandler):
    """Says "It is 8." and keeps what it was sent."""

    got: ClassVar[list[dict]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.got.append(body)
        if body.get("stream"):
            data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            deltas = [
                ({"role": "assistant", "content": ""}, None),
                ({"content": "It is 8."}, None),
                ({}, "stop"),
            ]
            events = [
                {**data, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
                for delta, finish in deltas
            ]
            content = (
                "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
            )
            kind = "text/event-stream"
        else:
            message = {"role": "assistant", "content": "It is 8."}
            content = json.dumps(
                {
                    "id": "c",
                    "object": "chat.completion",
                    "created": 1,
                    "model": "m",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                }
            )
            kind = "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *args):
        pass


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
    assert chat(proxy, TOLD, stream=stream) == "It is 8."
    (sent,) = Upstream.got
    assert len(sent["messages"]) == 1
    assert all(told["content"] in sent["messages"][0]["content"] for told in TOLD[::2])


@pytest.mark.parametrize("stream", [False, True])
def test_a_first_turn_goes_on_as_it_came(proxy, stream):
    Upstream.got.clear()
    chat(proxy, TOLD[:1], stream=stream)
    assert Upstream.got[0]["messages"] == TOLD[:1]


@pytest.mark.parametrize("stream", [False, True])
def test_a_move_that_speaks_calls_no_model(proxy, stream):
    Upstream.got.clear()
    assert chat(proxy, WAIT, stream=stream) == "All right."
    assert Upstream.got == []


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_user_has_wrong_is_said_first(proxy, stream):
    said = chat(proxy, PRESUMED, stream=stream)
    assert said.startswith("Not quite")
    assert said.endswith("It is 8.")


@pytest.mark.parametrize("stream", [False, True])
def test_litellms_sdk_is_a_client_of_the_server(upstream, tmp_path, stream):
    port = free_port()
    command = [sys.executable, "-m", "uptake", "serve", "--upstream", upstream, "--port", str(port)]
    command += ["--store", "memory:", "--no-dashboard"]
    with process(command, port, "/ready") as url:
        Upstream.got.clear()
        answer = litellm.completion(
            model="openai/m", messages=TOLD, api_base=f"{url}/v1", api_key="k", stream=stream
        )
        if stream:
            said = "".join(part.choices[0].delta.content or "" for part in answer)
        else:
            said = answer.choices[0].message.content
        assert said == "It is 8."
        assert len(Upstream.got[0]["messages"]) == 1
