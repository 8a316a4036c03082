"""OpenAI's chat completions: `/v1/chat/completions`.

The format that a `Conversation` is made for, so messages go through as they are.

This module knows nothing of HTTP, of models or of what a mediator decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from uptake.conversation import Conversation, Message, thaw
from uptake.model import Reply, Usage
from uptake.moves import Request
from uptake.serve.sse import Event
from uptake.serve.surfaces import Asked, Body, Heard, Unreadable, Writer
from uptake.serve.surfaces.fields import (
    compact,
    conversation_of,
    count,
    id_of,
    listed,
    loaded,
    mapping,
    objects,
    sampling_of,
    stops,
    text,
    usage_of,
)

__all__ = ["Chat"]

FINISHES = ("stop", "length", "tool_calls", "content_filter", "function_call")

# Names under which servers take a grammar or a list of choices that the reply must keep to.
FORMS = """
structured_outputs guided_json guided_regex guided_choice guided_grammar grammar json_schema regex
ebnf
""".split()


class Chat:
    """The chat surface."""

    name = "chat"
    path = "/v1/chat/completions"

    def read(self, body: Body) -> Asked:
        """See `Surface`. `thread` is the `conversation_id` of the metadata."""
        messages = objects(body.get("messages"), "messages")
        if not messages:
            raise Unreadable("messages is empty")
        request = Request(
            tools=bool(body.get("tools") or body.get("functions")),
            required=_must_call(body),
            formatted=_has_form(body),
            n=count(body, "n", 1),
        )
        schema = mapping(mapping(body.get("response_format")).get("json_schema")).get("schema")
        return Asked(
            conversation=conversation_of(messages),
            request=request,
            model=text(body.get("model")),
            stream=body.get("stream") is True,
            sampling=sampling_of(
                body,
                ("max_completion_tokens", "max_tokens"),
                text(body.get("reasoning_effort")) or None,
                mapping(schema) or None,
            ),
            thread=text(mapping(body.get("metadata")).get("conversation_id")) or None,
            stop=stops(body, "stop"),
            logprobs=bool(body.get("logprobs") or body.get("top_logprobs")),
        )

    def rewritten(self, body: Body, sent: Conversation) -> Body:
        """See `Surface`."""
        return {**body, "messages": sent.to_dicts()}

    def reply(self, body: Body, reply: Reply) -> Body:
        """See `Surface`."""
        return self.replies(body, [reply])

    def replies(self, body: Body, replies: Sequence[Reply]) -> Body:
        """A whole answer with a choice for each reply; tokens of the prompt count once."""
        choices = [
            {
                "index": index,
                "message": _message(reply.message),
                "logprobs": None,
                "finish_reason": _finish(reply),
            }
            for index, reply in enumerate(replies)
        ]
        return {
            **_frame(body, "chat.completion"),
            "choices": choices,
            "usage": _usage([reply.usage for reply in replies]),
        }

    def writer(self, body: Body) -> Writer:
        """See `Surface`."""
        return self.writers(body, 1)[0]

    def writers(self, body: Body, n: int) -> Sequence[Writer]:
        """A writer for each choice of one stream; the last to end closes it."""
        stream = _Stream(body, n)
        return [_Writer(stream, index) for index in range(n)]

    def listener(self) -> _Listener:
        """See `Surface`. Where several choices come, the first is heard."""
        return _Listener()

    def leading(self, words: str) -> _Leading:
        """See `Surface`.

        The words and an empty line come before the content of the first choice: in a stream as a
        chunk of their own, unless the role comes with the content, whose chunk then has both.
        Where the reply has no content (a bare tool call, a refusal) nothing is said: it is a step
        of the program's, or no answer that the words could lead to.
        """
        return _Leading(words)

    def error(self, status: int, message: str, kind: str, code: str | None = None) -> Body:
        """See `Surface`."""
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _must_call(body: Body) -> bool:
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        allowed = mapping(mapping(body["tool_choice"]).get("allowed_tools"))
        return not allowed or allowed.get("mode") == "required"
    return choice == "required" or isinstance(body.get("function_call"), Mapping)


def _has_form(body: Body) -> bool:
    """Whether the reply is more, or less, than free text: a schema, a grammar, a voice."""
    form = body.get("response_format")
    kind = mapping(form).get("type", "text")
    spoken = "audio" in listed(body.get("modalities"))
    return kind != "text" or spoken or any(body.get(name) is not None for name in FORMS)


# What is written


def _frame(body: Body, kind: str) -> dict[str, Any]:
    return {
        "id": id_of("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": text(body.get("model")),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _message(message: Message) -> dict[str, Any]:
    said = None if message.content is None else message.text
    made: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None}
    return {**made, "annotations": [], **thaw(message.extra or {})}


def _finish(reply: Reply) -> str:
    return reply.finish_reason if reply.finish_reason in FINISHES else "stop"


def _usage(usages: Sequence[Usage]) -> dict[str, Any]:
    read = usages[0].prompt_tokens if usages else 0
    written = sum(usage.completion_tokens for usage in usages)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


class _Stream:
    """What the choices of one stream share: an id, the tokens so far, how many are still open."""

    def __init__(self, body: Body, n: int) -> None:
        self._frame = _frame(body, "chat.completion.chunk")
        self._counts = mapping(body.get("stream_options")).get("include_usage") is True
        self._usages: list[Usage] = []
        self._open = n

    def chunk(self, index: int, delta: Body, finish: str | None = None) -> Event:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        uncounted = {"usage": None} if self._counts else {}
        return Event(compact({**self._frame, "choices": [choice], **uncounted}))

    def close(self, usage: Usage) -> list[Event]:
        """What comes after a choice: nothing, or after the last one what ends the stream."""
        self._usages.append(usage)
        self._open -= 1
        if self._open:
            return []
        counted: dict[str, Any] = {**self._frame, "choices": [], "usage": _usage(self._usages)}
        return [*([Event(compact(counted))] if self._counts else []), Event("[DONE]")]


class _Writer:
    def __init__(self, stream: _Stream, index: int) -> None:
        self._stream = stream
        self._index = index

    def begin(self) -> Sequence[Event]:
        """See `Writer`."""
        return [self._chunk({"role": "assistant", "content": "", "refusal": None})]

    def words(self, text: str) -> Sequence[Event]:
        """See `Writer`."""
        return [self._chunk({"content": text})] if text else []

    def end(self, reply: Reply) -> Sequence[Event]:
        """See `Writer`. First comes what of the message is not words: tool calls, a refusal."""
        rest = [self._chunk(delta) for delta in _beside_words(reply.message)]
        return [*rest, self._chunk({}, _finish(reply)), *self._stream.close(reply.usage)]

    def failed(self, message: str) -> Sequence[Event]:
        """See `Writer`. No last line follows: the reply is not whole."""
        return [Event(compact(Chat().error(500, message, "server_error")))]

    def _chunk(self, delta: Body, finish: str | None = None) -> Event:
        return self._stream.chunk(self._index, delta, finish)


def _beside_words(message: Message) -> Iterator[dict[str, Any]]:
    """The fields of a message as deltas; a tool call as its name, then its arguments."""
    fields = message.to_dict()
    for index, call in enumerate(listed(fields.pop("tool_calls", ()))):
        function = mapping(mapping(call).get("function"))
        if function:
            opened = {**call, "function": {**function, "arguments": ""}}
            yield {"tool_calls": [{"index": index, **opened}]}
            arguments = {"arguments": text(function.get("arguments"))}
            yield {"tool_calls": [{"index": index, "function": arguments}]}
        else:
            yield {"tool_calls": [{"index": index, **mapping(call)}]}
    rest = {key: value for key, value in fields.items() if key not in ("role", "content")}
    if any(rest.values()):
        yield rest


# What is heard


def _first_choice(data: Body) -> Mapping[str, Any]:
    """The choice with the index 0, or without any."""
    choices = [mapping(choice) for choice in listed(data.get("choices"))]
    first = [choice for choice in choices if choice.get("index") in (0, None)]
    return first[0] if first else mapping(None)


class _Listener:
    """Puts the message together; what it cannot read it leaves out."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._called: dict[str, str] = {}
        self._calls: dict[Any, dict[str, Any]] = {}
        self._whole: Mapping[str, Any] = {}
        self._any = False
        self._finish: str | None = None
        self._usage: Usage | None = None

    def event(self, data: Body) -> None:
        """See `Listener`."""
        choice = self._outside(data)
        delta = mapping(choice.get("delta", choice.get("message")))
        self._any = self._any or bool(choice)
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            if isinstance(piece := delta.get(name), str):
                self._said[name] = self._said.get(name, "") + piece
        _grow(self._called, mapping(delta.get("function_call")))
        for place, call in enumerate(listed(delta.get("tool_calls"))):
            self._call(mapping(call), place)

    def whole(self, data: Body) -> None:
        """See `Listener`."""
        message = mapping(self._outside(data).get("message"))
        if message:
            self._whole = message

    def heard(self) -> Heard:
        """See `Listener`."""
        message: dict[str, Any] = dict(self._whole)
        if self._any:
            message = {**self._said, "function_call": self._called}
            message["tool_calls"] = [dict(call) for call in self._calls.values()]
        return Heard(_settled(message) if message else None, self._finish, self._usage)

    def _outside(self, data: Body) -> Mapping[str, Any]:
        """The first choice, once the ending and the tokens are noted."""
        choice = _first_choice(data)
        self._finish = text(choice.get("finish_reason")) or self._finish
        self._usage = usage_of(data.get("usage"), "prompt_tokens", "completion_tokens") or (
            self._usage
        )
        return choice

    def _call(self, piece: Mapping[str, Any], place: int) -> None:
        """A piece of a tool call; some servers leave the index out and send each call whole."""
        key = piece.get("index")
        if not isinstance(key, int):
            key = text(piece.get("id")) or place
        call = self._calls.setdefault(key, {})
        for name in ("id", "type"):
            if text(piece.get(name)):
                call[name] = piece[name]
        for kind in ("function", "custom"):
            if kind in piece:
                _grow(call.setdefault(kind, {}), mapping(piece[kind]))


def _settled(message: Mapping[str, Any]) -> dict[str, Any]:
    """The same message, streamed or whole: nothing that is empty, but a content always."""
    kept = {key: value for key, value in message.items() if value not in (None, "", [], {})}
    others = kept.keys() - {"role", "content"}
    return {"role": "assistant", "content": None if others else "", **kept}


def _grow(called: dict[str, str], piece: Mapping[str, Any]) -> None:
    """Add a piece of a call: the name comes once, the arguments bit by bit."""
    for name, value in piece.items():
        if isinstance(value, str):
            called[name] = value if name == "name" and value else called.get(name, "") + value


class _Leading:
    def __init__(self, words: str) -> None:
        self._words = f"{words}\n\n"
        self._said = False

    def event(self, event: Event) -> Sequence[Event]:
        """See `Leading`."""
        data = None if self._said else loaded(event)
        choice = _first_choice(data or {})
        delta = mapping(choice.get("delta"))
        if data is None or not delta.get("content"):
            return [event]
        self._said = True
        if delta.get("role"):
            led = {**choice, "delta": {**delta, "content": _after(self._words, delta["content"])}}
            return [Event(compact(_with_choice(data, choice, led)), event.name)]
        first = {"index": 0, "delta": {"content": self._words}}
        first |= {"logprobs": None, "finish_reason": None}
        chunk = {key: value for key, value in data.items() if key != "obfuscation"}
        chunk |= {"choices": [first], **({"usage": None} if "usage" in data else {})}
        return [Event(compact(chunk), event.name), event]

    def whole(self, data: Body) -> Body:
        """See `Leading`."""
        choice = _first_choice(data)
        message = mapping(choice.get("message"))
        if not message.get("content"):
            return data
        led = {**message, "content": _after(self._words, message["content"])}
        return _with_choice(data, choice, {**choice, "message": led})


def _with_choice(data: Body, old: Mapping[str, Any], new: Mapping[str, Any]) -> Body:
    choices = [new if choice is old else choice for choice in listed(data.get("choices"))]
    return {**data, "choices": choices}


def _after(words: str, content: Any) -> Any:
    """Content, plain or in parts, with `words` before it."""
    if isinstance(content, str):
        return words + content
    return [{"type": "text", "text": words}, *listed(content)]
