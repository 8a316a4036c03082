"""The main job, timed: `uptake probe` on the embedded model, and its headline as README's rows.

    python runs/headline.py                        in out/headline; writes runs/results/1-probe.json
    python runs/headline.py --seed 7001            on other instructions, with other draws
    python runs/headline.py --instructions FILE    on a file of instructions, all of them, twice;
                                                   writes runs/results/3-gsm8k-embedded.json

The time is of a run from nothing, so what lies in the folder is removed first. Figures are read
from the scores.json that anyone's run leaves, under the last-turn rule.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from table import ROOT, save

CONDITIONS = ("full", "concat", "sharded", "shuffled", "recap", "snowball")
CONTROLS = ("policy:", "oracle")
BEHAVIOUR = {
    "attempted_first": "answers at the first turn",
    "asked": "asks at all",
    "right_then_wrong": "right, then wrong",
}
METRICS = {"mean": "mean", "a90": "aptitude A90", "u90_10": "unreliability U90−10", "kept": "kept"}


def main() -> None:
    """Play, time, save."""
    parser = argparse.ArgumentParser(description="the main job, timed")
    parser.add_argument(
        "--seed", type=int, default=424243, help="one that nothing was developed on"
    )
    parser.add_argument("-n", type=int, default=100, help="instructions")
    parser.add_argument("--instructions", type=Path, help="a file of them")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "headline")
    args = parser.parse_args()
    if args.instructions:
        words = ["--repeats", "2", "--reply-tokens", "96", "--no-controls"]
        command = f"uptake probe lost --instructions {args.instructions.name} -n 750"
        found, _ = played(["--instructions", args.instructions, "-n", "750", *words], args.out)
        rows = [row for row in headline(found) if row["figure"].startswith("mean")]
        save(
            "3-gsm8k-embedded",
            title=f"{args.instructions.name} against the embedded model",
            command=" ".join([command, *words]),
            rows=[*rows, failures(found)],
        )
        return
    words = ["-n", str(args.n), "--seed", str(args.seed)]
    found, minutes = played(words, args.out)
    took = {"figure": "time, from nothing to the report", "value": minutes, "unit": "min"}
    save(
        "1-probe",
        title="The embedded model, probed",
        command=" ".join(["uptake probe lost", *words]),
        rows=[*headline(found), took | {"target": "≤ 5 min"}],
    )


def played(words: list[Any], out: Path) -> tuple[list[dict[str, Any]], float]:
    """The rows of scores.json of a run from nothing, and the minutes that it took."""
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    program = Path(sys.executable).parent / "uptake"
    subprocess.run([program, "probe", "lost", *words, "--out", out], check=True)
    minutes = (time.perf_counter() - start) / 60
    return json.loads((out / "scores.json").read_text(encoding="utf-8"))["rows"], minutes


def failures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many episodes failed, in all conditions."""
    counts = [row for row in rows if row["score"] == "last" and row["metric"] == "failures"]
    return {
        "figure": f"episodes failed, of {sum(row['n'] for row in counts):,}",
        "value": int(sum(row["value"] or 0 for row in counts)),
        "note": "longer than the model's 1,024 positions; no score",
    }


def headline(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last-turn rows of scores.json that README shows: the model, the controls, behaviour."""
    last = [row for row in scores if row["score"] == "last"]
    models = sorted({row["model"] for row in last}, key=lambda name: name.startswith(CONTROLS))
    rows: list[dict[str, Any]] = []
    for model in models:
        if model.startswith(CONTROLS):
            best = max(_of(last, model, "mean"), key=lambda row: row["value"])
            figure = f"mean, control `{model}`, at its best ({best['condition']})"
            rows.append({"figure": figure} | _measured(best))
            continue
        for metric, words in METRICS.items():
            for row in _of(last, model, metric):
                rows.append({"figure": f"{words}, {row['condition']}"} | _measured(row))
    model = models[0]
    for metric, words in BEHAVIOUR.items():
        for row in _of(last, model, metric):
            if row["condition"] == "sharded":
                rows.append({"figure": f"{words}, sharded"} | _measured(row))
    return rows


def _measured(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row.get(key) for key in ("value", "low", "high", "n", "note")}


def _of(rows: list[dict[str, Any]], model: str, metric: str) -> list[dict[str, Any]]:
    """Those rows of one model and metric, in the order of the conditions."""
    mine = [row for row in rows if row["model"] == model and row["metric"] == metric]
    known = [row for row in mine if row["condition"] in CONDITIONS]
    return sorted(known, key=lambda row: CONDITIONS.index(row["condition"]))


if __name__ == "__main__":
    main()
