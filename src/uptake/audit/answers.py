"""What a model said of turns that were put to it, in the folder of an audit: `answers.jsonl`.

A line is one call:

    {"file": "chats.jsonl", "line": 3, "conversation": "c7", "turn": 2, "asked": ["check"],
     "found": [], "acts": ["check"], "why": "", "spent": [412, 0.0001]}

`acts` is null where the call failed or its reply was no answer, and `why` says so; `spent` are the
tokens and US dollars of all calls up to there. Of two lines on one turn the later counts.

This module knows nothing of models or of how a turn is asked about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uptake.audit.doubts import Answer
from uptake.audit.worst import unnamed
from uptake.errors import UptakeError
from uptake.transcripts import Transcript

__all__ = ["ANSWERS", "NONSENSE", "Called", "Escalated", "Talk", "by_talk", "read_calls", "talk_of"]

ANSWERS = "answers.jsonl"

NONSENSE = "no answer in the reply"
"""Why a reply is not used that names no acts, or other acts."""

Talk = tuple[str, int | None, str]
"""A conversation by its file, its line and its id."""


@dataclass(frozen=True, slots=True)
class Called:
    """One call: what was asked of which turn, and what came of it; see the module."""

    file: str
    line: int | None
    conversation: str
    turn: int
    asked: tuple[str, ...]
    found: tuple[str, ...]
    acts: tuple[str, ...] | None
    why: str
    spent: tuple[int, float]

    @property
    def talk(self) -> Talk:
        """The conversation."""
        return self.file, self.line, self.conversation

    @property
    def failed(self) -> bool:
        """Whether the model did not reply: it may be asked again."""
        return self.acts is None and self.why != NONSENSE

    @property
    def changed(self) -> bool:
        """Whether the answer differs from what the annotator found."""
        return self.acts is not None and set(self.acts) != set(self.found)


@dataclass(frozen=True, slots=True)
class Escalated:
    """What came of asking `model` about the turns in doubt, of `turns` in `conversations`.

    Of the `doubted`, `answered` have an answer, which differs from the annotator's in `changed`;
    `nonsense` and `failed` were asked in vain, and `left` were not asked, for the limit that
    `stopped` names. `tokens` and `cost` (US dollars) are of all sittings.
    """

    model: str
    doubt: float
    conversations: int
    turns: int
    doubted: int
    answered: int = 0
    changed: int = 0
    nonsense: int = 0
    failed: int = 0
    left: int = 0
    tokens: int = 0
    cost: float = 0.0
    stopped: str | None = None

    def line(self) -> str:
        """All of it in one line, for the terminal and the page."""
        parts = [
            f"{self.doubted:,} of {self.turns:,} turns in doubt",
            f"{self.answered:,} decided by {self.model} ({self.changed:,} not as the annotator)",
        ]
        parts += [
            f"{count:,} {words}"
            for count, words in (
                (self.nonsense, "without an answer in the reply"),
                (self.failed, "failed"),
                (self.left, "not asked"),
            )
            if count
        ]
        used = f"{self.tokens:,} tokens" + (f", ${self.cost:,.4f}" if self.cost else "")
        why = f"; {self.stopped}" if self.stopped else ""
        return f"{'; '.join(parts)}; {used}{why}"


def talk_of(transcript: Transcript, *, redact: bool) -> Talk:
    """Which conversation it is; its id is hashed where ids are masked."""
    ident = unnamed(transcript.id) if redact else transcript.id
    return transcript.source.file, transcript.source.line, ident


def read_calls(path: Path) -> Iterator[Called]:
    """The calls of a file, as they were made; a last line that a crash tore is none.

    Raises:
        UptakeError: the file cannot be read, or a line of it is no call.
    """
    number = 1
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield _called(json.loads(line))
                number += 1
    except OSError as error:
        raise UptakeError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UptakeError(
            f"{path}:{number}: not what a model was asked ({error}); choose another --out"
        ) from error


def _called(row: Mapping[str, Any]) -> Called:
    acts = row["acts"]
    tokens, cost = row["spent"]
    return Called(
        str(row["file"]),
        row["line"],
        str(row["conversation"]),
        int(row["turn"]),
        tuple(row["asked"]),
        tuple(row["found"]),
        None if acts is None else tuple(acts),
        str(row["why"]),
        (int(tokens), float(cost)),
    )


def by_talk(path: Path) -> dict[Talk, dict[int, Answer]]:
    """The answers of a file, by conversation and turn. Raises UptakeError, as `read_calls`."""
    found: dict[Talk, dict[int, Answer]] = {}
    for call in read_calls(path):
        if call.acts is not None:
            answer = Answer(frozenset(call.asked), frozenset(call.acts))
            found.setdefault(call.talk, {})[call.turn] = answer
    return found
