"""Which way a conversation goes: mediated, as it came, or mediated for the record only.

The same conversation always goes the same way, on every worker, since its own hash decides.

Pure. This module knows nothing of headers' names or of what an arm does.
"""

from __future__ import annotations

from collections.abc import Callable

from uptake.serve.records import Arm
from uptake.serve.settings import Mode

__all__ = ["ARMS", "choose"]

ARMS: tuple[Arm, ...] = ("mediated", "original", "shadow")


def choose(mode: Mode, share: float, root: Callable[[], bytes], asked: str | None = None) -> Arm:
    """The arm of a conversation.

    `root` gives a hash of how it began, where one is needed; `asked` is what the client wants. What
    is no arm's name is as if nothing had been asked for.
    """
    for arm in ARMS:
        if asked == arm:
            return arm
    if mode == "original":
        return "original"
    if share < 1.0 and int.from_bytes(root()[:8], "big") / 2**64 >= share:
        return "original"
    return "shadow" if mode == "shadow" else "mediated"
