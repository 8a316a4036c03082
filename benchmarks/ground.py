"""How many user turns the ledger hears in a second of one core (processor time).

    python benchmarks/ground.py [--conversations 400] [--rounds 5] [--save]

Conversations are those of the math, code and summary domains, told in shards, with a correction, a
withdrawal, small talk and a pasted block between them: turns of a few words to a few thousand
characters, up to about twenty a conversation. `hear` is called turn by turn, as a server would.
Every round has conversations of its own, so that nothing is remembered from the round before, and
the median round counts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent / "runs"))

from table import save
from uptake.analyst.hearing import hear
from uptake.domains import Domain
from uptake.domains.code import code
from uptake.domains.math import math
from uptake.domains.summary import summary
from uptake.ground import CommonGround
from uptake.instruction import Instruction

TARGET = 5000
DOMAINS: tuple[tuple[Domain, int], ...] = ((math, 8), (code, 3), (summary, 1))  # of twelve
BETWEEN = (
    "Thanks, that helps.",
    "Sorry, I meant 7.",
    "Actually, make that Tuesday.",
    "How are you today?",
    "Forget the last part.",
    "Hm, are you sure? I get 12.",
    "```\nfor each in range(7):\n    print(each)\n```",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    replay(list(conversations(12, seed=0)))  # the pack is read and compiled once
    speeds: list[float] = []
    turns: list[str] = []
    for number in range(1, asked.rounds + 1):
        made = list(conversations(asked.conversations, seed=number))
        turns = [turn for each in made for turn in each]
        speeds.append(len(turns) / replay(made))
        print(f"round {number}: {speeds[-1]:,.0f} turns/s of {len(turns)}")
    length = statistics.mean(map(len, turns))
    median = statistics.median(speeds)
    print(f"median {median:,.0f} turns/s; a turn has {length:.0f} characters on average")
    if asked.save:
        row = {
            "figure": "the ledger hears, on one core",
            "value": round(median),
            "low": round(min(speeds)),
            "high": round(max(speeds)),
            "unit": "user turns/s",
            "n": asked.rounds,
            "target": f"≥ {TARGET:,}",
            "note": f"median, slowest and fastest round; {length:.0f} characters a turn",
        }
        command = "python benchmarks/ground.py --save"
        save("4-ground", title="Speed of the ledger", command=command, rows=[row])


def replay(made: Sequence[Sequence[str]]) -> float:
    """The seconds of a core that it takes to hear all conversations, turn by turn."""
    started = time.process_time()
    for turns in made:
        ground = CommonGround()
        for turn in turns:
            ground = hear(ground, turn)
    return time.process_time() - started


def conversations(count: int, seed: int) -> Iterator[list[str]]:
    """So many conversations, of all domains in their proportions."""
    random = Random(f"ground/{seed}")
    whole = sum(weight for _, weight in DOMAINS)
    for domain, weight in DOMAINS:
        for instruction in domain.generate(max(1, count * weight // whole), seed=seed):
            yield turns_of(instruction, random)


def turns_of(instruction: Instruction, random: Random) -> list[str]:
    """The shards one a turn, and something else after about every second."""
    turns: list[str] = []
    for shard in instruction.shards:
        turns.append(shard.text)
        if random.random() < 0.5:
            turns.append(random.choice(BETWEEN))
        if shard.contradicted and random.random() < 0.3:
            turns.append(shard.contradicted)
    return turns


if __name__ == "__main__":
    main()
