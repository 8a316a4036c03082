"""How many turns of a model's the environment and the reward take in a second of one core.

    python benchmarks/env.py [--tasks 1500] [--rounds 5] [--save]

Tasks are those of the recipe `taught`: the mixture of conditions of the math domain, told by the
training users. A turn is one reply taken, judged and answered; the reward of each conversation is
worked out, too. Replies are those of a partner of half skill, written before the clock runs.
Making the tasks is timed by itself. Processor time, the median round.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent / "runs"))

from table import save
from uptake.domains.math import math
from uptake.partners import words
from uptake.train.env import Env
from uptake.train.tasks import Task, Tasks
from uptake.users import user

TARGET = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    speeds: list[float] = []
    making: list[float] = []
    for number in range(asked.rounds):
        tasks = Tasks("math", seed=number)
        started = time.process_time()
        made = [tasks.task(k) for k in range(asked.tasks)]
        making.append((time.process_time() - started) / asked.tasks)
        scripts = [replies(task, number) for task in made]
        started = time.process_time()
        turns = sum(played(task, said) for task, said in zip(made, scripts, strict=True))
        speeds.append(turns / (time.process_time() - started))
        print(f"round {number}: {speeds[-1]:,.0f} turns/s of {turns:,}")
    median, task = statistics.median(speeds), statistics.median(making)
    print(f"median {median:,.0f} turns/s; a task is made in {task * 1e3:.2f} ms")
    if asked.save:
        row = {
            "figure": "environment and reward, on one core",
            "value": round(median),
            "low": round(min(speeds)),
            "high": round(max(speeds)),
            "unit": "turns/s",
            "n": asked.rounds,
            "target": f"≥ {TARGET:,}",
            "note": f"median, slowest and fastest round; a task is made in {task * 1e3:.2f} ms",
        }
        command = "python benchmarks/env.py --save"
        save("6-env", title="Speed of what a model is taught in", command=command, rows=[row])


def replies(task: Task, seed: int) -> list[str]:
    """What a partner of half skill says to a task, turn by turn."""
    env, rng, said = _env(task), Random(f"{seed}/{task.scenario.instruction.id}"), list[str]()
    env.reset(task.scenario)
    while env.episode is None:
        heard = [message["content"] for message in env.messages if message["role"] == "user"]
        said.append(words(task.scenario, heard, rng.random() < 0.5))
        env.reply(said[-1])
    return said


def played(task: Task, said: list[str]) -> int:
    """Play and reward a conversation; how many replies it took."""
    env = _env(task)
    env.reset(task.scenario)
    for reply in said:
        env.reply(reply)
    env.score()
    return len(said)


def _env(task: Task) -> Env:
    return Env(math.verify, user=user(task.user), probe=task.probe)


if __name__ == "__main__":
    main()
