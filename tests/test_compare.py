"""Two runs compared: paired by instruction, adjusted over the table, and honest about the rest."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace

import pytest
from played import episode, run

from uptake.compare import compare_runs, speaker
from uptake.contrasts import holm
from uptake.domains import domain
from uptake.episode import play
from uptake.errors import UptakeError
from uptake.partners import Partner
from uptake.probes.missing import METRICS, missing
from uptake.scores import rows


def model(talks):
    return [e for e in talks if e.model == "m" and e.ended == "done"]


def worse(talks, seed=3):
    """The same conversations of a model that loses the last answer of some told over turns."""
    chance = random.Random(seed)
    return [_spoilt(e) if e.condition == "sharded" and chance.random() < 0.5 else e for e in talks]


def _spoilt(e):
    *before, last = e.turns
    return replace(e, turns=(*before, replace(last, score=0.0)))


def table(found):
    return {(row.metric, row.condition): row for row in found.rows}


A = model(run(24))
B = worse(A)


def test_every_figure_of_a_run_against_itself_is_no_difference():
    found = compare_runs(A, A, bootstrap=200)
    assert {row.metric for row in found.rows} >= {"mean", "kept", "a90", "u90_10", "turns"}
    for row in found.rows:
        assert (row.difference, row.p, row.holm, row.effect) == (0, 1, 1, 0), row
        assert row.low <= 0 <= row.high
        assert not row.differs


def test_swapping_the_runs_turns_every_sign():
    there = table(compare_runs(A, B, bootstrap=200))
    back = table(compare_runs(B, A, bootstrap=200))
    assert list(there) == list(back)
    for key, row in there.items():
        other = back[key]
        assert (row.a, row.b, row.p, row.holm) == (other.b, other.a, other.p, other.holm)
        assert row.difference == -other.difference
        assert (row.low, row.high) == pytest.approx((-other.high, -other.low))


def test_both_values_are_those_of_the_report_and_p_is_adjusted_over_the_table():
    found = compare_runs(A, B)
    own = [{(r.metric, r.condition, r.score): r.value for r in rows(side)} for side in (A, B)]
    for row in found.rows:
        assert row.a == pytest.approx(own[0][row.metric, row.condition, "last"])
        assert row.b == pytest.approx(own[1][row.metric, row.condition, "last"])
        assert row.difference == pytest.approx(row.b - row.a)
    assert [row.holm for row in found.rows] == holm([row.p for row in found.rows])
    by = table(found)
    assert by["mean", "sharded"].differs
    assert by["kept", "sharded"].high < 0
    assert not by["mean", "full"].differs


def test_only_instructions_that_both_played_count_and_the_rest_is_told():
    left = [e for e in A if e.instruction_id != "i0"]
    right = [e for e in B if e.instruction_id not in ("i1", "i2")]
    right += [replace(e, instruction_id="new") for e in B if e.instruction_id == "i1"]
    row = table(compare_runs(left, right, bootstrap=100))["mean", "sharded"]
    assert (row.n, row.only_a, row.only_b) == (21, 2, 2)
    shared = {f"i{k}" for k in range(3, 24)}
    known = compare_runs(
        [e for e in A if e.instruction_id in shared], [e for e in B if e.instruction_id in shared]
    )
    assert row.difference == pytest.approx(table(known)["mean", "sharded"].difference)
    (overlap,) = known.overlaps
    assert (overlap.both, overlap.only_a, overlap.only_b) == (21, 0, 0)


def test_an_id_with_another_answer_is_another_instruction():
    other = [replace(e, gold="20") if e.instruction_id == "i0" else e for e in B]
    (overlap,) = compare_runs(A, other, bootstrap=100).overlaps
    assert (overlap.both, overlap.only_a, overlap.only_b, overlap.other) == (23, 1, 1, 1)
    with pytest.raises(UptakeError, match="same ids have other answers"):
        compare_runs(A, [replace(e, gold="20") for e in B])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ([], "run B holds no episode"),
        ([replace(e, instruction_id="x" + e.instruction_id) for e in A], "same instructions, --n"),
        ([replace(e, domain="code") for e in A], "A played lost of toy, B played lost of code"),
    ],
)
def test_nothing_in_common_is_one_clear_line(other, words):
    with pytest.raises(UptakeError, match=words):
        compare_runs(A, other)


def test_what_was_asked_for_is_what_is_adjusted_over():
    found = compare_runs(A, B, only=["kept", "mean"], conditions=["sharded"], bootstrap=100)
    assert set(table(found)) == {("mean", "sharded"), ("kept", "sharded")}
    assert max(row.holm / row.p for row in found.rows) == 2
    curve = compare_runs(A, B, only=["score_by_turn:4"], bootstrap=100)
    assert curve.rows[0].difference < 0
    with pytest.raises(UptakeError, match="speed is not in both runs"):
        compare_runs(A, B, only=["speed"])


def test_another_rule_scores_other_replies():
    ruled = table(compare_runs(A, B, rule="any", bootstrap=100))
    assert (
        ruled["mean", "sharded"].a > table(compare_runs(A, B, bootstrap=100))["mean", "sharded"].a
    )


def test_kept_is_withheld_where_either_run_cannot_do_it_at_all():
    lost = [replace(e, turns=tuple(replace(t, score=0.0) for t in e.turns)) for e in A]
    row = table(compare_runs(A, lost, bootstrap=100))["kept", "sharded"]
    assert (row.difference, row.p, row.holm) == (None, None, None)
    assert "FULL reaches below 0.05" in row.note


def test_other_numbers_of_repeats_are_told_where_they_matter():
    fewer = [e for e in B if e.repeat < 3]
    found = table(compare_runs(A, fewer, bootstrap=100))
    assert found["a90", "sharded"].note == "4 repeats in A and 3 in B: not comparable"
    assert found["mean", "sharded"].note is None
    once = table(compare_runs(A, [e for e in B if e.repeat == 0], bootstrap=100))
    assert once["u90_10", "sharded"].difference is None


def test_right_and_wrong_of_one_repeat_is_tested_by_mcnemar():
    once = [[e for e in side if e.repeat == 0] for side in (A, B)]
    assert table(compare_runs(*once, bootstrap=100))["mean", "sharded"].test == "McNemar, exact"


def test_a_probes_own_metrics_are_compared_in_their_own_measure():
    math = domain("math")
    instructions = math.generate(25, seed=5)

    async def talks(skill):
        scenarios = [told for one in instructions for told in missing.scenarios(one)]
        partner = Partner(scenarios, skill)
        return [
            await play(told, partner, verify=math.verify, seed=5, probe="missing")
            for told in scenarios
        ]

    sides = [asyncio.run(talks(skill)) for skill in (0.2, 0.9)]
    found = table(compare_runs(*sides, {"missing": METRICS}))
    net = found["net", "missing"]
    assert net.kind == "difference"
    own = [
        {(r.metric, r.condition): r for r in rows(side, {"missing": METRICS})}["net", "missing"]
        for side in sides
    ]
    assert (net.a, net.b) == (pytest.approx(own[0].value), pytest.approx(own[1].value))
    assert net.differs
    assert 0.3 < net.low < net.difference < net.high <= 2
    assert found["user_words", "missing"].kind == "amount"


def test_a_comparison_is_json():
    data = compare_runs(A, B, names=("old", "new"), bootstrap=100).to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert (data["a"], data["b"]) == ("old", "new")
    assert {row["metric"] for row in data["rows"]} >= {"mean", "kept"}


TALKS = [
    episode([1.0], model="m"),
    episode([1.0], model="m", mediated=True),
    episode([1.0], model="other", mediated=True),
    episode([1.0], model="policy:ask"),
]


def test_a_speaker_is_the_only_one_or_the_one_named():
    assert speaker(TALKS[:1] + TALKS[3:], controls=["policy:ask"])[0] == "m"
    assert speaker(TALKS, "m") == ("m", TALKS[:1])
    assert speaker(TALKS, "m (mediated)") == ("m (mediated)", TALKS[1:2])
    assert speaker(TALKS, "other") == ("other (mediated)", TALKS[2:3])
    assert speaker(TALKS[3:], controls=["policy:ask"])[0] == "policy:ask"


def test_who_is_meant_must_be_clear():
    with pytest.raises(UptakeError, match=r"--model-a; there are: m, m \(mediated\), other"):
        speaker(TALKS, option="--model-a")
    with pytest.raises(UptakeError, match="nobody of that name played; there are: m, "):
        speaker(TALKS, "n")
    with pytest.raises(UptakeError, match="no episode at all"):
        speaker([])
