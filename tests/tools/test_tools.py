"""The examples for DeepEval, MLflow and Langfuse, each with the real package."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
MISREAD = ["Tell me about Java.", "Java is a language.", "No, I meant the island.", "It is big."]
SOUND = ["How much are 3 pears?", "They are 4 euros.", "Thanks!", "You are welcome."]
WHY = "misread: No, I meant the island."


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """In a folder of its own, with nobody told of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("DEEPEVAL_TELEMETRY_OPT_OUT", "1")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


def chat(said):
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]


def test_deepeval_passes_a_sound_conversation_and_fails_a_broken_one():
    from deepeval import assert_test
    from deepeval.test_case import ConversationalTestCase, Turn

    metric = importlib.import_module("deepeval_metric").Uptake

    def case(said):
        return ConversationalTestCase(turns=[Turn(**message) for message in chat(said)])

    assert_test(case(SOUND), [metric()])
    with pytest.raises(AssertionError, match="Uptake"):
        assert_test(case(MISREAD), [metric()])
    broken = metric()
    assert (broken.measure(case(MISREAD)), broken.is_successful()) == (0.0, False)
    assert broken.reason == f"turn 1, {WHY}"


def test_mlflow_has_the_feedback_on_every_row():
    import mlflow

    uptake = importlib.import_module("mlflow_scorer").uptake
    data = [
        {"inputs": {"messages": chat(said[:-1])}, "outputs": said[-1]} for said in (MISREAD, SOUND)
    ]
    done = mlflow.genai.evaluate(data=data, scorers=[uptake])
    assert done.metrics["uptake/mean"] == 0.5
    told = {
        assessment.rationale: assessment.feedback.value
        for trace in mlflow.search_traces(return_type="list")
        for assessment in trace.info.assessments
    }
    assert told == {f"message 1, {WHY}": False, "it holds": True}


class Langfuse(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append((self.path, body))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words):
        pass


@contextmanager
def serving():
    with ThreadingHTTPServer(("127.0.0.1", 0), Langfuse) as server:
        server.heard = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_langfuse_gets_a_score_for_every_session_of_an_export(tmp_path):
    export = tmp_path / "traces.jsonl"
    # One trace a reply, as Langfuse keeps them: the last of each session has all of it.
    traces = [
        {
            "id": f"{name}-{end}",
            "timestamp": f"2026-01-01T00:00:0{end}Z",
            "name": "chat",
            "sessionId": name,
            "input": {"messages": chat(said[:end])},
            "output": {"role": "assistant", "content": said[end]},
        }
        for name, said in (("bad", MISREAD), ("good", SOUND))
        for end in (1, 3)
    ]
    export.write_text("".join(json.dumps(trace) + "\n" for trace in traces))
    with serving() as server:
        done = subprocess.run(
            [sys.executable, EXAMPLES / "langfuse_scores.py", export],
            env=os.environ
            | {
                "LANGFUSE_BASE_URL": f"http://127.0.0.1:{server.server_address[1]}",
                "LANGFUSE_PUBLIC_KEY": "pk",
                "LANGFUSE_SECRET_KEY": "sk",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        sent = [
            score
            for path, body in server.heard
            if path == "/api/public/scores"
            for score in json.loads(body)
        ]
    scores = {each["sessionId"]: (each["name"], each["value"], each["comment"]) for each in sent}
    assert scores == {
        "bad": ("uptake", "misread", "message 1: No, I meant the island."),
        "good": ("uptake", "none", "it holds"),
    }
