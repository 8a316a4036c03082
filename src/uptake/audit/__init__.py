"""The audit of a conversation: what both parties do, how they repair, where it breaks and why.

    from uptake.audit import audit

    found = audit(conversation)
    found.first          # the first breakdown: the turn, the cause, the words that show it
    found.repairs        # trouble, initiation, solution, uptake
    found.signals        # rephrasing, repeating, "no, I meant", giving up

Pure: no file, no model, no clock. `findings` folds the audits of many conversations.

This module knows nothing of where a conversation came from (`transcripts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from uptake.audit.annotator import LearnedMarks
from uptake.audit.breakdowns import CAUSES, Breakdown, breakdowns
from uptake.audit.heard import Heard, listen
from uptake.audit.marks import ActAnnotator, Mark, Marks, RuleMarks
from uptake.audit.repairs import REPAIRS, Repair, repairs
from uptake.audit.signals import SIGNALS, Signal, signals
from uptake.conversation import Conversation

__all__ = [
    "CAUSES",
    "REPAIRS",
    "SIGNALS",
    "ActAnnotator",
    "Audit",
    "Breakdown",
    "Heard",
    "LearnedMarks",
    "Mark",
    "Repair",
    "RuleMarks",
    "Signal",
    "audit",
    "audits",
]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in one conversation; places are those of its messages, from 0."""

    heard: Heard
    marks: Marks
    signals: tuple[Signal, ...]
    repairs: tuple[Repair, ...]
    breakdowns: tuple[Breakdown, ...]

    @property
    def first(self) -> Breakdown | None:
        """The first breakdown; None where none was found."""
        return self.breakdowns[0] if self.breakdowns else None

    @property
    def broken(self) -> frozenset[int]:
        """The assistant's turns that broke common ground."""
        return frozenset(each.at for each in self.breakdowns)


def audit(conversation: Conversation, annotator: ActAnnotator | None = None) -> Audit:
    """Audit one conversation, by the annotator that ships or by another. Never raises."""
    heard = listen(conversation)
    return _made(heard, (annotator or LearnedMarks()).marks(heard))


def audits(conversations: Iterable[Conversation]) -> list[Audit]:
    """Audit many conversations by the annotator that ships: as `audit`, in less time for each."""
    heard = [listen(conversation) for conversation in conversations]
    return [_made(*each) for each in zip(heard, LearnedMarks().many(heard), strict=True)]


def _made(heard: Heard, marks: Marks) -> Audit:
    found = signals(heard, marks)
    return Audit(
        heard,
        marks,
        found,
        repairs(heard, marks, found),
        breakdowns(heard, marks, found),
    )
