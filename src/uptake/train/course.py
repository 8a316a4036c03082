"""What all ways of teaching share: a folder, a line of its log a step, and what is measured.

This module knows nothing of torch, or of how anything is learned.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from uptake.embedded.model import WEIGHTS
from uptake.train.methods import DistilRecipe, ExamplesRecipe, GRPORecipe
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, Rollout, TemplateError
from uptake.users import TRAINING

__all__ = [
    "Step",
    "claim",
    "first",
    "how",
    "keep_upto",
    "mean",
    "opened",
    "processes",
    "summary",
    "upto",
]


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to; a line of `log.jsonl`.

    `reward` and `outcome` are means over what was played and scored, `overasking` the rate of
    conversations with a needless question among those that call for none, `price` what the
    constraint took for one. `dropped` groups had rewards all alike, `unscored` conversations no
    reward. `entropy` is a drawn token's, in nats. `drawing` and `learning` are seconds. `heldout`
    has, where it was measured, the mean outcome by condition, of all ("skill") and the rate of
    needless questions ("overasking"), greedily, with users and problems that training never meets.
    """

    step: int = 0
    reward: float | None = None
    outcome: float | None = None
    overasking: float | None = None
    price: float = 0.0
    entropy: float | None = None
    loss: float | None = None
    dropped: int = 0
    unscored: int = 0
    tokens: int = 0
    drawing: float = 0.0
    learning: float = 0.0
    heldout: Mapping[str, float] | None = None


def first() -> bool:
    """Whether this is the first of the processes that `torchrun` started: it alone writes."""
    return os.environ.get("RANK", "0") == "0"


def processes() -> int:
    """How many processes `torchrun` started, on all machines."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def claim(recipe: GRPORecipe | DistilRecipe | ExamplesRecipe, out: Path) -> None:
    """Write down whose folder it is. Raises RecipeError where it is another run's.

    A setting that an older run knows nothing of had its default there.
    """
    settings, free = out / "recipe.json", {"steps", "checkpoint_seconds", "device"}
    given = json.loads(json.dumps(recipe.to_dict()))
    if settings.exists():
        known = type(recipe)().to_dict() | json.loads(settings.read_text(encoding="utf-8"))
        if any(known[key] != given[key] for key in given if key not in free):
            raise RecipeError(
                f"{out} holds a run of another recipe; give another --out or remove it"
            )
    if first():
        new = settings.with_suffix(".new")  # another process may be reading
        new.write_text(json.dumps(given, indent=2), encoding="utf-8")
        new.replace(settings)


def opened(recipe: GRPORecipe | DistilRecipe | ExamplesRecipe) -> tuple[Path, Any]:
    """The folder of the recipe's model, and its tokenizer. Raises RecipeError where it is none."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    folder = Path(recipe.model).resolve() if recipe.model else WEIGHTS  # adapters keep its name
    if not (folder / "config.json").is_file():
        raise RecipeError(f"model = {recipe.model!r}: no config.json there; give a saved model")
    logging.disable_progress_bar()  # a run shows its own
    saved: Any = AutoTokenizer
    tokenizer = saved.from_pretrained(folder)
    if not tokenizer.chat_template:
        raise RecipeError(f"{folder}: its tokenizer has no chat template; save one with it")
    try:
        Coder(tokenizer)
    except TemplateError as error:
        raise RecipeError(f"{folder}: {error}") from error
    return folder, tokenizer


def how(recipe: GRPORecipe | DistilRecipe) -> str:
    """The method in a line, for the card."""
    if isinstance(recipe, DistilRecipe):
        played = f"{recipe.steps} steps of {recipe.tasks_per_step} conversations"
        return f"FULL-view self-distillation, {played}; users: {', '.join(TRAINING)}"
    played = f"{recipe.tasks_per_step} tasks, {recipe.group} times each"
    return f"GRPO, {recipe.steps} steps of {played}; users: {', '.join(TRAINING)}"


def upto(step: int, lines: Sequence[str]) -> list[str]:
    """The whole lines of a log up to a step; none where nothing was saved."""
    whole = [line for line in lines if line.endswith("\n")] if step else []
    return [line for line in whole if json.loads(line)["step"] <= step]


def keep_upto(step: int, log: Path) -> None:
    """Take out of a log what came after a step: a run that goes on from there logs it again."""
    if log.exists():
        lines = upto(step, log.read_text(encoding="utf-8").splitlines(keepends=True))
        log.write_text("".join(lines), encoding="utf-8")


def summary(played: Sequence[Rollout]) -> dict[str, float]:
    """The mean outcome by condition, that of all ("skill"), and the rate of needless questions.

    What could not be measured is left out.
    """
    by: dict[str, list[float]] = {}
    for one in played:
        if one.reward is not None:
            name = f"{one.task.probe}.{one.task.scenario.condition}"
            by.setdefault(name, []).append(one.reward.outcome)
    found = {name: fmean(by[name]) for name in sorted(by)}
    if found:
        found["skill"] = fmean(outcome for some in by.values() for outcome in some)
    overasks = [one.reward.overasks for one in played if one.reward]
    rate = mean(overasks)
    return found if rate is None else {**found, "overasking": rate}


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return fmean(known) if known else None
