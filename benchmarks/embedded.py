"""The embedded runtime against `transformers.generate`: new tokens a second, in one run.

    python benchmarks/embedded.py [--path FOLDER] [--rounds 3] [--out FILE]

Both continue conversations from the math domain, by sampling at temperature 1 until the model ends
its reply. There are three workloads. `played` is what `uptake probe` does: every instruction told
in every condition, turn after turn, each turn after what that runtime itself replied. `given` is
the same with made-up replies in between, which have to be read. `single` is the hardest for a
runtime that remembers: every conversation is met once, cut off after some turn.

transformers takes them in padded batches of the size that is compared, where an episode's place is
taken by the next as soon as it is over, in float32 and in bfloat16 (the faster counts); ours has
that many callers at once, each with an episode. Rounds alternate between them, every round has its
own instructions, and the median ratio counts.

Needs the torch environment: `make bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from uptake.conversation import Conversation
from uptake.domains.math import math
from uptake.embedded import Embedded
from uptake.embedded.model import WEIGHTS
from uptake.model import Sampling
from uptake.scenario import CONDITIONS, Scenario, scenarios

ROOT = Path(__file__).parent.parent
LONGEST = 100  # new tokens; nearly all replies end themselves long before

Episode = Generator[Conversation, str, None]
"""Gives what the model is asked to continue, and is sent what it replied."""

TARGETS = {1: 1.0, 16: 5.0, 64: 5.0}

# Callers at once, and episodes a round: enough of them that the last few do not decide.
SINGLE = {1: 16, 16: 128, 64: 384, 256: 768}
WHOLE = {1: 5, 16: 60, 64: 200}


def played(count: int, seed: int) -> list[Episode]:
    """Episodes in all conditions, in the order in which they are played."""
    return [play(scenario) for scenario in told_in_all_ways(count, seed)]


def given(count: int, seed: int) -> list[Episode]:
    """The same, where each turn comes after made-up replies."""
    random = Random(seed)
    return [play(scenario, random) for scenario in told_in_all_ways(count, seed)]


def told_in_all_ways(count: int, seed: int) -> list[Scenario]:
    instructions = math.generate(-(-count // len(CONDITIONS)), seed=seed)
    return [each for told in instructions for each in scenarios(told, CONDITIONS)][:count]


def single(count: int, seed: int) -> list[Episode]:
    """One conversation each: told at once, as bullets, or over turns up to some turn."""
    random = Random(seed)
    found: list[Episode] = []
    for instruction in math.generate(count, seed=seed):
        condition = random.choice(["full", "concat", "sharded", "sharded"])
        [scenario] = scenarios(instruction, [condition])
        found.append(once(random.choice(list(play(scenario, random)))))
    return found


def once(talk: Conversation) -> Episode:
    yield talk


def play(scenario: Scenario, random: Random | None = None) -> Episode:
    """The conversation at each turn; with `random`, made-up replies take the model's place."""
    talk = Conversation()
    for told in scenario.turns:
        talk = talk.user(told.text)
        reply = yield talk
        talk = talk.assistant(reply if random is None else made_up(random))


def made_up(random: Random) -> str:
    a, b, c = (random.randint(2, 40) for _ in "abc")
    return f"{a} + {b} = {a + b}. {a + b} + {c} = {a + b + c}. The answer is {a + b + c}."


def after(episode: Episode, reply: str) -> Conversation | None:
    """What is to be continued after `reply`, None once the episode is over."""
    try:
        return episode.send(reply)
    except StopIteration:
        return None


async def ours(model: Embedded, episodes: Sequence[Episode], callers: int) -> tuple[int, float]:
    """New tokens and seconds, with `callers` callers at once."""
    waiting = enumerate(episodes)
    made = 0

    async def call() -> None:
        nonlocal made
        for seed, episode in waiting:
            talk: Conversation | None = next(episode)
            while talk is not None:
                reply = await model.reply(talk, Sampling(max_tokens=LONGEST, seed=seed))
                made += reply.usage.completion_tokens
                talk = after(episode, reply.text)

    start = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(callers)))
    return made, time.perf_counter() - start


class Transformers:
    """The peer: left-padded batches of one size, each as long as its longest reply."""

    def __init__(self, folder: Path, kind: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        dtype = getattr(torch, kind)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()

    def run(self, episodes: Sequence[Episode], size: int) -> tuple[int, float]:
        """New tokens (each reply's up to its end) and seconds."""
        start = time.perf_counter()
        made = 0
        waiting = iter(episodes)
        places = [(episode, next(episode)) for episode in islice(waiting, size)]
        while places:
            replies = self.batch([talk for _, talk in places])
            made += sum(map(len, replies))
            texts = self.tokenizer.batch_decode(replies, skip_special_tokens=True)
            played, places = places, []
            for (episode, _), text in zip(played, texts, strict=True):
                talk = after(episode, text)
                if talk is None and (fresh := next(waiting, None)):
                    episode, talk = fresh, next(fresh)
                if talk is not None:
                    places.append((episode, talk))
        return made, time.perf_counter() - start

    def batch(self, talks: Sequence[Conversation]) -> list[list[int]]:
        """The tokens of each reply, its end among them."""
        inputs = self.tokenizer.apply_chat_template(
            [talk.to_dicts() for talk in talks],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        made = self.model.generate(
            **inputs, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=LONGEST
        )
        end = self.model.generation_config.eos_token_id
        new = made[:, inputs["input_ids"].shape[1] :].tolist()
        return [row[: row.index(end) + 1] if end in row else row for row in new]


WORKLOADS = {"played": (played, WHOLE), "given": (given, WHOLE), "single": (single, SINGLE)}
NAMES = {
    "played": "whole episodes",
    "given": "whole episodes with made-up replies",
    "single": "prompts met once",
}


def compare(
    folder: Path, workloads: Sequence[str], callers: Sequence[int], rounds: int
) -> Iterator[dict[str, Any]]:
    """Alternate between the runtimes; one row for each workload and number of callers."""
    peers = {kind: Transformers(folder, kind) for kind in ("float32", "bfloat16")}
    model = Embedded(folder)
    with asyncio.Runner() as runner:
        for place, name in enumerate(workloads):
            make, sizes = WORKLOADS[name]
            for size in [size for size in sizes if size in callers]:
                rates: dict[str, list[float]] = {"ours": [], **{kind: [] for kind in peers}}
                for turn in range(rounds + 1):
                    # Nothing that one round met comes again in another.
                    asked = (sizes[size] if turn else size, 1000 * size + 100 * place + turn)
                    found = {"ours": runner.run(ours(model, make(*asked), size))}
                    found |= {kind: peer.run(make(*asked), size) for kind, peer in peers.items()}
                    if turn:  # the first is for warming up
                        for runtime, (made, seconds) in found.items():
                            rates[runtime].append(made / seconds)
                yield {"workload": name, "callers": size, **row(rates)}
        runner.run(model.aclose())


def row(rates: dict[str, list[float]]) -> dict[str, Any]:
    """Medians over rounds, and the ratio to the faster of the peer's two types."""
    middle = {name: statistics.median(values) for name, values in rates.items()}
    best = max(("float32", "bfloat16"), key=middle.__getitem__)
    ratios = [a / b for a, b in zip(rates["ours"], rates[best], strict=True)]
    return {
        "ours": round(middle["ours"]),
        "transformers": round(middle[best]),
        "dtype": best,
        "ratio": round(statistics.median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
    }


def table_rows(found: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The rows as `runs/table.py` shows them."""
    for each in found:
        target = TARGETS.get(each["callers"])
        yield {
            "figure": f"new tokens/s over transformers', {each['callers']} at once, "
            + NAMES[each["workload"]],
            "value": each["ratio"],
            "unit": "×",
            "target": None if target is None else f"≥ {target:g}×",
            "note": f"{each['ours']} against {each['transformers']} tokens/s ({each['dtype']}); "
            f"rounds from {each['lowest']} to {each['highest']}",
        }


def main() -> None:
    """Print the table as it grows, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, default=WEIGHTS, help="a Hugging Face folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workloads", nargs="*", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--callers", type=int, nargs="*", help="only these of 1, 16, 64, 256")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "results")
    asked = parser.parse_args()
    callers = asked.callers or list(SINGLE)
    print("workload  at once       ours   transformers   ratio   tokens/s, medians")
    found: list[dict[str, Any]] = []
    for each in compare(asked.path, asked.workloads, callers, asked.rounds):
        found.append(each)
        print(
            f"{each['workload']:<9} {each['callers']:>7} {each['ours']:>10,} "
            f"{each['transformers']:>14,} {each['ratio']:>6.1f}×   "
            f"{each['dtype']}, {each['lowest']} to {each['highest']}",
            flush=True,
        )
    sys.path.append(str(ROOT / "runs"))
    from table import save

    save(
        "5-embedded",
        title="The embedded model's runtime",
        command="make bench",
        rows=table_rows(found),
        folder=asked.out,
    )


if __name__ == "__main__":
    main()
