"""From a plan and the reply that was heard to the `Turn` that is kept.

Pure. This module knows nothing of when, or of where to.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from uptake.conversation import Message
from uptake.ground import CommonGround, Entry
from uptake.mediator import Mediation, after
from uptake.serve import keys
from uptake.serve.desk import Case, dict_of
from uptake.serve.plan import Plan
from uptake.serve.records import State, Turn
from uptake.serve.surfaces import Heard

__all__ = ["changes", "turn"]


def turn(plan: Plan, case: Case, surface: str, heard: Heard, state: State, since: float) -> Turn:
    """The turn as it is kept. `since` is the time of arrival, in seconds since 1970."""
    reply = None if heard.message is None else Message.from_dict(heard.message)
    if reply is not None and plan.words and not plan.speaks:
        reply = after(plan.words, reply)
    asked = case.chain[-1] if case.chain else b""
    usage = heard.usage
    return Turn(
        id=case.id,
        tenant=case.tenant,
        thread=case.thread,
        conversation=case.conversation,
        parent=case.parent,
        asked=asked,
        key=asked if reply is None else keys.extend(asked, dict_of(reply)),
        at=since,
        surface=surface,
        model=case.asked.model,
        arm=plan.arm,
        state=state,
        said=tuple(message.to_dict() for message in case.said),
        reply=None if reply is None else reply.to_dict(),
        changes=changes(case.before, case.now),
        topics=tuple({"id": each.id, "state": each.state} for each in case.now.topics),
        prompt_tokens=None if usage is None else usage.prompt_tokens,
        completion_tokens=None if usage is None else usage.completion_tokens,
        seconds=round(time.time() - since, 4),
        **_passed(plan) if case.mediation is None else _mediated(plan, case, case.mediation),
    )


def _passed(plan: Plan) -> dict[str, Any]:
    """What is kept of a turn that nobody mediated."""
    return {"move": "pass", "why": plan.why, "form": "as_it_came", "analyst": "none"}


def _mediated(plan: Plan, case: Case, done: Mediation) -> dict[str, Any]:
    """What is kept of the move, of what the model got, and of what that took."""
    move, sent = done.move, case.sent
    return {
        "move": move.name,
        "why": move.why,
        "form": move.form,
        "alternatives": move.alternatives,
        "sent": None if sent is None else tuple(sent.to_dicts()),
        "would": move.say if plan.arm == "shadow" and move.speaks else None,
        "analyst": done.reading.by,
        "note": done.reading.note,
        "ms": round(done.ms, 3),
        "tokens": done.tokens,
    }


def changes(before: CommonGround, now: CommonGround) -> tuple[Mapping[str, Any], ...]:
    """The entries that are new in `now`, or not as they were `before`."""
    old = before.entries
    return tuple(
        _entry(now, entry)
        for place, entry in enumerate(now.entries)
        if place >= len(old) or (entry is not old[place] and entry != old[place])
    )


def _entry(ground: CommonGround, entry: Entry) -> Mapping[str, Any]:
    return {
        "id": entry.id,
        "turn": entry.span.turn,
        "text": entry.text,
        "wording": ground.wording(entry),
        "kind": entry.kind,
        "topic": entry.topic,
        "status": entry.status,
        "by": entry.by,
    }
