from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from uptake.conversation import Conversation, thaw
from uptake.domains import domain
from uptake.domains.actions import offer
from uptake.errors import UptakeError
from uptake.instruction import Instruction, Shard
from uptake.instructions import read_instructions
from uptake.model import Model, ModelError, Sampling, Scripted
from uptake.models.prices import Price
from uptake.run import Limits
from uptake.sharding import Sharded, shard
from uptake.sharding.rephrase import TRIES, by_model
from uptake.sharding.sentence import UnshardableError, by_sentence, pieces
from uptake.sharding.verify import Verified, verify

PROBLEM = "Ida bakes 12 rolls. Mr. Oz eats 3 of them. How many rolls are left?"
MATH = Instruction("m", "math", PROBLEM, (Shard(PROBLEM),), "9")
PROMPT = '''from math import pi

def area(radius: float) -> float:
    r"""Give the area of a circle, with the
    given radius. A negative one (as -1.5) gives 0.

    >>> area(1.0)
    3.14
    >>> area(-2.0)
    0\\n
    """
'''


def told(one: Instruction) -> list[str]:
    return [shard.text for shard in one.shards]


# By sentence


def test_the_question_comes_first_and_the_sentences_follow():
    made = by_sentence(MATH)
    assert told(made) == [
        "How many rolls are left?",
        "Ida bakes 12 rolls.",
        "Mr. Oz eats 3 of them.",
    ]
    assert (made.full, made.answer, made.id) == (MATH.full, MATH.answer, MATH.id)
    assert made.meta["sharded_by"] == "sentence"
    assert by_sentence(MATH) == made


@pytest.mark.parametrize(
    ("domain", "full", "intent"),
    [
        ("math", "What is a mile? It has 5280 feet. How many feet are 3?", "How many feet are 3?"),
        ("math", "A bus holds 40. Find how many 3 buses hold. They are full.", "Find how many 3"),
        ("math", "A bus holds 40. The number that 3 buses hold is asked.", "The number that 3"),
        ("actions", "I am in Oslo. Could you book a room? And what of a car?", "Could you book"),
        ("actions", "I want a room. Can it be a double one?", "I want a room."),
        ("actions", "Dim the lamp. To 40.", "Dim the lamp."),
    ],
)
def test_the_intent_is_what_asks(domain: str, full: str, intent: str):
    made = by_sentence(Instruction("i", domain, full, (Shard(full),), "9"))
    assert made.shards[0].text.startswith(intent)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is 3 p.m. in Bonn. Go.", ["It is 3 p.m. in Bonn.", "Go."]),
        ("The case Roe v. Wade. A b.", ["The case Roe v. Wade.", "A b."]),
        ('He says "Stop. Go." Then he goes.', ['He says "Stop. Go."', "Then he goes."]),
        ("A line that\ngoes on. Next.", ["A line that goes on.", "Next."]),
        ("Buy:\n- one roll\n- two. Or so", ["Buy:", "- one roll", "- two.", "Or so"]),
        ("Do it. Example:\nf(1) = 2", ["Do it.", "Example: f(1) = 2"]),
        ("Do it.\nExamples:\nf(1)\nf(2)\n\nEnd.", ["Do it.", "Examples:\nf(1)\nf(2)", "End."]),
    ],
)
def test_where_a_text_is_cut(text: str, found: list[str]):
    assert pieces(text) == found


def test_one_sentence_cannot_be_cut():
    one = Instruction("i", "math", "How many are 3 and 4?", (Shard("x"),), "7")
    with pytest.raises(UnshardableError, match="it is one sentence; give a --model"):
        by_sentence(one)


def test_the_functions_on_offer_stay_with_the_intent():
    tools = [{"name": "lamp", "description": "Sets one. And dims it.", "parameters": {}}]
    full = f"Set a lamp. It is in the hall.\n\n{offer(tools)}"
    made = by_sentence(
        Instruction("a", "actions", full, (Shard(full),), "[]", {"functions": tools})
    )
    assert told(made) == [f"Set a lamp.\n\n{offer(tools)}", "It is in the hall."]


def test_tables_and_blocks_of_code_stay_with_the_intent():
    table = "CREATE TABLE t (\n  a INT -- first. Second.\n);"
    block = "```\nx = 1. \nY = 2\n```"
    full = f"{table}\n\nList all a. Sort them.\n\n{block}"
    made = by_sentence(Instruction("d", "database", full, (Shard(full),), "SELECT a FROM t"))
    assert told(made) == [f"List all a.\n\n{table}\n\n{block}", "Sort them."]


def test_a_function_is_told_by_its_head_and_then_its_docstring(tmp_path: Path):
    row = {"task_id": "h/1", "prompt": PROMPT, "entry_point": "area",
           "test": "def check(candidate):\n    assert candidate(0) == 0\n"}  # fmt: skip
    (tmp_path / "h.jsonl").write_text(json.dumps(row))
    (one,) = read_instructions(tmp_path / "h.jsonl")
    head, *said = told(by_sentence(one))
    assert head == (
        "Complete this Python function:\n\n```python\nfrom math import pi\n\n"
        "def area(radius: float) -> float:\n```"
    )
    assert said == [
        "Give the area of a circle, with the given radius.",
        "A negative one (as -1.5) gives 0.",
        ">>> area(1.0)\n3.14\n>>> area(-2.0)\n0\\n",
    ]


SENTENCES = st.lists(
    st.sampled_from(
        ["Ann has 1,200 apples", "how many are left", "- one of $3.50", ">>> f(2)", "e.g. Bonn",
         '"Stop. Go', "Example:", "v. Wade", "CREATE TABLE t (a);", "```\nx. Y\n```", "Über 7 km"]
    )
    | st.text(max_size=12),
    min_size=1,
    max_size=8,
)  # fmt: skip
JOINS = st.sampled_from([". ", "? ", "! ", "\n", "\n\n", " ", ".\n", ".) "])


@given(st.sampled_from(["math", "actions"]), SENTENCES, st.data())
def test_nothing_of_a_request_is_lost(domain: str, parts: list[str], data: st.DataObject):
    full = "".join(part + data.draw(JOINS) for part in parts)
    try:
        made = by_sentence(Instruction("i", domain, full, (Shard(full),), "1"))
    except UnshardableError:
        return
    assert len(made.shards) > 1
    assert Counter("".join("".join(told(made)).split())) == Counter("".join(full.split()))
    assert Counter(re.findall(r"\w+", "\n".join(told(made)))) == Counter(re.findall(r"\w+", full))


@given(st.integers(0, 10_000))
def test_shards_of_made_up_problems_hold_every_number_and_name(seed: int):
    (one,) = domain("math").generate(1, seed=seed)
    made = by_sentence(Instruction(one.id, "math", one.full, (Shard(one.full),), one.answer))
    assert sorted(re.findall(r"\w+", one.full)) == sorted(re.findall(r"\w+", "\n".join(told(made))))


# By a model

SEGMENTS = {
    "segments": [
        {"segment": "Ida bakes 12 rolls", "needed": True},
        {"segment": "Mr. Oz eats 3 of them", "needed": True},
        {"segment": "how many rolls are left", "needed": True},
    ]
}
SHARDS = {
    "intent": {"segment": 3, "say": "how many rolls remain?"},
    "shards": [
        {"segment": 2, "say": "Mr. Oz  has eaten three of Ida's rolls"},
        {"segment": 1, "say": "Ida had baked 12 rolls"},
    ],
}


def segmenter(*replies: Any) -> Scripted:
    """Says the replies in their order, whatever the conversation; the last one repeats."""
    said = iter(replies)
    last: list[str] = []

    def say(_talk: Conversation) -> str:
        for reply in said:
            last[:] = [reply if isinstance(reply, str) else json.dumps(reply)]
            break
        return last[0]

    return Scripted(say, name="segmenter")


def cut(model: Model, one: Instruction = MATH) -> Instruction:
    return asyncio.run(by_model(one, model, Sampling()))


def test_a_model_segments_and_rephrases():
    made = cut(segmenter(f"Here you are: {json.dumps(SEGMENTS)}", SHARDS))
    assert told(made) == [
        "how many rolls remain?",
        "Mr. Oz has eaten three of Ida's rolls",
        "Ida had baked 12 rolls",
    ]
    assert made.meta["sharded_by"] == "segmenter"
    assert made.needed == {0, 1, 2}


def test_what_is_not_needed_is_marked():
    idle = [*SEGMENTS["segments"][:1], {**SEGMENTS["segments"][1], "needed": False},
            SEGMENTS["segments"][2]]  # fmt: skip
    made = cut(segmenter({"segments": idle}, SHARDS))
    assert made.needed == {0, 2}


def part(at: int, **changed: Any) -> dict[str, Any]:
    items = [dict(item) for item in SEGMENTS["segments"]]
    items[at] |= changed
    return {"segments": items}


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ("no JSON at all", "it is no JSON object"),
        ({"segments": "none"}, '"segments" is no list of objects'),
        ({"segments": SEGMENTS["segments"][:1]}, "there are 1 segments, not 2 to 12"),
        ({"segments": SEGMENTS["segments"][1:]}, "no segment holds 12"),
        (part(0, segment="Ida bakes 13 rolls"), "is not in the request word for word"),
        (part(0, segment="how many rolls are left"), "is used twice"),
        (part(0, needed="yes"), 'a segment is no {"segment": TEXT'),
        (part(1, segment="eats 3 of them"), "no segment holds oz"),
    ],
)
def test_bad_segments_are_rejected_and_asked_for_again(bad: Any, fault: str):
    heard: list[str] = []

    def say(talk: Conversation) -> str:
        heard.append(talk.messages[-1].text)
        reply = [bad, SEGMENTS, SHARDS][len(heard) - 1]
        return reply if isinstance(reply, str) else json.dumps(reply)

    assert len(cut(Scripted(say)).shards) == 3
    assert "That cannot be used" in heard[1]
    assert fault in heard[1]


def says(at: int, say: Any) -> dict[str, Any]:
    items = [dict(item) for item in SHARDS["shards"]]
    items[at]["say"] = say
    return {**SHARDS, "shards": items}


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ({"shards": SHARDS["shards"]}, '"intent" is no list of objects'),
        ({**SHARDS, "shards": SHARDS["shards"][:1]}, "the segments 1 to 3 are not used once each"),
        (says(1, "Ida had baked rolls"), "loses 12"),
        (says(1, "Ida had baked 12 of 20 rolls"), "adds 20"),
        (says(0, "somebody ate 3 of them"), "no message holds"),
        (says(0, ""), "a message is no text"),
        (says(0, 3), "a message is no text"),
    ],
)
def test_bad_messages_are_rejected_and_the_instruction_with_them(bad: Any, fault: str):
    with pytest.raises(UnshardableError, match="the model gave no usable shards in 3 tries") as why:
        cut(segmenter(SEGMENTS, *[bad] * TRIES))
    assert fault in str(why.value)


# Verified by a model


def player(full: float, concat: float) -> Scripted:
    """Right in so large a share of its replies, by the way it is told."""
    counts = Counter[bool]()

    def say(talk: Conversation) -> str:
        listed = "\n- " in talk.messages[-1].text
        counts[listed] += 1
        share = concat if listed else full
        return "It is 9." if counts[listed] <= round(10 * share) else "It is 8."

    return Scripted(say, name="player")


def checked(full: float, concat: float, one: Instruction = MATH) -> Verified:
    made = by_sentence(one)
    return asyncio.run(verify(made, player(full, concat), 10, seed=0, sampling=Sampling()))


def test_shards_pass_that_keep_most_of_the_score():
    assert checked(1.0, 1.0) == Verified("player", 1.0, 1.0, 10)
    assert checked(1.0, 0.8).fault is None
    assert checked(0.5, 0.4).fault is None
    assert checked(1.0, 0.7).fault == "CONCAT 0.70 is below 0.8 of FULL 1.00"
    assert checked(0.0, 1.0).fault == "player solves it in none of 10 tries told in full"


def test_what_has_no_score_cannot_be_verified():
    full = "Sum up. Be short."
    one = Instruction("s", "summary", full, (Shard(full),), "-", {"insights": [
        {"text": "A b.", "documents": [1]}]})  # fmt: skip
    bullets = Scripted(["- A b. [1]"])
    with pytest.raises(UnshardableError, match="no score, so it cannot be verified"):
        asyncio.run(verify(by_sentence(one), bullets, 2, seed=0, sampling=Sampling()))


# A whole file


def problems(path: Path, count: int = 6) -> Path:
    """Single-turn problems; the third is one sentence, the fourth in shards already."""
    rows: list[dict[str, Any]] = []
    for i in range(count):
        text = f"Ida bakes {i + 20} rolls. Bo eats 3 of them. How many rolls are left?"
        rows.append({"id": f"p{i}", "full": text, "answer": i + 17})
    rows[2]["full"] = "How many are 20 and 2 less 3?"
    rows[3]["shards"] = ["How many rolls are left?", "Ida bakes 23 rolls.", "Bo eats 3 of them."]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def solve(talk: Conversation) -> str:
    numbers = [int(n) for n in re.findall(r"\d+", talk.said_by("user")[0])]
    return f"It is {max(numbers) - 3}."


def run(path: Path, out: Path, **more: Any) -> Sharded:
    return asyncio.run(shard(path, out, progress=False, **more))


def test_a_file_is_cut_by_sentence(tmp_path: Path):
    source, out = problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl.gz"
    done = run(source, out)
    assert read_instructions(out) == list(done.kept)
    assert [one.id for one in done.kept] == ["p0", "p1", "p3", "p4", "p5"]
    assert {len(one.shards) for one in done.kept} == {3}
    assert [(fate.ident, fate.why) for fate in done.dropped] == [
        ("p2", "it is one sentence; give a --model to cut it")
    ]
    before = out.read_bytes()
    assert run(source, out) == done
    assert out.read_bytes() == before


def test_what_passes_is_kept_with_its_figures(tmp_path: Path):
    done = run(
        problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl",
        verify_with=Scripted(solve, name="solver"), repeats=2,
    )  # fmt: skip
    assert [one.id for one in done.kept] == ["p0", "p1", "p3", "p4", "p5"]
    for one in read_instructions(tmp_path / "out.jsonl"):
        assert thaw(one.meta["verified"]) == {
            "by": "solver", "full": 1.0, "concat": 1.0, "repeats": 2,
        }  # fmt: skip


def test_other_settings_are_refused(tmp_path: Path):
    source, out = problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    run(source, out)
    with pytest.raises(UptakeError, match=r"begun with verify_with = None, not s"):
        run(source, out, verify_with=Scripted(solve, name="s"))
    with pytest.raises(UptakeError, match="begun with instructions = 6, not 2"):
        run(source, out, n=2)


def test_a_file_that_was_made_otherwise_is_not_overwritten(tmp_path: Path):
    source = problems(tmp_path / "in.jsonl")
    before = source.read_bytes()
    with pytest.raises(UptakeError, match=r"in\.jsonl is there already: choose another"):
        run(source, source)
    assert source.read_bytes() == before


def test_dialogues_are_refused(tmp_path: Path):
    talk = [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": "Yes."}]
    (tmp_path / "in.jsonl").write_text(json.dumps({"messages": talk}))
    with pytest.raises(UptakeError, match="holds dialogues"):
        run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")


def test_a_failure_is_no_verdict_and_is_tried_again(tmp_path: Path):
    down = [True]

    def say(talk: Conversation) -> str:
        if down[0] and "21 rolls" in talk.messages[0].text:
            raise ModelError("the line is busy")
        return solve(talk)

    source, out = problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    more: dict[str, Any] = {"verify_with": Scripted(say, name="s"), "repeats": 1}
    done = run(source, out, **more)
    assert [(fate.ident, fate.why) for fate in done.failed] == [("p1", "the line is busy")]
    assert (done.missing, len(done.kept)) == (1, 4)
    down[0] = False
    done = run(source, out, **more)
    assert (done.failed, done.missing, len(done.kept)) == ((), 0, 5)


class Counted(Scripted):
    price = Price(1.0, 1.0)

    def __init__(self) -> None:
        self.calls = 0
        super().__init__(self.say, name="counted")

    def say(self, talk: Conversation) -> str:
        self.calls += 1
        return solve(talk)


def test_a_limit_stops_it_and_holds_over_sittings(tmp_path: Path):
    source, out, model = problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl", Counted()
    limits = Limits(1, max_tokens=1_500)
    more: dict[str, Any] = {"verify_with": model, "repeats": 4}
    first = run(source, out, limits=limits, **more)
    assert first.stopped is not None
    assert "--max-tokens 1,500" in first.stopped
    assert 0 < first.missing < 6
    assert read_instructions(out) == list(first.kept)
    calls = model.calls
    again = run(source, out, limits=limits, **more)
    assert again.missing == first.missing
    assert model.calls - calls <= 1
    assert run(source, out, **more).missing == 0
    assert len(read_instructions(out)) == 5


def test_a_cost_that_cannot_be_known_is_not_bounded(tmp_path: Path):
    model = Counted()
    model.price = None  # type: ignore[assignment]
    with pytest.raises(UptakeError, match="--max-cost needs the price of counted"):
        run(
            problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl",
            model=model, limits=Limits(1, max_cost=1.0),
        )  # fmt: skip


@pytest.mark.parametrize("end", [b'{"place": 1, "id"', b"\xff"])
def test_a_torn_last_line_is_done_again(tmp_path: Path, end: bytes):
    source, out = problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    done = run(source, out)
    log = tmp_path / "out.jsonl.log"
    whole = log.read_bytes()
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]) + end)
    assert run(source, out) == done
    assert sorted(log.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_log_that_is_none_is_named(tmp_path: Path):
    source, out = problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    (tmp_path / "out.jsonl.log").write_text("[1]\n")
    with pytest.raises(UptakeError, match=r"out.jsonl.log: not a log of shards \(.*\); delete it"):
        run(source, out)


# The command, against an endpoint on the loopback


async def serve(handle: Any) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}/v1#sharder"


def answer(messages: list[dict[str, Any]]) -> str:
    """Segments by sentence, says each segment as it stands, and solves the problems."""
    if messages[0]["role"] != "system":
        return solve(Conversation.from_dicts(messages))
    given = json.loads(messages[1]["content"])
    if "segments" not in given:
        found = [{"segment": text, "needed": True} for text in pieces(given["request"])]
        return json.dumps({"segments": found})
    *facts, last = [{"segment": s["number"], "say": s["segment"]} for s in given["segments"]]
    return json.dumps({"intent": last, "shards": facts})


def test_kill_and_go_on(tmp_path: Path):
    source, out = problems(tmp_path / "in.jsonl", 24), tmp_path / "out.jsonl"
    told_twice: Counter[str] = Counter()

    async def handle(request: web.Request) -> web.Response:
        messages = (await request.json())["messages"]
        told_twice[json.dumps(messages)] += 1
        await asyncio.sleep(0.01)
        choice = {"message": {"role": "assistant", "content": answer(messages)}}
        usage = {"prompt_tokens": 9, "completion_tokens": 9}
        return web.json_response({"choices": [choice | {"finish_reason": "stop"}], "usage": usage})

    async def play() -> list[tuple[int, str, str]]:
        runner, model = await serve(handle)
        words = [sys.executable, "-m", "uptake", "shard", str(source), "-o", str(out)]
        words += ["--model", model, "--verify-with", model, "--repeats", "2", "--concurrency", "2"]
        words += ["--temperature", "0"]
        ended: list[tuple[int, str, str]] = []
        for kill in (True, True, False, False):
            process = await asyncio.create_subprocess_exec(
                *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
            )
            if kill:
                await grown(Path(f"{out}.log"), process)
                process.send_signal(signal.SIGKILL)
            written, err = await process.communicate()
            ended.append((process.returncode or 0, written.decode(), err.decode()))
        await runner.cleanup()
        return ended

    first, second, third, fourth = asyncio.run(play())
    assert first[0] == second[0] == -signal.SIGKILL
    assert third[0] == fourth[0] == 0, third[2]
    assert "23 of 24 instructions kept" in third[1]
    assert "dropped 1: the model gave no usable shards in 3 tries: there are 1 segments" in third[1]
    assert fourth[1] == third[1]
    found = read_instructions(out)
    assert [one.id for one in found] == [f"p{i}" for i in range(24) if i != 2]
    assert all(one.meta["verified"]["concat"] == 1.0 for one in found)
    places = [json.loads(line).get("place") for line in Path(f"{out}.log").read_text().splitlines()]
    assert sorted(place for place in places if place is not None) == list(range(24))
    # Of what was asked for twice, at most what was in flight at a kill: 2 instructions each time.
    again = sum(count > 2 for talk, count in told_twice.items() if '"system"' not in talk)
    assert again <= 2 * 2 * 2


async def grown(log: Path, process: asyncio.subprocess.Process) -> None:
    """Wait until some more instructions are done."""
    before = log.read_bytes().count(b"\n") if log.exists() else 0
    until = time.monotonic() + 60
    while process.returncode is None and time.monotonic() < until:
        if log.exists() and log.read_bytes().count(b"\n") >= before + 4:
            return
        await asyncio.sleep(0.01)
    pytest.fail("nothing was done")


def command(*words: Any) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "uptake", "shard", *map(str, words)], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_says_what_became_of_a_file(tmp_path: Path):
    source, out = problems(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    assert command(source, "-o", out) == (
        0,
        f"5 of 6 instructions kept in {out}\nshards: 5 of 3\n"
        "dropped 1: it is one sentence; give a --model to cut it (p2)\n",
        "",
    )
    assert command(tmp_path / "none", "-o", out)[0] == 2
    code, _, err = command(source, "-o", tmp_path / "x" / "y.jsonl")
    assert (code, err.count("\n")) == (2, 1)
    assert "y.jsonl.log: No such file or directory; choose another --out" in err
    assert command(source, "-o", out, "--repeats", 0)[0] == 2
