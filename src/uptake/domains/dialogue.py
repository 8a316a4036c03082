"""Dialogues between people, read from files: there is nothing to solve, and nothing is verified.

The probe `grounding` puts a model in the place of one of the two. No dialogue is generated here;
each other domain has some made from its instructions.

This module knows nothing of files.
"""

from __future__ import annotations

from uptake.domains import DomainError
from uptake.instruction import Instruction, Verdict

__all__ = ["Dialogue", "dialogue"]


class Dialogue:
    """What was said, and no answer."""

    name = "dialogue"

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """Raises DomainError: dialogues between people come from a file."""
        raise DomainError("the domain dialogue makes nothing up: give a file with --instructions")

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """No verdict, whatever the reply."""
        return Verdict(None)


dialogue = Dialogue()
