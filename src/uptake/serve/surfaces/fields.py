"""What the APIs have in common: JSON values checked, and the bits that every reply is made of.

A body that is wrong is `Unreadable`, in a line that says what in it. What an upstream sends is
never refused: a value that is not what it should be counts as not there.

This module knows nothing of any one API.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from uptake.conversation import Conversation, Message
from uptake.model import Sampling, Usage
from uptake.models.wire import count_of
from uptake.serve.sse import Event
from uptake.serve.surfaces import Body, Unreadable

__all__ = [
    "compact",
    "conversation_of",
    "count",
    "id_of",
    "listed",
    "loaded",
    "mapping",
    "number",
    "objects",
    "sampling_of",
    "settled",
    "stops",
    "text",
    "usage_of",
]

MOST_STOPS = 64
LONGEST = 1_000  # characters of a message that is remembered


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; an empty one in place of anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    """A list; an empty one in place of anything else."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def text(value: Any) -> str:
    """A string; "" in place of anything else."""
    return value if isinstance(value, str) else ""


def objects(value: Any, where: str) -> list[Mapping[str, Any]]:
    """A list of objects, as a body must have it `where`. Raises Unreadable."""
    if not isinstance(value, list | tuple):
        raise Unreadable(f"{where} is not a list")
    items = cast("Sequence[Any]", value)
    for at, item in enumerate(items):
        if type(item) is not dict and not isinstance(item, Mapping):
            raise Unreadable(f"{where}[{at}] is not an object")
    return cast("list[Mapping[str, Any]]", list(items))


def number(body: Body, key: str, otherwise: float) -> float:
    """The number under `key`; `otherwise` where there is none. Raises Unreadable."""
    value = body.get(key)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"{key} is not a number")
    return float(value)


def count(body: Body, key: str, otherwise: int) -> int:
    """The whole number under `key`; `otherwise` where there is none. Raises Unreadable."""
    value = body.get(key)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable(f"{key} is not a whole number")
    return value


def stops(body: Body, key: str) -> tuple[str, ...]:
    """The stop words under `key`, one or several; empty ones say nothing. Raises Unreadable."""
    value = body.get(key)
    words = [value] if isinstance(value, str) else list(listed(value))
    if len(words) > MOST_STOPS or not all(isinstance(word, str) for word in words):
        raise Unreadable(f"{key} is neither a string nor a list of at most {MOST_STOPS} strings")
    return tuple(word for word in words if word)


def sampling_of(
    body: Body,
    limits: Sequence[str],
    effort: str | None = None,
    schema: Mapping[str, Any] | None = None,
) -> Sampling:
    """How the reply is to be drawn; `limits` are the names of the token limit, the first first.

    Raises Unreadable.
    """
    usual = Sampling()
    limit = next((count(body, name, 0) for name in limits if body.get(name) is not None), None)
    return Sampling(
        temperature=number(body, "temperature", usual.temperature),
        top_p=number(body, "top_p", usual.top_p),
        max_tokens=usual.max_tokens if limit is None else limit,
        seed=count(body, "seed", usual.seed),
        effort=effort,
        schema=schema,
    )


def conversation_of(messages: Iterable[Mapping[str, Any]]) -> Conversation:
    """Chat dicts as a conversation. Raises Unreadable for what no chat API takes."""
    try:
        return Conversation(tuple([_message(data, at) for at, data in enumerate(messages)]))
    except (TypeError, ValueError) as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("the messages are nested too deeply") from None


def _message(data: Mapping[str, Any], at: int) -> Message:
    if len(data) == 2:
        role, content = data.get("role"), data.get("content")
        if type(role) is str and type(content) is str and len(content) <= LONGEST:
            return _plain(role, content)
    message = Message.from_dict(data)
    if not isinstance(message.content, str | tuple | None):
        raise Unreadable(f"messages[{at}].content is neither a string nor a list")
    calls = (message.extra or {}).get("tool_calls")
    if calls is not None:
        objects(calls, f"messages[{at}].tool_calls")
    return message


@lru_cache(maxsize=2**14)
def _plain(role: str, content: str) -> Message:
    """A message of words alone. With each turn all before it comes again, and it never changes."""
    return Message(role, content)


def settled(parts: Sequence[Mapping[str, Any]]) -> Any:
    """Parts of content; the string alone where that is all there is."""
    if len(parts) == 1 and parts[0].get("type") == "text" and len(parts[0]) == 2:
        return text(parts[0].get("text"))
    return list(parts)


def usage_of(said: Any, prompt: str, completion: str) -> Usage | None:
    """Token counts under these names; None where either is missing."""
    counts = mapping(said)
    read, written = count_of(counts.get(prompt)), count_of(counts.get(completion))
    return None if read is None or written is None else Usage(read, written)


def id_of(kind: str) -> str:
    """A new id: the kind ("chatcmpl-"), then chance."""
    return f"{kind}{secrets.token_hex(14)}"


def compact(data: Any) -> str:
    """JSON on one line, in ASCII, so that half a surrogate pair can be sent as well."""
    return json.dumps(data, separators=(",", ":"))


def loaded(event: Event) -> Body | None:
    """The object that an event carries; None where it carries anything else."""
    try:
        data = json.loads(event.data)
    except (ValueError, RecursionError):
        return None
    return cast("Body", data) if isinstance(data, dict) else None
