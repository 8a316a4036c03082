"""Save what a study found: `runs/results/6-study.json`, its figure for the docs, and its arms.

    python runs/study.py out/study [--command COMMAND]

The result of each arm goes to `runs/study`, so that a study that is not through goes on elsewhere:
copy `runs/study` to `out/study`, and give the same command.

Rows are those of the study's `rows.json`. README shows the skill of each arm that took no data, of
each data mode at its most, and what is told over turns and at once after self-distillation; the
rest is detail. It is to run where the study ran: what is saved names the machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from table import ROOT, save
from uptake.study.arms import Settings

PICTURE = ROOT / "docs" / "images" / "study.png"
ARMS = ROOT / "runs" / "study"

ALONE = ("base", "mediator", "reward", "distil")
"""Arms that have no amount of data."""


def shown(settings: Settings) -> set[tuple[str, str]]:
    """Group and figure of the rows that README has room for."""
    most = max(settings.amounts)
    modes = ("monologic", "natural", "dense")
    groups = (*ALONE, *(f"tokens-{mode}-{most}x" for mode in modes))
    kept = {("distil", "sharded"), ("distil", "full")}
    return {(group, "skill") for group in groups} | kept


def rows_of(found: Sequence[dict[str, Any]], settings: Settings) -> list[dict[str, Any]]:
    """The rows of a study as `save` wants them."""
    heads = shown(settings)
    rows: list[dict[str, Any]] = []
    for one in found:
        after = f" after {one['step']} steps" if "step" in one else ""
        row = {"figure": f"{one['group']}: {one['figure']}{after}", "value": one["value"]}
        row |= {key: one[key] for key in ("low", "high") if key in one}
        seeds = one["seeds"]
        row |= {"n": one["n"], "note": f"{seeds} seed{'s' if seeds > 1 else ''}"}
        if after or (one["group"], one["figure"]) not in heads:
            row["detail"] = True
        rows.append(row)
    return rows


def keep(folder: Path, settings: dict[str, Any]) -> None:
    """Copy the settings, without where the taught models lie, and the result of each arm."""
    shutil.copytree(folder / "arms", ARMS / "arms", dirs_exist_ok=True)
    own = {**settings, "taught": []}
    (ARMS / "study.json").write_text(json.dumps(own, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Read the folder, write the rows and the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--command", default="sh runs/study.sh", help="what ran the study")
    given = parser.parse_args()
    folder: Path = given.folder
    settings = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    found = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    path = save(
        "6-study",
        title="The study: skill by data, amount and objective, all from one checkpoint",
        command=given.command,
        rows=rows_of(found, Settings.of(settings)),
    )
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "study.png", PICTURE)
    keep(folder, settings)
    print(f"{path}\n{PICTURE}\n{ARMS}")


if __name__ == "__main__":
    main()
