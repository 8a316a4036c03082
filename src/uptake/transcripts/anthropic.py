"""Chats in Anthropic's Messages format: requests, replies, or both.

The system prompt stands beside the messages, and what a tool gave back stands in a user's
message: here each is a message of its own, so that the user's words are the user's.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from uptake.conversation import Message
from uptake.transcripts.fields import (
    called,
    listed,
    made,
    mapping,
    name_of,
    requested,
    role_of,
    when,
)
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["ANTHROPIC"]

_BLOCKS = ("tool_use", "tool_result", "thinking", "server_tool_use")
_IDS = ("conversation_id", "session_id", "custom_id", "id", "request_id")


def _knows(row: Row) -> bool:
    request, reply = _request(row), _reply(row)
    if mapping(reply).get("type") == "message" and listed(mapping(reply).get("content")):
        return True
    messages = listed(request.get("messages"))
    if not messages:
        return False
    blocks = [
        mapping(block).get("type")
        for each in messages
        for block in listed(mapping(each).get("content"))
    ]
    return any(kind in _BLOCKS for kind in blocks) or (
        isinstance(request.get("system"), str | list) and "max_tokens" in request
    )


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    request, reply = _request(row), mapping(_reply(row))
    said: list[Message] = []
    system = request.get("system")
    if system:
        said.append(Message("system", system if isinstance(system, str) else _words(system)))
    for each in listed(request.get("messages")):
        said += _messages(mapping(each))
    if reply.get("role") or reply.get("type") == "message":
        said += _messages({"role": "assistant", **reply})
    times: list[float | None] = [None] * len(said)
    at = name_of(row, "timestamp", "created_at", "created")
    if said and at is not None:
        times[-1] = when(at)
    model = reply.get("model") or request.get("model") or row.get("model")
    meta = requested(row, said, replied=bool(reply))
    yield made(
        "anthropic", source, said, ident=name_of(row, *_IDS), model=model, times=times, meta=meta
    )


def _request(row: Row) -> Row:
    for key in ("request", "params", "body"):
        inner = mapping(row.get(key))
        if listed(inner.get("messages")):
            return inner
    return row


def _reply(row: Row) -> Any:
    if row.get("type") == "message" and "content" in row:
        return row
    for key in ("response", "result", "output"):
        inner = mapping(row.get(key))
        if inner:
            return mapping(inner.get("message")) or mapping(inner.get("body")) or inner
    return None


def _messages(item: Row) -> Iterator[Message]:
    """The messages that one of Anthropic's is: what tools gave back comes first."""
    role, content = role_of(item.get("role")), item.get("content")
    if not isinstance(content, list | tuple):
        yield Message(role, content)
        return
    calls: list[dict[str, Any]] = []
    rest: list[Any] = []
    for block in listed(content):
        fields = mapping(block)
        if fields.get("type") == "tool_result":
            inner = fields.get("content")
            words = inner if isinstance(inner, str) else _words(inner)
            yield Message("tool", words, {"tool_call_id": fields.get("tool_use_id")})
        elif fields.get("type") == "tool_use":
            calls.append(called(fields.get("name"), fields.get("input"), fields.get("id")))
        elif fields.get("type") not in ("thinking", "redacted_thinking"):
            rest.append(block)
    if rest or calls:
        yield Message(role, _words(rest) if rest else None, {"tool_calls": calls} if calls else {})


def _words(blocks: Any) -> str:
    texts = (block if isinstance(block, str) else mapping(block).get("text") for block in blocks)
    return "\n".join(text for text in texts if isinstance(text, str))


ANTHROPIC = Format("anthropic", "Anthropic messages", _knows, _read)
"""Known by content blocks of its own, by its system prompt, or by a reply of type "message"."""
