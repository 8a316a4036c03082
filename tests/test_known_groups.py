"""For every probe: partners of known skill come out as skilled as they are, constants do not.

`runs/known_groups.py` does the same over many seeds and measures how often; here two will do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from uptake.domains import domain
from uptake.episode import Episode, play
from uptake.model import Model
from uptake.models.policies import POLICIES
from uptake.partners import Oracle, Partner
from uptake.probes import Probe, probe
from uptake.run.plan import pairs
from uptake.scores import Row, rows

MATH = domain("math")


def same(skill: float) -> float:
    return skill


def twice_less_one(skill: float) -> float:
    return 2 * skill - 1


EXPECTED: dict[str, dict[str, Callable[[float], float]]] = {
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
        "persists:third": same,
        "answers_huh:huh": same,
        "answers_which:which": same,
    },
    "reference": {"net:unclear": twice_less_one, "resolves:it": same},
    "handoff": {
        "returns:resumed": same,
        "interleaves:interleaved": same,
        "lets_go:cancelled": same,
    },
    "persistence": {"honoured:30": same, "honoured:10": same},
    "thinking": {"net_brief:missing@brief": same},
}


def measured(probed: Probe, model_of: Callable[..., Model], seed: int, n: int) -> dict[str, Row]:
    instructions = MATH.generate(n, seed=seed)
    scenarios = [s for one, other in pairs(instructions) for s in probed.scenarios(one, other)]
    model = model_of(scenarios)

    async def run() -> list[Episode]:
        return [
            await play(told, model, verify=MATH.verify, seed=seed, probe=probed.name)
            for told in scenarios
        ]

    played = asyncio.run(run())
    assert not [episode.error for episode in played if episode.error]
    found = rows(played, {probed.name: getattr(probed, "metrics", ())}, bootstrap=300, seed=seed)
    return {f"{row.metric}:{row.condition}": row for row in found}


@pytest.mark.parametrize("name", EXPECTED)
def test_partners_of_known_skill_come_out_in_order_and_near_it(name: str):
    skills = (0.2, 0.5, 0.8)
    groups = [
        measured(probe(name), lambda told, s=skill: Partner(told, s), seed=3, n=60)
        for skill in skills
    ]
    for metric, expected in EXPECTED[name].items():
        values = [found[metric].value for found in groups]
        assert values == sorted(values), metric
        for skill, value in zip(skills, values, strict=True):
            # Four standard errors of a share on 60, doubled for a difference in [-1, 1].
            assert abs(value - expected(skill)) < 0.26 * (1 + (expected is twice_less_one)), metric


@pytest.mark.parametrize("name", EXPECTED)
def test_the_oracle_has_every_headline_figure_and_no_constant_comes_near(name: str):
    probed = probe(name)
    oracle = measured(probed, Oracle, seed=4, n=20)
    for metric in EXPECTED[name]:
        assert oracle[metric].value == 1, metric
    for policy in POLICIES.values():
        constant = measured(probed, lambda told, p=policy: p(), seed=4, n=20)
        for metric in EXPECTED[name]:
            value = constant[metric].value
            assert value is None or value < 0.2, (policy, metric)
