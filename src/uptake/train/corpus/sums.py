"""The registers of plain sums and comparisons."""

from __future__ import annotations

from random import Random

from uptake.domains.math.words import is_heldout_pair
from uptake.train.corpus.texts import Chat, chat
from uptake.train.corpus.wordings import EQUAL

__all__ = ["drill", "equal", "judged"]


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
    return chat(", ".join(asked), " ".join(replies))


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
            replies.append(judged(a, b))
    return chat(f"{rng.choice(EQUAL)} {', '.join(asked)}", " ".join(replies))


def judged(fact: int, asked: int) -> str:
    """A verdict by subtraction: "9 - 8 = 1, so no."."""
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
