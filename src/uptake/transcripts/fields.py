"""What the formats have in common: roles, times, tool calls, and making a `Transcript` of them.

This module knows nothing of any one format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, cast

from uptake.conversation import Conversation, Message
from uptake.transcripts.transcript import Row, Source, Transcript

__all__ = [
    "called",
    "listed",
    "made",
    "mapping",
    "message",
    "name_of",
    "requested",
    "role_of",
    "when",
]

# Whoever speaks goes by many names; what none of these is stays as it was.
_ROLES = {
    "human": "user",
    "prompter": "user",
    "customer": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "agent": "assistant",
    "function_call": "assistant",
    "function": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "developer": "system",
}

_MILLIS, _MICROS, _NANOS = 1e11, 1e14, 1e17  # what is larger counts smaller parts of a second


def role_of(role: object) -> str:
    """A role as chat formats call it. Raises ValueError where there is none."""
    if not isinstance(role, str) or not role.strip():
        raise ValueError(f"a message without a role that is text: {role!r}"[:120])
    low = role.strip().lower()
    return _ROLES.get(low, low)


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    """A JSON array; an empty one for anything else."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def called(name: object, arguments: Any, ident: object = None) -> dict[str, Any]:
    """A tool call as chat formats have it."""
    said = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    call = {"type": "function", "function": {"name": str(name), "arguments": said}}
    return call if ident is None else {"id": str(ident), **call}


def message(role: object, content: Any, **extra: Any) -> Message:
    """A message; extra fields that are None are left out."""
    kept = {key: value for key, value in extra.items() if value is not None}
    return Message(role_of(role), content, kept or None)


def made(
    form: str,
    source: Source,
    messages: Iterable[Message],
    *,
    ident: object = None,
    model: object = None,
    times: Sequence[float | None] = (),
    meta: Mapping[str, Any] | None = None,
) -> Transcript:
    """A transcript of these messages; without an `ident` it is called after its place.

    Raises ValueError where nobody speaks as user or assistant.
    """
    said = tuple(messages)
    if not any(each.role in ("user", "assistant") for each in said):
        roles = ", ".join(sorted({each.role for each in said})[:5])
        raise ValueError(
            f"nobody speaks as user or assistant; the roles are {roles}" if said else "no messages"
        )
    stem = PurePath(source.file).name.partition(".")[0] or "log"
    return Transcript(
        id=str(ident) if ident not in (None, "") else f"{stem}/{source.line}",
        conversation=Conversation(said),
        format=form,
        source=source,
        model=model if isinstance(model, str) and model else None,
        times=tuple(times) if any(each is not None for each in times) else (),
        meta=dict(meta or {}),
    )


def name_of(row: Row, *keys: str) -> Any:
    """The first of these keys that has a value; None where none has."""
    return next((row[key] for key in keys if row.get(key) not in (None, "")), None)


_SESSIONS = ("conversation_id", "session_id", "sessionId", "thread_id")


def requested(row: Row, messages: Sequence[Message], *, replied: bool) -> dict[str, Any]:
    """What `grown` has to know of a row that may be a request: nothing, where it is a whole chat.

    A request has its reply apart, or none yet.
    """
    if not replied and messages and messages[-1].role == "assistant":
        return {}
    session = name_of(row, *_SESSIONS)
    return {"requests": 1} | ({} if session is None else {"session": str(session)})


def when(value: Any) -> float | None:
    """A time in seconds since 1970: of a number of (milli-, micro-, nano-)seconds, or of ISO 8601.

    None for what is no time. A time without a zone is taken for UTC.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            return when(datetime.fromisoformat(value.strip()))
        with suppress(ValueError):
            return when(float(value))
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    size = abs(value)
    scale = 1e9 if size > _NANOS else 1e6 if size > _MICROS else 1e3 if size > _MILLIS else 1.0
    return float(value) / scale
