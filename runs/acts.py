"""How often the learned annotator is right: within corpora, and on corpora it has not seen.

    python runs/acts.py --data DIR [--keep DIR] [--save]

DIR holds the corpora that `uptake train acts` learns from. Within: learned on the train parts of
all, calibrated and cut on the dev part of each, counted once on its test part. Across: learned,
calibrated and cut on all but one, counted on that one's test part. Beside it the linear floor
(the same features without the hidden layer), the rules of `acts`, and what a policy gets that finds
the act in every turn. Where to cut is chosen for F1 on dev; `at .5` is what the audit shows.
Intervals are of 1,000 bootstrap samples of dialogues. --keep holds the weights of each fit, and
those that it has are not fitted again. Needs torch.
Nothing here knows how anything is learned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from table import ROOT, save
from uptake.audit.learned import Weights, calibrate, read_weights, write_weights
from uptake.train.annotator import Shape, Turns, calibrated, fit, read_turns, scored
from uptake.train.corpora import read_corpora
from uptake.train.counted import best_cut, calibration_error
from uptake.train.native import JUDGED, LEARNED

DRAWS = 1000
FEWEST = 10  # turns with an act in the test part, for a figure of its own
GOALS = {
    ("mrda", "check", "within"): "≥ 0.55",
    ("mrda", "check", "across"): "≥ 0.60",
    ("star", "check", "across"): "≥ 0.60",
    ("tiage", "topic_open", "within"): "≥ 0.65",
    ("mrda", "repair_self", "within"): "low end above always",
    ("mrda", "correct_other", "within"): "low end above always",
    ("mrda", "topic_open", "within"): "low end above always",
}
BEGIN, END = "<!-- acts:begin -->", "<!-- acts:end -->"
PAGES = (ROOT / "docs" / "acts.md", ROOT / "src" / "uptake" / "audit" / "weights" / "README.md")
HEADS = {("mrda", "check"), ("star", "check"), ("tiage", "topic_open")}


def main() -> None:
    parser = argparse.ArgumentParser(description="The learned annotator, within and across corpora")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    turns = read_turns(read_corpora(asked.data))
    shapes = {"learned": Shape(), "linear": Shape(width=0)}
    rows: list[dict[str, Any]] = []
    for left in ("", "mrda", "star", "tiage", "molweni", "cima", "casino"):
        for name, shape in shapes.items():
            weights = fitted(turns, name, shape, left, asked.keep)
            rows += figures(turns, weights, name, left)
    rows += list(controls(turns))
    rows.sort(key=lambda row: (row["corpus"], LEARNED.index(row["act"]), row["detail"]))
    for row in rows:
        if row["metric"] != "ece":
            print(f"{row['figure']:60} {row['value']} [{row['low']}, {row['high']}] {row['n']}")
    if asked.save:
        command = "python runs/acts.py --data DIR --save"
        save("7-acts", title="Acts, learned from people", command=command, rows=rows)
        for path in PAGES:
            into(path, table(rows))


def fitted(turns: Turns, name: str, shape: Shape, left: str, keep: Path | None) -> Weights:
    """The weights of one model learned from all corpora but one, or those that were kept."""
    path = keep / f"{name}-{left or 'all'}.npz" if keep else None
    if path and path.exists():
        return read_weights(path)
    print(f"{name}, without {left or 'none'}", flush=True)
    weights = fit(turns, turns.which("train", but=left), shape)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_weights(path, weights)
    return weights


def figures(turns: Turns, weights: Weights, name: str, left: str) -> Iterator[dict[str, Any]]:
    """The figures of one model: with nothing left out of each corpus, else of the one left out."""
    scores = scored(weights, turns)
    dev = turns.which("dev", but=left)
    ready = calibrated(weights, turns, scores, dev)
    probable = calibrate(ready, scores)
    how = "across" if left else "within"
    for corpus in [left] if left else sorted(JUDGED):
        chosen = dev if left else turns.which("dev", of=[corpus])
        test = turns.which("test", of=[corpus])
        for act, label in enumerate(LEARNED):
            mine, at = (rows[turns.known[rows, act] >= 0] for rows in (test, chosen))
            does = turns.known[mine, act] == 1
            if does.sum() < FEWEST or not (turns.known[at, act] == 1).any():
                continue
            cut = best_cut(turns, probable[:, act], at, act)
            for metric, line in (("f1", cut), ("f1 at .5", 0.5)):
                found = probable[mine, act] >= line
                yield row(turns, corpus, label, f"{name}, {how}", metric, mine, does, found)
            error = calibration_error(probable[mine, act], does)
            yield {
                "figure": f"{corpus} {label}: calibration error, {name}, {how}",
                "value": round(error, 4),
                "low": None,
                "high": None,
                "n": len(mine),
                "target": "≤ 0.05",
                "corpus": corpus,
                "act": label,
                "metric": "ece",
                "detail": True,
            }


def controls(turns: Turns) -> Iterator[dict[str, Any]]:
    """What the rules find, and what one gets who finds every act in every turn."""
    for corpus in sorted(JUDGED):
        test = turns.which("test", of=[corpus])
        for act, label in enumerate(LEARNED):
            mine = test[turns.known[test, act] >= 0]
            does = turns.known[mine, act] == 1
            if does.sum() < FEWEST:
                continue
            ruled = turns.finds(label)[mine]
            yield row(turns, corpus, label, "rules", "f1", mine, does, ruled)
            every = np.ones(len(mine), bool)
            yield row(turns, corpus, label, "always", "f1", mine, does, every)


def row(
    turns: Turns,
    corpus: str,
    act: str,
    who: str,
    metric: str,
    mine: np.ndarray[Any, Any],
    does: np.ndarray[Any, Any],
    found: np.ndarray[Any, Any],
) -> dict[str, Any]:
    """F1 with its interval, dialogues drawn."""
    _, dialogue = np.unique(turns.dialogue[mine], return_inverse=True)
    counts = [np.bincount(dialogue, each) for each in (does & found, does, found)]
    drawn = np.random.default_rng(0).multinomial(
        len(counts[0]), np.full(len(counts[0]), 1 / len(counts[0])), DRAWS
    )
    hits, there, said = (drawn @ each for each in counts)
    low, high = np.quantile(2 * hits / np.maximum(there + said, 1), (0.025, 0.975))
    how = who.rpartition(", ")[2]
    headed = (corpus, act) in HEADS and metric == "f1" and who.startswith(("learned", "rules"))
    return {
        "figure": f"{corpus} {act}: F1{metric[2:]}, {who}",
        "value": round(2 * sum(counts[0]) / max(sum(counts[1]) + sum(counts[2]), 1), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "n": int(does.sum()),
        "target": GOALS.get((corpus, act, how), "") if who.startswith("learned") else "",
        "corpus": corpus,
        "act": act,
        "metric": metric,
        "detail": not headed,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The F1 of each act in each corpus as Markdown, one line for each."""
    lines = [
        "| corpus | act | n | learned, within | learned, across | linear, within | linear, across "
        "| rules | always |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for corpus in sorted(JUDGED):
        for act in LEARNED:
            mine = {
                row["figure"].partition(", ")[2]: row
                for row in rows
                if (row["corpus"], row["act"], row["metric"]) == (corpus, act, "f1")
            }
            if "rules" in mine:
                cells = [
                    _cell(mine.get(f"{who}, {how}"))
                    for who in ("learned", "linear")
                    for how in ("within", "across")
                ]
                cells += [f"{mine[who]['value']:.2f}" for who in ("rules", "always")]
                lines.append(
                    f"| {corpus} | `{act}` | {mine['rules']['n']:,} | {' | '.join(cells)} |"
                )
    return "\n".join(lines)


def _cell(row: dict[str, Any] | None) -> str:
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})" if row else "–"


def into(path: Path, text: str) -> None:
    """Put a table between the marks of a page."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
