"""Each way to mend gives the model what it says it gives."""

from __future__ import annotations

import asyncio

import pytest

from uptake import Conversation, Model, Sampling, Scripted, UptakeError
from uptake.menders import MENDERS, mender
from uptake.model import Reply

TALK = (
    Conversation()
    .system("Be brief.")
    .user("How many?")
    .assistant("3.")
    .user("Ann has 12.")
    .assistant("12.")
    .user("Bo gets 5.")
)


class Upstream(Scripted):
    """Records what it gets."""

    def __init__(self) -> None:
        self.got: list[Conversation] = []
        super().__init__(lambda said: f"reply {len(self.got)}", name="m")

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        self.got.append(conversation)
        return await super().reply(conversation, sampling)


def got(name: str, conversation: Conversation = TALK) -> tuple[Reply, list[list[str]]]:
    upstream = Upstream()
    model = mender(name, upstream)
    assert isinstance(model, Model)
    assert model.name == f"m+{name}"
    reply = asyncio.run(model.reply(conversation, Sampling()))
    assert len(upstream.got) == model.calls or len(conversation.said_by("user")) == 1
    return reply, [[message.text for message in each] for each in upstream.got]


EXPECTED = {
    "join": ["Be brief.", "How many?\n- Ann has 12.\n- Bo gets 5."],
    "drop": ["Be brief.", "How many?", "Ann has 12.", "Bo gets 5."],
    "recap": [
        *(message.text for message in TALK.messages[:-1]),
        "Bo gets 5.\n\nHere is everything again:\nHow many?\n- Ann has 12.\n- Bo gets 5.",
    ],
    "snowball": [
        "Be brief.",
        "How many?",
        "3.",
        "How many?\n- Ann has 12.",
        "12.",
        "How many?\n- Ann has 12.\n- Bo gets 5.",
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_the_model_gets(name: str):
    assert got(name)[1] == [EXPECTED[name]]


def test_a_summary_is_written_of_what_came_before_and_read_with_the_last_turn():
    reply, (asked, answered) = got("summary")
    assert asked[:5] == [message.text for message in TALK.messages[:5]]
    assert "Bo gets 5." not in asked
    assert answered[0] == "Be brief."
    assert "reply 1" in answered[1]
    assert answered[1].endswith("Bo gets 5.")
    assert reply.text == "reply 2"


def test_a_rewrite_is_all_that_is_answered():
    _, (asked, answered) = got("rewrite")
    assert asked[:-1] == [message.text for message in TALK]
    assert answered == ["Be brief.", "reply 1"]


def test_both_calls_are_counted():
    reply, (asked, answered) = got("rewrite")
    words = sum(len(text.split()) for text in [*asked, *answered])
    assert reply.usage.prompt_tokens == words


@pytest.mark.parametrize("name", MENDERS)
def test_one_turn_goes_on_as_it_came(name: str):
    said = Conversation().system("Be brief.").user("How many?")
    assert got(name, said)[1] == [["Be brief.", "How many?"]]


def test_an_unknown_one_is_refused():
    with pytest.raises(UptakeError, match="no mender is called 'glue'; there are: join, drop"):
        mender("glue", Upstream())
