"""Measure what a mediator does to every skill: the embedded model bare, and mediated in two ways.

    python runs/mended.py [-n 200] [--seed 0] [--save]

The analyst is either the rules or `examine`, for which the model itself says what is missing. Each
instruction is played once under each condition. The seed of a published figure is never used in
development.
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

ASKED = ("lost", "missing")
"""Where `examine` is played, too: elsewhere nothing is missing."""

Key = tuple[str, str, str]


def played(*probes: str, n: int, seed: int, out: Path, analyst: str) -> dict[bool, dict[Key, Row]]:
    """The last-turn rows of one run, by whether the model is mediated."""
    result = uptake.probe(
        *probes,
        n=n,
        repeats=1,
        seed=seed,
        out=out / analyst,
        controls=False,
        mediated=True,
        analyst=analyst,
    )
    if result.failed > len(result.episodes()) // 1000:
        raise SystemExit(f"{result.failed} episodes failed; see {out / analyst}")
    if result.failed:  # a conversation of 20 turns may outgrow the model's context
        print(
            f"{result.failed} of {len(result.episodes()):,} episodes failed and count for nothing"
        )
    rows = [row for row in result.rows() if row.score == "last"]
    return {side: {row.key: row for row in rows if row.mediated is side} for side in (False, True)}


def measure(n: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """A row for each headline figure and side: bare, and mediated with each analyst."""
    rules = played(*sorted(SKILLS), n=n, seed=seed, out=out, analyst="rules")
    examine = played(*ASKED, n=n, seed=seed, out=out, analyst="examine")
    sides = {"bare": rules[False], "rules": rules[True], "examine": examine[True]}
    wanted: list[Key] = [("lost", "mean", "full"), ("lost", "mean", "sharded")]
    wanted.append(("missing", "holds", "complete"))
    for probe, measured in metrics(sorted(SKILLS)).items():
        wanted += [(probe, m.name, m.condition) for m in measured if m.headline]
    rows: list[dict[str, Any]] = []
    for key in wanted:
        probe, metric, condition = key
        for side, found in sides.items():
            if key not in found:
                continue
            row = found[key]
            said = side if side == "bare" else f"mediated, {side}"
            figure = f"{probe}: {metric.replace('_', ' ')}, {condition}: {said}"
            bounds = {"low": row.low, "high": row.high, "n": row.n, "note": row.note}
            rows.append({"figure": figure, "value": row.value, **bounds})
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=733155)
    parser.add_argument("--out", type=Path, default=Path("out/mended"))
    parser.add_argument("--save", action="store_true", help="write runs/results/4-skills.json")
    given = parser.parse_args()
    rows = measure(given.n, given.seed, given.out)
    for row in rows:
        print(row)
    if given.save:
        save(
            "4-skills",
            title="What a mediator does to every skill of the embedded model",
            command=f"python runs/mended.py -n {given.n} --seed {given.seed} --save",
            rows=rows,
        )
