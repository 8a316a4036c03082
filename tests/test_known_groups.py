"""For every probe and domain: partners of known skill come out as skilled as they are.

`runs/known_groups.py` plays the same over many seeds and measures how often; here one will do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from uptake.partners import Oracle, Partner
from uptake.probes import Probe, metrics, names, probe

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "runs"))
import known_groups  # noqa: E402  (runs/ is no package: it is put on the path first)
from known_groups import (  # noqa: E402
    BEGIN,
    DOMAINS,
    END,
    EXPECTED,
    SKILLS,
    Bench,
    constants,
    measured,
    same,
)

FEW = 24
FEWER = {"code": 6}  # each verdict takes a process
NEAR = {"data2text": 0.15}
"""How far the best may be from perfect: where a question for one fact can be taken for another."""


@cache
def bench(source: str) -> Bench:
    return Bench(source, 3, FEWER.get(source, FEW))


def played(some: Bench) -> Iterator[tuple[Probe, list[str]]]:
    """The probes that are played in a domain, with the figures they have there."""
    for name in EXPECTED:
        probed = probe(name)
        figures = known_groups.played_figures(probed, some.scenarios(probed))
        if figures:
            yield probed, [*figures]


@pytest.mark.parametrize("source", DOMAINS)
def test_the_best_and_the_worst_partner_have_what_is_expected(source: str):
    some = bench(source).first(8)
    for probed, figures in played(some):
        best = measured(probed, some, Oracle, bootstrap=50)
        worst = measured(probed, some, partial(Partner, skill=0.0), bootstrap=50)
        for figure in figures:
            near = NEAR.get(source, 1e-9)
            assert best[figure].value == pytest.approx(1, abs=near), (probed.name, figure)
            least = EXPECTED[probed.name][figure](0.0)
            # A wrong answer may be right in part: two summaries can share a document.
            assert worst[figure].value == pytest.approx(least, abs=0.03), (probed.name, figure)


@pytest.mark.parametrize("source", [each for each in DOMAINS if each not in FEWER])
def test_partners_of_known_skill_come_out_in_order_and_near_it(source: str):
    some = bench(source)
    for probed, figures in played(some):
        groups = [
            measured(probed, some, partial(Partner, skill=skill), bootstrap=50) for skill in SKILLS
        ]
        for figure in figures:
            found = [group[figure] for group in groups]
            expected = EXPECTED[probed.name][figure]
            values = [one.value for one in found]
            assert values == sorted(values), (probed.name, figure)
            for skill, one in zip(SKILLS, found, strict=True):
                # Four standard errors of a share, doubled for a difference in [-1, 1].
                near = 2 / one.n**0.5 * (1 + (expected is not same))
                assert abs(one.value - expected(skill)) < near, (probed.name, figure)


@pytest.mark.parametrize("source", DOMAINS)
def test_no_constant_policy_outranks_the_partner_of_skill_one_half(source: str):
    some = bench(source).first(6)
    for probed, _ in played(some):
        for figure, most in constants(probed, some).items():
            half = EXPECTED[probed.name][figure](0.5)
            # Where the half-skilled come to 0, so does a constant, give or take a few places.
            assert most <= (min(half, 0.2) or 0.1) + 1e-9, (probed.name, figure)


def test_the_docs_say_which_probe_is_played_where():
    text = (ROOT / "docs" / "probes.md").read_text(encoding="utf-8")
    told = text.partition(BEGIN)[2].partition(END)[0].strip()
    again = "run `python runs/known_groups.py --applies`"
    assert told == known_groups.applies(), again


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known_groups, "OUT", tmp_path)
    known_groups.play_domain("math", ["repair"], 1, 1)
    path = tmp_path / "math-repair.jsonl"
    first = path.read_text(encoding="utf-8")
    path.write_text(first + '{"seed": 10', encoding="utf-8")  # as if killed in the middle
    known_groups.play_domain("math", ["repair"], 2, 1)
    assert path.read_text(encoding="utf-8").startswith(first)
    assert sorted(known_groups.kept("math", "repair")) == [1000, 1001]
    row = known_groups.summary("math", "repair", 2)
    assert row is not None
    assert (row["seeds"], row["figures"]) == (2, 3)


def test_every_headline_is_expected_of_partners_but_what_more_thinking_changes():
    checked = {f"{name}:{figure}" for name, figures in EXPECTED.items() for figure in figures}
    headlines = {
        f"{name}:{metric.name}:{metric.condition}"
        for name, found in metrics(names()).items()
        for metric in found
        if metric.headline
    }
    assert headlines - checked == {"thinking:slope_sharded:sharded@full"}
