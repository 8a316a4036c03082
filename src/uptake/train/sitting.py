"""A course of teaching in this process: one step after another in a folder, and on after a stop.

What a step does is for the method to say (`train.grpo`, `train.distil`). A step depends on the
recipe, its number and the weights alone, so a resumed run ends as an unbroken one does; what a
broken run logged beyond its checkpoint is taken out of the log.

This module knows nothing of how anything is learned.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

from uptake.seeds import stable_seed
from uptake.train.card import write_card
from uptake.train.course import Step, claim, how, keep_upto, opened, summary
from uptake.train.loops import opened_model, save_model
from uptake.train.memory import give_back
from uptake.train.methods import DistilRecipe, GRPORecipe
from uptake.train.reward import PRICES, Prices
from uptake.train.rollout import roll
from uptake.train.sampler import EngineSampler, engine
from uptake.train.tasks import Tasks

__all__ = ["Drawing", "Sitting", "attend"]

STATE = "state.pt"

R = TypeVar("R", GRPORecipe, DistilRecipe)


class Sitting(ABC, Generic[R]):
    """A run in the folder `out`: the model, its optimizer, its tasks and its steps."""

    def __init__(self, recipe: R, out: Path, *, prices: Prices = PRICES) -> None:
        """Begin with the recipe's model. Raises RecipeError where `out` holds another run."""
        import torch

        self.begun, _ = opened(recipe)
        out.mkdir(parents=True, exist_ok=True)
        claim(recipe, out)
        self.recipe, self.out, self.prices = recipe, out, prices
        self.model, self.coder = opened_model(self.begun, torch.device("cpu"))
        self.optimizer: Any = torch.optim.AdamW(
            self.model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        self.tasks = Tasks(recipe.domain, recipe.mixture, seed=recipe.seed)
        self.heldout = Tasks(recipe.domain, recipe.mixture, seed=recipe.seed, split="heldout")
        self.step: int = 0

    @abstractmethod
    def take(self) -> Step:
        """One step; counts it."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `kept` gave."""

    def kept(self) -> dict[str, Any]:
        """What goes into the checkpoint beside the model, its optimizer and the step."""
        return {}

    @property
    def log(self) -> Path:
        """One line a step."""
        return self.out / "log.jsonl"

    def load(self) -> None:
        """Go on from the checkpoint, where there is one; later lines of the log are let go."""
        import torch

        path = self.out / STATE
        if path.exists():
            state = torch.load(path, map_location="cpu", weights_only=False)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = int(state["step"])
            self.restore(state)
        keep_upto(self.step, self.log)

    def save(self) -> None:
        """Write the checkpoint; what was there before stays until the new one is whole."""
        import torch

        new = self.out / f"{STATE}.new"
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            **self.kept(),
        }
        torch.save(state, new)
        new.replace(self.out / STATE)

    def steps(self) -> Iterator[Step]:
        """Measure the model as it comes, then take the steps that the recipe says."""
        if self.step == 0:
            yield Step(heldout=self.evaluate())
        while self.step < self.recipe.steps:
            yield self.take()

    def update(self) -> None:
        """Move the weights by the gradients of a step, which are then forgotten."""
        import torch

        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * self.share()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def share(self) -> float:
        """The share of the learning rate that this step has: it rises over the warm-up."""
        return min(1.0, (self.step + 1) / max(1, self.recipe.warmup_steps))

    def due(self) -> bool:
        """Whether the step just taken is one after which held-out tasks are played."""
        return self.step == self.recipe.steps or self.step % self.recipe.evaluate_every == 0

    def evaluate(self) -> dict[str, float]:
        """Held-out tasks, greedily: the mean outcome by condition, and needless questions."""
        tasks = [self.heldout.task(number) for number in range(self.recipe.heldout)]
        with self.sampler(0.0) as sampler:
            played = roll(tasks, self.coder, sampler, room=self.recipe.room, prices=self.prices)
        return summary(played)

    def sampler(self, temperature: float) -> Drawing:
        """What draws replies with the weights of the moment, while it is needed."""
        return Drawing(self.model, self.coder.end, self.recipe, temperature, self.step)

    def finish(self) -> Path:
        """Save the model, in bf16, with its tokenizer and a card, as a Hugging Face folder."""
        folder = save_model(self.model, self.begun, self.out / "model")
        lines = self.log.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        write_card(folder, self.recipe.to_dict(), rows, how(self.recipe))
        return folder


class Drawing:
    """A sampler with the weights of the moment, while it is needed."""

    def __init__(
        self,
        model: Any,
        end: int,
        recipe: GRPORecipe | DistilRecipe,
        temperature: float,
        step: int,
    ) -> None:
        self._engine = engine(model, end)
        self._given: dict[str, Any] = {
            "end": end,
            "reply_tokens": recipe.reply_tokens,
            "temperature": temperature,
            "seed": stable_seed("draw", recipe.seed, step),
        }

    def __enter__(self) -> EngineSampler:
        return EngineSampler(self._engine.__enter__(), **self._given)

    def __exit__(self, *error: Any) -> None:
        self._engine.__exit__(*error)


def attend(
    run: Sitting[Any],
    report: Callable[[Step], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Go on with a run to its end; the saved folder, or None where `stop` said so in between."""
    run.load()
    saved = time.monotonic()
    for step in run.steps():
        with run.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(asdict(step)) + "\n")
        if report is not None:
            report(step)
        if stop() and run.step < run.recipe.steps:
            run.save()
            return None
        if time.monotonic() - saved >= run.recipe.checkpoint_seconds:
            run.save()
            give_back()
            saved = time.monotonic()
    run.save()
    return run.finish()
