"""A user's turn cut into pieces: what is said, sentence by sentence, and what is only shown.

Code, tables, tool output, quoted lines, headed documents and very long pasted text are shown. A
list gives one piece an item, without its mark.

This module knows nothing of what a piece does, and of a language only how it heads what is pasted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from uptake.analyst.language import Pack
from uptake.analyst.wording import fold
from uptake.sentences import hidden, sentences

__all__ = ["Piece", "pieces"]

LONG = 6000  # characters that a person types at most; more than that is pasted
REQUEST = 1200  # a paragraph before or after the pasted text that is no longer is said

_TAG = re.compile(r"<(tool_\w{1,20}|documents?|context|data|file|quote|pasted?|output|result)>")
_STRONG = re.compile(
    r"\s*(?:[{}\[\]<|]|>(?!=)|\$ |@\w+\s*$|#include|\d{4}-\d\d-\d\d[ T]\d\d:|Traceback \(|File \""
    r"|(?:def|class|import|return|function|var|const|public|private|elif|else:)\b[^.?!]*$"
    r"|from \S+ import|(?:SELECT|CREATE|INSERT|UPDATE|DELETE|FROM|WHERE|JOIN|GROUP BY)\b)"
    r"|[^\n]*(?:[;{(\[]\s*$|(?:\|[^|\n]*){2}|(?:;[^;\n]*){3}|(?:\t[^\t\n]*){2}|(?:,\S[^,\n]*){3})"
)
_WEAK = re.compile(r"(?:  |\t)\s*\S|[^\n]*[|;\t][^\n]*[^.?!\s]\s*$|[^\n]*\w\)?[,:]\s*$")
_DATUM = re.compile(r"\s*(?:\{\s*\"|\[\s*[{\[\"]|<\?xml|<!DOCTYPE|<html)")
_MARK = re.compile(r"(?:[-*•–·]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+")
_NUMBER = re.compile(r"\(?\d{1,2}[.)]")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters `start` to `end` of a turn.

    `read` is what rules read: as long, in lower case, code and quotes blanked. `quoted` is what is
    shown and not said. `number` is that of a list's item, 0 where it has none.
    """

    start: int
    end: int
    read: str
    quoted: bool = False
    number: int = 0


def pieces(text: str, pack: Pack) -> Iterator[Piece]:
    """The pieces of a turn in order. White space and the marks of a list lie between them."""
    for start, end, quoted in _chunks(text, pack):
        if not quoted:
            yield from _said(text, start, end)
        elif (block := text[start:end]).strip():
            start += len(block) - len(block.lstrip())
            yield Piece(start, start + len(block.strip()), "", quoted=True)


def _said(text: str, start: int, end: int) -> Iterator[Piece]:
    chunk = text[start:end]
    read = fold(hidden(chunk))
    number = 0
    for sentence in sentences(chunk):
        first, last = sentence.start, sentence.start + len(sentence.text)
        if _NUMBER.fullmatch(sentence.text):  # "1." on its own: the item follows
            number = int(re.sub(r"\D", "", sentence.text))
            continue
        mark = _MARK.match(read, first, last)
        if mark and mark.end() < last:
            digits = re.sub(r"\D", "", mark[0])
            number = int(digits) if digits else number
            first = mark.end()
        yield Piece(start + first, start + last, read[first:last], number=number)
        number = 0


def _chunks(text: str, pack: Pack) -> list[tuple[int, int, bool]]:
    """Stretches of a turn, each shown or said."""
    blocks = sorted([*_fences(text), *_tags(text)])
    found: list[tuple[int, int, bool]] = []
    at = 0
    for start, end in blocks:
        if start < at:  # within the block before
            continue
        found += _lines(text, at, start, pack)
        found.append((start, end, True))
        at = end
    found += _lines(text, at, len(text), pack)
    return found


def _fences(text: str) -> Iterator[tuple[int, int]]:
    at = text.find("```")
    while at >= 0:
        close = text.find("```", at + 3)
        end = close + 3 if close >= 0 else len(text)
        yield at, end
        at = text.find("```", end)


def _tags(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while opening := _TAG.search(text, at):
        closing = f"</{opening[1]}>"
        close = text.find(closing, opening.end())
        if close < 0:  # not a block: nor is any further one, or this would take for ever
            return
        at = close + len(closing)
        yield opening.start(), at


def _lines(text: str, start: int, end: int, pack: Pack) -> list[tuple[int, int, bool]]:
    """The same between the blocks: by lines that are data, and by length."""
    stretch = text[start:end]
    if not stretch.strip():
        return []
    if "\n" not in stretch:
        return [(start, end, len(stretch) > LONG or bool(_DATUM.match(stretch)))]
    shown = _shown(stretch.split("\n"), pack)
    found: list[tuple[int, int, bool]] = []
    at = start
    for line, quoted in zip(stretch.split("\n"), shown, strict=True):
        after = min(at + len(line) + 1, end)
        if found and found[-1][2] == quoted:
            found[-1] = (found[-1][0], after, quoted)
        else:
            found.append((at, after, quoted))
        at = after
    return [part for each in found for part in _short(text, *each)]


def _shown(lines: list[str], pack: Pack) -> list[bool]:
    """Which lines are data: runs of two or more that look like it, and what a heading heads."""
    strong = [len(line) > LONG or bool(_STRONG.match(line[:LONG])) for line in lines]
    like = [
        sure or not line.strip() or bool(_WEAK.match(line[:LONG]))
        for line, sure in zip(lines, strong, strict=True)
    ]
    shown = [bool(_DATUM.match(line)) or line.lstrip().startswith(">") for line in lines]
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and like[end]:
            end += 1
        run = [each for each in range(at, end) if lines[each].strip()]
        if len(run) > 1 and any(strong[each] for each in run):
            first = run[0] if strong[run[0]] else next(e for e in run if strong[e] or e > run[0])
            first = run[0] if not lines[run[0]].rstrip().endswith(":") else first
            for each in range(first, run[-1] + 1):
                shown[each] = True
        at = max(end, at + 1)
    heading = False
    for each, line in enumerate(lines):
        if pack["goal.pasted"].at(fold(line)):
            heading = True
        elif not line.strip():
            heading = False
        shown[each] = shown[each] or heading
    return shown


def _short(text: str, start: int, end: int, quoted: bool) -> list[tuple[int, int, bool]]:
    """One stretch, or where it is too long to have been typed: request, pasted text, request."""
    if quoted or end - start <= LONG:
        return [(start, end, quoted)]
    breaks = [(start + m.start(), start + m.end()) for m in _PARAGRAPH.finditer(text[start:end])]
    head, tail = start, end
    if breaks and breaks[0][0] - start <= REQUEST:
        head = breaks[0][1]
    if breaks and end - breaks[-1][1] <= REQUEST:
        tail = max(breaks[-1][0], head)
    return [(start, head, False), (head, tail, True), (tail, end, False)]
