"""Other readings of an instruction, and the words that a reply to one would have.

What the probes share: an instruction with one fact changed or taken back, the reply that gives
its answer, and a choice of wordings that is the same for the same instruction.

This module knows nothing of conditions or of figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar, cast

from uptake.acts import Annotator, RuleAnnotator, names
from uptake.conversation import Conversation
from uptake.episode import Episode
from uptake.instruction import Instruction
from uptake.partners import short, spoken, written

__all__ = [
    "ANNOTATOR",
    "Played",
    "acts_at",
    "acts_of",
    "changeable",
    "changed",
    "pick",
    "short",
    "spoken",
    "then",
    "withdrawable",
    "without",
    "written",
]

T = TypeVar("T")

Played = Mapping[str, Episode]
"""The episodes of one instruction and repeat, by condition."""


ANNOTATOR: Annotator = RuleAnnotator()
"""What says which acts a reply performs; see `docs/acts.md` for how often it is right."""


def acts_at(episode: Episode, turn: int) -> frozenset[str]:
    """The names of the acts of one reply, by its place; -1 is the last."""
    return acts_of(episode.turns[turn].reply, episode, turn)


def acts_of(words: str, episode: Episode, turn: int) -> frozenset[str]:
    """The names of the acts of `words`, said in the place of one reply."""
    talk = Conversation()
    for told in list(episode.turns)[:turn]:
        talk = talk.user(told.user).assistant(told.reply if told.person is None else told.person)
    return names(ANNOTATOR.acts(words, talk.user(episode.turns[turn].user)))


def changeable(instruction: Instruction) -> int | None:
    """A needed shard whose other value gives another answer, the same for the same instruction."""
    found = [
        i
        for i in sorted(instruction.needed - {0})
        if instruction.shards[i].contradicted
        and instruction.shards[i].revised not in (None, instruction.answer)
    ]
    return pick(found, instruction.id, "changeable") if found else None


def withdrawable(instruction: Instruction) -> int | None:
    """A shard without which there is another answer, the same for the same instruction."""
    found = [
        i
        for i, shard in enumerate(instruction.shards)
        if shard.claim and shard.withdrawn not in (None, instruction.answer)
    ]
    return pick(found, instruction.id, "withdrawable") if found else None


def changed(instruction: Instruction, shard: int) -> Instruction:
    """The instruction where the other value of a shard holds. Raises ValueError if unknown."""
    one = instruction.shards[shard]
    if one.contradicted is None or one.revised is None:
        raise ValueError(f"{instruction.id}: shard {shard} does not say what would change it")
    shards = list(instruction.shards)
    shards[shard] = replace(one, text=one.contradicted)
    told = replace(instruction, shards=tuple(shards), answer=one.revised)
    return _checked(told, "revised", shard)


def without(instruction: Instruction, shard: int) -> Instruction:
    """The instruction where a shard is taken back. Raises ValueError if its answer is unknown."""
    one = instruction.shards[shard]
    if one.withdrawn is None:
        raise ValueError(f"{instruction.id}: shard {shard} cannot be taken back")
    shards = tuple(s for i, s in enumerate(instruction.shards) if i != shard)
    told = replace(instruction, shards=shards, answer=one.withdrawn)
    return _checked(told, "withdrawn", shard)


def _checked(told: Instruction, reading: str, shard: int) -> Instruction:
    """A reading with what its domain's verifier needs: `meta[reading]`, by the shard's number.

    What stands there takes the place of what `meta` (and, under "full", the request) says.
    """
    readings = told.meta.get(reading)
    if not isinstance(readings, dict):
        return told
    other = cast("dict[str, Any]", readings).get(str(shard))
    if not isinstance(other, dict):
        return told
    known = cast("dict[str, Any]", other)
    return replace(told, full=known.get("full", told.full), meta={**told.meta, **known})


def then(words: str, text: str) -> str:
    """What the user says after some words of introduction: in the line, or below it if long."""
    return f"{words}\n\n{text}" if "\n" in text else f"{words} {text}"


def pick(options: Sequence[T], instruction_id: str, what: str) -> T:
    """One of the options, the same for the same instruction and purpose."""
    return Random(f"{what}/{instruction_id}").choice(options)
