from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.instruction import Instruction, Shard
from uptake.mediator import Mediator
from uptake.menders import mender
from uptake.model import Sampling, Scripted
from uptake.models.prices import Price
from uptake.probes import names, probe
from uptake.probes.lost import lost
from uptake.run.plan import Plan, describe, estimate, sample

TWELVE = "x" * 12  # 3 tokens, and 4 around them


def instruction(number):
    shards = tuple(Shard(TWELVE) for _ in range(3))
    return Instruction(f"i{number}", "toy", TWELVE, shards, "1")


def plan(**more):
    found = {"probes": (lost,), "instructions": tuple(map(instruction, range(3)))}
    found |= {"source": "toy", "model": Scripted(["x"], name="a/b c"), "repeats": 2}
    return Plan(**(found | more))


def test_jobs_are_every_combination_once_and_the_same_each_time():
    keys = [job.key for job in plan().jobs()]
    assert len(set(keys)) == len(keys) == 3 * 6 * 2
    assert keys == [job.key for job in plan().jobs()]
    assert [job.key for job in plan().jobs(set(keys[:7]))] == keys[7:]


def test_a_run_that_is_stopped_early_has_whole_repeats_first():
    repeats = [job.repeat for job in plan().jobs()]
    assert repeats == sorted(repeats)


def test_what_is_beside_the_model_is_played_as_often_repeat_by_repeat():
    model = Scripted(["x"], name="m")
    both = plan(model=model, beside=(Mediator(model), mender("rewrite", model)))
    keys = [(job.model.name, job.key[5], job.repeat) for job in both.jobs()]
    order = [("m", False), ("m", True), ("m+rewrite", False)]
    assert list(dict.fromkeys(keys)) == [(*who, repeat) for repeat in (0, 1) for who in order]
    assert both.settings()["beside"] == ["m (mediated)", "m+rewrite"]
    assert "beside" not in plan().settings()  # a run that was begun without goes on


def test_a_mender_that_writes_is_estimated_at_two_calls_a_turn():
    model = Scripted(["x"], name="m")
    alone, both = plan(model=model), plan(model=model, beside=(mender("rewrite", model),))
    assert estimate(both).calls == 3 * estimate(alone).calls
    assert "m, m+rewrite" in describe(both, estimate(both), None)


def test_controls_are_played_first_and_no_more_often_than_it_takes():
    controlled = plan(repeats=10, controls=(Scripted(["12"], name="policy:guess"),))
    models = [job.model.name for job in controlled.jobs()]
    assert models == ["policy:guess"] * 3 * 6 * 2 + ["a/b c"] * 3 * 6 * 10


def test_the_estimate_is_the_arithmetic_it_says():
    found = estimate(plan(conditions=("full", "sharded"), sampling=Sampling(max_tokens=50)))
    full, sharded = found.by_condition["full"], found.by_condition["sharded"]
    assert (full.episodes, full.calls, full.prompt_tokens, full.reply_tokens) == (6, 6, 42, 300)
    # Each turn hears all that was said, and the replies so far: 7, 14 + 50, 21 + 100.
    assert (sharded.calls, sharded.prompt_tokens) == (18, 6 * (7 + 64 + 121))
    assert sharded.most_tokens == 6 * (7 + 50 + 14 + 100 + 21 + 150)
    assert found.tokens == full.tokens + sharded.tokens


def test_the_plan_for_people_names_price_and_method():
    lines = describe(plan(), estimate(plan()), Price(1.0, 10.0), played=4)
    assert "about $" in lines
    assert "4 episodes are there already" in lines
    assert "120 tokens a reply" in lines
    assert "not known" in describe(plan(), estimate(plan()), None)


def test_a_model_as_user_is_counted():
    assert estimate(plan(user="m")).user_calls == estimate(plan()).calls


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"repeats": 3},
        {"user": "m"},
        {"judge": "m"},
        {"conditions": ("full",)},
        {"sampling": Sampling(temperature=0)},
        {"sampling": Sampling(max_tokens=5)},
        {"model": Scripted(["x"], name="other")},
        {"controls": (Scripted(["x"], name="c"),)},
        {"beside": (Mediator(Scripted(["x"])),)},
        {"instructions": tuple(map(instruction, range(2)))},
        {"instructions": (*map(instruction, range(2)), replace(instruction(2), answer="2"))},
    ],
)
def test_whatever_changes_what_is_said_changes_settings_and_folder(change):
    assert plan(**change).settings() != plan().settings()
    assert plan(**change).folder() != plan().folder()


def test_the_folder_is_the_same_for_the_same_settings_and_safe_as_a_name():
    assert plan().folder() == plan().folder()
    assert plan().folder().parts[0] == "out"
    assert plan().folder().name.startswith("lost-a-b-c-")


@given(st.integers(0, 30), st.integers(1, 40), st.integers())
def test_a_sample_is_drawn_by_seed_in_order_without_repeats(size, n, seed):
    pool = [instruction(number) for number in range(size)]
    drawn = sample(pool, n, seed)
    assert drawn == sample(pool, n, seed)
    assert len(drawn) == min(n, size)
    places = [pool.index(one) for one in drawn]
    assert places == sorted(set(places))


def test_the_probe_is_found_by_its_entry_point():
    assert "lost" in names()
    assert probe("lost") is lost
    assert {s.condition for s in lost.scenarios(instruction(0))} == set(lost.conditions)
