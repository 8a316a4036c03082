"""Constant policies: models that do one thing whatever they are told.

They stand in every table beside the models. Where one of them ranks, the metric is wrong.

This module knows nothing of probes or scores.
"""

from __future__ import annotations

from collections.abc import Callable

from uptake.conversation import Conversation
from uptake.model import Scripted

__all__ = ["A_NUMBER", "POLICIES", "Ask", "Echo", "Empty", "Guess", "Refuse", "Silent"]


A_NUMBER = "The answer is 12."
"""A common size of answer in grade-school problems, so this is the luckiest of constants."""


class Silent(Scripted):
    """Never answers."""

    def __init__(self) -> None:
        super().__init__(["I do not know."], name="policy:silent")


class Empty(Scripted):
    """Says nothing at all."""

    def __init__(self) -> None:
        super().__init__([""], name="policy:empty")


class Refuse(Scripted):
    """Will not help."""

    def __init__(self) -> None:
        super().__init__(["I am sorry, but I cannot help with that."], name="policy:refuse")


class Ask(Scripted):
    """Always asks, and never about anything in particular."""

    def __init__(self) -> None:
        super().__init__(["Could you tell me more about that?"], name="policy:ask")


class Guess(Scripted):
    """Always commits, at once and without looking: to a number, or to what `words` makes of a talk.

    Where a domain wants something else than a number, `uptake.partners.guesser` gives the words.
    """

    def __init__(self, words: str | Callable[[Conversation], str] = A_NUMBER) -> None:
        super().__init__([words] if isinstance(words, str) else words, name="policy:guess")


class Echo(Scripted):
    """Says the user's last message back, and so commits to the last number that it heard."""

    def __init__(self) -> None:
        super().__init__(_last_said, name="policy:echo")


def _last_said(conversation: Conversation) -> str:
    for message in reversed(conversation.messages):
        if message.role == "user":
            return message.text
    return ""


POLICIES: dict[str, Callable[[], Scripted]] = {
    "policy:silent": Silent,
    "policy:empty": Empty,
    "policy:refuse": Refuse,
    "policy:ask": Ask,
    "policy:guess": Guess,
    "policy:echo": Echo,
}
