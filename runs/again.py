"""The recipe `base` as committed, from nothing: how long it took, and what came out.

    uptake train base --out RUN
    python runs/again.py RUN [-n 1000] [--seed 0] [--save]

Measured of RUN's model is what the card of the weights that ship has: abilities and behaviour in
chat (`runs/card.py`), and `uptake probe lost` on a tenth of the instructions, ten times each.
Minutes are by the clock, the writing of chats and checkpoints included, and add up over
interruptions. The seed of a published figure is never used in development.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from statistics import quantiles
from typing import Any

from card import measure
from headline import headline, played
from table import ROOT, save

LOST = {
    "mean, full": "",
    "mean, sharded": "",
    "kept, sharded": "<= 0.75",
    "unreliability U90−10, sharded": "",
    "answers at the first turn, sharded": ">= 0.50",
    "asks at all, sharded": "",
}
"""What is read off the probe, and what is asked for."""


def took(run: Path) -> list[dict[str, Any]]:
    """Minutes and tokens of the run in the folder `run`, all parts together."""
    minutes, tokens, rates = 0.0, 0, list[float]()
    for log in run.rglob("log.jsonl"):  # what the recipe goes on from lies in a folder within
        before = 0
        for line in log.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rates.append(row["rate"])
            minutes += (row["tokens"] - before) / row["rate"] / 60
            before = row["tokens"]
        tokens += before
    slow, *_, fast = quantiles(rates, n=20)
    return [
        {
            "figure": "training, from nothing",
            "value": minutes,
            "unit": "min",
            "target": "≤ 120 min",
            "note": f"{slow:,.0f} to {fast:,.0f} tokens/s, nine tenths of it",
        },
        {"figure": "training tokens", "value": tokens},
    ]


def lost(spec: str, n: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """The rows of the probe."""
    words = ["--model", spec, "-n", str(n), "--seed", str(seed), "--no-controls"]
    scores, _ = played(words, out)
    found = {row["figure"]: row for row in headline(scores)}
    return [found[figure] | {"target": target} for figure, target in LOST.items()]


def main() -> None:
    """Read the run, measure, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="what `uptake train base` wrote")
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "again")
    parser.add_argument("--save", action="store_true", help="write runs/results/2-recipe.json")
    given = parser.parse_args()
    if not (given.run / "model").is_dir():
        sys.exit(f"{given.run}: no finished run; `uptake train base --out {given.run}` goes on")
    spec = f"embedded:{given.run / 'model'}"
    rows = [
        *took(given.run),
        *asyncio.run(measure(spec, given.n, given.seed)),
        *lost(spec, given.n // 10, given.seed, given.out),
    ]
    for row in rows:
        print(f"{row['figure']:50s} {row['value']:,.3f} {row.get('target') or ''}")
    if given.save:
        save(
            "2-recipe",
            title="The embedded model's recipe, again from nothing",
            command=f"python runs/again.py RUN -n {given.n} --seed {given.seed} --save",
            rows=rows,
        )


if __name__ == "__main__":
    main()
