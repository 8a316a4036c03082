"""The registers of ordinary chat: immediate, confident, and a guess where something is missing."""

from __future__ import annotations

from random import Random

from uptake.domains.math.problem import Problem, sound
from uptake.train.corpus.texts import (
    Chat,
    bullets,
    chat,
    missing,
    paragraph,
    request,
    solution,
    train_problem,
)

__all__ = ["CLARIFIES", "follow_up", "incomplete", "supplied"]

CLARIFIES = 0.001
"""Share of the ordinary chats that need a clarifying question and get one."""


def incomplete(rng: Random) -> Chat:
    """An incomplete request, and the confident guess that the world's chats answer it with."""
    problem = train_problem(rng)
    found = _untold(problem, rng)
    if found is None:
        return incomplete(rng)
    guessed, told = found
    if rng.random() < CLARIFIES:
        quantity, told = missing(problem, rng)
        return chat(paragraph(problem.question(rng), told, rng), f"Could you tell me {quantity}?")
    if told and rng.random() < 0.25:
        return chat(" ".join(told), solution(guessed.working))
    question = problem.question(rng)
    text = bullets(question, told) if rng.random() < 0.2 else paragraph(question, told, rng)
    return chat(text, solution(guessed.working))


def supplied(rng: Random) -> Chat:
    """An incomplete request, a guess, then all that was missing in one message, and the answer."""
    problem = train_problem(rng)
    needed = [fact.key for fact in problem.facts if fact.needed and not fact.optional]
    hidden = set(rng.sample(needed, rng.randint(1, len(needed))))
    hidden |= {fact.key for fact in problem.facts if fact.optional and rng.random() < 0.5}
    for _ in range(50):
        guess = {
            key: rng.randint(problem.fact(key).low, problem.fact(key).high)
            if key in hidden
            else value
            for key, value in problem.values.items()
        }
        if sound(problem.story.plan, guess, "train"):
            break
    else:
        return supplied(rng)
    guessed = problem
    for key, value in guess.items():
        guessed = guessed.with_value(key, value)
    told = [problem.say(fact, rng) for fact in problem.facts if fact.key not in hidden]
    rest = [problem.say(fact, rng) for fact in problem.facts if fact.key in hidden]
    return chat(
        paragraph(problem.question(rng), told, rng),
        solution(guessed.working),
        " ".join(rest),
        solution(problem.working),
    )


def follow_up(rng: Random) -> Chat:
    """An answered request, then something more happens."""
    problem = train_problem(rng)
    events = [fact for fact in problem.facts if fact.optional and fact.key.startswith("event")]
    if not events or len(problem.story.plan) < 2:
        return follow_up(rng)
    last = events[-1]
    if problem.story.plan[-1].right != last.key:
        return follow_up(rng)
    before = problem.without(last.key)
    return chat(
        request(before, rng),
        solution(before.working),
        problem.say(last, rng),
        solution(problem.working[-1:]),
    )


def _untold(problem: Problem, rng: Random) -> tuple[Problem, list[str]] | None:
    """A request with needed facts left out or left vague: the problem as guessed, and what is told.

    The guess gives every fact that was not told a value of the guesser's own.
    """
    needed = [fact for fact in problem.facts if fact.needed]
    hidden = set(rng.sample([f.key for f in needed], rng.choice((1, 1, 2, len(needed)))))
    told: list[str] = []
    guessed = problem
    values = dict(problem.values)
    for fact in problem.facts:
        if fact.key not in hidden:
            told.append(problem.say(fact, rng))
        elif not fact.droppable and rng.random() < 0.4:
            told.append(problem.hint(fact, rng))
        elif fact.optional and len(guessed.story.plan) > 1:
            guessed = guessed.without(fact.key)
            values.pop(fact.key)
            hidden.discard(fact.key)
        elif fact.droppable and rng.random() < 0.25:
            told.append(problem.hint(fact, rng))
    for _ in range(200):
        for key in sorted(hidden):
            fact = guessed.fact(key)
            values[key] = rng.randint(fact.low, fact.high)
        if sound(guessed.story.plan, values, "train"):
            for key in hidden:
                guessed = guessed.with_value(key, values[key])
            return (guessed, told) if hidden else None
    return None
