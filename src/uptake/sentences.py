"""A reply cut into sentences, with what is code or quoted blanked out.

What stands in code or between quotation marks is shown, not said: no rule that looks for words
may find them there. Each sentence therefore comes twice, as it was written and as rules read it.

This module knows nothing of what a sentence does (`questions`, `acts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Sentence", "cut", "heard", "hidden", "plain", "sentences", "shown"]

# A block is a break in the text; so is a quoted line.
_BLOCK = re.compile(
    r"```.*?(?:```|\Z)|<tool_call>.*?(?:</tool_call>|\Z)|^[ \t]*>[^\n]*", re.DOTALL | re.MULTILINE
)
_CODE = re.compile(r"`[^`\n]+`")
# No longer than a person quotes, so that one stray mark does not hide the rest of a reply.
_QUOTE = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^“”\n]{1,400}”|«[^«»\n]{1,400}»"
    r"|(?<!\w)['‘](?:[^'‘’\n]|(?<=\w)['’](?=\w)){1,200}['’](?!\w)"
)
_OPENS = re.compile("[\"“«'‘](?<!\\w['‘])")  # where a quote may begin
# A sentence ends at its mark, with any closing quote, star or bracket; or at the line's end. The
# mark after "Dr" or "e.g" ends nothing.
_END = re.compile(
    r"[.!?](?<!\b[DM]r\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)"
    r"(?P<closing>[\"'”’»*_)\]]*)\s+|\n+"
)
_WORD = re.compile(r"\w+")
_READ = str.maketrans({"’": "'", "‘": "'", "*": None})


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: `text` as it was written, `read` in lower case with code and quotes blanked.

    Blanked letters are underscores. `read` has plain apostrophes and no asterisks. `start` is
    where it begins in the text it was cut from.
    """

    text: str
    read: str
    start: int = 0


# What was said is read again at every later turn; longer texts are not kept in memory.
_KEPT, _LONGEST = 1_000, 8_000


def sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text in order, each a piece of it; blocks of code are left out."""
    return _read_and_kept(text) if len(text) <= _LONGEST else _read(text)


@lru_cache(_KEPT)
def _read_and_kept(text: str) -> tuple[Sentence, ...]:
    return _read(text)


def _read(text: str) -> tuple[Sentence, ...]:
    blanked = hidden(text)
    found: list[Sentence] = []
    start = 0
    for end in (*_END.finditer(blanked), None):
        stop = len(blanked) if end is None else max(end.start(), end.end("closing"))
        piece = blanked[start:stop]
        read = piece.strip()
        if read:
            start += len(piece) - len(piece.lstrip())
            written = text[start : start + len(read)]
            found.append(Sentence(written, read.translate(_READ).lower(), start))
        start = len(blanked) if end is None else end.end()
    return tuple(found)


def cut(text: str) -> tuple[str, ...]:
    """The sentences of a text as written, code and quotes among them: no word is left out."""
    ends = [end.end() for end in _END.finditer(text)]
    pieces = (text[a:b].strip() for a, b in zip([0, *ends], [*ends, len(text)], strict=True))
    return tuple(piece for piece in pieces if piece)


def hidden(text: str) -> str:
    """A text of the same length without what it only shows: code and quotes blanked out."""
    if ">" in text or "```" in text:
        text = _BLOCK.sub(_break, text)
    if "`" in text:
        text = _CODE.sub(_blank, text)
    return _QUOTE.sub(_blank, text) if _OPENS.search(text) else text


def shown(text: str) -> tuple[str, ...]:
    """The code of a text, as written: its blocks, or else what stands between backticks."""
    blocks = [match[0] for match in _BLOCK.finditer(text) if not match[0].lstrip().startswith(">")]
    return tuple(blocks or [match[0] for match in _CODE.finditer(text)])


def plain(text: str) -> str:
    """The words alone, in lower case: what two sentences share that say the same."""
    return " ".join(_WORD.findall(text.lower()))


def heard(said: Iterable[str]) -> frozenset[str]:
    """The `plain` words of every sentence of some texts: an echo has those of one of them."""
    return frozenset[str]().union(
        *(_plain_and_kept(text) if len(text) <= _LONGEST else _plainly(text) for text in said)
    )


@lru_cache(_KEPT)
def _plain_and_kept(text: str) -> frozenset[str]:
    return _plainly(text)


def _plainly(text: str) -> frozenset[str]:
    return frozenset(plain(sentence.text) for sentence in sentences(text))


def _break(match: re.Match[str]) -> str:
    return "\n" * len(match[0])


def _blank(match: re.Match[str]) -> str:
    """The same length with its marks; a quoted sentence ends where it ended, and asks nothing."""
    inside = "_" * (len(match[0]) - 2)
    if match[0][-2] in ".!?" and match[0][0] != "`":
        inside = inside[:-1] + "."
    return match[0][0] + inside + match[0][-1]
