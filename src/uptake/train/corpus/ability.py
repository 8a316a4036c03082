"""The registers of ability: what maintenance needs, when the model is told to."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from uptake.domains.math.problem import draw
from uptake.domains.math.stories import transfer
from uptake.domains.math.words import is_heldout_pair
from uptake.train.corpus.sums import judged
from uptake.train.corpus.texts import (
    Chat,
    bullets,
    chat,
    explain,
    instructed,
    missing,
    paragraph,
    request,
    solution,
    tell,
    train_problem,
)
from uptake.train.corpus.wordings import (
    ACKNOWLEDGE,
    ASK_OR_ANSWER,
    BRIEF,
    CHECK,
    EXAMINE,
    FULL,
    LAST,
    NONE,
    PLAIN,
    RESTATE,
    REVISE,
    WITHDRAW,
)

__all__ = [
    "ask_or_answer",
    "check",
    "complete",
    "examine",
    "restate",
    "revise",
    "styled",
    "told_then_asked",
    "topics",
    "transfers",
]


def complete(rng: Random) -> Chat:
    """A complete request, told at once."""
    problem = train_problem(rng)
    return chat(request(problem, rng), solution(problem.working))


def styled(rng: Random) -> Chat:
    """A complete request with no, brief or full working, as asked.

    Working that shows the last step alone lies half-way to none: the steps before it are silent.
    """
    problem = train_problem(rng)
    style, reply = rng.choice(
        (
            (NONE, f"The answer is {problem.answer}."),
            (NONE, f"The answer is {problem.answer}."),
            (NONE, f"The answer is {problem.answer}."),
            (LAST, solution(problem.working[-1:])),
            (LAST, solution(problem.working[-1:])),
            (BRIEF, solution(problem.working)),
            (FULL, explain(problem)),
            (FULL, explain(problem)),
        )
    )
    system, text = instructed(rng, rng.choice(style), request(problem, rng))
    return chat(text, reply, system=system)


def told_then_asked(rng: Random) -> Chat:
    """Facts over several turns, then the question."""
    problem = train_problem(rng)
    question = problem.question(rng)
    if rng.random() < 0.25:
        fact = rng.choice(problem.facts)
        question = f"Since {problem.claim(fact)}, {question[0].lower()}{question[1:]}"
    return chat(*tell(problem, rng), question, solution(problem.working))


def examine(rng: Random) -> Chat:
    """Under an instruction to examine: what is missing, or that nothing is."""
    problem = train_problem(rng)
    question = problem.question(rng)
    reply = "Nothing is missing."
    facts = problem.telling(rng, coreference=0.2)
    if rng.random() < 0.5:
        quantity, facts = missing(problem, rng)
        reply = f"Missing: {quantity}."
    shape = rng.random()
    if shape < 0.2:
        turns: list[str] = []
        for fact in facts:
            turns += [fact, rng.choice(ACKNOWLEDGE)]
        return chat(*turns, f"{question} {rng.choice(EXAMINE)}", reply)
    text = bullets(question, facts) if shape < 0.45 else paragraph(question, facts, rng)
    system, text = instructed(rng, rng.choice(EXAMINE), text)
    return chat(text, reply, system=system)


def ask_or_answer(rng: Random) -> Chat:
    """Under an instruction to ask where something is missing, and to answer where not."""
    problem = train_problem(rng)
    question = problem.question(rng)
    facts = problem.telling(rng)
    instruction = rng.choice(ASK_OR_ANSWER)
    if rng.random() < 0.5:
        system, text = instructed(rng, instruction, paragraph(question, facts, rng))
        return chat(text, solution(problem.working), system=system)
    quantity, facts = missing(problem, rng)
    system, text = instructed(rng, instruction, paragraph(question, facts, rng))
    return chat(text, f"Could you tell me {quantity}?", system=system)


def check(rng: Random) -> Chat:
    """Direct questions about stated facts, after the facts or after an answered request.

    The reply recalls the fact, takes the number in question from it, and then judges: a model that
    must say yes or no first never learns to compare, and one that has both numbers side by side
    does not either. It can subtract.
    """
    problem = train_problem(rng)
    if rng.random() < 0.5:
        turns = [request(problem, rng), solution(problem.working)]
        lead = ""
    elif rng.random() < 0.5:
        turns, lead = tell(problem, rng), ""
    else:
        turns, lead = [], " ".join(problem.telling(rng)) + " "
    for fact in rng.sample(problem.facts, min(3, len(problem.facts))):
        value = other = problem.values[fact.key]
        if rng.random() < 0.5:
            other = problem.other_value(fact.key, rng) or value
        if other < value and is_heldout_pair("-", value, other):
            other = value
        asked = f"{lead}{rng.choice(CHECK)}{problem.check(fact, other)}"
        turns += [asked, f"{problem.claim(fact)}. {judged(value, other)}"]
        lead = ""
    return chat(*turns)


def revise(rng: Random) -> Chat:
    """Under an instruction to continue after a correction or a withdrawal."""
    problem = train_problem(rng)
    turns = [request(problem, rng), solution(problem.working)]
    if rng.random() < 0.3:
        turns = [*tell(problem, rng), problem.question(rng), solution(problem.working)]
    optional = [fact for fact in problem.facts if fact.optional]
    if optional and len(problem.story.plan) > 1 and rng.random() < 0.35:
        fact = rng.choice(optional)
        text = rng.choice(WITHDRAW).format(claim=problem.claim(fact))
        return chat(*turns, text, solution(problem.without(fact.key).working))
    values = list(problem.values.values())
    unique = [f for f in problem.facts if f.needed and values.count(problem.values[f.key]) == 1]
    for fact in rng.sample(unique, len(unique)):
        other = problem.other_value(fact.key, rng)
        if other is not None:
            changed = problem.with_value(fact.key, other)
            text = rng.choice(REVISE).format(new=other, old=problem.values[fact.key])
            return chat(*turns, text, solution(changed.working))
    return chat(*turns)


def restate(rng: Random) -> Chat:
    """Under an instruction to say what was told, word for word or in the plainest way."""
    problem = train_problem(rng)
    facts = problem.telling(rng, coreference=0.3)
    instruction, text = rng.choice(RESTATE), " ".join(facts)
    if rng.random() < 0.7:
        instruction = rng.choice(PLAIN)
        text = " ".join(f"{problem.claim(fact)}." for fact in problem.facts)
    if rng.random() < 0.5:
        return chat(f"{' '.join(facts)} {instruction}", text)
    turns: list[str] = []
    for fact in facts:
        turns += [fact, rng.choice(ACKNOWLEDGE)]
    return chat(*turns, instruction, text)


def topics(rng: Random) -> Chat:
    """Two or three complete requests in one chat."""
    turns: list[str] = []
    for _ in range(rng.choice((2, 2, 3))):
        problem = train_problem(rng)
        turns += [request(problem, rng), solution(problem.working)]
    return chat(*turns)


def transfers(rng: Random) -> Chat:
    """Three short requests about two people, one stock, and who of them gives to whom."""
    turns: list[str] = []
    same = train_problem(rng)
    for _ in range(3):
        problem = replace(draw(rng, "train", story=transfer(rng), distractors=0), words=same.words)
        turns += [request(problem, rng, listed=0.1), solution(problem.working)]
    return chat(*turns)
