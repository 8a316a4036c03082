"""A model that reads the conversation is believed only where the user's words bear it out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.analyst import Deterministic, Reading
from uptake.conversation import Conversation
from uptake.mediator import Mediator
from uptake.model import ModelError, Reply, Sampling, Scripted
from uptake.model_analyst import Examiner, ModelAnalyst

TALK = (
    Conversation()
    .user("How many apples do Ann and Ben have together?")
    .assistant("12.")
    .user("Ann has 7 apples.")
    .assistant("15.")
    .user("Ben owns twice that number of pears.")
)


def read(reply: Any, talk: Conversation = TALK, **settings: Any) -> Reading:
    text = reply if isinstance(reply, str) else json.dumps(reply)
    return asyncio.run(ModelAnalyst(Scripted([text]), **settings).read(talk))


def base(talk: Conversation = TALK) -> Reading:
    return Deterministic().reading(talk)


def status(reading: Reading, text: str) -> list[str]:
    return [entry.status for entry in reading.ground.entries if text in entry.text]


def test_what_is_missing_comes_from_the_model() -> None:
    found = read({"missing": ["the number of apples Ben has"], "ready": False})
    assert found.missing == ("the number of apples Ben has",)
    assert found.by == "scripted"
    assert found.note is None
    assert found.usage is not None


def test_what_the_user_said_word_for_word_is_not_missing() -> None:
    assert read({"missing": ["Ann has 7 apples"]}).missing == ()


def test_a_quoted_replacement_supersedes() -> None:
    found = read({"replaced": [{"old": "Ann has 7 apples.", "new": "Ben owns twice"}]})
    assert status(found, "Ann has 7") == ["superseded"]


def test_a_quoted_withdrawal_withdraws() -> None:
    assert status(read({"withdrawn": ["Ann has 7 apples"]}), "Ann has 7") == ["withdrawn"]


def test_a_false_presupposition_names_the_entry_that_speaks_against_it() -> None:
    talk = TALK.assistant("22.").user("Since Ann has 9 apples, how many are there?")
    found = read({"false": [{"claim": "Ann has 9 apples", "fact": "Ann has 7 apples."}]}, talk)
    (false,) = found.false
    assert talk.said_by("user")[-1][false.span.start : false.span.end] == false.words
    assert "7" in false.fact


LIES = {
    "an invented constraint": {"replaced": [{"old": "Ann has 7 apples.", "new": "Use no pears."}]},
    "a quote of the assistant": {"withdrawn": ["15."]},
    "words never said": {"withdrawn": ["Ann has 8 apples"]},
    "a claim of another turn": {"false": [{"claim": "Ann has 7 apples", "fact": "Ben owns"}]},
    "a list of everything": {"missing": [f"thing {i}" for i in range(50)]},
    "an essay": {"missing": ["x" * 1000]},
    "wrong types": {"missing": "the number"},
    "wrong items": {"replaced": [["Ann has 7 apples.", "Ben owns"]]},
    "no object": "[1, 2]",
    "broken JSON": '{"missing": ["the num',
    "prose": "Nothing seems to be missing here.",
    "nothing": "",
}


@pytest.mark.parametrize("reply", LIES.values(), ids=LIES)
def test_a_model_that_lies_is_not_believed_and_the_reading_says_so(reply: Any) -> None:
    found = read(reply)
    assert found.note
    assert found.note.startswith("the model analyst ")
    assert found.by == "deterministic"
    assert (found.ground, found.missing, found.false) == (
        base().ground,
        base().missing,
        base().false,
    )


def test_a_late_model_is_not_waited_for() -> None:
    async def slow(_: Conversation) -> str:
        await asyncio.sleep(60)
        return "{}"

    found = asyncio.run(ModelAnalyst(Scripted(slow), seconds=0.02).read(TALK))
    assert found.ground == base().ground
    assert found.note == "the model analyst took longer than 0.02 s"


def test_a_model_that_fails_leaves_the_deterministic_reading() -> None:
    failing = Scripted([ModelError("429: too many requests")])
    found = asyncio.run(ModelAnalyst(failing).read(TALK))
    assert found.ground == base().ground
    assert found.note == "the model analyst failed: 429: too many requests"


def test_a_model_that_can_never_be_asked_is_an_error() -> None:
    failing = Scripted([ModelError("401: no such key", fatal=True)])
    with pytest.raises(ModelError, match="401"):
        asyncio.run(ModelAnalyst(failing).read(TALK))


def test_only_the_users_turns_are_shown_to_the_model() -> None:
    shown: list[Conversation] = []

    def keep(talk: Conversation) -> str:
        shown.append(talk)
        return "{}"

    talk = TALK.assistant("A secret guess.").user("And now?")
    asyncio.run(ModelAnalyst(Scripted(keep), rules=["Ask for units."]).read(talk))
    words = "\n".join(shown[0].said_by("system") + shown[0].said_by("user"))
    assert "A secret guess." not in words
    assert "Ask for units." in words
    assert "Ann has 7 apples." in words


def test_a_server_that_can_is_told_the_form_of_the_reading() -> None:
    class Asked(Scripted):
        schema: Any = None

        async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
            self.schema = sampling.schema
            return await super().reply(conversation, sampling)

    model = Asked(["{}"])
    asyncio.run(ModelAnalyst(model).read(TALK))
    assert set(model.schema["properties"]) == {
        "replaced",
        "withdrawn",
        "missing",
        "false",
        "ready",
    }


@given(st.text() | st.dictionaries(st.text(), st.lists(st.text()) | st.booleans()).map(json.dumps))
def test_no_reply_breaks_the_analyst(reply: str) -> None:
    found = read(reply)
    assert [entry.span for entry in found.ground.entries] == [
        entry.span for entry in base().ground.entries
    ]


ASKED = TALK.assistant("21.").user("So how many apples is that?")


def examine(reply: str | Reply, talk: Conversation = ASKED) -> Reading:
    return asyncio.run(Examiner(Scripted([reply])).read(talk))


def test_the_examiner_takes_a_plain_answer() -> None:
    found = examine("Missing: the number of apples Ben has.")
    assert found.missing == ("the number of apples Ben has",)
    assert examine("Nothing is missing.").missing == ()


def test_the_examiner_asks_about_the_goal_and_what_holds() -> None:
    shown: list[str] = []

    def keep(talk: Conversation) -> str:
        shown.append(talk.messages[-1].text)
        return "Nothing is missing."

    asyncio.run(Examiner(Scripted(keep)).read(ASKED))
    assert "How many apples do Ann and Ben have together?\n- Ann has 7 apples." in shown[0]
    assert "15." not in shown[0]


def test_an_examiner_that_says_something_else_is_not_believed() -> None:
    found = examine("7 + 14 = 21. The answer is 21.")
    assert found.missing == base(ASKED).missing
    assert found.note == "the model analyst said neither what is missing nor that nothing is"


@pytest.mark.parametrize("said", range(1, 4))
def test_while_the_user_goes_on_telling_nothing_is_said_to_be_missing(said: int) -> None:
    talk = Conversation(TALK.messages[: 2 * said - 1])
    assert examine("Missing: the number of pears.", talk).missing == ()


@pytest.mark.parametrize("last", ["Well?", "Thanks!", "So how many apples is that?"])
def test_a_turn_that_tells_nothing_more_is_examined(last: str) -> None:
    assert examine("Missing: the number of pears.", TALK.assistant("21.").user(last)).missing


def test_a_request_told_at_once_is_examined() -> None:
    talk = Conversation().user("How many apples do Ann and Ben have together?\n- Ann has 7 apples.")
    assert examine("Missing: the number of apples Ben has.", talk).missing


def test_nothing_is_asked_before_anything_is_wanted() -> None:
    def never(_: Conversation) -> str:
        raise AssertionError("the model was asked")

    talk = Conversation().user("Thanks!")
    assert asyncio.run(Examiner(Scripted(never)).read(talk)).note is None


@pytest.mark.parametrize(
    "reply", [*LIES.values(), ModelError("500: down")], ids=[*LIES, "an error"]
)
def test_with_a_bad_analyst_the_mediator_does_as_by_rule_and_says_so(reply: Any) -> None:
    line = reply if isinstance(reply, str | ModelError) else json.dumps(reply)
    sampling = Sampling()
    upstream = Scripted(lambda talk: talk.messages[-1].text)
    by_rule = asyncio.run(Mediator(upstream).reply(TALK, sampling))
    doubtful = Mediator(upstream, ModelAnalyst(Scripted([line])))
    found = asyncio.run(doubtful.reply(TALK, sampling))
    assert found.text == by_rule.text
    assert found.mediation.move == by_rule.mediation.move
    assert found.mediation.reading.note
