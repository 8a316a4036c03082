"""The environment: it plays what `play` plays, for every probe, and the same for the same seed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache

import pytest

from uptake.domains import domain
from uptake.episode import Episode, play
from uptake.errors import UptakeError
from uptake.instruction import Instruction, Verdict
from uptake.model import Scripted
from uptake.partners import words
from uptake.probes import names, probe
from uptake.scenario import Scenario
from uptake.train.env import Env, EnvError
from uptake.train.tasks import JUMBLED, MIXTURE, TOLD, TaskError, Tasks
from uptake.user import ScriptedUser
from uptake.users import FORGOT, HELDOUT, TRAINING, UNCLEAR, user

MATH = domain("math")


@cache
def scenarios(name: str, source: str = "math") -> tuple[Scenario, ...]:
    one, other = domain(source).generate(2, seed=5)
    return tuple(probe(name).scenarios(one, other))


def of(name: str, condition: str) -> Scenario:
    return next(one for one in scenarios(name) if one.condition == condition)


def played(env: Env, scenario: Scenario) -> Episode:
    """What the best partner does there."""
    env.reset(scenario)
    while env.episode is None:
        said = [each["content"] for each in env.messages if each["role"] == "user"]
        env.reply(words(scenario, said, True))
    return env.episode


@pytest.mark.parametrize("name", names())
def test_every_probe_is_played_as_play_plays_it(name: str):
    for scenario in scenarios(name):
        model = Scripted(lambda talk, s=scenario: words(s, talk.said_by("user"), True))
        wanted = asyncio.run(play(scenario, model, verify=MATH.verify, probe=name))
        found = played(Env(MATH.verify, probe=name), scenario)
        assert found.ended == "done"
        assert [(t.user, t.reply, t.score, t.asked) for t in found.turns] == [
            (t.user, t.reply, t.score, t.asked) for t in wanted.turns
        ]


@pytest.mark.parametrize("name", names())
def test_every_probe_rewards_the_best_partner_with_all_there_is(name: str):
    for scenario in scenarios(name):
        env = Env(MATH.verify, probe=name)
        episode = played(env, scenario)
        got = env.score()
        assert got is not None
        assert got.outcome == 1, (scenario.condition, episode.turns)
        assert got.total > 0.8
        assert got.parts["total"] == pytest.approx(got.total)


def test_the_user_answers_and_the_messages_grow():
    env = Env(MATH.verify, probe="missing")
    scenario = of("missing", "missing")
    opening = env.reset(scenario)
    assert [each["role"] for each in opening] == ["user"]
    (hidden,) = scenario.hidden
    asked = f"Could you tell me {scenario.instruction.shards[hidden].quantity}?"
    assert env.reply(asked) == scenario.instruction.shards[hidden].text
    assert [each["role"] for each in env.messages] == ["user", "assistant", "user"]
    assert env.reply(f"The answer is {scenario.instruction.answer}.") is None
    assert env.episode is not None
    assert env.messages[-1]["role"] == "assistant"


def test_a_reply_that_the_scenario_gives_stands_in_the_opening():
    opening = Env(MATH.verify, probe="repair").reset(of("repair", "third"))
    assert [each["role"] for each in opening] == ["user", "assistant", "user"]


def test_out_of_turn_is_an_error():
    env = Env(MATH.verify)
    with pytest.raises(EnvError, match="reset"):
        env.reply("Hello.")
    env.reset(of("lost", "full"))
    with pytest.raises(EnvError, match="not ended"):
        env.score()
    env.reply("The answer is 1.")
    with pytest.raises(EnvError, match="reset"):
        env.reply("Hello.")


def test_without_a_verifier_there_is_no_score():
    env = Env(None, probe="lost")
    env.reset(of("lost", "full"))
    env.reply("The answer is 12.")
    assert env.score() is None


def test_a_verifier_that_fails_or_cannot_decide_gives_no_score():
    def undecided(instruction: Instruction, reply: str) -> Verdict:
        return Verdict(None, "12")

    def broken(instruction: Instruction, reply: str) -> Verdict:
        raise OSError("no process")

    for verify in (undecided, broken):
        for name in ("lost", "revision", "presupposition", "persistence"):
            env = Env(verify, probe=name)
            env.reset(scenarios(name)[0])
            while env.episode is None:
                env.reply("The answer is 12.")
            assert env.score() is None, name


def test_tasks_are_the_same_for_the_same_seed_and_others_for_another():
    once, again, else_ = (Tasks("math", seed=seed) for seed in (3, 3, 4))
    assert [once.task(k) for k in range(30)] == [again.task(k) for k in range(30)]
    assert once.task(0) != else_.task(0)
    assert once.task(7) == once.task(7)  # in any order


def test_training_and_held_out_tasks_share_no_user_and_no_instruction():
    training, heldout = Tasks("math"), Tasks("math", split="heldout")
    ours, theirs = ([tasks.task(k) for k in range(200)] for tasks in (training, heldout))
    assert {task.user for task in ours} == set(TRAINING)
    assert {task.user for task in theirs} == set(HELDOUT)
    assert {t.scenario.instruction.full for t in ours}.isdisjoint(
        t.scenario.instruction.full for t in theirs
    )
    assert {f"{t.probe}.{t.scenario.condition}" for t in ours} == set(MIXTURE)


@pytest.mark.parametrize("source", ["database", "actions", "data2text", "summary", "code"])
def test_every_domain_has_every_condition_of_the_mixture(source: str):
    tasks = Tasks(source)
    for condition in (*MIXTURE, JUMBLED):
        task = tasks.of(condition, 0)
        assert f"{task.probe}.{task.scenario.condition}" == condition


@pytest.mark.parametrize(
    ("mixture", "line"),
    [
        ({}, "above 0"),
        ({"missing.complete": 0.0}, "above 0"),
        ({"missing.complete": -1.0, "lost.full": 2.0}, "0 or more"),
        ({"missing.gone": 1.0}, "'missing.gone' is no condition"),
        ({"asking": 1.0}, "PROBE.CONDITION"),
    ],
)
def test_a_bad_mixture_is_one_clear_line(mixture: dict[str, float], line: str):
    with pytest.raises(TaskError, match=line):
        Tasks("math", mixture)


def test_told_then_asked_listens_and_then_answers():
    scenario = Tasks("math").of(TOLD, 0).scenario
    moves = [told.move for told in scenario.turns]
    assert moves == ["hold"] * (len(moves) - 1) + ["answer"]
    assert scenario.turns[-1].text == scenario.instruction.shards[0].text


def test_told_in_any_order_is_all_that_was_told_at_once_in_an_order_of_its_own():
    tasks = [Tasks("math").of(JUMBLED, k) for k in range(40)]
    mixed = 0
    for task in tasks:
        (told,) = task.scenario.turns
        shards = task.scenario.instruction.shards
        intent, *facts = told.text.split("\n- ")
        assert intent == shards[0].text
        assert sorted(facts) == sorted(shard.text for shard in shards[1:])
        assert [shards[at].text for at in told.shards] == [intent, *facts]
        mixed += facts != [shard.text for shard in shards[1:]]
    assert 20 < mixed < 40


def test_told_in_any_order_a_right_answer_is_all_that_is_wanted():
    scenario = Tasks("math").of(JUMBLED, 0).scenario
    gold = scenario.instruction.answer
    assert score_of(scenario, f"The answer is {gold}.") == 1
    assert score_of(scenario, "Could you tell me how many there are?", f"It is {gold}.") < 1


def score_of(scenario: Scenario, *replies: str) -> float:
    """The reward of the replies."""
    env = Env(MATH.verify, probe="told")
    env.reset(scenario)
    for reply in replies:
        env.reply(reply)
    earned = env.score()
    assert earned is not None
    return earned.total


# Users


def heard(name: str, scenario: Scenario, replies: Sequence[str]) -> list[str | None]:
    """What a user says to each of the replies."""
    env = Env(MATH.verify, user=user(name), probe="missing")
    env.reset(scenario)
    return [env.reply(reply) for reply in replies if env.episode is None]


def asking(scenario: Scenario) -> tuple[str, str, str]:
    """A question for what is hidden, its words, and its value."""
    (hidden,) = scenario.hidden
    shard = scenario.instruction.shards[hidden]
    assert shard.quantity
    assert shard.value
    return f"Could you tell me {shard.quantity}?", shard.text, shard.value


def test_each_user_has_its_own_way_of_answering():
    scenario = of("missing", "missing")
    question, text, value = asking(scenario)
    assert heard("scripted", scenario, [question]) == [text]
    assert heard("terse", scenario, [question]) == [f"{value}."]
    (chatty,) = heard("chatty", scenario, [question])
    assert chatty is not None
    assert text in chatty
    assert chatty != text
    assert heard("forgetful", scenario, [question, question]) == [FORGOT, text]
    assert heard("literal", scenario, [question]) == [text]
    assert heard("impatient", scenario, [question]) == [text]


def test_a_literal_user_wants_the_thing_named_and_an_impatient_one_leaves():
    scenario = of("missing", "missing")
    (hidden,) = scenario.hidden
    shard = scenario.instruction.shards[hidden]
    # One word that only the hidden fact has: enough for most, too little for one who is literal.
    others = " ".join(s.text for s in scenario.instruction.shards if s is not shard).split()
    vague = next(
        asked
        for word in f"{shard.quantity} {shard.text}".split()
        if word not in others
        and heard("scripted", scenario, [asked := f"What about the {word.strip('.')}?"])
        == [shard.text]
    )
    assert heard("literal", scenario, [vague]) == [UNCLEAR]
    assert heard("impatient", scenario, ["Could you tell me more?"]) == [None]
    assert heard("scripted", scenario, ["Could you tell me more?"]) != [None]


def test_an_impatient_user_tells_the_rest_at_once():
    scenario = of("lost", "sharded")
    env = Env(MATH.verify, user=user("impatient"))
    env.reset(scenario)
    rest = env.reply("All right.")
    assert rest is not None
    assert all(shard.text in rest for shard in scenario.instruction.shards[1:])
    assert env.reply("The answer is 1.") is None


@pytest.mark.parametrize("name", [*TRAINING, *HELDOUT])
def test_a_plan_is_said_as_it_stands_whoever_says_it(name: str):
    for scenario in scenarios("revision"):
        plain, other = (
            [turn.user for turn in played(Env(MATH.verify, user=each), scenario).turns]
            for each in (ScriptedUser(), user(name))
        )
        assert plain == other


def test_an_unknown_user_is_one_clear_line():
    with pytest.raises(UptakeError, match="no user is called 'sly'; there are: scripted"):
        user("sly")
