"""uptake's environment for verifiers (v1): `vf-eval uptake-verifiers`, and prime-rl's training.

A task is one of `uptake.train.tasks`; the environment talks as its user, and the reward is that of
`uptake train`, its parts beside it as metrics. Where a conversation has no score the episode
fails, and nothing is recorded: not 0. The harness asks the model in this process, since a reply
needs no program of its own.

Needs the extra `verifiers`, which cannot stand beside `inspect` (they want other versions of
openai). What it gives here is not all typed, hence `Any`. This module knows nothing of models, or
of how anything is learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import verifiers.v1 as vf
from openai import AsyncOpenAI
from verifiers.v1.dialects import chat

from uptake.train.env import Env
from uptake.train.reward import Prices
from uptake.train.rollout import verifier
from uptake.train.tasks import MIXTURE, Task, Tasks
from uptake.users import user

__all__ = ["UptakeEnv", "UptakeHarness", "UptakeTaskset"]


class UptakeTasksetConfig(vf.TasksetConfig):
    """Which tasks: `--env.taskset.domain actions`, `--env.taskset.instructions mc.jsonl`."""

    domain: str = "math"
    instructions: str = ""
    mixture: dict[str, float] = dict(MIXTURE)  # noqa: RUF012  (each config gets its own)
    seed: int = 0
    split: Literal["train", "heldout"] = "train"
    count: int = 1000


class UptakeData(vf.TaskData):
    """A task's number: its scenario and its user are worked out from it."""

    number: int


class UptakeTask(vf.Task[UptakeData]):
    """A task, whose user opens the conversation."""


class UptakeTaskset(vf.Taskset[UptakeTask, UptakeTasksetConfig]):
    """Tasks of conversation maintenance, the same for the same settings."""

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks by their numbers. Raises TaskError for a mixture that is none."""
        asked = self.config
        return Tasks(
            asked.domain,
            asked.mixture,
            seed=asked.seed,
            split=asked.split,
            instructions=asked.instructions,
        )

    def load(self) -> Iterator[UptakeTask]:
        """Every task in its order."""
        for number in range(self.config.count):
            task = self.tasks.task(number)
            data = UptakeData.model_validate(
                {
                    "number": number,
                    "name": f"{task.probe}.{task.scenario.condition}",
                    "system_prompt": task.scenario.system,
                }
            )
            yield UptakeTask(data, self.config.task)


class UptakeHarness(vf.Harness[vf.HarnessConfig]):
    """Asks the model for its next reply, and nothing else."""

    APPENDS_SYSTEM_PROMPT = True
    SUPPORTS_RESUME = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self,
        ctx: Any,
        trace: Any,
        runtime: Any,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: vf.TaskData,
    ) -> vf.ProgramResult:
        """One reply to the conversation so far."""
        said: tuple[str | None, Any] = self.resolve_prompt(data)
        system, conversation = said
        messages: list[Any] = [{"role": "system", "content": system}] if system else []
        wire: Any = chat.message_to_wire
        messages += [wire(message) for message in conversation or []]
        async with AsyncOpenAI(base_url=endpoint, api_key=secret, max_retries=0) as client:
            await client.chat.completions.create(model=ctx.model, messages=messages)
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")


class UptakeEnvConfig(vf.EnvConfig):
    """The model's seat, and what its replies may cost (`--env.prices.needless 0.3`)."""

    agent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
    prices: dict[str, float] = {}  # noqa: RUF012  (each config gets its own)


class UptakeEnv(vf.Env[UptakeEnvConfig]):
    """One conversation with the task's user, and its reward."""

    async def run(self, task: Any, agents: Any) -> None:
        """Play the conversation to its end, and record what it is worth.

        Raises ValueError where there is no score: it was cut off, or nothing could be judged.
        """
        taskset: Any = self.taskset
        one: Task = taskset.tasks.task(task.data.number)
        env = Env(
            verifier(one.scenario.instruction.domain),
            user=user(one.user),
            probe=one.probe,
            prices=Prices(**self.config.prices),
        )
        said = _without_system(env.reset(one.scenario))
        async with agents.agent.interaction(task) as talk:
            known: list[dict[str, Any]] = []
            while env.episode is None:
                reply = await talk.turn(said[len(known) :])
                if reply.terminated:
                    raise ValueError("the conversation was cut off before its end: no score")
                known = [*said, {"role": "assistant", "content": reply.last_reply}]
                env.reply(reply.last_reply)
                said = _without_system(env.messages)
                if said[: len(known)] != known:
                    raise ValueError(
                        "a conversation beside a person's words is no single one: leave "
                        f"{task.data.name} out of the mixture"
                    )
        found = env.score()
        if found is None:
            raise ValueError("the conversation has no score: a reply could not be judged")
        talk.trace.record_reward("reward", found.total)
        talk.trace.record_metrics(
            {name: value for name, value in found.parts.items() if name != "total"}
        )


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The turns of a conversation; verifiers has the system prompt by itself."""
    return [message for message in messages if message["role"] != "system"]
