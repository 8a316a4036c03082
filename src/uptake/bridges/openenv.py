"""uptake's conversations behind OpenEnv's server, for whatever is an OpenEnv client.

A session plays one conversation at a time: `reset` opens a task by its split and its index, a step
is a reply of the model's, and what comes back is what the user says to it. The reward stands at the
end, as `uptake train` pays it, its parts beside it; where there is no score it is None, never 0.

    uvicorn --factory uptake.bridges.openenv:app

Needs the extra `openenv`, which cannot stand beside `verifiers` (they want other versions of mcp).
This module knows nothing of models, or of how anything is learned.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import uuid4

from openenv.core.client_types import StepResult
from openenv.core.env_client import EnvClient
from openenv.core.env_server.http_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State

from uptake.errors import UptakeError
from uptake.train.env import Env
from uptake.train.reward import PRICES, Prices
from uptake.train.rollout import verifier
from uptake.train.tasks import MIXTURE, Task, TaskError, Tasks
from uptake.users import user

__all__ = [
    "UptakeAction",
    "UptakeClient",
    "UptakeEnvironment",
    "UptakeObservation",
    "UptakeState",
    "app",
    "served",
]

SPLITS = ("train", "heldout")
COUNT = 10_000
"""How many tasks a split is said to have; there are as many as one asks for."""


class UptakeAction(Action):
    """A reply of the model's."""

    text: str


class UptakeObservation(Observation):
    """The conversation up to where the next reply goes; at the end, as it was played.

    `said` is what the user says next, None at the end; `parts` are those of the reward, once there
    is one.
    """

    messages: list[dict[str, Any]] = []  # noqa: RUF012  (each observation gets its own)
    said: str | None = None
    parts: dict[str, float] = {}  # noqa: RUF012


class UptakeState(State):
    """Which task is played: its place, `probe.condition`, and who tells it."""

    split: str = ""
    index: int = -1
    name: str = ""
    user: str = ""


class UptakeEnvironment(Environment[UptakeAction, UptakeObservation, UptakeState]):
    """One session's conversations. `tasks` are those of each split."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, tasks: Mapping[str, Tasks], prices: Prices = PRICES) -> None:
        super().__init__()
        self._tasks, self._prices = tasks, prices
        self._state = UptakeState()
        self._env: Env | None = None

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        split: str = "train",
        index: int | None = None,
        **kwargs: Any,
    ) -> UptakeObservation:
        """Open a task: that of `index`, or one drawn by `seed`. Raises TaskError."""
        number = Random(seed).randrange(COUNT) if index is None else index
        task = self._task(split, number)
        self._env = Env(
            verifier(task.scenario.instruction.domain),
            user=user(task.user),
            probe=task.probe,
            prices=self._prices,
        )
        self._env.reset(task.scenario)
        self._state = UptakeState(
            episode_id=episode_id or uuid4().hex, split=split, index=number, **_named(task)
        )
        return _observed(self._env)

    def step(
        self, action: UptakeAction, timeout_s: float | None = None, **kwargs: Any
    ) -> UptakeObservation:
        """Say the reply. Raises TaskError where no task is open, EnvError where it has ended."""
        if self._env is None:
            raise TaskError("no conversation is open: reset first, over a session (/ws)")
        self._env.reply(action.text)
        self._state.step_count += 1
        return _observed(self._env)

    @property
    def state(self) -> UptakeState:
        """Which task is played."""
        return self._state

    def list_splits(self) -> list[str]:
        """The splits by name."""
        return list(SPLITS)

    def num_tasks(self, split: str) -> int:
        """How many tasks a split is said to have. Raises TaskError for another split."""
        self._task(split, 0)
        return COUNT

    def get_task(self, split: str, index: int) -> dict[str, Any]:
        """What is known of a task beforehand. Raises TaskError for another split."""
        return {"split": split, "index": index, **_named(self._task(split, index))}

    def _task(self, split: str, number: int) -> Task:
        if split not in self._tasks:
            raise TaskError(f"no split {split!r}; there are {', '.join(self._tasks)}")
        return self._tasks[split].task(number)


class UptakeClient(EnvClient[UptakeAction, UptakeObservation, UptakeState]):
    """A client whose observations and state are typed."""

    def _step_payload(self, action: UptakeAction) -> dict[str, Any]:
        return action.model_dump()

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[UptakeObservation]:
        reward, done = payload["reward"], payload["done"]
        seen = UptakeObservation(**payload["observation"], reward=reward, done=done)
        return StepResult(observation=seen, reward=reward, done=done)

    def _parse_state(self, payload: dict[str, Any]) -> UptakeState:
        return UptakeState(**payload)


def served(
    domain: str = "math",
    mixture: Mapping[str, float] = MIXTURE,
    *,
    seed: int = 0,
    instructions: str = "",
    prices: Prices = PRICES,
    sessions: int = 64,
) -> Any:
    """The ASGI application for up to so many sessions at once.

    `domain`, `mixture`, `seed` and `instructions` are those of `uptake.train.tasks.Tasks`, and it
    raises what that raises.
    """
    tasks = {
        split: Tasks(domain, mixture, seed=seed, split=split, instructions=instructions)
        for split in SPLITS
    }
    return create_app(
        lambda: UptakeEnvironment(tasks, prices),
        UptakeAction,
        UptakeObservation,
        env_name="uptake",
        max_concurrent_envs=sessions,
        state_cls=UptakeState,
    )


def app() -> Any:
    """`served` by the environment: UPTAKE_DOMAIN, UPTAKE_INSTRUCTIONS and UPTAKE_SESSIONS.

    Raises UptakeError where UPTAKE_SESSIONS is no number, and what `served` raises.
    """
    sessions = os.environ.get("UPTAKE_SESSIONS", "64")
    if not sessions.isdecimal() or int(sessions) < 1:
        raise UptakeError(f"UPTAKE_SESSIONS is {sessions!r}; give a number of 1 or more")
    return served(
        os.environ.get("UPTAKE_DOMAIN", "math"),
        instructions=os.environ.get("UPTAKE_INSTRUCTIONS", ""),
        sessions=int(sessions),
    )


def _named(task: Task) -> dict[str, Any]:
    return {"name": f"{task.probe}.{task.scenario.condition}", "user": task.user}


def _observed(env: Env) -> UptakeObservation:
    """Where the conversation stands, and what it was worth once it has ended."""
    messages = env.messages
    if env.episode is None:
        return UptakeObservation(messages=messages, said=messages[-1]["content"])
    found = env.score()
    return UptakeObservation(
        messages=messages,
        done=True,
        reward=None if found is None else found.total,
        parts={} if found is None else found.parts,
    )
