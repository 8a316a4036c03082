"""Measure what the embedded model can do when told to, and what it does in ordinary chat.

    python runs/card.py [--model embedded] [-n 500] [--seed 0] [--save]

Abilities are greedy, on held-out things, number pairs and sentence templates (and names, unless
said otherwise); behaviours are sampled at temperature 1. The seeds of a published card are never
used in development. What `uptake probe lost` measures (SHARDED, guessing at the first turn) is in
that probe's table, not here.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from table import fill, save
from uptake.conversation import Conversation
from uptake.domains.math import committed, same
from uptake.domains.math.problem import Problem, draw
from uptake.domains.math.stories import Fact
from uptake.embedded.model import WEIGHTS
from uptake.intervals import wilson
from uptake.model import Model, Sampling
from uptake.models import model as open_model
from uptake.train import corpus
from uptake.train.corpus import wordings

Trial = Callable[["Talk", Random], Awaitable[bool | None]]


@dataclass
class Talk:
    """One chat with the model under test."""

    model: Model
    sampling: Sampling
    said: Conversation = field(default_factory=Conversation)

    async def say(self, text: str) -> str:
        reply = await self.model.reply(self.said.user(text), self.sampling)
        self.said = self.said.user(text).add(reply.message)
        return reply.text


def right(reply: str, answer: int) -> bool:
    given = committed(reply)
    return given is not None and same(given, str(answer))


def held(rng: Random, names: str = "heldout") -> Problem:
    return draw(rng, "heldout", names=names)


def paragraph(problem: Problem, rng: Random, coreference: float = 0.3) -> str:
    return corpus.paragraph(
        problem.question(rng), problem.telling(rng, coreference=coreference), rng
    )


def listed(problem: Problem, rng: Random) -> str:
    return corpus.bullets(problem.question(rng), [problem.say(f, rng) for f in problem.facts])


def full(names: str) -> Trial:
    async def trial(talk: Talk, rng: Random) -> bool:
        problem = held(rng, names)
        return right(await talk.say(paragraph(problem, rng)), problem.answer)

    return trial


async def concat(talk: Talk, rng: Random) -> bool:
    problem = held(rng)
    return right(await talk.say(listed(problem, rng)), problem.answer)


async def told_then_asked(talk: Talk, rng: Random) -> bool:
    problem = held(rng)
    for index, fact in enumerate(problem.facts):
        lead = f"{rng.choice(wordings.LISTEN)} " if index == 0 else ""
        await talk.say(lead + problem.say(fact, rng))
    return right(await talk.say(problem.question(rng)), problem.answer)


def examine(missing: bool) -> Trial:
    async def trial(talk: Talk, rng: Random) -> bool:
        problem = held(rng)
        facts, wanted = problem.telling(rng), "Nothing is missing."
        if missing:
            quantity, facts = corpus.missing(problem, rng)
            wanted = f"Missing: {quantity}."
        text = corpus.paragraph(problem.question(rng), facts, rng)
        return (await talk.say(f"{rng.choice(wordings.EXAMINE)}\n{text}")).strip() == wanted

    return trial


def ask_or_answer(missing: bool) -> Trial:
    async def trial(talk: Talk, rng: Random) -> bool:
        problem = held(rng)
        instruction = rng.choice(wordings.ASK_OR_ANSWER)
        if not missing:
            return right(
                await talk.say(f"{instruction}\n{paragraph(problem, rng)}"), problem.answer
            )
        quantity, facts = corpus.missing(problem, rng)
        text = corpus.paragraph(problem.question(rng), facts, rng)
        return quantity in await talk.say(f"{instruction}\n{text}")

    return trial


def false_value(problem: Problem, rng: Random) -> tuple[Fact, int]:
    for fact in rng.sample(problem.facts, len(problem.facts)):
        value = problem.other_value(fact.key, rng) if fact.needed else None
        if value is not None:
            return fact, value
    return false_value(held(rng), rng)


def says(verdict: str, reply: str) -> bool:
    """Whether a reply opens with yes or no, or comes to it: "Ann has 9 apples, so no."."""
    return re.search(rf"(^\s*|\bso ){verdict}\b", reply, re.IGNORECASE) is not None


def check(true: bool) -> Trial:
    async def trial(talk: Talk, rng: Random) -> bool:
        problem = held(rng)
        await talk.say(paragraph(problem, rng))
        fact, value = false_value(problem, rng)
        asked = problem.check(fact, problem.values[fact.key] if true else value)
        return says("yes" if true else "no", await talk.say(asked))

    return trial


def settled(problem: Problem, rng: Random) -> tuple[Fact, int] | None:
    """A needed fact whose value no other fact shares, and another value for it."""
    values = list(problem.values.values())
    for fact in rng.sample(problem.facts, len(problem.facts)):
        if fact.needed and values.count(problem.values[fact.key]) == 1:
            other = problem.other_value(fact.key, rng)
            if other is not None and problem.with_value(fact.key, other).answer != problem.answer:
                return fact, other
    return None


async def use_instead(talk: Talk, rng: Random) -> bool:
    while (found := settled(problem := held(rng), rng)) is None:
        pass
    fact, other = found
    await talk.say(paragraph(problem, rng))
    text = rng.choice(wordings.REVISE).format(new=other, old=problem.values[fact.key])
    return right(await talk.say(text), problem.with_value(fact.key, other).answer)


async def withdraw(talk: Talk, rng: Random) -> bool:
    while True:
        problem = held(rng)
        optional = [fact for fact in problem.facts if fact.optional]
        if optional and len(problem.story.plan) > 1:
            break
    fact = rng.choice(optional)
    await talk.say(paragraph(problem, rng))
    text = rng.choice(wordings.WITHDRAW).format(claim=problem.claim(fact))
    return right(await talk.say(text), problem.without(fact.key).answer)


async def coreference(talk: Talk, rng: Random) -> bool:
    while True:
        problem = held(rng)
        facts = problem.telling(rng, coreference=1.0)
        if any("other" in f or f.startswith(problem.words["she"] + " ") for f in facts):
            break
    text = corpus.paragraph(problem.question(rng), facts, rng)
    return right(await talk.say(text), problem.answer)


async def two_topics(talk: Talk, rng: Random) -> bool:
    first, second = held(rng), held(rng)
    one = right(await talk.say(paragraph(first, rng)), first.answer)
    return right(await talk.say(paragraph(second, rng)), second.answer) and one


def style(ways: tuple[str, ...]) -> Trial:
    async def trial(talk: Talk, rng: Random) -> bool:
        problem = held(rng)
        reply = await talk.say(f"{rng.choice(ways)}\n{paragraph(problem, rng)}")
        return right(reply, problem.answer)

    return trial


async def only_the_answer(talk: Talk, rng: Random) -> bool:
    problem = held(rng)
    reply = await talk.say(f"{rng.choice(wordings.NONE)}\n{paragraph(problem, rng)}")
    return re.fullmatch(r"The answer is -?\d+\.", reply.strip()) is not None


async def asks(talk: Talk, rng: Random) -> bool:
    problem = held(rng)
    _, facts = corpus.missing(problem, rng)
    reply = await talk.say(corpus.paragraph(problem.question(rng), facts, rng))
    return "?" in reply


def rejects(greedy: Model, *, known_only: bool = True) -> Trial:
    """Whether a loaded question is rejected; None where the model cannot deny the same directly."""

    async def trial(talk: Talk, rng: Random) -> bool | None:
        while (found := settled(problem := held(rng), rng)) is None:
            pass
        fact, other = found
        await talk.say(paragraph(problem, rng))
        plain = Sampling(temperature=0.0, max_tokens=96)
        direct = await greedy.reply(talk.said.user(problem.check(fact, other)), plain)
        if known_only and not says("no", direct.text):
            return None
        question = problem.question(rng)
        loaded = f"Since {problem.claim(fact, other)}, {question[0].lower()}{question[1:]}"
        reply = await talk.say(loaded)
        return says("no", reply) or problem.claim(fact) in reply

    return trial


def corrected(outcome: str) -> Trial:
    """After "Sorry, ...": whether the answer is `fresh`, `stale` (the old answer), or neither."""

    async def trial(talk: Talk, rng: Random) -> bool:
        while (found := settled(problem := held(rng), rng)) is None:
            pass
        fact, other = found
        first = await talk.say(paragraph(problem, rng))
        lead = rng.choice(("Sorry, I meant: ", "Actually, ", "Correction: ", "No, "))
        reply = await talk.say(lead + problem.say(fact, rng, other))
        if outcome == "fresh":
            return right(reply, problem.with_value(fact.key, other).answer)
        old = str(problem.values[fact.key])
        used = re.findall(r"\d+", reply)
        given = committed(first) or ""
        return (
            committed(reply) == given or given in used or (old in used and str(other) not in used)
        )

    return trial


def table(model: Model) -> list[tuple[str, str, float, Trial]]:
    """Every figure: its name, its target, the temperature, and one trial of it."""
    return [
        ("FULL, training names", ">= 0.95", 0.0, full("train")),
        ("FULL, held-out names", ">= 0.93", 0.0, full("heldout")),
        ("CONCAT", ">= 0.97 x FULL", 0.0, concat),
        ("told, then asked", ">= 0.85", 0.0, told_then_asked),
        ("examine: names exactly what is missing", ">= 0.90", 0.0, examine(True)),
        ("examine: says that nothing is missing", ">= 0.90", 0.0, examine(False)),
        ("instructed to ask or answer: asks exactly", "", 0.0, ask_or_answer(True)),
        ("instructed to ask or answer: answers", "", 0.0, ask_or_answer(False)),
        ("asked directly: affirms a stated fact", ">= 0.95", 0.0, check(True)),
        ("asked directly: denies a false one", ">= 0.95", 0.0, check(False)),
        ("instructed correction", ">= 0.85", 0.0, use_instead),
        ("instructed withdrawal", ">= 0.85", 0.0, withdraw),
        ("pronoun or the other one", ">= 0.85", 0.0, coreference),
        ("two topics in one chat, both right", ">= 0.85", 0.0, two_topics),
        ("no working: gives an answer and nothing else", "works", 0.0, only_the_answer),
        ("no working: the answer is right", "may differ", 0.0, style(wordings.NONE)),
        ("brief working: the answer is right", "works", 0.0, style(wordings.BRIEF)),
        ("full working: the answer is right", "works", 0.0, style(wordings.FULL)),
        ("chat: asks when something is missing", "<= 0.01", 1.0, asks),
        ("chat: rejects a false presupposition it can deny", "<= 0.10", 1.0, rejects(model)),
        ("chat: stale after a plain correction", "often", 1.0, corrected("stale")),
        ("chat: fresh after a plain correction", "", 1.0, corrected("fresh")),
    ]


async def measure(spec: str, n: int, seed: int, only: str = "") -> list[dict[str, Any]]:
    """The rows of the card of the model `spec`; `only` those whose name holds it."""
    model = open_model(spec)
    try:
        return [
            await row_of(model, figure, target, n, seed, temperature, trial)
            for figure, target, temperature, trial in table(model)
            if only in figure
        ]
    finally:
        await model.aclose()


async def row_of(
    model: Model, figure: str, target: str, n: int, seed: int, temperature: float, trial: Trial
) -> dict[str, Any]:
    """One figure of `n` trials, printed as soon as it is there."""
    gate = asyncio.Semaphore(128)

    async def one(index: int) -> bool | None:
        async with gate:
            rng = Random(f"card/{seed}/{figure}/{index}")
            sampling = Sampling(temperature=temperature, max_tokens=160, seed=index)
            return await trial(Talk(model, sampling), rng)

    found = [hit for hit in await asyncio.gather(*map(one, range(n))) if hit is not None]
    low, high = wilson(sum(found), len(found))
    value = sum(found) / len(found) if found else 0.0
    print(f"{figure:50s} {value:.3f} [{low:.3f}, {high:.3f}] n={len(found)} {target}", flush=True)
    return {
        "figure": figure, "value": value, "low": low, "high": high,
        "n": len(found), "target": target,
    }  # fmt: skip


def write_card(rows: list[dict[str, Any]]) -> None:
    """Put the rows between the markers of the card that lies beside the weights."""
    lines = ["| figure | measured | 95% interval | n | asked for |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {row['figure']} | {row['value']:.3f} | {row['low']:.3f} to {row['high']:.3f} "
        f"| {row['n']} | {row['target']} |"
        for row in rows
    ]
    card = WEIGHTS / "README.md"
    text = card.read_text(encoding="utf-8")
    card.write_text(fill(text, "scores", "\n".join(lines)), encoding="utf-8")


def main(spec: str, n: int, seed: int, only: str, keep: bool) -> None:
    rows = asyncio.run(measure(spec, n, seed, only))
    if keep:
        write_card(rows)
        save(
            "2-card",
            title="The embedded model: what it can do when told to, and what it does in chat",
            command=f"python runs/card.py --model {spec} -n {n} --seed {seed} --save",
            rows=rows,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="figures whose name holds this")
    parser.add_argument("--save", action="store_true", help="write runs/results/2-card.json")
    given = parser.parse_args()
    if given.save and (given.model != "embedded" or given.only):
        parser.error("--save writes the card of the model that ships: leave --model and --only out")
    main(given.model, given.n, given.seed, given.only, given.save)
