"""Measure what teaching by reward did: asking for what is missing, and what it cost.

    python runs/taught.py FOLDER… [--naive FOLDER] [-n 500] [--seed 0] [--save]

Each FOLDER is a run of `uptake train taught`, one a seed; `--naive` one of `runs/naive.toml`, which
pays for every question instead of for what it comes to. Problems have names, things, numbers and
templates that training never meets, users are those held out (`literal`, `impatient`), replies are
greedy. The untaught model is measured on the same tasks. Each condition is a row: over-asking is of
complete requests, "solved" is the last answer once all was told, "asks" whether a question for what
was missing came before it. The seed of a published table is never used in development.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from table import save
from uptake.intervals import wilson
from uptake.train.course import opened
from uptake.train.methods import GRPORecipe
from uptake.train.rollout import Coder, Rollout, roll
from uptake.train.sampler import EngineSampler, engine
from uptake.train.tasks import TOLD, Tasks

CONDITIONS = (
    "missing.missing",
    "missing.distracted",
    "missing.complete",
    "lost.full",
    "lost.sharded",
    TOLD,
    "revision.changed",
    "revision.withdrawn",
    "presupposition.false",
)


def play(folder: str, n: int, seed: int) -> dict[str, list[Rollout]]:
    """Every condition's rollouts, greedily; of the model that ships where `folder` is ""."""
    from transformers import AutoModelForCausalLM

    where, tokenizer = opened(GRPORecipe(model=folder))
    coder = Coder(tokenizer)
    saved: Any = AutoModelForCausalLM
    found: dict[str, list[Rollout]] = {}
    with engine(saved.from_pretrained(where), coder.end) as running:
        for condition in CONDITIONS:
            source = Tasks("math", {condition: 1.0}, seed=seed, split="heldout")
            tasks = [source.task(number) for number in range(n)]
            sampler = EngineSampler(
                running, end=coder.end, reply_tokens=128, temperature=0.0, seed=seed
            )
            found[condition] = roll(tasks, coder, sampler, room=900)
            print(
                f"{folder or 'untaught'}  {condition}  {solved(found[condition]):.3f}", flush=True
            )
    return found


def solved(played: Sequence[Rollout]) -> float:
    """The mean outcome of what could be scored."""
    outcomes = [one.reward.outcome for one in played if one.reward]
    return sum(outcomes) / len(outcomes)


def asks(played: Sequence[Rollout]) -> list[bool]:
    """Of each, whether it asked for something not told before it answered."""
    return [_asks(one) for one in played if one.episode]


def _asks(one: Rollout) -> bool:
    told: set[int] = set()
    for turn in one.episode.turns if one.episode else ():
        told |= set(turn.told)
        if turn.answer is not None:
            return False
        if turn.asked:
            return turn.about is not None and turn.about not in told
    return False


def overasks(played: Sequence[Rollout]) -> list[bool]:
    """Of each, whether a question was put that nothing called for."""
    return [bool(one.reward.overasks) for one in played if one.reward]


def _row(figure: str, hits: Sequence[float], target: str = "") -> dict[str, Any]:
    low, high = wilson(sum(hits), len(hits))
    value = sum(hits) / len(hits)
    return {
        "figure": figure, "value": value, "low": low, "high": high, "n": len(hits), "target": target
    }  # fmt: skip


def rows_of(name: str, played: dict[str, list[Rollout]], *, aimed: bool) -> list[dict[str, Any]]:
    """The rows of one model; targets are shown where they are aimed at."""
    outcome = {
        condition: [one.reward.outcome for one in some if one.reward]
        for condition, some in played.items()
    }
    rows = [
        _row(
            f"{name}: asks for what is missing",
            asks(played["missing.missing"]),
        ),
        _row(
            f"{name}: solved after asking, missing",
            outcome["missing.missing"],
            ">= 0.74" if aimed else "",
        ),
        _row(f"{name}: solved after asking, distracted", outcome["missing.distracted"]),
        _row(
            f"{name}: asks on a complete request",
            overasks(played["missing.complete"]),
            "<= 0.05" if aimed else "",
        ),
        _row(
            f"{name}: FULL",
            outcome["lost.full"],
            "within 0.02 of untaught" if aimed else "",
        ),
    ]
    rest = ("lost.sharded", TOLD, "revision.changed", "revision.withdrawn", "presupposition.false")
    return rows + [_row(f"{name}: {condition}", outcome[condition]) for condition in rest]


def seconds(folder: Path) -> float:
    """How long the steps of a run took, from its log."""
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line) for line in lines]
    return sum(step["drawing"] + step["learning"] for step in steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--naive", type=Path)
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    rows = rows_of("untaught", play("", given.n, given.seed), aimed=False)
    for number, folder in enumerate(given.folders, 1):
        played = play(str(folder / "model"), given.n, given.seed)
        rows += rows_of(f"taught, run {number}", played, aimed=True)
        rows.append({"figure": f"taught, run {number}: steps", "value": seconds(folder) / 60,
                     "unit": "min", "target": "<= 60 min"})  # fmt: skip
    if given.naive:
        played = play(str(given.naive / "model"), given.n, given.seed)
        rows += rows_of("paid for every question", played, aimed=False)
    for row in rows:
        print(f"{row['figure']:55s} {row['value']:.3f} {row.get('target', '')}")
    if given.save:
        save(
            "6-taught",
            title="The embedded model, taught by reward to ask for what is missing",
            command=f"python runs/taught.py RUNS --naive RUN -n {given.n} --seed {given.seed}",
            rows=rows,
        )


if __name__ == "__main__":
    main()
