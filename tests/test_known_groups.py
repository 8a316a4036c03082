"""For every probe: partners of known skill come out as skilled as they are, constants do not.

`runs/known_groups.py` plays the same over many seeds and measures how often; here one will do.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from uptake.models.policies import POLICIES
from uptake.partners import Oracle, Partner
from uptake.probes import probe

sys.path.insert(0, str(Path(__file__).parent.parent / "runs"))
from known_groups import EXPECTED, SKILLS, measured, same


@pytest.mark.parametrize("name", EXPECTED)
def test_partners_of_known_skill_come_out_in_order_and_near_it(name: str):
    groups = [
        measured(probe(name), partial(Partner, skill=skill), seed=3, n=60) for skill in SKILLS
    ]
    for figure, expected in EXPECTED[name].items():
        values = [group[figure].value for group in groups]
        assert values == sorted(values), figure
        for skill, value in zip(SKILLS, values, strict=True):
            # Four standard errors of a share on 60, doubled for a difference in [-1, 1].
            assert abs(value - expected(skill)) < 0.26 * (1 + (expected is not same)), figure


@pytest.mark.parametrize("name", EXPECTED)
def test_the_oracle_has_every_figure_and_no_constant_comes_near(name: str):
    probed = probe(name)
    oracle = measured(probed, Oracle, seed=4, n=20)
    for figure in EXPECTED[name]:
        assert oracle[figure].value == 1, figure
    for policy in POLICIES.values():
        constant = measured(probed, lambda told, made=policy: made(), seed=4, n=20)
        for figure in EXPECTED[name]:
            value = constant[figure].value
            assert value is None or value < 0.2, (policy, figure)
