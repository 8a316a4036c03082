"""The items of OpenAI's Responses as chat messages, and back.

Several items may be one message of the chat format (a reply and its tool calls), so an input is
read as `_Piece`s that know their items; those that a rewritten conversation still holds go back
as they came. Where the history lies with the server (`previous_response_id`, a stored conversation
or prompt, a reference to an item) it cannot be read here, and the request is Unreadable.

This module knows nothing of what is done with a conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uptake.conversation import Conversation, Message, freeze
from uptake.serve.surfaces import Body, Unreadable
from uptake.serve.surfaces.fields import (
    conversation_of,
    listed,
    mapping,
    objects,
    settled,
    text,
)

__all__ = ["Item", "chat_of", "conversation_in", "with_conversation"]

ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""Fields that name what only the server has."""

HIDDEN = ("item_reference", "compaction", "compaction_trigger")
WORDS = ("input_text", "output_text", "text")

Item = Mapping[str, Any]
"""One of the things that an input or an output is made of."""


def conversation_in(body: Body) -> Conversation:
    """The conversation in a body. Raises Unreadable."""
    return _conversation(_pieces(body))


def with_conversation(body: Body, sent: Conversation) -> Body:
    """The body with another conversation in it."""
    pieces = _pieces(body)
    read = _conversation(pieces).messages
    known = {freeze(_part(part)): part for piece in pieces for part in piece.parts}
    made: dict[str, Any] = dict(body)
    items: list[Any] = []
    instructed, at = False, 0
    for message in sent:
        found = next((n for n in range(at, len(read)) if read[n] == message), None)
        if found is None:
            items += _converted(message, known)
            continue
        at = found + 1
        instructed = instructed or pieces[found].instructions
        items += pieces[found].items
    if not instructed and body.get("instructions"):
        del made["instructions"]
    made["input"] = _as_it_was(body["input"], items)
    return made


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chat dict, and the items that it was made from; `instructions` stand beside the input."""

    message: Mapping[str, Any]
    items: Sequence[Any]
    instructions: bool = False

    @property
    def parts(self) -> Iterator[Mapping[str, Any]]:
        """The parts that the items have, for those messages that are one item."""
        if len(self.items) == 1 and isinstance(self.items[0], Mapping):
            yield from map(mapping, listed(mapping(self.items[0]).get("content")))


def _pieces(body: Body) -> list[_Piece]:
    for name in ELSEWHERE:
        if body.get(name):
            raise Unreadable(f"{name}: what was said before lies with the server")
    pieces: list[_Piece] = []
    if instructions := body.get("instructions"):
        if not isinstance(instructions, str):
            raise Unreadable("instructions is not a string")
        pieces.append(_Piece({"role": "system", "content": instructions}, (), True))
    given = body.get("input")
    if isinstance(given, str):
        return [*pieces, _Piece({"role": "user", "content": given}, (given,))]
    items = objects(given, "input")
    if not items:
        raise Unreadable("input is empty")
    reply: list[Item] = []
    for at, item in enumerate(items):
        piece = _piece(item, f"input[{at}]")
        if piece is None:
            reply.append(item)
            continue
        pieces += [*_replied(reply), piece]
        reply = []
    return [*pieces, *_replied(reply)]


def _replied(items: Sequence[Item]) -> Iterator[_Piece]:
    """All that a model said between two turns is one message, as it was when it was heard."""
    if items:
        yield _Piece(chat_of(items), tuple(items))


def _piece(item: Item, where: str) -> _Piece | None:
    """A message of the user's side, or a tool's result; None for a piece of a model's reply."""
    kind = item.get("type", "message")
    if kind in HIDDEN:
        raise Unreadable(
            f"{where} is of the type {kind!r}: what it stands for lies with the server"
        )
    if kind == "message":
        role = item.get("role")
        if not isinstance(role, str):
            raise Unreadable(f"{where}.role is not a string")
        content = _content(item.get("content"), f"{where}.content")
        return None if role == "assistant" else _Piece({"role": role, "content": content}, (item,))
    if not isinstance(kind, str) or not kind.endswith("_output"):
        return None
    output = item.get("output")
    said = _content(output, f"{where}.output") if isinstance(output, str | list) else [item]
    message = {"role": "tool", "tool_call_id": item.get("call_id"), "content": said}
    return _Piece(message, (item,))


def chat_of(items: Sequence[Item]) -> dict[str, Any]:
    """The items of a reply as one chat dict: words, calls, and what has no name there as parts."""
    parts: list[Any] = []
    lists: dict[str, list[Any]] = {"tool_calls": [], "reasoning_items": []}
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            found = _content(item.get("content"), "content")
            parts += [{"type": "text", "text": found}] if isinstance(found, str) else found
        elif kind in ("function_call", "custom_tool_call"):
            lists["tool_calls"].append(_call(item))
        elif kind == "reasoning":
            lists["reasoning_items"].append(item)
        else:
            parts.append(item)
    called = bool(lists["tool_calls"])
    content = settled(parts) if parts else None if called else ""
    return {"role": "assistant", "content": content} | {k: v for k, v in lists.items() if v}


def _call(item: Item) -> dict[str, Any]:
    if item.get("type") == "custom_tool_call":
        called = {"name": item.get("name"), "input": item.get("input")}
        return {"id": item.get("call_id"), "type": "custom", "custom": called}
    called = {"name": item.get("name"), "arguments": item.get("arguments")}
    return {"id": item.get("call_id"), "type": "function", "function": called}


def _content(content: Any, where: str) -> Any:
    if isinstance(content, str):
        return content
    return settled([_part(part) for part in objects(content, where)])


def _part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part as chat has it; what chat has no name for stays as it is."""
    kind = part.get("type")
    rest = {key: value for key, value in part.items() if key not in ("type", "text") and value}
    if kind in WORDS:
        return {"type": "text", "text": text(part.get("text")), **rest}
    if kind == "input_image" and isinstance(url := part.get("image_url"), str):
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": url, **detail}}
    if kind == "input_file":
        return {"type": "file", "file": rest}
    return part


def _conversation(pieces: Sequence[_Piece]) -> Conversation:
    return conversation_of(piece.message for piece in pieces)


def _converted(message: Message, known: Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    """A message that came with the rewriting, as items."""
    data = message.to_dict()
    said = "output_text" if message.role == "assistant" else "input_text"
    content = data.get("content")
    if isinstance(content, list):
        content = [known.get(freeze(each)) or _unpart(each, said) for each in listed(content)]
    if message.role == "tool":
        answered = {"call_id": data.get("tool_call_id"), "output": content or ""}
        yield {"type": "function_call_output", **answered}
        return
    yield from data.get("reasoning_items", ())
    if content or message.role != "assistant":
        yield {"role": message.role, "content": content or ""}
    for call in map(mapping, listed(data.get("tool_calls"))):
        yield {"type": "function_call", "call_id": call.get("id"), **mapping(call.get("function"))}


def _unpart(part: Any, said: str) -> Any:
    fields = mapping(part)
    if fields.get("type") == "text":
        return {"type": said, "text": fields.get("text")}
    if fields.get("type") == "image_url":
        image = mapping(fields.get("image_url"))
        return {"type": "input_image", "image_url": image.get("url"), "detail": "auto"} | {
            key: image[key] for key in ("detail",) if key in image
        }
    if fields.get("type") == "file":
        return {"type": "input_file", **mapping(fields.get("file"))}
    return part


def _as_it_was(given: Any, items: list[Any]) -> Any:
    """The input: a string still, where it was one and all that is sent is the user's words."""
    if not isinstance(given, str):
        return items
    items = [{"role": "user", "content": each} if isinstance(each, str) else each for each in items]
    only = mapping(items[0]) if len(items) == 1 else mapping(None)
    words = only.get("content")
    return words if only.get("role") == "user" and isinstance(words, str) else items
