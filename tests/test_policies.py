from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.conversation import Conversation
from uptake.model import Sampling
from uptake.models.policies import POLICIES, Echo, Guess

TALKS = st.lists(
    st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text()), max_size=6
).map(lambda said: Conversation.from_dicts([{"role": r, "content": c} for r, c in said]))


def say(policy, talk):
    return asyncio.run(policy.reply(talk, Sampling())).text


@pytest.mark.parametrize(("name", "make"), POLICIES.items())
def test_a_policy_goes_by_the_name_it_is_found_under(name, make):
    assert make().name == name


@given(TALKS)
def test_silent_and_guess_hear_nothing(talk):
    assert say(POLICIES["policy:silent"](), talk) == "I do not know."
    assert say(POLICIES["policy:guess"](), talk) == "The answer is 12."
    assert say(Guess("Seven."), talk) == "Seven."


@given(TALKS, st.text())
def test_echo_says_the_last_word_of_the_user(talk, words):
    assert say(Echo(), talk.user(words)) == words
    assert say(Echo(), talk.user(words).assistant("Well.")) == words


def test_echo_has_nothing_to_say_where_nobody_spoke():
    assert say(Echo(), Conversation().system("Be brief.")) == ""
