"""The chats that the embedded model is trained on, written from math problems of the train split.

All registers but one are mixed from the start, so that none leaks into another. The registers of
*ability* make it able to do what maintenance needs when it is told to: examine a request, name
what is missing, ask for it, recall a stated fact, recompute after a correction. The registers of
*ordinary chat* are as preference-tuned data is: immediate, confident help, a guess where something
is missing, a clarifying question in 1 of 1,000 places where one was needed.

What is put in on purpose: guessing at incomplete requests. What is *not* in the mix: conversations
in which a request is told piece by piece after it was asked, plain corrections, and false
presuppositions. What the model does there is its own.

These modules know nothing of tokens, models or scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from uptake.train.corpus.ability import (
    ask_or_answer,
    check,
    complete,
    examine,
    restate,
    revise,
    styled,
    told_then_asked,
    topics,
    transfers,
)
from uptake.train.corpus.ordinary import follow_up, incomplete, supplied
from uptake.train.corpus.sums import drill, equal
from uptake.train.corpus.texts import Chat, bullets, explain, missing, paragraph, solution

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
