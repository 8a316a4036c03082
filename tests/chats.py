"""A log of made-up conversations, and what an audit of it left."""

from __future__ import annotations

import json
import random
import time

from command import start

GOODS = ("apples", "pears", "boxes", "lamps", "hens", "tickets")


def conversation(number):
    """One of several courses, with numbers of its own."""
    rng = random.Random(number)
    a, b, c = (rng.randint(2, 90) for _ in range(3))
    thing = rng.choice(GOODS)
    course = number % 4
    if course == 0:
        said = [
            f"How much are {a} {thing}?",
            f"They are {b} euros.",
            f"Each is {c} euros.",
            "I see.",
        ]
    elif course == 1:
        said = [
            f"How much are {a} {thing}?",
            "Which ones?",
            "The red ones.",
            f"They are {b} euros.",
        ]
    elif course == 2:
        said = [
            f"Tell me of {thing} {a}.",
            "They are cheap.",
            "No, I meant the song.",
            "It is old.",
        ]
    else:
        said = [f"Count my {thing}: {a} and {b}.", f"You have {a + b} {thing}.", "Thanks!", "Bye."]
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]
    return {"id": f"c{number}", "model": f"model-{number % 2}", "messages": messages}


def log(path, n, *more):
    lines = [json.dumps(conversation(number)) for number in range(n)]
    path.write_text("\n".join([*lines, *more]) + "\n")
    return path


def rows(out):
    return [json.loads(line) for line in (out / "turns.jsonl").read_text().splitlines()]


def state(out):
    return json.loads((out / "audit.json").read_text())


def found(out):
    """What was found, without what the clock and the number of batches decide."""
    data = state(out)["findings"]
    lists = ("tallies", "firsts", "pairs")
    return data | {name: sorted(data[name]) for name in lists}


def begun(env, path, out, *words):
    """An audit in the middle of its work: some of it was saved."""
    process = start(env, "audit", path, "--out", out, *words)
    while not (out / "audit.json").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return process
