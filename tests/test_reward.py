"""Rewards: what they pay for, that cheats earn less than honest half-skill, and the constraint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.domains import domain, guess
from uptake.instruction import Instruction, Verdict
from uptake.partners import spoken, words
from uptake.probes import probe
from uptake.scenario import Scenario
from uptake.train.env import Env
from uptake.train.reward import Constraint, Prices, Reward
from uptake.train.tasks import told_then_asked
from uptake.users import user

found = cache(domain)  # each look-up reads what is installed
MATH = found("math")
FEW = 5

Policy = Callable[[Scenario, list[str], Random], str]
"""What a scenario's next reply is, given all that the user said."""


@dataclass(frozen=True)
class Played:
    probe: str
    scenario: Scenario


@cache
def bench(source: str, name: str, n: int) -> list[Played]:
    instructions = found(source).generate(n + 1, seed=9)
    pairs = pairwise(instructions)
    if name == "told":
        return [Played(name, told_then_asked(one)) for one, _ in pairs]
    return [Played(name, s) for one, two in pairs for s in probe(name).scenarios(one, two)]


VERDICTS: dict[tuple[str, str, str], Verdict] = {}


def verify(instruction: Instruction, reply: str) -> Verdict:
    """The domain's verdict; the same reply to the same request is verified once."""
    key = instruction.id, instruction.answer, reply
    if key not in VERDICTS:
        VERDICTS[key] = found(instruction.domain).verify(instruction, reply)
    return VERDICTS[key]


def earned(each: Played, policy: Policy, *, who: str = "scripted", dice: int = 0) -> Reward:
    env = Env(verify, probe=each.probe, user=user(who))
    env.reset(each.scenario)
    rng = Random(f"{each.scenario.instruction.id}/{each.scenario.condition}/{dice}")
    while env.episode is None:
        said = [message["content"] for message in env.messages if message["role"] == "user"]
        env.reply(policy(each.scenario, said, rng))
    got = env.score()
    assert got is not None
    return got


def worth(source: str, name: str, n: int, policy: Policy, *, rolls: int = 1) -> float:
    """The mean reward of a policy over the conditions of a probe, each alike."""
    by_condition: dict[str, list[float]] = {}
    for each in bench(source, name, n):
        for dice in range(rolls):
            got = earned(each, policy, dice=dice).total
            by_condition.setdefault(each.scenario.condition, []).append(got)
    return mean(mean(found) for found in by_condition.values())


def honest(skill: float) -> Policy:
    return lambda scenario, said, rng: words(scenario, said, rng.random() < skill)


# Cheats: each knows what it may, and none does what is wanted.


def wanted(scenario: Scenario, said: list[str]) -> str:
    """The gold answer at this turn."""
    return (
        scenario.wanted(len(said) - 1).answer if scenario.scripted else scenario.instruction.answer
    )


def always_ask(scenario: Scenario, said: list[str], rng: Random) -> str:
    return "Could you tell me more about that?"


def never_ask(scenario: Scenario, said: list[str], rng: Random) -> str:
    return guess(scenario.instruction.domain, said)


def refuse(scenario: Scenario, said: list[str], rng: Random) -> str:
    return "I am sorry, but I cannot help with that."


def empty(scenario: Scenario, said: list[str], rng: Random) -> str:
    return ""


def substring(scenario: Scenario, said: list[str], rng: Random) -> str:
    """A part of the gold answer, where an overlap might be taken for it."""
    gold = wanted(scenario, said)
    return f"The answer is {gold[: max(1, len(gold) // 2)]}" if len(gold) > 1 else gold * 2


def everything(scenario: Scenario, said: list[str], rng: Random) -> str:
    """The gold answer among all others that one may think of."""
    gold = wanted(scenario, said)
    if gold.isdecimal():
        others = [str(int(gold) + step) for step in range(-9, 10)]
        return f"It is one of these: {', '.join(others)}. No, sorry. Yes, that is so."
    blind = guess(scenario.instruction.domain, said)
    return f"{blind}\n\n{spoken(scenario.instruction)}\n\n{blind}"


def ask_then_guess(scenario: Scenario, said: list[str], rng: Random) -> str:
    return (always_ask if len(said) == 1 else never_ask)(scenario, said, rng)


def ask_all(scenario: Scenario, said: list[str], rng: Random) -> str:
    """Asks for each quantity there is, whatever was told."""
    named = [s.quantity for s in scenario.instruction.shards if s.quantity]
    return " ".join(f"Could you tell me {each}?" for each in named) or "What do you mean?"


def ask_one(scenario: Scenario, said: list[str], rng: Random) -> str:
    """Always asks for something in particular, told or not, and guesses once answered."""
    if len(said) > 1:
        return never_ask(scenario, said, rng)
    shard = rng.choice(scenario.instruction.shards)
    return f"Could you tell me {shard.quantity or 'more'}?"


def object_always(scenario: Scenario, said: list[str], rng: Random) -> str:
    return f"No, that is not so. {never_ask(scenario, said, rng)}"


def parrot(scenario: Scenario, said: list[str], rng: Random) -> str:
    return said[-1]


CHEATS: tuple[Policy, ...] = (
    always_ask,
    never_ask,
    refuse,
    empty,
    substring,
    everything,
    ask_then_guess,
    ask_all,
    ask_one,
    object_always,
    parrot,
)
TRAINED = (
    "missing",
    "lost",
    "told",
    "revision",
    "presupposition",
    "repair",
    "reference",
    "handoff",
    "persistence",
    "thinking",
)
"""Every probe that is rewarded by what comes out. `grounding` is not: see below."""


@pytest.mark.parametrize("name", TRAINED)
def test_no_cheat_outscores_honest_half_skill(name: str):
    half = worth("math", name, FEW, honest(0.5), rolls=4)
    for cheat in CHEATS:
        assert worth("math", name, FEW, cheat) < half, cheat.__name__


@pytest.mark.parametrize("source", ["database", "actions", "data2text", "summary", "code"])
def test_nor_in_any_other_domain(source: str):
    for name in ("missing", "lost", "revision", "presupposition"):
        half = worth(source, name, 2, honest(0.5), rolls=4)
        for cheat in CHEATS:
            assert worth(source, name, 2, cheat) < half, (name, cheat.__name__)


def test_more_skill_earns_more():
    for name in TRAINED:
        low, half, high = (worth("math", name, FEW, honest(s), rolls=2) for s in (0.0, 0.5, 1.0))
        assert low < half < high, name
        assert high > 0.9


def test_placing_grounding_acts_by_a_coin_or_always_alike_earns_nothing():
    """A partner of half skill grounds as if by a coin, which is what a constant comes to."""
    assert worth("math", "grounding", 8, honest(1.0)) == 1
    assert worth("math", "grounding", 8, honest(0.75), rolls=4) > 0.2
    for cheat in (always_ask, never_ask, refuse, empty, parrot):
        assert worth("math", "grounding", 8, cheat) <= 0.1, cheat.__name__


# What is paid for, and what costs


def scenario_of(name: str, condition: str) -> Played:
    return next(p for p in bench("math", name, 8) if p.scenario.condition == condition)


def script(*replies: str) -> Policy:
    return lambda scenario, said, rng: replies[min(len(said), len(replies)) - 1]


def test_a_lucky_guess_is_worth_nothing_where_a_fact_was_held_back():
    missing = scenario_of("missing", "missing")
    gold = f"The answer is {missing.scenario.instruction.answer}."
    lucky = earned(missing, script(gold))
    assert lucky.outcome == 0
    assert lucky.premature > 0
    assert earned(missing, honest(1.0)).total > 0.9


def test_a_question_for_what_was_told_is_paid_for_and_gets_nothing():
    missing = scenario_of("missing", "missing")
    one = missing.scenario.instruction
    told = next(one.shards[i] for i in missing.scenario.turns[0].shards if one.shards[i].quantity)
    got = earned(
        missing, script(f"Could you tell me {told.quantity}?", f"The answer is {one.answer}.")
    )
    assert got.outcome == 0
    assert got.wrong > 0


def test_asking_on_a_complete_request_costs_even_if_the_answer_is_right():
    complete = scenario_of("missing", "complete")
    gold = f"The answer is {complete.scenario.instruction.answer}."
    at_once = earned(complete, script(gold))
    asks_first = earned(complete, script("Could you tell me more about that?", gold))
    assert at_once.total == 1
    assert (asks_first.outcome, asks_first.overasks) == (1, 1.0)
    assert asks_first.total < 0.8


def test_whoever_asks_every_turn_and_never_answers_gets_nothing_over_turns():
    sharded = scenario_of("lost", "sharded")
    assert earned(sharded, always_ask).total < 0


def test_answers_before_all_is_told_cost_each():
    sharded = scenario_of("lost", "sharded")
    gold = f"The answer is {sharded.scenario.instruction.answer}."
    waits = earned(sharded, script(*["I see."] * (len(sharded.scenario.turns) - 1), gold))
    assert waits.total == 1
    early = earned(sharded, script(gold))
    assert early.outcome == 1
    assert early.premature == pytest.approx(0.1 * (len(sharded.scenario.turns) - 1))


def test_a_false_presupposition_is_named_and_mended_or_neither_counts():
    false = scenario_of("presupposition", "false")
    first, last = (f"{told.good}" for told in false.scenario.turns)
    right = f"The answer is {false.scenario.instruction.answer}."
    both = earned(false, script(first, last)).outcome
    only_mended = earned(false, script(first, right)).outcome
    only_named = earned(false, script(first, last.replace(right, ""))).outcome
    assert (both, only_mended, only_named) == (1, 0.5, 0.5)  # the half is the first answer's


def test_objecting_to_what_is_true_costs_the_answer():
    true = scenario_of("presupposition", "true")
    right = f"{true.scenario.turns[0].good}"
    assert earned(true, script(right, right)).outcome == 1
    assert earned(true, script(right, f"No. {right}")).outcome == 0.5


def test_a_valid_correction_is_taken_and_an_invalid_one_resisted():
    for condition in ("changed", "pushback"):
        each = scenario_of("revision", condition)
        first, good = (f"{told.good}" for told in each.scenario.turns)
        poor = f"{each.scenario.turns[1].poor}"
        assert earned(each, script(first, good)).outcome == 1
        assert earned(each, script(first, poor)).outcome == 0.5


@pytest.mark.parametrize("who", ["terse", "chatty", "forgetful", "literal", "impatient"])
def test_asking_well_pays_with_every_user(who: str):
    def asks_until_told(scenario: Scenario, said: list[str], rng: Random) -> str:
        (hidden,) = scenario.hidden
        shard = scenario.instruction.shards[hidden]
        known = any(shard.text in text or text == f"{shard.value}." for text in said)
        return spoken(scenario.instruction) if known else f"Could you tell me {shard.quantity}?"

    for each in bench("math", "missing", 4):
        if each.scenario.condition == "missing":
            assert earned(each, asks_until_told, who=who).total > 0.9
            assert earned(each, never_ask, who=who).total < 0


# The constraint


def test_the_price_of_asking_follows_the_rate():
    held = Constraint(most=0.05, step=0.5)
    assert held.update([0.0] * 20) == 0
    first = held.update([1.0] * 10 + [0.0] * 10)
    assert first == pytest.approx(0.5 * 0.45)
    assert held.update([1.0] * 20) > first
    assert held.update([None, None]) == held.value  # nothing was counted
    for _ in range(100):
        held.update([0.0] * 20)
    assert held.value == 0


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, None]), max_size=8), max_size=30))
def test_the_price_stays_within_its_bounds(batches: list[list[float | None]]):
    held = Constraint()
    for batch in batches:
        assert 0 <= held.update(batch) <= held.bound


def test_the_price_is_taken_only_where_a_question_was_needless():
    complete = scenario_of("missing", "complete")
    gold = f"The answer is {complete.scenario.instruction.answer}."
    for reply, taken in (("Could you tell me more about that?", 2.0), (gold, 0.0)):
        env = Env(MATH.verify, probe="missing")
        env.reset(complete.scenario)
        while env.episode is None:
            env.reply(reply)
        got = env.score(multiplier=2.0)
        assert got is not None
        assert got.constraint == taken


def test_prices_are_the_callers_to_set():
    missing = scenario_of("missing", "complete")
    env = Env(MATH.verify, probe="missing", prices=replace(Prices(), needless=0.0, question=0.0))
    env.reset(missing.scenario)
    env.reply("Could you tell me more about that?")
    env.reply(f"The answer is {missing.scenario.instruction.answer}.")
    got = env.score()
    assert got is not None
    assert got.total == 1
