"""uptake's conversations as an agent loop of verl, which teaches on many nodes through Ray.

verl's servers draw each reply; what the user says is put behind it as the chat template writes it,
with a mask of 0, and the reward is that of `uptake train`. A row of verl's data names a task by its
number (`write_rows`), and a file of agent loops says of which tasks:

    - name: uptake
      _target_: uptake.bridges.verl.UptakeAgentLoop
      instructions: /data/mc.jsonl

Needs the extra `verl`, apart from `train`: the two want other versions of transformers. The
constraint on needless questions is not held here, since each worker sees its own conversations
alone: only the fixed prices are paid, and nothing is elicited. This module knows nothing of how
replies are drawn, or of how anything is learned.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from verl.experimental.agent_loop.agent_loop import (
    AgentLoopBase,
    AgentLoopMetrics,
    AgentLoopOutput,
)
from verl.utils.profiler import simple_timer
from verl.workers.rollout.replica import TokenOutput

from uptake.train.reward import Prices, Reward
from uptake.train.rollout import Coder, Drawn, Rollout, Tokens, begin
from uptake.train.tasks import MIXTURE, Task, Tasks

__all__ = ["UptakeAgentLoop", "write_rows"]

NAME = "uptake"
SPLITS = ("train", "heldout")


class UptakeAgentLoop(AgentLoopBase):
    """Plays the task of a row to its end.

    `domain`, `mixture`, `seed` and `instructions` are those of `uptake.train.tasks.Tasks`, `prices`
    those of the reward. A reply has up to `reply_tokens`, all that follows the first message verl's
    `response_length`. A conversation that comes to the end of it has no score.

    Raises ValueError under verl's older trainer, which cannot leave out what has no score.
    """

    def __init__(
        self,
        *args: Any,
        domain: str = "math",
        mixture: Mapping[str, float] = MIXTURE,
        prices: Mapping[str, float] | None = None,
        seed: int = 0,
        instructions: str = "",
        reply_tokens: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not self.config.trainer.use_v1:
            raise ValueError(
                "verl's older trainer cannot leave out a conversation without a score: "
                "leave trainer.use_v1 at True"
            )
        self._coder = Coder(self.tokenizer)
        self._prices = Prices(**(prices or {}))
        self._tasks = (domain, tuple(mixture.items()), seed, instructions)
        self._most = reply_tokens

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> Any:
        """A list of AgentLoopOutput, as verl's trainer takes them: one for each sequence.

        That is one for a conversation, several where it goes on from a person's words, and none
        where there is no score. Raises ValueError for a row that names no task, and where a first
        message has no room.
        """
        task = self._task(kwargs.get("extra_info") or {})
        talk = begin(task, self._coder, prices=self._prices)
        drawn: list[TokenOutput] = []
        spent: dict[str, float] = {}
        # A request keeps its server, which has the beginning of the conversation in its cache.
        request = uuid4().hex
        while not talk.over and (left := self._left(talk.sequences[-1])) > 0:
            limits = {"max_tokens": min(self._most, left), "stop_token_ids": [self._coder.end]}
            with simple_timer("generate_sequences", spent):
                reply = await self.server_manager.generate(
                    request_id=request,
                    prompt_ids=talk.drawn_from,
                    sampling_params={**sampling_params, **limits},
                )
            drawn.append(reply)
            likely = reply.log_probs or [0.0] * len(reply.token_ids)
            talk.hear(self._coder, Drawn(tuple(reply.token_ids), tuple(likely)))
        return self._outputs(talk.rollout(), drawn, spent)

    def _task(self, row: Mapping[str, Any]) -> Task:
        """The task that a row names in its `extra_info`."""
        if "task" not in row or row.get("split") not in SPLITS:
            raise ValueError(
                "a row names no task of uptake's in `extra_info`: write the rows by "
                "python -m uptake.bridges.verl"
            )
        return _tasks(*self._tasks, row["split"]).task(int(row["task"]))

    def _left(self, row: Tokens) -> int:
        """How many tokens may still follow."""
        most = self.rollout_config.prompt_length
        if len(row.prompt) > most:
            raise ValueError(
                f"a first message of {len(row.prompt)} tokens, and room for {most}: raise "
                "data.max_prompt_length"
            )
        return self.rollout_config.response_length - len(row.completion)

    def _outputs(
        self, rollout: Rollout, drawn: Sequence[TokenOutput], spent: Mapping[str, float]
    ) -> list[AgentLoopOutput]:
        if rollout.reward is None:
            return []
        known = self.rollout_config.calculate_log_probs
        return [
            AgentLoopOutput(
                prompt_ids=row.prompt,
                response_ids=row.completion,
                response_mask=row.mask,
                response_logprobs=row.logprobs if known else None,
                reward_score=rollout.reward.total,
                num_turns=2 * len(drawn),
                metrics=AgentLoopMetrics(generate_sequences=spent["generate_sequences"]),
                extra_fields=_beside(rollout.reward, drawn),
            )
            for row in rollout.sequences
        ]


def _beside(reward: Reward, drawn: Sequence[TokenOutput]) -> dict[str, Any]:
    """What verl keeps of a conversation besides its tokens."""
    return {
        "turn_scores": [],
        "tool_rewards": [],
        "reward_extra_info": reward.parts,
        # Which weights drew the first and the last reply: verl tells by them how far behind it is.
        "min_global_steps": drawn[0].extra_fields.get("min_global_steps"),
        "max_global_steps": drawn[-1].extra_fields.get("max_global_steps"),
    }


@cache
def _tasks(
    domain: str,
    mixture: tuple[tuple[str, float], ...],
    seed: int,
    instructions: str,
    split: str,
) -> Tasks:
    """The tasks of these settings: verl makes an agent loop for each conversation."""
    return Tasks(domain, dict(mixture), seed=seed, split=split, instructions=instructions)


def write_rows(path: Path, count: int, *, split: str = "train") -> None:
    """The rows of `count` tasks as verl reads them: JSONL, in which a row only names its task."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            row = {
                "data_source": NAME,
                "agent_name": NAME,
                # The task's user says it, once the agent loop begins.
                "prompt": [{"role": "user", "content": f"{split} {number}"}],
                "reward_model": {"style": "rule", "ground_truth": ""},
                "extra_info": {"index": number, "task": number, "split": split},
            }
            file.write(json.dumps(row) + "\n")


def main() -> None:
    """`python -m uptake.bridges.verl rows.jsonl 10000`: write the rows."""
    parser = argparse.ArgumentParser(description="Rows for verl: each names a task.")
    parser.add_argument("path", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--split", choices=SPLITS, default="train")
    asked = parser.parse_args()
    write_rows(asked.path, asked.count, split=asked.split)


if __name__ == "__main__":
    main()
