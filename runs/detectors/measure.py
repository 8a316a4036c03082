"""How often the rules of `uptake.acts` find what a reader finds, on two kinds of text.

    python runs/detectors/measure.py [--clarify FOLDER] [--save]

The replies of `replies.jsonl` are labelled with every act. The rules were written on those
with an even id; the odd ones were not looked at, and their figures are the ones to quote. FOLDER
holds questions that people asked to clarify something, one item a line, in the files named in
`CORPORA` (see README.md beside this script); there only the finding of questions is measured.

With --save the figures go to runs/results/detectors.json (detectors-clarify.json) and into the
tables of docs/acts.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # the scripts beside this folder

from table import ROOT, fill, save
from uptake.acts import ASKING, RuleAnnotator, names
from uptake.conversation import Conversation
from uptake.intervals import wilson
from uptake.questions import offers, questions

PAGE = ROOT / "docs" / "acts.md"
REPLIES = Path(__file__).parent / "replies.jsonl"
ANNOTATOR = RuleAnnotator()
# Per corpus, the part that no rule was sorted on; see README.md.
CORPORA = {"abg_coqa": "test", "iglu": "test", "qulac": "test", "pacific_dev": "dev"}

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Counts:
    """How often an act was found rightly, found wrongly, and overlooked."""

    right: int
    wrong: int
    missed: int

    def rows(self, name: str) -> Rows:
        """Precision, recall and F1, each with its 95% interval and what it is a share of."""
        found, there = self.right + self.wrong, self.right + self.missed
        either = found + self.missed
        precision = share(f"{name}: precision", self.right, found)
        recall = share(f"{name}: recall", self.right, there)
        # F1 = 2J / (1 + J), rising with the share J = right / either, so the bounds carry over.
        f1 = share(f"{name}: F1", self.right, either)
        if f1["value"] is not None:
            f1 |= {key: 2 * f1[key] / (1 + f1[key]) for key in ("value", "low", "high")}
        return [precision, recall, f1]


def share(figure: str, hits: int, n: int) -> dict[str, Any]:
    """A share with its Wilson interval; null where there was nothing to take it of."""
    if n == 0:
        return {"figure": figure, "value": None, "low": None, "high": None, "n": 0}
    low, high = wilson(hits, n)
    return {"figure": figure, "value": hits / n, "low": low, "high": high, "n": n}


# The replies


def judged(odd: bool) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Of each reply of one half, the acts it was labelled with and the acts that were found."""
    lines = REPLIES.read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["id"] % 2 == odd]
    return [
        (
            frozenset(row["acts"]),
            names(ANNOTATOR.acts(row["reply"], Conversation.from_dicts(row["context"]))),
        )
        for row in rows
    ]


def count(pairs: Sequence[tuple[bool, bool]]) -> Counts:
    """Counts of (labelled, found) pairs."""
    return Counts(
        sum(labelled and found for labelled, found in pairs),
        sum(found and not labelled for labelled, found in pairs),
        sum(labelled and not found for labelled, found in pairs),
    )


def act_counts(odd: bool) -> dict[str, Counts]:
    """Per act, and for asking of any kind, the counts on one half; all acts pooled last."""
    pairs = judged(odd)
    found = {
        act: count([(act in labels, act in acts) for labels, acts in pairs])
        for act in sorted(ANNOTATOR.finds)
    }
    pooled = Counts(*(sum(each) for each in zip(*map(as_tuple, found.values()), strict=True)))
    asks = count([(bool(labels & ASKING), bool(acts & ASKING)) for labels, acts in pairs])
    return found | {"asks (any kind)": asks, "all acts pooled": pooled}


def as_tuple(counts: Counts) -> tuple[int, int, int]:
    return counts.right, counts.wrong, counts.missed


def act_table(odd: Mapping[str, Counts], even: Mapping[str, Counts]) -> str:
    lines = [
        "| act | labelled | precision | recall | F1 | F1, developed on |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for act, counts in odd.items():
        cells = [shown(row) for row in counts.rows(act)]
        there = counts.right + counts.missed
        name = f"`{act}`" if act in ANNOTATOR.finds else act
        lines.append(
            f"| {name} | {there} | {' | '.join(cells)} | {brief(even[act].rows(act)[2])} |"
        )
    return "\n".join(lines)


# Questions that people asked


def clarify_rows(folder: Path) -> Rows:
    """Per corpus: of real questions those found, of real answers those taken for a question."""
    rows: Rows = []
    for corpus, split in CORPORA.items():
        items = list(read(folder / f"{corpus}.jsonl.gz"))
        items = [item for item in items if item["split"] == split]
        asked = {(item["question"], item["request"]) for item in items if item["question"]}
        rows.append(share(f"{corpus}: questions found", hits(asked, asks), len(asked)))
        rows.append(
            share(f"{corpus}: questions found, offers too", hits(asked, asks_or_offers), len(asked))
        )
        answers = {(text, "") for item in items for text in answers_of(item)}
        if answers:
            rows.append(
                share(f"{corpus}: answers taken for one", hits(answers, asks), len(answers))
            )
    return rows


def read(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def answers_of(item: Mapping[str, Any]) -> Iterable[str]:
    """What an assistant said earlier that is no question: in PACIFIC, what ends in no `?`."""
    for turn in item["context"]:
        ends = item["corpus"] == "pacific" and turn["text"].rstrip().endswith("?")
        if turn["speaker"] == "assistant" and not ends:
            yield turn["text"]


def hits(pairs: Iterable[tuple[str, str]], test: Callable[[str, str], bool]) -> int:
    return sum(test(text, request) for text, request in pairs)


def asks(text: str, request: str) -> bool:
    return bool(questions(text, [request]))


def asks_or_offers(text: str, request: str) -> bool:
    return asks(text, request) or bool(offers(text))


def clarify_table(rows: Rows) -> str:
    lines = ["| measured | share | n |", "|---|---:|---:|"]
    lines += [f"| {row['figure']} | {shown(row)} | {row['n']:,} |" for row in rows]
    return "\n".join(lines)


# To the terminal, the results and the page


def shown(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "none"
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def brief(row: Mapping[str, Any]) -> str:
    return "none" if row["value"] is None else f"{row['value']:.2f}"


def keep(name: str, title: str, command: str, rows: Rows, table: str) -> None:
    save(name, title=title, command=command, rows=rows)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(fill(page, name, table), encoding="utf-8")


def main(folder: Path | None, keeping: bool) -> None:
    odd, even = act_counts(odd=True), act_counts(odd=False)
    halves = {"odd": odd, "even, developed on": even}
    rows = [
        row
        for half, counts in halves.items()
        for act, each in counts.items()
        for row in each.rows(f"{act}, {half}")
    ]
    table = act_table(odd, even)
    print(table)
    script = "python runs/detectors/measure.py"
    if keeping:
        keep("detectors", "Acts found by rule in labelled replies", f"{script} --save", rows, table)
    if folder is None:
        return
    rows = clarify_rows(folder)
    table = clarify_table(rows)
    print(f"\n{table}")
    if keeping:
        command = f"{script} --clarify FOLDER --save"
        keep("detectors-clarify", "Questions people asked, found by rule", command, rows, table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clarify", type=Path, metavar="FOLDER", help="real questions: CORPORA")
    parser.add_argument("--save", action="store_true", help="write results and docs/acts.md")
    given = parser.parse_args()
    main(given.clarify, given.save)
