"""Should the partner ask before replying? How well a request's words tell, on corpora left out.

    python runs/need.py --clarify DIR --acts DIR [--save]

--clarify holds IGLU, Qulac, PACIFIC and Abg-CoQA (requests judged to need a clarification or not),
--acts MRDA, of whose turns the next speaker did or did not ask (a check, or a repetition). A
logistic regression on numbers that mean the same everywhere (how long, how much of it the context
has, in how many places, pronouns, numbers, how it begins), with and without hashed words. Across:
fitted on the train parts of all but one corpus, tested on all of that one. Within: fitted on its
own train and dev parts (PACIFIC, which has a dev part alone, and Abg-CoQA by halves), tested on the
rest. Corpora count alike, and so do their two sides. Beside it the control that knows the corpus
and the length alone: across, that is the length. Qulac has positives only, and is never tested.
The penalty was not tuned. Intervals are of 1,000 bootstrap samples of items.
Nothing here is shipped unless it is good enough: see the lab log.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from table import save
from uptake.signs import COMMON
from uptake.train.corpora import read_corpora

Floats = NDArray[np.float32]
WORDS = 1024  # places that words are hashed to
PENALTY = 1.0
TESTED = ("iglu", "pacific_dev", "abg_coqa")
CHECKS = {"bu", "br"}
_WORD = re.compile(r"[a-z]+|\d+|[?!]")
_PRONOUNS = frozenset("it they them he she him her his its their this that these those one".split())
_OPENS = ("what", "which", "who", "when", "where", "why", "how", "did", "is", "does")


@dataclass(frozen=True)
class Item:
    """A request in its context, and whether the partner should ask first."""

    corpus: str
    split: str
    request: str
    document: str
    turns: tuple[str, ...]
    need: bool


def main() -> None:
    parser = argparse.ArgumentParser(description="Should the partner ask before replying?")
    parser.add_argument("--clarify", type=Path, required=True)
    parser.add_argument("--acts", type=Path, required=True)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    items = [*requests(asked.clarify), *meetings(asked.acts)]
    numbers = np.array([told(item) for item in items], np.float32)
    words = np.array([hashed(item.request) for item in items])
    inputs = {
        "numbers": numbers,
        "numbers and words": np.concatenate([numbers, words], axis=1),
        "control: corpus and length": numbers[:, :1],
    }
    corpus = np.array([item.corpus for item in items])
    need = np.array([item.need for item in items])
    rows: list[dict[str, Any]] = []
    for name, x in inputs.items():
        for left in TESTED:
            mine = corpus == left
            train = ~mine & np.array([item.split == "train" for item in items])
            rows.append(row(f"{left} left out, {name}", x, need, corpus, train, mine))
            test = mine & held_out(items)
            rows.append(row(f"{left} by itself, {name}", x, need, corpus, mine & ~test, test))
    for each in rows:
        print(f"{each['figure']:55} {each['value']} [{each['low']}, {each['high']}] {each['n']}")
    if asked.save:
        command = "python runs/need.py --clarify DIR --acts DIR --save"
        save("7-need", title="Should the partner ask first? (AUROC)", command=command, rows=rows)


def requests(folder: Path) -> Iterator[Item]:
    """The items of the clarification corpora; of those without a train part, half counts as one."""
    for name in (*TESTED, "qulac"):
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                each = json.loads(line)
                said = each["context"]
                document = "\n".join(s["text"] for s in said if s["speaker"] == "document")
                turns = tuple(s["text"] for s in said if s["speaker"] != "document")
                whole = name in ("pacific_dev", "abg_coqa")
                half = "train" if crc32(document.encode()) % 2 else "test"
                split = half if whole else each["split"]
                yield Item(
                    name, split, each["request"], document, turns, each["needs_clarification"]
                )


def meetings(folder: Path) -> Iterator[Item]:
    """Turns of six words or more, of every third of MRDA, and whether the next speaker asked."""
    for dialogue in list(read_corpora(folder, ["mrda"]))[::3]:
        turns = dialogue.turns
        for place in range(2, len(turns) - 1):
            turn, after = turns[place], turns[place + 1]
            if after.speaker != turn.speaker and len(turn.text.split()) >= 6:
                before = tuple(each.text for each in turns[max(0, place - 6) : place])
                asks = bool(CHECKS & set(after.labels))
                yield Item("mrda", dialogue.split, turn.text, "", before, asks)


def held_out(items: Sequence[Item]) -> NDArray[np.bool_]:
    return np.array([item.split == "test" for item in items])


def told(item: Item) -> list[float]:
    """What a request tells of itself and of its context, in numbers; the first is its length."""
    words = _WORD.findall(item.request.lower())
    content = [word for word in words if word not in COMMON and word.isalpha()]
    before = frozenset(_WORD.findall(" ".join(item.turns).lower()))
    places = [frozenset(_WORD.findall(each.lower())) for each in re.split(r"[.\n]", item.document)]
    hits = [sum(word in place for word in content) for place in places]
    best = max(hits, default=0)
    many = max(len(content), 1)
    years = set(re.findall(r"\b(?:19|20)\d\d\b", item.document))
    own = set(re.findall(r"\b(?:19|20)\d\d\b", item.request))
    return [
        float(np.log1p(len(words))),
        float(np.log1p(len(content))),
        sum(word in _PRONOUNS for word in words) / max(len(words), 1),
        float(any(word in _PRONOUNS for word in words)),
        float(any(word.isdigit() for word in words)),
        float(words[-1:] == ["?"]),
        best / many,
        float(np.log1p(hits.count(best))) if best else 0.0,
        sum(word in before for word in content) / many,
        float(len(years - own) > 1 and not own),
        float(not item.turns),
        float(not content),
        *(float(words[:1] == [opening]) for opening in _OPENS),
    ]


def hashed(request: str) -> Floats:
    found = np.zeros(WORDS, np.float32)
    words = ["^", *_WORD.findall(request.lower())]
    for one, two in zip(words, [*words[1:], "$"], strict=True):
        found[crc32(one.encode()) % WORDS] = 1
        found[crc32(f"{one} {two}".encode()) % WORDS] = 1
    return found


def row(
    figure: str,
    x: Floats,
    need: NDArray[np.bool_],
    corpus: NDArray[np.str_],
    train: NDArray[np.bool_],
    test: NDArray[np.bool_],
) -> dict[str, Any]:
    weights = fitted(x[train], need[train], corpus[train])
    score = (x[test] - x[train].mean(axis=0)) / (x[train].std(axis=0) + 1e-6) @ weights
    does = need[test]
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(does), len(does)) for _ in range(1000)]
    low, high = np.quantile([auroc(score[each], does[each]) for each in drawn], (0.025, 0.975))
    left = "left out" in figure
    return {
        "figure": figure,
        "value": round(auroc(score, does), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "n": len(does),
        "target": "≥ 0.75" if left and not figure.endswith("length") else "",
        "detail": not left,
    }


def fitted(x: Floats, need: NDArray[np.bool_], corpus: NDArray[np.str_]) -> Floats:
    """Weights of a logistic regression on standardised columns, by accelerated gradient descent."""
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)
    weight = np.zeros(len(need))
    for name in np.unique(corpus):
        for side in (True, False):
            mine = (corpus == name) & (need == side)
            if mine.any():
                weight[mine] = 1 / mine.sum()
    weight *= len(need) / weight.sum()
    w, bias = np.zeros(x.shape[1]), 0.0
    momentum = np.zeros_like(w)
    rate = 1.0 / (0.25 * np.linalg.eigvalsh((x * weight[:, None]).T @ x)[-1] + PENALTY)
    for step in range(300):
        ahead = w + step / (step + 3) * momentum
        p = 1 / (1 + np.exp(-(x @ ahead + bias)))
        error = weight * (p - need)
        new = ahead - rate * (x.T @ error + PENALTY * ahead)
        momentum, w = new - w, new
        bias -= error.sum() / (0.25 * weight.sum())
    return w


def auroc(score: Floats, does: NDArray[np.bool_]) -> float:
    """The chance that one that needs it scores above one that does not (ties count half)."""
    order = np.argsort(score, kind="stable")
    _, first, counts = np.unique(score[order], return_index=True, return_counts=True)
    ranks = np.empty(len(score))
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    n, m = int(does.sum()), int((~does).sum())
    return float((ranks[does].sum() - n * (n + 1) / 2) / (n * m)) if n and m else 0.5


if __name__ == "__main__":
    main()
