"""What a story is made of: facts, steps, and a question."""

from __future__ import annotations

from dataclasses import dataclass

from uptake.domains.math.stories.forms import Forms

__all__ = ["Fact", "Step", "Story"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One quantity of a story.

    `quantity` names it ("how many apples Ann has at first"); `say` states it; `vague` mentions it
    without its value; `check` asks about it directly; `low`..`high` is the range of its value.
    `droppable`: leaving it unsaid makes the request incomplete. `optional`: the story still makes
    sense without it. Distractors are not `needed`.
    """

    key: str
    quantity: str
    say: Forms
    vague: tuple[str, ...]
    check: str
    low: int = 2
    high: int = 20
    droppable: bool = False
    optional: bool = False
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """`left op right`, each a fact's key or "#i", the result of step i."""

    op: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Story:
    """Facts in telling order, the plan that leads to the answer, and the question."""

    name: str
    facts: tuple[Fact, ...]
    plan: tuple[Step, ...]
    questions: Forms
