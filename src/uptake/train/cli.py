"""`uptake train RECIPE`: from a recipe to a saved model, with progress and a plot of the loss.

This module knows nothing of how training works.
"""

from __future__ import annotations

import json
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from uptake.errors import UptakeError
from uptake.train.recipe import read_recipe

__all__ = ["train"]


def train(recipe: str, /, *, out: Path | None = None, tokens: int | None = None) -> None:
    """Train a model from scratch by a recipe; the same command goes on where it stopped.

    Parameters
    ----------
    recipe
        The name of a shipped recipe (base), or a TOML file.
    out
        The folder for checkpoint, log, plot and model. Default: out/train-NAME.
    tokens
        Another budget than the recipe's, in tokens; what it goes on from keeps its own.
    """
    found = read_recipe(recipe)
    if tokens is not None:
        if tokens <= 0:
            raise UptakeError(f"--tokens {tokens}: give a number above 0")
        found = found.with_budget(tokens)
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise UptakeError(
            f"uptake train needs {' and '.join(missing)}: pip install torch==2.13.0, then "
            "pip install 'uptake[train]'"
        )
    from uptake.train.fit import Progress, fit

    folder = out or Path("out") / f"train-{found.name}"

    def tell(progress: Progress) -> None:
        left = (progress.budget - progress.tokens) / max(progress.rate, 1.0)
        print(
            f"{progress.recipe}  step {progress.step}"
            f"  {progress.tokens / 1e6:.2f} of {progress.budget / 1e6:.1f}M tokens"
            f"  loss {progress.loss:.4f}  {progress.rate:,.0f} tokens/s  {left / 60:.0f} min left",
            file=sys.stderr,
            flush=True,
        )

    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupted.append(number))
    model = fit(found, folder, tell, lambda: bool(interrupted))
    if model is None:
        print(f"stopped; the same command goes on from {folder}", file=sys.stderr)
        raise SystemExit(130)
    plot = plot_loss(folder)
    print(f"{model}: a Hugging Face folder; try: uptake probe --model hf:{model}\n{plot}: the loss")


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
