"""What a run costs beside the model: CPU an episode, uptake and Inspect in one run.

    python benchmarks/runner.py [--rounds 3] [-n 30] [--repeats 10] [--out FOLDER]

Both play the same episodes, math told over turns, with a scripted model that takes no time to
speak of, and record every one on disk. The replies differ from each other, as a model's would:
the first asks, those after it work something out. Three play in turn:

`uptake` as `uptake probe` does. `Inspect` the task of the bridge: the same user, verifier and
scores, but Inspect's runner and log. `Inspect, bare` nothing of uptake but the words of the
shards, each appended and replied to: the least that a multi-turn eval can be there.

Measured is the CPU time of the process, all threads together, from when the scenarios are made to
the closed file; not the imports, and not the figures. The median of the rounds counts.

Needs the environment with Inspect: `make bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, accuracy, mean, scorer
from inspect_ai.solver import solver

from uptake.bridges.inspect import tasks
from uptake.conversation import Conversation, Message
from uptake.domains import domain
from uptake.model import Reply, Sampling, Usage
from uptake.run import Limits, finish, setup
from uptake.scenario import scenarios

ROOT = Path(__file__).parent.parent
CONDITION = "sharded"
MOST_MS = 1.0
TIMES_BELOW = 20


def words(turn: int, seed: int) -> str:
    """What the model says at a turn, counted from 0."""
    a, b, c = 2 + seed % 41, 2 + seed // 41 % 43, 2 + seed // 1763 % 47
    if turn == 0:
        return f"Could you tell me {'how many there are' if seed % 2 else 'what it costs'}?"
    return f"{a} + {b} = {a + b}. {a + b} - {c} = {a + b - c}. The answer is {a + b - c}."


class Speaker:
    """The scripted model of uptake's side."""

    name = "scripted"

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        turn = sum(message.role == "assistant" for message in conversation)
        return Reply(Message("assistant", words(turn, sampling.seed)), usage=Usage(1, 1, 0.0))

    async def aclose(self) -> None:
        """Nothing to free."""


Play = Callable[[], int]
"""Plays everything that was made ready, and says how many episodes it was."""


def uptake(n: int, repeats: int, seed: int, folder: Path) -> Play:
    ready = setup(
        model=Speaker(), n=n, repeats=repeats, seed=seed, conditions=[CONDITION], controls=False
    )
    assert len(ready.plan.scenarios) == n  # made when they are first looked at
    return lambda: asyncio.run(finish(ready, folder, Limits(), progress=False)).episodes


def speaker() -> Any:
    """The scripted model of Inspect's side."""

    def say(heard: Any, tools: Any, choice: Any, config: Any) -> ModelOutput:
        turn = sum(message.role == "assistant" for message in heard)
        output = ModelOutput.from_content("mockllm", words(turn, config.seed or len(heard)))
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    return get_model("mockllm/scripted", custom_outputs=say, memoize=False)


def inspect_bridge(n: int, repeats: int, seed: int, folder: Path) -> Play:
    """The bridge's task; its figures, which uptake's side does not work out either, left out."""
    task = tasks()["lost"](n=n, repeats=repeats, seed=seed, conditions=CONDITION)
    task.metrics = {"last": [mean()]}
    return lambda: logged(task, folder)


def inspect_bare(n: int, repeats: int, seed: int, folder: Path) -> Play:
    """The shards appended one by one, and nothing else done with the replies but to score one."""
    samples = [
        Sample(
            id=one.id,
            input=told.turns[0].text,
            target=one.answer,
            metadata={"said": [turn.text for turn in told.turns[1:]]},
        )
        for one in domain("math").generate(n, seed=seed)
        for told in scenarios(one, [CONDITION])
    ]
    task = Task(dataset=samples, solver=telling(), scorer=ends(), epochs=repeats)
    return lambda: logged(task, folder)


@solver
def telling() -> Any:
    async def solve(state: Any, generate: Any) -> Any:
        state = await generate(state)
        for said in state.metadata["said"]:
            state.messages.append(ChatMessageUser(content=said))
            state = await generate(state)
        return state

    return solve


@scorer(metrics=[accuracy()])
def ends() -> Any:
    async def score(state: Any, target: Any) -> Score:
        return Score(value=float(state.output.completion.endswith(f" {target.text}.")))

    return score


def logged(task: Task, folder: Path) -> int:
    (log,) = run_eval(task, model=speaker(), log_dir=str(folder), display="none")
    assert log.status == "success", log.error
    return len(log.samples or ())


PLAYERS: dict[str, Callable[[int, int, int, Path], Play]] = {
    "uptake": uptake,
    "Inspect": inspect_bridge,
    "Inspect, bare": inspect_bare,
}


def measure(rounds: int, n: int, repeats: int) -> dict[str, list[float]]:
    """CPU milliseconds an episode, by player and round; a small round before warms them up."""
    spent: dict[str, list[float]] = {name: [] for name in PLAYERS}
    for turn in range(rounds + 1):
        for name, ready in PLAYERS.items():
            with tempfile.TemporaryDirectory() as folder:
                play = ready(n if turn else 2, repeats, turn, Path(folder))
                began = time.process_time()
                played = play()
                cpu = time.process_time() - began
            if turn:
                assert played == n * repeats
                spent[name].append(1000 * cpu / played)
    return spent


def table_rows(spent: dict[str, list[float]], n: int) -> Iterator[dict[str, Any]]:
    """The rows as `runs/table.py` shows them."""
    for name, values in spent.items():
        yield {
            "figure": f"runner, CPU an episode: {name}",
            "value": round(statistics.median(values), 3),
            "unit": "ms",
            "n": n,
            "target": f"≤ {MOST_MS:g} ms" if name == "uptake" else None,
            "note": f"rounds from {min(values):.2f} to {max(values):.2f}",
        }
    for name in list(spent)[1:]:
        times = [theirs / ours for theirs, ours in zip(spent[name], spent["uptake"], strict=True)]
        yield {
            "figure": f"runner: {name}, times uptake's CPU in the same run",
            "value": round(statistics.median(times), 1),
            "unit": "×",
            "target": f"≥ {TIMES_BELOW}×",
            "note": f"rounds from {min(times):.0f} to {max(times):.0f}",
        }


def shown(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        print(f"{row['figure']:<60} {row['value']:>8} {row['unit']}   {row['note']}")


def main() -> None:
    """Measure, print, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-n", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "results")
    asked = parser.parse_args()
    spent = measure(asked.rounds, asked.n, asked.repeats)
    rows = list(table_rows(spent, asked.rounds * asked.n * asked.repeats))
    shown(rows)
    sys.path.append(str(ROOT / "runs"))
    from table import save

    save(
        "3-runner",
        title="The runner beside Inspect's",
        command="make bench",
        rows=rows,
        folder=asked.out,
    )


if __name__ == "__main__":
    main()
