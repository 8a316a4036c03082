"""Partners of known skill: models that know what is wanted, and do the right thing so often.

What a probe says of them is known beforehand, so they show whether its figures mean what they
claim (a known-groups test). The one of skill 1 is the oracle: what a probe can give at most.

This module knows nothing of probes or of scores.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from uptake.conversation import Conversation
from uptake.domains import guess
from uptake.instruction import Instruction
from uptake.model import Reply, Sampling, Scripted
from uptake.models.policies import Guess
from uptake.scenario import Scenario
from uptake.seeds import stable_seed

__all__ = ["ORACLE", "Oracle", "Partner", "guesser", "short", "spoken", "words", "written"]

ORACLE = "oracle"

_LANGUAGES = {"code": "python", "database": "sql"}


class Partner(Scripted):
    """Knows the scenarios, and at each turn that tells partners apart is good by chance `skill`.

    In a scripted plan the turns that tell are those with a `poor` reply. Elsewhere a good partner
    asks for what it needs to know and then answers, and a poor one answers at once where something
    is missing, or wrongly where everything was told over turns.
    """

    def __init__(
        self, scenarios: Iterable[Scenario], skill: float, name: str | None = None
    ) -> None:
        self._by_opening: dict[str, list[Scenario]] = defaultdict(list)
        for scenario in scenarios:
            self._by_opening[scenario.turns[0].text].append(scenario)
        self._skill = skill
        super().__init__(lambda conversation: "", name=name or f"partner:{skill}")

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """What such a partner says; nothing to a conversation that is none of the scenarios'."""
        said = conversation.said_by("user")
        dice = Random(stable_seed(sampling.seed, "dice"))
        scenario = self._recognised(said)
        text = "" if scenario is None else words(scenario, said, dice.random() < self._skill)
        return await Scripted([text]).reply(conversation, sampling)

    def _recognised(self, said: Sequence[str]) -> Scenario | None:
        """The scenario that these words of the user's fit best."""
        heard = "\n".join(said)

        def fit(scenario: Scenario) -> tuple[int, int, int]:
            plan = [told.text for told in scenario.turns]
            anywhere = sum(text in plan for text in said)
            alike = sum(a == b for a, b in zip(plan, said, strict=False))
            shards = sum(shard.text in heard for shard in scenario.instruction.shards)
            return anywhere, alike, shards

        return max(self._by_opening.get(said[0], ()), key=fit, default=None)


def guesser(scenarios: Iterable[Scenario]) -> Guess:
    """The policy that always guesses, in the form that the domain of each scenario asks for."""
    domains = {told.turns[0].text: told.instruction.domain for told in scenarios}

    def words(conversation: Conversation) -> str:
        said = conversation.said_by("user")
        return guess(domains.get(said[0], ""), said)

    return Guess(words)


class Oracle(Partner):
    """The partner that is always good."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        super().__init__(scenarios, 1.0, ORACLE)


def words(scenario: Scenario, said: Sequence[str], good: bool) -> str:
    """What a partner says to a scenario after the user's turns `said`, well or poorly."""
    if scenario.scripted:
        told = scenario.turns[min(len(said), len(scenario.turns)) - 1]
        return (told.good if good or told.poor is None else told.poor) or ""
    heard = "\n".join(said)
    instruction = scenario.instruction
    told = {i for turn in scenario.turns if turn.text in said for i in turn.shards}
    unsaid = [
        instruction.shards[i]
        for i in sorted(instruction.needed - told)
        if instruction.shards[i].text not in heard
    ]
    if scenario.hidden:
        good = good or len(said) > 1  # a later turn is only ever reached by one who asked
    else:
        good = good or bool(unsaid) or len(said) == 1
    if not good:
        return guess(instruction.domain, said)
    if unsaid:
        return f"Could you tell me {unsaid[0].quantity or 'more about that'}?"
    return spoken(instruction)


def short(answer: str) -> bool:
    """Whether an answer is a number, which stands in a sentence; all else stands by itself."""
    return re.fullmatch(r"-?[\d.,]+", answer) is not None


def written(instruction: Instruction) -> str:
    """The answer as one writes it down: code in a block of its own."""
    language = _LANGUAGES.get(instruction.domain)
    answer = instruction.answer
    return f"```{language}\n{answer.strip()}\n```" if language else answer


def spoken(instruction: Instruction, after: str = "") -> str:
    """The reply that gives the answer, on lines of its own where it is more than a number.

    `after` is what the reply says first.
    """
    answer = written(instruction)
    if short(answer):
        return f"{after} The answer is {answer}.".lstrip()
    if "\n" in answer:
        return f"{after or 'Here it is:'}\n\n{answer}\n"
    return f"{after}\n\n{answer}" if after else answer
