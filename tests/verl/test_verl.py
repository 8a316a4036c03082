"""uptake's agent loop in verl's own workers, made from verl's own configuration, without a GPU.

The first tests play the server of the model here; the last has verl's manager, workers, client,
balancer and queue on a Ray of this machine, and the embedded model in the engine's place.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pytest
import ray
import transfer_queue as tq
from chat_templates import FORMS, put_on
from omegaconf import DictConfig, OmegaConf
from transformers import AutoTokenizer
from verl.experimental.agent_loop.agent_loop import (
    AgentLoopMetrics,
    AgentLoopOutput,
    AgentLoopWorker,
)
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer
from verl.utils.config import validate_config
from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn
from verl.utils.tensordict_utils import assign_non_tensor_data, get_tensordict
from verl.workers.rollout.replica import TokenOutput
from verl_served import STEP, client

from uptake.bridges.verl import UptakeAgentLoop, main, write_rows
from uptake.embedded.model import WEIGHTS
from uptake.partners import words
from uptake.train import rollout
from uptake.train.rollout import Coder, Drawn, Rollout, roll
from uptake.train.tasks import Task, Tasks

DOCS = Path(__file__).parents[2] / "docs" / "train.md"
MIXTURE = {"missing.missing": 0.5, "lost.sharded": 0.5}
LIKELY = -0.5
Answer = Callable[[list[int]], str]


def loops(folder: Path, mixture: dict[str, float]) -> Path:
    """A file of agent loops, as a user writes it."""
    path = folder / "loops.yaml"
    target = f"{UptakeAgentLoop.__module__}.{UptakeAgentLoop.__qualname__}"
    asked = {"name": "uptake", "_target_": target, "mixture": mixture, "reply_tokens": 60}
    path.write_text(json.dumps([asked]), encoding="utf-8")
    return path


def composed(*overrides: str) -> DictConfig:
    """verl's configuration with these overrides, each of which it has to know."""
    with hydra.initialize_config_module("verl.trainer.config", version_base=None):
        return hydra.compose("ppo_trainer", overrides=list(overrides))


def settings(folder: Path, model: Path, mixture: dict[str, float], *others: str) -> DictConfig:
    return composed(
        f"actor_rollout_ref.model.path={model}",
        "actor_rollout_ref.rollout.name=vllm",
        f"actor_rollout_ref.rollout.agent.agent_loop_config_path={loops(folder, mixture)}",
        "data.max_prompt_length=400",
        "data.max_response_length=900",
        *others,
    )


@pytest.fixture(params=["shipped", "qwen3", "gemma"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model's folder without weights: the one that ships, and with chat templates of others."""
    folder = tmp_path / "model"
    shutil.copytree(WEIGHTS, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    if request.param != "shipped":
        (folder / "chat_template.jinja").unlink()
        put_on(FORMS[request.param]).save_pretrained(folder)
    return folder


class Server:
    """Draws what `answer` says to a prompt, as verl's client does; keeps what it was asked."""

    def __init__(self, answer: Answer, tokenizer: Any) -> None:
        self.answer, self.tokenizer = answer, tokenizer
        self.asked: list[dict[str, Any]] = []

    async def generate(self, **asked: Any) -> TokenOutput:
        self.asked.append(asked)
        limits = asked["sampling_params"]
        (end,) = limits["stop_token_ids"]
        said = self.tokenizer(self.answer(asked["prompt_ids"]), add_special_tokens=False)
        drawn = [*said["input_ids"], end][: limits["max_tokens"]]
        steps = {"min_global_steps": len(self.asked), "max_global_steps": len(self.asked)}
        return TokenOutput(token_ids=drawn, log_probs=[LIKELY] * len(drawn), extra_fields={**steps})


class Worker(AgentLoopWorker):
    """verl's worker, up to where it hands over what its trainer is given."""

    async def _agent_loop_postprocess(self, output: Any, validate: bool, **kwargs: Any) -> Any:
        return output


def played(config: DictConfig, server: Server, number: int = 0) -> list[AgentLoopOutput]:
    """A row's conversation, by the agent loop that verl's worker finds under the row's name."""

    async def scene() -> list[AgentLoopOutput]:
        worker = Worker(config, llm_client=server)
        where = {"step": 1, "sample_index": 0, "rollout_n": 0, "validate": False}
        row = {"extra_info": {"task": number, "split": "train"}, "raw_prompt": []}
        return await worker._run_agent_loop({"temperature": 1.0}, where, agent_name="uptake", **row)

    return asyncio.run(scene())


def partner(task: Task, coder: Coder) -> Answer:
    """Who does the right thing in a task, whatever the prompt: plays it along."""
    env = rollout.begin(task, coder).env

    def answer(prompt: list[int]) -> str:
        said = [each["content"] for each in env.messages if each["role"] == "user"]
        reply = words(task.scenario, said, good=True)
        env.reply(reply)
        return reply

    return answer


def drawn(output: AgentLoopOutput) -> list[tuple[int, ...]]:
    """The model's replies as they were drawn, by the mask."""
    marked = zip(output.response_ids, output.response_mask, strict=True)
    runs = groupby(marked, key=lambda pair: pair[1])
    return [tuple(token for token, _ in run) for mine, run in runs if mine]


def again(task: Task, coder: Coder, replies: Sequence[tuple[int, ...]]) -> Rollout:
    """The same replies in uptake's own rollouts."""
    left = iter(replies)

    def sampler(prompts: Sequence[Sequence[int]]) -> list[Drawn]:
        return [Drawn(tokens, (LIKELY,) * len(tokens)) for tokens in (next(left) for _ in prompts)]

    (one,) = roll([task], coder, sampler, room=4000)
    return one


@pytest.mark.parametrize("number", range(3))
def test_tokens_masks_and_rewards_are_those_of_uptakes_rollouts(
    model: Path, tmp_path: Path, number: int
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model)
    coder, task = Coder(tokenizer), Tasks("math", MIXTURE).task(number)
    server = Server(partner(task, coder), tokenizer)
    (output,) = played(settings(tmp_path, model, MIXTURE), server, number)
    one = again(task, coder, drawn(output))
    assert one.reward is not None
    assert one.episode is not None
    (row,) = one.sequences
    assert output.prompt_ids == row.prompt
    assert output.response_ids == row.completion
    assert output.response_mask == row.mask
    assert output.response_logprobs == row.logprobs
    assert output.reward_score == one.reward.total
    assert output.extra_fields["reward_extra_info"] == one.reward.parts
    turns = one.episode.turns
    assert len(server.asked) == len(turns) > 1
    assert output.num_turns == 2 * len(turns)
    # Every token of the model's is learned and none of the user's, by their words.
    marked = list(zip(output.response_ids, output.response_mask, strict=True))
    end = tokenizer.decode([coder.end])
    learned = tokenizer.decode([token for token, mine in marked if mine])
    assert learned == "".join(f"{turn.reply}{end}" for turn in turns)
    heard = tokenizer.decode([token for token, mine in marked if not mine])
    assert all(turn.user in heard for turn in turns[1:])
    assert not any(turn.reply in heard for turn in turns)
    # What verl's trainer makes of it, and what its server was asked.
    paid = output.as_dict()
    assert paid["rm_scores"].sum().item() == pytest.approx(one.reward.total)
    assert paid["rm_scores"][-1].item() == pytest.approx(one.reward.total)
    assert output.extra_fields["min_global_steps"] == 1
    assert output.extra_fields["max_global_steps"] == len(turns)
    assert len({asked["request_id"] for asked in server.asked}) == 1
    assert {asked["sampling_params"]["temperature"] for asked in server.asked} == {1.0}


def plain(tmp_path: Path, answer: Answer, mixture: dict[str, float], *others: str) -> Any:
    """A conversation of the shipped template's: what came of it, and what was asked."""
    server = Server(answer, AutoTokenizer.from_pretrained(WEIGHTS))
    return played(settings(tmp_path, WEIGHTS, mixture, *others), server), server.asked


def test_what_comes_to_the_end_of_its_room_has_no_score(tmp_path: Path) -> None:
    outputs, asked = plain(
        tmp_path, lambda prompt: "I see. " * 30, MIXTURE, "data.max_response_length=100"
    )
    assert outputs == []
    wanted = [each["sampling_params"]["max_tokens"] for each in asked]
    assert wanted[0] == 60  # a reply's own cap
    assert all(0 < most <= 100 for most in wanted)


def test_a_conversation_that_is_over_at_once_is_all_the_models(tmp_path: Path) -> None:
    ((output,), asked) = plain(tmp_path, lambda prompt: "It is 12.", {"lost.full": 1.0})
    assert len(asked) == 1
    assert set(output.response_mask) == {1}
    assert output.num_turns == 2


def test_beside_a_persons_words_each_reply_is_a_sequence_of_its_own(tmp_path: Path) -> None:
    outputs, asked = plain(
        tmp_path,
        lambda prompt: "My own words.",
        {"grounding.beside": 1.0},
        "data.max_prompt_length=900",
    )
    assert len(outputs) == len(asked) > 1
    assert [output.prompt_ids for output in outputs] == [each["prompt_ids"] for each in asked]
    assert all(set(output.response_mask) == {1} for output in outputs)
    assert len({output.reward_score for output in outputs}) == 1


def test_a_first_message_without_room_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"raise data\.max_prompt_length"):
        plain(tmp_path, lambda prompt: "", {"lost.full": 1.0}, "data.max_prompt_length=10")


def test_what_could_not_be_judged_has_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "verifier", lambda source: None)
    outputs, asked = plain(tmp_path, lambda prompt: "It is 12.", {"lost.full": 1.0})
    assert asked
    assert outputs == []


def test_log_probabilities_that_were_not_asked_for_are_not_made_up(tmp_path: Path) -> None:
    ((output,), _) = plain(
        tmp_path,
        lambda prompt: "It is 12.",
        {"lost.full": 1.0},
        "actor_rollout_ref.rollout.calculate_log_probs=False",
    )
    assert "rollout_log_probs" not in output.as_dict()


def test_the_older_trainer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"leave trainer\.use_v1 at True"):
        plain(tmp_path, lambda prompt: "", MIXTURE, "trainer.use_v1=False")


def test_a_row_names_its_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    monkeypatch.setattr(sys, "argv", ["verl", str(path), "3", "--split", "heldout"])
    main()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["extra_info"]["task"] for row in rows] == [0, 1, 2]
    assert {row["extra_info"]["split"] for row in rows} == {"heldout"}
    assert {row["agent_name"] for row in rows} == {"uptake"}


def test_a_row_of_another_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="names no task"):
        UptakeAgentLoop._task(object.__new__(UptakeAgentLoop), {"index": 3})


def commands() -> Iterator[list[str]]:
    """verl's options in each command of the docs."""
    text = DOCS.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^.*python -m verl\.trainer\.main_ppo.*$", text, re.MULTILINE):
        given = shlex.split(line.split("verl.trainer.main_ppo", 1)[1])
        yield [option for option in given if "=" in option]


def test_the_commands_of_the_docs_are_ones_that_verl_takes() -> None:
    found = list(commands())
    assert found
    for overrides in found:
        config = composed(*overrides)
        validate_config(config, use_reference_policy=False, use_critic=False)
        assert config.algorithm.adv_estimator == "grpo"


def test_the_agent_loops_of_the_docs_are_ones_that_there_are() -> None:
    (block,) = re.findall(r"```yaml\n(# loops\.yaml.*?)```", DOCS.read_text(), re.DOTALL)
    (asked,) = OmegaConf.create(block)
    known = inspect.signature(UptakeAgentLoop.__init__).parameters
    assert set(asked) - {"name", "_target_"} <= set(known)
    assert hydra.utils.get_class(asked["_target_"]) is UptakeAgentLoop
    Tasks("math", dict(asked["mixture"]))  # raises TaskError for a condition that there is not


@pytest.fixture
def ray_here() -> Iterator[None]:
    ray.init(num_cpus=4, include_dashboard=False, object_store_memory=2 * 10**8)
    yield
    ray.shutdown()


def batch_of(config: DictConfig, rows: Path, tokenizer: Any) -> Any:
    """The rows as verl's trainer reads them, with what it puts beside them."""
    dataset = RLHFDataset([str(rows)], tokenizer, config.data)
    told = collate_fn([dataset[at] for at in range(len(dataset))])
    told["uid"] = np.array([f"row{at}" for at in range(len(dataset))], dtype=object)
    batch = get_tensordict(told)
    assign_non_tensor_data(batch, "global_steps", 1)
    return batch


def test_verls_workers_play_conversations_with_the_embedded_model(
    tmp_path: Path, ray_here: None
) -> None:
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, 4)
    config = settings(
        tmp_path,
        WEIGHTS,
        MIXTURE,
        "actor_rollout_ref.rollout.n=2",
        "actor_rollout_ref.rollout.temperature=0",
        "actor_rollout_ref.rollout.agent.num_workers=1",
        "transfer_queue.backend.SimpleStorage.num_data_storage_units=1",
    )
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    coder = Coder(tokenizer)
    batch = batch_of(config, rows, tokenizer)
    tags = [{"is_prompt": True, "status": "pending", "global_steps": 1}] * len(batch)
    tq.init(config.transfer_queue)
    try:
        tq.kv_batch_put(keys=list(batch["uid"]), partition_id="train", tags=tags)
        manager = AgentLoopManagerTQ.create(config=config, llm_client=client(config, coder.end))
        manager.generate_sequences(batch)
        kept = ReplayBuffer("sync", config.trainer, 8, "drop", {}, poll_interval=0.2)
        found, _ = kept.sample(global_steps=1, partition_id="train", batch_size=len(batch))
        data = tq.kv_batch_get(keys=found.keys, partition_id="train")
    finally:
        tq.close()
    assert len(data) == 2 * len(batch)
    assert {tag["min_global_steps"] for tag in found.tags} == {STEP}
    paid: set[float] = set()
    for at in range(len(data)):
        row = {name: data[name][at] for name in ("prompts", "responses", "response_mask")}
        output = AgentLoopOutput(
            prompt_ids=row["prompts"].tolist(),
            response_ids=row["responses"].tolist(),
            response_mask=row["response_mask"].tolist(),
            metrics=AgentLoopMetrics(),
        )
        task = Tasks("math", MIXTURE).task(data["extra_info"][at]["task"])
        one = again(task, coder, drawn(output))
        assert one.reward is not None
        assert output.response_mask == one.sequences[0].mask
        assert output.response_ids == one.sequences[0].completion
        assert data["rm_scores"][at].sum().item() == pytest.approx(one.reward.total)
        paid.add(one.reward.total)
    assert len(paid) > 1
    assert max(data["num_turns"]) > 2
