"""What a page shows of turns: bubbles, ledger, move, cost; each as plain words for a template.

Whatever a conversation holds stays text here: class names come from our own lists alone. Pure, but
for the reader's time zone. This module knows nothing of HTML, HTTP or stores.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from uptake.conversation import Message
from uptake.moves import MOVES
from uptake.serve.dashboard.ledger import Stand, fold
from uptake.serve.records import Amendment, Turn

__all__ = [
    "FORMS",
    "Bubble",
    "Shown",
    "bubbles",
    "cut",
    "flag",
    "hue",
    "laid",
    "lasting",
    "name",
    "short",
    "took",
    "when",
]

LONGEST = 20_000
"""Characters of one message that a page shows."""

FORMS: Mapping[str, str] = {
    "as_it_came": "the conversation as it came",
    "fresh": "the compiled instruction alone",
    "whole": "the whole conversation, with what has changed added to its end",
}

ROLES = ("user", "assistant", "system", "developer", "tool", "function")


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message: `side` is a role that we know or "other", `calls` are tool calls as text.

    `more` are the parts that are not words: "image_url", say.
    """

    side: str
    role: str
    text: str
    calls: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn, and what stands beside it. `number` counts from 1.

    `sent` is what the model got where that was another conversation. `amended` is what a person put
    right after it, `forks` the turns that go on from it elsewhere, `shared` whether it is of
    another conversation, which this one goes on from, and `parting` whether it is the last such.
    """

    turn: Turn
    number: int
    said: tuple[Bubble, ...]
    reply: Bubble | None
    sent: tuple[Bubble, ...] | None
    stand: Stand
    amended: tuple[Amendment, ...]
    forks: tuple[Turn, ...]
    shared: bool
    parting: bool


def laid(
    line: Sequence[Turn],
    amendments: Iterable[Amendment] = (),
    forks: Iterable[Turn] = (),
) -> list[Shown]:
    """The turns of a line as they are shown."""
    made, others = list(amendments), list(forks)
    shared = [turn.conversation != line[-1].conversation for turn in line]
    return [
        Shown(
            turn,
            place + 1,
            bubbles(turn.said),
            bubbles([turn.reply])[0] if turn.reply else None,
            None if turn.sent is None else bubbles(turn.sent),
            stand,
            tuple(each for each in made if each.after == turn.id),
            tuple(each for each in others if each.parent == turn.id),
            shared[place],
            shared[place] and not shared[place + 1],
        )
        for place, (turn, stand) in enumerate(zip(line, fold(line), strict=True))
    ]


def bubbles(messages: Sequence[Mapping[str, Any]]) -> tuple[Bubble, ...]:
    """Messages as they are shown; what is no message at all is shown as JSON."""
    return tuple(map(_bubble, messages))


def _bubble(data: Mapping[str, Any]) -> Bubble:
    try:
        message = Message.from_dict(data)
    except (ValueError, TypeError):
        return Bubble("other", "", cut(_json(data)))
    side = message.role if message.role in ROLES else "other"
    extra = message.extra or {}
    calls: Any = extra.get("tool_calls")
    listed = list(cast("tuple[Any, ...]", calls)) if isinstance(calls, tuple) else []
    called = [_call(cast("Mapping[str, Any]", c)) for c in listed if isinstance(c, Mapping)]
    if isinstance(extra.get("function_call"), Mapping):
        called.append(_call({"function": extra["function_call"]}))
    return Bubble(side, message.role, cut(message.text), tuple(called), _parts(message.content))


def _call(call: Mapping[str, Any]) -> str:
    function: Any = call.get("function")
    if not isinstance(function, Mapping):
        return cut(_json(call))
    fields = cast("Mapping[str, Any]", function)
    given = fields.get("arguments", "")
    arguments = given if isinstance(given, str) else _json(given)
    return cut(f"{fields.get('name', '')}({arguments})")


def _parts(content: Any) -> tuple[str, ...]:
    """What a message holds beside words."""
    if not isinstance(content, tuple):
        return ()
    kinds = [
        str(cast("Mapping[str, Any]", part).get("type", "a part"))
        for part in cast("tuple[Any, ...]", content)
        if isinstance(part, Mapping)
    ]
    return tuple(kind for kind in kinds if kind not in ("text", "input_text", "output_text"))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def cut(text: str, longest: int = LONGEST) -> str:
    """The beginning of a text, and how much more there is."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest:,} more characters)"


def hue(move: str) -> str:
    """The class that colours a move: its own name where it is one of ours."""
    return move if move in MOVES else "other"


def flag(turn: Turn) -> str:
    """What went wrong with a reply, in a word; "" where nothing did."""
    return {"cut": "cut off", "failed": "failed"}.get(turn.state, "")


def name(thread: str | None, conversation: str) -> str:
    """The id that the client gave, else a short one."""
    return thread if thread is not None else short(conversation)


def short(conversation: str) -> str:
    """The last characters of an id: those that chance made."""
    return conversation[-8:]


def when(at: float) -> str:
    """A time as "16:42:05", with the day where it is not today."""
    then = datetime.datetime.fromtimestamp(at, datetime.UTC).astimezone()
    today = datetime.datetime.now(datetime.UTC).astimezone().date()
    return then.strftime("%H:%M:%S" if then.date() == today else "%d %b %Y, %H:%M")


def lasting(seconds: float) -> str:
    """A stretch of time as "0.8 ms", "42 ms" or "3.1 s"."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"


def took(turn: Turn) -> list[tuple[str, str]]:
    """What a turn took, each with its name."""
    rows = [("mediation", lasting(turn.ms / 1000)), ("reply", lasting(turn.seconds))]
    if turn.prompt_tokens is not None or turn.completion_tokens is not None:
        counts = (turn.prompt_tokens, turn.completion_tokens)
        rows.append(("tokens", " + ".join("?" if n is None else f"{n:,}" for n in counts)))
    if turn.tokens:
        rows.append(("analyst", f"{turn.tokens:,} tokens"))
    return rows
