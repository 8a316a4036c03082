"""The ways to mend a conversation that others have published, each a Model around a model.

They see what a `Mediator` sees, the conversation and nothing else, so that they stand beside it in
one table. Numbers are arXiv's. `MENDERS` lists them; all hand on a conversation with one turn of
the user's as it came.

| name | what the model gets | after |
|---|---|---|
| `join` | the user's turns as one message, each after a dash | CONCAT (2505.06120) |
| `drop` | the user's turns without the assistant's | 2602.24287 |
| `recap` | everything, and at the end all that the user said once more | 2505.06120 |
| `snowball` | everything, each turn with all that the user said before it | 2505.06120 |
| `summary` | a summary by the model of what came before, and the last turn | summary memory |
| `rewrite` | the request, written out by the model from the conversation | 2602.07338 |

This module knows nothing of what holds and what does not; that is what a mediator has over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from uptake.conversation import Conversation, Message
from uptake.errors import UptakeError
from uptake.model import Model, Reply, Sampling, added
from uptake.models.prices import Price
from uptake.scenario import bullets

__all__ = ["MENDERS", "Mender", "mender"]

Rewrite = Callable[[Conversation], Conversation]

RECAP = "Here is everything again:"
SUM_UP = "Sum up what I said: the question and every fact, with all numbers and names."
WRITE_OUT = (
    "Rewrite what I want as one complete request that can be understood alone, with all numbers "
    "and names. Do not answer it."
)
SUMMARY = "What was said before, summed up:"


class Mender:
    """A model that is given another conversation than the one it is asked about.

    `rewrite` says which; where `writes` is given, the model is first asked to carry that out on the
    conversation, and `rewrite` gets its words. Its tokens count. The name is "MODEL+NAME".
    """

    def __init__(
        self,
        model: Model,
        name: str,
        rewrite: Callable[[Conversation, str], Conversation],
        writes: Callable[[Conversation], Conversation] | None = None,
    ) -> None:
        self._model = model
        self._label = name
        self._rewrite = rewrite
        self._writes = writes

    @property
    def name(self) -> str:
        """The model's name and the mender's."""
        return f"{self._model.name}+{self._label}"

    @property
    def price(self) -> Price | None:
        """What the model's tokens cost; free where it has no price at all."""
        return getattr(self._model, "price", Price(0.0, 0.0))

    @property
    def calls(self) -> int:
        """How often the model is asked for one reply."""
        return 1 if self._writes is None else 2

    @property
    def most_turns(self) -> int | None:
        """The model's limit."""
        return getattr(self._model, "most_turns", None)

    def over(self, wrap: Callable[[Model], Model]) -> Mender:
        """The same with `wrap` around the model that it calls."""
        return Mender(wrap(self._model), self._label, self._rewrite, self._writes)

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """The model's reply to the conversation as it was rewritten. Raises ModelError."""
        if len(conversation.said_by("user")) < 2:
            return await self._model.reply(conversation, sampling)
        if self._writes is None:
            return await self._model.reply(self._rewrite(conversation, ""), sampling)
        written = await self._model.reply(self._writes(conversation), sampling)
        reply = await self._model.reply(self._rewrite(conversation, written.text), sampling)
        usage = added(written.usage, reply.usage)
        return Reply(reply.message, reply.finish_reason, usage)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


def mender(name: str, model: Model) -> Mender:
    """`model`, mended in the way of that name. Raises UptakeError for an unknown one."""
    if name not in MENDERS:
        raise UptakeError(f"no mender is called {name!r}; there are: {', '.join(MENDERS)}")
    return MENDERS[name](model)


def _join(conversation: Conversation, _: str) -> Conversation:
    return _alone(conversation, bullets(conversation.said_by("user")))


def _drop(conversation: Conversation, _: str) -> Conversation:
    return Conversation(tuple(m for m in conversation if m.role != "assistant"))


def _recap(conversation: Conversation, _: str) -> Conversation:
    said = conversation.said_by("user")
    return _last_said(conversation, f"{said[-1]}\n\n{RECAP}\n{bullets(said)}")


def _snowball(conversation: Conversation, _: str) -> Conversation:
    said: list[str] = []
    messages: list[Message] = []
    for message in conversation:
        if message.role == "user":
            said.append(message.text)
            message = Message("user", bullets(said), message.extra)
        messages.append(message)
    return Conversation(tuple(messages))


def _asked_to(words: str) -> Callable[[Conversation], Conversation]:
    return lambda conversation: conversation.user(words)


def _summarised(conversation: Conversation, summary: str) -> Conversation:
    last = conversation.said_by("user")[-1]
    return _alone(conversation, f"{SUMMARY}\n{summary}\n\n{last}")


def _before_last(conversation: Conversation) -> Conversation:
    """What came before the last turn of the user's, and the question what that was."""
    at = max(i for i, m in enumerate(conversation) if m.role == "user")
    return Conversation(conversation.messages[:at]).user(SUM_UP)


def _rewritten(conversation: Conversation, request: str) -> Conversation:
    return _alone(conversation, request)


def _alone(conversation: Conversation, text: str) -> Conversation:
    """The system prompt, and one turn of the user's."""
    system = (m for m in conversation if m.role in ("system", "developer"))
    return Conversation((*system, Message("user", text)))


def _last_said(conversation: Conversation, text: str) -> Conversation:
    *before, last = conversation.messages
    return Conversation((*before, Message("user", text, last.extra)))


MENDERS: Mapping[str, Callable[[Model], Mender]] = MappingProxyType(
    {
        "join": lambda model: Mender(model, "join", _join),
        "drop": lambda model: Mender(model, "drop", _drop),
        "recap": lambda model: Mender(model, "recap", _recap),
        "snowball": lambda model: Mender(model, "snowball", _snowball),
        "summary": lambda model: Mender(model, "summary", _summarised, _before_last),
        "rewrite": lambda model: Mender(model, "rewrite", _rewritten, _asked_to(WRITE_OUT)),
    }
)
"""Each way by its name."""
