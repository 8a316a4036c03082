from __future__ import annotations

import asyncio

import pytest

from uptake.domains import domain
from uptake.episode import Episode, play
from uptake.instruction import Instruction, Shard
from uptake.model import Model, Scripted
from uptake.models.policies import POLICIES
from uptake.partners import Partner
from uptake.probes.missing import METRICS, missing
from uptake.scores import Row, rows
from uptake.user import THAT_IS_ALL

MATH = domain("math")
EGGS = Instruction(
    "eggs",
    "math",
    "A box has 6 eggs. Di buys 3 boxes. How many eggs is that?",
    (
        Shard("How many eggs is that?"),
        Shard("A box has 6 eggs.", quantity="how many eggs a box has"),
        Shard("Di buys 3 boxes.", quantity="how many boxes Di buys"),
        Shard("The shop is 12 miles away.", needed=False),
    ),
    "18",
    {"distractor": "Di is 40 years old."},
)


def scenario(condition: str):
    return next(s for s in missing.scenarios(EGGS) if s.condition == condition)


def played(condition: str, *replies: str) -> Episode:
    return asyncio.run(play(scenario(condition), Scripted(list(replies)), verify=MATH.verify))


def measured(model: Model, instructions: list[Instruction], seed: int = 0) -> dict[str, Row]:
    """The probe's own figures of one model, as "metric:condition"."""

    async def run() -> list[Episode]:
        return [
            await play(told, model, verify=MATH.verify, seed=seed, repeat=repeat, probe="missing")
            for instruction in instructions
            for told in missing.scenarios(instruction)
            for repeat in range(2)
        ]

    found = rows(asyncio.run(run()), {"missing": METRICS}, bootstrap=400, seed=seed)
    return {f"{row.metric}:{row.condition}": row for row in found}


def test_what_is_left_out_is_said_nowhere_and_everything_else_is():
    whole, hole, distracted = missing.scenarios(EGGS)
    (left_out,) = hole.hidden
    assert distracted.hidden == {left_out}
    assert EGGS.shards[left_out].needed
    assert left_out > 0
    for i, shard in enumerate(EGGS.shards):
        assert shard.text in whole.turns[0].text
        assert (shard.text in hole.turns[0].text) == (i != left_out)
    assert distracted.turns[0].text == f"{hole.turns[0].text}\n- Di is 40 years old."


def test_an_instruction_without_a_fact_to_leave_out_is_not_played():
    alone = Instruction("one", "math", "What is 2 + 2?", (Shard("What is 2 + 2?"),), "4")
    assert missing.scenarios(alone) == []


def test_the_user_gives_the_fact_to_who_asks_for_it():
    (left_out,) = scenario("missing").hidden
    episode = played("missing", f"Tell me {EGGS.shards[left_out].quantity}?", "The answer is 18.")
    assert [turn.user for turn in episode.turns][1:] == [EGGS.shards[left_out].text]
    assert (episode.turns[0].asked, episode.turns[0].about) == (True, left_out)
    assert episode.score() == 1


@pytest.mark.parametrize("question", ["Could you tell me more?", "How old are you, please?"])
def test_the_user_gives_it_to_no_other(question: str):
    episode = played("missing", question, "The answer is 18.")
    assert [turn.user for turn in episode.turns][1:] == [THAT_IS_ALL]


def test_nor_to_who_asks_for_what_was_said():
    (left_out,) = scenario("missing").hidden
    other = EGGS.shards[3 - left_out]
    episode = played("missing", f"Please tell me {other.quantity}?", "The answer is 18.")
    assert [turn.user for turn in episode.turns][1:] == [THAT_IS_ALL]
    assert episode.turns[0].about == 3 - left_out


def test_who_answers_at_once_is_told_no_more():
    assert len(played("missing", "The answer is 18.").turns) == 1
    assert len(played("complete", "The answer is 18.").turns) == 1


def test_partners_of_known_skill_come_out_as_skilled_as_they_are():
    groups = [measured_partner(skill) for skill in (0.2, 0.5, 0.8)]
    for skill, found in zip((0.2, 0.5, 0.8), groups, strict=True):
        for name in ("asks:missing", "net:missing", "solved:missing", "net:distracted"):
            assert found[name].low <= skill <= found[name].high, name
        assert found["asks_right:missing"].value > 0.95
        assert found["holds:complete"].value == 1
    for name in ("net:missing", "solved:missing", "net:distracted", "solved:distracted"):
        values = [found[name].value for found in groups]
        assert values == sorted(values)


def measured_partner(skill: float) -> dict[str, Row]:
    instructions = MATH.generate(60, seed=5)
    scenarios = [told for one in instructions for told in missing.scenarios(one)]
    return measured(Partner(scenarios, skill), instructions, seed=5)


@pytest.mark.parametrize("policy", POLICIES)
def test_no_constant_policy_comes_near_a_partner_of_little_skill(policy: str):
    found = measured(POLICIES[policy](), MATH.generate(40, seed=6))
    for condition in ("missing", "distracted"):
        assert found[f"net:{condition}"].value == 0
        assert found[f"solved:{condition}"].value < 0.05
