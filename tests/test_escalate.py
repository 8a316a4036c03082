"""Turns in doubt put to a model: how many, what it costs, what its answers change, what they
cannot; killed, and gone on."""

from __future__ import annotations

import json
import random
import re
import signal
import time

import pytest
from command import Handler, serving, start, surroundings, uptake

from uptake.audit import Mark, audit
from uptake.audit.annotator import LearnedMarks
from uptake.audit.answers import NONSENSE, read_calls
from uptake.audit.doubts import Answer, Answered, ask, decided, questions
from uptake.audit.escalate import TOKENS, doubted, escalate
from uptake.audit.heard import listen
from uptake.audit.run import audit_logs
from uptake.audit.setup import Setup
from uptake.conversation import Conversation
from uptake.errors import UptakeError
from uptake.model import ModelError, Scripted
from uptake.run import Limits
from uptake.run.budget import most

GOODS = ("apples", "pears", "boxes", "lamps", "hens", "tickets")


def conversation(number):
    """One with a turn that the rules and what was learned judge differently."""
    rng = random.Random(number)
    a, b, thing = rng.randint(2, 90), rng.randint(2, 90), rng.choice(GOODS)
    said = [
        f"How much are {a} {thing}?",
        f"So you want the price of {a} {thing}, right? They are {b} euros.",
        f"Sounds good, {b} it is then.",
        f"Great! Which {thing} do you want, and where do they go?",
    ]
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]
    return {"id": f"c{number}", "messages": messages}


def log(path, n):
    path.write_text("".join(json.dumps(conversation(number)) + "\n" for number in range(n)))
    return path


@pytest.fixture
def setup(tmp_path):
    return Setup((str(log(tmp_path / "chats.jsonl", 12)),), tmp_path / "out")


@pytest.fixture
def env(tmp_path):
    return surroundings(tmp_path)


def asked_of(conversation):
    """The acts that a model is asked about."""
    return re.findall(r"^- (\w+):", conversation.messages[0].text, re.MULTILINE)


def all_of(conversation):
    return json.dumps({"acts": asked_of(conversation)})


def rows(out):
    return [json.loads(line) for line in (out / "turns.jsonl").read_text().splitlines()]


def test_what_is_in_doubt_is_where_the_annotator_and_the_learned_probability_part():
    heard = listen(Conversation.from_dicts(conversation(3)["messages"]))
    marks = LearnedMarks()
    found = marks.marks(heard)
    for doubt in (0.0, 0.3, 0.6, 0.999):
        (unsure,) = marks.unsure([heard], doubt)
        for at, acts in unsure.items():
            for name, said in acts.items():
                assert said == any(mark.name == name for mark in found[at])
    sizes = [
        sum(len(acts) for acts in marks.unsure([heard], doubt)[0].values())
        for doubt in (0.0, 0.3, 0.6, 0.999)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[1] > 0 == sizes[3]


def test_a_question_asks_of_the_acts_in_doubt_alone_and_shows_what_was_said_before():
    heard = listen(Conversation.from_dicts(conversation(3)["messages"]))
    question, *_ = questions(heard, {3: {"check": True, "clarify": False}, 1: {}})
    told = ask(question)
    assert asked_of(told) == ["check", "clarify"]
    said = json.loads(told.messages[1].text)
    assert [each["by"] for each in said["before"]] == ["user", "assistant", "user"]
    assert said["turn"] == {"by": "assistant", "said": heard.texts[3]}
    assert question.found == {"check"}


REPLIES = [
    ('{"acts": []}', frozenset()),
    ('Sure: {"acts": ["check"]}.', frozenset({"check"})),
    ('{"acts": ["check", "check", "huh"]}', frozenset({"check", "huh"})),
    ('{"acts": ["reject"]}', None),  # was not asked
    ('{"acts": "check"}', None),
    ('{"acts": [1]}', None),
    ('{"act": []}', None),
    ("check", None),
    ("", None),
    ("{" * 5000, None),
]


@pytest.mark.parametrize(("reply", "acts"), REPLIES)
def test_only_names_that_were_asked_about_are_an_answer(reply, acts):
    heard = listen(Conversation.from_dicts(conversation(3)["messages"]))
    question, *_ = questions(heard, {3: {"check": True, "huh": False}})
    assert decided(question, reply) == acts


def test_an_answer_decides_what_was_asked_and_nothing_else():
    talk = Conversation.from_dicts(conversation(3)["messages"])
    before = audit(talk).marks
    names = {mark.name for mark in before[1]}
    assert "check" in names
    answer = Answer(frozenset({"check", "huh"}), frozenset({"huh"}))
    after = audit(talk, Answered({1: answer, 99: answer})).marks
    assert {mark.name for mark in after[1]} == names - {"check"} | {"huh"}
    assert Mark("huh", "", 0) in after[1]
    assert {at: after[at] for at in after if at != 1} == {
        at: before[at] for at in before if at != 1
    }


def test_a_scripted_model_that_agrees_changes_nothing(setup, tmp_path):
    def agrees(conversation):
        told = json.loads(conversation.messages[1].text)
        heard = by_words[told["turn"]["said"]]
        return json.dumps({"acts": [a for a in asked_of(conversation) if a in heard]})

    by_words = {}
    for number in range(12):
        heard = listen(Conversation.from_dicts(conversation(number)["messages"]))
        for at, marks in LearnedMarks().marks(heard).items():
            by_words[heard.texts[at]] = {mark.name for mark in marks}
    asked = escalate(setup, Scripted(agrees))
    done = asked.escalated
    assert done.answered == done.doubted > 0
    assert done.changed == done.nonsense == done.failed == done.left == 0
    audit_logs(asked)
    audit_logs(Setup(setup.logs, tmp_path / "plain"))
    kept = ("conversation", "turn", "acts", "act_targets", "cause", "signals", "repairs")
    one, two = rows(setup.out), rows(tmp_path / "plain")
    assert [[row[k] for k in kept] for row in one] == [[row[k] for k in kept] for row in two]


def test_what_a_model_says_is_in_the_rows_and_counted(setup):
    asked = escalate(setup, Scripted(['{"acts": []}']))
    done = asked.escalated
    assert done.answered == done.doubted
    assert done.changed > 0
    found = audit_logs(asked)
    by_place = {(row["conversation"], row["turn"]): set(row["acts"]) for row in rows(setup.out)}
    for call in read_calls(setup.out / "answers.jsonl"):
        assert not set(call.asked) & by_place[call.conversation, call.turn]
    assert f"{done.changed} not as the annotator" in found.setup.escalated.line()


def test_nonsense_and_failures_leave_the_annotators_reading_and_are_counted(setup, tmp_path):
    calls = []

    def errs(conversation):
        calls.append(conversation)
        if len(calls) % 3 == 0:
            raise ModelError("the line is down")
        return "I would say check." if len(calls) % 3 == 1 else '{"acts": ["dance"]}'

    asked = escalate(setup, Scripted(errs), limits=Limits(1))
    done = asked.escalated
    assert done.failed == len(calls) // 3
    assert done.nonsense == len(calls) - done.failed
    assert done.answered == done.left == 0
    assert f"{done.failed} failed" in done.line()
    whys = {call.why for call in read_calls(setup.out / "answers.jsonl")}
    assert whys == {NONSENSE, "the line is down"}
    audit_logs(asked)
    audit_logs(Setup(setup.logs, tmp_path / "plain"))
    assert rows(setup.out) == rows(tmp_path / "plain")


def test_a_model_that_cannot_be_asked_at_all_stops_it_and_keeps_what_it_said(setup):
    calls = []

    def dies(conversation):
        calls.append(conversation)
        if len(calls) > 4:
            raise ModelError("no such model", fatal=True)
        return all_of(conversation)

    with pytest.raises(ModelError, match="no such model"):
        escalate(setup, Scripted(dies), limits=Limits(1))
    again = []

    def goes_on(conversation):
        again.append(conversation)
        return all_of(conversation)

    done = escalate(setup, Scripted(goes_on)).escalated
    assert done.answered == done.doubted == len(again) + 4
    assert escalate(setup, Scripted(dies)).escalated == done  # asked to the end: nothing more
    with pytest.raises(UptakeError, match="was begun with model"):
        escalate(setup, Scripted(all_of, name="another"))


def test_a_budget_is_used_up_and_never_passed(setup):
    with doubted(setup) as found:
        lines = [json.loads(line) for line in found.spool.seek(0) or found.spool]
        assert len(lines) == found.questions > 5
    seen = []

    def counts(conversation):
        seen.append(most(conversation))
        return all_of(conversation)

    limit = 2000
    done = escalate(setup, Scripted(counts), limits=Limits(4, max_tokens=limit)).escalated
    assert 0 < done.answered == len(seen) < done.doubted
    assert done.left == done.doubted - done.answered
    assert done.tokens <= limit
    assert done.tokens + max(seen) + TOKENS > limit
    assert "could pass --max-tokens" in done.stopped
    found = audit_logs(Setup(setup.logs, setup.out, escalated=done))
    assert f"{done.left} not asked" in found.setup.escalated.line()


def test_a_cost_cannot_be_bounded_without_a_price_and_standard_input_not_be_read_twice(tmp_path):
    model = Scripted(all_of)
    model.price = None
    with pytest.raises(UptakeError, match="--max-cost needs the price"):
        escalate(Setup(("x",), tmp_path), model, limits=Limits(max_cost=1.0))
    with pytest.raises(UptakeError, match="name files in place of standard input"):
        escalate(Setup(("-",), tmp_path / "out"), Scripted(all_of))
    assert not (tmp_path / "out").exists()


def test_masked_logs_are_masked_for_the_model_too(tmp_path):
    path = tmp_path / "chats.jsonl"
    said = [
        "Tell Dr. Wexford (ann@post.org) the price.",
        "So you want Wexford to know, right? 7123.",
    ]
    roles = ("user", "assistant")
    messages = [{"role": roles[i], "content": text} for i, text in enumerate(said)]
    path.write_text(json.dumps({"id": "ann@post.org", "messages": messages}))
    heard: list[Conversation] = []

    def reads(conversation):
        heard.append(conversation)
        return all_of(conversation)

    setup = Setup((str(path),), tmp_path / "out", redact=True)
    asked = escalate(setup, Scripted(reads), doubt=0.0)
    assert asked.escalated.answered == len(heard) > 0
    audit_logs(asked)
    whole = "".join(file.read_text() for file in setup.out.iterdir())
    whole += "".join(message.text for each in heard for message in each)
    assert "[email]" in whole
    for secret in ("Wexford", "ann@post.org", "7123"):
        assert secret not in whole
    first = next(read_calls(setup.out / "answers.jsonl"))
    acts = {(row["conversation"], row["turn"]): row["acts"] for row in rows(setup.out)}
    assert set(first.asked) <= set(acts[first.conversation, first.turn])


def test_labels_of_people_go_before_and_their_turns_are_not_asked_about(setup, tmp_path):
    labels = tmp_path / "labels.jsonl"
    calls = list(read_calls(escalate(setup, Scripted(all_of)).out / "answers.jsonl"))
    first = calls[0]
    label = {"file": "chats.jsonl", "conversation": first.conversation, "turn": first.turn}
    labels.write_text(json.dumps(label | {"by": "ann", "acts": ["refuse"]}) + "\n")
    other = Setup(setup.logs, tmp_path / "labelled", labels=labels)
    asked = escalate(other, Scripted(all_of))
    assert asked.escalated.doubted == len(calls) - 1
    audit_logs(asked)
    acts = {(row["conversation"], row["turn"]): row["acts"] for row in rows(other.out)}
    assert acts[first.conversation, first.turn] == ["refuse"]
    second = calls[1]
    assert set(second.asked) <= set(acts[second.conversation, second.turn])


# Over the wire


class Annotates(Handler):
    """Says yes to every act it is asked about; keeps what it was asked. Every fifth is nonsense."""

    def do_POST(self):  # noqa: N802 - the name that http.server calls
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(self.server.delay)
        self.server.heard.append(body)
        acts = re.findall(r"^- (\w+):", body["messages"][0]["content"], re.MULTILINE)
        said = json.dumps({"acts": acts})
        if self.server.errs and len(self.server.heard) % 5 == 0:
            said = "Hm."
        message = {"role": "assistant", "content": said}
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100},
        }
        self.send(200, reply)


@pytest.fixture
def server():
    with serving(Annotates) as running:
        running.heard, running.errs = [], False
        yield running


def test_from_the_command_line_a_plan_then_the_answers_then_the_audit(tmp_path, env, server):
    path = log(tmp_path / "chats.jsonl", 30)
    words = ["audit", path, "--out", tmp_path / "out", "--escalate", server.model]
    code, said, err = uptake(env, *words, "--plan", "--price", "1,2")
    assert (code, err, server.heard) == (0, [], [])
    doubts, turns = re.match(r"(\d+) of (\d+) turns in 30 conversations", said).groups()
    assert 0 < int(doubts) < int(turns) == 120
    assert "about $0.0" in said
    assert "Nothing was asked." in said
    assert not (tmp_path / "out").exists()
    server.errs = True
    code, said, err = uptake(env, *words, "--price", "1,2", "--max-cost", 1)
    assert (code, err) == (0, [])
    assert len(server.heard) == int(doubts)
    nonsense = int(doubts) // 5
    told = f"{doubts} of 120 turns in doubt; {int(doubts) - nonsense} decided by {server.model}"
    said = " ".join(said.split())
    assert told in said
    assert f"{nonsense} without an answer in the reply" in said
    assert f"{int(doubts) * 100:,} tokens, ${int(doubts) * 110 / 1e6:,.4f}" in said
    body = server.heard[0]
    assert body["temperature"] == 0
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["acts"]
    assert told in (tmp_path / "out/report.html").read_text()
    asked = len(server.heard)
    assert uptake(env, *words)[0] == 0
    assert len(server.heard) == asked
    code, _, err = uptake(env, "audit", path, "--out", tmp_path / "out")
    assert code == 2
    assert "was begun with escalated" in err[0]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_one_that_is_stopped_in_the_middle_pays_for_no_turn_twice(tmp_path, env, server, how):
    path = log(tmp_path / "chats.jsonl", 40)
    out = tmp_path / "out"
    words = ["audit", path, "--out", out, "--escalate", server.model, "--concurrency", 2]
    server.delay = 0.02
    process = start(env, *words)
    while len(server.heard) < 10:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -9)
    assert (out / "answers.jsonl").read_bytes().count(b"\n") >= 8
    server.delay = 0
    code, said, _ = uptake(env, *words)
    assert code == 0
    doubts = int(re.search(r"([\d,]+) of 160 turns in doubt", said)[1])
    assert doubts <= len(server.heard) <= doubts + 2  # the two calls that were on their way
    calls = list(read_calls(out / "answers.jsonl"))
    assert len(calls) == len({(call.talk, call.turn) for call in calls}) == doubts


def test_a_cache_spares_another_audit_the_calls(tmp_path, env, server):
    path = log(tmp_path / "chats.jsonl", 5)
    for number, name in enumerate(("one", "two")):
        words = ["--out", tmp_path / name, "--cache", tmp_path / "cache.sqlite"]
        code, _, _ = uptake(env, "audit", path, "--escalate", server.model, *words)
        assert code == 0
        if number == 0:
            asked = len(server.heard)
    assert len(server.heard) == asked > 0
    assert rows(tmp_path / "one") == rows(tmp_path / "two")


BAD = [
    (["--plan"], "--plan goes with --escalate"),
    (["--max-cost", "1"], "--max-cost goes with --escalate"),
    (["--escalate", "nobody"], "unknown model 'nobody'"),
    (["--escalate", "policy:ask", "--doubt", "2"], "--doubt must be from 0 up to 1"),
    (["--escalate", "policy:ask", "--max-tokens", "-1"], "--max-tokens must not be below 0"),
    (["--escalate", "http://127.0.0.1:9/v1#m", "--max-cost", "1"], "--max-cost needs the price"),
]


@pytest.mark.parametrize(("words", "line"), BAD)
def test_bad_usage_is_one_line_and_code_2(tmp_path, env, words, line):
    path = log(tmp_path / "chats.jsonl", 1)
    code, _, err = uptake(env, "audit", path, "--out", tmp_path / "out", *words)
    assert code == 2
    assert len(err) == 1
    assert line in err[0]
