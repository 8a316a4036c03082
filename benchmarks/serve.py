"""The server against a bare pass-through and LiteLLM's proxy, before the same upstream, in one run.

    python benchmarks/serve.py [--litellm .venv-litellm/bin/litellm] [--turns 1000] [--save]

Callers and upstream share one core, what is measured has the other. A plain turn is the tenth of a
conversation whose first nine went the same way, read by rule and kept in SQLite. First tokens are
those of 32 streams at once that begin 20 ms apart. Three rounds; the figures are medians over
rounds. `make bench` sets up the environments.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "runs")]

from serving.load import conversation, first_tokens, post, requests  # noqa: E402
from table import save  # noqa: E402

TURNS = 10
CALLERS = 16
STREAMS = 32
FIRST_MS = 50
APART_MS = 20


@dataclass
class Server:
    """What is measured: how it is started, and what was seen of it."""

    name: str
    command: list[str]
    port: int
    turns: int
    env: dict[str, str] = field(default_factory=dict)
    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)

    def __enter__(self) -> Server:
        self.process = subprocess.Popen(
            _pinned(1, self.command),
            env={**os.environ, **self.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _pinned(core: int, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command]


def _wait(port: int, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children, threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    spent = sum(int(each) for each in fields[11:15])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return spent / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(int(child)) for child in children)


async def measure(server: Server, round_: int, streamed: int) -> None:
    base = round_ * 1_000_000
    for turns in range(1, TURNS):
        wanted = [post(conversation(base + n, turns)) for n in range(server.turns)]
        if server.name == "uptake" or turns == TURNS - 1:
            await requests(server.port, wanted, CALLERS)
    wanted = [post(conversation(base + n, TURNS)) for n in range(server.turns)]
    before = cpu_seconds(server.process.pid)
    seconds = await requests(server.port, wanted, CALLERS)
    server.cpu.append((cpu_seconds(server.process.pid) - before) / server.turns * 1000)
    server.rate.append(server.turns / seconds)
    numbers = range(base + 500_000, base + 500_000 + STREAMS)
    for turns in range(1, TURNS):
        await requests(streamed, [post(conversation(n, turns)) for n in numbers], 4)
    streams = [post(conversation(n, TURNS), stream=True) for n in numbers]
    server.first += await first_tokens(streamed, streams, APART_MS / 1000)


def servers(upstream: int, slow: int, given: argparse.Namespace, folder: str) -> list[Server]:
    """Each twice: before the quick upstream, and before the one that streams at a pace."""
    python = sys.executable
    base = f"http://127.0.0.1:{upstream}/v1", f"http://127.0.0.1:{slow}/v1"
    found: list[Server] = []
    for name in ("bare", "uptake", *(["litellm"] if given.litellm else [])):
        for kind in (0, 1):
            port = free_port()
            url = base[kind]
            if name == "bare":
                command = [python, str(HERE / "serving" / "bare.py"), str(port), url]
            elif name == "uptake":
                store = f"{folder}/{kind}.db"
                command = [python, "-m", "uptake", "serve", "--upstream", url, "--port", str(port)]
                command += ["--store", store]
            else:
                config = Path(folder) / f"litellm-{kind}.yaml"
                config.write_text(LITELLM.format(url=url))
                command = [given.litellm, "--config", str(config), "--port", str(port)]
            count = given.turns if name != "litellm" else max(given.turns // 10, 50)
            found.append(
                Server(f"{name}{'' if kind == 0 else ' paced'}", command, port, count, ENV)
            )
    return found


LITELLM = """model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "{url}", api_key: sk-bench}}
"""
ENV = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}


@contextlib.contextmanager
def upstreams() -> Iterator[tuple[int, int]]:
    """The ports of one that answers at once, and one that streams at a pace; both on core 0."""
    quick, slow = free_port(), free_port()
    mock = [sys.executable, str(HERE / "serving" / "mock.py")]
    pace = ["--first", str(FIRST_MS), "--apart", str(APART_MS)]
    running = [
        subprocess.Popen(_pinned(0, [*mock, str(quick)])),
        subprocess.Popen(_pinned(0, [*mock, str(slow), *pace])),
    ]
    try:
        _wait(quick)
        _wait(slow)
        yield quick, slow
    finally:
        for process in running:
            process.terminate()


async def rounds(pairs: list[Server], slow: int, count: int) -> list[Server]:
    """Each server's figures, and what a stream takes without any between."""
    direct = Server("direct", [], slow, 0)
    for quick, paced in zip(pairs[::2], pairs[1::2], strict=True):
        with quick, paced:
            for round_ in range(count):
                streams = [post(conversation(n, TURNS), stream=True) for n in range(STREAMS)]
                direct.first += await first_tokens(slow, streams, APART_MS / 1000)
                await measure(quick, round_, paced.port)
    return [*pairs[::2], direct]


def main() -> None:
    parser = argparse.ArgumentParser()
    own = HERE.parent / ".venv-clients" / "bin" / "litellm"
    parser.add_argument("--litellm", default=str(own) if own.exists() else None, help="its program")
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    os.sched_setaffinity(0, {0})
    with tempfile.TemporaryDirectory() as folder, upstreams() as (quick, slow):
        found = asyncio.run(rounds(servers(quick, slow, given, folder), slow, given.rounds))
    measured = {server.name: server for server in found}
    direct = statistics.median(measured.pop("direct").first)
    tell(measured, direct)
    if given.save:
        rows = list(figures(measured, direct))
        title = (
            "The server beside a bare pass-through and LiteLLM's proxy, one core each, in one run"
        )
        command = "python benchmarks/serve.py --save"
        print(save("5-serve", title=title, command=command, rows=rows))


def figures(measured: dict[str, Server], direct: float) -> Iterator[dict[str, object]]:
    """The rows of the results' table."""
    bare, ours = measured["bare"], measured["uptake"]
    each = [mine / floor for mine, floor in zip(ours.rate, bare.rate, strict=True)]
    spent = f"of bare {statistics.median(bare.cpu):.2f}"
    yield {
        "figure": "CPU ms of the whole server a plain turn (ten turns of history, SQLite)",
        "value": round(statistics.median(ours.cpu), 3),
        "detail": False,
        "note": spent,
        "target": "<= 1",
    }
    yield {
        "figure": "first token later than directly, 32 paced streams, median, ms",
        "value": round(statistics.median(ours.first) - direct, 2),
        "note": f"bare {statistics.median(bare.first) - direct:+.2f}",
        "target": "<= 5",
    }
    yield {
        "figure": "requests a second, of the bare pass-through's",
        "value": round(statistics.median(each), 3),
        "note": f"{statistics.median(ours.rate):,.0f} of {statistics.median(bare.rate):,.0f};"
        f" rounds from {min(each):.2f} to {max(each):.2f}",
        "target": ">= 0.6",
    }
    if "litellm" in measured:
        other = measured["litellm"]
        yield {
            "figure": "requests a second, over LiteLLM's proxy",
            "value": round(statistics.median(ours.rate) / statistics.median(other.rate), 1),
            "note": f"{statistics.median(other.rate):,.0f} requests/s there,"
            f" {statistics.median(other.cpu):.1f} ms CPU",
            "target": ">= 20",
        }


def tell(measured: dict[str, Server], direct: float) -> None:
    bare = statistics.median(measured["bare"].rate)
    print(
        f"{'server':10} {'requests/s':>11} {'of bare':>8} {'CPU ms/turn':>12} {'first token':>12}"
    )
    for name, server in measured.items():
        rate, cpu = statistics.median(server.rate), statistics.median(server.cpu)
        late = statistics.median(server.first) - direct
        print(f"{name:10} {rate:11,.0f} {rate / bare:8.2f} {cpu:12.2f} {late:+9.1f} ms")
    if "litellm" in measured:
        other = statistics.median(measured["litellm"].rate)
        print(f"uptake / litellm: {statistics.median(measured['uptake'].rate) / other:.1f}x")


if __name__ == "__main__":
    main()
