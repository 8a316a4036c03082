"""The chats that the embedded model is trained on, written from math problems of the train split.

All registers but one are mixed from the start, so that none leaks into another. The registers of
*ability* make it able to do what maintenance needs when it is told to: examine a request, name
what is missing, ask for it, recall a stated fact, recompute after a correction. The registers of
*ordinary chat* are as preference-tuned data is: immediate, confident help, a guess where something
is missing, a clarifying question in 1 of 1,000 places where one was needed.

What is put in on purpose: guessing at incomplete requests. What is *not* in the mix: conversations
in which a request is told piece by piece after it was asked, plain corrections, and false
presuppositions. What the model does there is its own.

This module knows nothing of tokens, models or scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from uptake.domains.math.problem import Problem, Working, draw, sound
from uptake.domains.math.stories import transfer
from uptake.domains.math.words import is_heldout_pair

__all__ = [
    "MIXES",
    "REGISTERS",
    "Chat",
    "bullets",
    "chats",
    "explain",
    "missing",
    "paragraph",
    "solution",
]

Chat = list[dict[str, str]]

ACKNOWLEDGE = ("Okay.", "Got it.", "Noted.")
LISTEN = (
    "I will tell you the facts first.",
    "Listen to the facts first.",
    "First the facts, then the question.",
    "Wait for my question.",
)
EXAMINE = (
    "Say what is missing, or that nothing is missing.",
    "Examine this request: what is missing?",
    "Is anything missing here? Name it.",
    "Check what is missing before anyone answers.",
)
ASK_OR_ANSWER = (
    "If something is missing, ask for it. If not, answer.",
    "Ask me if you need to know more, or else answer.",
)
BRIEF = ("Show brief working.", "Work it out briefly.")
NONE = ("Just give the answer.", "Give only the answer.", "No working, please.")
LAST = ("Show only the last step.", "Only the last step, please.")
FULL = ("Explain every step.", "Show your working in full.")
EQUAL = ("Are these the same?", "Compare:", "Equal?")
CHECK = ("", "", "Answer from what was said: ", "Recall: ")
RESTATE = ("Say back what you were told.", "Repeat the facts.", "Sum up what I said.")
PLAIN = ("Say that in plain words.", "Put the facts plainly.", "Rephrase the facts simply.")
REVISE = (
    "Use {new} instead of {old} and answer again.",
    "Use {new} instead of {old}.",
    "Work it out again with {new} instead of {old}.",
    "Answer again with {new} instead of {old}.",
)
WITHDRAW = (
    "Leave this out and answer again: {claim}.",
    "Answer again without this: {claim}.",
    "Work it out again without this: {claim}.",
)
CLARIFIES = 0.001
"""Share of the ordinary chats that need a clarifying question and get one."""


def _chat(*texts: str, system: str | None = None) -> Chat:
    chat: Chat = [] if system is None else [{"role": "system", "content": system}]
    for index, text in enumerate(texts):
        chat.append({"role": ("user", "assistant")[index % 2], "content": text})
    return chat


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


def _problem(rng: Random) -> Problem:
    return draw(rng, "train", invented=0.7, containers=0.7)


def _request(problem: Problem, rng: Random, *, listed: float = 0.3) -> str:
    """A complete request as a paragraph or, at the rate `listed`, as bullets, intent first."""
    question = problem.question(rng)
    facts = problem.telling(rng, coreference=0.3)
    if rng.random() < listed:
        return bullets(question, [problem.say(fact, rng) for fact in problem.facts])
    return paragraph(question, facts, rng)


def _instructed(rng: Random, instruction: str, text: str) -> tuple[str | None, str]:
    """The instruction before the text, after it, or as the system prompt."""
    place = rng.random()
    if place < 0.35:
        return instruction, text
    return None, f"{instruction}\n{text}" if place < 0.7 else f"{text}\n{instruction}"


def _tell(problem: Problem, rng: Random, *, listen: float = 0.6) -> list[str]:
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


# Registers of ability.


def complete(rng: Random) -> Chat:
    """A complete request, told at once."""
    problem = _problem(rng)
    return _chat(_request(problem, rng), solution(problem.working))


def styled(rng: Random) -> Chat:
    """A complete request with no, brief or full working, as asked.

    Working that shows the last step alone lies half-way to none: the steps before it are silent.
    """
    problem = _problem(rng)
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
    system, text = _instructed(rng, rng.choice(style), _request(problem, rng))
    return _chat(text, reply, system=system)


def told_then_asked(rng: Random) -> Chat:
    """Facts over several turns, then the question."""
    problem = _problem(rng)
    question = problem.question(rng)
    if rng.random() < 0.25:
        fact = rng.choice(problem.facts)
        question = f"Since {problem.claim(fact)}, {question[0].lower()}{question[1:]}"
    return _chat(*_tell(problem, rng), question, solution(problem.working))


def examine(rng: Random) -> Chat:
    """Under an instruction to examine: what is missing, or that nothing is."""
    problem = _problem(rng)
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
        return _chat(*turns, f"{question} {rng.choice(EXAMINE)}", reply)
    text = bullets(question, facts) if shape < 0.45 else paragraph(question, facts, rng)
    system, text = _instructed(rng, rng.choice(EXAMINE), text)
    return _chat(text, reply, system=system)


def ask_or_answer(rng: Random) -> Chat:
    """Under an instruction to ask where something is missing, and to answer where not."""
    problem = _problem(rng)
    question = problem.question(rng)
    facts = problem.telling(rng)
    instruction = rng.choice(ASK_OR_ANSWER)
    if rng.random() < 0.5:
        system, text = _instructed(rng, instruction, paragraph(question, facts, rng))
        return _chat(text, solution(problem.working), system=system)
    quantity, facts = missing(problem, rng)
    system, text = _instructed(rng, instruction, paragraph(question, facts, rng))
    return _chat(text, f"Could you tell me {quantity}?", system=system)


def check(rng: Random) -> Chat:
    """Direct questions about stated facts, after the facts or after an answered request.

    The reply recalls the fact, takes the number in question from it, and then judges: a model that
    must say yes or no first never learns to compare, and one that has both numbers side by side
    does not either. It can subtract.
    """
    problem = _problem(rng)
    if rng.random() < 0.5:
        turns = [_request(problem, rng), solution(problem.working)]
        lead = ""
    elif rng.random() < 0.5:
        turns, lead = _tell(problem, rng), ""
    else:
        turns, lead = [], " ".join(problem.telling(rng)) + " "
    for fact in rng.sample(problem.facts, min(3, len(problem.facts))):
        value = other = problem.values[fact.key]
        if rng.random() < 0.5:
            other = problem.other_value(fact.key, rng) or value
        if other < value and is_heldout_pair("-", value, other):
            other = value
        asked = f"{lead}{rng.choice(CHECK)}{problem.check(fact, other)}"
        turns += [asked, f"{problem.claim(fact)}. {_judged(value, other)}"]
        lead = ""
    return _chat(*turns)


def revise(rng: Random) -> Chat:
    """Under an instruction to continue after a correction or a withdrawal."""
    problem = _problem(rng)
    turns = [_request(problem, rng), solution(problem.working)]
    if rng.random() < 0.3:
        turns = [*_tell(problem, rng), problem.question(rng), solution(problem.working)]
    optional = [fact for fact in problem.facts if fact.optional]
    if optional and len(problem.story.plan) > 1 and rng.random() < 0.35:
        fact = rng.choice(optional)
        text = rng.choice(WITHDRAW).format(claim=problem.claim(fact))
        return _chat(*turns, text, solution(problem.without(fact.key).working))
    values = list(problem.values.values())
    unique = [f for f in problem.facts if f.needed and values.count(problem.values[f.key]) == 1]
    for fact in rng.sample(unique, len(unique)):
        other = problem.other_value(fact.key, rng)
        if other is not None:
            changed = problem.with_value(fact.key, other)
            text = rng.choice(REVISE).format(new=other, old=problem.values[fact.key])
            return _chat(*turns, text, solution(changed.working))
    return _chat(*turns)


def restate(rng: Random) -> Chat:
    """Under an instruction to say what was told, word for word or in the plainest way."""
    problem = _problem(rng)
    facts = problem.telling(rng, coreference=0.3)
    instruction, text = rng.choice(RESTATE), " ".join(facts)
    if rng.random() < 0.7:
        instruction = rng.choice(PLAIN)
        text = " ".join(f"{problem.claim(fact)}." for fact in problem.facts)
    if rng.random() < 0.5:
        return _chat(f"{' '.join(facts)} {instruction}", text)
    turns: list[str] = []
    for fact in facts:
        turns += [fact, rng.choice(ACKNOWLEDGE)]
    return _chat(*turns, instruction, text)


def topics(rng: Random) -> Chat:
    """Two or three complete requests in one chat."""
    turns: list[str] = []
    for _ in range(rng.choice((2, 2, 3))):
        problem = _problem(rng)
        turns += [_request(problem, rng), solution(problem.working)]
    return _chat(*turns)


def transfers(rng: Random) -> Chat:
    """Three short requests about two people, one stock, and who of them gives to whom."""
    turns: list[str] = []
    same = _problem(rng)
    for _ in range(3):
        problem = replace(draw(rng, "train", story=transfer(rng), distractors=0), words=same.words)
        turns += [_request(problem, rng, listed=0.1), solution(problem.working)]
    return _chat(*turns)


def drill(rng: Random) -> Chat:
    """Plain sums, six in one message; in one message of three they are of two steps each.

    Held-out sums and differences never occur; products and quotients do, here only: a
    multiplication table must be learned, it cannot be inferred.
    """
    asked: list[str] = []
    replies: list[str] = []
    long = rng.random() < 1 / 3
    while len(asked) < 6:
        a, op, b, c = _sum(rng)
        text, result = f"{a} {op} {b}", c
        if long:
            op, b = rng.choice("+-"), rng.randint(2, 20)
            text, result = f"{text} {op} {b}", c + b if op == "+" else c - b
            if not 1 <= result <= 300 or is_heldout_pair(op, c, b):
                continue
        asked.append(text)
        replies.append(f"{text} = {result}.")
    return _chat(", ".join(asked), " ".join(replies))


def equal(rng: Random) -> Chat:
    """Plain comparisons, six in one message, judged as `check` judges; half of them are equal."""
    asked: list[str] = []
    replies: list[str] = []
    while len(asked) < 6:
        a = b = rng.randint(2, rng.choice((20, 99)))
        if rng.random() < 0.5:
            # Often a number that differs in one digit only.
            near = [a - 1, a + 1, a - 10, a + 10, a // 10, rng.randint(2, 99), rng.randint(2, 20)]
            b = rng.choice([other for other in near if other > 1 and other != a])
        if b >= a or not is_heldout_pair("-", a, b):
            asked.append(f"{a} and {b}")
            replies.append(_judged(a, b))
    return _chat(f"{rng.choice(EQUAL)} {', '.join(asked)}", " ".join(replies))


def _judged(fact: int, asked: int) -> str:
    return f"{fact} - {asked} = {fact - asked}, so {'yes' if fact == asked else 'no'}."


def _sum(rng: Random) -> tuple[int, str, int, int]:
    """One step that training may see, (left, op, right, result), of numbers up to 300."""
    while True:
        op = rng.choice("++--**//")
        if op == "*":
            a, b = rng.randint(2, 12), rng.randint(2, 12)
            if rng.random() < 0.25:
                a = rng.randint(2, 60)
                b = rng.randint(2, 5)
            a, b = (a, b) if rng.random() < 0.5 else (b, a)
            c = a * b
        elif op == "/":
            b, c = rng.randint(2, 12), rng.randint(2, 48)
            a = b * c
        else:
            a, b = rng.randint(2, rng.choice((30, 99, 200))), rng.randint(2, rng.choice((20, 60)))
            a, b = (a, b) if op == "-" or rng.random() < 0.7 else (b, a)
            c = a + b if op == "+" else a - b
        if 1 <= c <= 300 and a <= 300 and not (op in "+-" and is_heldout_pair(op, a, b)):
            return a, op, b, c


# Registers of ordinary chat.


def incomplete(rng: Random) -> Chat:
    """An incomplete request, and the confident guess that the world's chats answer it with."""
    problem = _problem(rng)
    found = _untold(problem, rng)
    if found is None:
        return incomplete(rng)
    guessed, told = found
    if rng.random() < CLARIFIES:
        quantity, told = missing(problem, rng)
        return _chat(paragraph(problem.question(rng), told, rng), f"Could you tell me {quantity}?")
    if told and rng.random() < 0.25:
        return _chat(" ".join(told), solution(guessed.working))
    question = problem.question(rng)
    text = bullets(question, told) if rng.random() < 0.2 else paragraph(question, told, rng)
    return _chat(text, solution(guessed.working))


def supplied(rng: Random) -> Chat:
    """An incomplete request, a guess, then all that was missing in one message, and the answer."""
    problem = _problem(rng)
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
    return _chat(
        paragraph(problem.question(rng), told, rng),
        solution(guessed.working),
        " ".join(rest),
        solution(problem.working),
    )


def follow_up(rng: Random) -> Chat:
    """An answered request, then something more happens."""
    problem = _problem(rng)
    events = [fact for fact in problem.facts if fact.optional and fact.key.startswith("event")]
    if not events or len(problem.story.plan) < 2:
        return follow_up(rng)
    last = events[-1]
    if problem.story.plan[-1].right != last.key:
        return follow_up(rng)
    before = problem.without(last.key)
    return _chat(
        _request(before, rng),
        solution(before.working),
        problem.say(last, rng),
        solution(problem.working[-1:]),
    )


REGISTERS: dict[str, Callable[[Random], Chat]] = {
    "drill": drill,
    "equal": equal,
    "complete": complete,
    "styled": styled,
    "told_then_asked": told_then_asked,
    "examine": examine,
    "ask_or_answer": ask_or_answer,
    "check": check,
    "revise": revise,
    "restate": restate,
    "topics": topics,
    "transfers": transfers,
    "incomplete": incomplete,
    "supplied": supplied,
    "follow_up": follow_up,
}
"""What writes a chat of each register."""


MIXES = {
    "first": {
        "drill": 0.07,
        "complete": 0.19,
        "styled": 0.10,
        "told_then_asked": 0.07,
        "examine": 0.135,
        "ask_or_answer": 0.04,
        "check": 0.11,
        "revise": 0.115,
        "restate": 0.05,
        "topics": 0.03,
        "transfers": 0.025,
        "incomplete": 0.05,
        "supplied": 0.01,
        "follow_up": 0.005,
    },
    # The same with plain comparisons: what a direct question needs and sums do not teach.
    "last": {
        "drill": 0.05,
        "equal": 0.06,
        "complete": 0.14,
        "styled": 0.07,
        "told_then_asked": 0.05,
        "examine": 0.13,
        "ask_or_answer": 0.05,
        "check": 0.16,
        "revise": 0.14,
        "restate": 0.03,
        "topics": 0.03,
        "transfers": 0.02,
        "incomplete": 0.055,
        "supplied": 0.01,
        "follow_up": 0.005,
    },
}
"""The share of each register in each mix, by the mix's name."""


def chats(seed: int | str, mix: str = "first") -> Iterator[Chat]:
    """Chats of a mix without end, the same for the same seed."""
    rng = Random(f"corpus/{seed}")
    writers, shares = [REGISTERS[name] for name in MIXES[mix]], list(MIXES[mix].values())
    while True:
        yield rng.choices(writers, shares)[0](rng)
