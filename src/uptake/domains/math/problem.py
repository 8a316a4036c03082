"""A `Problem`: a story with its people, things and numbers filled in, sayable in many ways.

Every sentence, question and check of a problem is made here, from the facts it holds, so that
whoever tells it (a scenario, a training chat) only chooses which of them to say.

This module knows nothing of instructions, chats or answers given by models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from uptake.domains.math.stories import DISTRACTORS, STORIES, Fact, Step, Story, distractor, long
from uptake.domains.math.words import COLOURS, container, is_heldout_pair, name, things

__all__ = ["LONG", "Problem", "Working", "draw", "draw_long", "solve", "sound"]

LONG = (7, 8)
"""How many shards a long problem may have, the question among them."""

Working = tuple[tuple[int, str, int, int], ...]
"""The steps of a solution, each (left, op, right, result) with op one of + - * /."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A story with words and values. `facts` are in telling order, distractors included."""

    story: Story
    facts: tuple[Fact, ...]
    words: Mapping[str, str]
    values: Mapping[str, int]
    split: str

    @property
    def working(self) -> Working:
        return solve(self.story.plan, self.values)

    @property
    def answer(self) -> int:
        return self.working[-1][3]

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(self.words[key] for key in "ABCD")

    def fact(self, key: str) -> Fact:
        return next(fact for fact in self.facts if fact.key == key)

    def fill(self, template: str, value: int | None = None) -> str:
        text = template.format(**self.words, v="" if value is None else value)
        return text[0].upper() + text[1:] if template[0] == "{" else text

    def quantity(self, fact: Fact) -> str:
        """What the fact settles: "how many apples Ann has at first"."""
        return fact.quantity.format(**self.words)

    def say(self, fact: Fact, rng: Random, value: int | None = None) -> str:
        """A sentence that states the fact (or another `value` of it)."""
        chosen = self.values[fact.key] if value is None else value
        return self.fill(rng.choice(fact.say.of(self.split)), chosen)

    def claim(self, fact: Fact, value: int | None = None) -> str:
        """The plainest sentence that states the fact, without its full stop."""
        return self.fill(fact.say.train[0], self.values[fact.key] if value is None else value)[:-1]

    def aside(self, rng: Random) -> str | None:
        """A sentence that nothing depends on, of a kind that the problem does not hold yet.

        None where it holds every kind.
        """
        if set(DISTRACTORS) <= set(self.facts):
            return None
        fact = self._unheard(rng)
        return self.say(fact, rng, rng.randint(fact.low, fact.high))

    def with_aside(self, rng: Random) -> Problem:
        """The same problem with one more fact that nothing depends on, anywhere but first."""
        fact, facts = self._unheard(rng), list(self.facts)
        facts.insert(rng.randint(1, len(facts)), fact)
        values = {**self.values, fact.key: rng.randint(fact.low, fact.high)}
        return replace(self, facts=tuple(facts), values=values)

    def _unheard(self, rng: Random) -> Fact:
        held = {fact.key for fact in self.facts}
        while (fact := distractor(rng)).key in held:
            pass
        return fact

    def hint(self, fact: Fact, rng: Random) -> str:
        """A sentence that mentions the fact without its value."""
        return self.fill(rng.choice(fact.vague))

    def corefer(self, fact: Fact, text: str) -> str | None:
        """`text` with its person as a pronoun, or "the other one"; None where it has neither."""
        if fact.key == "second" and self.story.name == "pair":
            return self.fill("The other {K} holds {v} {T}.", self.values["second"])
        if not text.startswith(self.words["A"] + " "):
            return None
        return text.replace(self.words["A"], self.words["she"], 1)

    def can_corefer(self, fact: Fact, text: str, before: str) -> bool:
        """Whether such a pronoun has one possible referent after the sentence `before`."""
        named = [person for person in self.people if person in before]
        if fact.key == "second" and self.story.name == "pair":
            return self.words["P"] in before
        return named == [self.words["A"]] and text.startswith(self.words["A"] + " ")

    def check(self, fact: Fact, value: int) -> str:
        """A direct yes-or-no question about the fact."""
        return self.fill(fact.check, value)

    def question(self, rng: Random) -> str:
        return self.fill(rng.choice(self.story.questions.of(self.split)))

    def telling(self, rng: Random, *, coreference: float = 0.0) -> list[str]:
        """One sentence a fact, in order; pronouns at the given rate where they are clear."""
        sentences: list[str] = []
        for fact in self.facts:
            text = self.say(fact, rng)
            before = sentences[-1] if sentences else ""
            if self.can_corefer(fact, text, before) and rng.random() < coreference:
                text = self.corefer(fact, text) or text
            sentences.append(text)
        return sentences

    def with_value(self, key: str, value: int) -> Problem:
        return Problem(self.story, self.facts, self.words, {**self.values, key: value}, self.split)

    def without(self, key: str) -> Problem:
        """The same problem with an optional fact withdrawn.

        Raises ValueError where the story needs the fact.
        """
        if not self.fact(key).optional or len(self.story.plan) < 2:
            raise ValueError(f"{self.story.name} needs {key}")
        cut = next(i for i, step in enumerate(self.story.plan) if step.right == key)
        gone, left = f"#{cut}", self.story.plan[cut].left

        def relink(ref: str) -> str:
            if ref == gone:
                return left
            if ref.startswith("#") and int(ref[1:]) > cut:
                return f"#{int(ref[1:]) - 1}"
            return ref

        plan = tuple(
            Step(step.op, relink(step.left), relink(step.right))
            for i, step in enumerate(self.story.plan)
            if i != cut
        )
        story = Story(
            self.story.name,
            tuple(fact for fact in self.story.facts if fact.key != key),
            plan,
            self.story.questions,
        )
        facts = tuple(fact for fact in self.facts if fact.key != key)
        values = {k: v for k, v in self.values.items() if k != key}
        return Problem(story, facts, self.words, values, self.split)

    def other_value(self, key: str, rng: Random) -> int | None:
        """Another value of the fact under which the problem still works out, None if rare."""
        fact = self.fact(key)
        for _ in range(60):
            value = rng.randint(fact.low, fact.high)
            if value == self.values[key]:
                continue
            changed = self.with_value(key, value)
            if not fact.needed or sound(
                changed.story.plan, changed.values, self.split, strict=False
            ):
                return value
        return None


def solve(plan: Sequence[Step], values: Mapping[str, int]) -> Working:
    """Run the plan. A division that leaves a rest gives a result of -1."""
    results: list[int] = []
    steps: list[tuple[int, str, int, int]] = []

    def value(ref: str) -> int:
        return results[int(ref[1:])] if ref.startswith("#") else values[ref]

    for step in plan:
        a, b = value(step.left), value(step.right)
        if step.op == "/":
            result = a // b if b > 0 and a % b == 0 else -1
        else:
            result = {"+": a + b, "-": a - b, "*": a * b}[step.op]
        results.append(result)
        steps.append((a, step.op, b, result))
    return tuple(steps)


def sound(
    plan: Sequence[Step], values: Mapping[str, int], split: str, *, strict: bool = True
) -> bool:
    """Whether every result is between 1 and 300, and the number pairs belong to the split.

    Training problems hold no held-out pair; held-out ones (`strict`) hold at least one.
    """
    steps = solve(plan, values)
    if any(not 1 <= result <= 300 for *_, result in steps):
        return False
    held = [is_heldout_pair(op, a, b) for a, op, b, _ in steps]
    if split == "heldout":
        return any(held) or not strict
    return not any(held)


def draw(
    rng: Random,
    split: str,
    *,
    story: Story | None = None,
    names: str | None = None,
    distractors: float = 0.25,
    invented: float = 0.0,
    containers: float = 0.0,
) -> Problem:
    """One problem of the split ("train" or "heldout"), with a distractor at the given rate.

    `names` takes the people from another split; `invented` and `containers` are the
    shares of made-up things and containers.
    """
    chosen = story or rng.choice(STORIES)(rng)
    people: dict[str, str] = {}
    while len(people) < 4:
        candidate, pronoun = name(rng, names or split)
        people.setdefault(candidate, pronoun)
    thing = things(rng, split, invented=invented)
    other = things(rng, split, invented=invented)
    while other == thing:
        other = things(rng, split)
    singular, plural = container(rng, split, invented=containers)
    first, second = rng.sample(COLOURS, 2)
    words = dict(zip("ABCD", people, strict=True)) | {
        "she": people[next(iter(people))],
        "T": thing, "S": other, "K": singular, "Ks": plural, "P": first, "Q": second,
    }  # fmt: skip
    values = {fact.key: rng.randint(fact.low, fact.high) for fact in chosen.facts}
    while not sound(chosen.plan, values, split):
        values = {fact.key: rng.randint(fact.low, fact.high) for fact in chosen.facts}
    facts = list(chosen.facts)
    if rng.random() < distractors:
        extra = distractor(rng)
        values[extra.key] = rng.randint(extra.low, extra.high)
        facts.insert(rng.randint(1, len(facts)), extra)
    return Problem(chosen, tuple(facts), words, values, split)


def draw_long(rng: Random, split: str, shards: int) -> Problem:
    """One problem told in so many shards (`LONG`) with the question.

    More happens in it than else, and up to three of its facts do not matter: the fewer of these,
    the more steps lead to the answer.
    """
    asides = rng.randint(0, len(DISTRACTORS))
    problem = draw(rng, split, story=long(rng, shards - asides), distractors=0)
    for _ in range(asides):
        problem = problem.with_aside(rng)
    return problem
