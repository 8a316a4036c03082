"""Half an hour of talk through the server: does its memory grow, does anything stay open?

    python runs/soak.py [--minutes 30] [--rate 40] [--warm-up 6] [--save]

Conversations of up to twelve turns, streamed and whole, of three API keys; one stream in twenty is
left in the middle by its client. The server runs in a process of its own, with SQLite on disk,
before an upstream on the loopback. Before the half hour comes a warm-up at three times the rate,
until the ledgers and wordings that are held in memory have reached the number that bounds them.
Memory is compared between the first and the last tenth of the half hour. Passes (exit code 0) where
it has grown by less than 5%, nothing is open and nothing has failed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from table import save

MOCK = Path(__file__).parent.parent / "benchmarks" / "serving" / "mock.py"
TURNS = 12
TALKS = 64
MOST_GROWTH = 0.05


@dataclass
class Seen:
    """What happened: resident memory by time, replies that were whole, what was wrong."""

    memory: list[tuple[float, float]] = field(default_factory=list)
    whole: int = 0
    left: int = 0
    wrong: list[str] = field(default_factory=list)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def resident(pid: int) -> float:
    """MB of memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} says nothing of its memory")


async def talk(http: aiohttp.ClientSession, url: str, seen: Seen, seed: int) -> None:
    """One conversation, from its first turn to its last."""
    chance = random.Random(seed)
    messages: list[dict[str, str]] = []
    headers = {"authorization": f"Bearer key-{seed % 3}"}
    if chance.random() < 0.3:
        headers["x-uptake-conversation"] = f"talk {seed}"
    for turn in range(chance.randint(1, TURNS)):
        words = chance.choice(
            ("Person {n} has {v} apples.", "And {v} more.", "Sorry, I meant {v}.")
        )
        content = words.format(n=seed, v=chance.randint(2, 99)) if turn else f"How many has {seed}?"
        messages.append({"role": "user", "content": content})
        body = {"model": "m", "messages": messages, "stream": chance.random() < 0.5}
        leaves = body["stream"] and chance.random() < 0.05
        async with http.post(url, json=body, headers=headers) as answer:
            if answer.status != 200:
                seen.wrong.append(f"status {answer.status}")
            if leaves:
                await answer.content.readany()
                seen.left += 1
                return
            content = await answer.read()
        if body["stream"] and not content.endswith(b"data: [DONE]\n\n"):
            seen.wrong.append(f"a stream ended with {content[-40:]!r}")
        seen.whole += 1
        messages.append({"role": "assistant", "content": "All right."})


async def talking(url: str, seen: Seen, seconds: float, rate: float) -> None:
    """Conversations one after the other, so many at once that about `rate` turns come a second."""
    end = time.monotonic() + seconds
    numbers = iter(range(10**9))
    pause = TALKS / rate

    async with aiohttp.ClientSession() as http:

        async def one() -> None:
            while time.monotonic() < end:
                started = time.monotonic()
                before = seen.whole
                await talk(http, url, seen, next(numbers))
                turns = max(seen.whole - before, 1)
                await asyncio.sleep(max(0.0, pause * min(turns, 6) - (time.monotonic() - started)))

        await asyncio.gather(*(one() for _ in range(TALKS)))


async def watching(pid: int, seen: Seen) -> None:
    started = time.monotonic()
    while True:
        seen.memory.append((time.monotonic() - started, resident(pid)))
        if len(seen.memory) % 12 == 0:
            at, now = seen.memory[-1]
            print(f"{at / 60:5.1f} min  {now:6.1f} MB  {seen.whole:,} turns", file=sys.stderr)
        await asyncio.sleep(5)


async def soak(port: int, pid: int, seconds: float, rate: float, warm: float) -> tuple[Seen, str]:
    """What was seen, and the server's own counts at the end."""
    warmed, seen = Seen(), Seen()
    root = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as http:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"{root}/ready") as answer:
                    if answer.status == 200:
                        break
            await asyncio.sleep(0.1)
        url = f"{root}/v1/chat/completions"
        await talking(url, warmed, warm, 3 * rate)
        print(f"warm: {resident(pid):.1f} MB, {warmed.whole:,} turns", file=sys.stderr)
        watch = asyncio.ensure_future(watching(pid, seen))
        await talking(url, seen, seconds, rate)
        seen.wrong += warmed.wrong
        await asyncio.sleep(1)
        watch.cancel()
        async with http.get(f"{root}/metrics") as answer:
            return seen, await answer.text()


def between(memory: list[tuple[float, float]], start: float, end: float) -> float:
    """The median of memory over a part of the time, given in shares of the whole."""
    last = memory[-1][0]
    return statistics.median(mb for at, mb in memory if start * last <= at <= end * last)


def counted(metrics: str, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = [line for line in metrics.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=40.0)
    parser.add_argument("--warm-up", type=float, default=6.0, help="minutes")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    upstream, port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        mock = subprocess.Popen([sys.executable, str(MOCK), str(upstream), "--apart", "5"])
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "uptake", "serve", "--port", str(port)),
                *("--upstream", f"http://127.0.0.1:{upstream}/v1", "--store", f"{folder}/soak.db"),
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            seen, metrics = asyncio.run(
                soak(port, server.pid, given.minutes * 60, given.rate, given.warm_up * 60)
            )
        finally:
            server.terminate()
            mock.terminate()
            server.wait()
    early, late = between(seen.memory, 0.0, 0.1), between(seen.memory, 0.9, 1.0)
    growth = late / early - 1
    left_open = counted(metrics, "uptake_requests_open")
    failed = counted(metrics, "uptake_failures_total")
    rows = [
        {"figure": "minutes", "value": round(given.minutes, 1)},
        {"figure": "turns, whole", "value": seen.whole},
        {"figure": "streams that their client left", "value": seen.left},
        {"figure": "resident memory at the beginning, MB", "value": round(early, 1)},
        {"figure": "resident memory at the end, MB", "value": round(late, 1)},
        {"figure": "growth", "value": round(growth, 4), "target": "< 0.05"},
        {"figure": "requests open at the end", "value": int(left_open), "target": "0"},
        {
            "figure": "replies not whole, turns not kept",
            "value": len(seen.wrong) + int(failed),
            "target": "0",
        },
    ]
    for row in rows:
        print(f"{row['figure']:40} {row['value']}")
    for line in sorted(set(seen.wrong))[:10]:
        print(f"wrong: {line}")
    if given.save:
        command = f"python runs/soak.py --minutes {given.minutes:g} --rate {given.rate:g} --save"
        print(save("5-soak", title="Half an hour through the server", command=command, rows=rows))
    return 0 if growth < MOST_GROWTH and not left_open and not seen.wrong and not failed else 1


if __name__ == "__main__":
    raise SystemExit(main())
