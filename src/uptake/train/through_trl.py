"""The same teaching through TRL's GRPOTrainer, for any causal model of transformers.

Tasks, environment, rewards, masks and the constraint are those of `train.grpo`. TRL calls
`rollout_func` with prompts alone, so each prompt's first message carries the number of its task.
What it gives back has `env_mask`: without it TRL would train on the user's words and say nothing.

This module knows nothing of how rewards come about, or of TRL's losses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from uptake.embedded.model import WEIGHTS
from uptake.train.card import write_card
from uptake.train.grpo import Step, claim, summary, upto
from uptake.train.methods import GRPORecipe
from uptake.train.recipe import RecipeError
from uptake.train.reward import Constraint, Prices
from uptake.train.rollout import Coder, Drawn, Rollout, roll
from uptake.train.tasks import Tasks

__all__ = ["GenerateSampler", "Rollouts", "paid", "teach_through_trl"]

NUMBER = "task"
"""The key of a prompt's message that says which task it opens."""


class GenerateSampler:
    """A `Sampler` by `generate` of transformers, for any network. `temperature` 0 is greedy."""

    def __init__(self, model: Any, coder: Coder, *, reply_tokens: int, temperature: float) -> None:
        self._model, self._coder = model, coder
        self._most, self._temperature = reply_tokens, temperature
        self.tokens = 0

    def __call__(self, prompts: Sequence[Sequence[int]]) -> list[Drawn]:
        """A reply to each prompt, with the log-probabilities it was drawn by, in nats."""
        import torch

        if not prompts:
            return []
        width = max(len(prompt) for prompt in prompts)
        ids = torch.full((len(prompts), width), self._coder.end)
        heard = torch.zeros_like(ids)
        for at, prompt in enumerate(prompts):  # padded on the left, as `generate` wants it
            ids[at, width - len(prompt) :] = torch.tensor(prompt)
            heard[at, width - len(prompt) :] = 1
        device = self._model.device
        warm = {"temperature": self._temperature, "top_k": 0, "top_p": 1.0}
        training = self._model.training
        self._model.eval()
        with torch.no_grad():
            made = self._model.generate(
                input_ids=ids.to(device),
                attention_mask=heard.to(device),
                max_new_tokens=self._most,
                eos_token_id=self._coder.end,
                pad_token_id=self._coder.end,
                do_sample=self._temperature > 0,
                return_dict_in_generate=True,
                output_logits=True,
                **(warm if self._temperature > 0 else {}),
            )
        self._model.train(training)
        tokens = made.sequences[:, width:].cpu()
        logits = torch.stack(made.logits, dim=1).float().cpu() / (self._temperature or 1.0)
        chosen = torch.log_softmax(logits, dim=-1).gather(2, tokens.unsqueeze(2)).squeeze(2)
        return [self._drawn(*row) for row in zip(tokens.tolist(), chosen.tolist(), strict=True)]

    def _drawn(self, tokens: list[int], logprobs: list[float]) -> Drawn:
        end = self._coder.end
        count = tokens.index(end) + 1 if end in tokens else len(tokens)
        self.tokens += count
        return Drawn(tuple(tokens[:count]), tuple(logprobs[:count]))


class Rollouts:
    """TRL's `rollout_func`: plays each prompt's task, and holds the constraint.

    `last` are the rollouts of the latest call. Raises RecipeError where a conversation is not one
    sequence, as a condition beside a person's words gives them.
    """

    def __init__(self, recipe: GRPORecipe, coder: Coder, constraint: Constraint) -> None:
        self._recipe, self._coder = recipe, coder
        self.constraint = constraint
        self.price = constraint.value
        self.tasks = Tasks(recipe.domain, recipe.mixture, seed=recipe.seed)
        self.last: list[Rollout] = []

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        """The fields that TRL wants of each prompt, and `env_reward` (None: no score)."""
        recipe = self._recipe
        model = trainer.accelerator.unwrap_model(trainer.model)
        self.price = self.constraint.value
        self.last = roll(
            [self.tasks.task(prompt[0][NUMBER]) for prompt in prompts],
            self._coder,
            GenerateSampler(
                model,
                self._coder,
                reply_tokens=recipe.reply_tokens,
                temperature=recipe.temperature,
            ),
            room=recipe.room,
            multiplier=self.price,
            prices=Prices(**recipe.prices),
        )
        self.constraint.update([one.reward.overasks for one in self.last if one.reward])
        return fields(self.last)


def fields(played: Sequence[Rollout]) -> dict[str, list[Any]]:
    """The rollouts as TRL takes them. Raises RecipeError where one is not a single sequence."""
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
    import torch
    from transformers import AutoTokenizer
    from transformers.trainer_utils import get_last_checkpoint

    out.mkdir(parents=True, exist_ok=True)
    claim(recipe, out)
    folder = Path(recipe.model) if recipe.model else WEIGHTS
    if not (folder / "config.json").is_file():
        raise RecipeError(f"model = {recipe.model!r}: no config.json there; give a saved model")
    saved: Any = AutoTokenizer
    tokenizer = saved.from_pretrained(folder)
    last = get_last_checkpoint(str(out))
    constraint = Constraint(most=recipe.most_overasking, step=recipe.dual_step)
    log = out / "log.jsonl"
    lines = _upto_checkpoint(log, last)
    constraint.value = _price(last)
    rollouts = Rollouts(recipe, Coder(tokenizer), constraint)
    trainer = _trainer(recipe, out, folder, tokenizer, rollouts)
    watch = _watcher(recipe, rollouts, trainer, log, report, stop)
    trainer.add_callback(watch)
    if not lines:
        watch.note(Step(heldout=watch.evaluate()))
    trainer.train(resume_from_checkpoint=last)
    if trainer.state.global_step < recipe.steps:
        return None
    model = out / "model"
    trainer.accelerator.unwrap_model(trainer.model).to(torch.bfloat16).save_pretrained(model)
    tokenizer.save_pretrained(model)
    write_card(model, recipe.to_dict(), [json.loads(line) for line in log.read_text().splitlines()])
    return model


def _trainer(
    recipe: GRPORecipe, out: Path, folder: Path, tokenizer: Any, rollouts: Rollouts
) -> Any:
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    count = recipe.steps * recipe.tasks_per_step
    made: Any = Dataset
    rows = made.from_list(
        [{"prompt": [{"role": "user", "content": "", NUMBER: k}]} for k in range(count)]
    )
    kind: Any = GRPOConfig
    settings = kind(
        output_dir=str(out),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.group,
        gradient_accumulation_steps=recipe.tasks_per_step,
        num_generations=recipe.group,
        max_completion_length=recipe.room,
        temperature=recipe.temperature,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=recipe.warmup_steps,
        adam_beta2=0.99,
        weight_decay=0.0,
        max_grad_norm=recipe.clip,
        beta=0.0,
        loss_type="dapo",
        scale_rewards="group",
        shuffle_dataset=False,
        logging_steps=1,
        save_steps=recipe.evaluate_every,
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        bf16=False,
        seed=recipe.seed,
        model_init_kwargs={"dtype": "float32"},
        remove_unused_columns=False,
    )
    trainer: Any = GRPOTrainer
    return trainer(
        model=str(folder),
        reward_funcs=paid,
        args=settings,
        train_dataset=rows,
        processing_class=tokenizer,
        rollout_func=rollouts,
    )


def _watcher(
    recipe: GRPORecipe,
    rollouts: Rollouts,
    trainer: Any,
    log: Path,
    report: Callable[[Step], None] | None,
    stop: Callable[[], bool],
) -> Any:
    """A callback of TRL's that writes the log, measures what is held out, and keeps the price."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        def evaluate(self) -> dict[str, float]:
            heldout = Tasks(recipe.domain, recipe.mixture, seed=recipe.seed, split="heldout")
            coder = Coder(trainer.processing_class)
            model = trainer.accelerator.unwrap_model(trainer.model)
            sampler = GenerateSampler(
                model, coder, reply_tokens=recipe.reply_tokens, temperature=0.0
            )
            tasks = [heldout.task(number) for number in range(recipe.heldout)]
            return summary(roll(tasks, coder, sampler, room=recipe.room))

        def note(self, step: Step) -> None:
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(step)) + "\n")
            if report is not None:
                report(step)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if not logs or "reward" not in logs:
                return
            found = summary(rollouts.last)
            last = state.global_step == recipe.steps
            measured = last or state.global_step % recipe.evaluate_every == 0
            self.note(
                Step(
                    step=state.global_step,
                    reward=logs["reward"],
                    outcome=found.get("skill"),
                    overasking=found.get("overasking"),
                    price=rollouts.price,
                    entropy=logs.get("entropy"),
                    loss=logs.get("loss"),
                    unscored=sum(one.reward is None for one in rollouts.last),
                    tokens=sum(sum(row.mask) for one in rollouts.last for row in one.sequences),
                    learning=logs.get("step_time", 0.0),
                    heldout=self.evaluate() if measured else None,
                )
            )

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if stop():
                control.should_save = control.should_training_stop = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            kept = Path(args.output_dir) / f"checkpoint-{state.global_step}" / "price.json"
            kept.write_text(json.dumps(rollouts.constraint.value), encoding="utf-8")

    return Watch()


def _upto_checkpoint(log: Path, checkpoint: str | None) -> list[str]:
    """Take out of the log what came after the checkpoint; what is left of it."""
    if not log.exists():
        return []
    step = int(checkpoint.rpartition("-")[2]) if checkpoint else 0
    lines = upto(step, log.read_text(encoding="utf-8").splitlines(keepends=True))
    log.write_text("".join(lines), encoding="utf-8")
    return lines


def _price(checkpoint: str | None) -> float:
    """The constraint's price at a checkpoint."""
    kept = Path(checkpoint or "") / "price.json"
    return json.loads(kept.read_text(encoding="utf-8")) if checkpoint and kept.exists() else 0.0
