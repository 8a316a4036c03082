"""`uptake train RECIPE`: from a recipe to a saved model, with progress and a plot of how it went.

This module knows nothing of how training works.
"""

from __future__ import annotations

import json
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uptake.errors import UptakeError
from uptake.train.course import first, processes
from uptake.train.memory import in_memory
from uptake.train.methods import (
    AnyRecipe,
    DistilRecipe,
    ExamplesRecipe,
    GRPORecipe,
    courses,
    read_any,
)
from uptake.train.recipe import Recipe

if TYPE_CHECKING:
    from uptake.train.course import Step
    from uptake.train.fit import Progress

__all__ = ["train"]


def train(
    recipe: str,
    /,
    *,
    out: Path | None = None,
    tokens: int | None = None,
    data: Path | None = None,
) -> None:
    """Train a model by a recipe; the same command goes on where it stopped.

    Parameters
    ----------
    recipe
        The name of a shipped recipe (base, taught, distilled, consistent, conversant), or a TOML
        file; or acts, the annotator that reads logs (docs/acts.md).
    out
        The folder for checkpoint, log, plot and model. Default: out/train-NAME.
    tokens
        Of a model from scratch: another budget than the recipe's, in tokens; what it goes on from
        keeps its own.
    data
        Of acts: the folder of the dialogue corpora.
    """
    if recipe == "acts":
        _learn_acts(data, out, tokens)
        return
    if data is not None:
        raise UptakeError("--data goes with acts; a recipe names its own data")
    found = read_any(recipe)
    if tokens is not None:
        if not isinstance(found, Recipe):
            raise UptakeError(f"--tokens goes with a model from scratch, not with {found.method}")
        if tokens <= 0:
            raise UptakeError(f"--tokens {tokens}: give a number above 0")
        found = found.with_budget(tokens)
    course = courses(found)
    for each in course:
        _check_installed(each)
    folder = out or Path("out") / f"train-{found.name}"
    warnings.simplefilter("ignore", FutureWarning)  # what TRL and transformers say of each other
    warnings.filterwarnings("ignore", "You are using 'rollout_func'")
    interrupted: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):  # schedulers and torchrun send the other
        signal.signal(number, lambda number, frame: interrupted.append(number))
    with in_memory(found):
        model, plot = _in_turn(course, folder, lambda: bool(interrupted))
    if model is None:
        _say(f"stopped; the same command goes on from {folder}")
        raise SystemExit(130)
    if not first():
        return
    print(f"{model}: a Hugging Face folder; try: uptake probe --model hf:{model}")
    print(f"{plot(folder)}: how it went")


def _check_installed(recipe: AnyRecipe) -> None:
    """Raise UptakeError where this cannot be trained by what is installed, or by this command."""
    own = isinstance(recipe, Recipe | DistilRecipe)
    through_trl = not own and getattr(recipe, "trainer", "trl") == "trl"
    needed = ["torch", "transformers", *(("accelerate", "trl", "datasets") if through_trl else ())]
    needed += ["peft"] if getattr(recipe, "lora_rank", 0) else []
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UptakeError(
            f"uptake train needs {', '.join(missing)}: pip install torch==2.13.0, then "
            "pip install 'uptake[train]'"
        )
    if getattr(recipe, "vllm", False) and find_spec("vllm") is None:
        raise UptakeError("vllm = true needs vLLM: pip install vllm, or leave it out of the recipe")
    if processes() > 1 and not through_trl:
        raise UptakeError(
            f"{recipe.name} is trained in one process; start it without torchrun, or teach with "
            "trainer = 'trl'"
        )


def _learn_acts(data: Path | None, out: Path | None, tokens: int | None) -> None:
    if data is None:
        raise UptakeError("uptake train acts needs --data DIR, the corpora: see docs/acts.md")
    if tokens is not None:
        raise UptakeError("--tokens goes with a model from scratch, not with acts")
    if find_spec("torch") is None:
        raise UptakeError("uptake train acts needs torch: pip install torch==2.13.0")
    from uptake.train.acts import learn

    weights, card = learn(data, out or Path("out") / "train-acts", _say)
    print(f"{weights}: read by uptake.audit.learned.read_weights")
    print(f"{card}: what it was learned from, and how often it is right")


def _in_turn(
    course: Sequence[AnyRecipe], folder: Path, stop: Callable[[], bool]
) -> tuple[Path | None, Callable[[Path], Path]]:
    """Train by one recipe after another, each but the last in a folder of its own within."""
    *earlier, last = course
    begun: Path | None = None
    for recipe in earlier:
        begun, plot = _by_method(_from(begun, recipe), folder / recipe.name, stop)
        if begun is None:
            return None, plot
    return _by_method(_from(begun, last), folder, stop)


def _from(model: Path | None, recipe: AnyRecipe) -> AnyRecipe:
    if model is None or isinstance(recipe, Recipe):
        return recipe
    return replace(recipe, after="", model=str(model))


def _by_method(
    recipe: AnyRecipe, folder: Path, stop: Callable[[], bool]
) -> tuple[Path | None, Callable[[Path], Path]]:
    """Train as the recipe's method says: the model, None if stopped, and what plots its log."""
    if isinstance(recipe, GRPORecipe):
        from uptake.train.card import plot_teaching
        from uptake.train.grpo import teach
        from uptake.train.through_trl import teach_through_trl

        way = teach_through_trl if recipe.trainer == "trl" else teach
        return way(recipe, folder, lambda step: _say(_taught(step, recipe)), stop), plot_teaching
    if isinstance(recipe, DistilRecipe):
        from uptake.train.card import plot_teaching
        from uptake.train.distil import distil

        made = distil(recipe, folder, lambda step: _say(_taught(step, recipe)), stop)
        return made, plot_teaching
    if isinstance(recipe, ExamplesRecipe):
        from uptake.train.card import plot_teaching
        from uptake.train.examples import fit_examples

        made = fit_examples(recipe, folder, lambda step: _say(_taught(step, recipe)), stop)
        return made, plot_teaching
    from uptake.train.fit import fit

    return fit(recipe, folder, lambda progress: _say(_fitted(progress)), stop), plot_loss


def _fitted(progress: Progress) -> str:
    left = (progress.budget - progress.tokens) / max(progress.rate, 1.0)
    return (
        f"{progress.recipe}  step {progress.step}"
        f"  {progress.tokens / 1e6:.2f} of {progress.budget / 1e6:.1f}M tokens"
        f"  loss {progress.loss:.4f}  {progress.rate:,.0f} tokens/s  {left / 60:.0f} min left"
    )


def _taught(step: Step, recipe: GRPORecipe | DistilRecipe | ExamplesRecipe) -> str:
    parts = [f"{recipe.name}  step {step.step} of {recipe.steps}"]
    for name, value in (
        ("reward", step.reward),
        ("needless questions", step.overasking),
        ("entropy", step.entropy),
        ("loss", None if isinstance(recipe, GRPORecipe) else step.loss),
    ):
        if value is not None:
            parts.append(f"{name} {value:.2f}")
    if step.dropped:
        parts.append(f"{step.dropped} groups alike")
    if step.unscored:
        parts.append(f"{step.unscored} unscored")
    if step.drawing + step.learning:
        parts.append(f"{step.drawing + step.learning:.1f} s")
    if step.heldout is not None:
        skill, rate = step.heldout.get("skill"), step.heldout.get("overasking")
        parts.append("held out: skill " + ("-" if skill is None else f"{skill:.2f}"))
        parts.append("needless " + ("-" if rate is None else f"{rate:.2f}"))
    return "  ".join(parts)


def _say(line: str) -> None:
    if first():
        print(line, file=sys.stderr, flush=True)


def plot_loss(folder: Path) -> Path:
    """Draw the loss in nats against millions of tokens, as `folder`/loss.svg.

    What the recipe goes on from comes first; its log lies one folder deeper.
    """
    import altair as alt

    points: list[dict[str, Any]] = []
    before = 0.0
    for log in sorted(folder.rglob("log.jsonl"), key=lambda log: -len(log.parts)):
        rows: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
        points += [
            {"tokens": before + row["tokens"] / 1e6, "loss": row["loss"], "recipe": row["recipe"]}
            for row in rows
        ]
        before = points[-1]["tokens"] if points else 0.0
    chart = (
        alt.Chart(alt.Data(values=points), width=640, height=320)
        .mark_line()
        .encode(
            x=alt.X("tokens:Q", title="tokens (millions)"),
            y=alt.Y("loss:Q", title="loss on assistant tokens (nats)").scale(type="log"),
            color=alt.Color("recipe:N", sort=None, title=None),
        )
    )
    path = folder / "loss.svg"
    chart.save(str(path))
    return path
