"""What is said of a model that was taught: a card beside its weights, and a plot of how it went.

This module knows nothing of torch, or of how any of it came about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from uptake.users import HELDOUT

__all__ = ["plot_teaching", "write_card"]

PANELS = (
    ("reward", "reward"),
    ("loss", "loss"),
    ("skill", "skill on held-out scenarios"),
    ("overasking", "needless questions (share)"),
    ("entropy", "entropy (nats a token)"),
)


def write_card(
    folder: Path, recipe: Mapping[str, Any], log: Sequence[Mapping[str, Any]], how: str
) -> Path:
    """Write `folder`/README.md: how the model was taught, and what was measured while it was.

    `log` are the lines of a run's log, as dicts; `how` is the method in a line.
    """
    measured = [row for row in log if row.get("heldout")]
    table = _table(measured[0], measured[-1]) if measured else "Nothing was measured."
    shares = ", ".join(f"{name} {share:g}" for name, share in recipe["mixture"].items())
    seconds = sum(row["drawing"] + row["learning"] for row in log)
    begun = recipe["model"] or "the model that ships with uptake"
    text = f"""---
library_name: transformers
tags: [conversation]
---

# {recipe["name"]}

Taught by uptake to keep up a conversation, from {begun}.

| | |
|---|---|
| method | {how} |
| domain | {recipe.get("instructions") or recipe["domain"]}, seed {recipe["seed"]} |
| mixture | {shares} |
| time | {seconds / 60:.1f} min, {datetime.now(UTC).date().isoformat()} |

## Measured while it was taught

Greedily, on problems of the held-out split, told by users that training never met
({", ".join(HELDOUT)}). Developed on: for figures to compare models by, play the probes on a seed
of your own (`uptake probe missing lost --model {folder}`).

{table}
"""
    path = folder / "README.md"
    path.write_text(text, encoding="utf-8")
    return path


def _table(first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    lines = [f"| outcome | step {first['step']} | step {last['step']} |", "|---|---:|---:|"]
    for name, value in last["heldout"].items():
        before = first["heldout"].get(name)
        shown = "" if before is None else f"{before:.3f}"
        lines.append(f"| {name} | {shown} | {value:.3f} |")
    return "\n".join(lines)


def plot_teaching(out: Path) -> Path:
    """Draw `out`/log.jsonl as `out`/taught.svg: reward, held-out skill, over-asking, entropy."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    points = [
        {"step": row["step"], "what": what, "value": value, "where": where}
        for row in rows
        for what, where, value in _values(row)
        if value is not None
    ]
    both = alt.Scale(domain=["training", "held out"])
    panels = [
        alt.Chart(alt.Data(values=[p for p in points if p["what"] == what]), width=300, height=160)
        .mark_line(point={"size": 12})
        .encode(
            x=alt.X("step:Q", title="step"),
            y=alt.Y("value:Q", title=title),
            color=alt.Color("where:N", title=None, scale=both),
        )
        for what, title in PANELS
    ]
    chart = alt.vconcat(alt.hconcat(*panels[:2]), alt.hconcat(*panels[2:]))
    path = out / "taught.svg"
    chart.save(str(path))
    return path


def _values(row: Mapping[str, Any]) -> list[tuple[str, str, float | None]]:
    held: Mapping[str, float] = row.get("heldout") or {}
    return [
        ("reward", "training", row["reward"]),
        ("loss", "training", row["loss"]),
        ("skill", "held out", held.get("skill")),
        ("overasking", "training", row["overasking"]),
        ("overasking", "held out", held.get("overasking")),
        ("entropy", "training", row["entropy"]),
    ]
