"""The same instruction in fewer, larger shards: what is told in eight turns, told in two.

The intent stays by itself, so that every conversation opens alike, and the facts after it are
joined to their neighbours, about as many in each turn. After the gradual sharding of Laban et al.
2025, arXiv 2505.06120.

This module knows nothing of probes or of figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from uptake.errors import UptakeError
from uptake.instruction import Instruction, Shard

__all__ = ["LEAST", "counts", "in_shards", "merged", "shards_of"]

LEAST = 2
"""The fewest shards there can be: the intent, and all else."""

_NAME = "sharded-"


def in_shards(count: int) -> str:
    """The condition under which an instruction is told in `count` shards: "sharded-4"."""
    return f"{_NAME}{count}"


def shards_of(condition: str) -> int | None:
    """In how many shards a condition tells; None for one that does not say."""
    count = condition.removeprefix(_NAME)
    return int(count) if count != condition and count.isdecimal() else None


def counts(given: str | Sequence[str | int]) -> tuple[int, ...]:
    """Numbers of shards as people write them, "2-8" or "2,4,8", each once, the least first.

    Raises:
        UptakeError: what is no such number, or below `LEAST`.
    """
    parts = given.split(",") if isinstance(given, str) else [str(part) for part in given]
    found: set[int] = set()
    for part in parts:
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UptakeError(f"--shards: {part!r} is no number; give 2-8, or 2,4,8")
        numbers = range(int(first), int(last or first) + 1)
        if not numbers or numbers[0] < LEAST:
            raise UptakeError(
                f"--shards {part}: give {LEAST} or more, the least first, for example 2-8"
            )
        found.update(numbers)
    return tuple(sorted(found))


def merged(instruction: Instruction, count: int) -> Instruction:
    """The instruction in `count` shards. Raises ValueError where it has not as many."""
    intent, *facts = instruction.shards
    groups = count - 1
    if not LEAST <= count <= len(instruction.shards):
        raise ValueError(f"{instruction.id} has {len(instruction.shards)} shards, not {count}")
    ends = [round(i * len(facts) / groups) for i in range(groups + 1)]
    joined = [_joined(facts[a:b]) for a, b in pairwise(ends)]
    return replace(instruction, shards=(intent, *joined))


def _joined(shards: Sequence[Shard]) -> Shard:
    """One shard that says what these say; needed where one of them is."""
    if len(shards) == 1:
        return shards[0]
    texts = [shard.text.strip() for shard in shards]
    prose = all(text[-1:] in (".", "!", "?") and "\n" not in text for text in texts)
    quantities = [shard.quantity for shard in shards if shard.quantity]
    return Shard(
        (" " if prose else "\n").join(texts),
        needed=any(shard.needed for shard in shards),
        quantity=" and ".join(quantities) or None,
    )
