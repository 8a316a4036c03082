"""How a piece of a turn opens a correction: "Sorry, I meant", "Actually", "No", "Correction:".

This module knows nothing of what is corrected, and no English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from uptake.analyst.language import Pack, Phrase
from uptake.analyst.wording import past_marks

__all__ = ["Opening", "opening", "past_fillers"]

_WORD = re.compile(r"[\w'][\w'-]*|[,.:;!–—]|\S")
_MARK = re.compile(r"[,.:;!–—]")
_STOP = re.compile(r"\s*(?:[,.:;!–—-]|$)|\s+\d")


@dataclass(frozen=True, slots=True)
class Opening:
    """How a piece begins: its first `end` characters only say that something is corrected.

    `sure` openings say so by themselves ("I meant"); `plain` ones may also speak of the reply
    ("no", "it should be"); `composed` ones only use such words, and count where what follows is
    close to what was said. `wrong` ones say that something that was said is wrong, so that there
    is something to correct ("I got one thing wrong", not "sorry").
    """

    end: int = 0
    sure: bool = False
    plain: bool = False
    composed: bool = False
    wrong: bool = False

    @property
    def corrects(self) -> bool:
        """Whether it says that what follows stands in another's place."""
        return self.sure or self.plain or self.composed


def opening(read: str, pack: Pack) -> Opening:
    """The opening of a piece."""
    end, sure, plain = 0, False, False
    for _ in range(12):  # as many as anyone says before coming to the point
        at = past_marks(read, end)
        if found := pack["lead.sure"].at(read, at):
            sure = True
        elif found := (
            pack["lead.mild"].at(read, at) or _before_a_stop(pack["lead.plain"], read, at, pack)
        ):
            plain = True
        else:
            found = pack["lead.soft"].at(read, at)
        if not found or found.end() == at:
            break
        end = found.end()
    known = sure or plain
    further = _composed(read, end if known else 0, pack, signalled=known)
    if further:
        joined = pack["lead.soft"].at(read, past_marks(read, further))  # ", and Ann has 9"
        end = joined.end() if joined else further
    elif not known:
        return Opening()
    wrong = known and bool(pack["lead.wrong"].within(read[:end]))
    return Opening(past_marks(read, end), sure, plain, composed=not known, wrong=wrong)


def _composed(read: str, start: int, pack: Pack, *, signalled: bool) -> int:
    """Where a stretch ends that only speaks of what was said: at a mark, or after its signal.

    One of its words must signal a correction, unless that was `signalled` before. 0 if none does.
    """
    cut = after = 0
    for found in _WORD.finditer(read, start, start + 120):
        word = found[0]
        if _MARK.fullmatch(word):
            cut = found.end() if signalled else cut
        elif word not in pack.meta:
            return cut or after  # "in reality Ann has 9"
        elif word in pack.signal:
            signalled, after = True, found.end()
    return len(read) if signalled and len(read) <= start + 120 else cut


def past_fillers(read: str, pack: Pack) -> int:
    """Where the words begin that say more than "it is" or "that should be"."""
    at = past_marks(read, 0)
    for _ in range(6):
        found = pack["lead.filler"].at(read, at)
        if not found or found.end() == at:
            break
        at = past_marks(read, found.end())
    return at


def _before_a_stop(phrase: Phrase, read: str, at: int, pack: Pack) -> re.Match[str] | None:
    """A "no" that stands by itself: before a comma, a number, or a sure opening."""
    found = phrase.at(read, at)
    if not found:
        return None
    if _STOP.match(read, found.end()) or pack["lead.sure"].at(read, past_marks(read, found.end())):
        return found
    return None
