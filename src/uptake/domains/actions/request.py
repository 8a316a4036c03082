"""A `Request`: a function to call with drawn values, further calls, and every fact sayable.

The first call takes a value a fact. A further call is one fact: the same once more with one other
value ("Do the same for Oslo, too."), or another function that one value completes. For each fact
it is known which calls are right where it has another value, or is taken back.

This module knows nothing of instructions, or of the themes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from uptake.domains.actions.calls import Call
from uptake.domains.actions.tools import Function, Param, Theme, Value, reading, say

__all__ = ["Fact", "Request", "draw"]

_SPLITS = ("train", "heldout")
_WISH = {
    "train": ("Please {do}.", "I want to {do}.", "Help me to {do}.", "I would like to {do}."),
    "heldout": ("Could you {do}?", "I need to {do}.", "Let's {do}.", "It is time to {do}."),
}
_AGAIN = {
    "train": ("Do the same for {v}, too.", "The same [again|once more] for {v}."),
    "heldout": ("And then repeat all of that for {v}.", "I need one more just like it for {v}."),
}
_AGAIN_CLAIM = {
    "train": "the same is wanted for {v}, too",
    "heldout": "all of that is repeated for {v}",
}
_CHECK = {"train": "Is it right that {claim}?", "heldout": "Am I right that {claim}?"}
# What makes no difference: the quantity, how it is said, the values.
_ASIDES = {
    "train": (
        ("my favourite colour", "My favourite colour is {v}.", ("green", "blue", "violet")),
        ("what the sky is like", "The sky is [quite |very |]{v} here.", ("grey", "clear", "pale")),
    ),
    "heldout": (
        ("what I had for breakfast", "I had {v} for breakfast.", ("porridge", "muesli", "toast")),
        ("my mood", "I am [rather|a little] {v} today.", ("sleepy", "cheerful", "nervous")),
    ),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the user says beside the goal: what it settles, and how it is said.

    `phrase` tells it within the request, None for what takes a sentence of its own. `other` says
    it with another value, `vague` leaves open what it is about; None where there is no such
    wording. `claim` is a clause that states it, `false_claim` one for the other value; None for
    what only the speaker can say of themselves. `needed` is whether any call depends on it, `gap`
    whether the request is plainly not complete without it. `revised` and `withdrawn` are the right
    calls where it has the other value, and where it is taken back; None where none are right.
    """

    quantity: str
    value: str
    text: str
    phrase: str | None = None
    other: str | None = None
    vague: str | None = None
    claim: str | None = None
    false_claim: str | None = None
    needed: bool = True
    gap: bool = False
    revised: tuple[Call, ...] | None = None
    withdrawn: tuple[Call, ...] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants done: the goal, the facts, the functions offered, the right calls."""

    theme: str
    split: str
    does: str
    facts: tuple[Fact, ...]
    functions: tuple[dict[str, Any], ...]
    calls: tuple[Call, ...]
    distractor: str

    def goal(self, rng: Random) -> str:
        """The intent, without any value."""
        return rng.choice(_WISH[self.split]).format(do=self.does)

    def check(self, claim: str | None) -> str | None:
        """A question whether a claim holds; None where there is no claim."""
        return None if claim is None else _CHECK[self.split].format(claim=claim)

    def whole(self, rng: Random) -> str:
        """Everything in a few sentences: the wish with its phrases, then the rest."""
        told = [fact.phrase for fact in self.facts if fact.phrase is not None]
        rest = [fact.text for fact in self.facts if fact.phrase is None]
        wish = rng.choice(_WISH[self.split]).format(do=" ".join([self.does, ", ".join(told)]))
        return " ".join([wish, *rest])


_Plan = tuple[tuple[Function, dict[str, Any]], ...]
"""The calls to make: each function with its values by parameter."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A fact, and what it does to the plan: where its value goes, and another one for it."""

    fact: Fact
    param: Param | None = None
    call: int = 0
    other: Any = None

    def changed(self, plan: _Plan) -> _Plan:
        """The plan with the other value."""
        return self._put(plan, lambda values, name: {**values, name: self.other})

    def without(self, plan: _Plan) -> _Plan | None:
        """The plan without the fact; None where a call cannot do without it."""
        if self.call:
            return plan[: self.call] + plan[self.call + 1 :]
        if self.param is not None and self.param.required:
            return None
        return self._put(plan, lambda values, name: {k: values[k] for k in values if k != name})

    def _put(self, plan: _Plan, put: Callable[[dict[str, Any], str], dict[str, Any]]) -> _Plan:
        """The plan with other values where this one's went; what is done again has it, too."""
        if self.param is None:
            return plan
        name = self.param.name
        return tuple(
            (function, put(values, name) if self._goes_into(plan, i) else values)
            for i, (function, values) in enumerate(plan)
        )

    def _goes_into(self, plan: _Plan, call: int) -> bool:
        """Whether a call has the value: its own, or one that repeats the first with it."""
        first = plan[0][0]
        again = self.param is not None and self.param.name == first.again
        repeats = self.call == 0 and plan[call][0] is first and not again
        return call == self.call or repeats


@dataclass(slots=True)
class _Draw:
    """What is known while a request is drawn; a value is said of one thing only."""

    rng: Random
    split: str
    said: set[str] = field(default_factory=set[str])

    def value(self, param: Param) -> Value:
        """A value not said before, and not what the parameter would be anyway."""
        while True:
            found = param.kind.draw(self.rng, self.split)
            if found.text not in self.said and found.data != param.default:
                self.said.add(found.text)
                return found

    def another(self, param: Param, value: Value) -> Value:
        """Another value, said of nothing else; one that is the default will do."""
        taken = self.said - {value.text}
        free = param.kind.schema.get("uniqueItems") is True
        for _ in range(200):
            found = param.kind.draw(self.rng, self.split)
            same = sorted(found.data) == sorted(value.data) if free else found.data == value.data
            if found.text != value.text and not same and found.text not in taken:
                return found
        raise ValueError(f"{param.name} has too few values")

    def fact(self, param: Param, value: Value, subject: str) -> _Said:
        words = reading(param.says, self.rng)
        phrase = say(reading([param.phrase], self.rng), value.text)
        other = self.another(param, value)
        fact = Fact(
            param.quantity,
            value.text,
            say(words, value.text, subject),
            phrase=phrase,
            other=say(words, other.text, subject),
            vague=say(words, value.text, "it"),
            claim=say(param.claim, value.text, subject),
            false_claim=say(param.claim, other.text, subject),
            gap=param.required,
        )
        return _Said(fact, param, 0, other.data)

    def further(
        self,
        patterns: Sequence[str],
        claim: str,
        quantity: str,
        param: Param,
        value: Value,
        call: int,
    ) -> _Said:
        """The fact that one more call is wanted: the plan's number `call`."""
        words = reading(patterns, self.rng)
        other = self.another(param, value)
        fact = Fact(
            quantity,
            value.text,
            say(words, value.text),
            other=say(words, other.text),
            vague=say("And {v} as well.", value.text),
            claim=say(claim, value.text),
            false_claim=say(claim, other.text),
        )
        return _Said(fact, param, call, other.data)

    def aside(self) -> _Said:
        quantity, pattern, known = self.rng.choice(_ASIDES[self.split])
        words = reading([pattern], self.rng)
        value, other = self.rng.sample(known, 2)
        fact = Fact(quantity, value, say(words, value), other=say(words, other), needed=False)
        return _Said(fact)


def draw(rng: Random, split: str, themes: Mapping[str, Sequence[Theme]]) -> Request:
    """One request of the split ("train" or "heldout"). Raises ValueError for any other split."""
    if split not in _SPLITS:
        raise ValueError(f"unknown split {split!r}; choose from {', '.join(_SPLITS)}")
    theme = rng.choice(themes[split])
    main = rng.choice([function for function in theme.functions if function.does])
    drawing = _Draw(rng, split)
    values, said = _first(drawing, main)
    plan: list[tuple[Function, dict[str, Any]]] = [(main, values)]
    further = rng.choice((0, 0, 1, 1, 2))
    if further and len(said) < 6 and rng.random() < 0.6:
        param = main.param(main.again)
        value = drawing.value(param)
        quantity = f"{param.quantity} the second time"
        words, claim = _AGAIN[split], _AGAIN_CLAIM[split]
        said.append(drawing.further(words, claim, quantity, param, value, len(plan)))
        plan.append((main, {**values, param.name: value.data}))
        further -= 1
    others = [function for function in theme.functions if function.also]
    if further and len(said) < 7:
        function = rng.choice(others)
        param = function.params[0]
        value = drawing.value(param)
        words, claim = function.also, function.also_claim
        said.append(drawing.further(words, claim, param.quantity, param, value, len(plan)))
        plan.append((function, {param.name: value.data}))
    if len(said) < 7 and rng.random() < 0.2:
        said.insert(rng.randint(1, len(said)), drawing.aside())
    named = _named(rng, split, theme, themes[split])
    facts, calls = _settled(tuple(plan), said, named)
    return Request(
        theme.name,
        split,
        main.does,
        facts,
        tuple(function.schema(called) for function, called in named.values()),
        calls,
        _distractor(split, facts),
    )


def _settled(
    plan: _Plan, said: Sequence[_Said], named: Mapping[str, tuple[Function, str]]
) -> tuple[tuple[Fact, ...], tuple[Call, ...]]:
    """The facts with the calls that are right without and with another value, and the calls."""

    def calls(planned: _Plan) -> tuple[Call, ...]:
        return tuple(Call(named[f.name][1], f.arguments(values)) for f, values in planned)

    facts: list[Fact] = []
    for each in said:
        without = each.without(plan)
        facts.append(
            replace(
                each.fact,
                revised=calls(each.changed(plan)),
                withdrawn=None if without is None else calls(without),
            )
        )
    return tuple(facts), calls(plan)


def _distractor(split: str, facts: Sequence[Fact]) -> str:
    """A sentence that makes no difference, of a kind that the request does not hold yet."""
    rng = Random("/".join(["distractor", *(fact.text for fact in facts)]))
    held = {fact.quantity for fact in facts}
    _, pattern, known = rng.choice([aside for aside in _ASIDES[split] if aside[0] not in held])
    return say(reading([pattern], rng), rng.choice(known))


def _first(drawing: _Draw, main: Function) -> tuple[dict[str, Any], list[_Said]]:
    """The values and facts of the first call: all that it needs, some of what it may have."""
    optional = [param for param in main.params if not param.required]
    chosen = drawing.rng.sample(optional, drawing.rng.randint(0, len(optional)))
    params = [param for param in main.params if param.required or param in chosen]
    drawn = [(param, drawing.value(param)) for param in params]
    said = [drawing.fact(param, value, main.subject) for param, value in drawn]
    return {param.name: value.data for param, value in drawn}, said


def _named(
    rng: Random, split: str, theme: Theme, themes: Sequence[Theme]
) -> dict[str, tuple[Function, str]]:
    """The functions on offer in any order, and the name each goes by: one style a request."""
    other = rng.choice([each for each in themes if each is not theme])
    offered = [(theme, each) for each in theme.functions]
    offered.append((other, rng.choice(other.functions)))
    rng.shuffle(offered)
    style = rng.choice(("plain", "camel" if split == "train" else "dotted"))
    found: dict[str, tuple[Function, str]] = {}
    for home, function in offered:
        first, *rest = function.name.split("_")
        called = {
            "plain": function.name,
            "camel": first + "".join(part.title() for part in rest),
            "dotted": f"{home.name}.{function.name}",
        }[style]
        found[function.name] = (function, called)
    return found
