"""What people say that turns do: labels kept in a file, how well people agree, and their place in
an audit.

A line of the file is one person's labels of one turn:

    {"file": "chats.jsonl", "conversation": "c7", "turn": 2, "by": "ann", "acts": ["commit"]}

Of two lines of one person on one turn the later counts. What was settled between people who
disagreed is by `SETTLED`, and goes before what they said. Files are known by their names without
folders, so that logs may be moved.

This module knows nothing of pages (`serve.annotate`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, cast

from uptake.acts import ACTS
from uptake.agreement import alpha, kappa, masi
from uptake.audit.annotator import LearnedMarks
from uptake.audit.heard import Heard
from uptake.audit.marks import ActAnnotator, Mark, Marks
from uptake.errors import UptakeError
from uptake.intervals import Interval, intervals
from uptake.transcripts import Transcript

__all__ = [
    "SETTLED",
    "Agreement",
    "Label",
    "Labelled",
    "Place",
    "agreement",
    "final",
    "place",
    "read_labels",
]

SETTLED = "(settled)"
"""Whose labels those are that people who disagreed agreed on."""

Place = tuple[str, str, int]
"""The name of a file, the id of a conversation, and the place of a message in it."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one person (`by`) says that a turn does: names of `acts.ACTS`, or none of them."""

    file: str
    conversation: str
    turn: int
    by: str
    acts: tuple[str, ...]

    @property
    def at(self) -> Place:
        """The turn."""
        return self.file, self.conversation, self.turn

    def line(self) -> str:
        """As a line of the file."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well people agree on an act, or on all ("all acts"), of `n` turns that two labelled.

    `kappa` is Cohen's, of the two who share most turns, with its 95% interval, conversations being
    what is drawn; None for all acts. `alpha` is Krippendorff's, of everybody; of all acts by MASI.
    """

    act: str
    n: int
    alpha: float | None
    kappa: Interval | None


def place(transcript: Transcript, turn: int) -> Place:
    """The place of a turn of a conversation that was read."""
    return Path(transcript.source.file).name, transcript.id, turn


def read_labels(path: Path) -> list[Label]:
    """The labels of a file, of each person and turn the last.

    Raises:
        UptakeError: the file cannot be read, or a line of it is no label.
    """
    try:
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise UptakeError(f"{path}: {error.strerror or error}") from error
    found: dict[tuple[Place, str], Label] = {}
    for number, line in enumerate(lines, 1):
        try:
            label = _label(json.loads(line)) if line.strip() else None
        except (ValueError, KeyError, TypeError) as error:
            why = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise UptakeError(f"{path}:{number}: not a label ({why}); mend the line") from error
        if label is not None:
            found[label.at, label.by] = label
    return list(found.values())


def _label(data: Any) -> Label:
    if not isinstance(data, dict):
        raise TypeError("no object")
    row = cast("dict[str, Any]", data)
    acts = tuple(map(str, row["acts"]))
    unknown = [act for act in acts if act not in ACTS]
    if unknown:
        raise ValueError(f"no act is called {unknown[0]!r}")
    named = str(row["file"]), str(row["conversation"]), int(row["turn"])
    return Label(*named, str(row["by"]), acts)


def final(labels: Iterable[Label]) -> dict[Place, frozenset[str]]:
    """What holds of each turn: what was settled, else what all who labelled it say alike."""
    said: dict[Place, dict[str, frozenset[str]]] = {}
    for label in labels:
        said.setdefault(label.at, {})[label.by] = frozenset(label.acts)
    return {
        at: by.get(SETTLED, next(iter(by.values())))
        for at, by in said.items()
        if SETTLED in by or len(set(by.values())) == 1
    }


def agreement(labels: Sequence[Label]) -> list[Agreement]:
    """How well people agree, before anything was settled; nothing where no turn has two labels."""
    said: dict[Place, dict[str, frozenset[str]]] = {}
    for label in labels:
        if label.by != SETTLED:
            said.setdefault(label.at, {})[label.by] = frozenset(label.acts)
    both = {at: by for at, by in said.items() if len(by) > 1}
    if not both:
        return []
    sets = [list(by.values()) for by in both.values()]
    made = [Agreement("all acts", len(both), alpha(sets, masi), None)]
    names = sorted({name for by in both.values() for name in by})
    pair = max(
        combinations(names, 2), key=lambda p: sum(set(p) <= by.keys() for by in both.values())
    )
    for act in ACTS:
        units = [[act in acts for acts in each] for each in sets]
        if any(map(any, units)):
            made.append(Agreement(act, len(both), alpha(units), _kappa(both, pair, act)))
    return made


def _kappa(
    both: Mapping[Place, Mapping[str, frozenset[str]]], pair: tuple[str, str], act: str
) -> Interval | None:
    talks: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    for (file, talk, _), by in both.items():
        if set(pair) <= by.keys():
            talks.setdefault((file, talk), []).append((act in by[pair[0]], act in by[pair[1]]))
    found = intervals([kappa(list(talks.values()))])[0]
    return None if found.value != found.value else found  # NaN: neither ever says so


@dataclass(frozen=True, slots=True)
class Labelled:
    """The acts of one conversation: what people say of the turns they labelled, else `under`.

    `acts` are by the place of a message. Of an act that `under` finds, too, its words are kept.
    """

    acts: Mapping[int, frozenset[str]]
    under: ActAnnotator = field(default_factory=LearnedMarks)

    def marks(self, heard: Heard) -> Marks:
        """The marks of every turn."""
        found = dict(self.under.marks(heard))
        for at in self.acts.keys() & set(heard.turns):
            found[at] = tuple(self._said(heard, at, found.get(at, ())))
        return found

    def _said(self, heard: Heard, at: int, found: Sequence[Mark]) -> Iterator[Mark]:
        known = [mark for mark in found if mark.name in self.acts[at]]
        yield from known
        other = "assistant" if heard.role(at) == "user" else "user"
        for name in sorted(self.acts[at] - {mark.name for mark in known}):
            yield Mark(name, target=heard.before(at, other))
