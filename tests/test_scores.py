"""Scores of episodes, against numpy on a table of the same numbers."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from played import episode, run, turn

from uptake.cells import BUCKETS, first_attempt, right_then_wrong
from uptake.scores import compare, rows


def table(found, condition="sharded", model="m", score="last"):
    return {
        row.metric: row
        for row in found
        if (row.condition, row.model, row.score) == (condition, model, score)
    }


def played(scores, condition, **more):
    """One episode for each score of a table: instructions by repeats; NaN is an error."""
    turns = 1 if condition == "full" else 3
    return [
        episode(
            [0.0] * (turns - 1) + [None if math.isnan(score) else float(score)],
            instruction_id=f"i{i}",
            repeat=j,
            condition=condition,
            ended="error" if math.isnan(score) else "done",
            error="model: gone" if math.isnan(score) else None,
            **more,
        )
        for i, repeats in enumerate(scores)
        for j, score in enumerate(repeats)
    ]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(2, 12))
def test_figures_equal_an_independent_calculation(seed, n, repeats):
    rng = np.random.default_rng(seed)
    full = rng.choice([0.25, 0.5, 1.0], (n, repeats))
    sharded = rng.choice([0.0, 0.3, 1.0], (n, repeats))
    sharded[rng.random((n, repeats)) < 0.1] = np.nan
    sharded[:, 0] = 0.3  # at least one score an instruction
    found = rows(played(full, "full") + played(sharded, "sharded"), bootstrap=50)

    once, over = table(found, "full"), table(found)
    assert once["mean"].value == pytest.approx(full.mean(axis=1).mean())
    assert over["mean"].value == pytest.approx(np.nanmean(sharded, axis=1).mean())
    for metric, values, got in (("full", full, once), ("sharded", sharded, over)):
        high = np.nanpercentile(values, 90, axis=1)
        low = np.nanpercentile(values, 10, axis=1)
        assert got["a90"].value == pytest.approx(high.mean()), metric
        assert got["u90_10"].value == pytest.approx((high - low).mean()), metric
    if over["kept"].value is not None:
        want = np.nanmean(sharded, axis=1).mean() / full.mean(axis=1).mean()
        assert over["kept"].value == pytest.approx(want)
    assert over["failures"].value == np.isnan(sharded).sum()
    assert over["failures"].n == n * repeats


def test_kept_pairs_instructions_and_leaves_out_what_one_side_lacks():
    full = played([[1.0, 1.0], [0.5, 0.5], [1.0, 1.0]], "full")
    sharded = played([[0.5, 0.5], [0.5, 0.5]], "sharded")
    kept = table(rows(full + sharded))["kept"]
    assert kept.value == pytest.approx(1.0 / 1.5)
    assert kept.n == 2


def test_kept_is_withheld_with_the_reason_where_full_is_near_zero():
    full = played([[0.0] * 10] * 30, "full")
    kept = table(rows(full + played([[1.0] * 10] * 30, "sharded")))["kept"]
    assert (kept.value, kept.low, kept.high) == (None, None, None)
    assert "FULL reaches below 0.05" in kept.note
    assert kept.to_dict()["note"] == kept.note


def test_an_instruction_that_full_never_solves_still_counts():
    full = played([[1.0, 1.0]] * 20 + [[0.0, 0.0]], "full")
    kept = table(rows(full + played([[0.5, 0.5]] * 21, "sharded")))["kept"]
    assert kept.value == pytest.approx(10.5 / 20)
    assert kept.n == 21


def test_one_repeat_says_nothing_of_spread():
    found = table(rows(played([[1.0], [0.0]], "full")), "full")
    assert found["a90"].value is None
    assert "one repeat" in found["u90_10"].note
    assert found["mean"].value == 0.5
    few = table(rows(played([[1.0, 0.0], [0.0, 0.0]], "full")), "full")
    assert "at least 10" in few["a90"].note


def test_what_has_no_score_is_counted_and_never_zero():
    talks = [
        episode([0.0, 1.0], repeat=0),
        episode([1.0, None], repeat=1),
        episode([0.0], repeat=2, condition="sharded", ended="error", error="model: gone"),
    ]
    found = table(rows(talks))
    assert found["mean"].value == 1
    assert found["failures"].value == 1
    assert found["undecided"].value == 1


def test_every_rule_scores_every_condition():
    talk = episode([1.0, 0.5, 0.0], turns=(turn(1.0, ready=False), turn(0.5), turn(0.0)), repeat=0)
    found = rows([talk, replace(talk, repeat=1)])
    means = {
        rule: table(found, score=rule)["mean"].value for rule in ("last", "any", "first_ready")
    }
    assert means == {"last": 0.0, "any": 1.0, "first_ready": 0.5}
    assert table(found)["right_then_wrong"].value == 1


@pytest.mark.parametrize(
    ("scores", "lost"),
    [([1, 0], True), ([0, 1], False), ([1, 1], False), ([0.9, 0], False), ([1], False)],
)
def test_right_then_wrong(scores, lost):
    assert right_then_wrong(episode(scores)) is lost


@settings(deadline=None)
@given(st.integers(2, 12), st.data())
def test_the_first_turn_is_the_start_and_the_last_the_end(turns, data):
    k = data.draw(st.integers(0, turns - 1))
    talk = [turn(0.0, answer="1" if i >= k else None) for i in range(turns)]
    bucket = first_attempt(talk)
    low, high = map(int, bucket.split("-"))
    assert low <= 100 * k / (turns - 1) <= high
    assert bucket == BUCKETS[0] or k > 0
    assert first_attempt([turn(0.0, answer=None)] * turns) == "never"


def test_the_curve_says_what_a_premature_answer_costs():
    early = [episode([0.0, 0.0, 0.0], repeat=i) for i in range(3)]
    quiet = turn(0.0, answer=None)
    late = [
        episode([0, 0, 1], repeat=i, turns=(quiet, quiet, turn(1.0)), instruction_id="i1")
        for i in range(1)
    ]
    found = table(rows(early + late))
    assert found["score_by_first_attempt:0-20"].value == 0
    assert found["score_by_first_attempt:80-100"].value == 1
    assert found["first_attempt:0-20"].value == 0.5
    assert found["score_by_first_attempt:never"].value is None
    assert found["score_by_turn:3"].value == 0.25
    assert found["attempted_first"].value == 0.5


def test_the_same_episodes_give_the_same_rows_in_any_order_of_lines():
    made = run()
    assert rows(made) == rows(made)
    values = {(r.metric, r.condition, r.model, r.score): r.value for r in rows(made)}
    turned = {(r.metric, r.condition, r.model, r.score): r.value for r in rows(made[::-1])}
    assert turned == pytest.approx(values)


def test_rows_are_json_without_nan():
    text = json.dumps([row.to_dict() for row in rows(run())], allow_nan=False)
    first = json.loads(text)[0]
    assert list(first)[:11] == [
        *("probe", "domain", "condition", "model", "mediated", "score", "metric"),
        *("value", "low", "high", "n"),
    ]


def test_no_episodes_no_rows():
    assert rows([]) == []


def test_models_are_compared_on_the_instructions_that_both_played():
    weak = played([[0.0, 0.5], [0.5, 0.5], [0.0, 0.0], [1.0, 0.0]], "sharded")
    strong = played([[1.0, 1.0], [1.0, 0.5], [0.5, 1.0]], "sharded", model="strong")
    found = compare(strong, weak)
    assert found.n == 3
    assert found.value == pytest.approx(np.mean([0.75, 0.25, 0.75]))
    assert 0 < found.p < 1
