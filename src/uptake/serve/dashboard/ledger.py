"""The ledger as it stood after each turn, folded from what each turn changed.

A `Turn` keeps only the entries that it added or changed. `fold` puts them together again, and says
of each what became of it, so that a page can show both what holds and what was struck just now.

Pure. This module knows nothing of pages, and nothing of how the entries came to be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Literal

from uptake.serve.records import Turn

__all__ = ["Change", "Line", "Stand", "TopicChange", "fold", "rewording"]

How = Literal["added", "reworded", "superseded", "withdrawn", "unclear"]

HOW: Mapping[str, How] = {
    "superseded": "superseded",
    "withdrawn": "withdrawn",
    "pending": "unclear",
}

BECAME: Mapping[str, str] = {"open": "returned to", "suspended": "set aside", "cancelled": "closed"}
"""What is said of a topic that was there before and now has this state."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as it stands. `said` is the place in the line of turns at which it came in.

    `landed` is whether it is a correction whose words now stand in the entry that it corrects.
    """

    id: int
    text: str
    wording: str
    kind: str
    topic: int
    status: str
    by: int | None
    said: int
    landed: bool = False

    @property
    def holds(self) -> bool:
        """Whether it still counts: it is active, or pending a clearer word."""
        return self.status in ("active", "pending")

    @property
    def settles(self) -> bool:
        """Whether a partner has to know it, as `CommonGround.standing` has it."""
        return self.holds and not self.landed and self.kind not in ("social", "withdrawal")


@dataclass(frozen=True, slots=True)
class Change:
    """What a turn did to one entry: `line` is after it, `before` its words until then if any."""

    how: How
    line: Line
    before: str | None


@dataclass(frozen=True, slots=True)
class TopicChange:
    """What became of a topic: "opened", "returned to", "set aside" or "closed"."""

    id: int
    how: str


@dataclass(frozen=True, slots=True)
class Stand:
    """The ledger after a turn, in the order of saying, and what that turn did to it."""

    lines: tuple[Line, ...]
    changes: tuple[Change, ...]
    topics: tuple[TopicChange, ...]

    @property
    def holding(self) -> tuple[Line, ...]:
        """What holds and settles something."""
        return tuple(line for line in self.lines if line.settles)

    @property
    def untouched(self) -> tuple[Line, ...]:
        """What holds and was not touched by this turn."""
        touched = {change.line.id for change in self.changes}
        return tuple(line for line in self.holding if line.id not in touched)

    @property
    def ended(self) -> tuple[Line, ...]:
        """What no longer holds."""
        return tuple(line for line in self.lines if not line.holds)

    def line(self, number: int | None) -> Line | None:
        """The entry with this id; None where there is none."""
        return next((line for line in self.lines if line.id == number), None)


def fold(turns: Sequence[Turn]) -> list[Stand]:
    """The ledger after each turn of a line, which begins at the root."""
    lines: dict[int, Line] = {}
    topics: dict[int, str] = {}
    stands: list[Stand] = []
    for place, turn in enumerate(turns):
        changes: list[Change] = []
        for data in turn.changes:
            before = lines.get(_number(data.get("id")))
            line = _line(data, place if before is None else before.said)
            changes.append(Change(_how(before, line), line, before.wording if before else None))
        changes = _with_landed(changes)
        lines |= {change.line.id: change.line for change in changes}
        moved = _moved(topics, turn.topics)
        stands.append(
            Stand(tuple(lines[number] for number in sorted(lines)), tuple(changes), moved)
        )
    return stands


def rewording(old: str, new: str) -> list[tuple[Literal["same", "out", "in"], str]]:
    """Both wordings as one text: runs of words that stay, that go out, and that come in.

    Joined, the runs that are not "in" are `old`, and those that are not "out" are `new`.
    """
    a, b = _words(old), _words(new)
    runs: list[tuple[Literal["same", "out", "in"], str]] = []
    for tag, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            runs.append(("same", "".join(a[i:j])))
            continue
        if j > i:
            runs.append(("out", "".join(a[i:j])))
        if m > k:
            runs.append(("in", "".join(b[k:m])))
    return runs


def _words(text: str) -> list[str]:
    """A text cut into words, marks and spaces, nothing of it lost; long ones are left whole."""
    if len(text) > 4000:  # comparing takes time that grows with the square
        return [text]
    return re.findall(r"\w+|\s+|[^\w\s]", text)


def _how(before: Line | None, line: Line) -> How:
    if before is None or before.status != line.status:
        return HOW.get(line.status, "added" if before is None else "reworded")
    return "reworded"


def _with_landed(changes: Sequence[Change]) -> list[Change]:
    """The same, with the corrections marked whose words have come into another entry."""
    put = [
        run.strip()
        for change in changes
        if change.how == "reworded" and change.before is not None
        for kind, run in rewording(change.before, change.line.wording)
        if kind == "in" and run.strip()
    ]

    def marked(change: Change) -> Change:
        line = change.line
        if change.how != "added" or line.kind != "correction":
            return change
        return replace(change, line=replace(line, landed=any(words in line.text for words in put)))

    return [marked(change) for change in changes]


def _moved(topics: dict[int, str], after: Sequence[Mapping[str, Any]]) -> tuple[TopicChange, ...]:
    """What became of the topics, whose states are brought up to date."""
    found: list[TopicChange] = []
    for data in after:
        topic, state = _number(data.get("id")), str(data.get("state"))
        before = topics.get(topic)
        topics[topic] = state
        if before is None:
            found.append(TopicChange(topic, "opened"))
        elif before != state:
            found.append(TopicChange(topic, BECAME.get(state, state)))
    return tuple(found)


def _line(data: Mapping[str, Any], said: int) -> Line:
    text = str(data.get("text", ""))
    by = data.get("by")
    return Line(
        id=_number(data.get("id")),
        text=text,
        wording=str(data.get("wording", text)),
        kind=str(data.get("kind", "fact")),
        topic=_number(data.get("topic")),
        status=str(data.get("status", "active")),
        by=None if by is None else _number(by),
        said=said,
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1
