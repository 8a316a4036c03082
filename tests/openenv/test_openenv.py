"""uptake's environment behind OpenEnv's own server on loopback, played by OpenEnv's own clients."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from openenv.core import GenericEnvClient

from uptake.bridges import openenv
from uptake.bridges.openenv import UptakeAction, UptakeClient, app, served
from uptake.errors import UptakeError
from uptake.partners import words
from uptake.train.env import Env
from uptake.train.rollout import verifier
from uptake.train.tasks import Task, TaskError, Tasks
from uptake.users import user

COUNT = 8


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def answer(task: Task, messages: list[dict[str, str]], good: bool) -> str:
    """What a partner says who does the right thing, or the wrong one."""
    said = [message["content"] for message in messages if message["role"] == "user"]
    return words(task.scenario, said, good)


def own(task: Task, good: bool) -> tuple[Env, float]:
    """The same conversation in uptake's own environment, and its reward."""
    env = Env(verifier(task.scenario.instruction.domain), user=user(task.user), probe=task.probe)
    env.reset(task.scenario)
    while env.episode is None:
        env.reply(answer(task, env.messages, good))
    found = env.score()
    assert found is not None
    return env, found.total


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_conversations_and_rewards_are_uptakes_own(address: str, split: str, good: bool) -> None:
    tasks = Tasks("math", split=split)
    paid: set[float] = set()
    most = 0
    with UptakeClient(base_url=address).sync() as client:
        for index in range(COUNT):
            task = tasks.task(index)
            env, total = own(task, good)
            found = client.reset(split=split, index=index)
            assert client.state().name == f"{task.probe}.{task.scenario.condition}"
            while not found.done:
                assert found.reward is None
                assert found.observation.said == found.observation.messages[-1]["content"]
                found = client.step(
                    UptakeAction(text=answer(task, found.observation.messages, good))
                )
            assert found.observation.messages == env.messages
            assert found.observation.said is None
            assert found.reward == pytest.approx(total)
            assert found.observation.parts["total"] == pytest.approx(total)
            paid.add(total)
            most = max(most, client.state().step_count)
    assert len(paid) > 2
    assert most > 1


def test_sessions_do_not_mix_and_need_none_of_our_types(address: str) -> None:
    tasks = Tasks("math")
    with (
        GenericEnvClient(base_url=address).sync() as one,
        GenericEnvClient(base_url=address).sync() as other,
    ):
        seen = {index: client.reset(index=index) for index, client in enumerate((one, other))}
        for index, found in seen.items():
            (told, *_) = tasks.task(index).scenario.turns
            assert found.observation["messages"][-1]["content"] == told.text
        one.step({"text": "I see."})
        assert one.state()["step_count"] == 1
        assert other.state()["step_count"] == 0


def test_the_same_seed_opens_the_same_task(address: str) -> None:
    with UptakeClient(base_url=address).sync() as client:
        first = client.reset(seed=7).observation.messages
        other = client.reset(seed=8).observation.messages
        assert client.reset(seed=7).observation.messages == first != other


def test_tasks_can_be_listed(address: str) -> None:
    assert [each["name"] for each in httpx.get(f"{address}/uptake/splits").json()] == [
        "train",
        "heldout",
    ]
    task = Tasks("math", split="heldout").task(3)
    got = httpx.post(f"{address}/uptake/task", json={"split": "heldout", "index": 3}).json()
    name = f"{task.probe}.{task.scenario.condition}"
    assert got["task"] == {"split": "heldout", "index": 3, "name": name, "user": task.user}


def test_what_could_not_be_judged_has_no_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openenv, "verifier", lambda source: None)
    env = openenv.UptakeEnvironment({"train": Tasks("math", {"lost.full": 1.0})})
    env.reset(index=0)
    seen = env.step(UptakeAction(text="It is 12."))
    assert seen.done
    assert seen.reward is None
    assert seen.parts == {}


def test_what_is_amiss_is_said(address: str) -> None:
    with UptakeClient(base_url=address).sync() as client:
        with pytest.raises(RuntimeError, match="reset first"):
            client.step(UptakeAction(text="Hello?"))
        with pytest.raises(RuntimeError, match="no split 'test'; there are train, heldout"):
            client.reset(split="test")
        client.reset(index=0)  # the session lives on
    with GenericEnvClient(base_url=address).sync() as client:
        client.reset(index=0)
        with pytest.raises(RuntimeError, match="Invalid message"):
            client.step({"words": "Hello?"})
    with pytest.raises(TaskError, match="no condition"):
        served(mixture={"nothing.here": 1.0})


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPTAKE_INSTRUCTIONS", "none.jsonl")
    with pytest.raises(UptakeError, match=r"none\.jsonl"):
        app()
    monkeypatch.setenv("UPTAKE_SESSIONS", "many")
    with pytest.raises(UptakeError, match="UPTAKE_SESSIONS is 'many'"):
        app()
