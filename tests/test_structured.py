"""How much to think and in which form to answer, over the wire: what is sent, taken and refused."""

from __future__ import annotations

import asyncio
import json

import pytest
from loopback import Loopback, error

from uptake.conversation import Conversation
from uptake.domains import domain
from uptake.instruction import Verdict
from uptake.judge import Judge
from uptake.model import ModelError, Sampling
from uptake.models import model
from uptake.report import write_scores
from uptake.run import run
from uptake.scenario import scenarios
from uptake.user import ModelUser

TALK = Conversation().user("How many apples?")
(TASK,) = domain("math").generate(1, seed=0)


def completion(text, finish_reason="stop"):
    message = {"role": "assistant", "content": text}
    return {"choices": [{"message": message, "finish_reason": finish_reason}]}


def asked(server, work, **options):
    """What `work` gives with a model behind the server."""

    async def scene():
        async with server.running():
            opened = model(f"{server.url}#m", **options)
            try:
                return await work(opened)
            finally:
                await opened.aclose()

    return asyncio.run(scene())


def judged(server):
    return asked(server, lambda m: Judge(m).score(TASK, "It is 12.", Verdict(0.0, "12")))


def test_a_judge_asks_for_its_form_where_the_server_can_see_to_it():
    server = Loopback(completion('{"score": 0.5, "why": "half"}'))
    assert judged(server) == Verdict(0.5, "12")
    form = server.bodies[0]["response_format"]
    assert form["type"] == "json_schema"
    schema = form["json_schema"]["schema"]
    assert schema["required"] == ["score", "why"]
    assert schema["additionalProperties"] is False
    assert form["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    "refusal",
    [
        error("Invalid parameter: 'response_format' of type 'json_schema' is not supported"),
        error("This response_format type is unavailable now", type="invalid_request_error"),
        error("json_schema: value is not one of the allowed values ['text','json_object']"),
    ],
)
def test_where_it_cannot_the_words_are_asked_for_and_read_with_care(refusal):
    fenced = completion('Sure:\n```json\n{"score": 1, "why": "all"}\n```')
    server = Loopback((400, refusal), fenced)
    assert judged(server) == Verdict(1.0, "12")
    assert "response_format" not in server.bodies[1]
    assert server.bodies[1]["messages"] == server.bodies[0]["messages"]


@pytest.mark.parametrize(
    "reply",
    [completion("It is right."), (400, error("the prompt was filtered")), completion("")],
)
def test_a_judge_that_fails_gives_no_score(reply):
    assert judged(Loopback(reply)) == Verdict(None, "12")


def test_a_user_asks_for_its_form_and_falls_back_to_the_script():
    scenario = scenarios(TASK, ["sharded"])[0]
    talk = Conversation().user(TASK.shards[0].text).assistant("Go on.")
    fact = TASK.shards[1].text

    def said(*script):
        server = Loopback(*script)
        work = asked(server, lambda m: ModelUser(m).say(scenario, talk, frozenset({0})))
        return server, work

    server, found = said(completion(json.dumps({"fact": 1, "say": f"Well, {fact}"})))
    assert (found.text, found.unfaithful) == (f"Well, {fact}", None)
    assert server.bodies[0]["response_format"]["json_schema"]["schema"]["required"] == [
        "fact",
        "say",
    ]
    server, found = said((400, error("response_format is not supported")), completion("Hm."))
    assert len(server.bodies) == 2
    assert (found.text, found.unfaithful) == (fact, "the user's model gave no JSON object")


def test_effort_is_sent_and_a_server_that_takes_none_ends_the_run():
    server = Loopback(completion("12"))
    asked(server, lambda m: m.reply(TALK, Sampling(effort="low")))
    asked(server, lambda m: m.reply(TALK, Sampling()))
    assert server.bodies[0]["reasoning_effort"] == "low"
    assert "reasoning_effort" not in server.bodies[1]
    refuses = Loopback((400, error("Unrecognized request argument: reasoning_effort")))
    with pytest.raises(ModelError, match="takes no such reasoning_effort") as caught:
        asked(refuses, lambda m: m.reply(TALK, Sampling(effort="low")))
    assert caught.value.fatal
    assert len(refuses.bodies) == 1


def test_replies_of_other_efforts_and_forms_are_not_taken_from_the_cache(tmp_path):
    server = Loopback(completion("12"))
    samplings = [
        Sampling(),
        Sampling(effort="low"),
        Sampling(effort="high"),
        Sampling(schema={"type": "object"}),
    ]

    async def twice(m):
        return [(await m.reply(TALK, s)).usage.cached for s in samplings * 2]

    assert asked(server, twice, cache=tmp_path / "c") == [False] * 4 + [True] * 4


def thinking(server, folder, *budgets):
    """The figures of a model behind the server at these budgets."""

    async def scene():
        async with server.running():
            return await run(
                "thinking",
                model=f"{server.url}#m",
                budgets=budgets,
                n=2,
                repeats=1,
                controls=False,
                out=folder,
                progress=False,
            )

    held = json.loads(write_scores(asyncio.run(scene())).read_text())["rows"]
    return {(r["metric"], r["condition"]): r["value"] for r in held if r["score"] == "last"}


def test_the_probe_thinking_measures_what_each_effort_comes_to(tmp_path):
    async def solves_where_it_thinks(request):
        body = await request.json()
        said = " ".join(m["content"] for m in body["messages"])
        right = next(
            i.answer for i in domain("math").generate(2, seed=0) if i.shards[0].text in said
        )
        return completion(f"The answer is {right if body['reasoning_effort'] == 'high' else -1}.")

    server = Loopback(solves_where_it_thinks)
    found = thinking(server, tmp_path, "high", "off")
    assert {body["reasoning_effort"] for body in server.bodies} == {"none", "high"}
    assert found["sharded_off", "sharded@off"] == 0
    assert found["sharded_high", "sharded@high"] == 1
    assert found["slope_sharded", "sharded@high"] == 1
    held = json.loads((tmp_path / "run.json").read_text())["settings"]
    assert held["budgets"] == ["high", "off"]


def test_a_budget_of_tokens_that_is_used_up_before_a_word_is_a_reply_that_says_nothing(tmp_path):
    async def needs_room(request):
        body = await request.json()
        if body["max_tokens"] < 100:
            return completion("", "length")
        return completion("The answer is 1.")

    server = Loopback(needs_room)
    found = thinking(server, tmp_path, "32", "256")
    assert {body["max_tokens"] for body in server.bodies} == {32, 256}
    assert found["complete_32", "complete@32"] == 0
    assert found["failures", "complete@32"] == 0
    assert found["net_32", "missing@32"] == 0
