"""Measure what teaching did to every skill: the model as it ships, and taught ones, unaided.

    python runs/unaided.py NAME=FOLDER… [-n 200] [--seed 0] [--lost] [--save]

Each FOLDER is a saved model (`uptake train taught` and `distilled` leave one in `model`; the end of
`conversant` lies in `runs/models/conversant`). Every probe is played on each; then `lost` ten times
an instruction on half as many, for unreliability, bare and with a mediator that reads by rules.
Temperature 1, users and problems of the held-out split; at temperature 0 `lost` once more, which
shows how much of a gain is a surer model and how much an abler one. Whether a skill rose or fell is
said where the intervals of before and after are apart; a slope over working is no skill, and is
shown beside the two skills that it compares. With `--lost` that is all of it, on n instructions:
what is kept, with a narrower interval.
The seed of a published figure is never used in development.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import uptake
from table import save
from uptake.probes import metrics
from uptake.scores import Row
from uptake.study.measure import SKILLS

Key = tuple[str, str, str]

REPEATS = 10
BEFORE = "as it ships"

LOST: tuple[tuple[Key, str], ...] = (
    (("lost", "mean", "full"), ""),
    (("lost", "mean", "sharded"), ""),
    (("lost", "kept", "sharded"), ">= 0.92"),
    (("lost", "u90_10", "sharded"), "<= 0.15"),
)
"""What is read off the repeated run, and what is asked for of a taught model."""


def skills(model: str, n: int, seed: int, out: Path) -> dict[Key, Row]:
    """The last-turn rows of every probe, each instruction played once."""
    result = uptake.probe(
        *sorted(SKILLS), model=model, n=n, repeats=1, seed=seed, out=out, controls=False
    )
    return {row.key: row for row in result.rows() if row.score == "last"}


def lost(model: str, n: int, seed: int, out: Path) -> dict[bool, dict[Key, Row]]:
    """The rows of `lost` over repeats, by whether the model is mediated."""
    result = uptake.probe(
        "lost",
        model=model,
        n=n,
        repeats=REPEATS,
        seed=seed,
        out=out,
        conditions=("full", "sharded"),
        controls=False,
        mediated=True,
    )
    rows = [row for row in result.rows() if row.score == "last"]
    return {side: {row.key: row for row in rows if row.mediated is side} for side in (False, True)}


def greedily(model: str, n: int, seed: int, out: Path) -> dict[Key, Row]:
    """The last-turn rows of `lost` at temperature 0, where there is nothing to repeat."""
    result = uptake.probe(
        "lost",
        model=model,
        n=n,
        repeats=1,
        seed=seed,
        out=out,
        conditions=("full", "sharded"),
        controls=False,
        temperature=0.0,
    )
    return {row.key: row for row in result.rows() if row.score == "last"}


def wanted() -> list[Key]:
    """The headline figures of every probe; of `thinking` all, since a slope alone does not say
    whether the skill at its one end rose or that at its other end fell.
    """
    return [
        (probe, m.name, m.condition)
        for probe, measured in metrics(sorted(SKILLS)).items()
        for m in measured
        if probe != "lost" and (m.headline or probe == "thinking")
    ]


def measure(models: dict[str, str], n: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """Rows model by model: `lost` over repeats, then each skill beside what it was before."""
    rows: list[dict[str, Any]] = []
    before: dict[Key, Row] = {}
    for name, model in models.items():
        folder = out / name.replace(" ", "-")
        sides = lost(model, n // 2, seed, folder / "lost")
        found = skills(model, n, seed, folder / "skills")
        rows += _kept(name, sides, aimed=name != BEFORE)
        surest = greedily(model, n, seed, folder / "greedy")
        for key, _ in LOST[:3]:
            rows.append(_row(f"{name}, at temperature 0", key, surest[key]))
        for key in wanted():
            rows.append(_row(name, key, found[key]) | _moved(found[key], before.get(key)))
        before = before or found
    return rows


def kept(models: dict[str, str], n: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """Rows of `lost` over repeats alone, model by model."""
    rows: list[dict[str, Any]] = []
    for name, model in models.items():
        rows += _kept(name, lost(model, n, seed, out / name.replace(" ", "-")), aimed=True)
    return rows


def _kept(name: str, sides: dict[bool, dict[Key, Row]], *, aimed: bool) -> list[dict[str, Any]]:
    """What is read off the repeated run, bare and mediated."""
    rows: list[dict[str, Any]] = []
    for key, target in LOST:
        rows.append(_row(name, key, sides[False][key]) | {"target": target if aimed else ""})
        rows.append(_row(f"{name}, mediated", key, sides[True][key]))
    return rows


def _row(name: str, key: Key, row: Row) -> dict[str, Any]:
    probe, metric, condition = key
    figure = f"{name}: {probe}: {metric.replace('_', ' ')}, {condition}"
    return {
        "figure": figure, "value": row.value, "low": row.low, "high": row.high, "n": row.n,
        "note": row.note,
    }  # fmt: skip


def _moved(row: Row, was: Row | None) -> dict[str, str]:
    """Whether a figure is clear of what it was; nothing of a slope, or without both intervals."""
    if was is None or row.metric.startswith("slope"):
        return {}
    if row.low is None or row.high is None or was.low is None or was.high is None:
        return {}
    if row.low > was.high:
        return {"note": "up"}
    return {"note": "down"} if row.high < was.low else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+", help="NAME=FOLDER")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/unaided"))
    parser.add_argument("--lost", action="store_true", help="`lost` over repeats alone")
    parser.add_argument("--save", action="store_true", help="write runs/results/6-….json")
    given = parser.parse_args()
    pairs = [model.partition("=") for model in given.models]
    if not all(folder for _, _, folder in pairs):
        parser.error("give each model as NAME=FOLDER")
    models = {name: f"embedded:{folder}" for name, _, folder in pairs}
    if given.lost:
        rows = kept(models, given.n, given.seed, given.out)
    else:
        rows = measure({BEFORE: "embedded"} | models, given.n, given.seed, given.out)
    for row in rows:
        value = "" if row["value"] is None else f"{row['value']:.3f}"
        print(f"{row['figure']:70s} {value} {row.get('target') or ''} {row.get('note') or ''}")
    if given.save:
        command = f"python runs/unaided.py NAME=FOLDER... -n {given.n} --seed {given.seed}"
        save(
            "6-kept" if given.lost else "6-unaided",
            title=(
                "What teaching keeps of what is told over turns"
                if given.lost
                else "What teaching did to every skill, unaided"
            ),
            command=command + " --lost" * given.lost,
            rows=rows,
        )


if __name__ == "__main__":
    main()
