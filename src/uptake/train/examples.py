"""Teach by examples (SFT) or by preferences (DPO), through TRL, with the masks of the rollouts.

SFT learns the assistant's messages of chats in JSONL; DPO (Rafailov et al. 2023, arXiv 2305.18290)
what is chosen over what is rejected. Both measure held-out tasks as the taught models are measured.

This module knows nothing of what the examples say.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from uptake.train.course import Step, claim, opened
from uptake.train.methods import ExamplesRecipe
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, Tokens
from uptake.train.trainers import (
    common,
    kept_log,
    last_checkpoint,
    lora,
    saved,
    share,
    watcher,
)

__all__ = ["fit_examples", "read_rows", "sft_row"]

IGNORED = -100


def read_rows(path: Path, method: str) -> list[dict[str, Any]]:
    """The rows of a JSONL file: chats for "sft", pairs for "dpo".

    Raises RecipeError naming the file, the line, and what is missing in it.
    """
    wanted = ("messages",) if method == "sft" else ("prompt", "chosen", "rejected")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"data = {str(path)!r}: cannot be read ({error})") from None
    rows = [_row(f"{path}:{at}", line, wanted) for at, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise RecipeError(f"{path}: no rows; give JSONL with {' and '.join(wanted)}")
    return rows


def _row(where: str, line: str, wanted: Sequence[str]) -> dict[str, Any]:
    try:
        row: object = json.loads(line)
    except ValueError as error:
        raise RecipeError(f"{where}: not JSON ({error})") from None
    if not isinstance(row, dict):
        raise RecipeError(f"{where}: not a JSON object")
    fields = cast("dict[str, Any]", row)
    for key in wanted:
        if not _messages(fields.get(key)):
            raise RecipeError(f"{where}: {key!r} is missing or no list of chat messages; add it")
    if "messages" in wanted and not any(m["role"] == "assistant" for m in fields["messages"]):
        raise RecipeError(f"{where}: no message of the assistant's to learn from")
    return {key: fields[key] for key in wanted}


def _messages(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(
        isinstance(each, dict)
        and isinstance(cast("Any", each).get("content"), str)
        and isinstance(cast("Any", each).get("role"), str)
        for each in cast("list[object]", value)
    )


def sft_row(coder: Coder, messages: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """A chat as token ids and labels, -100 wherever the assistant did not speak."""
    row: Tokens = coder.chat(messages)
    labels = [IGNORED] * len(row.prompt)
    labels += [
        token if mine else IGNORED for token, mine in zip(row.completion, row.mask, strict=True)
    ]
    return {"input_ids": row.all, "labels": labels}


def fit_examples(
    recipe: ExamplesRecipe,
    out: Path,
    report: Callable[[Step], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Teach by the recipe's file into the folder `out`; returns the saved Hugging Face folder.

    The folder and the log are as those of `train.grpo.teach`. Raises RecipeError where `out` holds
    a run of another recipe, or the file or the model cannot be used.
    """
    rows = read_rows(Path(recipe.data), recipe.method)
    folder, tokenizer = opened(recipe)
    out.mkdir(parents=True, exist_ok=True)
    claim(recipe, out)
    last = last_checkpoint(out)
    log = out / "log.jsonl"
    kept_log(log, last)
    trainer = _trainer(recipe, out, folder, tokenizer, rows)

    def row(step: int, logs: Mapping[str, Any]) -> Step | None:
        return Step(step=step, loss=logs["loss"]) if "loss" in logs else None

    watch = watcher(recipe, trainer, log, row, report, stop)
    trainer.add_callback(watch)
    if last is None:
        watch.note(Step(heldout=watch.evaluate()))
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    how = f"{recipe.method.upper()}, {recipe.steps} steps of {recipe.batch} rows of {recipe.data}"
    return saved(recipe, trainer, tokenizer, out, how)


def _trainer(
    recipe: ExamplesRecipe, out: Path, folder: Path, tokenizer: Any, rows: list[dict[str, Any]]
) -> Any:
    # By name, so that checking types needs neither.
    trl: Any = importlib.import_module("trl")
    dataset: Any = importlib.import_module("datasets").Dataset
    settings = common(recipe, out) | {
        "per_device_train_batch_size": share("batch", recipe.batch),
        "max_length": recipe.room,
    }
    if recipe.method == "sft":
        coder = Coder(tokenizer)
        kind, trainer = trl.SFTConfig, trl.SFTTrainer
        data = dataset.from_list([sft_row(coder, row["messages"]) for row in rows])
    else:
        kind, trainer = trl.DPOConfig, trl.DPOTrainer
        data = dataset.from_list(rows)
        settings["beta"] = recipe.beta
    return trainer(
        model=str(folder),
        args=kind(**settings),
        train_dataset=data,
        processing_class=tokenizer,
        peft_config=lora(recipe),
    )
