"""`Mediator`: a Model between the user and a model, that keeps the common ground.

For each reply it reads what the user said (an `Analyst`), chooses the next move (`moves`), hands
the model what holds as one explicit instruction (`compile`), and says in the reply what it did.
It keeps nothing from one call to the next: the conversation is all there is.

This module knows nothing of English, of probes or of servers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from uptake.analyst import Analyst, Deterministic, Reading
from uptake.compile import appended, fresh
from uptake.conversation import Conversation, Message
from uptake.ground import CommonGround
from uptake.model import Model, Reply, Sampling, Usage, added
from uptake.models.prices import Price
from uptake.moves import NO_REQUEST, Move, Request, choose

__all__ = ["MediatedReply", "Mediation", "Mediator", "after", "mediate"]


@dataclass(frozen=True, slots=True)
class Mediation:
    """What was done for one reply.

    `sent` is the conversation that the model got, None where no model was needed. `tokens` are
    those of the analyst's own calls, `ms` is the time that all but the model's reply took.
    `reading` is what the move was chosen from, with the analyst's name and note.
    """

    move: Move
    sent: Conversation | None
    reading: Reading
    tokens: int
    ms: float


@dataclass(frozen=True, slots=True)
class MediatedReply(Reply):
    """A reply, and what was done for it. `usage` has the analyst's calls in it."""

    mediation: Mediation = field(kw_only=True)


class Mediator:
    """A model, mediated: the same name, and `mediated` is true.

    `model` writes the replies; `analyst` reads the conversation, by rule unless given.
    """

    mediated = True

    def __init__(self, model: Model, analyst: Analyst | None = None) -> None:
        self._model = model
        self._analyst = analyst or Deterministic()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def price(self) -> Price | None:
        """What the model's tokens cost; free where it has no price at all."""
        return getattr(self._model, "price", Price(0.0, 0.0))

    @property
    def most_turns(self) -> int | None:
        """The model's limit: a conversation that is handed on whole is no shorter."""
        return getattr(self._model, "most_turns", None)

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the model's endpoint did not take of the settings."""
        return tuple(getattr(self._model, "dropped", ()))

    def over(self, wrap: Callable[[Model], Model]) -> Mediator:
        """The same with `wrap` around whatever model it calls: to count or to limit the calls."""
        inner = getattr(self._analyst, "over", None)
        return Mediator(wrap(self._model), self._analyst if inner is None else inner(wrap))

    async def reply(
        self, conversation: Conversation, sampling: Sampling, request: Request = NO_REQUEST
    ) -> MediatedReply:
        """The next message, and how it came about. Raises ModelError.

        `request` is what else the caller asked for, which decides what may be changed.
        """
        mediation = await mediate(self._analyst, conversation, request)
        move, sent, spent = mediation.move, mediation.sent, mediation.reading.usage
        if sent is None:
            message, usage = Message("assistant", move.say), spent or Usage(cost=0.0)
            return MediatedReply(message, usage=usage, mediation=mediation)
        reply = await self._model.reply(sent, sampling)
        message = reply.message if move.say is None else after(move.say, reply.message)
        usage = reply.usage if spent is None else added(reply.usage, spent)
        return MediatedReply(message, reply.finish_reason, usage, mediation=mediation)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


async def mediate(
    analyst: Analyst,
    conversation: Conversation,
    request: Request = NO_REQUEST,
    before: CommonGround | None = None,
) -> Mediation:
    """What is to be done for the next reply. `before` is the ledger of the first user turns."""
    started = time.perf_counter()
    reading = await analyst.read(conversation, before)
    move = choose(reading, conversation, request)
    sent = _sent(move, conversation, reading)
    spent = reading.usage or Usage()
    tokens = spent.prompt_tokens + spent.completion_tokens
    return Mediation(move, sent, reading, tokens, (time.perf_counter() - started) * 1000)


def _sent(move: Move, conversation: Conversation, reading: Reading) -> Conversation | None:
    """What the model gets; None where the move itself is the reply."""
    if move.speaks:
        return None
    if move.form == "fresh":
        return fresh(conversation, reading)
    return appended(conversation, reading) if move.form == "whole" else conversation


def after(words: str, message: Message) -> Message:
    """The message with `words` before its own."""
    content: Any = message.content
    if isinstance(content, tuple):
        parts = cast("tuple[Any, ...]", content)
        return replace(message, content=({"type": "text", "text": words}, *parts))
    return replace(message, content=f"{words}\n\n{message.text}", bare=False)
