"""uptake's environment under verifiers' own runner, with a model that a server here plays."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import verifiers.v1 as vf
from verifiers.v1.utils.loaders import environment_class, load_environment

from uptake.bridges.verifiers import UptakeEnvConfig, UptakeTasksetConfig
from uptake.partners import words
from uptake.train.env import Env
from uptake.train.rollout import verifier
from uptake.train.tasks import Task, Tasks
from uptake.users import user
from uptake_verifiers import UptakeEnv

COUNT = 8
Answer = Callable[[list[str]], str]


class Handler(BaseHTTPRequestHandler):
    """Replies by `server.answer`, from what the user said."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = [m["content"] for m in body["messages"] if m["role"] == "user"]
        reply = {"role": "assistant", "content": self.server.answer(said)}  # type: ignore[attr-defined]
        choice = {"index": 0, "finish_reason": "stop", "message": reply}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        made = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        data = json.dumps({**made, "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def served() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def played(
    served: ThreadingHTTPServer, answer: Answer, *, max_turns: int | None = None, **taskset: Any
) -> list[vf.Episode]:
    """The episodes of every task, run as `vf-eval` runs them."""
    served.answer = answer  # type: ignore[attr-defined]
    asked = UptakeTasksetConfig(id="uptake-verifiers", **{"count": COUNT, **taskset})
    seat = UptakeEnvConfig().agent.model_copy(update={"max_turns": max_turns})
    env = load_environment(UptakeEnvConfig(taskset=asked, agent=seat))
    url = f"http://127.0.0.1:{served.server_address[1]}/v1"
    client = vf.EvalClientConfig(base_url=url, api_key_var="NO_KEY")
    context = vf.ModelContext(model="m", client=client)

    async def scene() -> list[vf.Episode]:
        async with env.serving():
            return [await env.run_episode(task, context) for task in env.taskset]

    return asyncio.run(scene())


def partner(tasks: list[Task], good: bool) -> Answer:
    """A partner who does the right thing, or the wrong one, in every task."""
    opened = {task.scenario.turns[0].text: task.scenario for task in tasks}
    return lambda said: words(opened[said[0]], said, good)


def tasks_of(count: int = COUNT, **asked: Any) -> list[Task]:
    tasks = Tasks("math", **asked)
    return [tasks.task(number) for number in range(count)]


def rewards(tasks: list[Task], answer: Answer) -> list[float]:
    """What uptake's own environment pays for the same replies."""
    found: list[float] = []
    for task in tasks:
        env = Env(
            verifier(task.scenario.instruction.domain), user=user(task.user), probe=task.probe
        )
        env.reset(task.scenario)
        while env.episode is None:
            env.reply(answer([m["content"] for m in env.messages if m["role"] == "user"]))
        reward = env.score()
        assert reward is not None
        found.append(reward.total)
    return found


def test_verifiers_finds_the_environment_by_its_name() -> None:
    assert environment_class("uptake-verifiers") is UptakeEnv


@pytest.mark.parametrize("good", [True, False])
def test_the_reward_is_the_one_that_uptake_pays(served: ThreadingHTTPServer, good: bool) -> None:
    tasks = tasks_of()
    answer = partner(tasks, good)
    episodes = played(served, answer)
    assert [episode.errors for episode in episodes] == [[]] * COUNT
    paid = [episode.traces[0].reward for episode in episodes]
    assert paid == pytest.approx(rewards(tasks, answer))
    assert len(set(paid)) > 2
    turns = [trace.num_turns for (trace,) in (episode.traces for episode in episodes)]
    assert max(turns) > 1  # the user answered
    assert "outcome" in episodes[0].traces[0].metrics


def test_what_is_cut_off_fails_and_is_paid_nothing(served: ThreadingHTTPServer) -> None:
    (episode,) = played(
        served, lambda said: "I see.", count=1, mixture={"lost.sharded": 1.0}, max_turns=1
    )
    assert not episode.ok
    assert "cut off before its end" in episode.errors[0].message
    assert episode.traces[0].rewards == {}


def test_a_condition_beside_a_persons_words_is_refused(served: ThreadingHTTPServer) -> None:
    episodes = played(
        served, lambda said: "My own words.", count=1, mixture={"grounding.beside": 1.0}
    )
    assert "leave grounding.beside out" in episodes[0].errors[0].message
