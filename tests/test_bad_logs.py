"""Logs that are broken, huge or none at all: one clear line each, and nothing else is lost."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest
import zstandard
from command import surroundings, uptake

GOOD = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hi!"}]}
SHARE = {"conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Hello!"}]}
NARRATED = {"messages": [*GOOD["messages"], {"role": "narrator", "content": "Night fell."}]}
GIB = 1 << 30


@pytest.fixture
def env(tmp_path):
    return surroundings(tmp_path)


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def huge(path):
    """A good line, a line of 1 GiB, and a good line."""
    piece = b"x" * (1 << 20)
    with path.open("wb") as raw, zstandard.ZstdCompressor(level=1).stream_writer(raw) as packed:
        packed.write(lines(GOOD) + b'{"messages": "')
        for _ in range(GIB // len(piece)):
            packed.write(piece)
        packed.write(b'"}\n' + lines(GOOD))


def test_a_folder_of_all_that_can_be_wrong_costs_what_is_wrong_alone(tmp_path, env):
    logs = tmp_path / "logs"
    logs.mkdir()
    whole = gzip.compress(lines(*[GOOD] * 2000), mtime=0)
    (logs / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (logs / "mixed.jsonl").write_bytes(lines(GOOD, SHARE) + b"{oh\n" + lines({"a": 1}, GOOD))
    (logs / "binary.jsonl").write_bytes(b"\x7fELF\x00\x01" * 500)
    (logs / "empty.jsonl").write_bytes(b"")
    (logs / "roles.jsonl").write_bytes(lines(NARRATED))
    code, said, err = uptake(env, "audit", logs, "-o", tmp_path / "out")
    assert (code, err) == (0, [])
    written = (tmp_path / "out" / "faults.jsonl").read_text().splitlines()
    faults = [json.loads(line) for line in written]
    why = {(fault["file"].rpartition("/")[2], fault["line"]): fault["why"] for fault in faults}
    assert set(why) == {
        ("binary.jsonl", None),
        ("cut.jsonl.gz", None),
        ("empty.jsonl", None),
        ("mixed.jsonl", 3),
        ("mixed.jsonl", 4),
    }
    assert why["binary.jsonl", None] == "binary, not a log of text"
    assert why["empty.jsonl", None] == "empty"
    assert "copy or compress the file again" in why["cut.jsonl.gz", None]
    assert why["mixed.jsonl", 3].startswith("not JSON")
    assert why["mixed.jsonl", 4] == "of no format that is known; its keys are a"
    assert "narrator (1)" in said
    read = json.loads((tmp_path / "out" / "audit.json").read_bytes())["findings"]["conversations"]
    assert read > 3 + 1  # what the cut archive still gave, too


MEASURED = """
import sys
from uptake.cli import main
try:
    main()
finally:  # not ru_maxrss, in which a process inherits its parent's
    held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(held.split()[1], file=sys.stderr)
"""


def measured(env, *words):
    """Code, standard output, and the most memory that the process held, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, words)],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout, int(done.stderr.split()[-1]) >> 10


def test_a_line_of_a_gibibyte_is_passed_over_in_little_memory(tmp_path, env):
    huge(tmp_path / "huge.jsonl.zst")
    words = ("audit", tmp_path / "huge.jsonl.zst", "-o", tmp_path / "out", "--processes", 1)
    code, said, memory = measured(env, *words)
    assert code == 0
    assert "2 conversations" in said
    squeezed = " ".join(said.split())
    assert "huge.jsonl.zst:2: a line of 1,024 MiB; the longest that is read is 64" in squeezed
    assert memory < 400


def test_memory_does_not_grow_with_conversations_of_one_turn(tmp_path, env):
    """Forty times as many take no more than a little for what was counted."""
    ask = {"messages": [{"role": "user", "content": "What is the weather like in Oslo today?"}]}
    held = []
    for n in (500, 20_000):
        path = tmp_path / f"{n}.jsonl"
        path.write_bytes(lines(ask) * n)
        words = ("audit", path, "-o", tmp_path / f"out{n}", "--processes", 1)
        code, said, memory = measured(env, *words)
        assert code == 0
        assert f"{n:,} conversations, {n:,} turns" in said
        assert "nothing to audit" in said
        held.append(memory)
    assert held[1] < held[0] + 40
