"""Broken conversations become scenarios, and are played again: bare, mediated, with a judge."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import surroundings, uptake
from hypothesis import given
from hypothesis import strategies as st

import uptake as library
from uptake.conversation import Conversation, Message
from uptake.domains import domain
from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.instructions import read_instructions
from uptake.mining import WHY, Left, mine
from uptake.model import Scripted
from uptake.probes import probe
from uptake.transcripts import Source, Transcript

PAGE = Path(__file__).parent.parent / "docs" / "mine.md"
ASK = "How many eggs does Di buy?"
BOXES = ("A box holds 6 eggs.", "Di buys 3 boxes.")


def transcript(*texts, system=None):
    made = Conversation() if system is None else Conversation().system(system)
    for number, text in enumerate(texts):
        made = made.assistant(text) if number % 2 else made.user(text)
    return Transcript("t1", made, "openai", Source("chats.jsonl", 7), "m")


def mined(*texts, **more):
    return mine(transcript(*texts, **more), whole=True)


def eggs(last, reply="She buys 12 eggs."):
    first, second = BOXES
    return mined(ASK, "She buys 3 eggs.", first, "She buys 6 eggs.", second, reply, last, "I see.")


def told(one):
    return [shard.text for shard in one.shards]


@pytest.mark.parametrize(
    ("last", "by"),
    [
        ("No, that's wrong. The right answer is 18.", "said by the user"),
        ("It should be 18.", "said by the user"),
        ("Thanks!", "accepted by the user"),
    ],
)
def test_a_number_that_the_user_named_or_took_is_the_answer_and_is_not_said_again(last, by):
    one = eggs(last, "She buys 18 eggs." if "accepted" in by else "She buys 12 eggs.")
    assert (one.domain, one.answer, one.meta["mined"]["checked_by"]) == ("math", "18", by)
    assert told(one) == [ASK, *BOXES]
    assert "18" not in one.full
    assert one.meta["mined"] | {"broke": ""} == {
        "file": "chats.jsonl",
        "line": 7,
        "model": "m",
        "checked_by": by,
        "broke": "",
    }


@pytest.mark.parametrize(
    "last",
    ["It should be 6 rooms by the sea.", "That's wrong.", "No, I meant duck eggs.", "And pears?"],
)
def test_what_names_no_answer_is_for_a_judge(last):
    trip = ("Find me a hotel in Oslo.", "The Grand is a hotel in Oslo.", last, "Here it is: 6.")
    one = mined("I travel with my aunt.", "Nice.", *trip)
    assert (one.domain, one.answer) == ("request", "")


def test_the_request_is_as_it_finally_stood():
    one = mined(
        "Book a table for 5 on Monday.",
        "Shall I book it?",
        "Sorry, I meant 7.",
        "Your table for 5 is booked.",
        "That's wrong.",
        "Sorry.",
    )
    assert "7" in one.full
    assert "5" not in one.full
    assert told(one) == ["Book a table for 5 on Monday.", "Sorry, I meant 7."]


def test_assertions_in_a_block_of_the_users_are_hidden_tests():
    tests = (
        "```python\nassert twice(2) == 4\nassert twice([1]) == [1, 1]\nassert twice(x) == 2\n```"
    )
    one = mined("Write a function twice.", "```python\n...\n```", f"It must pass:\n{tests}", "Ok.")
    assert one.domain == "code"
    good, bad = (f"```python\ndef twice(x):\n    return {e}\n```" for e in ("2 * x", "x"))
    verify = domain("code").verify
    assert len(one.meta["tests"]) == 2
    assert (verify(one, good).score, verify(one, bad).score) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Done", 1.0),
        ("All is written.\ndone.", 1.0),
        ('The button says "Done" now.', 1.0),
        ("```\nDone\n```", 1.0),
        ("It is done by hand.", 0.0),
        ("Which button?", 0.0),
        ("", 0.0),
    ],
)
def test_an_exact_text_that_was_asked_for_is_looked_for_in_what_a_reply_gives(reply, score):
    last = "No, it should say 'Done'."
    one = mined("Name the button.", "Finish it.", "It ends the game.", "Call it Over.", last, "OK.")
    assert (one.domain, one.answer) == ("exact", "Done")
    assert domain("exact").verify(one, reply).score == score
    asked = mined("Is 9 prime? Answer with exactly 'no'.", "Yes.", "And 12?", "Yes.")
    assert (asked.domain, asked.answer) == ("exact", "no")
    either = mined("Is 9 prime? Answer with only 'yes' or 'no'.", "Yes.", "I need it.", "Yes.")
    assert either.domain == "request"


def test_what_makes_no_scenario_says_why():
    goes_well = transcript(ASK, "How many boxes does she buy?", "3 boxes of 6.", "18.")
    assert mine(goes_well) == Left("sound")
    calls = {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    said = (Message("user", ASK), Message("assistant", None, calls), Message("user", "Well?"))
    assert mine(Transcript("t", Conversation(said), "openai", Source("f", 1))) == Left("tools")
    assert mined(ASK, "18.", "Thanks!", "Bye.") == Left("short")
    assert set(WHY) == {"sound", "tools", "short", "nothing"}


WORDS = st.sampled_from(
    [
        ASK,
        *BOXES,
        "It should be 9.",
        "Thanks!",
        "Sorry, 4 boxes.",
        "Forget it.",
        "```\nassert f(1)\n```",
    ]
)


@given(st.lists(WORDS, max_size=9))
def test_any_conversation_gives_an_instruction_that_says_only_what_the_user_said(texts):
    one = mined(*texts)
    if isinstance(one, Left):
        assert one.why in WHY
        return
    users = iter(texts[::2])
    assert all(text in users for text in told(one))  # in their order, none twice


def test_the_turns_are_played_in_their_order_with_the_system_prompt():
    one = eggs("The right answer is 18.")
    one = Instruction(one.id, one.domain, one.full, one.shards, one.answer, {"system": "Be kind."})
    found = {each.condition: each for each in probe("replay").scenarios(one)}
    assert list(found) == ["full", "concat", "sharded"]
    model = Scripted(["How many eggs are in a box?", "What does she buy?", "18 eggs."], name="m")
    episode = asyncio.run(
        library.episode.play(found["sharded"], model, verify=domain("math").verify)
    )
    assert [turn.user for turn in episode.turns] == [ASK, *BOXES]
    assert (episode.system, episode.score()) == ("Be kind.", 1.0)
    assert [turn.best for turn in episode.turns] == [""] * 3
    single = Instruction("i", "math", ASK, one.shards[:1], "18")
    assert [each.condition for each in probe("replay").scenarios(single)] == ["full"]


def log(path, *conversations):
    rows = [
        {
            "messages": [
                {"role": "assistant" if i % 2 else "user", "content": text}
                for i, text in enumerate(texts)
            ]
        }
        for texts in conversations
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    return path


def test_a_judge_scores_the_requests_of_a_mixed_file_alone(tmp_path):
    numbers = eggs("The right answer is 18.")
    asked = mined("Write a poem.", "Roses.", "It is for my aunt, and about the sea.", "Waves.")
    judge = Scripted(lambda talk: '{"score": 0.25, "why": "half"}', name="judge")
    model = Scripted(lambda talk: "The answer is 18.", name="m")
    result = library.probe(
        "replay",
        model=model,
        instructions=[numbers, asked],
        judge=judge,
        repeats=1,
        controls=False,
        out=tmp_path / "out",
    )
    scores = {(e.domain, e.condition): e.score() for e in library.run.record.episodes(result.out)}
    assert {scores["math", c] for c in ("full", "concat", "sharded")} == {1.0}
    assert {scores["request", c] for c in ("full", "concat", "sharded")} == {0.25}


def test_the_command_says_what_became_of_each_conversation(tmp_path):
    env = surroundings(tmp_path)
    bad = (ASK, "3.", *(part for each in BOXES for part in (each, "It is 12.")), "It should be 18.")
    path = log(tmp_path / "chats.jsonl", bad, (ASK, "18.", "Thanks!", "Bye."))
    code, said, err = uptake(env, "mine", path, "-o", tmp_path / "out" / "mined.jsonl")
    assert code == 0
    assert "1 of 2 conversations are in" in said
    assert "1 checked by math, said by the user" in said
    assert "left out 1 that did not break" in said
    assert [line for line in err if "chats.jsonl:3: not JSON" in line]
    (one,) = read_instructions(tmp_path / "out" / "mined.jsonl")
    assert one.answer == "18"
    code, _, err = uptake(env, "mine", log(tmp_path / "b.jsonl", ("Hi.", "Hi!")), "-o", "x.jsonl")
    assert (code, len(err)) == (2, 2)
    assert "no scenario in these conversations: 1 did not break" in err[1]
    assert not Path("x.jsonl").exists()


@pytest.mark.parametrize("name", ["exact", "request"])
def test_texts_and_requests_are_never_made_up(name):
    with pytest.raises(UptakeError, match="give a file with --instructions"):
        domain(name).generate(1)


def test_the_worked_example_of_the_docs_runs_as_it_stands(tmp_path):
    page = PAGE.read_text(encoding="utf-8").partition("## A worked example")[2]
    (script,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.S | re.M)
    (commands,) = re.findall(r"^```sh\n(.*?)^```", page, flags=re.S | re.M)
    (shown,) = re.findall(r"^```text\n(.*?)^```", page, flags=re.S | re.M)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=300)
    said = ""
    for line in commands.splitlines():
        code, out, err = uptake(surroundings(tmp_path), *line.split()[1:], cwd=tmp_path)
        assert code == 0, err
        said += out
    squeezed = " ".join(said.split())
    for line in shown.splitlines():  # the numbers may differ a little from machine to machine
        words = re.escape(" ".join(line.split()))
        assert re.search(re.sub(r"\d+", r"\\d+", words), squeezed), line
    kept = re.findall(r"keeps (\d+)% \[", squeezed)
    assert int(kept[1]) > int(kept[0]) + 30  # mediated, and bare
    assert (tmp_path / "after" / "report.html").exists()
