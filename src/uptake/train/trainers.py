"""What all of TRL's trainers share here: settings, LoRA, several processes, checkpoints, the log.

`torchrun` starts the same command several times; each process plays and learns its share of every
step, the first alone writes. A checkpoint counts once its last file is whole, so that a run killed
at any moment goes on from one that is.

This module knows nothing of what is learned, or of how rewards come about.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from uptake.train.card import write_card
from uptake.train.course import Step, first, keep_upto, processes, summary
from uptake.train.generate import GenerateSampler
from uptake.train.methods import ExamplesRecipe, GRPORecipe
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, Rollout, roll
from uptake.train.tasks import Tasks

__all__ = [
    "bare",
    "common",
    "everyones",
    "kept_log",
    "last_checkpoint",
    "lora",
    "saved",
    "share",
    "state_of",
    "tasks_of",
    "watcher",
]

AnyTaught = GRPORecipe | ExamplesRecipe


def common(recipe: AnyTaught, out: Path) -> dict[str, Any]:
    """The settings that all of TRL's trainers get.

    Weights are in float32, and computed with in bfloat16 where there is a GPU. Under LoRA the
    weights that stay as they are take half of that there.
    """
    import torch

    cuda = torch.cuda.is_available()
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
        "use_cpu": not cuda,
        "bf16": cuda,
        "seed": recipe.seed,
        "ddp_find_unused_parameters": False,
        "model_init_kwargs": {"dtype": "bfloat16" if cuda and recipe.lora_rank else "float32"},
    }


def lora(recipe: AnyTaught) -> Any:
    """PEFT's settings of low-rank adapters on all linear layers; None where all weights learn.

    Hu et al. 2021, arXiv 2106.09685: the update of a layer is `lora_alpha / lora_rank` times the
    product of two matrices of that rank.
    """
    if not recipe.lora_rank:
        return None
    # By name, so that checking types does not need it.
    peft: Any = importlib.import_module("peft")
    return peft.LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def tasks_of(recipe: AnyTaught, split: str) -> Tasks:
    """The recipe's tasks of a split."""
    return Tasks(
        recipe.domain,
        recipe.mixture,
        seed=recipe.seed,
        split=split,
        instructions=recipe.instructions,
    )


def share(name: str, count: int) -> int:
    """What one of the processes takes of the `count` that the setting `name` has for a step.

    Raises RecipeError where they cannot take the same.
    """
    among = processes()
    if count % among:
        raise RecipeError(f"{name} = {count} over {among} processes: give a multiple of {among}")
    return count // among


def everyones(mine: Sequence[Any]) -> list[Any]:
    """The items of all processes, those of the first before those of the second."""
    if processes() == 1:
        return list(mine)
    utilities: Any = importlib.import_module("accelerate.utils")
    return utilities.gather_object(list(mine))


def bare(played: Sequence[Rollout]) -> list[Rollout]:
    """The rollouts with what is counted of them alone, to be sent to other processes."""
    return [replace(one, sequences=(), episode=None) for one in played]


def saved(recipe: AnyTaught, trainer: Any, tokenizer: Any, out: Path, by: str) -> Path | None:
    """The model, its tokenizer and its card in `out`; None where steps are left. `by` is how.

    Adapters are merged into the model, unless the recipe says `save = "adapter"`.
    """
    import torch

    if trainer.state.global_step < recipe.steps:
        return None
    folder = out / "model"
    if first():
        model = trainer.accelerator.unwrap_model(trainer.model)
        if recipe.lora_rank and recipe.save == "adapter":
            model.save_pretrained(folder)
            by += f"; LoRA of rank {recipe.lora_rank}, needs the model it began from"
        else:
            if recipe.lora_rank:
                model = model.merge_and_unload()
                by += f"; LoRA of rank {recipe.lora_rank}, merged"
            model.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
        write_card(folder, recipe.to_dict(), [json.loads(line) for line in lines], by)
    trainer.accelerator.wait_for_everyone()
    return folder


def watcher(
    recipe: AnyTaught,
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
            heldout = tasks_of(recipe, "heldout")
            coder = Coder(trainer.processing_class)
            model = trainer.accelerator.unwrap_model(trainer.model)
            sampler = GenerateSampler(
                model, coder, reply_tokens=recipe.reply_tokens, temperature=0.0
            )
            mine = range(trainer.accelerator.process_index, recipe.heldout, processes())
            tasks = [heldout.task(number) for number in mine]
            return summary(everyones(bare(roll(tasks, coder, sampler, room=recipe.room))))

        def note(self, step: Step) -> None:
            if not first():
                return
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
            if any(everyones([stop()])):  # all of them, or one would wait for the others
                control.should_save = control.should_training_stop = True

    return Watch()


def kept_log(log: Path, checkpoint: Path | None) -> None:
    """Take out of the log what came after the checkpoint."""
    if first():
        keep_upto(_step(checkpoint) if checkpoint else 0, log)


def last_checkpoint(out: Path) -> Path | None:
    """The latest checkpoint of TRL's in a folder that was written to its end."""
    found = [each for each in out.glob("checkpoint-*") if state_of(each) is not None]
    return max(found, key=_step, default=None)


def state_of(checkpoint: Path) -> dict[str, Any] | None:
    """The trainer's state in a checkpoint, its last file; None where that is not whole."""
    try:
        text = (checkpoint / "trainer_state.json").read_text(encoding="utf-8")
        return cast("dict[str, Any]", json.loads(text))
    except (OSError, ValueError):
        return None


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
