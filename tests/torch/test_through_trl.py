"""The same teaching through TRL: end to end, the user's words masked, the same loss."""

from __future__ import annotations

import dataclasses
import inspect
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import trl
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl.generation.vllm_generation import VLLMGeneration

from uptake.embedded.model import WEIGHTS
from uptake.train.generate import VLLMSampler
from uptake.train.grpo import advantages, grpo_loss
from uptake.train.methods import GRPORecipe, read_any
from uptake.train.recipe import RecipeError
from uptake.train.reward import Constraint
from uptake.train.rollout import Coder, Drawn
from uptake.train.through_trl import Rollouts, _trainer, _vllm, teach_through_trl

# What TRL and transformers say of each other, and of `rollout_func`, is theirs to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func'"),
]

TINY = GRPORecipe(
    name="tiny",
    trainer="trl",
    mixture={"missing.missing": 0.5, "lost.sharded": 0.5},
    steps=2,
    tasks_per_step=2,
    group=4,
    heldout=2,
    evaluate_every=1,
    reply_tokens=16,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Llama of about a million parameters, with the tokenizer that ships."""
    folder = tmp_path_factory.mktemp("small")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=1024,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=1024,
        pad_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    assert 0.8e6 < model.num_parameters() < 1.3e6
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(WEIGHTS).save_pretrained(folder)
    return str(folder)


def log_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_a_model_is_taught_from_end_to_end_and_a_stopped_run_goes_on(
    small: str, tmp_path: Path
) -> None:
    recipe = replace(TINY, model=small)
    assert teach_through_trl(recipe, tmp_path, stop=lambda: True) is None
    assert [row["step"] for row in log_of(tmp_path)] == [0, 1]
    folder = teach_through_trl(recipe, tmp_path)
    assert folder is not None
    assert [row["step"] for row in log_of(tmp_path)] == [0, 1, 2]
    assert "GRPO, 2 steps" in (folder / "README.md").read_text()
    assert LlamaForCausalLM.from_pretrained(folder).num_parameters() > 0.8e6
    with pytest.raises(RecipeError, match="another recipe"):
        teach_through_trl(replace(recipe, seed=3), tmp_path)


def test_the_loss_is_that_of_the_compact_trainer(small: str, tmp_path: Path) -> None:
    """One batch, drawn by TRL's own call of `rollout_func`; rewards that differ are given to it."""
    recipe = replace(TINY, model=small, tasks_per_step=1, group=4)
    tokenizer = AutoTokenizer.from_pretrained(small)
    rollouts = Rollouts(recipe, Coder(tokenizer), Constraint())
    trainer = _trainer(recipe, tmp_path, Path(small), tokenizer, rollouts)
    rewards = [1.0, 0.0, -0.25, 0.5]
    trainer.reward_funcs = [lambda **given: rewards]
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    prompt = {"prompt": [{"role": "user", "content": "", "task": 0}]}
    inputs = trainer._prepare_inputs([prompt] * 4)
    theirs = trainer._compute_loss(trainer.model, inputs)
    theirs.backward()
    grads = [parameter.grad.clone() for parameter in trainer.model.parameters()]
    trainer.model.zero_grad()

    rows = [one.sequences[0] for one in rollouts.last]
    assert any(0 in row.mask for row in rows)  # the user answered somewhere
    weights = [weight or 0.0 for weight in advantages(rewards, 4)]
    total = sum(sum(row.mask) for row in rows)
    ours, _ = grpo_loss(trainer.model, rows, weights, total=total)
    ours.backward()
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), abs=1e-5)
    for mine, parameter in zip(grads, trainer.model.parameters(), strict=True):
        assert torch.allclose(mine, parameter.grad, atol=1e-5, rtol=1e-3)


def test_vllm_is_asked_and_set_up_as_trl_does_it() -> None:
    """Without a GPU: a stand-in with the signature of TRL's, and the names of its settings."""
    wanted = inspect.signature(VLLMGeneration.generate)

    class Stand:
        def generate(self, **given: Any) -> tuple[Any, ...]:
            asked = wanted.bind(self, **given).arguments
            assert asked["num_generations"] == 1
            drawn = [[len(prompt), 1] for prompt in asked["prompts"]]
            return asked["prompts"], drawn, [[[-0.5], [-0.25]] for _ in drawn], None

    drawn = VLLMSampler(Stand())([[5, 6], [7]])
    assert drawn == [Drawn((2, 1), (-0.5, -0.25)), Drawn((1, 1), (-0.5, -0.25))]
    known = {field.name for field in dataclasses.fields(trl.GRPOConfig)}
    assert _vllm(replace(TINY, vllm=True), 1).keys() <= known


def test_a_condition_beside_a_persons_words_is_refused(small: str, tmp_path: Path) -> None:
    recipe = replace(TINY, model=small, mixture={"grounding.beside": 1.0})
    with pytest.raises(RecipeError, match=r"leave grounding.beside out"):
        teach_through_trl(recipe, tmp_path)


def test_an_unknown_trainer_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("method = 'grpo'\ntrainer = 'mine'")
    with pytest.raises(RecipeError, match="use 'compact' or 'trl'"):
        read_any(str(path))
