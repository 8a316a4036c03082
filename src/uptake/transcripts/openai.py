"""Chats in OpenAI's formats: messages alone, fine-tuning files, and logs of requests and replies.

A row has `messages` (fine-tuning, a saved chat, a request), or a request and its response
(`request`/`response`, `body`/`response`, `input`/`output`), or `prompt` and `completion`. A
preference row (`preferred_output`) is read as the reply that was preferred. Requests and replies
of the Responses API (`input`, `instructions`, `output` items) are read, too.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

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

__all__ = ["OPENAI"]

_IDS = ("conversation_id", "session_id", "sessionId", "thread_id", "custom_id", "id", "request_id")
_TIMES = ("created", "created_at", "timestamp", "start_time", "startTime")


def _knows(row: Row) -> bool:
    if listed(row.get("messages")) or _request(row) is not row:
        return True
    return ("prompt" in row and "completion" in row) or ("input" in row and "output" in row)


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    request, reply = _request(row), _reply(row)
    said = [*_asked(request), *_replied(reply)]
    if not said:
        raise ValueError("no messages; a row has messages, or a request and its response")
    times = [when(name_of(mapping(each.extra), *_TIMES)) for each in said]
    whole = when(name_of(row, *_TIMES)) or when(name_of(mapping(reply), *_TIMES))
    if times[-1] is None and whole is not None:
        times[-1] = whole
    model = name_of(mapping(reply), "model") or name_of(request, "model") or row.get("model")
    meta = requested(row, said, replied=reply is not None)
    yield made(
        "openai", source, said, ident=name_of(row, *_IDS), model=model, times=times, meta=meta
    )


def _request(row: Row) -> Row:
    """What was asked of the model: the row itself, or one of its parts."""
    if listed(row.get("messages")):
        return row
    for key in ("request", "body", "params", "kwargs", "input"):
        inner = mapping(row.get(key))
        inner = mapping(inner.get("body")) or inner
        if listed(inner.get("messages")) or "input" in inner:
            return inner
    return row


def _reply(row: Row) -> Any:
    """What the model gave back; None where the row ends with the messages."""
    for key in ("response", "preferred_output", "output", "completion", "choices"):
        given = row.get(key)
        if given in (None, "", [], {}):
            continue
        if key == "choices":
            return row
        return mapping(mapping(given).get("body")) or given
    return None


def _asked(request: Row) -> list[Message]:
    if listed(request.get("messages")):
        return [_message(each) for each in listed(request["messages"])]
    said: list[Message] = []
    if isinstance(request.get("instructions"), str):
        said.append(Message("system", request["instructions"]))
    asked = request.get("input", request.get("prompt"))
    if isinstance(asked, str):
        return [*said, Message("user", asked)]
    if isinstance(asked, Mapping):
        return [*said, *_items([asked])]
    return [*said, *_items(listed(asked))]


def _replied(reply: Any) -> list[Message]:
    """The reply as messages: a whole response, a message, a list of either, or text."""
    if isinstance(reply, str):
        return [Message("assistant", reply)]
    if isinstance(reply, list | tuple):
        return _items(listed(reply))
    body = mapping(reply)
    if listed(body.get("choices")):
        first = mapping(body["choices"][0])
        if "message" in first:
            return [_message({"role": "assistant", **first["message"]})]
        return [Message("assistant", str(first.get("text", "")))]
    if listed(body.get("output")):
        return _items(listed(body["output"]))
    if body.get("role"):
        return [_message(body)]
    return []


def _message(item: Any) -> Message:
    if not isinstance(item, Mapping):
        raise ValueError(f"a message that is no object: {item!r}"[:120])
    fields = dict(cast("Mapping[str, Any]", item))
    fields["role"] = role_of(fields.get("role"))
    return Message.from_dict(fields)


def _items(items: Any) -> list[Message]:
    """Items of the Responses API; plain messages are among them."""
    said: list[Message] = []
    for item in items:
        fields = mapping(item)
        kind = fields.get("type")
        if kind == "function_call":
            call = called(fields.get("name"), fields.get("arguments"), fields.get("call_id"))
            said.append(Message("assistant", None, {"tool_calls": [call]}))
        elif kind == "function_call_output":
            extra = {"tool_call_id": fields.get("call_id")}
            said.append(Message("tool", str(fields.get("output", "")), extra))
        elif "role" in fields:
            said.append(_message(fields))
    return said


OPENAI = Format("openai", "OpenAI chat: messages, requests and replies", _knows, _read)
"""Messages, fine-tuning files and request logs; the last format tried, for it is the widest."""
