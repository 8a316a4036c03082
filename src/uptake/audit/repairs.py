"""Repair: trouble, initiation, solution, uptake, as linked turns.

    ask          one asks about what the other said, who solves it        (other-initiated)
    meant        "no, I meant …": the speaker mends what a reply misread   (third position)
    correct      one puts right what the other said                        (other-repair)
    change       a speaker mends an earlier turn of their own               (self-repair)

After Schegloff, Jefferson & Sacks 1977, and Schegloff 1992 for third position. A sequence whose
solution or uptake is None was left open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from uptake.acts import ASKING
from uptake.audit.heard import Heard
from uptake.audit.marks import Mark, Marks, does
from uptake.audit.signals import Signal

__all__ = ["REPAIRS", "Repair", "repairs"]

REPAIRS = ("ask", "meant", "correct", "change")
"""Every kind of repair, in the order in which they are shown."""

_ASKS = ASKING - {"follow_up"}
_OTHER = {"user": "assistant", "assistant": "user"}


@dataclass(frozen=True, slots=True)
class Repair:
    """One sequence of repair; each part is the place of a turn.

    `by` is who begins the repair and `of` whose turn was the trouble. `held` is true where the
    partner took the solution up, false where it did not, None where the log ends before.
    """

    kind: str
    by: str
    of: str
    trouble: int
    initiation: int
    solution: int | None = None
    uptake: int | None = None
    held: bool | None = None


def repairs(heard: Heard, marks: Marks, found: tuple[Signal, ...]) -> tuple[Repair, ...]:
    """The repair sequences of a conversation, in the order in which they begin."""
    failed = {signal.at for signal in found}
    made = [
        repair
        for at in heard.turns
        for mark in marks.get(at, ())
        if (repair := _repair(heard, marks, failed, at, mark)) is not None
    ]
    made.sort(key=lambda repair: (repair.initiation, REPAIRS.index(repair.kind)))
    # A turn may ask and mend, but what it mends it mends once.
    once = {(repair.initiation, repair.kind == "ask"): repair for repair in reversed(made)}
    return tuple(sorted(once.values(), key=lambda repair: (repair.initiation, repair.kind)))


def _repair(heard: Heard, marks: Marks, failed: set[int], at: int, mark: Mark) -> Repair | None:
    by = heard.role(at)
    trouble = mark.target
    if trouble is None or mark.probability < 0.5:
        return None
    of = heard.role(trouble)
    if mark.name in _ASKS and of != by:
        return _asked(heard, marks, failed, at, by, trouble)
    if mark.name == "repair_third":
        return _settled(heard, marks, "meant", at, by, of, trouble)
    if mark.name == "correct_other" and of != by:
        return _settled(heard, marks, "correct", at, by, of, trouble)
    if mark.name == "repair_self" and of == by:
        return _settled(heard, marks, "change", at, by, of, trouble)
    return None


def _asked(heard: Heard, marks: Marks, failed: set[int], at: int, by: str, trouble: int) -> Repair:
    """Who asked gets an answer, and then goes on or asks again."""
    other = _OTHER[by]
    solution = heard.after(at, other)
    gone = solution is not None and solution in failed and other == "user"
    if solution is None or gone:
        return Repair("ask", by, other, trouble, at, held=False if gone else None)
    uptake = heard.after(solution, by)
    again = does(marks, uptake, "huh") or uptake in failed
    held = None if uptake is None else not again
    return Repair("ask", by, other, trouble, at, solution, uptake, held)


def _settled(
    heard: Heard, marks: Marks, kind: str, at: int, by: str, of: str, trouble: int
) -> Repair:
    """The turn that begins the repair brings the solution; the partner's next takes it up."""
    uptake = heard.after(at, _OTHER[by])
    held = None
    if uptake is not None:
        after = next(_later_repairs(heard, marks, uptake, by), None)
        held = not does(marks, uptake, "huh", "reject") and after is None
    return Repair(kind, by, of, trouble, at, at, uptake, held)


def _later_repairs(heard: Heard, marks: Marks, uptake: int, by: str) -> Iterator[int]:
    """The turn after the uptake, where it mends the same once more."""
    again = heard.after(uptake, by)
    if does(marks, again, "repair_third", "correct_other") and again is not None:
        yield again
