"""Spans of OpenTelemetry (GenAI conventions) and OpenInference, exported as JSON.

Read are OTLP (`resourceSpans`, and `resourceLogs` with GenAI events), what the Python SDK prints
(`attributes` and `context`), and Phoenix's exports (`attributes.…` as columns). The messages of a
span are, in this order, `gen_ai.input.messages` and `gen_ai.output.messages`; OpenInference's
`llm.input_messages` and `llm.output_messages`; `gen_ai.prompt.N` and `gen_ai.completion.N`; or
its events `gen_ai.user.message`, `gen_ai.choice` and their like. A span without any (a tool, a
chain) is passed over.

This module knows nothing of files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from uptake.conversation import Message
from uptake.transcripts.fields import called, listed, made, mapping, message, name_of, when
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["SPANS"]

_MODELS = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name")
_IDS = ("gen_ai.conversation.id", "session.id", "gen_ai.session.id")
_BEGUN = ("startTimeUnixNano", "start_time", "startTime", "timeUnixNano", "timestamp")
_ENDED = ("endTimeUnixNano", "end_time", "endTime", *_BEGUN)


def _knows(row: Row) -> bool:
    if "resourceSpans" in row or "resourceLogs" in row:
        return True
    if any(key.startswith("attributes.") for key in row):
        return True
    return "attributes" in row and bool(row.keys() & {"context", "traceId", "trace_id", "span_id"})


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    for span in _spans(row):
        attributes = _attributes(span)
        said = _said(attributes, span)
        if said:
            yield _transcript(span, attributes, said, source)


def _transcript(
    span: Row, attributes: Row, said: list[tuple[Message, bool]], source: Source
) -> Transcript:
    begun, ended = when(_number(span, _BEGUN)), when(_number(span, _ENDED))
    context = mapping(span.get("context"))
    trace = name_of(span, "traceId", "trace_id", "context.trace_id") or context.get("trace_id")
    ident = name_of(span, "spanId", "span_id", "context.span_id") or context.get("span_id")
    session = name_of(attributes, *_IDS)
    times: list[float | None] = [ended if reply else None for _, reply in said]
    asked = [i for i, (_, reply) in enumerate(said) if not reply]
    if asked:
        times[asked[-1]] = begun
    return made(
        "spans",
        source,
        [each for each, _ in said],
        ident=session or (f"{trace}/{ident}" if trace else ident),
        model=name_of(attributes, *_MODELS),
        times=times,
        meta={"trace": trace, "span": ident, "requests": 1, "session": session or ""},
    )


def _spans(row: Row) -> Iterator[Row]:
    for group, scopes, items in (
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    ):
        for resource in map(mapping, listed(row.get(group))):
            for scope in map(mapping, listed(resource.get(scopes))):
                yield from map(mapping, listed(scope.get(items)))
    if "resourceSpans" not in row and "resourceLogs" not in row:
        yield row


def _attributes(item: Row) -> dict[str, Any]:
    """The attributes of a span or event by name, whichever way they are written."""
    held: Any = item.get("attributes")
    if isinstance(held, list | tuple):
        return {str(each["key"]): _value(each.get("value")) for each in map(mapping, listed(held))}
    flat = {key.removeprefix("attributes."): v for key, v in item.items() if "attributes." in key}
    return flat | _flat(mapping(held))


def _value(value: Any) -> Any:
    """The value of an attribute in OTLP's JSON."""
    fields = mapping(value)
    if "arrayValue" in fields:
        return [_value(each) for each in listed(mapping(fields["arrayValue"]).get("values"))]
    if "kvlistValue" in fields:
        pairs = map(mapping, listed(mapping(fields["kvlistValue"]).get("values")))
        return {str(pair["key"]): _value(pair.get("value")) for pair in pairs}
    return next(iter(fields.values()), None)


def _flat(attributes: Row, before: str = "") -> dict[str, Any]:
    """Nested attributes under dotted names; lists stay as they are."""
    found: dict[str, Any] = {}
    for key, value in attributes.items():
        if isinstance(value, Mapping):
            found |= _flat(cast("Row", value), f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def _number(span: Row, keys: Sequence[str]) -> Any:
    found = name_of(span, *keys)
    return int(found) if isinstance(found, str) and found.isdigit() else found


def _said(attributes: Row, span: Row) -> list[tuple[Message, bool]]:
    """The messages of a span, each with whether it is the reply."""
    for asked, replied, read in (
        ("gen_ai.input.messages", "gen_ai.output.messages", _by_parts),
        ("llm.input_messages", "llm.output_messages", _by_inference),
        ("gen_ai.prompt", "gen_ai.completion", _by_inference),
    ):
        before, reply = read(attributes, asked), read(attributes, replied)
        if before or reply:
            system = _by_parts({"s": _instructions(attributes)}, "s") if read is _by_parts else []
            return [*((m, False) for m in (*system, *before)), *((m, True) for m in reply[:1])]
    return list(_by_events(listed(span.get("events"))))


def _instructions(attributes: Row) -> Any:
    parts = _json(attributes.get("gen_ai.system_instructions"))
    return [{"role": "system", "parts": parts}] if parts else []


def _json(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            return json.loads(value)
    return value


def _by_parts(attributes: Row, name: str) -> list[Message]:
    """Messages of the GenAI conventions: a role and parts."""
    said: list[Message] = []
    for item in map(mapping, listed(_json(attributes.get(name)))):
        parts = [mapping(part) for part in listed(item.get("parts"))]
        texts = [p["content"] for p in parts if p.get("type") == "text" and p.get("content")]
        calls = [
            called(p.get("name"), p.get("arguments"), p.get("id"))
            for p in parts
            if p.get("type") == "tool_call"
        ]
        given = [p for p in parts if p.get("type") == "tool_call_response"]
        for part in given:
            result = part.get("response", part.get("result"))
            text = result if isinstance(result, str) else json.dumps(result)
            said.append(message("tool", text, tool_call_id=part.get("id")))
        words = item["content"] if "content" in item else "\n".join(map(str, texts)) or None
        if words is not None or calls or not given:
            said.append(message(item.get("role"), words, tool_calls=calls or None))
    return said


_PLACE = re.compile(r"\.(\d+)\.(?:message\.)?(.+)$")


def _by_inference(attributes: Row, name: str) -> list[Message]:
    """Messages under numbered names (`llm.input_messages.0.message.role`), or as a list."""
    found: dict[int, dict[str, Any]] = {}
    for key, value in attributes.items():
        place = _PLACE.match(key, len(name)) if key.startswith(name) else None
        if place:
            found.setdefault(int(place[1]), {})[place[2]] = value
    for number, item in enumerate(listed(_json(attributes.get(name)))):
        fields = _flat(mapping(item))
        found[number] = {key.removeprefix("message."): value for key, value in fields.items()}
    return [_inferred(found[number]) for number in sorted(found)]


def _inferred(fields: Row) -> Message:
    texts = [v for k, v in sorted(fields.items()) if k.endswith("message_content.text")]
    words = fields["content"] if "content" in fields else "\n".join(map(str, texts)) or None
    calls: dict[str, dict[str, Any]] = {}
    for key, value in fields.items():
        place = re.match(r"tool_calls\.(\d+)\.(?:tool_call\.)?(?:function\.)?(\w+)", key)
        if place:
            calls.setdefault(place[1], {})[place[2]] = value
    made = [called(c.get("name"), c.get("arguments", "{}"), c.get("id")) for c in calls.values()]
    return message(fields.get("role", "assistant"), words, tool_calls=made or None)


_EVENT = re.compile(r"^gen_ai\.(system|user|assistant|tool)\.message$")


def _by_events(events: Sequence[Any]) -> Iterator[tuple[Message, bool]]:
    """Messages as events of a span: the conventions up to version 1.36."""
    for event in map(mapping, events):
        name = str(event.get("name", ""))
        fields = _attributes(event) | dict(mapping(event.get("body")))
        kind = _EVENT.match(name)
        if kind:
            role = fields.get("role", kind[1])
            yield message(role, _json_text(fields.get("content"))), False
        elif name == "gen_ai.choice":
            inner = mapping(_json(fields.get("message"))) or fields
            yield message("assistant", _json_text(inner.get("content"))), True


def _json_text(content: Any) -> str | None:
    return content if isinstance(content, str) or content is None else json.dumps(content)


SPANS = Format("spans", "OpenTelemetry GenAI and OpenInference spans", _knows, _read)
"""Known by OTLP's own names, or by attributes beside a context."""
