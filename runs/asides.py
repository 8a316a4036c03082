"""Teach the weights by which the analyst knows that words are beside the matter.

    python runs/asides.py DATA_FOLDER CLINC_JSON HWU_FOLDER [--write] [--show 20]

DATA_FOLDER is prepared public dialogue (`acts/`, `clarify/`, `sharded/`, `tool_dialogues/`);
CLINC_JSON is `data/data_full.json` of github.com/clinc/oos-eval (CC BY 3.0); HWU_FOLDER one fold's
`trainset` of github.com/xliuhw/NLU-Evaluation-Data (CC BY 4.0), a file an intent.

What is beside the matter comes from talk among people: CaSiNo's small talk, STAR's users around
hello and goodbye, MRDA's thanks and acknowledgements, questions to an assistant about itself,
praise. What is to the matter: GSM8K in shards (the tuning half of `fidelity.py` alone), the
generated domains, what STAR's users tell, needs in CaSiNo, requests of every kind. None of the
lists that `fidelity.py` reports on is read; its tuning lists only choose between models.

Folds are by question, and a fold's facts are judged by weights that never saw them. What is
printed: how much of the tuning small talk would be left out, and how many facts with it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

import fidelity
from uptake.analyst.asides import features, shared
from uptake.analyst.hearing import settles_nothing
from uptake.analyst.language import ENGLISH
from uptake.analyst.wording import wording
from uptake.domains import domain
from uptake.domains import names as domains
from uptake.sentences import plain, sentences

PLACES = 1 << 17
FROM = "runs/asides.py; corpora and their licences: docs/ground.md"
FREE = ("gutenberg", "wikipedia")  # out of copyright, or free for all
FOLDS = 3
MANY = {"star", "clinc", "hwu", "summary"}  # sources of which three in ten are enough
TALK_INTENTS = (
    "greeting goodbye thank_you are_you_a_bot do_you_have_pets how_old_are_you who_made_you "
    "what_are_your_hobbies where_are_you_from who_do_you_work_for what_is_your_name"
).split()
NEITHER = (  # short answers, and requests that are made for fun
    "yes no maybe tell_joke fun_fact meaning_of_life what_can_i_ask_you repeat cancel "
    "change_ai_name change_accent oos flip_coin roll_dice"
).split()
GOODS = re.compile(r"\b(?:water|food|wood|firewoods?|deal|packages?|suppl\w+|need|\d+)\b")
TRIP = re.compile(r"\b(?:camp\w*|trips?|hik\w+|fish\w*|lakes?|mountains?|kids?|child\w*)\b")
NOW = re.compile(
    r"\b(?:today|tonight|right now|at the moment|this (?:morning|afternoon|evening|week)|lately|"
    r"just (?:got|finished|ate|woke|came|had|made)|long (?:day|week)|at work|weather|outside|tired|"
    r"busy|getting ready|watching|listening|drinking|about to)\b"
)
TELLS = re.compile(r"\d|\b(?:need|want|like to|looking|prefer|must|should|name|at least|can you)\b")
TRAIT = re.compile(
    r"(?:i|i'm|we|my|our)\b(?! (?:am |'m )?(?:so |super |very )?"
    r"(?:hope|agree|see|guess|great|good|fine|well|happy|glad|sorry|doing|excited|cool|bet)\b)"
)


@dataclass(frozen=True)
class Example:
    """A sentence as patterns read it, whether it is `beside` the matter, and what it shares."""

    read: str
    beside: bool
    source: str
    group: str
    share: str = "#0"


def examples(data: Path, clinc: Path, hwu: Path) -> list[Example]:
    """All of them, no sentence twice from one source."""
    found = [
        *_shards(data / "sharded"),
        *_problems(data / "sharded"),
        *_generated(range(16)),
        *_casino(data / "acts"),
        *_star(data / "acts"),
        *_people(data / "acts"),
        *_meetings(data / "acts"),
        *_clinc(clinc),
        *_hwu(hwu),
        *_requests(data),
    ]
    once = {(e.source, e.read, e.share): e for e in found}
    return [e for e in once.values() if e.source not in MANY or crc32(e.read.encode()) % 10 < 3]


def _cut(text: str) -> Iterator[str]:
    yield from (each.read for each in sentences(text))


def _told(turns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each sentence of a conversation, and what it shares with those before."""
    told: frozenset[str] = frozenset()
    for turn in turns:
        for read in _cut(turn):
            about = wording(read, ENGLISH).about
            yield read, shared(about, told)
        told |= wording(turn, ENGLISH).about


def _shards(folder: Path) -> Iterator[Example]:
    for question, shards in fidelity.additive(folder, "tune"):
        for read, share in _told(shards):
            yield Example(read, False, "gsm8k", question, share)
            yield Example(read, False, "gsm8k", question)
    for made in fidelity.corrections(folder, "tune", ["{new}"]):
        for turn in made.turns:
            for read in _cut(turn):
                yield Example(read, False, "gsm8k", made.question)


def _problems(folder: Path) -> Iterator[Example]:
    """The same problems as they were written, and how their sentences begin: where, when, if."""
    for row in fidelity.lines(folder / fidelity.FILES[0]):
        if fidelity.part_of(row["question"]) == "tune":
            for read in _cut(row["question"]):
                yield Example(read, False, "problems", plain(row["question"]))
                yield from _leads(read, plain(row["question"]))


def _leads(read: str, group: str) -> Iterator[Example]:
    lead, comma, _ = read.partition(", ")
    if comma and len(lead.split()) <= 5:
        yield Example(f"{lead}, ", False, "lead", group)


def _generated(seeds: Iterable[int]) -> Iterator[Example]:
    for name in sorted(set(domains()) - {"dialogue"}):
        for seed in seeds:
            for made in domain(name).generate(10, seed=1000 + seed):
                turns = [t for s in made.shards for t in (s.text, s.contradicted) if t]
                for read, share in _told(turns):
                    yield Example(read, False, name, f"{name}/{seed}", share)


def _acts(folder: Path, corpus: str) -> Iterator[list[dict[str, Any]]]:
    dialogues: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(folder / f"{corpus}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            dialogues[row["dialogue"]].append(row)
    yield from dialogues.values()


def _casino(folder: Path) -> Iterator[Example]:
    """Small talk while bargaining, and what people need, with their reasons."""
    for dialogue in _acts(folder, "casino"):
        for row in dialogue:
            talks = row["labels"] == ["small-talk"]
            needs = {"self-need", "other-need", "no-need"} & set(row["labels"])
            for read in _cut(row["text"]):
                goods = bool(GOODS.search(read))
                if (talks and not goods and not TRIP.search(read)) or (needs and goods):
                    yield Example(read, talks, "casino", row["dialogue"])


def _star(folder: Path) -> Iterator[Example]:
    """What users say to a service: around hello and goodbye, and in between."""
    for dialogue in _acts(folder, "star"):
        for row, after in zip(dialogue, [*dialogue[1:], None], strict=True):
            if row["speaker"] != "user":
                continue
            ends = bool(after and {"hello", "goodbye_1", "goodbye_2"} & set(after["labels"]))
            for read in _cut(row["text"]):
                short = len(read.split()) <= 8 and not re.search(r"\d", read)
                if settles_nothing(read, ENGLISH) or (ends and short):
                    yield Example(read, True, "star talk", row["dialogue"])
                elif not ends and len(read.split()) > 3 and (TELLS.search(read) or "?" in read):
                    yield Example(read, False, "star", row["dialogue"])


def _people(folder: Path) -> Iterator[Example]:
    """Strangers who get to know each other: what goes on around them, and what they are.

    The first is beside whatever matter there is. The second may bear on any: someone who plans a
    dinner for a vegan wants it heard.
    """
    for dialogue in _acts(folder, "tiage"):
        for row in dialogue:
            for read in _cut(row["text"]):
                if NOW.search(read) and len(read.split()) <= 16:
                    yield Example(read, True, "tiage talk", row["dialogue"])
                elif TRAIT.match(read) and not read.endswith("?") and len(read.split()) > 3:
                    yield Example(read, False, "tiage", row["dialogue"])


def _meetings(folder: Path) -> Iterator[Example]:
    courteous = {"ft", "fa", "fw", "fe", "bk", "ba"}
    for dialogue in _acts(folder, "mrda"):
        for row in dialogue:
            if courteous & set(row["labels"]) and len(row["text"].split()) <= 8:
                yield Example(row["text"].lower(), True, "mrda", row["dialogue"])


def _clinc(path: Path) -> Iterator[Example]:
    whole = json.loads(path.read_text(encoding="utf-8"))
    for text, intent in (row for part in ("train", "val", "test") for row in whole[part]):
        if intent not in NEITHER:
            beside = intent in TALK_INTENTS
            yield Example(text.lower(), beside, "clinc talk" if beside else "clinc", text)


def _hwu(folder: Path) -> Iterator[Example]:
    for path in sorted(folder.glob("*.csv")):
        scenario, _, intent = path.stem.partition("_")
        beside = (scenario, intent) == ("general", "praise")
        if scenario == "general" and not beside:
            continue
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter=";"):
                read = str(row["answer_from_anno"] or "").lower()
                if read:
                    yield Example(read, beside, "hwu talk" if beside else "hwu", read)


def _requests(data: Path) -> Iterator[Example]:
    """What people tell and ask when they build, look something up, or have tools used."""
    with gzip.open(data / "tool_dialogues" / "bfcl_multi_turn.jsonl.gz", "rt") as lines:
        for row in map(json.loads, lines):
            for message in row["messages"]:
                if message["role"] == "user":
                    for read in _cut(message["content"]):
                        if len(read.split()) < 4 or settles_nothing(read, ENGLISH):
                            continue
                        yield Example(read, False, "bfcl", str(row["id"]).rsplit("_", 1)[-1])
    yield from _narrated(data / "clarify" / "abg_coqa.jsonl.gz")
    for name in ("iglu", "pacific_dev", "abg_coqa", "qulac"):
        with gzip.open(data / "clarify" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in list(map(json.loads, lines))[:3000]:
                if name == "abg_coqa" and not row["id"].startswith(FREE):
                    continue
                for read in _cut(row["request"]):
                    yield Example(read, False, name, read)


def _narrated(path: Path) -> Iterator[Example]:
    """Stories and articles that are free: what others do, even today and when they are tired."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            told = row["context"][0]
            if told["speaker"] == "document" and row["id"].startswith(FREE):
                for read in _cut(told["text"]):
                    if '"' not in read and 2 < len(read.split()) <= 25:
                        yield Example(read, False, "narrated", row["id"])
                        yield from _leads(read, row["id"])


# The model


@dataclass(frozen=True)
class Matrix:
    """The hashed features of examples, one after the other, and where each one's begin."""

    places: NDArray[np.int32]
    starts: NDArray[np.int64]

    def of(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sum of the weights of each."""
        return np.add.reduceat(weights[self.places], self.starts)


def matrix(found: Sequence[Example]) -> Matrix:
    """Features as `uptake.analyst.asides` sees them."""
    rows = [[*features(e.read), e.share] for e in found]
    places = [crc32(f.encode()) % PLACES for row in rows for f in row]
    starts = np.cumsum([0, *map(len, rows)])[:-1]
    return Matrix(np.array(places, np.int32), starts)


def fit(
    found: Sequence[Example], seen: Matrix, chosen: NDArray[np.bool_], decay: float, passes: int
) -> tuple[NDArray[np.float32], float]:
    """Weights and bias by logistic regression (Adam, L2); either side weighs a half."""
    counts = np.array([e.beside for e in found])
    weight = _balanced(found) * chosen
    weight /= weight.sum()
    lengths = np.diff([*seen.starts, len(seen.places)])
    weights, bias = np.zeros(PLACES, np.float64), 0.0
    first, second = np.zeros(PLACES + 1), np.zeros(PLACES + 1)
    for step in range(1, passes + 1):
        scores = seen.of(weights.astype(np.float32)) + bias
        error = weight * (1 / (1 + np.exp(-scores)) - counts)
        slope = np.bincount(seen.places, np.repeat(error, lengths), PLACES) + decay * weights
        whole = np.append(slope, error.sum())
        first = 0.9 * first + 0.1 * whole
        second = 0.999 * second + 0.001 * whole**2
        move = 0.05 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9)
        weights -= move[:-1]
        bias -= move[-1]
    return weights.astype(np.float32), float(bias)


def _balanced(found: Sequence[Example]) -> NDArray[np.float64]:
    sizes: dict[tuple[bool, str], int] = defaultdict(int)
    for each in found:
        sizes[each.beside, each.source] += 1
    # The square root: a source of thousands still says more than one of hundreds.
    raw = np.array([sizes[e.beside, e.source] ** -0.5 for e in found])
    side = np.array([e.beside for e in found])
    for which in (True, False):
        raw[side == which] /= raw[side == which].sum()
    return raw


def rounded(weights: NDArray[np.float32]) -> tuple[bytes, float]:
    """Weights as bytes, and the step between two."""
    step = float(np.quantile(np.abs(weights[weights != 0]), 0.9995)) / 127
    return np.clip(np.rint(weights / step), -127, 127).astype(np.int8).tobytes(), step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("clinc", type=Path)
    parser.add_argument("hwu", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--decay", type=float, default=3e-6)
    parser.add_argument("--passes", type=int, default=150)
    parser.add_argument("--show", type=int, default=0)
    asked = parser.parse_args()
    found = examples(asked.data, asked.clinc, asked.hwu)
    seen = matrix(found)
    fold = np.array([crc32(e.group.encode()) % FOLDS for e in found])
    sizes: dict[str, int] = defaultdict(int)
    for each in found:
        sizes[f"{each.source}{'+' if each.beside else ''}"] += 1
    print(len(found), len(seen.places), dict(sizes))
    scores = np.zeros(len(found), np.float32)
    talk = [read for line in fidelity.TALK_TUNED for read in _cut(line)]
    talk_seen = matrix([Example(read, True, "", "") for read in talk])
    for number in range(FOLDS):
        weights, bias = fit(found, seen, fold != number, asked.decay, asked.passes)
        scores[fold == number] = (seen.of(weights) + bias)[fold == number]
    weights, bias = fit(found, seen, np.ones(len(found), bool), asked.decay, asked.passes)
    table, step = rounded(weights)
    weights = np.frombuffer(table, np.int8).astype(np.float32) * np.float32(step)
    talk_scores = talk_seen.of(weights) + bias
    if asked.write:
        ENGLISH.file.with_suffix(".asides").write_bytes(
            json.dumps({"step": step, "bias": bias, "places": PLACES, "from": FROM}).encode()
            + b"\n"
            + table
        )
    for line in (0.0, 1.0, 2.0, 3.0, 4.0):
        shares = {
            name: round(float(np.mean(scores[[e.source == name for e in found]] > line)), 5)
            for name in sorted({e.source for e in found})
        }
        print(line, f"tuned talk {np.mean(talk_scores > line):.3f}", shares)
    for score, read in sorted(zip(talk_scores, talk, strict=True)):
        print(f"{score:6.2f} {read}")
    order = np.argsort(-scores)
    worst = [i for i in order if not found[i].beside and found[i].source != "star"][: asked.show]
    for i in worst:
        print(f"{scores[i]:6.2f} {found[i].source} {found[i].share} {found[i].read}")


if __name__ == "__main__":
    main()
