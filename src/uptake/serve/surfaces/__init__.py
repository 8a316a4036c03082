"""The APIs that clients speak, one file each: what is asked, and how a reply is written.

A `Surface` reads a request's body into a `Conversation`, puts another conversation in its place,
writes replies of our own (whole or as events), and listens to the upstream's. Whatever it does not
know of a body it leaves as it is.

This module knows nothing of HTTP, of stores, or of what a mediator decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from uptake.conversation import Conversation
from uptake.model import Reply, Sampling, Usage
from uptake.moves import Request
from uptake.serve.sse import Event

__all__ = [
    "Asked",
    "Body",
    "Heard",
    "Leading",
    "Listener",
    "Stopped",
    "Surface",
    "Unreadable",
    "Writer",
]

Body = Mapping[str, Any]
"""A JSON object, as a client or the upstream sent it."""


class Unreadable(Exception):
    """A body that is not what the API asks for: it goes upstream as it came, to be told so."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for.

    `thread` is a conversation id that the API itself has a place for. `stop` are words that end the
    reply and are no part of it, `logprobs` is whether the chances of tokens are wanted.
    """

    conversation: Conversation
    request: Request
    model: str
    stream: bool
    sampling: Sampling
    thread: str | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False


@dataclass(frozen=True, slots=True)
class Stopped(Reply):
    """A reply that one of the `stop` words ended: `by` says which."""

    by: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the reply was, as far as it came: a message, why it ended (None: it did not), usage."""

    message: Mapping[str, Any] | None
    finish: str | None
    usage: Usage | None


class Listener(Protocol):
    """Hears one reply go by: the JSON of each event in turn, or that of the whole body."""

    def event(self, data: Body) -> None:
        """One event of a stream."""
        ...

    def whole(self, data: Body) -> None:
        """The body of a reply that is no stream."""
        ...

    def heard(self) -> Heard:
        """What was heard so far."""
        ...


class Leading(Protocol):
    """Puts words before the model's own, in everything that repeats them."""

    def event(self, event: Event) -> Sequence[Event]:
        """What is sent in place of an event; the same alone where nothing is to be done."""
        ...

    def whole(self, data: Body) -> Body:
        """What is sent in place of a whole body."""
        ...


class Writer(Protocol):
    """Writes one reply as events: `begin`, any number of `words`, `end`."""

    def begin(self) -> Sequence[Event]:
        """What comes before the first word (the role)."""
        ...

    def words(self, text: str) -> Sequence[Event]:
        """A piece of the reply."""
        ...

    def end(self, reply: Reply) -> Sequence[Event]:
        """What comes after the last word: why it ended, usage where asked for, the last line."""
        ...

    def failed(self, message: str) -> Sequence[Event]:
        """An error in the middle of a stream, as data, in the API's shape."""
        ...


class Surface(Protocol):
    """One API."""

    @property
    def name(self) -> str:
        """What records call it: "chat", "responses" or "messages"."""
        ...

    @property
    def path(self) -> str:
        """Where clients post to, as "/v1/chat/completions"."""
        ...

    def read(self, body: Body) -> Asked:
        """What is asked. Raises Unreadable."""
        ...

    def rewritten(self, body: Body, sent: Conversation) -> Body:
        """The body with another conversation in it, every other field as it was."""
        ...

    def reply(self, body: Body, reply: Reply) -> Body:
        """A whole reply of our own to this body."""
        ...

    def writer(self, body: Body) -> Writer:
        """The same as events."""
        ...

    def listener(self) -> Listener:
        """Ears for the upstream's reply."""
        ...

    def leading(self, words: str) -> Leading:
        """What puts `words` before the upstream's reply."""
        ...

    def error(self, status: int, message: str, kind: str, code: str | None = None) -> Body:
        """An error in the API's shape; `kind` as OpenAI names it ("invalid_request_error").

        `code` is the finer name that some errors have ("context_length_exceeded").
        """
        ...
