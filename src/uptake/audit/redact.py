"""Masks over what tells who somebody is: e-mails, links, phones, numbers and names.

    "I'm Ann Lee, ann@lee.org, 020 7946 0018."  →  "I'm [name], [email], [phone]."

A name is known by its capital letter, so too much is masked rather than too little: any
capitalised word but those that commonly begin a sentence. Names in small letters are masked only
after "my name is" and the like, and wherever they come again. Scripts without capitals are left
as they are: this is no guarantee, and a log that must be anonymous needs more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from uptake import signs

__all__ = ["Mask"]

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"\b(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.])(?:\+|\(?0)[\d()\s./-]{6,}\d(?!\w)|\b\d{3}[\s.-]\d{3}[\s.-]\d{4}\b")
_NUMBER = re.compile(r"\w*\d(?:[\d.,:/-]*\d)?\w*")
_NAME = re.compile(r"\b[^\W\d_a-z][\w’'-]*(?:[ -][^\W\d_a-z][\w’'-]*)*")
_CALLED = re.compile(
    r"\b(?:my name is|my name's|i am called|call me|name:|mr\.?|mrs\.?|ms\.?|dr\.?)\s+"
    r"([^\W\d_][\w’'-]*)",
    re.IGNORECASE,
)
_STARTERS = signs.COMMON | frozenset(
    """yes yeah hi hello hey thanks thank sorry okay ok oh great sure got now next first second
    third finally also again actually after before because since once until while although
    though however therefore thus hence instead maybe perhaps only even still yet well let lets
    given suppose assuming note important answer question step total each every many much most
    more both either neither another other others one two three four five six seven eight nine
    ten find tell give show make write add use calculate compute solve book send check set get
    put take think know need want keep try look see say explain list name describe create
    remove change replace update delete order buy call cancel confirm provide include return
    run start stop open close read multiply subtract divide number cost price time day week
    month year today tomorrow yesterday here's there's it's that's i'm i'd i'll i've you're
    you'd you'll you've we're we'd we'll we've they're don't doesn't didn't can't couldn't
    won't wouldn't isn't aren't wasn't weren't what's who's let's never nevermind wrong right
    correct good bad nice perfect understood alright noted summary result results final based
    using without within during between over under above below per sql select from where group
    json python function table column""".split()
)


class Mask:
    """Masks texts of one conversation; `names` that it has come to know are masked everywhere."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Learn the names that these texts tell."""
        self.names = {
            found[1].lower()
            for text in texts
            for found in _CALLED.finditer(text)
            if found[1].lower() not in _STARTERS
        }

    def __call__(self, text: str) -> str:
        """The text with what tells who somebody is masked."""
        text = _EMAIL.sub("[email]", text)
        text = _LINK.sub("[link]", text)
        text = _PHONE.sub("[phone]", text)
        text = _NUMBER.sub("[number]", text)
        text = _NAME.sub(self._name, text)
        for name in self.names:
            text = re.sub(
                rf"(?<![\w\[]){re.escape(name)}(?![\w\]])", "[name]", text, flags=re.IGNORECASE
            )
        return text

    def _name(self, found: re.Match[str]) -> str:
        words = found[0].split(" ")
        kept = 0
        while kept < len(words) and words[kept].lower().replace("’", "'") in _STARTERS:
            kept += 1
        if kept == len(words):
            return found[0]
        return " ".join([*words[:kept], "[name]"])
