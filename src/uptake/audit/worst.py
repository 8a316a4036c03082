"""The conversations to read: one laid out with its acts, and how badly it went.

This module knows nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from uptake.audit import Audit
from uptake.audit.redact import Mask
from uptake.transcripts import Transcript

__all__ = ["Line", "Worst", "bad", "laid_out", "unnamed"]

LONGEST = 1200  # characters of one message
MANY = 30  # turns of one conversation

_WEIGHTS = {"superseded": 2.0, "misread": 2.0, "abandoned": 3.0, "unheard": 2.0}


@dataclass(frozen=True, slots=True)
class Line:
    """One turn: who speaks, the words, the acts, what the user shows, and why it broke here.

    `chain` are the parts of repair sequences that the turn plays ("trouble", "initiation" …).
    """

    at: int
    role: str
    text: str
    acts: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    cause: str = ""
    because: str = ""
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Worst:
    """One conversation to read; `cause` is that of its first breakdown, at the turn `at`."""

    id: str
    file: str
    line: int
    model: str
    cause: str
    at: int
    badness: float
    lines: tuple[Line, ...]
    left_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Worst:
        """From its JSON."""
        held: dict[str, Any] = {**data, "lines": tuple(map(_line_of, data["lines"]))}
        return cls(**held)


def _line_of(data: Mapping[str, Any]) -> Line:
    lists = {key: tuple(data[key]) for key in ("acts", "signals", "chain")}
    held: dict[str, Any] = {**data, **lists}
    return Line(**held)


def bad(found: Audit) -> float:
    """How badly a conversation went: its breakdowns and signals, for each reply.

    Where the user noticed counts most. A short conversation that breaks at once is no worse than
    a long one that breaks all the way.
    """
    weight = sum(_WEIGHTS.get(each.cause, 1.0) for each in found.breakdowns) + len(found.signals)
    return weight / (len(found.heard.replies) + 2)


def laid_out(transcript: Transcript, found: Audit, *, redact: bool) -> Worst:
    """A conversation for the page, its middle left out where it is long."""
    heard, first = found.heard, found.first
    assert first is not None
    mask: Any = Mask(heard.texts.values()) if redact else str
    turns = heard.turns
    if len(turns) > MANY:  # from a little before the first breakdown
        start = max(0, turns.index(first.at) - 6)
        turns = turns[start : start + MANY]
    return Worst(
        id=unnamed(transcript.id) if redact else transcript.id,
        file=transcript.source.file,
        line=transcript.source.line,
        model=transcript.model or "",
        cause=first.cause,
        at=first.at,
        badness=round(bad(found), 4),
        lines=tuple(_line(found, at, mask) for at in turns),
        left_out=len(heard.turns) - len(turns),
    )


def unnamed(ident: str) -> str:
    """An id that tells nobody who it was, the same for the same id."""
    return blake2b(ident.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _line(found: Audit, at: int, mask: Any) -> Line:
    heard = found.heard
    broken = next((each for each in found.breakdowns if each.at == at), None)
    parts = [
        f"{part} {number}"
        for number, repair in enumerate(found.repairs, 1)
        for part in ("trouble", "initiation", "solution", "uptake")
        if getattr(repair, part) == at and not (part == "solution" and repair.initiation == at)
    ]
    text = heard.texts[at]
    more = f" … ({len(text) - LONGEST:,} more characters)" if len(text) > LONGEST else ""
    return Line(
        at,
        heard.role(at),
        mask(text[:LONGEST]) + more,
        tuple(dict.fromkeys(mark.name for mark in found.marks.get(at, ()))),
        tuple(signal.name for signal in found.signals if signal.at == at),
        broken.cause if broken else "",
        mask(broken.because) if broken else "",
        tuple(parts),
    )
