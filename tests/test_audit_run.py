"""`uptake audit` from end to end: logs in, rows, events and a page out; killed, and gone on."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time

import pyarrow.parquet
import pytest
from browser import browser
from chats import begun, found, log, rows, state
from command import surroundings, uptake

from uptake.audit.turns import COLUMNS
from uptake.transcripts import Transcript, read

NASTY = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def env(tmp_path):
    return surroundings(tmp_path)


def test_a_log_becomes_a_summary_rows_and_a_page(tmp_path, env):
    path = log(tmp_path / "chats.jsonl", 40, "{broken", '{"weather": 1}')
    code, said, err = uptake(env, "audit", path, "--out", tmp_path / "out")
    assert (code, err) == (0, [])
    assert "40 conversations, 160 turns" in said
    assert re.search(r"50% \[\d+, \d+\] of the conversations", said)
    assert "2 not read:" in said
    assert f"{path}:41: not JSON" in said
    assert max(map(len, said.splitlines())) <= 200
    written = rows(tmp_path / "out")
    assert len(written) == 160
    assert all(list(row) == list(COLUMNS) for row in written)
    broken = [(row["conversation"], row["turn"], row["cause"]) for row in written if row["first"]]
    assert ("c0", 1, "premature") in broken
    assert ("c2", 1, "misread") in broken
    assert len(broken) == 20
    faults = [json.loads(line) for line in (tmp_path / "out/faults.jsonl").read_text().splitlines()]
    assert [fault["line"] for fault in faults] == [41, 42]


@pytest.mark.parametrize("tie", [False, True])
def test_the_page_says_where_most_conversations_break_and_nothing_where_two_places_tie(
    tmp_path, env, tie
):
    asked = [
        ("Tell me of Java.", "Java is a language."),
        ("No, I meant the island.", "It is warm."),
    ]
    greeted = [("What is the capital of Peru?", "It is Lima."), *asked]
    lines = [asked, greeted] if tie else [asked, asked, greeted]
    path = tmp_path / "chats.jsonl"
    with path.open("w") as file:
        for turns in lines:
            pairs = zip(("user", "assistant") * len(turns), itertools.chain(*turns), strict=True)
            messages = [{"role": role, "content": text} for role, text in pairs]
            file.write(json.dumps({"messages": messages}) + "\n")
    assert uptake(env, "audit", path, "--out", tmp_path / "out")[0] == 0
    page = (tmp_path / "out/report.html").read_text()
    said = "2 of the 3 that break do so first at <b>reply 1</b>, more than at any other."
    assert (said in page) != tie
    assert ("do so first" in page) != tie


def test_one_process_or_several_from_files_or_standard_input_find_the_same(tmp_path, env):
    path = log(tmp_path / "chats.jsonl", 300)
    for name, processes in (("one", 1), ("two", 2)):
        code, _, err = uptake(env, "audit", path, "-o", tmp_path / name, "--processes", processes)
        assert (code, err) == (0, [])
    assert rows(tmp_path / "one") == rows(tmp_path / "two")
    assert found(tmp_path / "one") == found(tmp_path / "two")
    words = ["audit", "--out", tmp_path / "in", "--processes", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "uptake", *words],
        input=gzip.compress(path.read_bytes()),
        env=env,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [r["acts"] for r in rows(tmp_path / "in")] == [r["acts"] for r in rows(tmp_path / "one")]


def ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a zombie has ended
        return stat.read().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(("how", "parquet"), [(signal.SIGKILL, False), (signal.SIGINT, True)])
def test_an_audit_that_was_stopped_goes_on_and_finds_the_same(tmp_path, env, how, parquet):
    path = log(tmp_path / "chats.jsonl", 600, "{broken")
    words = ["--parquet"] if parquet else []
    process = begun(env, path, tmp_path / "out", "--processes", 2, *words)
    children = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    process.send_signal(how)
    _, err = process.communicate(timeout=120)
    assert process.returncode == (130 if how == signal.SIGINT else -9)
    if how == signal.SIGINT:
        assert "the same command goes on" in err
    for child in map(int, children):
        for _ in range(1000):
            if ended(child):
                break
            time.sleep(0.01)
        assert ended(child)
    before = state(tmp_path / "out")
    assert not before["state"]["finished"]
    assert 0 < before["findings"]["conversations"] < 600
    code, said, _ = uptake(env, "audit", path, "--out", tmp_path / "out", *words)
    assert code == 0
    assert "600 conversations" in said
    assert "1 not read" in said
    uptake(env, "audit", path, "--out", tmp_path / "whole", *words)
    assert found(tmp_path / "out") == found(tmp_path / "whole")
    if parquet:
        tables = [
            pyarrow.parquet.read_table(tmp_path / name / "turns") for name in ("out", "whole")
        ]
        assert tables[0].column_names == list(COLUMNS)
        assert tables[0].to_pylist() == tables[1].to_pylist()
    else:
        assert rows(tmp_path / "out") == rows(tmp_path / "whole")


def test_what_is_done_is_shown_again_and_other_settings_are_refused(tmp_path, env):
    path = log(tmp_path / "chats.jsonl", 20)
    _, first, _ = uptake(env, "audit", path, "--out", tmp_path / "out")
    written = (tmp_path / "out/turns.jsonl").stat().st_mtime_ns
    _, again, _ = uptake(env, "audit", path, "--out", tmp_path / "out")
    assert again == first
    assert (tmp_path / "out/turns.jsonl").stat().st_mtime_ns == written
    code, _, err = uptake(env, "audit", path, "--out", tmp_path / "out", "--redact")
    assert code == 2
    assert "was begun with redact = False, not True" in err[0]
    log(path, 21)
    code, _, err = uptake(env, "audit", path, "--out", tmp_path / "out")
    assert code == 2
    assert "was begun with sizes" in err[0]


def test_redacted_output_has_nothing_that_tells_who_it_was(tmp_path, env):
    secrets = ["ann.lee@post.org", "+44 20 7946 0018", "Wexford", "77123"]
    said = [f"Tell me of {s}." for s in secrets]
    roles = ("user", "assistant")
    texts = [t for s in said for t in (s, f"{s} is old.", f"No, I meant {s}", s)]
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    path = tmp_path / "chats.jsonl"
    path.write_text(json.dumps({"id": secrets[0], "messages": messages}))
    out = tmp_path / "out"
    code, printed, _ = uptake(env, "audit", path, "--out", out, "--redact", "--events")
    assert code == 0
    whole = printed + "".join(file.read_text() for file in out.iterdir())
    assert '"misread"' in whole
    for secret in [*secrets, "ann.lee", "7946"]:
        assert secret not in whole


def test_events_are_evaluation_results_that_are_read_as_logs_of_spans(tmp_path, env):
    path = log(tmp_path / "chats.jsonl", 4)
    uptake(env, "audit", path, "--out", tmp_path / "out", "--events")
    lines = (tmp_path / "out/events.jsonl").read_text().splitlines()
    records = [
        {a["key"]: next(iter(a["value"].values())) for a in record["attributes"]}
        for line in lines
        for record in json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    ]
    scores = {
        r["gen_ai.conversation.id"]: (
            r["gen_ai.evaluation.score.value"],
            r["gen_ai.evaluation.score.label"],
        )
        for r in records
        if r["gen_ai.evaluation.name"] == "uptake.breakdown"
    }
    assert scores == {
        "c0": (1.0, "premature"),
        "c1": (0.0, "none"),
        "c2": (1.0, "misread"),
        "c3": (0.0, "none"),
    }
    assert any(r["gen_ai.evaluation.name"] == "uptake.signal" for r in records)


BAD = [
    (["none.jsonl"], "no such file"),
    (["empty"], "without logs"),
    (["chats.jsonl", "--redac"], "Unknown option: --redac"),
    (["chats.jsonl", "--format", "telegram"], "no format 'telegram'"),
    (["chats.jsonl", "--out", "chats.jsonl"], "cannot write"),
    (["chats.jsonl", "--ray"], "--ray needs Ray: pip install 'uptake[ray]'"),
]


@pytest.mark.parametrize(("words", "line"), BAD)
def test_bad_usage_is_one_line_and_code_2(tmp_path, env, words, line):
    log(tmp_path / "chats.jsonl", 1)
    (tmp_path / "empty").mkdir()
    code, _, err = uptake(env, "audit", *words, cwd=tmp_path)
    assert code == 2
    assert len(err) == 1
    assert line in err[0]


def test_logs_that_hold_nothing_are_said_to(tmp_path, env):
    (tmp_path / "a.jsonl").write_bytes(b"\0\1\2" * 999)
    (tmp_path / "b.jsonl").write_bytes(b"")
    (tmp_path / "c.jsonl").write_text(json.dumps({"messages": [{"role": "user", "content": "Hi"}]}))
    code, said, _ = uptake(env, "audit", tmp_path, "--out", tmp_path / "out")
    assert code == 0
    assert "a.jsonl: binary" in said
    assert "b.jsonl: empty" in said
    assert "nothing to audit" in said
    assert "nothing to audit" in (tmp_path / "out/report.html").read_text()


def test_a_browser_shows_the_page_and_asks_nobody(tmp_path, env):
    path = log(tmp_path / "chats.jsonl", 60)
    with path.open("a") as more:
        said = ["Tell me of Java.", NASTY, f"No, I meant {NASTY}", "{{ 7*7 }}"]
        roles = ("user", "assistant")
        messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]
        for _ in range(2):
            more.write(json.dumps({"id": NASTY, "model": NASTY, "messages": messages}) + "\n")
    assert uptake(env, "audit", path, "--out", tmp_path / "out")[0] == 0

    async def look():
        async with browser() as page:
            for width, dark in ((1200, False), (390, True)):
                await page.show(width=width, dark=dark)
                await page.open(tmp_path / "out/report.html")
                await page.until("document.body.dataset.drawn")
                wide = "document.documentElement.scrollWidth"
                assert await page.js(wide) <= width
            shown = await page.js("document.body.innerText")
            drawn = await page.js("document.querySelectorAll('.chart svg').length")
            title = await page.js("document.title")
            broken = await page.js("document.querySelectorAll('.line.broken').length")
            return page.asked, page.complaints, shown, drawn, title, broken

    asked, complaints, shown, drawn, title, broken = asyncio.run(look())
    assert [address for address in asked if not address.startswith("file:")] == []
    assert complaints == []
    assert drawn >= 3
    assert title == "uptake: audit of 62 conversations"
    assert broken > 0
    for words in ("52%", "misread", "repair: trouble 1", "of the conversations have a reply"):
        assert words in shown


def test_rows_say_where_in_the_log_they_stand(tmp_path, env):
    path = log(tmp_path / "chats.jsonl", 8)
    uptake(env, "audit", path, "--out", tmp_path / "out")
    logged = {one.source.line: one for one in read(path) if isinstance(one, Transcript)}
    for row in rows(tmp_path / "out"):
        one = logged[row["line"]]
        assert (row["conversation"], row["model"]) == (one.id, one.model)
        message = one.conversation.messages[row["turn"]]
        assert message.role == row["role"]
        assert all(said in message.text for said in row["act_words"])
