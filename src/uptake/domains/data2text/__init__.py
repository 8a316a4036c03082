"""Tables to be put into a sentence, generated without end; the verifier reads what a reply states.

The tables are small, of several kinds, with made-up names, and some of their cells are highlighted
(in the manner of ToTTo, Parikh et al. 2020, arXiv 2004.14373). Training and held-out requests
differ in kinds of table, names, layouts and wordings. Instructions from elsewhere that bring
references and no cells are scored by BLEU against them, as Lost in Conversation does.

`chrF` and BLEU are on sacrebleu's scale divided by 100. This module knows nothing of models, or of
how the requests are told over turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, cast

from uptake.domains import seeded
from uptake.domains.data2text.check import Cell, committed, covered, invented, without_talk
from uptake.domains.data2text.telling import Task, Teller, draw
from uptake.domains.data2text.values import words
from uptake.instruction import Instruction, Shard, Verdict

__all__ = ["Data2Text", "Scores", "checked_by", "data2text", "instruction", "scores"]

_REFERENCES = 3
_TRIED = 8
_FIRST = 2  # after the intent and the title come the highlighted cells


@dataclass(frozen=True, slots=True)
class Scores:
    """What there is to say of one reply, each figure in [0, 1].

    `coverage` is the share of the highlighted cells that it states and `faithful` whether it holds
    no number or name of its own; both are None where the instruction brings no cells. `chrf` and
    `bleu` compare it to the references, with sacrebleu's defaults; None where there are none.
    """

    coverage: float | None
    faithful: bool | None
    chrf: float | None
    bleu: float | None


def instruction(task: Task, rng: Random, ident: str) -> Instruction:
    """Tell a task as an instruction; its answer is the first of its references."""
    teller = Teller(task, rng)
    shards = teller.shards()
    references = [teller.description() for _ in range(_REFERENCES)]
    full = teller.full(shards)
    told, readings = _readings(teller, shards, ident)
    table = task.table
    meta: dict[str, Any] = {
        "kind": table.kind.name,
        "split": task.split,
        "title": table.title,
        "section": table.kind.section,
        "header": list(table.header),
        **_marked(task),
        "units": ["", *(column.unit for column in table.columns)],
        "references": references,
        "checked_by": "cells",
        **readings,
        "gaps": [_FIRST + i for i in task.gaps()],
        "distractor": Teller(task, Random(f"{ident}/aside")).aside(),
    }
    return Instruction(ident, "data2text", full, tuple(told), references[0], meta)


def _readings(
    teller: Teller, shards: Sequence[Shard], ident: str
) -> tuple[list[Shard], dict[str, dict[str, Any]]]:
    """The shards with what is right where a cell is another or taken back, and their `meta`."""
    task, told = teller.task, list(shards)
    readings: dict[str, dict[str, Any]] = {"revised": {}, "withdrawn": {}}
    for i, cell in enumerate(task.highlighted, _FIRST):
        others = {
            "revised": task.changed(cell, teller.others[cell]),
            "withdrawn": task.without(cell),
        }
        for reading, other in others.items():
            rng = Random(f"{ident}/{reading}/{i}")
            found = None if other is None else _reading(other, shards, rng)
            if found is not None:
                told[i] = replace(told[i], **{reading: found[0]})
                readings[reading][str(i)] = found[1]
    return told, readings


def _reading(task: Task, shards: Sequence[Shard], rng: Random) -> tuple[str, dict[str, Any]] | None:
    """The answer to a task that differs in one cell, and what of `meta` is otherwise then.

    The request is among it: what the cell held before is then a number that nobody has said. None
    where there is too little left to make prose of.
    """
    teller = Teller(task, rng)
    full = teller.full(shards)
    marked = _marked(task)
    plain_words = _plain_words({"title": task.table.title, "header": task.table.header, **marked})
    for _ in range(_TRIED):
        answer = teller.description()
        if committed(answer, full, plain_words) == answer:
            return answer, {"full": full, "references": [answer], **marked}
    return None


def _marked(task: Task) -> dict[str, Any]:
    return {
        "rows": [list(row) for row in task.table.rows],
        "highlighted": [list(cell) for cell in task.highlighted],
    }


def checked_by(instruction: Instruction) -> str:
    """How a reply to it is scored: by its "cells", by "BLEU" where it brings references only.

    "nothing" where it brings neither: such a reply has no score.
    """
    meta = instruction.meta
    if all(key in meta for key in ("rows", "header", "highlighted")):
        return "cells"
    return "BLEU" if _references(instruction) else "nothing"


def scores(instruction: Instruction, reply: str) -> Scores:
    """Coverage, faithfulness, chrF and BLEU of what a reply commits to; 0 where to nothing."""
    answer = _committed(instruction, reply)
    chrf, bleu = _by_reference(answer or "", _references(instruction))
    if checked_by(instruction) != "cells":
        return Scores(None, None, chrf, bleu)
    if answer is None:
        return Scores(0.0, True, chrf, bleu)
    coverage, faithful = _by_cells(instruction, answer)
    return Scores(coverage, faithful, chrf, bleu)


class Data2Text:
    """The data2text domain."""

    name = "data2text"

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions; the same for the same seed and split ("train" or "heldout").

        Raises ValueError for another split.
        """

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw(rng, split), rng, ident)

        return seeded(self.name, n, seed, split, make)

    def caveat(self, instruction: Instruction) -> str | None:
        """That its score is BLEU, or that it has none; None where its cells are looked for."""
        return {
            "cells": None,
            "BLEU": "scored by BLEU against its references, which is no share of right replies",
            "nothing": "without a score: it brings neither cells nor references",
        }[checked_by(instruction)]

    def guess(self, said: Sequence[str]) -> str:
        """A sentence that fits any table."""
        return "What is highlighted stands out among all the rest."

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """1 if the reply states every highlighted cell in prose of its own and invents nothing.

        Otherwise the share of the cells that it states; 0 if it holds a number or a name that
        neither the table nor the request does, or commits to nothing (see `check`). What a reply
        says to the user beside ("No, it is 41, not 38.") may be left out, where that is better
        for it. An instruction with references and no cells scores BLEU against them, without one
        None.
        """
        answer = _committed(instruction, reply)
        how = checked_by(instruction)
        if how == "nothing":
            return Verdict(None, answer)
        if answer is None:
            return Verdict(0.0, None)
        if how == "BLEU":
            return Verdict(_by_reference(answer, _references(instruction))[1], answer)
        best = max(_score(instruction, answer), _score(instruction, without_talk(answer)))
        return Verdict(best, answer)


def _committed(instruction: Instruction, reply: str) -> str | None:
    """The prose that counts: where references decide, the whole of a reply that holds some."""
    if checked_by(instruction) == "cells":
        return committed(reply, _request(instruction), _plain_words(instruction.meta))
    own = committed(reply, _request(instruction), ())
    return None if own is None else reply.strip()


def _score(instruction: Instruction, answer: str) -> float:
    coverage, faithful = _by_cells(instruction, answer)
    return coverage if faithful else 0.0


def _by_cells(instruction: Instruction, answer: str) -> tuple[float, bool]:
    cells = _cells(instruction.meta)
    stated = covered(answer, cells)
    return sum(stated) / len(stated), not invented(answer, _request(instruction), cells)


def _request(instruction: Instruction) -> str:
    """All that the user may say of it."""
    return "\n".join([instruction.full, *(shard.text for shard in instruction.shards)])


def _cells(meta: Mapping[str, Any]) -> list[Cell]:
    header: list[str] = list(meta["header"])
    units: list[str] = meta.get("units") or [""] * len(header)
    marked: list[tuple[int, int]] = meta["highlighted"]
    return [Cell(str(meta["rows"][i][j]), i, units[j]) for i, j in marked]


def _plain_words(meta: Mapping[str, Any]) -> list[str]:
    """The words of the table's title, header and cells, but for short ones ("of", "the")."""
    texts = [str(meta.get("title", "")), *meta["header"], *(t for row in meta["rows"] for t in row)]
    return [word for text in texts for word in words(text) if len(word) > 3]


def _references(instruction: Instruction) -> list[str]:
    found: Any = instruction.meta.get("references") or ()
    if not isinstance(found, list | tuple):
        return []
    return [
        text.strip() for text in cast("list[Any]", found) if isinstance(text, str) and text.strip()
    ]


def _by_reference(answer: str, references: list[str]) -> tuple[float | None, float | None]:
    """Both figures (chrF, BLEU) of one text, as a corpus of one; None without references."""
    if not references:
        return None, None
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    against = [[reference] for reference in references]
    chrf = CHRF().corpus_score([answer.strip()], against).score
    bleu = BLEU().corpus_score([answer.strip()], against).score
    # Rounding leaves a full score a hair above 100.
    return min(chrf / 100, 1.0), min(bleu / 100, 1.0)


data2text = Data2Text()
