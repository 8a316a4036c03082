"""Requests that only a reader can judge: no program can tell whether a reply does what was asked.

Instructions come from files (`uptake mine`). Without `--judge MODEL` a reply has no score.

This module knows nothing of files or of models.
"""

from __future__ import annotations

from uptake.domains import DomainError
from uptake.instruction import Instruction, Verdict

__all__ = ["Request", "request"]


class Request:
    """A request in somebody's own words, judged by a model."""

    name = "request"
    rubric = (
        "The score is 1 where the reply does all that the task asks, 0 where it does not or does "
        "something else, and between where it does a part. The reference, unless it is empty, is "
        "a reply that the user accepted: another one may be as good."
    )

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """Raises DomainError: people's requests come from a file."""
        raise DomainError("the domain request makes nothing up: give a file with --instructions")

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """No score: the reply as it is, for a judge; nothing where it only asks or is empty."""
        text = reply.strip()
        return Verdict(None, None if not text or text.endswith("?") else text[:200])

    def caveat(self, instruction: Instruction) -> str | None:
        """That a judge is wanted."""
        return "without a score: whether a reply does what was asked is for --judge MODEL to say"


request = Request()
