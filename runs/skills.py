"""Measure the profile of the embedded model: every probe, with its headline figures.

    python runs/skills.py [-n 200] [--seed 0] [--save]

Each instruction is played once under each condition. The seed of a published profile is never used
in development.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import uptake
from table import save
from uptake.probes import metrics
from uptake.study.measure import SKILLS


def measure(model: str, n: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """One row a headline figure, the time of all last; the constant policies' best in a note."""
    started = time.perf_counter()
    probes = sorted(SKILLS)
    result = uptake.probe(*probes, model=model, n=n, repeats=1, seed=seed, out=out)
    seconds = time.perf_counter() - started
    scored = (row for row in result.rows() if row.score == "last")
    found = {(*row.key, row.model): row for row in scored}
    wanted = [("lost", "mean", "full"), ("lost", "kept", "sharded"), ("lost", "kept", "shuffled")]
    for probe, measured in metrics(probes).items():
        wanted += [(probe, m.name, m.condition) for m in measured if m.headline]
    policies = sorted({name for *_, name in found if name.startswith("policy:")})
    rows: list[dict[str, Any]] = []
    for probe, metric, condition in wanted:
        row = found[probe, metric, condition, result.model]
        reached = [found[probe, metric, condition, name].value for name in policies]
        best = max((value for value in reached if value is not None), default=None)
        rows.append(
            {
                "figure": f"{probe}: {metric.replace('_', ' ')}, {condition}",
                "value": row.value,
                "low": row.low,
                "high": row.high,
                "n": row.n,
                "note": row.note or (None if best is None else f"best constant policy {best:.2f}"),
            }
        )
    episodes = result.episodes()
    rows += [
        {"figure": "episodes, controls included", "value": len(episodes)},
        {"figure": "of them failed", "value": result.failed},
        {"figure": "time, all probes", "value": seconds, "unit": "s", "target": "<= 600 s"},
    ]
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=602214)
    parser.add_argument("--out", type=Path, default=Path("out/profile"))
    parser.add_argument("--save", action="store_true", help="write runs/results/3-profile.json")
    given = parser.parse_args()
    rows = measure("embedded", given.n, given.seed, given.out)
    for row in rows:
        print(row)
    if given.save:
        save(
            "3-profile",
            title="The embedded model's profile over ten probes of the math domain",
            command=f"python runs/skills.py -n {given.n} --seed {given.seed} --save",
            rows=rows,
        )
