"""The annotator that ships: what the rules find, and what was learned from people beside it.

For both, an act is what `acts.ACTS` says it is. What the rules find stands; `ADDED` are the acts
that the learned annotator adds where it finds them at least as likely as not, having seen what the
rules found. The other acts are the rules' alone, since there it added nothing.

This module knows nothing of weights or of single rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from uptake.acts import Act
from uptake.audit.features import Floats, Seen
from uptake.audit.heard import Heard
from uptake.audit.learned import Weights, probabilities, shipped
from uptake.audit.marks import Mark, Marks, by_rule, ruled

__all__ = ["ADDED", "LearnedMarks"]

ADDED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "user": frozenset({"acknowledge", "align", "reject"}),
        "assistant": frozenset({"align"}),
    }
)
"""The acts of each party that the learned annotator adds: where rules and it together were better
than the rules on development parts of the corpora (docs/acts.md)."""

# Of these acts of each party it is asked what was learned; nobody looks for a user's others.
_DOUBTED = {
    "user": frozenset("acknowledge align correct_other huh reject repair_self".split()),
    "assistant": frozenset(
        "acknowledge align check clarify correct_other display follow_up huh reject"
        " repair_self".split()
    ),
}
_OTHER = {"user": "assistant", "assistant": "user"}


@dataclass(frozen=True, slots=True)
class LearnedMarks:
    """Rules and what was learned; the weights that ship, where none are given."""

    weights: Weights = field(default_factory=shipped)

    def marks(self, heard: Heard) -> Marks:
        """The marks of every turn of a conversation."""
        return self.many([heard])[0]

    def many(self, heard: Sequence[Heard]) -> list[Marks]:
        """The marks of many conversations at once, which takes far less time for each."""
        return [self._both(*each) for each in self._read(heard)]

    def unsure(
        self, heard: Sequence[Heard], doubt: float
    ) -> list[Mapping[int, Mapping[str, bool]]]:
        """The acts in doubt, of each turn of each conversation, and whether `many` finds them.

        An act is in doubt where the learned probability is further than `doubt` from 1, if it is
        found, or else from 0.
        """
        return [self._unsure(*each, doubt) for each in self._read(heard)]

    def _read(
        self, heard: Sequence[Heard]
    ) -> Iterator[tuple[Heard, Mapping[int, tuple[Act, ...]], Floats]]:
        """Each conversation with what the rules find, and the learned probabilities."""
        acts = [ruled(each) for each in heard]
        seen = [_seen(each, found) for each, found in zip(heard, acts, strict=True)]
        yield from zip(heard, acts, probabilities(self.weights, seen), strict=True)

    def _unsure(
        self, heard: Heard, acts: Mapping[int, tuple[Act, ...]], sure: Floats, doubt: float
    ) -> Mapping[int, Mapping[str, bool]]:
        marks = self._both(heard, acts, sure)
        found: dict[int, dict[str, bool]] = {}
        for at, chances in zip(heard.turns, sure.tolist(), strict=True):
            names = {mark.name for mark in marks[at]}
            for name, chance in zip(self.weights.acts, chances, strict=True):
                known = name in names
                if name in _DOUBTED[heard.role(at)] and abs(known - chance) > doubt:
                    found.setdefault(at, {})[name] = known
        return found

    def _both(self, heard: Heard, acts: Mapping[int, tuple[Act, ...]], sure: Floats) -> Marks:
        """The marks of one conversation, by the rules and by what was learned."""
        marks = by_rule(heard, acts)
        found: dict[int, tuple[Mark, ...]] = dict(marks)
        for turn, act in np.argwhere(sure >= 0.5).tolist():
            at, name = heard.turns[turn], self.weights.acts[act]
            if name in ADDED[heard.role(at)] and all(mark.name != name for mark in marks[at]):
                chance = round(float(sure[turn, act]), 3)
                found[at] = (*found[at], _learned(heard, at, name, chance))
        return found


def _seen(heard: Heard, acts: Mapping[int, tuple[Act, ...]]) -> list[Seen]:
    return [
        Seen(heard.texts[at], heard.role(at), frozenset(act.name for act in acts[at]))
        for at in heard.turns
    ]


def _learned(heard: Heard, at: int, name: str, probability: float) -> Mark:
    """An act of a turn as a whole, and the turn that it acts on."""
    return Mark(name, "", heard.before(at, _OTHER[heard.role(at)]), probability)
