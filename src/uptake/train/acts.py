"""`uptake train acts`: from a folder of corpora to the annotator's weights and their card.

This module knows nothing of how weights are fitted (`annotator`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from uptake.audit.features import Floats
from uptake.audit.learned import Weights, calibrate, write_weights
from uptake.errors import UptakeError
from uptake.train.annotator import Shape, Turns, calibrated, fit, read_turns, scored
from uptake.train.corpora import read_corpora
from uptake.train.counted import best_cut, calibration_error, f1
from uptake.train.native import JUDGED, LEARNED

__all__ = ["ACROSS", "learn"]

FEWEST = 10  # turns with an act in a test part, for a line of the card
ACROSS = "<!-- acts:begin -->\nNot measured yet: `runs/acts.py`.\n<!-- acts:end -->"
"""Where the card has room for what `runs/acts.py` measures on corpora left out."""

_SOURCES = {
    "mrda": "MRDA (Shriberg et al. 2004) on the ICSI Meeting Corpus (Janin et al. 2003); CC BY 4.0",
    "molweni": "Molweni (Li et al. 2020) on the Ubuntu Chat Corpus; Apache-2.0",
    "tiage": "TIAGE (Xie et al. 2021) on PersonaChat (Zhang et al. 2018); MIT",
    "cima": "CIMA (Stasaski, Kao, Hearst 2020); CC BY 2.5",
    "star": "STAR (Mosig, Mehri, Kober 2020; Rasa); MIT",
    "casino": "CaSiNo (Chawla et al. 2021); CC BY 4.0",
}


def learn(
    data: Path, out: Path, say: Callable[[str], None], shape: Shape | None = None
) -> tuple[Path, Path]:
    """Learn from the corpora in `data`; write acts.npz and README.md in `out`, and give both.

    Raises:
        UptakeError: a corpus is missing or broken, or has no train or dev part.
    """
    shape = shape or Shape()
    say("acts  reading")
    turns = read_turns(read_corpora(data))
    parts = {part: turns.which(part) for part in ("train", "dev", "test")}
    for part in ("train", "dev"):
        if not len(parts[part]):
            raise UptakeError(f"{data}: no labelled turn of the {part} part; see docs/acts.md")
    weights = fit(turns, parts["train"], shape, say)
    scores = scored(weights, turns)
    weights = calibrated(weights, turns, scores, parts["dev"])
    path, card = out / "acts.npz", out / "README.md"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_weights(path, weights)
        card.write_text(_card(turns, weights, scores, shape), encoding="utf-8")
    except OSError as error:
        raise UptakeError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    return path, card


def _card(turns: Turns, weights: Weights, scores: Floats, shape: Shape) -> str:
    counts = "\n".join(_counts(turns))
    lines = "\n".join(_within(turns, weights, calibrate(weights, scores)))
    return f"""# Acts, learned from people

The weights that `uptake audit` reads turns with: for each turn of either party a probability of
{len(LEARNED)} acts. Made {datetime.now(UTC).date().isoformat()} by `uptake train acts --data DIR`.

## What they are

Hashed words and pairs of words of a turn, of the two before and of the next; who spoke, what is
pending, what is repeated, and what the rules of `uptake.acts` found; one hidden layer of
{shape.hidden} units over sums of width {shape.width}, and words counted directly. From scratch: no
model that was trained elsewhere is in it. No text of the corpora is in it either, only weights.

## What they were learned from

| corpus, licence | labelled turns: train | dev | test |
|---|---:|---:|---:|
{counts}

Texts were used as they were prepared: of MRDA without tags of quoted speech, of CIMA's parallel
tutors each by itself. Molweni has no train part and its dialogues overlap: those of dev that share
no turn with test were divided anew. Which label shows which act, and why, is one table:
`uptake.train.native`.

## What was chosen how

Weights on the train parts, {shape.epochs} times over. Calibration (a slope and a shift for each
act, corpora counting alike), and where to cut for F1, on the dev parts. Features, the size and the
number of rounds were chosen on dev, too; test parts were counted once, for this card.

## How often they are right, on test parts of the same corpora

F1 cut where dev says; "at .5" as the audit shows it. Calibration is the expected error over 15
bins.

| corpus | act | turns with it | F1 | at .5 | rules alone | calibration |
|---|---|---:|---:|---:|---:|---:|
{lines}

## On corpora that were left out

{ACROSS}

## What they do not know

People, in meetings, chats and role play: nobody in these corpora talks to a model, and long
replies are read at both ends only. English. Acts that no corpus labels stay with the rules. How
often an act occurs differs a hundredfold between corpora, so that a probability is right on
average, not in each.
"""


def _counts(turns: Turns) -> Iterator[str]:
    for corpus in sorted(JUDGED):
        sizes = (len(turns.which(part, of=[corpus])) for part in ("train", "dev", "test"))
        yield f"| {_SOURCES[corpus]} | " + " | ".join(f"{size:,}" for size in sizes) + " |"


def _within(turns: Turns, weights: Weights, probable: Floats) -> Iterator[str]:
    for corpus in sorted(JUDGED):
        for act, label in enumerate(LEARNED):
            mine, dev = (
                rows[turns.known[rows, act] >= 0]
                for rows in (turns.which("test", of=[corpus]), turns.which("dev", of=[corpus]))
            )
            does, found = turns.known[mine, act] == 1, probable[mine, act]
            if does.sum() >= FEWEST:
                cut = best_cut(turns, probable[:, act], dev, act)
                ruled = turns.finds(label)[mine]
                figures = (f1(does, found >= cut), f1(does, found >= 0.5), f1(does, ruled))
                cells = [*figures, calibration_error(found, does)]
                shown = " | ".join(f"{cell:.2f}" for cell in cells[:3])
                yield f"| {corpus} | {label} | {does.sum():,} | {shown} | {cells[3]:.3f} |"
