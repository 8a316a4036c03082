"""What a reader of the scores must know of the instructions: one line for each such thing.

A domain may have a method `caveat(instruction)`, which says in half a sentence how its replies are
checked where that is not the domain's usual way, or why they have no score; None otherwise.

This module knows nothing of how a reply is checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from uptake.domains import domain as find_domain
from uptake.instruction import Instruction

__all__ = ["caveats"]

_ONE_SHARD = (
    "tells everything in one piece, so it is not told over turns; "
    "uptake shard FILE -o OUT cuts a file into shards"
)


def caveats(instructions: Sequence[Instruction], *, usual: bool = True) -> list[str]:
    """One line for each caveat, with how many of the `instructions` it holds for.

    `usual` is whether the domains themselves check the replies.
    """
    found: Counter[tuple[str, str]] = Counter()
    for one in instructions:
        if len(one.shards) == 1 and one.domain != "dialogue":
            found[one.domain, _ONE_SHARD] += 1
        words = _caveat(one) if usual else None
        if words:
            found[one.domain, words] += 1
    total = Counter(one.domain for one in instructions)
    return [
        f"{name}, {count:,} of {total[name]:,} instructions: {words}"
        for (name, words), count in found.items()
    ]


def _caveat(one: Instruction) -> str | None:
    method: Callable[[Instruction], str | None] | None
    method = getattr(find_domain(one.domain), "caveat", None)
    return None if method is None else method(one)
