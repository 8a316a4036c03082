"""The simulated user: scripted (default, deterministic) or a Model, and how faithful it was.

Both reveal at most one new shard a turn, answer a question with the shard it asks for, and once
everything is told go on one time if the model asked instead of answering.

This module knows nothing of the model being measured or of its scores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Protocol

from uptake.conversation import Conversation, freeze
from uptake.model import Model, ModelError, Sampling, Usage
from uptake.questions import questions, target
from uptake.scenario import Scenario
from uptake.seeds import stable_seed
from uptake.structured import json_object

__all__ = ["THAT_IS_ALL", "ModelUser", "Said", "ScriptedUser", "User"]

THAT_IS_ALL = "That is all I know. Please answer with what you have."

_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Said:
    """What a user says: the words, and the shards they reveal that were not told before.

    `unfaithful` says what was wrong with the words a user's model chose, so that the scripted
    ones stand here instead; None where nothing was. `usage` is what the user's model cost.
    """

    text: str
    shards: tuple[int, ...] = ()
    unfaithful: str | None = None
    usage: Usage | None = None


class User(Protocol):
    """Who talks to the model: "scripted", or named after the model that plays it."""

    @property
    def name(self) -> str:
        """What an episode records."""
        ...

    async def say(
        self,
        scenario: Scenario,
        conversation: Conversation,
        told: frozenset[int],
        *,
        asked: bool = False,
    ) -> Said | None:
        """The next turn, or None to end the conversation.

        `conversation` ends with the model's latest reply, `told` are the shards revealed so far,
        and `asked` is whether that reply asked something and committed to no answer.
        """
        ...


class ScriptedUser:
    """Says the shards word for word, in order, except where a question asks for a later one."""

    name = "scripted"

    async def say(
        self,
        scenario: Scenario,
        conversation: Conversation,
        told: frozenset[int],
        *,
        asked: bool = False,
    ) -> Said | None:
        """See `User.say`. The same conversation always gets the same words."""
        said = conversation.said_by("user")
        if not said:
            return Said(scenario.turns[0].text, scenario.turns[0].shards)
        if scenario.scripted:
            return _next_line(scenario, len(said))
        shard = _next_shard(scenario, conversation, told)
        if shard is not None:
            turn = scenario.tell(shard, told)
            return Said(turn.text, turn.shards)
        closing = scenario.closing()
        if closing and closing.text not in said:
            return Said(closing.text)
        if asked and THAT_IS_ALL not in said:
            return Said(THAT_IS_ALL)
        return None


def _next_line(scenario: Scenario, said: int) -> Said | None:
    """The next turn of a plan that is kept to, None at its end."""
    if said == len(scenario.turns):
        return None
    turn = scenario.turns[said]
    return Said(turn.text, turn.shards)


def _next_shard(scenario: Scenario, conversation: Conversation, told: frozenset[int]) -> int | None:
    """The shard that the last reply asks for, otherwise the next in order; None when all is told.

    A hidden one is given to a question that fits it better than any shard that was told.
    """
    untold = scenario.untold(told)
    if not untold:
        return None
    shards = scenario.instruction.shards
    asked = questions(conversation.messages[-1].text, conversation.said_by("user"))
    if target(asked, shards, range(1, len(shards))) in scenario.hidden.intersection(untold):
        return target(asked, shards, range(1, len(shards)))
    planned = [i for i in untold if i not in scenario.hidden]
    wanted = target(asked, shards, planned)
    return wanted if wanted is not None or not planned else planned[0]


_RULES = """\
You play a person who talks to an assistant and wants one thing from it.
What you know is listed as numbered facts. You have said some; the others are still unsaid.
Write your next message:
- Reveal exactly one unsaid fact: the one the assistant asks for, otherwise the lowest number.
- Say it in your own short, everyday words, with every number and name exactly as it stands.
- Add nothing that is not in that fact. Do not solve the task, and do not judge the reply.
Answer with one line of JSON and nothing else: {"fact": NUMBER, "say": "YOUR MESSAGE"}"""


_SCHEMA = freeze(
    {
        "type": "object",
        "properties": {"fact": {"type": "integer"}, "say": {"type": "string"}},
        "required": ["fact", "say"],
        "additionalProperties": False,
    }
)
"""What a server that can hold a reply to a schema holds the user's to."""


class ModelUser:
    """A Model as user: it words the shards and picks which one fits a question.

    The intent, what is told at once, a scripted plan, and what follows the last shard are said as
    the scripted user says them. A line that is not usable or not faithful (more or less than one
    unsaid fact, a number changed, lost or leaked) is replaced by the scripted shard, and the turn
    records why. A fatal ModelError propagates; any other counts as a line that could not be used.
    """

    def __init__(self, model: Model, *, sampling: Sampling | None = None) -> None:
        self._model = model
        self._sampling = sampling or Sampling(max_tokens=256)
        self._scripted = ScriptedUser()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    async def say(
        self,
        scenario: Scenario,
        conversation: Conversation,
        told: frozenset[int],
        *,
        asked: bool = False,
    ) -> Said | None:
        """See `User.say`."""
        scripted = await self._scripted.say(scenario, conversation, told, asked=asked)
        if scripted is None or not scripted.shards or not told or scenario.scripted:
            return scripted
        seed = stable_seed(
            self._sampling.seed,
            "user",
            scenario.instruction.id,
            scenario.condition,
            len(conversation),
        )
        usage = None
        try:
            sayable = _sayable(scenario, told, scripted)
            prompt = _prompt(scenario, conversation, told | sayable, told)
            reply = await self._model.reply(prompt, _seeded(self._sampling, seed))
            usage = reply.usage
            shard, words = _chosen(reply.text)
            fault = _fault(scenario, told, sayable, shard, words)
        except ModelError as error:
            if error.fatal:
                raise
            fault, shard, words = f"the user's model failed: {error}", 0, ""
        except ValueError as error:
            fault, shard, words = str(error), 0, ""
        if fault:
            return Said(scripted.text, scripted.shards, fault, usage)
        turn = scenario.tell(shard, told, words)
        return Said(turn.text, turn.shards, None, usage)


def _seeded(sampling: Sampling, seed: int) -> Sampling:
    return replace(sampling, seed=seed, schema=_SCHEMA)


def _sayable(scenario: Scenario, told: frozenset[int], scripted: Said) -> frozenset[int]:
    """What may be said next: whatever is planned, and a hidden shard that was asked for."""
    return frozenset(scenario.untold(told)) - scenario.hidden | frozenset(scripted.shards)


def _prompt(
    scenario: Scenario, conversation: Conversation, known: frozenset[int], told: frozenset[int]
) -> Conversation:
    """What the user's model reads; of the shards only those that are `known` to it."""
    facts = "\n".join(
        f"{i} ({'said' if i in told else 'unsaid'}): {scenario.instruction.shards[i].text}"
        for i in sorted(known)
    )
    talk = "\n".join(
        f"{'You' if message.role == 'user' else 'Assistant'}: {message.text}"
        for message in conversation
        if message.role in ("user", "assistant")
    )
    return Conversation().system(_RULES).user(f"Facts:\n{facts}\n\nSo far:\n{talk}\n\nYour JSON:")


def _chosen(reply: str) -> tuple[int, str]:
    """The fact and the words of the user's model. Raises ValueError for anything else."""
    fields = json_object(reply)
    if fields is None:
        raise ValueError("the user's model gave no JSON object")
    fact, words = fields.get("fact"), fields.get("say")
    if not isinstance(fact, int) or isinstance(fact, bool) or not isinstance(words, str):
        raise ValueError('the user\'s model gave no {"fact": NUMBER, "say": TEXT}')
    return fact, " ".join(words.split())


def _fault(
    scenario: Scenario, told: frozenset[int], sayable: frozenset[int], shard: int, words: str
) -> str | None:
    """What is unfaithful in telling `shard` by `words`; None where nothing is found."""
    if shard not in sayable:
        return f"the user's model chose fact {shard}, which is not unsaid"
    if not words or len(words) > _LONGEST:
        return "the user's model said nothing" if not words else "the user's model said too much"
    shards = scenario.instruction.shards
    lost = _numbers(shards[shard].text) - _numbers(words)
    if lost:
        return f"the user's model lost {', '.join(sorted(lost))}"
    known = set[str]().union(*(_numbers(shards[i].text) for i in (*told, shard)))
    added = _numbers(words) - known
    return f"the user's model added {', '.join(sorted(added))}" if added else None


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)}
