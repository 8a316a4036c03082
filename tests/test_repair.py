"""Misreadings by design and by chance, and what a correction of a false fact has to hold."""

from __future__ import annotations

import asyncio

import pytest

from uptake.domains import domain
from uptake.episode import play
from uptake.model import Scripted
from uptake.probes.presupposition import presupposition, states_fact
from uptake.probes.repair import METRICS, mends_own, repair
from uptake.scores import rows

MATH = domain("math")
TASKS = MATH.generate(20, seed=2)


def played(probe, condition, task, *replies):
    told = next(s for s in probe.scenarios(task, None) if s.condition == condition)
    return asyncio.run(play(told, Scripted(list(replies)), verify=MATH.verify, probe=probe.name))


def right(task):
    return f"The answer is {task.answer}."


def test_a_right_answer_is_not_called_a_misreading():
    for task in TASKS:
        episode = played(repair, "chance", task, right(task))
        assert (len(episode.turns), episode.ended) == (1, "done")
        assert mends_own({"chance": episode}) is None


def test_a_wrong_one_is_told_everything_again_and_mended_or_not():
    for task in TASKS:
        mended = played(repair, "chance", task, "The answer is -1.", right(task))
        assert len(mended.turns) == 2
        assert all(shard.text in mended.turns[1].user for shard in task.shards)
        assert mends_own({"chance": mended}) == 1
        assert mends_own({"chance": played(repair, "chance", task, "The answer is -1.")}) == 0
        assert mended.turns[1].best == "repair"


def test_what_is_asked_again_comes_two_turns_after_the_repair():
    for task in TASKS:
        told = next(s for s in repair.scenarios(task) if s.condition == "third")
        assert len(told.turns) == 4
        assert told.turns[3].text.endswith(task.shards[0].text)


def test_who_asks_for_what_is_settled_is_seen_to():
    task = TASKS[0]
    known = next(shard for shard in task.shards if shard.quantity)
    asks = f"Could you tell me {known.quantity}?"
    found = {
        row.metric: row.value
        for row in rows([played(repair, "third", task, "", asks)], {"repair": METRICS})
    }
    assert found["reasks"] == 1


@pytest.mark.parametrize("states", [True, False])
def test_a_correction_states_what_is_so_or_only_denies(states):
    for task in TASKS:
        scenarios = {s.condition: s for s in presupposition.scenarios(task)}
        if not scenarios:
            continue
        fact = scenarios["false"].turns[1].fact
        replies = {
            "direct_false": "No.",
            "direct_true": "Yes.",
            "false": f"No, it is {fact}." if states else "No, that is not so.",
        }
        talks = {
            condition: played(presupposition, condition, task, right(task), reply)
            for condition, reply in replies.items()
        }
        assert states_fact(talks) == states


@pytest.mark.parametrize(
    ("fact", "reply", "holds"),
    [
        ("12", "No, Ann has 12 apples.", True),
        ("12", "No, Ann has 12.", True),
        ("12", "No, she has 112 apples, or 12.5.", False),
        ("1200", "No: 1,200 of them.", True),
        ("Robin", "No, it was robin!", True),
        ("12", "No.", False),
    ],
)
def test_a_value_is_held_as_a_word_or_number_of_its_own(fact, reply, holds):
    from uptake.episode import _holds

    assert _holds(fact, reply) is holds
