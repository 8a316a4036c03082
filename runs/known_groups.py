"""Do the probes measure what they say? Partners of known skill, over many seeds, in every domain.

A partner of skill 0.2 does the right thing at one in five of the turns that tell it from others
(`uptake.partners`), so what a probe should say of it is known beforehand. For each probe, domain
and headline figure: how often the 95% interval holds the truth, and how often three partners come
out in order. Beside it, the most that any constant policy comes to.

    python runs/known_groups.py --save --workers 2      # 200 seeds of everything
    python runs/known_groups.py --domain database --only repair --seeds 5
    python runs/known_groups.py --applies               # which is played where, into the docs

A seed draws instructions from a pool of its domain and, at each turn, whether the partner is good.
What a partner says to a scenario depends on that alone, so each different conversation is played
once and put together again for every seed that draws it: of a plan that is kept to, one in which
every turn is good and one in which every turn is poor give all the others.

Each seed is kept in `out/known-groups` as soon as it is played, and a rerun plays only what is
missing; whoever changes a probe or a domain removes its files there.

The expectations are those of `tests/test_known_groups.py`, which plays a few instructions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import Any

from table import ROOT, save
from uptake.conversation import Conversation
from uptake.domains import Domain, domain
from uptake.episode import Episode, play
from uptake.instruction import Instruction, Verdict
from uptake.intervals import Interval, intervals
from uptake.measures import Figure
from uptake.model import Model, Reply, Sampling, Scripted
from uptake.models.policies import POLICIES
from uptake.partners import Partner, guesser, words
from uptake.probes import Probe, metrics, probe
from uptake.run.plan import pairs
from uptake.scenario import Scenario
from uptake.scores import measured as measurements
from uptake.seeds import stable_seed

SKILLS = (0.2, 0.5, 0.8)
FIRST_SEED = 1000  # nothing was developed on these
CONSTANT_SEEDS = 1  # constants do not vary
DOMAINS = ("math", "database", "actions", "code", "data2text", "summary")
INSTRUCTIONS = 60
POOL = 2  # times the instructions of a seed
FEWER: Mapping[str, int] = {"persistence": 20}
"""How many instructions a seed has: fewer where each has 70 turns."""

OUT = ROOT / "out" / "known-groups"


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


# Playing


@dataclass
class Bench:
    """The instructions of one domain and seed, and every verdict that was given on them."""

    source: str
    seed: int
    n: int
    verdicts: dict[tuple[str, str, str], Verdict] = field(
        default_factory=dict[tuple[str, str, str], Verdict]
    )

    @cached_property
    def found(self) -> Domain:
        return domain(self.source)

    @cached_property
    def instructions(self) -> list[Instruction]:
        return self.found.generate(self.n, seed=self.seed)

    def scenarios(self, probed: Probe) -> list[Scenario]:
        return [
            scenario
            for one, other in pairs(self.instructions)
            for scenario in probed.scenarios(one, other)
        ]

    def first(self, n: int) -> Bench:
        """The same with its first `n` instructions."""
        few = Bench(self.source, self.seed, min(n, self.n), self.verdicts)
        few.instructions = self.instructions[:n]
        return few

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """The domain's verdict; the same reply to the same request is verified once."""
        key = instruction.id, instruction.answer, reply
        if key not in self.verdicts:
            self.verdicts[key] = self.found.verify(instruction, reply)
        return self.verdicts[key]


def _own(probed: Probe) -> Sequence[Figure]:
    return metrics([probed.name])[probed.name]


def headlines(probed: Probe) -> set[str]:
    """The figures by which a probe ranks: where it has none of its own, the mean over turns."""
    return {f"{one.name}:{one.condition}" for one in _own(probed) if one.headline} or {
        "mean:sharded"
    }


def played_figures(
    probed: Probe, scenarios: Sequence[Scenario]
) -> dict[str, Callable[[float], float]]:
    """The figures of a probe that are checked and have their condition among the scenarios."""
    conditions = {scenario.condition for scenario in scenarios}
    expected = EXPECTED[probed.name]
    return {key: expected[key] for key in expected if key.split(":")[1] in conditions}


def measured(
    probed: Probe,
    bench: Bench,
    model_of: Callable[[list[Scenario]], Model],
    *,
    bootstrap: int = 300,
) -> dict[str, Interval]:
    """The figures that are checked, of one model, as "metric:condition". Raises on a failure."""
    scenarios = bench.scenarios(probed)
    model = model_of(scenarios)

    async def run() -> list[Episode]:
        return [
            await play(told, model, verify=bench.verify, seed=bench.seed, probe=probed.name)
            for told in scenarios
        ]

    played = asyncio.run(run())
    errors = {episode.error for episode in played if episode.error}
    if errors:
        raise RuntimeError("; ".join(sorted(errors)))
    wanted = played_figures(probed, scenarios)
    return figures_of(probed, played, wanted, bootstrap=bootstrap, seed=bench.seed)


def figures_of(
    probed: Probe,
    played: Sequence[Episode],
    wanted: Mapping[str, Any],
    *,
    bootstrap: int,
    seed: int,
) -> dict[str, Interval]:
    """Of the figures that episodes come to, those that are wanted."""
    own = [metric for metric in _own(probed) if f"{metric.name}:{metric.condition}" in wanted]
    found = {
        f"{one.metric}:{one.condition}": one.ratio
        for one in measurements(played, {probed.name: own})
        if one.score == "last" and f"{one.metric}:{one.condition}" in wanted
    }
    bounds = intervals([*found.values()], resamples=bootstrap, seed=seed)
    return dict(zip(found, bounds, strict=True))


def constants(probed: Probe, bench: Bench) -> dict[str, float]:
    """The most that any constant policy comes to, of each headline figure that it has."""
    most: dict[str, float] = {}
    for name, policy in POLICIES.items():
        made = guesser if name == "policy:guess" else lambda _, made=policy: made()
        for key, found in measured(probed, bench, made).items():
            if found.n and key in headlines(probed):
                most[key] = max(found.value, most.get(key, found.value))
    return most


class Dealt(Partner):
    """A partner that is good at the turns it is told to be, and at none that is not told."""

    def __init__(self, scenario: Scenario, good: Sequence[bool]) -> None:
        super().__init__([scenario], 1.0)
        self._scenario = scenario
        self._good = good

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        said = conversation.said_by("user")
        text = words(self._scenario, said, self._good[len(said) - 1])
        return await Scripted([text]).reply(conversation, sampling)


class Pool:
    """The conversations of one probe in one domain, each played once."""

    def __init__(self, probed: Probe, source: str) -> None:
        self.probed = probed
        self.bench = Bench(source, FIRST_SEED, POOL * FEWER.get(probed.name, INSTRUCTIONS))
        told = (
            [scenario for scenario in probed.scenarios(one, other) if self._counts(scenario)]
            for one, other in pairs(self.bench.instructions)
        )
        self._told = [some for some in told if some]  # an instruction may not suit the probe
        # As many as give the rarest figure its number.
        wanted = FEWER.get(probed.name, INSTRUCTIONS)
        self.n = min(round(wanted / self._rarest()), len(self._told))
        self._played: dict[tuple[int, int, tuple[bool, ...]], Episode] = {}

    def _rarest(self) -> float:
        """Of the instructions, the share that is told under the condition which the fewest suit."""
        conditions = [{scenario.condition for scenario in some} for some in self._told]
        figures = {key.split(":")[1] for key in played_figures(self.probed, self.scenarios)}
        counts = [sum(figure in each for each in conditions) for figure in figures]
        return min(counts, default=1) / max(len(conditions), 1)

    @cached_property
    def scenarios(self) -> list[Scenario]:
        return [scenario for some in self._told for scenario in some]

    def episodes(self, skill: float, seed: int) -> list[Episode]:
        """What a partner of `skill` comes to on the instructions that `seed` draws."""
        dice = Random(stable_seed("known groups", self.probed.name, self.bench.source, seed, skill))
        drawn = sorted(dice.sample(range(len(self._told)), self.n))
        return [
            self._episode(which, index, scenario, dice, skill)
            for which in drawn
            for index, scenario in enumerate(self._told[which])
        ]

    def _counts(self, scenario: Scenario) -> bool:
        """Whether a figure that is checked may hang on it: not all of a probe's many do."""
        if self.probed.name == "lost":
            return scenario.condition in ("full", "sharded", "shuffled")
        return self.probed.name != "thinking" or scenario.condition.endswith("@brief")

    def _episode(
        self, which: int, index: int, scenario: Scenario, dice: Random, skill: float
    ) -> Episode:
        turns = len(scenario.turns)
        if not scenario.scripted:
            # A user who is asked goes on longer than planned.
            good = tuple(dice.random() < skill for _ in range(2 * turns + 2))
            if scenario.hidden:  # who asked at first is good from there on
                good = good[:1] + (True,) * len(good[1:])
            return self._play(which, index, scenario, good)
        best, worst = (self._play(which, index, scenario, (g,) * turns) for g in (True, False))
        mixed = zip(best.turns, worst.turns, strict=True)
        return replace(best, turns=tuple(g if dice.random() < skill else p for g, p in mixed))

    def _play(self, which: int, index: int, scenario: Scenario, good: tuple[bool, ...]) -> Episode:
        """The conversation, played at its first call. Raises on a failure."""
        key = which, index, good
        if key not in self._played:
            played = asyncio.run(
                play(
                    scenario,
                    Dealt(scenario, good),
                    verify=self.bench.verify,
                    probe=self.probed.name,
                )
            )
            if played.error:
                raise RuntimeError(played.error)
            self._played[key] = played
        return self._played[key]


@cache
def pool(name: str, source: str) -> Pool:
    return Pool(probe(name), source)


def one_seed(source: str, names: Sequence[str], seed: int) -> dict[str, dict[str, Any]]:
    """For each probe: what `Seed lines` hold, of one seed."""
    return {name: _one_probe(pool(name, source), seed) for name in names}


def _one_probe(some: Pool, seed: int) -> dict[str, Any]:
    """Whether each interval holds the truth and the skills are in order, by figure."""
    began = time.process_time()
    wanted = played_figures(some.probed, some.scenarios)
    groups = [
        figures_of(some.probed, some.episodes(skill, seed), wanted, bootstrap=1000, seed=seed)
        for skill in SKILLS
    ]
    figures: dict[str, Any] = {}
    for key, expected in wanted.items():
        found = [group[key] for group in groups]
        held = [one.low <= expected(s) <= one.high for s, one in zip(SKILLS, found, strict=True)]
        values = [one.value for one in found]
        figures[key] = {"held": held, "ordered": values == sorted(set(values)), "n": found[0].n}
    early = seed < FIRST_SEED + CONSTANT_SEEDS
    return {
        "seed": seed,
        "figures": figures,
        "constants": constants(some.probed, some.bench.first(some.n)) if early and figures else {},
        "seconds": round(time.process_time() - began, 3),
    }


# Keeping


def kept(source: str, name: str) -> dict[int, dict[str, Any]]:
    """The seeds of a probe and domain that were played, by seed.

    A last line that was broken off is taken away, so that the next one begins a line.
    """
    path = OUT / f"{source}-{name}.jsonl"
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        path.write_text("".join(lines[:-1]), encoding="utf-8")
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return {row["seed"]: row for row in rows}


def keep(source: str, name: str, row: Mapping[str, Any]) -> None:
    """Append one seed's line."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{source}-{name}.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(row) + "\n")


def missing(source: str, names: Sequence[str], seeds: int) -> Iterator[tuple[int, list[str]]]:
    """The seeds that are still to be played, with the probes that lack them."""
    there = {name: kept(source, name) for name in names}
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        lacking = [name for name in names if seed not in there[name]]
        if lacking:
            yield seed, lacking


def play_domain(source: str, names: Sequence[str], seeds: int, workers: int) -> None:
    """Play what is missing of a domain, and keep each seed as it comes."""
    todo = [*missing(source, names, seeds)]
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            jobs = [pool.submit(one_seed, source, lacking, seed) for seed, lacking in todo]
            for job in jobs:
                for name, row in job.result().items():
                    keep(source, name, row)
        return
    for seed, lacking in todo:
        for name, row in one_seed(source, lacking, seed).items():
            keep(source, name, row)


# Telling


def summary(source: str, name: str, seeds: int) -> dict[str, Any] | None:
    """One row: a probe in a domain, over its figures. None where it is not played there."""
    held: dict[str, list[bool]] = defaultdict(list)
    order: dict[str, list[bool]] = defaultdict(list)
    most: list[float] = []
    rows = [row for seed, row in kept(source, name).items() if seed < FIRST_SEED + seeds]
    for row in rows:
        most += row["constants"].values()
        for key, found in row["figures"].items():
            held[key] += found["held"]
            order[key].append(found["ordered"])
    if not held:
        return None
    cover = {key: sum(inside) / len(inside) for key, inside in held.items()}
    ordered = {key: sum(each) / len(each) for key, each in order.items()}
    worst = min(cover, key=lambda key: cover[key])
    return {
        "probe": name,
        "domain": source,
        "seeds": len(rows),
        "figures": len(cover),
        "of": len(EXPECTED[name]),
        "worst": cover[worst],
        "worst_figure": worst,
        "mean": sum(cover.values()) / len(cover),
        "order": min(ordered.values()),
        "constant": max(most, default=float("nan")),
        "seconds": sum(row["seconds"] for row in rows),
        "cover": cover,
    }


def show(row: Mapping[str, Any]) -> str:
    return (
        f"{row['domain']:10}{row['probe']:16}{row['seeds']:5} seeds  {row['figures']}/{row['of']} "
        f"figures  worst {row['worst']:.3f} ({row['worst_figure']})  mean {row['mean']:.3f}  "
        f"order {row['order']:.3f}  constant {row['constant']:+.2f}  {row['seconds']:.0f} s"
    )


def result(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as `runs/table.py` takes it."""
    few = FEWER.get(row["probe"], INSTRUCTIONS)
    note = f"worst of {row['figures']} figures; mean {row['mean']:.3f}, in order {row['order']:.3f}"
    if row["figures"] < row["of"]:
        note += f"; {row['of'] - row['figures']} not played there"
    if few < INSTRUCTIONS:
        note += f"; {few} instructions a seed"
    return {
        "figure": f"{row['probe']}, {row['domain']}: intervals that hold the truth",
        "value": row["worst"],
        "n": row["seeds"] * len(SKILLS),
        "target": ">= 0.93; order >= 0.99",
        "note": note,
        "figures": row["cover"],
        "detail": True,
    }


def of_domain(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The worst of one domain's rows, as `runs/table.py` takes it."""
    worst = min(rows, key=lambda row: row["worst"])
    order = min(row["order"] for row in rows)
    mean = sum(row["mean"] for row in rows) / len(rows)
    return {
        "figure": f"{worst['domain']}: intervals that hold the truth, worst of {len(rows)} probes",
        "value": worst["worst"],
        "n": worst["seeds"] * len(SKILLS),
        "target": ">= 0.93; order >= 0.99",
        "note": f"{worst['probe']}, {worst['worst_figure'].replace(':', ', ')}; mean of all "
        f"{mean:.3f}; in order at least {order:.3f}",
    }


# Which probe is played where

BEGIN, END = "<!-- applies: written by runs/known_groups.py -->", "<!-- end -->"


def applies(n: int = 40) -> str:
    """A table of the conditions that each probe plays of `n` generated instructions a domain."""
    lines = [f"| probe | {' | '.join(DOMAINS)} |", f"|---|{'---|' * len(DOMAINS)}"]
    benches = [Bench(source, 7, n) for source in DOMAINS]
    for name in EXPECTED:
        probed = probe(name)
        cells = [_played(probed, bench) for bench in benches]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _played(probed: Probe, bench: Bench) -> str:
    told = {scenario.condition for scenario in bench.scenarios(probed)}
    lacking = [condition for condition in probed.conditions if condition not in told]
    if not told:
        return "no"
    return f"all but {', '.join(f'`{each}`' for each in lacking)}" if lacking else "all"


def write_applies() -> None:
    """Put the table of `applies` into docs/probes.md."""
    path = ROOT / "docs" / "probes.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{applies()}\n{END}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--domain", action="append", choices=DOMAINS, help="these; default: all")
    parser.add_argument("--only", action="append", choices=[*EXPECTED], help="these probes")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--save", action="store_true", help="keep it in runs/results")
    parser.add_argument("--applies", action="store_true", help="only write the table of the docs")
    given = parser.parse_args()
    if given.applies:
        write_applies()
        return
    names = given.only or [*EXPECTED]
    table: list[dict[str, Any]] = []
    sources = given.domain or [*DOMAINS]
    for source in sources:
        play_domain(source, names, given.seeds, given.workers)
        for name in names:
            row = summary(source, name, given.seeds)
            if row is not None:
                table.append(row)
                print(show(row), flush=True)
    if given.save:
        save(
            "3-known-groups",
            title="Known groups: partners of skill 0.2, 0.5 and 0.8, each probe in each domain",
            command=f"python runs/known_groups.py --seeds {given.seeds} --save",
            rows=[
                *(
                    of_domain([row for row in table if row["domain"] == source])
                    for source in sources
                ),
                *(result(row) for row in table),
            ],
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
