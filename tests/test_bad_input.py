"""Whatever is bad, through the command line: one clear line, the right exit code, nothing lost.

Files, names and addresses that cannot be used stop a run before it begins (exit code 2). A reply
that cannot be used costs that episode and no other, and the same command plays it again.
"""

from __future__ import annotations

import json
import socket

import pytest
from command import lines, toy, uptake

from uptake.run.record import episodes

GOOD = {"id": "a", "domain": "toy", "full": "1+1?", "shards": ["Add.", "1", "1"], "answer": "2"}


def probe(out, model, *more):
    """Three instructions told at once and over turns, once each: six episodes."""
    return (
        *("probe", "lost", "--out", out, "--model", model, "--no-controls", "-n", 3),
        *("--repeats", 1, "--conditions", "full,sharded", "--concurrency", 1),
        *(more or ("--domain", "toy")),
    )


def refused(env, *words):
    """The one line of a command that does nothing."""
    code, out, err = uptake(env, *words)
    assert (code, out) == (2, "")
    (line,) = err
    assert line.startswith("uptake: ")
    return line


# What stops a run before it begins


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (GOOD | {"answers": "2"}, 'unknown key "answers"'),
        (GOOD | {"shards": [{"text": "Add.", "quantities": "1"}]}, 'unknown key "quantities"'),
        ({"id": "b", "shards": ["Add."], "answer": "2"}, 'no "full" and no "question"'),
    ],
)
def test_a_wrong_key_in_a_line_names_the_line_and_the_key(env, tmp_path, second, said):
    file, out = tmp_path / "mine.jsonl", tmp_path / "run"
    file.write_text(f"{json.dumps(GOOD)}\n{json.dumps(second)}\n")
    line = refused(env, *probe(out, "policy:echo", "--instructions", file))
    assert f"{file}:2: " in line
    assert said in line
    assert not out.exists()


def test_a_file_that_is_not_utf_8_is_named_with_its_line(env, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_bytes(json.dumps(GOOD).encode() + b'\n{"id": "caf\xe9"}\n')
    line = refused(env, *probe(tmp_path / "run", "policy:echo", "--instructions", file))
    assert f"{file}:2" in line
    assert "UTF-8" in line


def test_an_unknown_probe_is_told_which_there_are(env):
    line = refused(env, "probe", "found", "--model", "policy:echo")
    assert "no probe is called 'found'; there are: " in line
    assert "lost, missing" in line


def test_an_unreachable_endpoint_is_told_with_its_address(env, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        line = refused(env, *probe(tmp_path, f"{address}#m"))
    assert address in line
    assert "no server answers there" in line
    assert lines(tmp_path) == 0


# What a run survives


def test_what_no_later_call_could_survive_ends_the_run_and_keeps_what_is_finished(
    env, server, tmp_path
):
    server.spoil = lambda number, said: (401, {"error": "key expired"}) if number > 6 else None
    code, _, err = uptake(env, *probe(tmp_path, server.model))
    assert code == 2
    (line,) = err
    assert "the key was refused (401): key expired" in line
    kept = lines(tmp_path)
    assert 0 < kept < 6
    server.spoil = lambda number, said: None
    assert uptake(env, *probe(tmp_path, server.model))[0] == 0
    assert lines(tmp_path) == 6


def test_too_many_requests_are_waited_out_and_nothing_fails(env, server, tmp_path):
    busy = (429, {"error": "slow down"}, {"retry-after": "0.05"})
    server.spoil = lambda number, said: busy if number % 2 else None
    code, _, err = uptake(env, *probe(tmp_path, server.model))
    assert (code, err) == (0, [])
    assert [e.error for e in episodes(tmp_path)] == [None] * 6
    assert server.tokens // 100 > 6  # asked again


def completion(text):
    message = {"role": "assistant", "content": text}
    return {"choices": [{"message": message, "finish_reason": "stop"}]}


SPOILT = {
    "too long": ((200, completion("a" * 2_000_000)), "the reply is longer than 1,048,576 bytes"),
    "not UTF-8": ((200, b'{"choices": [{"message": {"content": "\xff"}}]}'), "byte 0xff at"),
    "half a character": ((200, completion("\ud83d")), "half of a surrogate pair"),
    "empty": ((200, completion(" ")), "the reply is empty (finish_reason 'stop')"),
    "no JSON": ((200, b"<html>\nbad gateway"), "the reply is not JSON (it starts"),
    "come back tomorrow": (
        (429, {"error": "day's limit"}, {"retry-after": "86400"}),
        "it asks to wait 86400 s",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_reply_that_cannot_be_used_costs_its_episode_and_no_other(env, server, tmp_path, name):
    reply, said = SPOILT[name]
    second = toy.generate(3)[1].full
    server.spoil = lambda number, asked: reply if asked == second else None
    code, out, err = uptake(env, *probe(tmp_path, server.model))
    assert code == 0
    assert err == ["uptake: 1 episodes failed; the same command tries them again"]
    assert "1 of 6 episodes failed" in out
    failed = [e for e in episodes(tmp_path) if e.error]
    assert [(e.instruction_id, e.condition, e.score()) for e in failed] == [("toy-1", "full", None)]
    assert said in failed[0].error
    assert "\n" not in failed[0].error
    assert said.partition("(")[0] in (tmp_path / "report.html").read_text()
    server.spoil = lambda number, asked: None
    code, _, err = uptake(env, *probe(tmp_path, server.model))
    assert (code, err) == (0, [])
    assert [e.score() for e in episodes(tmp_path)] == [1.0] * 6
