"""Do the probes measure what they say? Partners of known skill, over many seeds.

A partner of skill 0.2 does the right thing at one in five of the turns that tell it from others
(`uptake.partners`), so what a probe should say of it is known beforehand. For each probe and
headline figure: how often the 95% interval holds the truth, and how often three partners come out
in order.

    python runs/known_groups.py --save              # 200 seeds, about 10 minutes on 2 cores
    python runs/known_groups.py --seeds 5 --only repair

The expectations are those of `tests/test_known_groups.py`, which plays a few seeds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from table import save
from uptake.domains import domain
from uptake.episode import Episode, play
from uptake.model import Model
from uptake.partners import Partner
from uptake.probes import Probe, probe
from uptake.run.plan import pairs
from uptake.scenario import Scenario
from uptake.scores import Row, rows

SKILLS = (0.2, 0.5, 0.8)
INSTRUCTIONS = 60


def same(skill: float) -> float:
    return skill


def twice_less_one(skill: float) -> float:
    """Where doing right counts for and doing wrong counts against."""
    return 2 * skill - 1


def asks_which(skill: float) -> float:
    """Asks by its skill where two fit; of the three clear cases a poor partner asks in one."""
    return skill - (1 - skill) / 3


EXPECTED: Mapping[str, Mapping[str, Callable[[float], float]]] = {
    "lost": {"mean:sharded": same, "mean:shuffled": same, "kept:sharded": same},
    "missing": {"net:missing": same, "solved:missing": same, "net:distracted": same},
    "presupposition": {"net:false": same, "rejects:false": same},
    "revision": {
        "net:changed": twice_less_one,
        "takes_up:changed": same,
        "withdraws:withdrawn": same,
        "resists:pushback": same,
    },
    "repair": {
        "taken_up:third": same,
        "answers_huh:huh": same,
        "answers_which:which": same,
    },
    "reference": {"net:unclear": asks_which, "resolves:it": same},
    "handoff": {
        "returns:resumed": same,
        "interleaves:interleaved": same,
        "lets_go:cancelled": same,
    },
    "grounding": {"kappa:beside": twice_less_one},
    "persistence": {"honoured:20": same, "honoured:10": same},
    "thinking": {"net_brief:missing@brief": same},
}
"""For each probe the figures that are checked, and what each should be for a partner's skill."""


def measured(
    probed: Probe,
    model_of: Callable[[list[Scenario]], Model],
    *,
    seed: int,
    n: int,
    source: str = "math",
    bootstrap: int = 300,
) -> dict[str, Row]:
    """The figures of one model on `n` instructions, as "metric:condition". Raises on a failure."""
    found = domain(source)
    scenarios = [
        scenario
        for one, other in pairs(found.generate(n, seed=seed))
        for scenario in probed.scenarios(one, other)
    ]
    model = model_of(scenarios)

    async def run() -> list[Episode]:
        return [
            await play(told, model, verify=found.verify, seed=seed, probe=probed.name)
            for told in scenarios
        ]

    played = asyncio.run(run())
    errors = {episode.error for episode in played if episode.error}
    if errors:
        raise RuntimeError("; ".join(sorted(errors)))
    table = rows(
        played,
        {probed.name: getattr(probed, "metrics", ())},
        bootstrap=bootstrap,
        seed=seed,
    )
    return {f"{row.metric}:{row.condition}": row for row in table if row.score == "last"}


def one_seed(name: str, seed: int, n: int = INSTRUCTIONS) -> dict[str, Any]:
    """For each figure: whether each interval holds the truth, and the skills are in order."""
    probed = probe(name)
    groups = [
        measured(probed, partial(Partner, skill=skill), seed=seed, n=n, bootstrap=1000)
        for skill in SKILLS
    ]
    found: dict[str, Any] = {}
    for figure, expected in EXPECTED[name].items():
        held = [
            row.low is not None and row.high is not None and row.low <= expected(s) <= row.high
            for s, row in zip(SKILLS, (group[figure] for group in groups), strict=True)
        ]
        values = [group[figure].value or 0.0 for group in groups]
        found[figure] = held, values == sorted(set(values))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--only", default="", help="one probe")
    parser.add_argument("--save", action="store_true", help="keep it in runs/results")
    given = parser.parse_args()
    table: list[dict[str, Any]] = []
    least = 1.0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name in [given.only] if given.only else EXPECTED:
            held: dict[str, list[bool]] = defaultdict(list)
            order: dict[str, list[bool]] = defaultdict(list)
            for found in pool.map(partial(one_seed, name), range(1000, 1000 + given.seeds)):
                for figure, (inside, ordered) in found.items():
                    held[figure] += inside
                    order[figure].append(ordered)
            for figure, inside in held.items():
                cover, ordered = sum(inside) / len(inside), sum(order[figure]) / len(order[figure])
                least = min(least, ordered)
                table.append(
                    {
                        "figure": f"{name}, {figure.replace(':', ', ')}: "
                        "intervals that hold the truth",
                        "value": cover,
                        "n": len(inside),
                        "target": ">= 0.93",
                    }
                )
                print(
                    f"{name:15} {figure:26} cover {cover:.3f}  in order {ordered:.3f}", flush=True
                )
    table.append(
        {
            "figure": "the three in order, the least of all figures",
            "value": least,
            "n": given.seeds,
            "target": ">= 0.99",
        }
    )
    if given.save:
        save(
            "3-known-groups",
            title="Known groups: partners of skill 0.2, 0.5 and 0.8 on every probe",
            command=f"python runs/known_groups.py --seeds {given.seeds} --save",
            rows=table,
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
