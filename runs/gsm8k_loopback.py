"""Real instructions against a server whose ability is known: do the scores say what it is?

    python runs/gsm8k_loopback.py PATH/gsm8k_add_train.jsonl

Starts an OpenAI-compatible server on the loopback and plays the file against it with
`uptake probe`, in a process of its own, over HTTP, all conditions. The server solves a share of the
instructions chosen beforehand for each condition: the first so many in an order drawn by hash, so
the share is exact. To the rest it gives a wrong number. It also fails now and then in passing
(429, 500, a dropped connection), as real servers do; none of that may reach the scores.

Passes (exit code 0) where no episode failed, every mean and every kept equals its share, and lies
within its 95% interval. The file is read where it lies and copied nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from table import save
from uptake.instruction import Instruction
from uptake.instructions import read_instructions
from uptake.run.plan import sample
from uptake.scenario import CONDITIONS, scenarios

SHARES = {"full": 0.90, "concat": 0.86, "sharded": 0.54, "recap": 0.72, "snowball": 0.63}
# One request in so many: too many requests, a broken server, a dropped connection.
FAULTS = {97: 429, 101: 500, 103: 0}


class Server:
    """Knows every instruction, and which of them it can solve when told in which way."""

    def __init__(self, instructions: list[Instruction]) -> None:
        self.replies: dict[tuple[str, ...], str] = {}
        self.share: dict[str, float] = {}
        self.requests = 0
        self.faults = 0
        told = [one for instruction in instructions for one in scenarios(instruction)]
        # Some rows of the file differ in their id alone; what cannot be told apart is one problem.
        for condition in CONDITIONS:
            talks = {
                tuple(turn.text for turn in one.turns): one.instruction
                for one in told
                if one.condition == condition
            }
            solved = self.solved(condition, talks)
            for talk, instruction in talks.items():
                answer = instruction.answer if talk in solved else wrong(instruction.answer)
                self.replies[talk] = f"Let me work it out. The answer is {answer}."
            asked = [one for one in told if one.condition == condition]
            right = sum(tuple(turn.text for turn in one.turns) in solved for one in asked)
            self.share[condition] = right / len(asked)

    @staticmethod
    def solved(condition: str, talks: dict[tuple[str, ...], Instruction]) -> set[tuple[str, ...]]:
        def order(talk: tuple[str, ...]) -> str:
            return hashlib.sha256(json.dumps([condition, talk]).encode()).hexdigest()

        ranked = sorted(talks, key=order)
        return set(ranked[: round(SHARES[condition] * len(ranked))])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests += 1
        for every, status in FAULTS.items():
            if self.requests % every == 0:
                self.faults += 1
                if status == 0 and request.transport is not None:
                    request.transport.abort()
                return web.json_response(
                    {"error": {"message": "a passing fault"}},
                    status=status or 500,
                    headers={"retry-after": "0"},
                )
        said = tuple(m["content"] for m in body["messages"] if m["role"] == "user")
        # Anything that is not the whole of an instruction is only acknowledged.
        text = self.replies.get(said, "Thank you, I have noted that.")
        message = {"role": "assistant", "content": text}
        return web.json_response(
            {
                "choices": [{"message": message, "finish_reason": "stop"}],
                "usage": {
                    "prompt_tokens": sum(len(m["content"].split()) for m in body["messages"]),
                    "completion_tokens": len(text.split()),
                },
            }
        )


def wrong(answer: str) -> str:
    """Another number than the answer."""
    return str(float(answer.replace(",", "")) + 7)


async def play(server: Server, path: Path, n: int, repeats: int, out: Path, port: int) -> int:
    """Run `uptake probe` against the server; its exit code."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it drops callers on purpose
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    port = runner.addresses[0][1]
    words = ["-m", "uptake", "probe", "lost", "--model", f"http://127.0.0.1:{port}/v1#known"]
    words += ["--instructions", str(path), "-n", str(n), "--repeats", str(repeats)]
    words += ["--conditions", ",".join(CONDITIONS)]
    try:
        probe = await asyncio.create_subprocess_exec(
            sys.executable, *words, "--out", str(out), "--no-controls"
        )
        return await probe.wait()
    finally:
        await runner.cleanup()


def judge(server: Server, out: Path) -> tuple[list[dict[str, object]], bool]:
    """The scores beside the shares, and whether they agree."""
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))["rows"]
    known = {("mean", condition): share for condition, share in server.share.items()}
    full = server.share["full"]
    known |= {("kept", c): s / full for c, s in server.share.items() if c != "full"}
    rows: list[dict[str, object]] = []
    agree = True
    for (metric, condition), share in known.items():
        (row,) = (
            row
            for row in scores
            if (row["metric"], row["condition"], row["score"]) == (metric, condition, "last")
            and row["model"].startswith("http")
        )
        value, low, high = row["value"], row["low"], row["high"]
        agree &= abs(value - share) < 1e-9 and low <= share <= high
        rows.append(
            {"figure": f"{metric} {condition}", "value": value, "low": low, "high": high}
            | {"n": row["n"], "target": f"{share:.4f}, the server's"}
        )
    return rows, agree


def failures(out: Path) -> int:
    """How many episodes ended in an error."""
    with (out / "episodes.jsonl").open(encoding="utf-8") as lines:
        return sum(json.loads(line)["ended"] == "error" for line in lines)


def main() -> int:
    """Play, compare, show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a file of instructions")
    parser.add_argument("-n", type=int, default=None, help="how many of them (default: all)")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the run here")
    parser.add_argument("--port", type=int, default=0, help="with --out: goes on where it stopped")
    parser.add_argument("--save", action="store_true", help="write runs/results/3-gsm8k.json")
    given = parser.parse_args()
    found = read_instructions(given.file)
    instructions = sample(found, given.n or len(found), seed=0)  # as the command will draw them
    server = Server(instructions)
    with tempfile.TemporaryDirectory() as folder:
        out = given.out or Path(folder) / "run"
        code = asyncio.run(
            play(server, given.file, len(instructions), given.repeats, out, given.port)
        )
        if code != 0:
            return code
        rows, agree = judge(server, out)
        failed = failures(out)
    for row in rows:
        print(
            f"{row['figure']:16} {row['value']:.4f}  [{row['low']:.4f}, {row['high']:.4f}]"
            f"  known {row['target']}"
        )
    print(f"{server.requests:,} requests, {server.faults} faults, {failed} episodes failed")
    agree &= failed == 0
    print("the scores are the shares" if agree else "the scores are NOT the shares")
    if given.save and agree:
        rows.append({"figure": "requests", "value": server.requests})
        rows.append({"figure": "episodes failed", "value": failed, "target": "0"})
        rows.append(
            {"figure": "faults of the server (429, 500, dropped), mended", "value": server.faults}
        )
        save(
            "3-gsm8k",
            title=f"{given.file.name} against a server that solves a known share",
            command=f"python runs/gsm8k_loopback.py {given.file.name}",
            rows=rows,
        )
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
