"""What a user wants: an `Instruction` is a goal, its shards, and the answer that satisfies it.

Shard 0 is the intent; each further shard is one atomic piece of information. Whatever a
generator knows of a shard (the quantity it states, its value, what would contradict it) travels
with it, so that one instruction can be told under every condition.

This module knows nothing of how an answer is checked (`domains`) or of who says what when
(`scenario`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from uptake.conversation import freeze

__all__ = ["Instruction", "Shard", "Verdict"]


@dataclass(frozen=True, slots=True)
class Shard:
    """One atomic piece of information, sayable on its own.

    `quantity` names what the shard settles as a noun phrase ("the number of apples Ann has at
    first"); `value` is what it settles it to; `contradicted` is a sentence that states another
    value for the same quantity; `ambiguous` is the sentence with its referent left open.

    `revised` is the answer where `contradicted` holds instead, `withdrawn` the answer where the
    shard is taken back. `claim` is a clause that states the value ("Ann has 12 apples at first"),
    `check` asks yes or no whether it is so; `false_claim` and `false_check` do it for the value
    of `contradicted`. All are None where the source does not know them.
    """

    text: str
    needed: bool = True
    quantity: str | None = None
    value: str | None = None
    contradicted: str | None = None
    ambiguous: str | None = None
    revised: str | None = None
    withdrawn: str | None = None
    claim: str | None = None
    check: str | None = None
    false_claim: str | None = None
    false_check: str | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """A goal told as `full` text or as `shards` (shard 0 is the intent), with its gold `answer`."""

    id: str
    domain: str
    full: str
    shards: tuple[Shard, ...]
    answer: str
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        if not self.shards:
            raise ValueError(f"instruction {self.id!r} has no shards; shard 0 is the intent")
        object.__setattr__(self, "shards", tuple(self.shards))
        object.__setattr__(self, "meta", freeze(self.meta))

    @property
    def needed(self) -> frozenset[int]:
        """The shards without which the answer cannot be known; the intent is always one."""
        return frozenset(i for i, shard in enumerate(self.shards) if shard.needed or i == 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says of one reply.

    `answer` is what the reply commits to, None where it commits to nothing; `score` is in
    [0, 1], and None where the verifier could not decide.
    """

    score: float | None
    answer: str | None = None
