"""LoRA through TRL, in every way of teaching: what learns, what is saved, that a run goes on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from uptake.conversation import Conversation
from uptake.model import Sampling
from uptake.models.local import Local
from uptake.train.examples import fit_examples
from uptake.train.methods import ExamplesRecipe, GRPORecipe, read_any
from uptake.train.pairs import pairs
from uptake.train.recipe import RecipeError
from uptake.train.through_trl import teach_through_trl

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func'"),
]

CHAT = [
    {"role": "user", "content": "Ann has 3 pens. How many pens has she?"},
    {"role": "assistant", "content": "The answer is 3."},
]
SHORT: dict[str, Any] = {
    "name": "tiny",
    "steps": 2,
    "heldout": 1,
    "evaluate_every": 1,
    "reply_tokens": 8,
    "learning_rate": 1e-2,
    "warmup_steps": 0,
    "lora_rank": 4,
}


@pytest.fixture
def chats(tmp_path: Path) -> str:
    path = tmp_path / "chats.jsonl"
    path.write_text("".join(json.dumps({"messages": CHAT}) + "\n" for _ in range(4)))
    return str(path)


def weights_of(folder: Path | str) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(folder).state_dict())


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """The weights that are not the same, but for the rounding to bfloat16."""
    close = {name: torch.allclose(before[name], after[name].float(), atol=4e-3) for name in before}
    return {name for name, same in close.items() if not same}


def test_sft_moves_the_linear_layers_alone_and_merges_them(
    small: str, chats: str, tmp_path: Path
) -> None:
    recipe = ExamplesRecipe(**SHORT, model=small, data=chats, batch=2)
    folder = fit_examples(recipe, tmp_path / "out")
    assert folder is not None
    assert not (folder / "adapter_config.json").exists()
    names = moved(weights_of(small), weights_of(folder))
    assert names
    assert all("_proj" in name for name in names)
    assert "LoRA of rank 4, merged" in (folder / "README.md").read_text()


def test_an_adapter_is_a_model_with_the_weights_of_the_merged_one(
    small: str, chats: str, tmp_path: Path
) -> None:
    merged = ExamplesRecipe(**SHORT, model=small, data=chats, batch=2)
    whole = fit_examples(merged, tmp_path / "merged")
    alone = fit_examples(replace(merged, save="adapter"), tmp_path / "adapter")
    assert whole is not None
    assert alone is not None
    assert (alone / "adapter_model.safetensors").stat().st_size < 40_000
    assert not (alone / "model.safetensors").exists()
    base = AutoModelForCausalLM.from_pretrained(small)
    put_on = PeftModel.from_pretrained(base, alone).merge_and_unload().state_dict()
    assert moved(put_on, weights_of(whole)) == set()
    assert moved(weights_of(small), put_on)


def test_an_adapter_answers(small: str, chats: str, tmp_path: Path) -> None:
    recipe = ExamplesRecipe(**SHORT | {"learning_rate": 1e-5}, model=small, data=chats, batch=2)
    folder = fit_examples(replace(recipe, save="adapter"), tmp_path / "out")
    assert folder is not None

    async def scene() -> str:
        model = Local(folder)
        reply = await model.reply(Conversation().user("Hi"), Sampling(max_tokens=8))
        await model.aclose()
        return reply.text

    assert asyncio.run(scene())


def test_dpo_compares_with_the_model_without_its_adapters(small: str, tmp_path: Path) -> None:
    data = tmp_path / "pairs.jsonl"
    pairs(out=data, n=4)
    recipe = ExamplesRecipe(**SHORT, method="dpo", model=small, data=str(data), batch=2)
    folder = fit_examples(recipe, tmp_path / "out")
    assert folder is not None
    lines = (tmp_path / "out" / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert losses[1] == pytest.approx(0.6931, abs=1e-3)  # ln 2: the adapters begin at nothing
    assert losses[2] != pytest.approx(losses[1], abs=1e-4)


def test_grpo_learns_by_adapters_and_a_stopped_run_goes_on(small: str, tmp_path: Path) -> None:
    recipe = GRPORecipe(
        **SHORT,
        trainer="trl",
        model=small,
        mixture={"missing.missing": 1.0},
        prices={"question": 0.5},
        tasks_per_step=2,
        group=4,
    )
    assert teach_through_trl(recipe, tmp_path, stop=lambda: True) is None
    assert (tmp_path / "checkpoint-1" / "adapter_model.safetensors").exists()
    folder = teach_through_trl(recipe, tmp_path)
    assert folder is not None
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 1, 2]
    assert weights_of(folder).keys() == weights_of(small).keys()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("method = 'grpo'\nlora_rank = 8", "go with trainer = 'trl'"),
        ("method = 'grpo'\nvllm = true", "go with trainer = 'trl'"),
        ("method = 'grpo'\ntrainer = 'trl'\nlora_rank = -1", "0 or more"),
        ("method = 'grpo'\ntrainer = 'trl'\nvllm_memory = 2.0", "a share between 0 and 1"),
        ("method = 'sft'\ndata = 'x'\nsave = 'both'", "use 'merged' or 'adapter'"),
        ("method = 'sft'\ndata = 'x'\nsave = 'adapter'", "goes with a lora_rank"),
        ("method = 'sft'\ndata = 'x'\nlora_rank = 4\nlora_alpha = 0.0", "lora_alpha above 0"),
    ],
)
def test_a_bad_recipe_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=line):
        read_any(str(path))
