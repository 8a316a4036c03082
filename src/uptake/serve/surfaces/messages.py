"""Anthropic's Messages: `/v1/messages`.

How its content blocks become chat messages is told in `blocks`.

This module knows nothing of HTTP, of models or of what a mediator decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from uptake.conversation import Conversation, Message
from uptake.model import Reply, Usage
from uptake.models.messages import STOPS, request
from uptake.models.wire import count_of
from uptake.moves import Request
from uptake.serve.sse import Event
from uptake.serve.surfaces import Asked, Body, Heard, Stopped
from uptake.serve.surfaces.blocks import Block, chat_of, conversation_in, with_conversation
from uptake.serve.surfaces.fields import (
    compact,
    id_of,
    listed,
    loaded,
    mapping,
    sampling_of,
    stops,
    text,
)

__all__ = ["Messages"]

ENDS = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
ERRORS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Messages:
    """The messages surface."""

    name = "messages"
    path = "/v1/messages"

    def read(self, body: Body) -> Asked:
        """See `Surface`. There is no thread: `metadata.user_id` is a person, not a conversation."""
        form = mapping(
            mapping(body.get("output_config")).get("format") or body.get("output_format")
        )
        effort = text(mapping(body.get("output_config")).get("effort")) or None
        return Asked(
            conversation=conversation_in(body),
            request=Request(
                tools=bool(body.get("tools") or body.get("mcp_servers")),
                required=mapping(body.get("tool_choice")).get("type") in ("any", "tool"),
                formatted=bool(form),
            ),
            model=text(body.get("model")),
            stream=body.get("stream") is True,
            sampling=sampling_of(
                body, ("max_tokens",), effort, mapping(form.get("schema")) or None
            ),
            stop=stops(body, "stop_sequences"),
        )

    def rewritten(self, body: Body, sent: Conversation) -> Body:
        """See `Surface`. Raises Unreadable for what the API has no place for."""
        return with_conversation(body, sent)

    def reply(self, body: Body, reply: Reply) -> Body:
        """See `Surface`."""
        return {**_opened(body), "content": _blocks(reply.message), **_ended(reply)} | {
            "usage": _usage(reply.usage)
        }

    def writer(self, body: Body) -> _Writer:
        """See `Surface`."""
        return _Writer(body)

    def listener(self) -> _Listener:
        """See `Surface`. The finish is in OpenAI's words."""
        return _Listener()

    def leading(self, words: str) -> _Leading:
        """See `Surface`. The words come before the first text; where there is none, nowhere."""
        return _Leading(words)

    def error(self, status: int, message: str, kind: str, code: str | None = None) -> Body:
        """See `Surface`. The API has its own names, and none finer."""
        named = ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": named, "message": message}, "request_id": None}


# What is written


def _opened(body: Body) -> dict[str, Any]:
    return {
        "id": id_of("msg_"),
        "type": "message",
        "role": "assistant",
        "model": text(body.get("model")),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }


def _ended(reply: Reply) -> dict[str, Any]:
    by = reply.by if isinstance(reply, Stopped) else None
    reason = "stop_sequence" if by is not None else ENDS.get(reply.finish_reason, "end_turn")
    return {"stop_reason": reason, "stop_sequence": by, "stop_details": None}


def _usage(usage: Usage) -> dict[str, Any]:
    cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": usage.prompt_tokens, **cached, "output_tokens": usage.completion_tokens}


def _blocks(message: Message) -> list[Any]:
    made = request([{**message.to_dict(), "role": "assistant"}])["messages"]
    return list(made[0]["content"]) if made else []


class _Writer:
    def __init__(self, body: Body) -> None:
        self._message = _opened(body)
        self._index = 0
        self._open = False
        self._spoke = False

    def begin(self) -> Sequence[Event]:
        """See `Writer`. How many tokens were read is known at the end."""
        return [_event("message_start", message={**self._message, "usage": _usage(Usage())})]

    def words(self, text: str) -> Sequence[Event]:
        """See `Writer`."""
        if not text:
            return []
        opened = [] if self._open else [self._start({"type": "text", "text": ""})]
        self._open = self._spoke = True
        return [*opened, self._delta({"type": "text_delta", "text": text})]

    def end(self, reply: Reply) -> Sequence[Event]:
        """See `Writer`. Thoughts would belong before the words, so they are not written."""
        events = [self._stop()] if self._open else []
        for block in _blocks(reply.message):
            if block.get("type") == "tool_use":
                arguments = {"type": "input_json_delta", "partial_json": compact(block["input"])}
                events += [
                    self._start({**block, "input": {}}),
                    self._delta(arguments),
                    self._stop(),
                ]
            elif block.get("type") == "text" and not self._spoke:
                events += [*self.words(text(block.get("text"))), self._stop()]
        delta = _event("message_delta", delta=_ended(reply), usage=_usage(reply.usage))
        return [*events, delta, _event("message_stop")]

    def failed(self, message: str) -> Sequence[Event]:
        """See `Writer`."""
        return [Event(compact(Messages().error(500, message, "server_error")), "error")]

    def _start(self, block: Block) -> Event:
        return _event("content_block_start", index=self._index, content_block=block)

    def _delta(self, delta: Block) -> Event:
        return _event("content_block_delta", index=self._index, delta=delta)

    def _stop(self) -> Event:
        self._open = False
        self._index += 1
        return _event("content_block_stop", index=self._index - 1)


def _event(kind: str, **fields: Any) -> Event:
    return Event(compact({"type": kind, **fields}), kind)


# What is heard


class _Listener:
    """Puts the blocks together; what it cannot read it leaves out."""

    def __init__(self) -> None:
        self._blocks: dict[Any, dict[str, Any]] = {}
        self._begun = False
        self._stop: str | None = None
        self._counts: dict[str, Any] = {}

    def event(self, data: Body) -> None:
        """See `Listener`."""
        kind, index = data.get("type"), count_of(data.get("index"))
        if kind == "message_start":
            self._begin(mapping(data.get("message")))
        elif kind == "message_delta":
            self._stop = text(mapping(data.get("delta")).get("stop_reason")) or self._stop
            self._count(data)
        elif kind == "content_block_start":
            block = dict(mapping(data.get("content_block")))
            if block.get("type") == "tool_use" and not block.get("input"):
                block["input"] = ""
            self._blocks[index] = block
        elif kind == "content_block_delta" and index in self._blocks:
            _grow(self._blocks[index], mapping(data.get("delta")))

    def whole(self, data: Body) -> None:
        """See `Listener`."""
        if data.get("type", "message") == "message" and "content" in data:
            self._begin(data)

    def heard(self) -> Heard:
        """See `Listener`."""
        message = chat_of(list(self._blocks.values())) if self._begun else None
        finish = None if self._stop is None else STOPS.get(self._stop, self._stop)
        return Heard(message, finish, self._usage())

    def _begin(self, message: Mapping[str, Any]) -> None:
        self._begun = True
        self._blocks = dict(enumerate(dict(mapping(b)) for b in listed(message.get("content"))))
        self._stop = text(message.get("stop_reason")) or None
        self._count(message)

    def _count(self, data: Mapping[str, Any]) -> None:
        counts = mapping(data.get("usage"))
        self._counts |= {name: n for name, n in counts.items() if count_of(n) is not None}

    def _usage(self) -> Usage | None:
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        if not self._counts:
            return None
        read = sum(self._counts.get(name, 0) for name in names)
        return Usage(read, self._counts.get("output_tokens", 0))


def _grow(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Add what came of a block: words, thoughts and signatures, the JSON of a call."""
    for name in ("text", "thinking", "signature"):
        if isinstance(piece := delta.get(name), str):
            block[name] = text(block.get(name)) + piece
    if isinstance(piece := delta.get("partial_json"), str):
        block["input"] = text(block.get("input")) + piece


class _Leading:
    def __init__(self, words: str) -> None:
        self._words = f"{words}\n\n"
        self._said = False

    def event(self, event: Event) -> Sequence[Event]:
        """See `Leading`."""
        data = None if self._said else loaded(event)
        kind = data.get("type") if data else None
        if data is None or kind not in ("content_block_start", "content_block_delta"):
            return [event]
        if kind == "content_block_delta":
            delta = mapping(data.get("delta"))
            if delta.get("type") != "text_delta" or not text(delta.get("text")):
                return [event]
            self._said = True
            first = {**data, "delta": {"type": "text_delta", "text": self._words}}
            return [Event(compact(first), event.name), event]
        block = mapping(data.get("content_block"))
        if block.get("type") != "text" or not text(block.get("text")):
            return [event]
        self._said = True
        led = {**data, "content_block": {**block, "text": self._words + text(block.get("text"))}}
        return [Event(compact(led), event.name)]

    def whole(self, data: Body) -> Body:
        """See `Leading`."""
        blocks = list(listed(data.get("content")))
        for at, block in enumerate(map(mapping, blocks)):
            if block.get("type") == "text" and (said := text(block.get("text"))):
                blocks[at] = {**block, "text": self._words + said}
                return {**data, "content": blocks}
        return data
