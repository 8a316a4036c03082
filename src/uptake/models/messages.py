"""Anthropic's Messages format as bytes: chat dicts translated there and back.

Pure functions; nothing here opens a socket. A conversation stays in OpenAI's form everywhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from uptake.model import Sampling
from uptake.models import wire

__all__ = [
    "STOPS",
    "THINKING",
    "nested",
    "parameters",
    "read_answer",
    "request",
    "settings",
]

STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Why a reply ended, in OpenAI's words; what is not here stays as it is."""

THINKING = ("thinking", "redacted_thinking")

Block = dict[str, Any]


def parameters(sampling: Sampling, *, dropped: Collection[str]) -> dict[str, Any]:
    """The sampling parameters of a request, without those the server has rejected.

    The temperature is named like everywhere. Most models take only one of it and `top_p`, so that
    where `top_p` is set and the temperature is 1, which is the server's default, it is left out.
    What `nested` puts into one object is rejected part by part, and so has a name for each.
    """
    wanted: dict[str, Any] = {"max_tokens": sampling.max_tokens}
    if sampling.top_p < 1:
        wanted["top_p"] = sampling.top_p
    if sampling.top_p == 1 or sampling.temperature != 1:
        wanted["temperature"] = sampling.temperature
    if sampling.effort is not None:
        wanted[wire.EFFORT] = sampling.effort
    if sampling.schema is not None:
        wanted[wire.FORMAT] = {"type": "json_schema", "schema": sampling.schema}
    return {name: value for name, value in wanted.items() if name not in dropped}


def nested(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a request has them: `output_config.effort` is `effort` in `output_config`."""
    made: dict[str, Any] = {}
    for name, value in sent.items():
        whole, _, part = name.partition(".")
        if part:
            made.setdefault(whole, {})[part] = value
        else:
            made[whole] = value
    return made


# What is sent


def request(talk: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`system` and `messages` of a request.

    System messages are lifted out, wherever they stand, and turns of one speaker that follow each
    other become one. Words that are blank are left out: the API takes none. Raises
    UnsendableError for a role or a part that the format has no place for.
    """
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    for message in talk:
        role = message.get("role")
        if role in ("system", "developer"):
            system += [str(block.get("text")) for block in _blocks(message.get("content"))]
            continue
        speaker, blocks = _turn(role, message)
        if not blocks:
            continue
        if turns and turns[-1]["role"] == speaker:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": speaker, "content": blocks})
    lifted = {"system": "\n\n".join(system)} if system else {}
    return {**lifted, "messages": turns}


def _turn(role: Any, message: Mapping[str, Any]) -> tuple[str, list[Block]]:
    content = message.get("content")
    if role == "user":
        return "user", _blocks(content)
    if role == "tool":
        result: Block = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
        said = _blocks(content)
        return "user", [result | {"content": said} if said else result]
    if role == "assistant":
        thought = [dict(block) for block in _listed(message.get("thinking_blocks"))]
        refused = _blocks(message.get("refusal"))
        called = [_tool_use(call) for call in _listed(message.get("tool_calls"))]
        return "assistant", [*thought, *_blocks(content), *refused, *called]
    raise wire.UnsendableError(f"a message of the role {role!r} has no place in this API")


def _blocks(content: Any) -> list[Block]:
    """Content, plain or in parts, as blocks; blank words are no block."""
    parts = [content] if isinstance(content, str) else _listed(content)
    blocks = [_block(part) for part in parts]
    return [b for b in blocks if b.get("type") != "text" or str(b.get("text", "")).strip()]


def _block(part: Any) -> Block:
    """One part. A kind that is not OpenAI's is taken for the API's own, and goes as it is."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    fields = dict(cast("Mapping[str, Any]", part)) if isinstance(part, Mapping) else {}
    kind = fields.get("type")
    if kind == "text":
        return fields
    if kind == "refusal":
        return {"type": "text", "text": fields.get("refusal")}
    if kind == "image_url":
        return {"type": "image", "source": _source(_mapping(fields.get(kind)).get("url"))}
    if kind == "file" and (data := _mapping(fields.get(kind)).get("file_data")):
        return {"type": "document", "source": _source(data)}
    if kind in (None, "file", "input_audio"):
        raise wire.UnsendableError(f"a part of the kind {kind!r} has no place in this API")
    return fields


def _source(url: Any) -> Block:
    """Where an image or a document comes from: an address, or its bytes in a data URL."""
    if found := re.fullmatch(r"data:([\w.+/-]+);base64,(.*)", str(url), re.DOTALL):
        return {"type": "base64", "media_type": found[1], "data": found[2]}
    return {"type": "url", "url": url}


def _tool_use(call: Any) -> Block:
    function = _mapping(_mapping(call).get("function"))
    given = function.get("arguments") or "{}"
    try:
        arguments = json.loads(given)
    except (TypeError, ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {"arguments": given}  # the API takes only objects: as the model wrote it
    name = function.get("name")
    return {"type": "tool_use", "id": _mapping(call).get("id"), "name": name, "input": arguments}


def settings(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What else is in a request: tools and the choice among them translated, the rest as it is."""
    translated = dict(extra)
    if "tools" in extra:
        translated["tools"] = [_tool(tool) for tool in _listed(extra["tools"])]
    choice = extra.get("tool_choice")
    if isinstance(choice, str):
        translated["tool_choice"] = {"type": "any" if choice == "required" else choice}
    elif name := _mapping(_mapping(choice).get("function")).get("name"):
        translated["tool_choice"] = {"type": "tool", "name": name}
    return translated


def _tool(tool: Any) -> dict[str, Any]:
    function = _mapping(_mapping(tool).get("function"))
    if not function:
        return dict(_mapping(tool))
    made: dict[str, Any] = {
        "name": function.get("name"),
        "input_schema": function.get("parameters") or {"type": "object"},
    }
    return made | {key: function[key] for key in ("description", "strict") if key in function}


# What comes back


def read_answer(body: bytes) -> wire.Answer:
    """A reply as an OpenAI message. Raises UnreadableError.

    Thoughts are kept under `thinking_blocks`, so that they can be sent again as they came. The
    prompt's tokens are all that were read, whether new, written to a cache or found there.
    """
    data = wire.decoded(body)
    found = _mapping(data)
    if not isinstance(found.get("content"), list):
        if found.get("error"):
            raise wire.UnreadableError(f"the server reports an error: {wire.said_by(data)}")
        raise wire.UnreadableError("the reply has no content")
    blocks = [_mapping(block) for block in _listed(found["content"])]
    stop = found.get("stop_reason")
    finish_reason = STOPS.get(str(stop), str(stop or "stop"))
    fields: dict[str, Any] = {
        "content": "".join(str(b.get("text") or "") for b in blocks if b.get("type") == "text"),
        "tool_calls": [_tool_call(b) for b in blocks if b.get("type") == "tool_use"],
        "thinking_blocks": [dict(b) for b in blocks if b.get("type") in THINKING],
    }
    if stop == "refusal" and not fields["content"]:
        why = _mapping(found.get("stop_details"))
        fields["content"] = None
        fields["refusal"] = str(why.get("explanation") or why.get("category") or "refused")
    usage = _mapping(found.get("usage"))
    return wire.Answer(
        wire.message_of(fields, finish_reason),
        finish_reason,
        _read_tokens(usage),
        wire.count_of(usage.get("output_tokens")),
        None,
    )


def _tool_call(block: Mapping[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _read_tokens(usage: Mapping[str, Any]) -> int | None:
    fresh = wire.count_of(usage.get("input_tokens"))
    if fresh is None:
        return None
    names = ("cache_creation_input_tokens", "cache_read_input_tokens")
    return fresh + sum(wire.count_of(usage.get(name)) or 0 for name in names)


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _listed(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
