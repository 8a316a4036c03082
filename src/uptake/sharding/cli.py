"""The command `uptake shard`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from uptake.sharding import Sharded
from uptake.sharding import shard as shard_file

__all__ = ["shard"]

_SHOWN = 10


def shard(
    file: Path,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    model: Annotated[str | None, Parameter(name=["--model", "-m"])] = None,
    verify_with: str | None = None,
    gaps: bool = False,
    repeats: int = 10,
    n: Annotated[int | None, Parameter(name=["-n", "--n"])] = None,
    seed: int = 0,
    temperature: float = 1.0,
    reply_tokens: int = 1024,
    concurrency: int | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    price: str | None = None,
    rpm: float | None = None,
    cache: Path | None = None,
) -> int:
    """Make shards of instructions that tell everything at once: JSONL for --instructions.

    The same command goes on where it was stopped.

    Args:
        file: GSM8K, HumanEval, BFCL or any other file that --instructions reads.
        out: The file to make; what became of each instruction stands beside it, in OUT.log.
        model: Who segments and rephrases, as for uptake probe. Without one, by sentence.
        verify_with: A model that plays what was made; kept is what keeps 0.8 of its score.
        gaps: Of GSM8K: only problems with a fact that the worked solution cannot do without, and
            which facts these are; the probe missing leaves one out.
        repeats: How often it plays each instruction, in full and as a list of its shards.
        n: Only so many instructions, drawn by the seed.
        seed: The same seed makes the same shards of the same replies.
        temperature: How replies are drawn; 0 is greedy.
        reply_tokens: The most tokens of one reply.
        concurrency: How many instructions at once.
        max_cost: Stop before it has cost more US dollars than this, all sittings together.
        max_tokens: Stop before it has used more tokens than this, all sittings together.
        price: US dollars a million tokens in and out, of both models, for example 0.15,0.60.
        rpm: The most requests a minute.
        cache: A file that keeps replies, each repeat its own.
    """
    from uptake.model import Sampling
    from uptake.run import CONCURRENCY, Limits

    limits = Limits(CONCURRENCY if concurrency is None else concurrency, max_tokens, max_cost)
    making = shard_file(
        file,
        out,
        model=model,
        verify_with=verify_with,
        gaps=gaps,
        repeats=repeats,
        n=n,
        seed=seed,
        sampling=Sampling(temperature=temperature, max_tokens=reply_tokens),
        limits=limits,
        price=price,
        rpm=rpm,
        cache=cache,
        concurrency=concurrency,
    )
    try:
        done = asyncio.run(making)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped: what is done is kept in {out}; the same command goes on"
        ) from None
    _tell(done)
    return 0


def _tell(done: Sharded) -> None:
    """What became of the instructions, those that were not kept with why."""
    sizes = Counter(len(one.shards) for one in done.kept)
    shards = ", ".join(f"{count:,} of {size}" for size, count in sorted(sizes.items()))
    print(f"{len(done.kept):,} of {done.asked:,} instructions kept in {done.out}")
    if shards:
        print(f"shards: {shards}")
    for why, fates in _by_reason(done).items():
        some = ", ".join(fates[:_SHOWN]) + (", …" if len(fates) > _SHOWN else "")
        print(f"dropped {len(fates):,}: {why} ({some})")
    if done.failed:
        why = done.failed[0].why
        print(f"failed {len(done.failed):,}: {why}; the same command tries again", file=sys.stderr)
    if done.stopped:
        print(f"stopped, {done.missing:,} are missing: {done.stopped}", file=sys.stderr)


def _by_reason(done: Sharded) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for fate in done.dropped:
        reasons.setdefault(fate.why or "", []).append(fate.ident)
    return dict(sorted(reasons.items(), key=lambda item: -len(item[1])))
