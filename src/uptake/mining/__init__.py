"""Real conversations made into scenarios: what is played again, and what a right reply would be.

    mined = mine(transcript)        an Instruction, or why there is none (`Left`)

The shards are the user's turns in their order, `full` is the request as it finally stood by the
ledger, and the verifier is the best that can be had (`gold`): tests in the user's own words, a
number or a text that the user named or accepted, else a judge. Turns that only react to a reply
("That's wrong.", "Thanks!") are left out, for another model will have said something else, and
so is whatever gives the answer away.

Pure. This package knows nothing of files but in `cli`, or of who plays what was mined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from uptake.analyst import ledger
from uptake.audit import Audit, audit
from uptake.audit.heard import Heard
from uptake.compile import instruction as request
from uptake.compile import speaks_of
from uptake.ground import CommonGround
from uptake.instruction import Instruction, Shard
from uptake.mining.gold import Gold, gold
from uptake.transcripts import Transcript

__all__ = ["WHY", "Left", "mine"]

WHY = {
    "sound": "did not break (--all takes them, too)",
    "tools": "use tools, which cannot be played again without them",
    "short": "have fewer than two turns to play again",
    "nothing": "have no request that can be told by rule",
}
"""Why conversations are left out, in words."""


@dataclass(frozen=True, slots=True)
class Left:
    """A conversation that makes no scenario; `why` is a key of `WHY`."""

    why: str


def mine(
    transcript: Transcript, *, whole: bool = False, found: Audit | None = None
) -> Instruction | Left:
    """The scenario of one conversation; of one that did not break only with `whole`.

    `found` is its audit, where that was made before.
    """
    talk = transcript.conversation
    if any(m.role == "tool" or (m.extra or {}).get("tool_calls") for m in talk):
        return Left("tools")
    found = found or audit(talk)
    if found.first is None and not whole:
        return Left("sound")
    right = gold(found)
    ground = _ledger(found.heard, right.before)
    turns = _replayed(ground)
    if len(turns) < 2:
        return Left("short")
    if not speaks_of(ground):
        return Left("nothing")
    return Instruction(
        id=transcript.id,
        domain=right.domain,
        full=request(ground),
        shards=tuple(map(Shard, turns)),
        answer=right.answer,
        meta={**right.meta, **_meta(transcript, found, right)},
    )


def _ledger(heard: Heard, before: int | None) -> CommonGround:
    """The ledger of the user's turns up to a place, that one not among them."""
    places = [at for at in heard.users if before is None or at < before]
    asked: list[str | None] = []
    for at in places:
        reply = at - 1 if at - 1 in heard.texts and heard.role(at - 1) == "assistant" else None
        asked.append(None if reply is None else heard.texts[reply])
    return ledger([heard.texts[at] for at in places], asked)


def _replayed(ground: CommonGround) -> list[str]:
    """The turns that say something of their own: what settles nothing was for a reply."""
    telling = {entry.span.turn for entry in ground.entries if entry.kind != "social"}
    return [text for turn, text in enumerate(ground.turns) if turn in telling]


def _meta(transcript: Transcript, found: Audit, right: Gold) -> dict[str, Any]:
    """Where it is from, and how the answer is known."""
    mined: dict[str, Any] = {
        "file": transcript.source.file,
        "line": transcript.source.line,
        "model": transcript.model,
        "checked_by": right.by,
        "broke": found.first.cause if found.first else None,
    }
    system = "\n\n".join(m.text for m in transcript.conversation if m.role == "system")
    return {"mined": mined} | ({"system": system} if system.strip() else {})
