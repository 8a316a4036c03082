"""An instruction under a condition: what the user will say, turn by turn.

The conditions are those of Laban et al. 2025 (arXiv 2505.06120). `full` and `concat` tell
everything at once, the one in prose and the other as a list; `sharded` tells one shard a turn,
the intent first; `recap` is `sharded` and one more turn that repeats everything; `snowball`
repeats at each turn all that was said and adds one shard.

This module knows nothing of who says it (`user`) or to whom (`episode`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from uptake.instruction import Instruction

__all__ = ["AT_ONCE", "CONDITIONS", "Scenario", "Told", "bullets", "question", "scenarios"]

CONDITIONS = ("full", "concat", "sharded", "recap", "snowball")

AT_ONCE = ("full", "concat")
"""The conditions that tell everything in one turn."""

_RECAP = "Here is everything again:"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing the user says: its words, and the shards it adds to what was told before.

    `wants` is what the user wants from here on, where it is no longer what was wanted before.
    `rival` is another reading of it, which a poor partner would answer. `good` and `poor` are what
    such partners reply. `made` is put into the model's mouth instead of its own reply: a
    misreading that the next turn can mend. `person` is what a person replied here: the model is
    asked all the same, but the conversation goes on from the person's words. `yes` is the answer
    to a turn that asks yes or no, which is then what its reply is judged by. `move` is what a good
    partner does here, in a word; `fact` the value that a reply must hold to put right what was
    wrong here.
    """

    text: str
    shards: tuple[int, ...]
    wants: Instruction | None = None
    rival: Instruction | None = None
    good: str | None = None
    poor: str | None = None
    made: str | None = None
    person: str | None = None
    yes: bool | None = None
    move: str = "answer"
    fact: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """An instruction under a condition, with the plan: `turns`, in the order of the shards.

    A user may keep to the plan or tell the shards in another order; `tell` gives the words of
    any step. A `scripted` plan is said to its end as it stands, whatever the replies; one that
    goes on `until_right` ends with the first right reply. `hidden` shards are in no plan: the user
    says one only to a question that asks for it. `system` is an optional system prompt. `effort`
    and `reply_tokens` are how much the model may think, where the scenario says so: what
    `Sampling.effort` and `Sampling.max_tokens` are then.
    """

    instruction: Instruction
    condition: str
    turns: tuple[Told, ...]
    system: str | None = None
    hidden: frozenset[int] = frozenset()
    scripted: bool = False
    until_right: bool = False
    effort: str | None = None
    reply_tokens: int | None = None

    def wanted(self, turn: int) -> Instruction:
        """What the user wants at a turn, counted from 0: what was asked for last."""
        asked = [told.wants for told in self.turns[: turn + 1] if told.wants is not None]
        return asked[-1] if asked else self.instruction

    def untold(self, told: Iterable[int]) -> tuple[int, ...]:
        """The shards that are still to be told, in their order."""
        known = frozenset(told)
        return tuple(i for i in range(len(self.instruction.shards)) if i not in known)

    def tell(self, shard: int, told: Iterable[int] = (), words: str | None = None) -> Told:
        """The turn that adds one shard to those already told, in the manner of the condition.

        `words` puts the shard otherwise than the instruction does.
        """
        shards = self.instruction.shards
        text = shards[shard].text if words is None else words
        before = sorted(set(told) - {shard})
        if self.condition == "snowball" and before:
            text = bullets([*(shards[i].text for i in before), text])
        return Told(text, (shard,))

    def best(self, turn: int, told: Iterable[int]) -> tuple[str | None, str | None]:
        """What a good partner does at a turn, in a word, and what for or with which words.

        `told` are the shards told up to there. Nothing where a person's reply is the measure.
        """
        if self.scripted:
            line = self.turns[turn]
            return (line.move, line.good) if line.person is None else (None, None)
        missing = sorted(self.instruction.needed.difference(told))
        if not missing:
            return "answer", self.instruction.answer
        shard = self.instruction.shards[missing[0]]
        return "ask", shard.quantity or shard.text

    def closing(self) -> Told | None:
        """What is said once everything was told: the recapitulation, under `recap` only."""
        if self.condition != "recap":
            return None
        return Told(f"{_RECAP}\n{bullets(_texts(self.instruction))}", ())


def bullets(texts: Sequence[str]) -> str:
    """The first text, then each further one on a line of its own after a dash."""
    return "\n- ".join(texts)


def question(instruction: Instruction) -> str:
    """What is asked, for asking again: the intent without what is handed over below it.

    Tables or functions that stand after an empty line need not be said twice.
    """
    return instruction.shards[0].text.partition("\n\n")[0]


def scenarios(
    instruction: Instruction,
    conditions: Iterable[str] = CONDITIONS,
    *,
    system: str | None = None,
) -> list[Scenario]:
    """One scenario a condition, in the order asked. Raises ValueError for an unknown condition."""
    return [_scenario(instruction, condition, system) for condition in conditions]


def _scenario(instruction: Instruction, condition: str, system: str | None) -> Scenario:
    if condition not in CONDITIONS:
        known = ", ".join(CONDITIONS)
        raise ValueError(f"unknown condition {condition!r}; choose from {known}")
    everything = tuple(range(len(instruction.shards)))
    if condition == "full":
        return Scenario(instruction, condition, (Told(instruction.full, everything),), system)
    if condition == "concat":
        text = bullets(_texts(instruction))
        return Scenario(instruction, condition, (Told(text, everything),), system)
    empty = Scenario(instruction, condition, (), system)
    turns = [empty.tell(i, range(i)) for i in everything]
    closing = empty.closing()
    return Scenario(instruction, condition, (*turns, *([closing] if closing else [])), system)


def _texts(instruction: Instruction) -> list[str]:
    return [shard.text for shard in instruction.shards]
