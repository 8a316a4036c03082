"""What a request is known by: a tenant's name, and a chain of hashes over its messages.

The hash after n messages is of the tenant, the explicit thread id and those n messages, so two
requests share it only where they share all of that. It is taken over what a message says, not over
how a client happens to write it: see `canonical`. Keys are 16 bytes, by BLAKE2b.

This module knows nothing of the store, and keeps no credential.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, cast

__all__ = [
    "ANONYMOUS",
    "canonical",
    "chain",
    "extend",
    "extend_plain",
    "is_thread",
    "seed",
    "tenant",
]

ANONYMOUS = "anonymous"
"""The tenant of who shows no credential."""

SIZE = 16
LONGEST = 1_000
"""Characters of words whose key is remembered: with each turn all before it comes again."""


def tenant(salt: bytes, credential: str | None) -> str:
    """What stands for a credential: 32 hexadecimal digits that only the salt's owner can check.

    `salt` is 1 to 64 bytes (`Store.salt`). `ANONYMOUS` without a credential.
    """
    if not credential:
        return ANONYMOUS
    data = credential.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=SIZE, key=salt).hexdigest()


_THREAD = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,199}")


def is_thread(text: str) -> bool:
    """Whether a client's conversation id can be kept: 1 to 200 printable ASCII characters."""
    return _THREAD.fullmatch(text) is not None


def seed(tenant: str, thread: str | None) -> bytes:
    """The key before the first message; `thread` is the id that the client gave, if any."""
    fields = [tenant] if thread is None else [tenant, thread]
    return blake2b(_delimited(fields), digest_size=SIZE).digest()


def chain(seed: bytes, messages: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """The key after each message, in order."""
    keys: list[bytes] = []
    key = seed
    for message in messages:
        key = extend(key, message)
        keys.append(key)
    return keys


def extend(key: bytes, message: Mapping[str, Any]) -> bytes:
    """The key after one more message. Raises RecursionError for parts nested beyond measure."""
    content = message.get("content")
    if type(content) is str and len(message) == 2 and type(role := message.get("role")) is str:
        return extend_plain(key, role, content)
    return blake2b(key + _delimited(canonical(message)), digest_size=SIZE).digest()


def extend_plain(key: bytes, role: str, words: str) -> bytes:
    """The same for a message of a role and words alone, as nearly every one is."""
    return (_kept if len(words) <= LONGEST else _plain)(key, role, words)


def _plain(key: bytes, role: str, content: str) -> bytes:
    words = content.strip()
    text = f"4:role{len(role)}:{role}"
    if words:
        text += f"4:text{len(words)}:{words}"
    return blake2b(key + text.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


_kept = lru_cache(maxsize=2**15)(_plain)


def canonical(message: Mapping[str, Any]) -> list[str]:
    """What a chat dict says, as strings that no other message has.

    The role, the words without surrounding whitespace, tool calls by id, name and arguments, what
    a tool's result answers, other parts as JSON. A field that is null is one that is absent, and
    words are the same as a string or as a single part of text. All other fields, as a name or what
    a model thought, are no part of it: clients drop them when they send a history back.
    """
    fields = ["role", _string(message.get("role"))]
    content = message.get("content")
    if isinstance(content, str):
        if words := content.strip():
            fields += ("text", words)
    elif content is not None:
        _parts(content, fields)
    if calls := message.get("tool_calls"):
        _calls(calls, fields)
    if call := message.get("function_call"):
        _calls([{"function": call}], fields)
    if (answered := message.get("tool_call_id")) is not None:
        fields += ("answers", _string(answered))
    return fields


def _parts(content: Any, fields: list[str]) -> None:
    for part in cast(Iterable[Any], content) if isinstance(content, list | tuple) else [content]:
        text = cast(Mapping[str, Any], part).get("text") if _is_text(part) else None
        if not isinstance(text, str):
            fields += ("part", _json(_bare(part)))
        elif words := text.strip():
            fields += ("text", words)


def _is_text(part: object) -> bool:
    return isinstance(part, Mapping) and cast(Mapping[str, Any], part).get("type") == "text"


def _calls(calls: Any, fields: list[str]) -> None:
    for call in cast(Iterable[Any], calls) if isinstance(calls, list | tuple) else [calls]:
        said = _mapping(call)
        function = _mapping(said.get("function"))
        if not function:  # not a call of a function: another kind of tool
            fields += ("call", _json(call))
            continue
        identity, name = _string(said.get("id")), _string(function.get("name"))
        fields += ("function", identity, name, _arguments(function.get("arguments")))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def _arguments(arguments: object) -> str:
    """Arguments are JSON in a string, which clients parse and write again with other spaces."""
    if not isinstance(arguments, str):
        return _json(arguments)
    try:
        return _json(json.loads(arguments))
    except (ValueError, RecursionError):
        return arguments


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value)


def _bare(value: Any) -> Any:
    """JSON without the fields that are null."""
    if isinstance(value, Mapping):
        fields = cast(Mapping[str, Any], value)
        return {name: _bare(each) for name, each in fields.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_bare(each) for each in cast(Iterable[Any], value)]
    return value


_json = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=str).encode


def _delimited(fields: Iterable[str]) -> bytes:
    """Each string after its length, so that no two lists give the same bytes."""
    text = "".join([f"{len(field)}:{field}" for field in fields])
    return text.encode("utf-8", "surrogatepass")
