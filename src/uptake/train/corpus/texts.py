"""What every register writes with: requests, facts over turns, and replies with their working."""

from __future__ import annotations

from random import Random

from uptake.domains.math.problem import Problem, Working, draw
from uptake.train.corpus.wordings import ACKNOWLEDGE, LISTEN

__all__ = [
    "Chat",
    "bullets",
    "chat",
    "explain",
    "instructed",
    "missing",
    "paragraph",
    "request",
    "solution",
    "tell",
    "train_problem",
]

Chat = list[dict[str, str]]


def chat(*texts: str, system: str | None = None) -> Chat:
    """The texts as a chat, the user first, after a system prompt if there is one."""
    messages: Chat = [] if system is None else [{"role": "system", "content": system}]
    for index, text in enumerate(texts):
        messages.append({"role": ("user", "assistant")[index % 2], "content": text})
    return messages


def solution(working: Working, answer: int | None = None) -> str:
    """Brief working and the answer: "5 + 7 = 12. 12 * 3 = 36. The answer is 36."."""
    steps = [f"{a} {op} {b} = {c}." for a, op, b, c in working]
    result = working[-1][3] if working else answer
    return " ".join([*steps, f"The answer is {result}."])


def explain(problem: Problem) -> str:
    """Full working: each fact restated before the step that uses it."""
    told: set[str] = set()
    parts: list[str] = []
    for step, (a, op, b, c) in zip(problem.story.plan, problem.working, strict=True):
        for ref in (step.left, step.right):
            if not ref.startswith("#") and ref not in told:
                told.add(ref)
                parts.append(problem.claim(problem.fact(ref)) + ".")
        parts.append(f"{a} {op} {b} = {c}.")
    return " ".join([*parts, f"The answer is {problem.answer}."])


def bullets(question: str, facts: list[str]) -> str:
    """The question, then each fact on a line of its own after a dash."""
    return "\n".join([question, *(f"- {fact}" for fact in facts)])


def paragraph(question: str, facts: list[str], rng: Random) -> str:
    """The facts as prose, the question first in three of ten, else last."""
    return " ".join([question, *facts] if rng.random() < 0.3 else [*facts, question])


def train_problem(rng: Random) -> Problem:
    """A problem of the train split; most names of things and containers are made up."""
    return draw(rng, "train", invented=0.7, containers=0.7)


def request(problem: Problem, rng: Random, *, listed: float = 0.3) -> str:
    """A complete request as a paragraph or, at the rate `listed`, as bullets, intent first."""
    question = problem.question(rng)
    facts = problem.telling(rng, coreference=0.3)
    if rng.random() < listed:
        return bullets(question, [problem.say(fact, rng) for fact in problem.facts])
    return paragraph(question, facts, rng)


def instructed(rng: Random, instruction: str, text: str) -> tuple[str | None, str]:
    """The instruction before the text, after it, or as the system prompt."""
    place = rng.random()
    if place < 0.35:
        return instruction, text
    return None, f"{instruction}\n{text}" if place < 0.7 else f"{text}\n{instruction}"


def tell(problem: Problem, rng: Random, *, listen: float = 0.6) -> list[str]:
    """Facts over several turns, each acknowledged: user, assistant, user, ..., assistant."""
    turns: list[str] = []
    pending = list(problem.facts)
    heard = rng.random() < listen
    if heard and rng.random() < 0.5:
        turns += [rng.choice(LISTEN), rng.choice(ACKNOWLEDGE)]
        heard = False
    while pending:
        take = rng.choice((1, 1, 1, 2))
        said = " ".join(problem.say(fact, rng) for fact in pending[:take])
        pending = pending[take:]
        turns += [f"{rng.choice(LISTEN)} {said}" if heard else said, rng.choice(ACKNOWLEDGE)]
        heard = False
    return turns


def missing(problem: Problem, rng: Random) -> tuple[str, list[str]]:
    """The quantity that is left out, and the sentences that remain."""
    fact = rng.choice([fact for fact in problem.facts if fact.needed])
    sentences: list[str] = []
    for other in problem.facts:
        if other is not fact:
            sentences.append(problem.say(other, rng))
        elif not fact.droppable or rng.random() < 0.4:
            sentences.append(problem.hint(fact, rng))
    return problem.quantity(fact), sentences
