"""Kill a run -9 at ten random moments, go on each time, and compare it to one that was let be.

    python runs/kills.py [--seed 0] [--save]

`uptake probe` plays in a process of its own over HTTP against a server on the loopback that always
says the same to the same conversation. Passes (exit code 0) where no episode is lost or counted
twice and every score is that of the unbroken run.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

from table import save
from uptake.conversation import Conversation
from uptake.domains import domain
from uptake.model import Sampling
from uptake.partners import Partner
from uptake.probes import probe
from uptake.run.plan import pairs
from uptake.run.record import episodes

PROBES = ("lost", "missing", "revision", "repair")
N, REPEATS, KILLS = 40, 2, 10
DELAY = 0.02  # of each reply, so that kills fall into calls that are under way


def server(seed: int) -> web.Application:
    """Half of the replies are those of a good partner: which half, the conversation decides."""
    told = [
        scenario
        for name in PROBES
        for one, other in pairs(domain("math").generate(N, seed=seed))
        for scenario in probe(name).scenarios(one, other)
    ]
    partner = Partner(told, 0.5)

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except ConnectionError:  # the caller was killed while it was asking
            return web.Response(status=400)
        await asyncio.sleep(DELAY)
        text = json.dumps(body["messages"])
        drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        talk = Conversation.from_dicts(body["messages"])
        reply = await partner.reply(talk, Sampling(seed=drawn))
        choice = {"message": {"role": "assistant", "content": reply.text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": len(text) // 4, "completion_tokens": len(reply.text) // 4}
        return web.json_response({"choices": [choice], "usage": usage})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", handle)
    return app


async def measure(seed: int, folder: Path) -> tuple[list[dict[str, Any]], bool]:
    """The figures, and whether all are as they should be."""
    runner = web.AppRunner(server(seed), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]

    async def start(out: Path) -> Process:
        words = ["-m", "uptake", "probe", *PROBES, "--model", f"http://127.0.0.1:{port}/v1#same"]
        words += ["-n", str(N), "--repeats", str(REPEATS), "--seed", str(seed)]
        words += ["--temperature", "0", "--no-controls", "--out", str(out)]
        return await create_subprocess_exec(sys.executable, *words, stdout=DEVNULL, stderr=DEVNULL)

    try:
        whole, cut = folder / "whole", folder / "cut"
        if await (await start(whole)).wait():
            raise SystemExit("the unbroken run failed")
        expected = {e.key: e for e in episodes(whole)}
        rng = random.Random(seed)
        for at in sorted(rng.randrange(len(expected)) for _ in range(KILLS)):
            process = await start(cut)
            while lines(cut) < at and process.returncode is None:  # noqa: ASYNC110, a file is polled
                await asyncio.sleep(0.01)
            await asyncio.sleep(rng.random() * 0.3)
            if process.returncode is not None:
                raise SystemExit("a run ended before it was killed: take another seed")
            process.kill()
            await process.wait()
        if await (await start(cut)).wait():
            raise SystemExit("the last sitting failed")
    finally:
        await runner.cleanup()
    found = episodes(cut)
    counted = Counter(e.key for e in found)
    scores = [json.loads((out / "scores.json").read_bytes())["rows"] for out in (whole, cut)]
    lost = len(expected.keys() - counted.keys())
    twice = sum(count > 1 for count in counted.values())
    differ = sum(a != b for a, b in zip(*scores, strict=True))
    rows = [
        {"figure": "kill -9 at random moments of one run", "value": KILLS},
        {"figure": "episodes of the run", "value": len(expected)},
        {"figure": "episodes lost", "value": lost, "target": "0"},
        {"figure": "episodes counted twice", "value": twice, "target": "0"},
        {
            "figure": "scores that differ from the unbroken run's",
            "value": differ,
            "n": len(scores[0]),
            "target": "0",
        },
    ]
    return rows, not (lost or twice or differ)


def lines(out: Path) -> int:
    """How many whole lines of episodes there are."""
    path = out / "episodes.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true", help="keep it in runs/results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        rows, passed = asyncio.run(measure(given.seed, Path(place)))
    for row in rows:
        print(f"{row['figure']:45} {row['value']:,}")
    if given.save:
        save(
            "3-kills",
            title="A run that is killed and goes on",
            command=f"python runs/kills.py --seed {given.seed} --save",
            rows=rows,
        )
    sys.exit(0 if passed else 1)
