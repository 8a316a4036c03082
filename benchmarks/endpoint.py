"""A run against an endpoint, beside a bare `asyncio.gather` over the same client, in one run.

    python benchmarks/endpoint.py [--rounds 2] [--at-once 16 64 256] [--out FOLDER]

The server answers after 50 ms, in a process of its own, and says what CPU a request cost it. Every
measurement is a fresh process that makes the same calls: those of 1,000 episodes of the probe
`lost`. The bare gather has N workers that do nothing but call the SDK (or aiohttp) and read the
reply. uptake plays the whole run: 1,000 conversations at once with N requests at once, budget,
verifier and record included, from an empty folder to a closed one. Rounds alternate.

A last run plays four times as many episodes, to show that memory does not grow with them.

Needs aiohttp (extra `[fast]`).
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from uptake.conversation import Conversation
from uptake.domains.math import math
from uptake.model import Sampling
from uptake.models.apis import Chat
from uptake.models.endpoint import Endpoint
from uptake.run import Limits, finish, setup
from uptake.scenario import scenarios

ROOT = Path(__file__).parent.parent
LATENCY = 0.05
EPISODES = 1000
AT_ONCE = (16, 64, 256)
CLIENTS = ("sdk", "aiohttp")
CONDITIONS = ("full", "concat", "sharded")
SAID = "Let me work through it with what you have told me so far. 6 + 6 = 12. The answer is 12."
SAMPLING = Sampling(max_tokens=100)


# The server


class Answer(asyncio.Protocol):
    """As little HTTP as a client needs: the same reply to every request, after `LATENCY`."""

    served = 0

    def __init__(self) -> None:
        self.heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, found, rest = self.heard.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) >= length:
            self.heard = rest[length:]
            asyncio.get_running_loop().call_later(LATENCY, self.answer)

    def answer(self) -> None:
        Answer.served += 1
        if not self.transport.is_closing():
            self.transport.write(REPLY)  # pyright: ignore[reportAttributeAccessIssue]


def reply() -> bytes:
    message = {"role": "assistant", "content": SAID}
    body = json.dumps(
        {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


REPLY = reply()


async def serve() -> None:
    """Print the port, serve until standard input ends, print requests and CPU seconds."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answer, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"requests": Answer.served, "cpu": time.process_time()}))


# The two sides, each in a process of its own


def measure(what: str, client: str, at_once: int, url: str, times: int) -> dict[str, float]:
    """One measurement: calls, seconds, CPU seconds, and memory before and at its peak."""
    importlib.import_module("openai" if client == "sdk" else client)  # neither side waits for it
    instructions = math.generate(-(-times * EPISODES // len(CONDITIONS)), seed=7)
    side = uptake if what == "uptake" else bare
    return asyncio.run(side(client, at_once, url, instructions, times * EPISODES))


async def uptake(
    client: str, at_once: int, url: str, instructions: list[Any], episodes: int
) -> dict[str, float]:
    model = Endpoint("m", Chat(url), name="m", concurrency=at_once, client=client)
    ready = setup(
        model=model,
        instructions=instructions,
        n=len(instructions),
        conditions=CONDITIONS,
        repeats=1,
        controls=False,
        sampling=SAMPLING,
    )
    with tempfile.TemporaryDirectory() as folder:
        begun = _begin()
        outcome = await finish(ready, folder, Limits(concurrency=EPISODES), progress=False)
        found = _end(begun)
        lines = (Path(folder) / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    await model.aclose()
    calls = sum(len(json.loads(line)["turns"]) for line in lines)
    if outcome.failed or outcome.missing or len(lines) < episodes:
        sys.exit(f"{outcome.failed} episodes failed, {outcome.missing} are missing")
    return found | {"calls": calls}


async def bare(
    client: str, at_once: int, url: str, instructions: list[Any], episodes: int
) -> dict[str, float]:
    calls = list(prompts(instructions))
    call, close = _sdk(url) if client == "sdk" else _aiohttp(url)
    waiting = iter(calls)

    async def work() -> None:
        for messages in waiting:
            await call(messages)

    begun = _begin()
    await asyncio.gather(*(work() for _ in range(at_once)))
    found = _end(begun)
    await close()
    return found | {"calls": len(calls)}


def prompts(instructions: list[Any]) -> Iterator[list[dict[str, Any]]]:
    """What uptake sends, call by call."""
    for instruction in instructions:
        for scenario in scenarios(instruction, CONDITIONS):
            talk = Conversation()
            for told in scenario.turns:
                talk = talk.user(told.text)
                yield talk.to_dicts()
                talk = talk.assistant(SAID)


Call = Callable[[list[dict[str, Any]]], Awaitable[Any]]


def _sdk(url: str) -> tuple[Call, Callable[[], Awaitable[None]]]:
    import openai

    sdk = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0)

    async def call(messages: list[dict[str, Any]]) -> Any:
        return await sdk.chat.completions.create(
            model="m",
            messages=messages,  # pyright: ignore[reportArgumentType]  (chat dicts)
            temperature=1.0,
            max_tokens=100,
            seed=1,
        )

    return call, sdk.close


def _aiohttp(url: str) -> tuple[Call, Callable[[], Awaitable[None]]]:
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def call(messages: list[dict[str, Any]]) -> Any:
        body = {"model": "m", "messages": messages, "temperature": 1.0, "max_tokens": 100}
        async with session.post(f"{url}/chat/completions", json={**body, "seed": 1}) as response:
            return json.loads(await response.read())

    return call, session.close


def _begin() -> tuple[float, float, float]:
    return time.perf_counter(), time.process_time(), _memory()


def _end(begun: tuple[float, float, float]) -> dict[str, float]:
    wall, cpu, memory = begun
    return {
        "seconds": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "before": memory,
        "peak": _memory(),
    }


def _memory() -> float:
    """The most that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# All of it


def compare(at_once: list[int], rounds: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every measurement of every round, and what the server says of itself."""
    server = _child("--serve", stdin=subprocess.PIPE)
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"  # pyright: ignore[reportOptionalMemberAccess]
    cells = [(w, c, n) for n in at_once for c in CLIENTS for w in ("bare", "uptake")]
    jobs = [(*cell, 1) for _ in range(rounds) for cell in cells]
    jobs.append(("uptake", "aiohttp", max(at_once), 4))
    found: list[dict[str, Any]] = []
    try:
        for what, client, many, times in jobs:
            arguments = [what, client, str(many), url, str(times)]
            done = _child("--measure", *arguments).communicate()[0]
            row = {"what": what, "client": client, "at_once": many, "times": times}
            found.append(row | json.loads(done))
            print(line(found[-1]), flush=True)
    finally:
        said, _ = server.communicate("")
    return found, json.loads(said)


def _child(*arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, text=True)


def line(row: dict[str, Any]) -> str:
    return (
        f"{row['what']:<7} {row['client']:<8} {row['at_once']:>4} at once "
        f"{row['calls'] / row['seconds']:>7,.0f} calls/s {1000 * row['cpu'] / row['calls']:>6.2f} "
        f"ms CPU a call, {row['peak']:>4.0f} MB at most ({row['before']:.0f} before)"
    )


def table_rows(found: list[dict[str, Any]], server: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows as `runs/table.py` shows them."""
    for client, against in (("sdk", "sdk"), ("aiohttp", "sdk"), ("aiohttp", "aiohttp")):
        for many in sorted({row["at_once"] for row in found}):
            yield _row(found, client, against, many)
    longest = next(row for row in found if row["times"] > 1)
    short = [row["peak"] for row in found if _same(row, "uptake", "aiohttp", longest["at_once"])]
    yield {
        "figure": f"memory at its peak, {EPISODES:,} episodes at once of "
        f"{longest['times'] * EPISODES:,}, over that of {EPISODES:,}",
        "value": longest["peak"] / max(short),
        "unit": "×",
        "note": f"{longest['peak']:.0f} MB against {max(short):.0f} MB, of which "
        f"{longest['before']:.0f} and {found[-2]['before']:.0f} were there before the run",
    }
    each = server["cpu"] / server["requests"]
    yield {
        "figure": "CPU of the server a request, in its own process",
        "value": 1000 * each,
        "unit": "ms",
        "n": server["requests"],
        "note": f"good for {1 / each:,.0f} requests/s on a core of its own",
    }


def _same(row: dict[str, Any], what: str, client: str, many: int) -> bool:
    cell = (row["what"], row["client"], row["at_once"], row["times"])
    return cell == (what, client, many, 1)


def _row(found: list[dict[str, Any]], client: str, against: str, many: int) -> dict[str, Any]:
    """The calls a second of uptake over those of a bare gather: the median of the rounds."""
    ours = [row for row in found if _same(row, "uptake", client, many)]
    bare = [row for row in found if _same(row, "bare", against, many)]
    rates = [[row["calls"] / row["seconds"] for row in side] for side in (ours, bare)]
    costs = [statistics.median(1000 * r["cpu"] / r["calls"] for r in side) for side in (ours, bare)]
    ratios = [a / b for a, b in zip(*rates, strict=True)]
    names = {"sdk": "the openai SDK", "aiohttp": "aiohttp"}
    return {
        "figure": f"calls/s over a bare gather's, {many} at once: uptake on {names[client]}, "
        f"gather on {names[against]}",
        "value": statistics.median(ratios),
        "unit": "×",
        "target": "≥ 0.9×" if against == "sdk" else None,
        "note": f"{statistics.median(rates[0]):,.0f} against {statistics.median(rates[1]):,.0f} "
        f"calls/s, {costs[0]:.2f} against {costs[1]:.2f} ms CPU a call, at most "
        f"{max(row['peak'] for row in ours):.0f} MB; rounds from {min(ratios):.2f} to "
        f"{max(ratios):.2f}",
    }


def main() -> None:
    """Print every measurement as it is made, and write the table down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--at-once", type=int, nargs="*", default=list(AT_ONCE))
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "results")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve())
    elif asked.measure:
        what, client, many, url, times = asked.measure
        print(json.dumps(measure(what, client, int(many), url, int(times))))
    else:
        found, server = compare(asked.at_once, asked.rounds)
        sys.path.append(str(ROOT / "runs"))
        from table import save

        save(
            "3-endpoint",
            title="1,000 episodes at once against an endpoint that takes 50 ms",
            command="python benchmarks/endpoint.py",
            rows=table_rows(found, server),
            folder=asked.out,
        )


if __name__ == "__main__":
    main()
