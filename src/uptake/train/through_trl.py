"""The same teaching through TRL's GRPOTrainer, for any causal model of transformers.

Tasks, environment, rewards, masks and the constraint are those of `train.grpo`. TRL calls
`rollout_func` with prompts alone, so each prompt's first message carries the number of its task.
What it gives back has `env_mask`: without it TRL would train on the user's words and say nothing.

This module knows nothing of how rewards come about, or of TRL's losses.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from uptake.train.card import write_card
from uptake.train.course import Step, claim, how, opened, summary, upto
from uptake.train.methods import ExamplesRecipe, GRPORecipe
from uptake.train.recipe import RecipeError
from uptake.train.reward import Constraint, Prices
from uptake.train.rollout import Coder, Drawn, Rollout, roll
from uptake.train.tasks import Tasks

__all__ = [
    "GenerateSampler",
    "Rollouts",
    "common",
    "kept_log",
    "last_checkpoint",
    "paid",
    "saved",
    "teach_through_trl",
    "watcher",
]

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
        chosen: Any = torch.log_softmax(logits, dim=-1).gather(2, tokens.unsqueeze(2)).squeeze(2)
        drawn: list[list[int]] = tokens.tolist()
        likely: list[list[float]] = chosen.tolist()
        return [self._drawn(*row) for row in zip(drawn, likely, strict=True)]

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

    def row(self, step: int, logs: Mapping[str, Any]) -> Step | None:
        """The line of the log for a step, of which TRL says `logs`."""
        if "reward" not in logs:
            return None
        found = summary(self.last)
        return Step(
            step=step,
            reward=logs["reward"],
            outcome=found.get("skill"),
            overasking=found.get("overasking"),
            price=self.price,
            entropy=logs.get("entropy"),
            loss=logs.get("loss"),
            unscored=sum(one.reward is None for one in self.last),
            tokens=sum(sum(row.mask) for one in self.last for row in one.sequences),
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
    lines = kept_log(log, last)
    constraint.value = _price(last)
    rollouts = Rollouts(recipe, Coder(tokenizer), constraint)
    trainer = _trainer(recipe, out, folder, tokenizer, rollouts)
    watch = watcher(recipe, trainer, log, rollouts.row, report, stop)
    trainer.add_callback(watch)
    trainer.add_callback(_keeper(constraint))
    if not lines:
        watch.note(Step(heldout=watch.evaluate()))
    trainer.train(resume_from_checkpoint=last)
    return saved(recipe, trainer, tokenizer, out, how(recipe))


def saved(
    recipe: GRPORecipe | ExamplesRecipe, trainer: Any, tokenizer: Any, out: Path, by: str
) -> Path | None:
    """The model, its tokenizer and its card in `out`; None where steps are left. `by` is how."""
    import torch

    if trainer.state.global_step < recipe.steps:
        return None
    model = out / "model"
    trainer.accelerator.unwrap_model(trainer.model).to(torch.bfloat16).save_pretrained(model)
    tokenizer.save_pretrained(model)
    lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
    write_card(model, recipe.to_dict(), [json.loads(line) for line in lines], by)
    return model


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
        per_device_train_batch_size=recipe.group,
        gradient_accumulation_steps=recipe.tasks_per_step,
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
    )


def watcher(
    recipe: GRPORecipe | ExamplesRecipe,
    trainer: Any,
    log: Path,
    row: Callable[[int, Mapping[str, Any]], Step | None],
    report: Callable[[Step], None] | None,
    stop: Callable[[], bool],
) -> Any:
    """A callback that writes the log and measures what is held out, in the place of TRL's printer.

    `row` makes a line of what the trainer logs at a step, None where it says nothing of the step.
    """
    from transformers import PrinterCallback, TrainerCallback

    trainer.remove_callback(PrinterCallback)

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
            made = row(state.global_step, logs or {})
            if made is None:
                return
            last = state.global_step == recipe.steps
            if last or state.global_step % recipe.evaluate_every == 0:
                made = replace(made, heldout=self.evaluate())
            self.note(made)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if stop():
                control.should_save = control.should_training_stop = True

    return Watch()


def _keeper(constraint: Constraint) -> Any:
    """A callback that keeps the constraint's price beside each checkpoint."""
    from transformers import TrainerCallback

    class Keeper(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            kept = Path(args.output_dir) / f"checkpoint-{state.global_step}" / "price.json"
            kept.write_text(json.dumps(constraint.value), encoding="utf-8")

    return Keeper()


def kept_log(log: Path, checkpoint: str | None) -> list[str]:
    """Take out of the log what came after the checkpoint; what is left of it."""
    if not log.exists():
        return []
    step = int(checkpoint.rpartition("-")[2]) if checkpoint else 0
    lines = upto(step, log.read_text(encoding="utf-8").splitlines(keepends=True))
    log.write_text("".join(lines), encoding="utf-8")
    return lines


def last_checkpoint(out: Path) -> str | None:
    """The latest checkpoint of TRL's in a folder."""
    found = [
        (int(each.name.partition("-")[2]), str(each))
        for each in out.glob("checkpoint-*")
        if (each / "trainer_state.json").exists()
    ]
    return max(found)[1] if found else None


def common(recipe: GRPORecipe | ExamplesRecipe, out: Path) -> dict[str, Any]:
    """The settings that all of TRL's trainers get."""
    import torch

    return {
        "output_dir": str(out),
        "max_steps": recipe.steps,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": recipe.warmup_steps,
        "adam_beta2": 0.99,
        "weight_decay": 0.0,
        "max_grad_norm": recipe.clip,
        "logging_steps": 1,
        "save_steps": recipe.evaluate_every,
        "save_total_limit": 2,
        "report_to": [],
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
        "bf16": False,
        "seed": recipe.seed,
        "model_init_kwargs": {"dtype": "float32"},
    }


def _price(checkpoint: str | None) -> float:
    """The constraint's price at a checkpoint."""
    kept = Path(checkpoint or "") / "price.json"
    return json.loads(kept.read_text(encoding="utf-8")) if checkpoint and kept.exists() else 0.0
