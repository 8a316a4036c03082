"""What code, data2text and summary know of a fact: the answer where it is another or taken back.

Whatever such a reading says is run through the domain's verifier, never compared as text.
"""

from __future__ import annotations

import asyncio

import pytest

from uptake.conversation import Conversation
from uptake.domains import domain, guess
from uptake.episode import play
from uptake.instruction import Instruction
from uptake.measures import Metric
from uptake.model import Sampling
from uptake.partners import Oracle, Partner, guesser, spoken
from uptake.probes import probe
from uptake.probes.missing import withheld
from uptake.probes.variants import changeable, changed, withdrawable, without
from uptake.run import setup
from uptake.run.plan import pairs
from uptake.scenario import Scenario

FEW = {"code": 2, "data2text": 20, "summary": 20}
SPLITS = ("train", "heldout")
# The figures of a partner that does all wrong and of one that does all right.
TOLD_APART = {
    "revision": ("takes_up", "withdraws", "resists"),
    "repair": ("taken_up", "answers_huh", "answers_which"),
    "presupposition": ("rejects",),
    "missing": ("asks", "solved"),
    "handoff": ("returns", "interleaves", "lets_go"),
    "reference": ("asks", "resolves"),
}


@pytest.fixture(scope="module", params=[(name, split) for name in FEW for split in SPLITS], ids=str)
def some(request: pytest.FixtureRequest) -> list[Instruction]:
    name, split = request.param
    return domain(name).generate(FEW[name], seed=11, split=split)


def score(one: Instruction, reply: str) -> float | None:
    return domain(one.domain).verify(one, reply).score


def test_the_answer_under_another_value_is_right_there_and_wrong_here(
    some: list[Instruction],
) -> None:
    tried = 0
    for one in some:
        for i, shard in enumerate(one.shards):
            if shard.revised in (None, one.answer):
                continue
            tried += 1
            other = changed(one, i)
            assert other.shards[i].text == shard.contradicted
            assert (score(other, spoken(other)), score(other, spoken(one))) == (1, 0)
            assert (score(one, spoken(one)), score(one, spoken(other))) == (1, 0)
    assert tried >= len(some)


def test_the_answer_without_a_fact_is_right_there_and_the_old_one_is_not(
    some: list[Instruction],
) -> None:
    tried = 0
    for one in some:
        for i, shard in enumerate(one.shards):
            if shard.withdrawn in (None, one.answer):
                continue
            tried += 1
            left = without(one, i)
            assert (score(left, spoken(left)), score(left, spoken(one))) == (1, 0)
            assert (score(one, spoken(left)) or 0) < 1
    assert tried >= len(some)


def test_claims_are_clauses_and_checks_are_questions(some: list[Instruction]) -> None:
    for one in some:
        for shard in one.shards[1:]:
            if shard.claim is None:
                assert shard.revised is shard.withdrawn is shard.check is None
                continue
            for claim, check in (
                (shard.claim, shard.check),
                (shard.false_claim, shard.false_check),
            ):
                if claim is None or check is None:
                    assert not shard.revised
                    continue
                assert not claim.endswith((".", "?"))
                assert "{" not in claim + check
                assert check[0].isupper()
                assert check.endswith("?")
            assert shard.claim != shard.false_claim


def test_what_is_left_out_can_be_missed(some: list[Instruction]) -> None:
    for one in some:
        left_out = withheld(one)
        assert set(one.meta["gaps"]) <= one.needed - {0}
        assert left_out is None or left_out in one.meta["gaps"]
        assert one.meta["distractor"] not in one.full
    assert any(withheld(one) for one in some)


def test_most_instructions_can_be_told_in_every_way() -> None:
    for name in FEW:
        made = domain(name).generate(40, seed=3)
        assert sum(changeable(one) is not None for one in made) > 25
        assert sum(withdrawable(one) is not None for one in made) > 25
        for told in ("revision", "repair", "presupposition", "missing", "reference", "handoff"):
            found = {
                scenario.condition
                for one, other in pairs(made)
                for scenario in probe(told).scenarios(one, other)
            }
            assert found == set(probe(told).conditions), (name, told)


def values(told: str, partner: Partner, scenarios: list[Scenario]) -> dict[str, list[float]]:
    """Each metric of a probe on each instruction that it can be read off."""

    async def run() -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = {}
        for one in scenarios:
            verify = domain(one.instruction.domain).verify
            episode = await play(one, partner, verify=verify, probe=told)
            assert episode.error is None
            found.setdefault(one.instruction.id, {})[one.condition] = episode
        return found

    together = asyncio.run(run())
    metrics = [m for m in getattr(probe(told), "metrics", ()) if isinstance(m, Metric)]
    return {
        metric.name: [
            value
            for played in together.values()
            if (value := metric.of(played)) is not None  # type: ignore[arg-type]
        ]
        for metric in metrics
        if metric.name in TOLD_APART[told]
    }


@pytest.mark.parametrize("told", TOLD_APART)
@pytest.mark.parametrize("name", FEW)
def test_a_partner_that_does_all_right_has_all_and_one_that_does_all_wrong_little(
    name: str, told: str
) -> None:
    made = domain(name).generate(6, seed=3)
    scenarios = [s for one, other in pairs(made) for s in probe(told).scenarios(one, other)]
    right = values(told, Oracle(scenarios), scenarios)
    wrong = values(told, Partner(scenarios, 0.0), scenarios)
    for metric in TOLD_APART[told]:
        assert right[metric], metric
        assert set(right[metric]) == {1.0}, metric
        assert max(wrong[metric]) < 0.35, metric  # a summary of something else may share a name


@pytest.mark.parametrize("name", FEW)
def test_a_guess_has_the_form_of_an_answer_and_is_none(name: str) -> None:
    found = domain(name)
    for one in found.generate(FEW[name], seed=5):
        verdict = found.verify(one, guess(name, [one.full]))
        assert verdict.answer
        assert verdict.score == 0


def test_the_policy_guesses_in_the_form_of_each_instruction() -> None:
    mixed = [
        one for name in ("math", "code", "summary") for one in domain(name).generate(1, seed=5)
    ]
    ready = setup(("lost",), model="policy:silent", instructions=mixed)
    policy = next(model for model in ready.plan.controls if model.name == "policy:guess")
    replies = [
        asyncio.run(policy.reply(Conversation().user(one.full), Sampling())).text for one in mixed
    ]
    assert replies[0] == "The answer is 12."
    assert replies[1].startswith(f"```python\ndef {mixed[1].meta['function']}(")
    assert replies[2].startswith("- ")
    assert asyncio.run(guesser([]).reply(Conversation().user("Hi."), Sampling())).text == replies[0]
