"""Public dialogue corpora, read where the user has them: turns, and what their labels say of acts.

A folder holds one file a corpus, NAME.jsonl or NAME.jsonl.gz, with a turn a line: `dialogue`,
`turn`, `speaker`, `text`, `labels`, `split`. Nothing of them is copied.

This module knows nothing of what is learned from them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from zlib import crc32

from uptake.errors import UptakeError
from uptake.train.native import JUDGED, judged

__all__ = ["Dialogue", "Turn", "read_corpora", "read_corpus"]

SPLITS = ("train", "dev", "test")
_SAME = 25  # characters of a turn that two dialogues do not share by chance


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: who said what, and of each act that is judged whether it does it."""

    speaker: str
    text: str
    does: dict[str, bool]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One dialogue of a corpus. `split` is train, dev or test: a dialogue is in one of them."""

    corpus: str
    id: str
    split: str
    turns: tuple[Turn, ...]


def read_corpora(folder: Path, names: Sequence[str] = ()) -> list[Dialogue]:
    """The dialogues of the named corpora of a folder; without names, of all that the table maps.

    Raises:
        UptakeError: a corpus is not there, or a line is not as above.
    """
    found = [each for name in names or sorted(JUDGED) for each in read_corpus(folder, name)]
    if not found:
        raise UptakeError(f"{folder}: no dialogue in it")
    return found


def read_corpus(folder: Path, name: str) -> Iterator[Dialogue]:
    """The dialogues of one corpus, in order. Raises UptakeError as `read_corpora` does."""
    found = (folder / f"{name}{end}" for end in (".jsonl.gz", ".jsonl"))
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise UptakeError(f"{folder}: no {name}.jsonl or {name}.jsonl.gz; --data names the folder")
    whole = [(str(k), list(g)) for k, g in groupby(_rows(path), key=lambda row: row["dialogue"])]
    splits = _own_splits(whole) if name == "molweni" else {}
    for key, rows in whole:
        split = splits.get(key, rows[0]["split"])
        if split in SPLITS:
            yield from _apart(name, key, split, rows)


def _own_splits(whole: Sequence[tuple[str, list[dict[str, Any]]]]) -> dict[str, str]:
    """Splits for a corpus without a train part, whose dialogues are windows that overlap.

    Dialogues that share a long turn go together: with one of the test part, those of dev are left
    out ("unused"); else four in five such groups of dev are train.
    """
    group: dict[str, str] = {}

    def find(key: str) -> str:
        while group.setdefault(key, key) != key:
            key = group[key]
        return key

    first: dict[str, str] = {}
    for key, rows in whole:
        for row in rows:
            if len(row["text"]) >= _SAME:
                group[find(key)] = find(first.setdefault(row["text"], key))
    tested = {find(key) for key, rows in whole if rows[0]["split"] == "test"}
    return {
        key: "unused" if find(key) in tested else _drawn(find(key))
        for key, rows in whole
        if rows[0]["split"] != "test"
    }


def _drawn(key: str) -> str:
    return "dev" if crc32(key.encode()) % 5 == 0 else "train"


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                row = {key: row[key] for key in ("dialogue", "speaker", "text", "labels", "split")}
            except (ValueError, KeyError, TypeError) as error:
                raise UptakeError(f"{path}:{number}: not a turn of a corpus ({error})") from error
            yield row


def _apart(corpus: str, key: str, split: str, rows: list[dict[str, Any]]) -> Iterator[Dialogue]:
    """The dialogue of some rows; where several tutors answer one turn, one dialogue each."""
    common = [row for row in rows if "#" not in row["speaker"]]
    ways = [row for row in rows if "#" in row["speaker"]]
    for number, way in enumerate(ways or [None]):
        told = common if way is None else [*common, way]
        turns = tuple(_turn(corpus, row, known=number == 0 or row is way) for row in told)
        yield Dialogue(corpus, key, split, turns)


def _turn(corpus: str, row: dict[str, Any], *, known: bool) -> Turn:
    speaker = row["speaker"].partition("#")[0]
    does = judged(corpus, speaker, row["labels"]) if known else {}
    return Turn(speaker, row["text"], does, tuple(row["labels"]))
