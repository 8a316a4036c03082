"""The one protocol: a `Model` takes a conversation and gives a reply.

An endpoint, the embedded model, a scripted fake, a local checkpoint and (later) a mediated model
are all Models, so every verb takes any of them.

This module knows nothing of what is asked of a model, or why.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from uptake.conversation import Conversation, Message

__all__ = ["Model", "ModelError", "Reply", "Sampling", "Scripted", "Usage", "added"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn. `temperature` 0 is greedy; `seed` makes a draw repeatable.

    Repeats differ by seed, so that a cache keyed by all of this keeps repeats independent.
    `effort` is how much a reasoning model may think ("low", "high"), where it can be told; `schema`
    a JSON schema that the reply is to fit, where the server can see to it. Models that know
    neither let them go.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int = 0
    effort: str | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply cost: tokens, US dollars (None where no price is known), whether from cache."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    cached: bool = False


def added(one: Usage, two: Usage) -> Usage:
    """What two calls cost together; no price where one of them has none."""
    known = one.cost is not None and two.cost is not None
    return Usage(
        one.prompt_tokens + two.prompt_tokens,
        one.completion_tokens + two.completion_tokens,
        (one.cost or 0.0) + (two.cost or 0.0) if known else None,
        one.cached and two.cached,
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's message, why it stopped, and what it cost."""

    message: Message
    finish_reason: str = "stop"
    usage: Usage = Usage()

    @property
    def text(self) -> str:
        """The words of the message."""
        return self.message.text


class ModelError(Exception):
    """A model could not reply: one clear line saying what, where and how to mend it.

    `fatal` is true where no later call can succeed either (unknown model, 401, unreachable),
    `cut_off` where the token limit was reached before the first word.
    """

    def __init__(self, message: str, *, fatal: bool = False, cut_off: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal
        self.cut_off = cut_off


@runtime_checkable
class Model(Protocol):
    """Messages in, reply out.

    `name` is what `--model` takes and what tables show. `reply` may be awaited many times at
    once; it raises ModelError. `aclose` frees sockets, threads and files.
    """

    @property
    def name(self) -> str:
        """What `--model` takes and tables show."""
        ...

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """The next message of the conversation. Raises ModelError."""
        ...

    async def aclose(self) -> None:
        """Free sockets, threads and files."""
        ...


Line = str | Message | Reply
"""What a script may say: words, a whole message (with tool calls, say), or a whole reply."""


class Scripted:
    """A model that says what it was told to say: for tests, examples and known answers.

    `script` is a list, where item k answers the k-th turn of every conversation (the turn is
    counted by the assistant messages so far, and the last item repeats), or a function of the
    conversation, plain or async. Either way a reply depends on the conversation alone, so any
    number of conversations may run at once. An exception in the list is raised, one raised by
    the function passes through.

    Tokens are counted as words; the cost is 0.

    >>> model = Scripted(["How many apples?", "The answer is 12."])
    """

    def __init__(
        self,
        script: Sequence[Line | Exception] | Callable[[Conversation], Line | Awaitable[Line]],
        *,
        name: str = "scripted",
    ) -> None:
        if not callable(script) and len(script) == 0:
            raise ValueError("a script needs at least one reply")
        self._script = script
        self._name = name

    @property
    def name(self) -> str:
        """What tables show."""
        return self._name

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """What the script says here; `sampling` changes nothing."""
        line = await self._line(conversation)
        if isinstance(line, Reply):
            return line
        message = line if isinstance(line, Message) else Message("assistant", line)
        heard = sum(len(said.text.split()) for said in conversation)
        return Reply(message, usage=Usage(heard, len(message.text.split()), cost=0.0))

    async def _line(self, conversation: Conversation) -> Line:
        if callable(self._script):
            line = self._script(conversation)
            return await line if inspect.isawaitable(line) else line
        turn = sum(said.role == "assistant" for said in conversation)
        item = self._script[min(turn, len(self._script) - 1)]
        if isinstance(item, Exception):
            raise item
        return item

    async def aclose(self) -> None:
        """Nothing to free."""
