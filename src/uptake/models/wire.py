"""The OpenAI chat format as bytes: what is sent, what comes back, what a refusal means.

Pure functions over requests, bodies and status codes; nothing here opens a socket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

from uptake.conversation import Message
from uptake.model import Sampling

__all__ = [
    "EFFORT",
    "EFFORTS",
    "FORMAT",
    "LIMIT_NAMES",
    "Answer",
    "Refusal",
    "UnreadableError",
    "UnsendableError",
    "count_of",
    "decoded",
    "message_of",
    "one_line",
    "parameters",
    "read_answer",
    "refusal",
    "rejected_parameter",
    "said_by",
]

LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
"""The old and the new name of the same limit: servers take one, the other, or both."""


EFFORT, FORMAT = "output_config.effort", "output_config.format"
"""What the Messages API calls the effort and the form of a reply: parts of one object."""

EFFORTS = ("reasoning_effort", EFFORT)
"""How much a model may think, by the names of the APIs: not to be left out without a word."""


class UnreadableError(ValueError):
    """A body that holds no usable reply: says what is wrong with it, without saying where.

    `cut_off` is whether the token limit was reached before the first word.
    """

    def __init__(self, message: str, *, cut_off: bool = False) -> None:
        super().__init__(message)
        self.cut_off = cut_off


class UnsendableError(ValueError):
    """A conversation that an API has no way to say: says what in it, without saying where."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as it came: the message, why it stopped, tokens, and the cost if the server says."""

    message: Message
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error status means: the reason in words, whether to try again, whether for good."""

    reason: str
    again: bool = False
    fatal: bool = False


def parameters(sampling: Sampling, *, limit_name: str, dropped: Collection[str]) -> dict[str, Any]:
    """The sampling parameters of a request, without those the server has rejected.

    Temperature is always named, because servers differ in their default. The seed is cut to 31
    bits, which every server can hold.
    """
    wanted: dict[str, Any] = {
        "temperature": sampling.temperature,
        limit_name: sampling.max_tokens,
        "seed": sampling.seed & 0x7FFFFFFF,
    }
    if sampling.top_p < 1:
        wanted["top_p"] = sampling.top_p
    if sampling.effort is not None:
        wanted["reasoning_effort"] = sampling.effort
    if sampling.schema is not None:
        form = {"name": "reply", "strict": True, "schema": sampling.schema}
        wanted["response_format"] = {"type": "json_schema", "json_schema": form}
    return {name: value for name, value in wanted.items() if name not in dropped}


def read_answer(body: bytes) -> Answer:
    """The first choice of a chat completion. Raises UnreadableError.

    Fields of the message that are null or empty say nothing and are left out; all others stay.
    """
    data = decoded(body)
    choice = _first_choice(data)
    fields = choice.get("message")
    if not isinstance(fields, dict):
        raise UnreadableError("the reply has no message")
    finish_reason = str(choice.get("finish_reason") or "stop")
    usage = data.get("usage")
    usage = cast("dict[str, Any]", usage) if isinstance(usage, dict) else {}
    return Answer(
        message_of(cast("dict[str, Any]", fields), finish_reason),
        finish_reason,
        count_of(usage.get("prompt_tokens")),
        count_of(usage.get("completion_tokens")),
        _cost(usage.get("cost")),
    )


def decoded(body: bytes) -> Any:
    """The JSON of a body. Raises UnreadableError."""
    try:
        return json.loads(body.decode())
    except UnicodeDecodeError as error:
        bad = body[error.start]
        raise UnreadableError(
            f"the reply is not UTF-8 (byte 0x{bad:02x} at {error.start})"
        ) from None
    except (ValueError, RecursionError):
        start = one_line(body[:60].decode(errors="replace"))
        raise UnreadableError(f"the reply is not JSON (it starts {start!r})") from None


def _first_choice(data: Any) -> dict[str, Any]:
    if isinstance(data, dict):
        found = cast("dict[str, Any]", data)
        choices = found.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            return cast("dict[str, Any]", choices[0])
        # Routers report a failing upstream as an error with status 200.
        if found.get("error"):
            raise UnreadableError(f"the server reports an error: {said_by(found)}")
    raise UnreadableError("the reply has no choices")


def message_of(fields: dict[str, Any], finish_reason: str) -> Message:
    """The assistant's message of these fields. Raises UnreadableError where it says nothing."""
    kept = {key: value for key, value in fields.items() if value not in (None, [], {})}
    kept["role"] = "assistant"
    # Only a reply with tool calls may go without words: say so the way the format does.
    kept.setdefault("content", None)
    try:
        json.dumps(kept, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UnreadableError("the reply is not UTF-8 (half of a surrogate pair)") from None
    message = Message.from_dict(kept)
    if not _says_something(message):
        raise UnreadableError(
            f"the reply is empty (finish_reason {finish_reason!r})",
            cut_off=finish_reason == "length",
        )
    return message


def _says_something(message: Message) -> bool:
    extra = message.extra or {}
    return bool(message.text.strip()) or any(
        extra.get(name) for name in ("tool_calls", "function_call", "refusal", "audio")
    )


def count_of(value: Any) -> int | None:
    """A number of tokens, None where it is no such thing."""
    return value if isinstance(value, int) and value >= 0 else None


def _cost(value: Any) -> float | None:
    if isinstance(value, int | float) and 0 <= value < float("inf"):
        return float(value)
    return None


def said_by(body: Any) -> str:
    """What a server's error body says, as one line."""
    for key in ("error", "message", "detail", "msg"):
        if isinstance(body, dict) and key in body:
            return said_by(cast("dict[str, Any]", body)[key])
    if body is None:
        return ""
    return one_line(body if isinstance(body, str) else json.dumps(body))


def one_line(text: str, limit: int = 200) -> str:
    """Without line breaks and control characters, and cut to `limit` characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


_NOT_TAKEN = re.compile(
    r"not support|unsupported|unrecogni[sz]ed|unknown|not permitted|not allowed|unexpected"
    r"|extra_forbidden|only the default|deprecated|cannot be used|cannot both|may only be"
    r"|not accept",
    re.IGNORECASE,
)


def rejected_parameter(body: Any, sent: Collection[str]) -> str | None:
    """Which of the `sent` parameters a 400 or 422 objects to; None where it is about another thing.

    Reads OpenAI's `param` where there is one, otherwise the words. An objection to a value
    (`max_tokens is too large`) is no objection to the parameter.
    """
    text = body if isinstance(body, str) else json.dumps(body)
    # A schema is asked for in words as well, so whatever is said against it is reason enough.
    if "response_format" in sent and re.search(r"response_format|json_schema", text):
        return "response_format"
    if FORMAT in sent and re.search(r"output_config\.format|output_format|json_schema", text):
        return FORMAT
    if EFFORT in sent and EFFORT in text:
        return EFFORT
    if not _NOT_TAKEN.search(text):
        return None
    error = cast("dict[str, Any]", body).get("error", body) if isinstance(body, dict) else body
    named = cast("dict[str, Any]", error).get("param") if isinstance(error, dict) else None
    if named in sent:
        return str(named)
    # Claude takes one of the two: the temperature is what conditions are compared under.
    if "cannot both" in text and "top_p" in sent and "top_p" in text:
        return "top_p"
    if EFFORT in sent and re.search(r"\beffort\b", text):
        return EFFORT
    # Of an object that is taken in no part, the form goes first: it is asked for in words as well.
    if "output_config" in text and (parts := {FORMAT, EFFORT}.intersection(sent)):
        return FORMAT if FORMAT in parts else EFFORT
    # Whichever is named first is objected to; a second one is what to use instead.
    places = {name: re.search(rf"\b{name}\b", text) for name in sent}
    found = {name: place.start() for name, place in places.items() if place}
    return min(found, key=lambda name: found[name]) if found else None


def refusal(status: int, body: Any, *, key_hint: str, path_hint: str) -> Refusal:
    """What to make of an error status, and of what the server says with it."""
    said = said_by(body)
    because = f": {said}" if said else ""
    if status == 401:
        return Refusal(f"the key was refused (401){because}; {key_hint}", fatal=True)
    if status == 402 or (status == 400 and re.search(r"credit balance|spend limit", said)):
        return Refusal(f"the account cannot pay ({status}){because}", fatal=True)
    if status == 403:
        return Refusal(f"not allowed (403){because}; {key_hint}")
    if status == 404:
        return Refusal(f"no such model or path (404){because}; {path_hint}", fatal=True)
    if status == 429 and re.search(r"insufficient_quota|billing|spend_limit", json.dumps(body)):
        return Refusal(f"the account's quota is used up (429){because}", fatal=True)
    if status == 429:
        return Refusal(f"too many requests (429){because}; ask less often", again=True)
    if status in (408, 409, 425) or status >= 500:
        return Refusal(f"the server failed ({status}){because}", again=True)
    if status < 400:
        return Refusal(
            f"the server sends its callers elsewhere ({status}); {path_hint}", fatal=True
        )
    return Refusal(f"the request was refused ({status}){because}")
