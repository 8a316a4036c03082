"""What share of a training step is not the model's: rollouts against the runtime's raw token rate.

    python benchmarks/rollout.py [--rounds 5] [--save]

The tasks are those of the recipe `taught`, the model is the one that ships. In one run, in turn:

* rollouts, as the compact trainer plays them: environment, users, verifier, rewards, templates;
* the runtime alone, on the same prompts in the same calls, so that it draws the same tokens;
* the runtime alone, on all of these prompts at once: no turn waits for another conversation's.

Each begins with an empty cache. Then a step of the trainer itself, for what learning takes. Wall
time on two cores: run it on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "runs"))

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from table import save
from uptake.embedded.model import WEIGHTS
from uptake.train.grpo import Teaching
from uptake.train.methods import GRPORecipe, read_any
from uptake.train.rollout import Coder, Drawn, roll
from uptake.train.sampler import EngineSampler, engine
from uptake.train.tasks import Tasks

TARGET = 0.8
Prompts = Sequence[Sequence[int]]


class Heard:
    """A sampler that remembers what it was asked, and how long its answers took."""

    def __init__(self, within: EngineSampler) -> None:
        self.within, self.calls, self.seconds = within, list[Prompts](), 0.0

    def __call__(self, prompts: Prompts) -> Sequence[Drawn]:
        self.calls.append([list(prompt) for prompt in prompts])
        began = time.perf_counter()
        drawn = self.within(prompts)
        self.seconds += time.perf_counter() - began
        return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    disable_progress_bar()
    recipe = read_any("taught")
    assert isinstance(recipe, GRPORecipe)
    measured = [one_round(recipe, number) for number in range(asked.rounds)]
    for number, row in enumerate(measured):
        print(
            f"round {number}: " + "  ".join(f"{name} {value:,.2f}" for name, value in row.items())
        )
    step = learning(recipe)
    found = [
        figure("rollouts against the runtime on the same calls", column(measured, "same"), TARGET),
        figure("rollouts against the runtime on all prompts at once", column(measured, "at_once")),
        figure(
            "share of a training step that is neither drawing nor learning",
            [
                (row["handing"] + row["around"]) / (row["handing"] + row["rolling"] + step)
                for row in measured
            ],
        ),
    ]
    rates = column(measured, "tokens_a_second")
    for row in found:
        print(f"{row['figure']}: {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})")
    print(f"{statistics.median(rates):,.0f} tokens/s in rollouts; learning {step:.2f} s a step")
    if asked.save:
        found[0]["note"] = f"{statistics.median(rates):,.0f} tokens/s in rollouts; {RANGE}"
        command = "python benchmarks/rollout.py --save"
        save("6-rollout", title="What teaching takes beside the model", command=command, rows=found)


RANGE = "median, lowest and highest round"


def figure(name: str, values: Sequence[float], target: float | None = None) -> dict[str, object]:
    return {
        "figure": name,
        "value": statistics.median(values),
        "low": min(values),
        "high": max(values),
        "n": len(values),
        "note": RANGE,
        **({} if target is None else {"target": f"≥ {target:g}"}),
    }


def column(rows: Sequence[dict[str, float]], name: str) -> list[float]:
    return [row[name] for row in rows]


def one_round(recipe: GRPORecipe, number: int) -> dict[str, float]:
    """Seconds of one step's rollouts, and ratios of token rates."""
    coder = Coder(AutoTokenizer.from_pretrained(WEIGHTS))
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    tasks = Tasks(recipe.domain, recipe.mixture, seed=1000 + number)
    step = [tasks.task(k) for k in range(recipe.tasks_per_step) for _ in range(recipe.group)]
    calls: list[Prompts] = []
    spent: dict[str, float] = {}

    def drawing(name: str, work: Callable[[EngineSampler], int]) -> int:
        began = time.perf_counter()
        with engine(model, coder.end) as running:
            spent[f"{name}_handing"] = time.perf_counter() - began
            given = {"reply_tokens": recipe.reply_tokens, "temperature": recipe.temperature}
            sampler = EngineSampler(running, end=coder.end, seed=number, **given)
            began = time.perf_counter()
            tokens = work(sampler)
            spent[name] = time.perf_counter() - began
        return tokens

    def rollouts(sampler: EngineSampler) -> int:
        heard = Heard(sampler)
        roll(step, coder, heard, room=recipe.room)
        calls.extend(heard.calls)
        spent["drawn"] = heard.seconds
        return sampler.tokens

    def same(sampler: EngineSampler) -> int:
        for prompts in calls:
            sampler(prompts)
        return sampler.tokens

    def at_once(sampler: EngineSampler) -> int:
        sampler([prompt for prompts in calls for prompt in prompts])
        return sampler.tokens

    tokens = drawing("rollouts", rollouts)
    assert drawing("same", same) == tokens
    free = drawing("at_once", at_once)  # other seeds, other tokens: so rates, not times
    rate = tokens / spent["rollouts"]
    return {
        "tokens_a_second": rate,
        "same": spent["same"] / spent["rollouts"],
        "at_once": rate / (free / spent["at_once"]),
        "handing": spent["rollouts_handing"],
        "rolling": spent["rollouts"],
        "around": spent["rollouts"] - spent["drawn"],
    }


def learning(recipe: GRPORecipe) -> float:
    """Seconds that a step of the trainer takes to learn from its rollouts."""
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        steps = Teaching(
            replace(recipe, heldout=1, steps=4, evaluate_every=9), Path(folder)
        ).steps()
        next(steps)  # what it measures before the first
        return statistics.median(next(steps).learning for _ in range(3))


if __name__ == "__main__":
    main()
