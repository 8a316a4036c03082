"""The same teaching through TRL's GRPOTrainer, for any causal model of transformers.

Tasks, environment, rewards, masks and the constraint are those of `train.grpo`. TRL calls
`rollout_func` with prompts alone, so each prompt's first message carries the number of its task.
What it gives back has `env_mask`: without it TRL would train on the user's words and say nothing.

This module knows nothing of how rewards come about, or of TRL's losses.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from uptake.train.course import Step, claim, how, opened, summary
from uptake.train.generate import GenerateSampler, VLLMSampler
from uptake.train.methods import GRPORecipe
from uptake.train.recipe import RecipeError
from uptake.train.reward import Constraint, Prices
from uptake.train.rollout import Coder, Rollout, Sampler, roll
from uptake.train.trainers import (
    bare,
    common,
    everyones,
    kept_log,
    last_checkpoint,
    lora,
    saved,
    share,
    state_of,
    tasks_of,
    watcher,
)

__all__ = ["Rollouts", "paid", "teach_through_trl"]

NUMBER = "task"
"""The key of a prompt's message that says which task it opens."""
PRICE = "price"


class Rollouts:
    """TRL's `rollout_func`: plays each prompt's task, and holds the constraint.

    `last` are the rollouts of the latest call, `counted` what is counted of all processes' ones, by
    which all hold the constraint at the same price, and `tokens` how many these drew. Raises
    RecipeError where a conversation is not one sequence, as a condition beside a person's words
    gives them.
    """

    def __init__(self, recipe: GRPORecipe, coder: Coder, constraint: Constraint) -> None:
        self._recipe, self._coder = recipe, coder
        self.constraint = constraint
        self.price = constraint.value
        self.tasks = tasks_of(recipe, "train")
        self.last: list[Rollout] = []
        self.counted: list[Rollout] = []
        self.tokens = 0

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        """The fields that TRL wants of each prompt, and `env_reward` (None: no score)."""
        self.price = self.constraint.value
        self.last = roll(
            [self.tasks.task(prompt[0][NUMBER]) for prompt in prompts],
            self._coder,
            self._sampler(trainer),
            room=self._recipe.room,
            multiplier=self.price,
            prices=Prices(**self._recipe.prices),
        )
        self.counted = everyones(bare(self.last))
        self.tokens = sum(everyones([sum(row.mask) for one in self.last for row in one.sequences]))
        self.constraint.update([one.reward.overasks for one in self.counted if one.reward])
        return fields(self.last)

    def _sampler(self, trainer: Any) -> Sampler:
        if self._recipe.vllm:
            return VLLMSampler(trainer.vllm_generation)
        recipe, model = self._recipe, trainer.accelerator.unwrap_model(trainer.model)
        return GenerateSampler(
            model, self._coder, reply_tokens=recipe.reply_tokens, temperature=recipe.temperature
        )

    def row(self, step: int, logs: Mapping[str, Any]) -> Step | None:
        """The line of the log for a step, of which TRL says `logs`."""
        if "reward" not in logs:
            return None
        found = summary(self.counted)
        return Step(
            step=step,
            reward=logs["reward"],
            outcome=found.get("skill"),
            overasking=found.get("overasking"),
            price=self.price,
            entropy=logs.get("entropy"),
            loss=logs.get("loss"),
            unscored=sum(one.reward is None for one in self.counted),
            tokens=self.tokens,
            learning=logs.get("step_time", 0.0),
        )


def fields(played: Sequence[Rollout]) -> dict[str, list[Any]]:
    """The rollouts as TRL takes them. Raises RecipeError where one is not a single sequence."""
    if not all(one.sequences for one in played):
        raise RecipeError("a task's first message takes all of `room`: give a larger one")
    if any(len(one.sequences) != 1 for one in played):
        raise RecipeError(
            "a conversation beside a person's words is several sequences, and TRL takes one: "
            "leave grounding.beside out of the mixture"
        )
    rows = [one.sequences[0] for one in played]
    return {
        "prompt_ids": [row.prompt for row in rows],
        "completion_ids": [row.completion for row in rows],
        "logprobs": [row.logprobs for row in rows],
        "env_mask": [row.mask for row in rows],
        "env_reward": [one.reward.total if one.reward else None for one in played],
    }


def paid(env_reward: Sequence[float | None], **given: Any) -> list[float | None]:
    """TRL's reward function: what the environment paid."""
    return list(env_reward)


def teach_through_trl(
    recipe: GRPORecipe,
    out: Path,
    report: Callable[[Step], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Teach by the recipe through TRL; the same folder and the same log as `train.grpo.teach`.

    Checkpoints are TRL's, in `out/checkpoint-N`. Raises RecipeError where `out` holds a run of
    another recipe, or the model is none.
    """
    folder, tokenizer = opened(recipe)
    out.mkdir(parents=True, exist_ok=True)
    claim(recipe, out)
    last = last_checkpoint(out)
    constraint = Constraint(most=recipe.most_overasking, step=recipe.dual_step)
    log = out / "log.jsonl"
    kept_log(log, last)
    constraint.value = _price(last)
    rollouts = Rollouts(recipe, Coder(tokenizer), constraint)
    trainer = _trainer(recipe, out, folder, tokenizer, rollouts)
    watch = watcher(recipe, trainer, log, rollouts.row, report, stop)
    trainer.add_callback(watch)
    trainer.add_callback(_keeper(constraint))
    if last is None:
        watch.note(Step(heldout=watch.evaluate()))
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return saved(recipe, trainer, tokenizer, out, how(recipe))


def _trainer(
    recipe: GRPORecipe, out: Path, folder: Path, tokenizer: Any, rollouts: Rollouts
) -> Any:
    # By name, so that checking types needs neither.
    trl: Any = importlib.import_module("trl")
    dataset: Any = importlib.import_module("datasets").Dataset
    count = recipe.steps * recipe.tasks_per_step
    rows = dataset.from_list(
        [{"prompt": [{"role": "user", "content": "", NUMBER: k}]} for k in range(count)]
    )
    settings = trl.GRPOConfig(
        **common(recipe, out),
        **(_vllm(recipe, Coder(tokenizer).end) if recipe.vllm else {}),
        per_device_train_batch_size=recipe.group,
        gradient_accumulation_steps=share("tasks_per_step", recipe.tasks_per_step),
        num_generations=recipe.group,
        max_completion_length=recipe.room,
        temperature=recipe.temperature,
        beta=0.0,
        loss_type="dapo",
        scale_rewards="group",
        shuffle_dataset=False,
        remove_unused_columns=False,
    )
    return trl.GRPOTrainer(
        model=str(folder),
        reward_funcs=paid,
        args=settings,
        train_dataset=rows,
        processing_class=tokenizer,
        rollout_func=rollouts,
        peft_config=lora(recipe),
    )


def _vllm(recipe: GRPORecipe, end: int) -> dict[str, Any]:
    """TRL's settings of a vLLM in each training process, which has a copy of the weights."""
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": recipe.vllm_memory,
        "vllm_max_model_length": recipe.room + recipe.reply_tokens,
        "generation_kwargs": {"max_tokens": recipe.reply_tokens, "stop_token_ids": [end]},
    }


def _keeper(constraint: Constraint) -> Any:
    """A callback whose state is the constraint's price, kept in one file with the trainer's."""
    from transformers import TrainerCallback
    from transformers.trainer_callback import ExportableState

    class Keeper(TrainerCallback, ExportableState):
        def state(self) -> dict[str, Any]:
            return {"args": {}, "attributes": {PRICE: constraint.value}}

    return Keeper()


def _price(checkpoint: Path | None) -> float:
    """The constraint's price at a checkpoint, as `_keeper` left it there."""
    state = (state_of(checkpoint) if checkpoint else None) or {}
    kept: Any = state.get("stateful_callbacks", {}).get("Keeper")
    return kept["attributes"][PRICE] if kept else 0.0
