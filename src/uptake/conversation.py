"""What was said: `Message` and `Conversation`, frozen, lossless to and from OpenAI chat dicts.

A message keeps every field it came with (tool calls, names, multi-part content, fields that
nobody has invented yet), so that `Message.from_dict(d).to_dict() == d` for any chat dict. What
it keeps is its own: nested data is copied in frozen, and copied out as plain dicts and lists.

This module knows nothing of models, users or instructions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, cast

__all__ = ["Conversation", "FrozenDict", "Message", "freeze", "thaw"]


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change, so that a message can be shared and hashed.

    It is a dict still: it equals one with the same items, and `json.dumps` takes it.
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this dict is frozen; change a copy of it: thaw(value)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = _refuse
    setdefault: Any = _refuse
    update: Any = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict:
        return self

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


def freeze(value: Any) -> Any:
    """A frozen copy of JSON data: dicts become `FrozenDict`, lists become tuples.

    Raises TypeError for what JSON has no place for, since it could be neither frozen nor sent.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        for key, _ in items:
            if not isinstance(key, str):
                raise TypeError(f"a JSON object has string keys, not {key!r}")
        return FrozenDict({key: freeze(item) for key, item in items})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in cast("Iterable[Any]", value))
    raise TypeError(f"{type(value).__name__} is not JSON; use dicts, lists, strings and numbers")


def thaw(value: Any) -> Any:
    """Plain dicts and lists again, shared with nobody: the inverse of `freeze` on JSON data."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: thaw(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in cast("Iterable[Any]", value)]
    return value


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message: a role, its content, and every other field exactly as it came.

    `content` is a string, None, or a tuple of parts. `bare` is true where the dict it came from
    had no `content` at all, which is not the same as null. Raises TypeError for data that is
    not JSON, and ValueError for an `extra` that names the role or the content again.
    """

    role: str
    content: Any = None
    extra: Mapping[str, Any] | None = None
    bare: bool = False

    def __post_init__(self) -> None:
        if self.bare and self.content is not None:
            raise ValueError("a bare message has no content")
        if self.extra and not self.extra.keys().isdisjoint(("role", "content")):
            raise ValueError("extra holds the other fields: give role and content by themselves")
        if not isinstance(self.content, str):
            object.__setattr__(self, "content", freeze(self.content))
        object.__setattr__(self, "extra", freeze(self.extra) if self.extra else None)

    @property
    def text(self) -> str:
        """The words of the message, a refusal's too; text parts joined by newlines."""
        if isinstance(self.content, str):
            return self.content
        parts: Any = self.content
        if isinstance(parts, tuple):
            words = [_part_text(part) for part in cast("tuple[Any, ...]", parts)]
            return "\n".join(word for word in words if word is not None)
        refusal = (self.extra or {}).get("refusal")
        return refusal if isinstance(refusal, str) else ""

    @property
    def written(self) -> str:
        """The words, then each tool call as text: `<tool_call>{"name", "arguments"}</tool_call>`.

        This is how a reply is verified and kept, so that calls made by way of an endpoint's `tools`
        count as those that are written out.
        """
        if not self.extra:
            return self.text
        extra = self.extra
        calls: Any = extra.get("tool_calls")
        listed = list(cast("tuple[Any, ...]", calls)) if isinstance(calls, tuple) else []
        called = [_call_text(call) for call in (*listed, extra)]
        return "\n".join(line for line in (self.text, *called) if line)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Message:
        """Any chat dict. Raises ValueError where `role` is not a string."""
        role = data.get("role")
        if not isinstance(role, str):
            raise ValueError(f"a chat message needs a role that is a string, not {role!r}")
        extra = {key: value for key, value in data.items() if key not in ("role", "content")}
        return cls(role, data.get("content"), extra or None, "content" not in data)

    def to_dict(self) -> dict[str, Any]:
        """The chat dict it came from, in plain dicts and lists that the caller may change."""
        data: dict[str, Any] = {"role": self.role}
        if not self.bare:
            data["content"] = thaw(self.content)
        return data | thaw(self.extra or {})


def _part_text(part: Any) -> str | None:
    """The words of one content part; None for an image, a sound or a file."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return None
    fields = cast("Mapping[str, Any]", part)
    words = fields.get("text", fields.get("refusal"))
    return words if isinstance(words, str) else None


def _call_text(item: Any) -> str:
    """A tool call (or the older `function_call` of a message) as text; "" for anything else."""
    if not isinstance(item, Mapping):
        return ""
    fields = cast("Mapping[str, Any]", item)
    called: Any = fields.get("function", fields.get("function_call"))
    if not isinstance(called, Mapping):
        return ""
    call = cast("Mapping[str, Any]", called)
    arguments: Any = call.get("arguments")
    if isinstance(arguments, str):
        # Else as the model wrote it: whoever reads the call may say that it is wrong.
        with suppress(ValueError, RecursionError):
            arguments = json.loads(arguments)
    data = {"name": call.get("name"), "arguments": arguments}
    return f"<tool_call>{json.dumps(data, ensure_ascii=False)}</tool_call>"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in order. Adding one gives a new conversation."""

    messages: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(self.messages))

    @classmethod
    def from_dicts(cls, messages: Iterable[Mapping[str, Any]]) -> Conversation:
        """Any list of chat dicts; see `Message.from_dict`."""
        return cls(tuple(Message.from_dict(message) for message in messages))

    def to_dicts(self) -> list[dict[str, Any]]:
        """What an OpenAI-compatible endpoint takes as `messages`."""
        return [message.to_dict() for message in self.messages]

    def add(self, message: Message) -> Conversation:
        """This conversation and one more message."""
        return Conversation((*self.messages, message))

    def system(self, text: str) -> Conversation:
        """This conversation and a system message."""
        return self.add(Message("system", text))

    def user(self, text: str) -> Conversation:
        """This conversation and a user's turn."""
        return self.add(Message("user", text))

    def assistant(self, text: str) -> Conversation:
        """This conversation and a reply."""
        return self.add(Message("assistant", text))

    def said_by(self, role: str) -> tuple[str, ...]:
        """The words of every message of one role, in order."""
        return tuple(message.text for message in self.messages if message.role == role)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)
