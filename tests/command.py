"""The command line in a process of its own, and a server on the loopback that it may ask."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

toy = importlib.util.module_from_spec(
    spec := importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
)
spec.loader.exec_module(toy)


class Handler(BaseHTTPRequestHandler):
    """Solves the toy domain over the wire; says what it used.

    `server.spoil` may answer in its place, from the number of the request and what the user said:
    a status, a body (bytes as they are, or else JSON) and perhaps headers.
    """

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(self.server.delay)
        for name in self.server.refuses & set(body):
            fault = {"message": f"Unsupported parameter: '{name}'", "param": name}
            return self.send(400, {"error": fault})
        said = "\n".join(m["content"] for m in body["messages"] if m["role"] == "user")
        self.server.tokens += 100
        spoilt = self.server.spoil(self.server.tokens // 100, said)
        if spoilt is not None:
            return self.send(*spoilt)
        solved = toy.solve(said)
        if "You play a person" in body["messages"][0]["content"]:
            number, words = re.search(r"^(\d+) \(unsaid\): (.*)$", said, re.MULTILINE).groups()
            self.server.told += 1
            solved = json.dumps({"fact": int(number), "say": f"Oh, and: {words}"})
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": solved},
                }
            ],
            "usage": {"prompt_tokens": 80, "completion_tokens": 20, "total_tokens": 100},
        }
        return self.send(200, reply)

    def send(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        """A client that was killed in the middle of a call is what these tests are about."""


@contextmanager
def serving(handler=Handler):
    """The server, and `model`: what `--model` takes for it."""
    with Server(("127.0.0.1", 0), handler) as running:
        running.delay, running.tokens, running.refuses, running.told = 0.0, 0, set(), 0
        running.spoil = lambda number, said: None
        running.model = f"http://127.0.0.1:{running.server_address[1]}/v1#solver"
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def surroundings(site: Path) -> dict[str, str]:
    """The environment of a process that finds what is installed in `site`."""
    paths = [str(site), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "COLUMNS": "120"}


def start(env, *words, **more):
    # A job in the background is started deaf to SIGINT; a person's terminal is not.
    hearing = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    exec_it = "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    return subprocess.Popen(
        [sys.executable, "-c", hearing + exec_it, "-m", "uptake", *map(str, words)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def uptake(env, *words, **more):
    """Exit code, standard output, and the lines on standard error."""
    with start(env, *words, **more) as process:
        out, err = process.communicate(timeout=600)
    return process.returncode, out, messages(err)


def messages(err):
    """The lines but those of progress, which a busy machine may bring on."""
    return [line for line in err.splitlines() if not re.search(r" of \d+ episodes, .* left", line)]


def lines(out):
    path = out / "episodes.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(process, out, number):
    while lines(out) < number:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
