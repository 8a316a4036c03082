"""Limits that stop for certain: a `Budget` of tokens and dollars, and a `Metered` model under it.

Before each call the most that it can use is set aside: a byte is at most one token of a byte-level
vocabulary, and a reply has at most `Sampling.max_tokens`. A call that does not fit beside what is
spent and what is set aside waits until others have settled; when nothing is in flight and it still
does not fit, the limit is reached. So the sum never passes the limit, as long as the endpoint keeps
to `max_tokens`. A call that fails without saying what it used counts as all that was set aside.

This module knows nothing of what is asked of a model, or why.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from uptake.conversation import Conversation
from uptake.model import Model, ModelError, Reply, Sampling, Usage
from uptake.models.prices import Price

__all__ = ["Budget", "LimitReachedError", "Metered", "metered", "most"]

# What a chat template may add around a message and around a conversation, in tokens. Generous.
AROUND_MESSAGE = 16
AROUND_CONVERSATION = 64


class LimitReachedError(ModelError):
    """A further call could pass `--max-tokens` or `--max-cost`."""

    def __init__(self, message: str) -> None:
        super().__init__(message, fatal=True)


@dataclass(slots=True)
class Budget:
    """What may be spent, and what is. Tokens are prompt and reply together; cost in US dollars.

    `spent_*` starts at what earlier sittings of the same run have used.
    """

    max_tokens: int | None = None
    max_cost: float | None = None
    spent_tokens: int = 0
    spent_cost: float = 0.0
    _aside_tokens: int = 0
    _aside_cost: float = 0.0
    _calls: int = 0
    _waiting: list[asyncio.Future[None]] = field(default_factory=list["asyncio.Future[None]"])

    @property
    def bounded(self) -> bool:
        """Whether there is a limit at all."""
        return self.max_tokens is not None or self.max_cost is not None

    async def take(self, tokens: int, cost: float) -> None:
        """Set `tokens` and `cost` aside, once they fit.

        Raises:
            LimitReachedError: they do not fit, and no call is in flight that could make room.
        """
        while not self._fits(tokens, cost):
            if not self._calls:
                raise LimitReachedError(self._reached())
            settled = asyncio.get_running_loop().create_future()
            self._waiting.append(settled)
            await settled
        self._aside_tokens += tokens
        self._aside_cost += cost
        self._calls += 1

    def settle(self, tokens: int, cost: float, used_tokens: int, used_cost: float) -> None:
        """Put what was set aside back, count what was used of it, and let those who wait look."""
        self._aside_tokens -= tokens
        self._aside_cost -= cost
        self._calls -= 1
        self.spent_tokens += used_tokens
        self.spent_cost += used_cost
        waiting, self._waiting = self._waiting, []
        for settled in waiting:
            if not settled.done():  # cancelled while it waited
                settled.set_result(None)

    def _fits(self, tokens: int, cost: float) -> bool:
        in_tokens = self.spent_tokens + self._aside_tokens + tokens
        in_cost = self.spent_cost + self._aside_cost + cost
        return (self.max_tokens is None or in_tokens <= self.max_tokens) and (
            self.max_cost is None or in_cost <= self.max_cost
        )

    def _reached(self) -> str:
        parts: list[str] = []
        if self.max_tokens is not None:
            parts.append(f"--max-tokens {self.max_tokens:,} ({self.spent_tokens:,} used)")
        if self.max_cost is not None:
            parts.append(f"--max-cost {self.max_cost:g} (${self.spent_cost:.4f} used)")
        return f"the next call could pass {' or '.join(parts)}"


class Metered:
    """A model under a budget: the same name, the same replies, until the limit."""

    def __init__(self, model: Model, budget: Budget) -> None:
        """The price is the model's own (`model.price`); a model that has none costs nothing."""
        self._model = model
        self._budget = budget
        self.price: Price | None = getattr(model, "price", None)

    @property
    def name(self) -> str:
        """The name of the model that is metered."""
        return self._model.name

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """The model's reply.

        Raises:
            LimitReachedError: the call could pass the limit.
            ModelError: the model could not reply.
        """
        aside = self._most(conversation, sampling) if self._budget.bounded else (0, 0.0)
        await self._budget.take(*aside)
        used = None
        try:
            reply = await self._model.reply(conversation, sampling)
            used = self._used(reply.usage)
            return reply
        finally:
            self._budget.settle(*aside, *(used or self._most(conversation, sampling)))

    async def aclose(self) -> None:
        """Close the model that is metered."""
        await self._model.aclose()

    def _cost(self, prompt: int, words: int) -> float:
        return self.price.cost(prompt, words) if self.price else 0.0

    def _most(self, conversation: Conversation, sampling: Sampling) -> tuple[int, float]:
        prompt, words = most(conversation), sampling.max_tokens
        return prompt + words, self._cost(prompt, words)

    def _used(self, usage: Usage) -> tuple[int, float] | None:
        """What a reply is counted as; None, to be taken at the most, where nobody says."""
        if usage.cached:
            return 0, 0.0
        if not usage.prompt_tokens + usage.completion_tokens:
            return None
        cost = usage.cost
        if cost is None:
            cost = self._cost(usage.prompt_tokens, usage.completion_tokens)
        return usage.prompt_tokens + usage.completion_tokens, cost


def metered(model: Model, budget: Budget) -> Model:
    """`model` under a budget; where it is one around another, what it asks of that one is."""
    over: Callable[[Callable[[Model], Model]], Model] | None = getattr(model, "over", None)
    return Metered(model, budget) if over is None else over(lambda inner: Metered(inner, budget))


def most(conversation: Conversation) -> int:
    """The most prompt tokens that `conversation` can be."""
    said = json.dumps(conversation.to_dicts(), ensure_ascii=False).encode("utf-8", "replace")
    return AROUND_CONVERSATION + AROUND_MESSAGE * len(conversation) + len(said)
