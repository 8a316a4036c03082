"""The audit as a scanner of Inspect Scout: `scout scan uptake/breakdowns -T logs`.

Scout brings the transcripts, the processes, the results and the viewer; what is found is what
`uptake audit` finds, by rule and as learned, without a model.

Needs the extra `scout`. This module knows nothing of logs, and of a transcript its messages alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from inspect_scout import Reference, Result, Scanner, Transcript, scanner

from uptake.audit import Audit, audit
from uptake.conversation import Conversation, Message

__all__ = ["breakdowns"]


@scanner(messages="all", version=1)
def breakdowns() -> Scanner[Transcript]:
    """Whether a conversation loses common ground; where first, and why.

    The value is true or false, the answer the cause of the first breakdown ("none" without one),
    the explanation the words that show it. References are the replies that break. The metadata
    hold every breakdown, sign of failure and repair, with places of messages from 0. A transcript
    in which no assistant says anything has no value.
    """

    async def scan(transcript: Transcript) -> Result:
        said = tuple(Message(each.role, each.text) for each in transcript.messages)
        found = audit(Conversation(said))
        if not found.heard.replies:
            return Result(value=None, explanation="no reply of an assistant")
        return Result(
            value=found.first is not None,
            answer="none" if found.first is None else found.first.cause,
            explanation=_why(found),
            metadata=_found(found),
            references=[
                Reference(type="message", cite=_cite(at), id=ident)
                for at in sorted(found.broken)
                if (ident := transcript.messages[at].id) is not None
            ],
        )

    return scan


def _cite(at: int) -> str:
    """A message as Scout's viewer names it: from 1."""
    return f"[M{at + 1}]"


def _why(found: Audit) -> str:
    lines = [
        f"{_cite(each.at)} {each.cause}" + (f": {each.because}" if each.because else "")
        for each in found.breakdowns
    ]
    return "\n".join(lines) or "no breakdown was found"


def _found(found: Audit) -> dict[str, Any]:
    return {
        "breakdowns": [asdict(each) for each in found.breakdowns],
        "signals": [asdict(each) for each in found.signals],
        "repairs": [asdict(each) for each in found.repairs],
    }
