"""How many turns `uptake audit` reads in a second, and in how much memory, on a generated log.

    python benchmarks/audit.py [--conversations 20000] [--processes 2] [--save]
                               [--convokit .venv-convokit/bin/python]

The log is made up: requests, facts, corrections, thanks and complaints of the user's; answers,
questions, lists, code and refusals of the assistant's, with made-up names, so that hardly a turn
is met twice. Five turns a conversation on average. Time is that of the whole command from a fresh
interpreter: reading, auditing, writing the rows and the page. Memory is that of all of its
processes together, the largest at any time. What people write is more varied than this.

Beside it, where there is a Python that has it (`make bench-audit`), ConvoKit's pipeline reads the
beginning of the same log in as many processes: each turn parsed by spaCy and its politeness
strategies found, the nearest that it has to acts of turns without a model to be downloaded. Its
imports and the loading of the parser, which take longer than the audit's, are not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent / "runs"))

from table import save

TARGET, TIMES = 10_000, 20
BESIDE = 400  # conversations that ConvoKit reads, in each process
HERE = Path(__file__).parent
_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split()
_NOUNS = (
    "invoice garden report recipe laptop bicycle schedule poem budget novel server kitchen holiday"
    " contract lesson meeting engine database letter painting survey festival museum airport"
).split()
_VERBS = "write plan fix explain compare translate summarise improve describe order check".split()
_ADJECTIVES = "short careful cheap green modern formal simple detailed quiet early large".split()
_FACTS = (
    "The {noun} of {name} has {n} parts and costs {m} euros.",
    "It is for {name}, who wants a {adjective} {noun}.",
    "I live in {name} and have {n} days.",
    "It must be ready by {day}, and no longer than {n} pages.",
)
_REQUESTS = (
    "Can you {verb} a {adjective} {noun} for {name}?",
    "Please {verb} the {noun} that {name} sent me on {day}.",
    "How many {noun}s does {name} need for {n} people and {m} guests?",
    "I want to {verb} my {noun}. What should I look at first, and how long does it take?",
    "What is the difference between a {adjective} {noun} and the one of {name}?",
)
_LATER = (
    "No, I meant the {noun} of {name}, not the {adjective} one.",
    "Thanks, that helps. And what about {name}?",
    "That's wrong. It has {n}, not {m}.",
    "Actually, make it {n} instead of {m}.",
    "{n}, please.",
    "What do you mean by {adjective} {noun}?",
    "Ok. Now {verb} it again for {name}, but make it more {adjective}.",
    "Never mind, I'll ask {name}.",
    "Why would {name} do that on {day}? I don't see what the {noun} has to do with it.",
)
_REPLIES = (
    "Sure! How many people is the {noun} for, and when does {name} need it?",
    "{name} needs {n} of them: {m} for the {noun} and the rest for the {adjective} {other}. "
    "That leaves {n} at the end of {day}. Let me know if you would like me to {verb} more.",
    "Here is a {adjective} {noun} for {name}:\n\n1. Begin with the {other} and measure it twice.\n"
    "2. Put {n} pieces aside until {day}.\n3. Go over the {noun} with {name}.\n"
    "4. Keep the receipt; you will need it for the {other}.\n\nWould you like me to {verb} it?",
    "I'm sorry, but I can't {verb} the {noun} without knowing more about {name}. Which {other} do "
    "you mean?",
    "A {noun} is usually {adjective}, while that of {name} is made for a {other}. The first takes "
    "about {n} hours to {verb}; the second is cheaper, but it wears out after {m} years. If you "
    "have little time, I would take the first. Most people in {place} do the same, because the "
    "{other} is easy to come by there.",
    "You're right, I mixed that up. It has {n} parts, so {name} pays {m} euros on {day}.",
    "```python\ndef {verb}(x):\n    return x * {n} + {m}\n```\nThis does what {name} asked "
    "for: it multiplies the {noun} by {n}. Note that it does not check the {other}.",
    "Got it. So you want a {adjective} {noun} by {day}, is that right?",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="How many turns the audit reads in a second")
    parser.add_argument("--conversations", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=2)
    own = HERE.parent / ".venv-convokit" / "bin" / "python"
    parser.add_argument("--convokit", default=str(own) if own.exists() else None, metavar="PYTHON")
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    beside = None
    with tempfile.TemporaryDirectory() as held:
        log, out = Path(held) / "log.jsonl", Path(held) / "out"
        turns, words = write_log(log, asked.conversations)
        seconds, memory = audited(log, out, asked.processes)
        if asked.convokit:
            beside = of_convokit(asked.convokit, log, asked.processes)
    speed = turns / seconds
    print(f"{turns:,} turns of {words / turns:.0f} words in {seconds:.1f} s: {speed:,.0f} turns/s")
    print(f"at most {memory >> 20:,} MiB in all processes together")
    if beside:
        print(f"ConvoKit: {beside:,.0f} turns/s, {speed / beside:.1f} times fewer")
    if asked.save:
        n = {"n": turns}
        rows = [
            {"figure": "audit reads", "value": round(speed), "unit": "turns/s", **n}
            | {"target": f"≥ {TARGET:,}", "note": f"{asked.processes} processes"},
            {"figure": "audit's memory, all processes", "value": memory >> 20, "unit": "MiB", **n}
            | {"target": "≤ 1,024"},
        ]
        if beside:
            note = "parsed, politeness strategies; the beginning of the same log"
            rows += [
                {"figure": "ConvoKit reads", "value": round(beside), "unit": "turns/s"}
                | {"note": f"{note}, {asked.processes} processes"},
                {"figure": "audit / ConvoKit", "value": round(speed / beside, 1), "unit": "times"}
                | {"target": f"≥ {TIMES}", **n},
            ]
        command = f"python benchmarks/audit.py --conversations {asked.conversations} --save"
        save("7-audit-speed", title="Speed of the audit", command=command, rows=rows)


def write_log(path: Path, conversations: int) -> tuple[int, int]:
    """Write the log; how many turns and how many words it has."""
    turns = words = 0
    with path.open("w", encoding="utf-8") as lines:
        for number in range(conversations):
            messages = list(conversation(Random(number)))
            turns += len(messages)
            words += sum(len(message["content"].split()) for message in messages)
            lines.write(json.dumps({"id": str(number), "messages": messages}) + "\n")
    return turns, words


def conversation(rng: Random) -> Iterator[dict[str, str]]:
    """One conversation of 2 to 8 turns, as chat messages."""
    for number in range(rng.randint(1, 4)):
        asked = _said(rng, *([_REQUESTS] if number == 0 or rng.random() < 0.3 else [_LATER]))
        if rng.random() < 0.4:
            asked = f"{_said(rng, _FACTS)} {asked}"
        yield {"role": "user", "content": asked}
        yield {"role": "assistant", "content": _said(rng, _REPLIES)}


def _said(rng: Random, wordings: tuple[str, ...]) -> str:
    noun, other = rng.sample(_NOUNS, 2)
    return rng.choice(wordings).format(
        noun=noun,
        other=other,
        verb=rng.choice(_VERBS),
        adjective=rng.choice(_ADJECTIVES),
        name=_name(rng),
        place=_name(rng),
        day=rng.choice(("Monday", "Tuesday", "Friday", "Sunday")),
        n=rng.randint(2, 99),
        m=rng.randint(100, 999),
    )


def _name(rng: Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=3)).capitalize()


def audited(log: Path, out: Path, processes: int) -> tuple[float, int]:
    """The seconds that the command takes, and the most bytes that its processes held at once."""
    command = [sys.executable, "-m", "uptake", "audit", str(log), "--out", str(out)]
    started = time.monotonic()
    running = subprocess.Popen(
        [*command, "--processes", str(processes)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = 0
    while running.poll() is None:
        most = max(most, _resident(running.pid))
        time.sleep(0.2)
    if running.returncode:
        raise SystemExit(f"the audit ended with {running.returncode}: {' '.join(command)}")
    return time.monotonic() - started, most


def of_convokit(python: str, log: Path, processes: int) -> float:
    """Turns that ConvoKit reads in a second, in so many processes at once."""
    script = str(HERE / "auditing" / "with_convokit.py")
    running = [
        subprocess.Popen(
            [python, script, str(log), str(part * BESIDE), str((part + 1) * BESIDE)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for part in range(processes)
    ]
    told = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit(f"ConvoKit ended with an error: {python} {script} {log} 0 {BESIDE}")
    found = [json.loads(each.splitlines()[-1]) for each in told]
    return sum(each["turns"] for each in found) / max(each["seconds"] for each in found)


def _resident(process: int) -> int:
    """Bytes that a process and its children hold (Linux)."""
    total = 0
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:  # it has ended
        return 0
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            total = int(line.split()[1]) * 1024
    return total + sum(_resident(int(child)) for child in children)


if __name__ == "__main__":
    main()
