"""Which facts of a GSM8K problem its answer hangs on, read off the worked solution.

GSM8K's solutions carry their sums as `<<16-3-4=9>>` (Cobbe et al. 2021, arXiv 2110.14168). A shard
is a gap where it alone tells a number that a sum takes, and

* the sums, done again with another number there, come to another answer: the rest of the problem
  fits several, by the one solution that is known, and nothing in it decides between them;
* they break with nothing there: one comes to 0 or less, or cannot be done. Otherwise the rest would
  be a problem by itself (a further purchase left out), and nobody could miss the fact.

This is GSM-MC's way of making an unsolvable problem of a solvable one (Wang et al. 2025, arXiv
2507.23407), without a model.

What it does not know: whether something else in the text gives the number away by another road, or
whether the world does. Numbers that anybody knows (`COMMON`) are therefore never gaps, nor is one
that an earlier sum comes to. A model that solves what is left over shows the rest:
`uptake probe missing`, the score of the first reply.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from uptake.conversation import thaw
from uptake.domains.data2text.values import numbers
from uptake.instruction import Instruction
from uptake.sharding.sentence import UnshardableError

__all__ = ["COMMON", "known_gaps", "with_gaps"]

COMMON = frozenset(map(Fraction, (0, 1, 2, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000)))
"""Numbers that need not be told: of days, hours and parts, and those that words hide ("twice")."""

_SUM = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
    ast.Div: lambda one, other: one / other,
}


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum of a worked solution: what is done, and what it comes to."""

    done: ast.expr
    result: Fraction


def with_gaps(instruction: Instruction) -> Instruction:
    """The instruction with its gaps in `meta["gaps"]`, which the probe `missing` leaves out.

    Raises UnshardableError where it has none, or no worked solution to know them by.
    """
    found = known_gaps(instruction)
    if not found:
        raise UnshardableError("no fact is known whose absence leaves it unsolvable")
    meta = {**thaw(instruction.meta), "gaps": list(found), "gaps_by": "worked solution"}
    return replace(instruction, meta=meta)


def known_gaps(instruction: Instruction) -> tuple[int, ...]:
    """The shards without which the problem is known to have no one answer; none where unknown."""
    solution = instruction.meta.get("solution")
    sums = _sums(solution) if isinstance(solution, str) else []
    answer = _number(instruction.answer)
    if not sums or answer is None or _redone(sums, {}) != answer:
        return ()
    told = [_told(shard.text) for shard in instruction.shards]
    return tuple(
        i
        for i, mine in enumerate(told)
        if i and any(_decides(value, sums, answer) for value in mine - _others(told, i))
    )


def _decides(value: Fraction, sums: Sequence[_Sum], answer: Fraction) -> bool:
    """Whether the answer hangs on a number that was told."""
    if value in COMMON or any(one.result == value for one in sums):
        return False
    others = [_redone(sums, {value: other}) for other in (value + 1, 2 * value + 3)]
    if any(found is None or found == answer for found in others):
        return False
    return _redone(sums, {value: Fraction(0)}) is None


def _redone(sums: Sequence[_Sum], changed: Mapping[Fraction, Fraction]) -> Fraction | None:
    """What the last sum comes to with numbers `changed`; None where one breaks.

    It does where it cannot be done, or comes to 0 or less, as no sum of a told problem does. A
    number that an earlier sum came to is what that sum comes to now.
    """
    now, result = dict(changed), None
    for one in sums:
        try:
            result = _value(one.done, now)
        except (ValueError, ZeroDivisionError):
            return None
        if result <= 0 < one.result or (not changed and result != one.result):
            return None
        now[one.result] = result
    return result


def _value(node: ast.expr, now: Mapping[Fraction, Fraction]) -> Fraction:
    """The value of a sum. Raises ValueError for what is no sum, ZeroDivisionError."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        number = Fraction(str(node.value))
        return now.get(number, number)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, now)
    if isinstance(node, ast.BinOp) and (done := _OPERATIONS.get(type(node.op))):
        return done(_value(node.left, now), _value(node.right, now))
    raise ValueError("no sum")


def _sums(solution: str) -> list[_Sum]:
    """The sums of a worked solution in their order; none where one cannot be read."""
    found: list[_Sum] = []
    for done, result in _SUM.findall(solution):
        number = _number(result)
        try:
            tree = ast.parse(_plain(done), mode="eval")
        except SyntaxError:
            return []
        if number is None:
            return []
        found.append(_Sum(tree.body, number))
    return found


def _plain(written: str) -> str:
    """A sum as Python reads it: no thousands marks, signs of money, or noughts that lead."""
    bare = re.sub(r"[$,\s]", "", written).replace("x", "*").replace("%", "/100")
    return re.sub(r"(?<![\d.])0+(?=\d)", "", bare)


def _number(written: str) -> Fraction | None:
    try:
        return Fraction(re.sub(r"[$,%\s]", "", written))
    except (ValueError, ZeroDivisionError):
        return None


def _told(text: str) -> frozenset[Fraction]:
    """The numbers that a shard tells, in digits or in words."""
    return frozenset(Fraction(one.value[1]) for one in numbers(text) if one.value[0] == "number")


def _others(told: Sequence[frozenset[Fraction]], mine: int) -> frozenset[Fraction]:
    return frozenset[Fraction]().union(*(each for i, each in enumerate(told) if i != mine))
