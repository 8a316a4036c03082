"""Anthropic's content blocks as chat messages, and back.

A message there may hold several of the chat format's (results of tools, then words), so a body is
read as `_Piece`s, each of which knows what it was made from. Whatever a rewritten conversation
still holds goes back as the very objects that came: marks for the cache, thoughts and all.

This module knows nothing of what is done with a conversation.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from uptake.conversation import Conversation, Message, freeze
from uptake.models.messages import THINKING, request
from uptake.models.wire import UnsendableError
from uptake.serve.surfaces import Body, Unreadable
from uptake.serve.surfaces.fields import conversation_of, listed, mapping, objects, settled

__all__ = ["Block", "chat_of", "conversation_in", "with_conversation"]

SYSTEM = -1
"""The turn of the system prompt, which stands beside the messages."""

Block = Mapping[str, Any]
"""A part of a message's content, as Anthropic has it."""


def conversation_in(body: Body) -> Conversation:
    """The conversation in a body. Raises Unreadable."""
    return _conversation(_pieces(body))


def with_conversation(body: Body, sent: Conversation) -> Body:
    """The body with another conversation in it. Raises Unreadable where that cannot be said."""
    pieces = _pieces(body)
    items = list(_matched(pieces, _conversation(pieces).messages, sent))
    made: dict[str, Any] = {**body, "messages": _assembled(body, pieces, items)}
    system = [item for item in items if item.role == "system" and item.turn in (SYSTEM, None)]
    if pieces[0].turn == SYSTEM and not system:
        del made["system"]
    elif system and [item.turn for item in system] != [SYSTEM]:
        made["system"] = [block for item in system for block in _listed_blocks(item.content)]
    return made


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chat dict, and what of which turn it was made from."""

    message: Mapping[str, Any]
    turn: int
    role: str
    content: Any


def _pieces(body: Body) -> list[_Piece]:
    messages = objects(body.get("messages"), "messages")
    if not messages:
        raise Unreadable("messages is empty")
    pieces: list[_Piece] = []
    if system := body.get("system"):
        pieces.append(_plain(SYSTEM, "system", system, "system"))
    for turn, message in enumerate(messages):
        role, content, where = message.get("role"), message.get("content"), f"messages[{turn}]"
        if role == "user" and not isinstance(content, str):
            pieces += _of_user(turn, objects(content, f"{where}.content"))
        elif role == "assistant" and not isinstance(content, str):
            said = chat_of(objects(content, f"{where}.content"))
            pieces.append(_Piece(said, turn, "assistant", content))
        elif role in ("user", "assistant", "system"):
            pieces.append(_plain(turn, str(role), content, f"{where}.content"))
        else:
            raise Unreadable(f"{where}.role is none of user, assistant and system")
    return pieces


def _plain(turn: int, role: str, content: Any, where: str) -> _Piece:
    said = content if isinstance(content, str) else settled(objects(content, where))
    return _Piece({"role": role, "content": said}, turn, role, content)


def _of_user(turn: int, blocks: Sequence[Block]) -> Iterator[_Piece]:
    """Results of tools one by one, and what stands between them together."""
    for is_result, run in groupby(blocks, key=lambda block: block.get("type") == "tool_result"):
        group = list(run)
        if is_result:
            yield from (_Piece(_result(block), turn, "user", [block]) for block in group)
        else:
            said = settled([_part(block) for block in group])
            yield _Piece({"role": "user", "content": said}, turn, "user", group)
    if not blocks:
        yield _Piece({"role": "user", "content": []}, turn, "user", [])


def _result(block: Block) -> dict[str, Any]:
    rest = {key: value for key, value in block.items() if key not in ("type", "tool_use_id")}
    content = rest.pop("content", None)
    if not isinstance(content, str | None):
        content = settled([_part(each) for each in objects(content, "tool_result.content")])
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": content, **rest}


def chat_of(blocks: Sequence[Block]) -> dict[str, Any]:
    """An assistant's blocks as one chat dict: words, thoughts and calls."""
    thoughts = [block for block in blocks if block.get("type") in THINKING]
    calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
    apart = (*THINKING, "tool_use")
    parts = [_part(block) for block in blocks if block.get("type") not in apart]
    message: dict[str, Any] = {"role": "assistant", "content": settled(parts) if parts else None}
    if not parts and not calls:
        message["content"] = ""
    lists = {"thinking_blocks": thoughts, "tool_calls": calls}
    return message | {name: items for name, items in lists.items() if items}


def _call(block: Block) -> dict[str, Any]:
    kept = {key: value for key, value in block.items() if key not in ("type", "name", "input")}
    given = block.get("input")
    said = isinstance(given, str) and given
    arguments = said or json.dumps(given or {}, ensure_ascii=False)
    function = {"name": block.get("name"), "arguments": arguments}
    return {**kept, "type": "function", "function": function}


def _part(block: Block) -> Mapping[str, Any]:
    """A block as a part of chat content; what chat has no name for stays as it is."""
    kind, source = block.get("type"), mapping(block.get("source"))
    rest = {key: value for key, value in block.items() if key not in ("type", "source")}
    data = f"data:{source.get('media_type')};base64,{source.get('data')}"
    if kind == "image" and source.get("type") in ("base64", "url"):
        url = source.get("url") if source.get("type") == "url" else data
        return {"type": "image_url", "image_url": {"url": url}, **rest}
    if kind == "document" and source.get("type") == "base64":
        return {"type": "file", "file": {"file_data": data}, **rest}
    return block


def _conversation(pieces: Sequence[_Piece]) -> Conversation:
    return conversation_of(piece.message for piece in pieces)


@dataclass(frozen=True, slots=True)
class _Item:
    """What is to be sent: of which turn it is, None where it came with the rewriting."""

    turn: int | None
    role: str
    content: Any


def _matched(
    pieces: Sequence[_Piece], read: Sequence[Message], sent: Conversation
) -> Iterator[_Item]:
    """Each message sent, as what it was made from where it is still the same."""
    known = {
        freeze(_part(block)): block
        for piece in pieces
        for block in _listed_blocks(piece.content)
        if piece.role == "user"
    }
    at = 0
    for message in sent:
        found = next((n for n in range(at, len(read)) if read[n] == message), None)
        if found is None:
            yield _converted(message, known)
        else:
            at = found + 1
            yield _Item(pieces[found].turn, pieces[found].role, pieces[found].content)


def _converted(message: Message, known: Mapping[Any, Block]) -> _Item:
    data = message.to_dict()
    plain = message.role in ("user", "assistant") and not message.extra
    if plain and isinstance(message.content, str):
        return _Item(None, message.role, message.content)
    data["content"] = [
        known.get(freeze(part), part) for part in _listed_blocks(data.get("content"))
    ]
    try:
        made = request([data])
    except UnsendableError as error:
        raise Unreadable(str(error)) from None
    if "system" in made:
        return _Item(None, "system", made["system"])
    for turn in made["messages"]:
        return _Item(None, turn["role"], turn["content"])
    return _Item(None, "assistant" if message.role == "assistant" else "user", [])


def _assembled(body: Body, pieces: Sequence[_Piece], items: Sequence[_Item]) -> list[Any]:
    """The messages: those that are whole as they came, the others put together anew."""
    sizes = Counter(piece.turn for piece in pieces)
    spoken = [item for item in items if item.turn != SYSTEM]
    spoken = [item for item in spoken if item.turn is not None or item.role != "system"]
    messages: list[Any] = []
    fresh = False
    for turn, run in groupby(spoken, key=lambda item: item.turn):
        group = list(run)
        if turn is not None and len(group) == sizes[turn]:
            messages.append(listed(body["messages"])[turn])
            fresh = False
            continue
        for item in group:
            if fresh and messages[-1]["role"] == item.role:
                joined = [messages[-1]["content"], item.content]
                messages[-1]["content"] = [b for each in joined for b in _listed_blocks(each)]
            else:
                messages.append({"role": item.role, "content": item.content})
            fresh = True
    return messages


def _listed_blocks(content: Any) -> Sequence[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else listed(content)
