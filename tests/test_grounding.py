"""Grounding: kappa by hand and against a plain calculation, and dialogues between people."""

from __future__ import annotations

import asyncio
import json
import math as numbers
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.agreement import kappa
from uptake.domains.dialogue import dialogue
from uptake.domains.math import math
from uptake.episode import Episode, play
from uptake.instructions import InstructionError, read_instructions
from uptake.model import Model, Scripted
from uptake.partners import Partner
from uptake.probes.grounding import grounding
from uptake.scenario import Scenario
from uptake.scores import rows

PLACES = st.lists(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6), min_size=1)


@given(PLACES)
def test_kappa_is_cohens_over_all_places(decided: list[list[tuple[bool, bool]]]):
    flat = [pair for each in decided for pair in each]
    found = kappa(decided)
    n = len(flat)
    a, b = (sum(pair[k] for pair in flat) / n if n else 0.0 for k in (0, 1))
    chance = a * b + (1 - a) * (1 - b)
    if not n or chance > 1 - 1e-12:
        assert found.denominator.sum() == 0
        return
    agreed = sum(x == y for x, y in flat) / n
    value = found.numerator.sum() / found.denominator.sum()
    assert numbers.isclose(value, (agreed - chance) / (1 - chance), abs_tol=1e-9)


def played(scenarios: list[Scenario], model: Model) -> list[Episode]:
    async def run() -> list[Episode]:
        return [
            await play(one, model, verify=dialogue.verify, seed=3, probe="grounding")
            for one in scenarios
        ]

    return asyncio.run(run())


def figures(episodes: list[Episode]) -> dict[str, float | None]:
    table = rows(episodes, {"grounding": grounding.metrics}, bootstrap=50)
    return {row.metric: row.value for row in table if row.score == "last"}


def scenarios(n: int) -> list[Scenario]:
    return [told for one in math.generate(n, seed=5) for told in grounding.scenarios(one)]


def test_the_partner_that_does_as_people_do_has_a_kappa_of_1_and_its_opposite_of_minus_1():
    told = scenarios(20)
    assert figures(played(told, Partner(told, 1.0)))["kappa"] == pytest.approx(1.0)
    assert figures(played(told, Partner(told, 0.0)))["kappa"] == pytest.approx(-1.0)


@pytest.mark.parametrize("always", ["The answer is 12.", "Which one do you mean?", ""])
def test_a_constant_reply_agrees_no_more_than_chance(always: str):
    told = scenarios(20)
    found = figures(played(told, Scripted(lambda talk: always, name="constant")))
    assert found["kappa"] == pytest.approx(0.0)
    assert found["grounds_rate_people"] == pytest.approx(0.5)


def test_the_conversation_goes_on_from_the_persons_words(tmp_path: Path):
    talk = [("user", "I need a room."), ("assistant", "For which day?"), ("user", "Monday.")]
    talk += [("user", "At noon."), ("assistant", "Done."), ("user", "Bye.")]
    path = tmp_path / "talks.jsonl"
    row = {"messages": [{"role": role, "content": words} for role, words in talk]}
    path.write_text(json.dumps(row) + "\n")
    [one] = read_instructions(path)
    seen: list[list[str]] = []

    def reply(talk: object) -> str:
        seen.append([message.text for message in talk.messages])  # type: ignore[attr-defined]
        return "Mine."

    [episode] = played(grounding.scenarios(one), Scripted(reply, name="mine"))
    assert seen == [["I need a room."], ["I need a room.", "For which day?", "Monday.\nAt noon."]]
    assert [turn.person for turn in episode.turns] == ["For which day?", "Done."]
    assert [turn.reply for turn in episode.turns] == ["Mine.", "Mine."]
    assert Episode.from_dict(json.loads(json.dumps(episode.to_dict()))) == episode
    assert figures([episode])["undecided"] == 0


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ("no list", '"messages" is not a list'),
        ([{"role": "user", "content": "Hi."}], 'no "user" message with an "assistant" message'),
        ([{"role": "system", "content": "Be kind."}], "message 0 is not said by one of two"),
    ],
)
def test_what_is_no_dialogue_is_named_with_its_line(tmp_path: Path, messages: object, why: str):
    path = tmp_path / "talks.jsonl"
    path.write_text(json.dumps({"messages": messages}) + "\n")
    with pytest.raises(InstructionError, match=rf"talks\.jsonl:1: {why}"):
        read_instructions(path)
