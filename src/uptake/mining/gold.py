"""What a right reply would be, as far as a conversation tells: the best verifier that can be had.

    tests       the user's own `assert f(2) == 4` in a block of code          domain code
    said        the user says what it should have been: "No, it should be 42"  domain math or exact
    asked       "Answer with exactly 'yes' …"                                  domain exact
    accepted    a number that the user took as it was ("Thanks!")              domain math
    judge       nothing of this: a model must judge                            domain request

What a user accepted may be wrong all the same, and what a user says is right may not be: `by` says
how it is known, so that whoever looks at a score can see. By patterns of English.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from uptake.audit import Audit
from uptake.audit.heard import Heard
from uptake.audit.marks import does
from uptake.domains.math import committed, same

__all__ = ["Gold", "gold"]

_BLOCK = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_SHOULD = re.compile(
    r"\b(?:it|that|this|the (?:right |correct )?(?:answer|result|output|total))"
    r" (?:should|must|ought to) (?:be|have been|say|read)\s+(?P<should>\S.{0,120})"
    r"|\bthe (?:right|correct) (?:answer|result|output|total) (?:is|was)\s+(?P<right>\S.{0,120})"
    r"|\bthe answer is(?: actually)?\s+(?P<answer>\S.{0,120})",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"[\"“'‘`](?P<text>[^\"“”'‘’`\n]{1,80})[\"”'’`]")
_VALUE = re.compile(r"[$€£]?[-\u2212]?\d[\d,]*(?:\.\d+)?(?!\s*\w*[/:])")
_EXACTLY = re.compile(
    r"\b(?:answer|reply|respond|print|output|say|write|return) (?:with )?(?:only |just |exactly )+"
    + _QUOTE.pattern,
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"\bhow (?:many|much|old|far|long|tall|heavy)\b|\bthe (?:number|amount|sum|total) of\b"
    r"|\b(?:calculate|compute|add up|work out|sum of)\b"
    r"|\bwhat(?:'s| is| are| was| will)\b[^.?!]*\b(?:total|sum|cost|price|number|average|percent\w*"
    r"|age|times|plus|minus|divided)\b",
    re.IGNORECASE,
)
_ACCEPTS = re.compile(
    r"\W*(?:ok(?:ay)?\W+|great\W+|ah\W+)*(?:thanks|thank you|perfect|great|correct|exactly|right"
    r"|yes|that's (?:right|it|correct|what i)|good|nice|wonderful)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Gold:
    """The domain whose verifier checks replies, the answer, and how it is known (`by`).

    `before` is the place of the turn that gave the answer away: it and what follows are not
    played again. `meta` is what the domain needs beside.
    """

    domain: str
    answer: str
    by: str
    before: int | None = None
    meta: dict[str, Any] = field(default_factory=dict[str, Any])


def gold(found: Audit) -> Gold:
    """The best verifier for one conversation."""
    heard = found.heard
    accepted = _accepted(found)
    reference = heard.texts[accepted[0]] if accepted else ""
    end = accepted[1] if accepted else _gave_up(found)
    return (
        _tests(heard, reference, end)
        or _said(found)
        or _asked(heard, end)
        or (_number(heard, *accepted) if accepted else None)
        or Gold("request", reference, "judge", end)
    )


def _tests(heard: Heard, reference: str, end: int | None) -> Gold | None:
    """The user's own assertions on one function, with plain values."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for at in heard.users:
        for block in _BLOCK.findall(heard.texts[at]):
            for name, case in _asserted(block):
                cases.setdefault(name, []).append(case)
    if not cases:
        return None
    name = max(cases, key=lambda each: len(cases[each]))
    return Gold("code", reference, "tests", end, {"function": name, "tests": cases[name]})


def _asserted(block: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each `assert f(LITERALS) == LITERAL` of a block."""
    for line in block.splitlines():
        if not line.strip().startswith("assert "):
            continue
        try:
            (statement,) = ast.parse(line.strip()).body
            assert isinstance(statement, ast.Assert)
            test = statement.test
            assert isinstance(test, ast.Compare)
            call, (value,) = test.left, test.comparators
            assert isinstance(test.ops[0], ast.Eq)
            assert isinstance(call, ast.Call)
            assert isinstance(call.func, ast.Name)
            assert not call.keywords
            given = [ast.literal_eval(each) for each in call.args]
            yield call.func.id, {"input": given, "output": ast.literal_eval(value)}
        except (AssertionError, SyntaxError, ValueError, TypeError):
            continue


def _said(found: Audit) -> Gold | None:
    """What the user says that a reply should have been, where it was not."""
    heard = found.heard
    for at in reversed(heard.users):
        reply = heard.before(at, "assistant")
        told = _SHOULD.search(heard.texts[at])
        if reply is None or told is None:
            continue
        what = next(filter(None, told.groups()))
        quoted, value = _QUOTE.match(what), _VALUE.match(what)
        given = committed(heard.texts[reply])
        if quoted and quoted["text"].casefold() not in heard.texts[reply].casefold():
            return Gold("exact", quoted["text"], "said by the user", at)
        plain = told["should"] is None or _counts(heard, at)  # "it should be 6 rooms" is a wish
        if value and given is not None and not same(given, value[0]) and plain:
            return Gold("math", value[0].rstrip(","), "said by the user", at)
    return None


def _asked(heard: Heard, end: int | None) -> Gold | None:
    for at in reversed(heard.users):
        asked = _EXACTLY.search(heard.texts[at]) if end is None or at < end else None
        alone = asked and not re.match(r"\W*\bor\b", heard.texts[at][asked.end() :])
        if asked and alone:
            return Gold("exact", asked["text"], "asked for", end)
    return None


def _accepted(found: Audit) -> tuple[int, int] | None:
    """The last reply that the user took as it was, and the turn that did; no failure after it."""
    heard = found.heard
    failed = {signal.at for signal in found.signals}
    for at in reversed(heard.users):
        reply = heard.before(at, "assistant")
        if reply is None or at in failed:
            return None
        if _ACCEPTS.match(heard.texts[at]) and does(found.marks, reply, "commit"):
            return reply, at
    return None


def _gave_up(found: Audit) -> int | None:
    """The turn in which the user gave up; what follows is not played again."""
    return next((signal.at for signal in found.signals if signal.name == "gives_up"), None)


def _number(heard: Heard, reply: int, at: int) -> Gold | None:
    given = committed(heard.texts[reply])
    if given is None or not _counts(heard, at):
        return None
    return Gold("math", given, "accepted by the user", at)


def _counts(heard: Heard, before: int) -> bool:
    """Whether a number was asked for before a place."""
    return any(_COUNTS.search(heard.texts[at]) for at in heard.users if at < before)
