"""Which number a reply commits to, and whether it is the gold one.

The last committed number counts: the one that follows the last "the answer is" (or a boxed,
bold or `####` number, or an equals sign), else the last number of a reply that does not end by
asking. Units, currency signs, thousands separators, fractions, mixed numbers, percentages and
sentences around the number are tolerated.

This module knows nothing of instructions; it does not do arithmetic to see whether working holds.
"""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = ["committed", "number", "same"]

_VALUE = re.compile(
    r"(?<![\w.])"
    r"(?P<sign>[-\u2212](?=[$€£\d.]))?[$€£]?"
    r"(?P<whole>\d{1,3}(?:[,\u202f\u00a0]\d{3})+(?!\d)|\d+|(?=\.\d))"
    r"(?P<decimal>\.\d+)?"
    r"(?:\s+(?P<mixed>\d+/\d+)|(?P<over>\s?/\s?\d+(?![\d/])))?"
)
_COMMIT = re.compile(
    r"(?:answer(?:\s+\w+){0,3}?(?:\s+is|\s*[:=])|####|\\boxed\{|\btotal(?:\s+is|\s*[:=])|=|\*\*)\s*",
    re.IGNORECASE,
)
_CALL = re.compile(r"<tool_call>.*?(?:</tool_call>|\Z)", re.DOTALL)
_REQUEST = re.compile(
    r"(?:^|[.!?]\s+)(?:please\b|(?:could|can|would) you\b|(?:i|we) (?:still )?need\b|let me know\b"
    r"|(?:tell|give) me\b|i(?:'d| would) (?:like|have) to know\b)[^.!?]*[.!?]?$",
    re.IGNORECASE,
)


def number(text: str) -> Fraction | None:
    """The value of the first number in `text`, None where there is none."""
    match = _VALUE.search(text)
    return None if match is None else _value(match)


def _value(match: re.Match[str]) -> Fraction | None:
    whole = re.sub(r"\D", "", match["whole"] or "") or "0"
    value = Fraction(whole + match["decimal"]) if match["decimal"] else Fraction(int(whole))
    try:
        if match["mixed"]:
            value += Fraction(match["mixed"])
        elif match["over"]:
            value /= Fraction(match["over"].replace("/", "").strip())
    except ZeroDivisionError:
        return None
    return -value if match["sign"] else value


def committed(reply: str) -> str | None:
    """The number the reply commits to, as written; None where it commits to none.

    A reply that ends by asking for something, with no number announced as the answer, commits to
    none.
    """
    reply = _CALL.sub("", reply)  # what a calculator is asked is no answer
    announced: re.Match[str] | None = None
    for cue in _COMMIT.finditer(reply):
        match = _VALUE.search(reply, cue.end())
        near = match is not None and match.start() - cue.end() <= 24
        if match is not None and near and _value(match) is not None:
            announced = match
    if announced is not None:
        return announced.group().strip()
    text = reply.strip()
    if text.endswith("?") or _REQUEST.search(text):
        return None
    found = [match for match in _VALUE.finditer(text) if _value(match) is not None]
    return found[-1].group().strip() if found else None


def same(answer: str, gold: str) -> bool:
    """Whether two written numbers are equal, to a millionth of the gold value."""
    a, b = number(answer), number(gold)
    return a is not None and b is not None and abs(a - b) <= abs(b) / 1_000_000
