"""Text that a reply must hold word for word: what a user said that the answer should be.

Instructions come from files (`uptake mine`). Right is a reply that is the text, or gives it on its
last line, in quotes, in bold or in a block of code; case, spacing and a full stop do not count.

This module knows nothing of files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from uptake.domains import DomainError
from uptake.instruction import Instruction, Verdict

__all__ = ["Exact", "exact"]

_BLOCK = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_QUOTED = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|`([^`\n]+)`|\*\*([^*\n]+)\*\*")


class Exact:
    """One text, and whether a reply gives it."""

    name = "exact"

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """Raises DomainError: what a text must be comes from a file."""
        raise DomainError("the domain exact makes nothing up: give a file with --instructions")

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """Right if one of the texts that the reply gives is the answer."""
        if not reply.strip() or reply.rstrip().endswith("?"):
            return Verdict(0.0)
        wanted = _bare(instruction.answer)
        given = [text for text in _given(reply) if _bare(text)]
        right = next((text for text in given if _bare(text) == wanted), None)
        return Verdict(float(right is not None), right or (given[0] if given else None))

    def guess(self, said: object) -> str:
        """A text that fits nothing."""
        return "OK"


def _given(reply: str) -> Iterator[str]:
    yield reply.strip().rsplit("\n", 1)[-1]
    yield reply
    yield from _BLOCK.findall(reply)
    for found in _QUOTED.finditer(_BLOCK.sub("", reply)):
        yield found[found.lastindex or 0]


def _bare(text: str) -> str:
    return " ".join(text.split()).strip(" .\"“”'`*").casefold()


exact = Exact()
