"""How often people ground, mend and return, a turn: the table that natural dialogues are made by.

    python runs/natural_rates.py FOLDER

FOLDER holds dialogues with acts, `mrda.jsonl.gz`, `molweni.jsonl.gz` and `qmsum.jsonl.gz`: a line a
turn, with `labels`. Only counts leave it: `src/uptake/train/natural.json`. Meetings (MRDA) and chat
about technical trouble (Molweni) are where people annotated such acts; task dialogues are left out,
since their questions fill in forms, and tutoring, since its questions test.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent / "src" / "uptake" / "train" / "natural.json"

ACTS: dict[str, dict[str, tuple[str, ...]]] = {
    "ask": {"mrda": ("bu", "br"), "molweni": ("Clarification_question",)},
    "huh": {"mrda": ("br",)},
    "acknowledge": {"mrda": ("bk", "b"), "molweni": ("Acknowledgement",)},
    "correct": {"mrda": ("bc",), "molweni": ("Correction",)},
    "repair_self": {"mrda": ("bsc",)},
    "topic_return": {"qmsum": ("topic_return",)},
}
"""For each act, the labels that are counted as it, by corpus."""


def labels(path: Path) -> list[set[str]]:
    """The labels of every turn."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [set(json.loads(line)["labels"]) for line in lines]


def table(folder: Path) -> dict[str, Any]:
    """For each act: how many turns perform it, of how many, the rate, and where it was counted."""
    names = sorted({corpus for found in ACTS.values() for corpus in found})
    turns = {name: labels(folder / f"{name}.jsonl.gz") for name in names}
    found: dict[str, Any] = {}
    for act, wanted in ACTS.items():
        counts = Counter(
            {
                corpus: sum(bool(turn.intersection(some)) for turn in turns[corpus])
                for corpus, some in wanted.items()
            }
        )
        of = sum(len(turns[corpus]) for corpus in wanted)
        found[act] = {
            "turns_with": counts.total(),
            "turns": of,
            "rate": round(counts.total() / of, 5),
            "counted": {corpus: list(some) for corpus, some in wanted.items()},
        }
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    made = table(parser.parse_args().folder)
    TABLE.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    for act, row in made.items():
        print(f"{act}: {row['turns_with']:,} of {row['turns']:,} turns, {row['rate']:.4f}")
