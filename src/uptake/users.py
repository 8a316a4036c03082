"""Users with ways of their own: terse, chatty, forgetful, literal, impatient.

Each tells what the scripted user would tell, by the same rules, in another manner; a scripted plan
is said as it stands. Some are there to train with, the others to judge by, so that a model that
learned its users rather than its task is found out.

This module knows nothing of the model being measured, of rewards, or of training.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from uptake.conversation import Conversation
from uptake.errors import UptakeError
from uptake.instruction import Shard
from uptake.questions import names_all, questions, target
from uptake.scenario import Scenario
from uptake.seeds import stable_seed
from uptake.user import Said, ScriptedUser, User

__all__ = [
    "HELDOUT",
    "TRAINING",
    "Chatty",
    "Forgetful",
    "Impatient",
    "Literal",
    "Terse",
    "user",
]

BEFORE = ("Good point.", "Oh, of course.", "Happy to tell you.", "Right, that.")
AFTER = ("It is a busy day here.", "My sister asked me the same.", "I hope this helps you.")
FORGOT = "I would have to look that up. What was it that you asked?"
UNCLEAR = "I do not know what you mean by that."


@dataclass(frozen=True, slots=True)
class _Moment:
    """What a user is asked to speak in: see `User.say`."""

    scenario: Scenario
    conversation: Conversation
    told: frozenset[int]
    asked: bool

    def question(self) -> _Question:
        """What the last reply asks."""
        said = self.conversation.said_by("user")
        found = questions(self.conversation.messages[-1].text, said)
        shards = self.scenario.instruction.shards
        shard = target(found, shards, range(1, len(shards)))
        return _Question(found, shard, shard in self.scenario.hidden - self.told, len(said) == 1)


@dataclass(frozen=True, slots=True)
class _Question:
    """The questions of a reply, the shard they fit best, and whether it is hidden.

    `first` is whether nothing was asked before it.
    """

    texts: tuple[str, ...]
    shard: int | None
    hidden: bool
    first: bool


class _Mannered:
    """A scripted user whose next words are put in another manner, once a conversation is begun."""

    name = "plain"

    def __init__(self) -> None:
        self._scripted = ScriptedUser()

    async def say(
        self,
        scenario: Scenario,
        conversation: Conversation,
        told: frozenset[int],
        *,
        asked: bool = False,
    ) -> Said | None:
        """See `User.say`. The same conversation always gets the same words."""
        said = await self._scripted.say(scenario, conversation, told, asked=asked)
        if scenario.scripted or not conversation.said_by("user"):
            return said
        return self._put(said, _Moment(scenario, conversation, told, asked))

    def _put(self, said: Said | None, moment: _Moment) -> Said | None:
        """What this user says where the scripted one would say `said`."""
        return said


class Terse(_Mannered):
    """Answers the question for a fact with its value alone, where it has one."""

    name = "terse"

    def _put(self, said: Said | None, moment: _Moment) -> Said | None:
        if said is None or not moment.asked or len(said.shards) != 1:
            return said
        shard = moment.scenario.instruction.shards[said.shards[0]]
        wanted = moment.question().shard == said.shards[0]
        if not wanted or not shard.value or said.text != shard.text:
            return said
        return replace(said, text=f"{shard.value}.")


class Chatty(_Mannered):
    """Says something before and after, or both, that has nothing to do with it."""

    name = "chatty"

    def _put(self, said: Said | None, moment: _Moment) -> Said | None:
        if said is None:
            return None
        at = stable_seed(self.name, moment.scenario.instruction.id, len(moment.conversation))
        before = f"{BEFORE[at % len(BEFORE)]} " if at % 3 != 1 else ""
        after = f" {AFTER[at % len(AFTER)]}" if at % 3 != 2 else ""
        return replace(said, text=f"{before}{said.text}{after}")


class Forgetful(_Mannered):
    """Has to be asked twice for what was not said at first."""

    name = "forgetful"

    def _put(self, said: Said | None, moment: _Moment) -> Said | None:
        if not moment.asked or said is None or not said.shards:
            return said
        question = moment.question()
        return Said(FORGOT) if question.hidden and question.first else said


class Literal(_Mannered):
    """Gives what was not said only to a question that names it in full."""

    name = "literal"

    def _put(self, said: Said | None, moment: _Moment) -> Said | None:
        if not moment.asked or said is None or not said.shards:
            return said
        question = moment.question()
        if not question.hidden or question.shard is None:
            return said
        shard = moment.scenario.instruction.shards[question.shard]
        return said if _named(shard, question.texts) else Said(UNCLEAR)


def _named(shard: Shard, asked: tuple[str, ...]) -> bool:
    return shard.quantity is None or any(names_all(each, shard.quantity) for each in asked)


class Impatient(_Mannered):
    """Tells all that is left at once, and goes away when asked for what there is not."""

    name = "impatient"

    def _put(self, said: Said | None, moment: _Moment) -> Said | None:
        if said is None or (moment.asked and not said.shards):
            return None
        scenario = moment.scenario
        planned = [i for i in scenario.untold(moment.told) if i not in scenario.hidden]
        rest = (*said.shards, *(i for i in planned if i not in said.shards))
        if len(rest) < 2:
            return said
        return Said(" ".join(scenario.instruction.shards[i].text for i in rest), rest)


TRAINING: tuple[str, ...] = ("scripted", "terse", "chatty", "forgetful")
"""Users to train with."""

HELDOUT: tuple[str, ...] = ("literal", "impatient")
"""Users that no training meets."""

_USERS: dict[str, type[User]] = {
    "scripted": ScriptedUser,
    "terse": Terse,
    "chatty": Chatty,
    "forgetful": Forgetful,
    "literal": Literal,
    "impatient": Impatient,
}


def user(name: str) -> User:
    """The user of that name. Raises UptakeError where there is none."""
    if name not in _USERS:
        raise UptakeError(f"no user is called {name!r}; there are: {', '.join(_USERS)}")
    return _USERS[name]()
