"""Do scores worked out again from the conversations agree with those in the log?

    python runs/lic_agreement.py DATA      (DATA/logs/lic_selected.jsonl, Lost in Conversation)

The log has no gold answers, so that of each task is taken from the conversation that told it at
once and was scored right ("full"); each other conversation of the task is then judged anew by our
own domains, by its last reply with an answer: numbers, SQL as parsed, calls. Python tasks need
hidden tests that the log does not have, and have no score here.
Nothing here knows how the log was scored.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from table import save
from uptake.domains import domain
from uptake.domains.actions.calls import Call, committed, written
from uptake.instruction import Instruction, Shard
from uptake.intervals import wilson
from uptake.transcripts import Transcript, read

# Why a task's score may differ from the log's.
WHY = {
    "database": "compared as parsed SQL, where the log ran it: another way to the same rows is 0"
}


def logged(one: Transcript) -> float | None:
    """The score in the log, which has it under one of two names."""
    held = one.meta.get("score")
    return float(one.meta["is_correct"]) if held is None else float(held)


def answer(one: Transcript) -> str:
    """The last answer that the log took from the conversation."""
    judged = [e for e in one.meta["log"] if e["type"] == "answer-evaluation"]
    return str(judged[-1]["exact_answer"]) if judged else one.conversation.said_by("assistant")[-1]


def again(one: Transcript, gold: str) -> float | None:
    """The score of the last reply with an answer, by our own check; None where there is none."""
    task = one.meta["task"]
    for reply in reversed(one.conversation.said_by("assistant")):
        if task == "apis":
            calls = committed(reply, {})
            if calls:
                return float(_same(calls, committed(gold, {})))
        elif task in ("math", "database"):
            wanted = Instruction(one.id, task, "", (Shard("goal"),), gold)
            verdict = domain(task).verify(wanted, reply)
            if verdict.answer is not None:
                return verdict.score
    return None if task == "python" else 0.0


def _same(calls: Sequence[Call], gold: Sequence[Call]) -> bool:
    return sorted(written([call]) for call in calls) == sorted(written([call]) for call in gold)


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores of a log, worked out again")
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    tasks: dict[str, list[Transcript]] = defaultdict(list)
    for one in read(args.data / "logs" / "lic_selected.jsonl", form="lic"):
        if isinstance(one, Transcript):
            tasks[one.meta["task_id"]].append(one)
    agree: list[bool] = []
    differ: list[dict[str, object]] = []
    without = 0
    for name, talks in tasks.items():
        full = next(t for t in talks if t.meta["conv_type"] == "full" and logged(t) == 1)
        for one in talks:
            if one is full:
                continue
            score = again(one, answer(full))
            if score is None:
                without += 1
                continue
            agree.append(score == logged(one))
            if not agree[-1]:
                figure = f"{name}, {one.meta['conv_type']}: scored {logged(one)} in the log"
                note = WHY.get(one.meta["task"], "unexplained")
                differ.append({"figure": figure, "value": score, "note": note, "detail": True})
    low, high = wilson(sum(agree), len(agree))
    rows: list[dict[str, object]] = [
        {
            "figure": "scores that agree with the log",
            "value": sum(agree) / len(agree),
            "low": low,
            "high": high,
            "n": len(agree),
            "note": f"{without} Python conversations cannot be judged: the log has no tests",
        },
        *differ,
    ]
    for row in rows:
        print(row)
    command = "python runs/lic_agreement.py DATA"
    save("7-lic-agreement", title="A log scored anew", command=command, rows=rows)


if __name__ == "__main__":
    main()
