"""A `Task`: a function to be written, as rules with their values; sayable, solvable, testable.

Each rule that is needed shows in the tests: a task is drawn again until leaving out any one of
them, or taking another value for it, changes an output. Training and held-out tasks differ in
mixtures of rules, wordings, things and function names.

This module knows nothing of instructions, replies or sandboxes; it runs only what it wrote itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from uptake.domains.code.answer import same
from uptake.domains.code.claims import CLAIMS
from uptake.domains.code.rules import KINDS, Kind, Rule, is_heldout_mix

__all__ = ["Case", "Chosen", "Task", "draw", "retold", "tests"]

_VERBS = {
    "train": ("compute", "get", "make", "process", "build", "collect"),
    "heldout": ("derive", "tally", "arrange", "extract", "prepare"),
}
_NUMBERS = {
    "train": ("number numbers", "score scores", "price prices", "mark marks", "age ages"),
    "heldout": ("reading readings", "weight weights", "distance distances"),
}
_WORDS = {
    "train": ("word words", "name names", "label labels", "tag tags"),
    "heldout": ("city cities", "nickname nicknames", "keyword keywords"),
}
_ASK = {
    "train": (
        "Write a Python function `{call}` that takes {takes} and returns {result} made from it.",
        "I need a Python function `{call}`: it gets {takes} and returns {result} made from it.",
    ),
    "heldout": ("Could you code `{call}` in Python? In go {takes}; out comes {result}.",),
}
# Short, lower case, many of one length, many that share letters: so that rules have work to do.
_POOL = tuple(
    """ab be so to me sun map tea bat sea toe base tone mast seal boat meat stem team moss
    table stone beast motor sugar basket market sunset tablet bottle monster stomach butter
    planet river garden quilt echo iris level noon""".split()
)
_RESULTS = frozenset({"total", "extreme", "average", "join", "letters"})
_CASES = 12
_TRIED = 120


@dataclass(frozen=True, slots=True)
class Chosen:
    """A rule with the value it takes, and another value that would contradict it."""

    rule: Rule
    value: str
    other: str

    def turned(self) -> Chosen:
        """The same rule with the other value."""
        return Chosen(self.rule, self.other, self.value)


@dataclass(frozen=True, slots=True)
class Case:
    """One test: positional arguments, and what the function returns for them (both JSON)."""

    args: tuple[Any, ...]
    output: Any


@dataclass(frozen=True, slots=True)
class Task:
    """A function to write: `name`, `parameters`, and rules in the order in which they work."""

    kind: Kind
    split: str
    name: str
    parameters: tuple[str, ...]
    item: str
    items: str
    rules: tuple[Chosen, ...]

    def changed(self, name: str) -> Task:
        """The task where the rule of that name takes its other value."""
        return replace(
            self, rules=tuple(c.turned() if c.rule.name == name else c for c in self.rules)
        )

    def without(self, name: str) -> Task | None:
        """The task less the rule of that name; None where what is left would not be all of it.

        That is so of what makes up the result, which the intent announces, of the side of the
        limit that the function takes, and of rules of which one says nothing without the other.
        """
        rule = next(chosen.rule for chosen in self.rules if chosen.rule.name == name)
        tied = {need for chosen in self.rules for need in chosen.rule.needs}
        if name in _RESULTS | {"bound"} | tied or rule.needs:
            return None
        return replace(self, rules=tuple(c for c in self.rules if c.rule.name != name))

    def gaps(self) -> list[int]:
        """The rules, counted from 0, without which one can see that something was left unsaid.

        The intent names what comes back and that there is a limit. That a filter or an order is
        lacking nobody could know.
        """
        return [i for i, c in enumerate(self.rules) if c.rule.name in _RESULTS | {"bound"}]

    def claim(self, chosen: Chosen) -> tuple[str, str]:
        """A rule as a clause and as a question that wants yes or no."""
        claim, check = (
            words.format(v=chosen.value, item=self.item, items=self.items)
            for words in CLAIMS[chosen.rule.name]
        )
        return claim, check

    def ask(self, rng: Random) -> str:
        """The intent: the function, what it takes and what sort of thing it returns."""
        names = {chosen.rule.name for chosen in self.rules}
        result = "a new list"
        if "join" in names:
            result = "one string"
        elif names & _RESULTS:
            result = "one number"
        return rng.choice(_ASK[self.split]).format(
            call=f"{self.name}({', '.join(self.parameters)})",
            takes=self.kind.takes[self.split].format(items=self.items),
            result=result,
        )

    def fill(self, template: str, value: str) -> str:
        """A rule's template with this task's things in it, as a sentence."""
        text = template.format(v=value, item=self.item, items=self.items)
        return text[0].upper() + text[1:] if template[0] == "{" else text

    def source(self, without: str | None = None, other: str | None = None) -> str:
        """The function in Python: without the rule of one name, or with its other value."""
        lines = [self.kind.first.format(arg=self.parameters[0])]
        for chosen in self.rules:
            if chosen.rule.needed and chosen.rule.name != without:
                value = chosen.other if chosen.rule.name == other else chosen.value
                lines += chosen.rule.code[value].split("\n")
        made = any(line.startswith("result =") for line in lines)
        lines.append("return result" if made else "return items")
        head = f"def {self.name}({', '.join(self.parameters)}):"
        return "\n".join([head, *(f"    {line}" for line in lines)]) + "\n"

    def run(self, args: Sequence[Any], *, source: str | None = None) -> Any:
        """What the function returns; raises what it raises. `source` must be this task's own."""
        return _function(source or self.source(), self.name)(*args)


def _function(source: str, name: str) -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(compile(source, name, "exec"), space)
    return space[name]


def draw(rng: Random, split: str) -> Task:
    """A task of that split, of 2 to 7 rules, each of which shows in `tests`."""
    while True:
        task = _draw(rng, split)
        names = tuple(chosen.rule.name for chosen in task.rules)
        held = is_heldout_mix((task.kind.name, *names))
        if 2 <= len(names) <= 7 and held == (split == "heldout") and tests(task, 0):
            return task


def _draw(rng: Random, split: str) -> Task:
    kind = rng.choice(KINDS)
    found: dict[str, Rule] = {}
    for slot in kind.slots:
        if rng.random() < slot.chance:
            found[slot.name] = rng.choice(slot.rules)
    needs = {need for rule in found.values() for need in rule.needs}
    for slot in kind.slots:
        if slot.name in needs and slot.name not in found:
            found[slot.name] = rng.choice(slot.rules)
    rules = [_choose(found[slot.name], rng) for slot in kind.slots if slot.name in found]
    nouns = _WORDS if kind.slots[1].rules[0].name == "longer" else _NUMBERS
    item, items = rng.choice(nouns[split]).split()
    name = f"{rng.choice(_VERBS[split])}_{items}"
    first = "text" if kind.name == "text" else items
    parameters = (first, "limit") if kind.name == "bounded" else (first,)
    return Task(kind, split, name, parameters, item, items, tuple(rules))


def _choose(rule: Rule, rng: Random) -> Chosen:
    value, other = rng.sample(sorted(rule.code), 2)
    return Chosen(rule, value, other)


def tests(task: Task, seed: int) -> tuple[Case, ...]:
    """Up to 12 cases that tell the function from each of its mutants; none where none would.

    A mutant lacks one needed rule, or takes the other value for it. The same for the same seed.
    """
    rng = Random(f"{seed}/{task.source()}")
    tried = [_arguments(task, rng, size) for size in (0, 1, *_sizes(rng))]
    gold = _function(task.source(), task.name)
    outputs = [gold(*args) for args in tried]
    chosen = {0}
    for mutant in _mutants(task):
        function = _function(mutant, task.name)
        telling = [at for at, args in enumerate(tried) if not _gives(function, args, outputs[at])]
        if not telling:
            return ()
        if chosen.isdisjoint(telling):
            chosen.add(rng.choice(telling))
    spare = [at for at in range(len(tried)) if at not in chosen]
    chosen.update(spare[: max(0, _CASES - len(chosen))])
    return tuple(Case(tried[at], outputs[at]) for at in sorted(chosen))


def retold(task: Task, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The same inputs with what another reading of the task gives for them."""
    function = _function(task.source(), task.name)
    return tuple(Case(case.args, function(*case.args)) for case in cases)


def _mutants(task: Task) -> list[str]:
    names = [chosen.rule.name for chosen in task.rules if chosen.rule.needed]
    lacking = [task.source(without=name) for name in names]
    return lacking + [task.source(other=name) for name in names]


def _gives(function: Callable[..., Any], args: Sequence[Any], output: Any) -> bool:
    try:
        return same(function(*args), output)
    except (TypeError, ValueError, ArithmeticError, NameError):  # a rule lacks one it needs
        return False


def _sizes(rng: Random) -> list[int]:
    return [rng.randint(2, 9) for _ in range(_TRIED)]


def _arguments(task: Task, rng: Random, size: int) -> tuple[Any, ...]:
    """Arguments with `size` items, some of them equal."""
    if task.kind.name in ("words", "text"):
        few = rng.sample(_POOL, max(1, size - rng.randint(0, 2)))
        words = [rng.choice(few) for _ in range(size)]
        return (" ".join(words),) if task.kind.name == "text" else (words,)
    numbers = [rng.randint(0, 20) for _ in range(size)]
    return (numbers, rng.randint(5, 15)) if task.kind.name == "bounded" else (numbers,)
