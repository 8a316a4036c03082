"""OpenAI's Responses: `/v1/responses`.

How its items become chat messages is told in `items`.

This module knows nothing of HTTP, of models or of what a mediator decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from uptake.conversation import Conversation, Message
from uptake.model import Reply, Usage
from uptake.models.wire import count_of
from uptake.moves import Request
from uptake.serve.sse import Event
from uptake.serve.surfaces import Asked, Body, Heard
from uptake.serve.surfaces.fields import (
    compact,
    id_of,
    listed,
    loaded,
    mapping,
    sampling_of,
    text,
    usage_of,
)
from uptake.serve.surfaces.items import Item, chat_of, conversation_in, with_conversation

__all__ = ["Responses"]

LOGPROBS = "message.output_text.logprobs"
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
FINISHES = {reason: finish for finish, reason in REASONS.items()}


class Responses:
    """The responses surface."""

    name = "responses"
    path = "/v1/responses"

    def read(self, body: Body) -> Asked:
        """See `Surface`. `thread` is the `conversation_id` of the metadata.

        A reply that the server is to keep (`store`, which it does unless told not to) counts as one
        of a prescribed form: the client may go on from its id, which only the server can give.
        """
        form = mapping(mapping(body.get("text")).get("format"))
        effort = text(mapping(body.get("reasoning")).get("effort")) or None
        free = form.get("type", "text") == "text" and body.get("store") is False
        return Asked(
            conversation=conversation_in(body),
            request=Request(
                tools=bool(body.get("tools")), required=_must_call(body), formatted=not free
            ),
            model=text(body.get("model")),
            stream=body.get("stream") is True,
            sampling=sampling_of(
                body, ("max_output_tokens",), effort, mapping(form.get("schema")) or None
            ),
            thread=text(mapping(body.get("metadata")).get("conversation_id")) or None,
            logprobs=bool(body.get("top_logprobs")) or LOGPROBS in listed(body.get("include")),
        )

    def rewritten(self, body: Body, sent: Conversation) -> Body:
        """See `Surface`."""
        return with_conversation(body, sent)

    def reply(self, body: Body, reply: Reply) -> Body:
        """See `Surface`."""
        return _finished(_frame(body), reply, _output(reply.message))

    def writer(self, body: Body) -> _Writer:
        """See `Surface`."""
        return _Writer(body)

    def listener(self) -> _Listener:
        """See `Surface`."""
        return _Listener()

    def leading(self, words: str) -> _Leading:
        """See `Surface`. The words come before the first text; where there is none, nowhere."""
        return _Leading(words)

    def error(self, status: int, message: str, kind: str, code: str | None = None) -> Body:
        """See `Surface`."""
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _must_call(body: Body) -> bool:
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        named = mapping(body["tool_choice"])
        return named.get("type") != "allowed_tools" or named.get("mode") == "required"
    return choice == "required"


# What is written


def _frame(body: Body) -> dict[str, Any]:
    """A response that is being written: what was asked for, said again."""
    effort = mapping(body.get("reasoning")).get("effort")
    return {
        "id": id_of("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": text(body.get("model")),
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": effort, "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
        "user": body.get("user"),
    }


def _finished(frame: Body, reply: Reply, output: Sequence[Item]) -> dict[str, Any]:
    reason = REASONS.get(reply.finish_reason)
    usage = reply.usage
    return {
        **frame,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": list(output),
        "usage": {
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        },
    }


def _words_item(part: Item) -> dict[str, Any]:
    made = {"id": id_of("msg_"), "type": "message", "status": "completed"}
    return {**made, "role": "assistant", "content": [part]}


def _words_part(message: Message) -> dict[str, Any]:
    if message.content is None and message.text:
        return {"type": "refusal", "refusal": message.text}
    return _text_part(message.text)


def _text_part(words: str) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": []}


def _call_items(message: Message) -> Iterator[dict[str, Any]]:
    for call in map(mapping, listed((message.extra or {}).get("tool_calls"))):
        function = mapping(call.get("function"))
        yield {
            "id": id_of("fc_"),
            "type": "function_call",
            "status": "completed",
            "call_id": text(call.get("id")),
            "name": text(function.get("name")),
            "arguments": text(function.get("arguments")),
        }


def _output(message: Message) -> list[dict[str, Any]]:
    calls = list(_call_items(message))
    silent = calls and not message.text
    return [*([] if silent else [_words_item(_words_part(message))]), *calls]


class _Writer:
    def __init__(self, body: Body) -> None:
        self._frame = _frame(body)
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._item = _words_item(_text_part(""))
        self._open = False
        self._said = ""

    def begin(self) -> Sequence[Event]:
        """See `Writer`."""
        kinds = ("response.created", "response.in_progress")
        return [self._event(kind, response=self._frame) for kind in kinds]

    def words(self, text: str) -> Sequence[Event]:
        """See `Writer`."""
        if not text:
            return []
        opened = [] if self._open else self._opened(_text_part(""))
        self._said += text
        return [*opened, self._in_part("output_text.delta", delta=text, logprobs=[])]

    def end(self, reply: Reply) -> Sequence[Event]:
        """See `Writer`."""
        events: list[Event] = []
        part = _words_part(reply.message)
        calls = list(_call_items(reply.message))
        if part["type"] == "refusal" and not self._open:
            events += self._opened({"type": "refusal", "refusal": ""})
            events.append(self._in_part("refusal.delta", delta=part["refusal"]))
            events.append(self._in_part("refusal.done", refusal=part["refusal"]))
            events += self._closed(part)
        elif self._open or not calls:
            events += [] if self._open else self._opened(_text_part(""))
            events.append(self._in_part("output_text.done", text=self._said, logprobs=[]))
            events += self._closed(_text_part(self._said))
        for call in calls:
            events += self._called(call)
        response = _finished(self._frame, reply, self._output)
        return [*events, self._event(f"response.{response['status']}", response=response)]

    def failed(self, message: str) -> Sequence[Event]:
        """See `Writer`."""
        error = {"code": "server_error", "message": message}
        response = {**self._frame, "status": "failed", "error": error, "output": self._output}
        return [self._event("response.failed", response=response)]

    def _event(self, kind: str, **fields: Any) -> Event:
        data = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return Event(compact(data), kind)

    def _of_item(self, kind: str, item: Item) -> Event:
        return self._event(f"response.{kind}", output_index=len(self._output), item=item)

    def _in_part(self, kind: str, **fields: Any) -> Event:
        place = {"item_id": self._item["id"], "output_index": 0, "content_index": 0}
        return self._event(f"response.{kind}", **place, **fields)

    def _opened(self, part: Item) -> list[Event]:
        self._open = True
        item: Item = {**self._item, "status": "in_progress", "content": []}
        added = self._of_item("output_item.added", item)
        return [added, self._in_part("content_part.added", part=part)]

    def _closed(self, part: Item) -> list[Event]:
        events = [self._in_part("content_part.done", part=part)]
        item = {**self._item, "content": [part]}
        events.append(self._of_item("output_item.done", item))
        self._output.append(item)
        return events

    def _called(self, call: dict[str, Any]) -> list[Event]:
        place = {"item_id": call["id"], "output_index": len(self._output)}
        kind, arguments = "response.function_call_arguments", call["arguments"]
        added = {**call, "status": "in_progress", "arguments": ""}
        events = [
            self._of_item("output_item.added", added),
            self._event(f"{kind}.delta", **place, delta=arguments),
            self._event(f"{kind}.done", **place, name=call["name"], arguments=arguments),
            self._of_item("output_item.done", call),
        ]
        self._output.append(call)
        return events


# What is heard


class _Listener:
    """Puts the items together; what it cannot read it leaves out."""

    def __init__(self) -> None:
        self._items: dict[int, dict[str, Any]] = {}
        self._begun = False
        self._finish: str | None = None
        self._usage: Usage | None = None

    def event(self, data: Body) -> None:
        """See `Listener`. What is said at the end of an item goes before its pieces."""
        kind = text(data.get("type")).removeprefix("response.")
        index = count_of(data.get("output_index"))
        if isinstance(data.get("response"), Mapping):
            self._begun = True
            if kind in ("completed", "incomplete", "failed"):
                self.whole(mapping(data["response"]))
        elif kind in ("output_item.added", "output_item.done") and index is not None:
            self._items[index] = dict(mapping(data.get("item")))
        elif kind.endswith(".delta") and index in self._items:
            _grow(self._items[index], kind, data)

    def whole(self, data: Body) -> None:
        """See `Listener`."""
        if not isinstance(data.get("output"), list):
            return
        self._begun = True
        output = [dict(mapping(item)) for item in listed(data["output"])]
        # A response that failed may come without what it had said.
        self._items = dict(enumerate(output)) if output else self._items
        self._usage = usage_of(data.get("usage"), "input_tokens", "output_tokens") or self._usage
        self._finish = _finish(data, output)

    def heard(self) -> Heard:
        """See `Listener`."""
        items = [self._items[index] for index in sorted(self._items)]
        return Heard(_of_output(items) if self._begun else None, self._finish, self._usage)


def _of_output(items: Sequence[Item]) -> dict[str, Any]:
    """What a server sent may be anything: what is no message of its own is left out."""
    sound = [
        {**item, "content": [part for part in listed(item.get("content")) if mapping(part)]}
        if item.get("type", "message") == "message"
        else item
        for item in items
    ]
    return chat_of(sound)


def _grow(item: dict[str, Any], kind: str, data: Body) -> None:
    """Add a piece of words, of a refusal, or of a call's arguments."""
    piece = text(data.get("delta"))
    if kind == "function_call_arguments.delta":
        item["arguments"] = text(item.get("arguments")) + piece
        return
    name = {"output_text.delta": "text", "refusal.delta": "refusal"}.get(kind)
    if name is None:
        return
    parts = [dict(mapping(part)) for part in listed(item.get("content"))]
    if not parts:
        parts = [{"type": "refusal" if name == "refusal" else "output_text"}]
    at = count_of(data.get("content_index")) or 0
    part = parts[min(at, len(parts) - 1)]
    part[name] = text(part.get(name)) + piece
    item["content"] = parts


def _finish(data: Body, output: Sequence[Item]) -> str | None:
    status = data.get("status", "completed")
    if status == "incomplete":
        reason = text(mapping(data.get("incomplete_details")).get("reason"))
        return FINISHES.get(reason, reason or "length")
    if status != "completed":
        return None
    kinds = ("function_call", "custom_tool_call")
    return "tool_calls" if any(item.get("type") in kinds for item in output) else "stop"


class _Leading:
    """Once the words are said, whatever tells the text again has them too; numbers move on by 1."""

    def __init__(self, words: str) -> None:
        self._words = f"{words}\n\n"
        self._place: tuple[Any, Any] | None = None

    def event(self, event: Event) -> Sequence[Event]:
        """See `Leading`."""
        data = loaded(event)
        if data is None:
            return [event]
        if self._place is not None:
            number = count_of(data.get("sequence_number"))
            moved = {} if number is None else {"sequence_number": number + 1}
            return [Event(compact({**self._told(data), **moved}), event.name)]
        if data.get("type") != "response.output_text.delta" or not text(data.get("delta")):
            return [event]
        self._place = (data.get("output_index"), data.get("content_index"))
        first = Event(compact({**data, "delta": self._words, "logprobs": []}), event.name)
        return [first, *self.event(event)]

    def whole(self, data: Body) -> Body:
        """See `Leading`."""
        for at, item in enumerate(map(mapping, listed(data.get("output")))):
            for part_at, part in enumerate(map(mapping, listed(item.get("content")))):
                if part.get("type") == "output_text" and text(part.get("text")):
                    return self._response(data, at, part_at)
        return data

    def _told(self, data: Body) -> Body:
        """An event that comes after the first words."""
        item, part = self._place or (None, None)
        kind = text(data.get("type")).removeprefix("response.")
        if isinstance(data.get("response"), Mapping):
            return {**data, "response": self._response(mapping(data["response"]), item, part)}
        if data.get("output_index") != item:
            return data
        if kind == "output_item.done":
            return {**data, "item": self._item(mapping(data.get("item")), part)}
        if data.get("content_index") != part:
            return data
        if kind == "output_text.done":
            return {**data, "text": self._words + text(data.get("text"))}
        if kind == "content_part.done":
            return {**data, "part": self._part(mapping(data.get("part")))}
        return data

    def _response(self, response: Body, item: Any, part: Any) -> Body:
        output = [
            self._item(mapping(each), part) if at == item else each
            for at, each in enumerate(listed(response.get("output")))
        ]
        return {**response, "output": output}

    def _item(self, item: Item, part: Any) -> Item:
        content = [
            self._part(mapping(each)) if at == part else each
            for at, each in enumerate(listed(item.get("content")))
        ]
        return {**item, "content": content}

    def _part(self, part: Item) -> Item:
        return {**part, "text": self._words + text(part.get("text"))}
