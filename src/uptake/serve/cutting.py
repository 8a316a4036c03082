"""Stop words: a text cut where the first of them ends, however it comes in pieces.

This module knows nothing of who writes the text.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Cutter"]


class Cutter:
    """Lets a text through up to a stop word.

    What may yet turn out to be the beginning of one is held back. The stop word that is complete
    first counts, of two that end together the longer one, so that it does not matter where the
    text is cut into pieces. `by` is the word that ended it, None until then.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.by: str | None = None

    def feed(self, piece: str) -> str:
        """What may be said, now that `piece` has come; nothing once it has ended."""
        if self.by is not None:
            return ""
        text = self._held + piece
        found = [(at + len(stop), at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            _, at, self.by = min(found)
            self._held = ""
            return text[:at]
        kept = len(text) - max((_begun(text, stop) for stop in self._stops), default=0)
        self._held = text[kept:]
        return text[:kept]

    def rest(self) -> str:
        """What was held back, once no more comes."""
        rest, self._held = self._held, ""
        return rest


def _begun(text: str, stop: str) -> int:
    """How many characters of `stop` the text ends with the first of, not all of them."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
