"""What is to be labelled: a sample of conversations, turn by turn, and the file of the labels.

Every save appends a line, so that nothing is lost and two people may label at once.

This module knows nothing of pages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from uptake.audit.labels import SETTLED, Label, Place, place, read_labels
from uptake.errors import UptakeError
from uptake.transcripts import Fault, Transcript

__all__ = ["Task", "Tasks", "sample"]


@dataclass(frozen=True, slots=True)
class Task:
    """One turn to label, with who speaks and what was said up to it: pairs of role and text."""

    at: Place
    said: tuple[tuple[str, str], ...]


def sample(found: Iterable[Transcript | Fault], n: int, seed: int) -> list[Transcript]:
    """`n` conversations with a reply, drawn evenly; as many as there are, where they are fewer."""
    rng, kept, seen = Random(seed), list[Transcript](), 0
    for one in found:
        if isinstance(one, Fault) or not one.conversation.said_by("assistant"):
            continue
        seen += 1
        if len(kept) < n:
            kept.append(one)
        elif (spot := rng.randrange(seen)) < n:  # Vitter 1985, algorithm R
            kept[spot] = one
    return sorted(kept, key=lambda t: (t.source.file, t.source.line))


class Tasks:
    """The turns of some conversations, and who has labelled what."""

    def __init__(self, talks: Sequence[Transcript], path: Path) -> None:
        """Raises UptakeError where the file cannot be read or written, or there is no turn."""
        self.tasks = [task for talk in talks for task in _of(talk)]
        self.path = path
        if not self.tasks:
            raise UptakeError("no conversation with a reply in these logs: there is nothing to do")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise UptakeError(f"cannot write {path}: {error.strerror or error}") from error
        self.labels = {(label.at, label.by): label for label in read_labels(path)}

    def of(self, number: int) -> dict[str, tuple[str, ...]]:
        """What everybody said of a turn, by name."""
        at = self.tasks[number].at
        return {by: label.acts for (where, by), label in self.labels.items() if where == at}

    def save(self, number: int, by: str, acts: Sequence[str]) -> None:
        """Keep one person's labels of a turn. Raises UptakeError where they cannot be written."""
        label = Label(*self.tasks[number].at, by, tuple(acts))
        try:
            with self.path.open("a", encoding="utf-8") as lines:
                lines.write(label.line())
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise UptakeError(f"cannot write {self.path}: {error.strerror or error}") from error
        self.labels[label.at, by] = label

    def next(self, by: str, after: int = -1) -> int | None:
        """The next turn that a person has not labelled, the earlier ones last; None where none."""
        order = [*range(after + 1, len(self.tasks)), *range(after + 1)]
        return next((n for n in order if (self.tasks[n].at, by) not in self.labels), None)

    def disputed(self) -> list[int]:
        """The turns on which people differ and nothing is settled."""
        found: list[int] = []
        for number in range(len(self.tasks)):
            said = self.of(number)
            if SETTLED not in said and len({frozenset(acts) for acts in said.values()}) > 1:
                found.append(number)
        return found

    def done(self, by: str) -> int:
        """How many turns a person has labelled."""
        return sum((task.at, by) in self.labels for task in self.tasks)


def _of(talk: Transcript) -> list[Task]:
    said: list[tuple[str, str]] = []
    found: list[Task] = []
    for number, message in enumerate(talk.conversation):
        if message.role in ("user", "assistant") and message.text.strip():
            said.append((message.role, message.text))
            found.append(Task(place(talk, number), tuple(said)))
    return found
