"""Files of GSM8K, HumanEval and BFCL as they are downloaded. The rows are made up."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from uptake.conversation import thaw
from uptake.domains import domain
from uptake.instruction import Instruction
from uptake.instructions import (
    InstructionError,
    read_instructions,
    write_instructions,
    write_lic,
)

GSM8K = {
    "question": "Ida bakes 12 rolls. She eats 3. How many rolls are left?",
    "answer": "12 - 3 = <<12-3=9>>9 rolls are left.\n#### 9",
}
HUMANEVAL = {
    "task_id": "HumanEval/900",
    "prompt": 'def triple(x: int) -> int:\n    """Give three times x.\n    >>> triple(2)\n    6\n'
    '    """\n',
    "entry_point": "triple",
    "canonical_solution": "    return 3 * x\n",
    "test": "def check(candidate):\n    assert candidate(2) == 6\n    assert candidate(-1) == -3\n",
}
LIGHT = {
    "name": "lamp.set",
    "description": "Sets a lamp.",
    "parameters": {
        "type": "dict",
        "properties": {
            "room": {"type": "string"},
            "level": {"type": "integer"},
            "mode": {"type": "string", "enum": ["warm", "cold"]},
        },
        "required": ["room", "level"],
    },
}
BFCL = {
    "id": "parallel_0",
    "question": [[{"role": "user", "content": "Set the lamps in hall and attic to 40."}]],
    "function": [LIGHT],
}
GOLD = {
    "id": "parallel_0",
    "ground_truth": [
        {"lamp.set": {"room": ["hall", "the hall"], "level": [40], "mode": ["", "cold"]}},
        {"lamp.set": {"room": ["attic"], "level": [40], "mode": ["as it is"]}},
    ],
}


def lines(*rows: Any) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def read(folder: Path, *rows: Any, name: str = "some.json") -> list[Instruction]:
    (folder / name).write_text(lines(*rows))
    return read_instructions(folder / name)


def refused(folder: Path, *rows: Any) -> str:
    with pytest.raises(InstructionError) as caught:
        read(folder, *rows)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}/some.json:")


def gold(folder: Path, *rows: Any, name: str = "some.json") -> None:
    (folder / "possible_answer").mkdir(exist_ok=True)
    (folder / "possible_answer" / name).write_text(lines(*rows))


def score(one: Instruction, reply: str) -> float | None:
    return domain(one.domain).verify(one, reply).score


def nothing_is_lost(folder: Path, one: Instruction) -> bool:
    write_instructions(folder / "own.jsonl", [one])
    write_lic(folder / "lic.json", [one])
    return (
        read_instructions(folder / "own.jsonl") == read_instructions(folder / "lic.json") == [one]
    )


def test_gsm8k_as_it_is_downloaded(tmp_path: Path):
    packed = tmp_path / "train.jsonl.gz"
    packed.write_bytes(gzip.compress(lines(GSM8K, GSM8K).encode()))
    one, other = read_instructions(packed)
    assert (one.id, other.id) == ("gsm8k/1", "gsm8k/2")
    assert (one.domain, one.full, one.answer) == ("math", GSM8K["question"], "9")
    assert [shard.text for shard in one.shards] == [GSM8K["question"]]
    assert score(one, "So 9 rolls are left.") == 1.0
    assert score(one, "So 8 rolls are left.") == 0.0
    assert nothing_is_lost(tmp_path, one)


def test_gsm8k_may_have_ids_of_its_own(tmp_path: Path):
    assert [one.id for one in read(tmp_path, {**GSM8K, "id": 7}, {**GSM8K, "id": "b"})] == [
        "7",
        "b",
    ]


def test_humaneval_as_it_is_downloaded(tmp_path: Path):
    packed = tmp_path / "HumanEval.jsonl.gz"
    packed.write_bytes(gzip.compress(lines(HUMANEVAL).encode()))
    (one,) = read_instructions(packed)
    assert (one.id, one.domain, len(one.shards)) == ("HumanEval/900", "code", 1)
    assert HUMANEVAL["prompt"].strip() in one.full
    assert score(one, f"```python\n{one.answer}```") == 1.0
    assert score(one, "```python\ndef triple(x):\n    return x\n```") == 0.0
    assert nothing_is_lost(tmp_path, one)


def test_bfcl_takes_the_calls_from_the_file_beside_it(tmp_path: Path):
    gold(tmp_path, GOLD, name="BFCL_v4_parallel.json")
    (one,) = read(tmp_path, BFCL, name="BFCL_v4_parallel.json")
    assert (one.id, one.domain, len(one.shards)) == ("parallel_0", "actions", 1)
    assert one.full.startswith("Set the lamps in hall and attic to 40.\n\nYou can call")
    assert nothing_is_lost(tmp_path, one)
    assert score(one, one.answer) == 1.0  # what the oracle says
    right = "lamp.set(room='Attic', level=40, mode='as it is')"
    assert score(one, f"[lamp.set(room='the hall', level=40), {right}]") == 1.0
    assert score(one, f"[lamp.set(room='the hall', level=41), {right}]") == 0.0
    assert score(one, f"[lamp.set(room='the hall'), {right}]") == 0.0
    assert score(one, "I set both lamps.") == 0.0


def test_bfcl_tells_what_the_system_says_first(tmp_path: Path):
    said = [{"role": "system", "content": "Rooms have names."}, *BFCL["question"][0]]
    gold(tmp_path, GOLD)
    (one,) = read(tmp_path, {**BFCL, "question": [said]})
    assert one.full.startswith("Rooms have names.\n\nSet the lamps")


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


TURN = [{"role": "user", "content": "Go on."}]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**GSM8K, "shard": ["a"]}, 'unknown key "shard"; a list of shards is called "shards"'),
        ({**GSM8K, "answer": "nine"}, '"answer" does not end in a number; end it with "#### 42"'),
        ({**GSM8K, "question": ""}, '"question" is not a text with words in it'),
        ({**GSM8K, "id": [1]}, '"id" is not a text with words in it'),
        (without(GSM8K, "answer"), 'missing key "answer"; add it'),
        (without(GSM8K, "question"), 'no "full" and no "question"'),
        (without(HUMANEVAL, "test"), 'missing key "test"; add it'),
        (without(HUMANEVAL, "task_id"), 'missing key "task_id"; add it'),
        ({**HUMANEVAL, "entry_point": "treble"}, "\"prompt\" defines no function 'treble'"),
        ({**HUMANEVAL, "test": "assert True"}, '"test" defines no function "check"'),
        ({**BFCL, "id": "parallel_1"}, "no answer for 'parallel_1' in "),
        ({**BFCL, "function": []}, '"function" is not a list with an item'),
        ({**BFCL, "question": [TURN, TURN]}, "a row that runs on the leaderboard's own simulated"),
        ({**BFCL, "involved_classes": ["A"]}, "a row that runs on the leaderboard's own simulated"),
        ({**BFCL, "id": "live_irrelevance_3"}, "a row without a right call"),
        ({**BFCL, "id": "simple_java_3"}, "a row for java; the categories simple"),
        ({**BFCL, "id": "javascript_3"}, "a row for javascript; the categories simple"),
        ({**BFCL, "question": []}, '"question" is not [[{"role"'),
        ({**BFCL, "question": ["a"]}, '"question" is not [[{"role"'),
        (
            {**BFCL, "question": [[{"role": "assistant", "content": "Hm."}]]},
            'a message of "question" is not the user\'s',
        ),
        ({"task_id": "t", "task": "translation", "shards": [], "document_en": "a"}, "task 'tra"),
        (
            {"task_id": "t", "task": "data2text", "shards": ["a"]},
            'a row of task "data2text" has no',
        ),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, row: Any, said: str):
    gold(tmp_path, GOLD)
    assert refused(tmp_path, BFCL, row).startswith(f"2: {said}")


def test_without_the_right_calls_it_says_where_they_go(tmp_path: Path):
    line = refused(tmp_path, BFCL)
    assert line.startswith("1: the right calls are missing; put them in ")
    assert f"{tmp_path}/possible_answer/some.json" in line


def test_a_wrong_line_of_the_right_calls_is_named_in_its_own_file(tmp_path: Path):
    gold(tmp_path, GOLD, {"id": "parallel_1"})
    with pytest.raises(InstructionError, match=r"possible_answer/some\.json:2: no \"id\" with a"):
        read(tmp_path, BFCL)


def test_formats_may_be_mixed_and_ids_repeated(tmp_path: Path):
    gold(tmp_path, GOLD)
    found = read(tmp_path, GSM8K, HUMANEVAL, BFCL, HUMANEVAL, {"id": "a", "full": "b", "answer": 1})
    assert [one.id for one in found] == [
        "gsm8k/1",
        "HumanEval/900",
        "parallel_0",
        "HumanEval/900#2",
        "a",
    ]
    assert thaw(found[2].meta)["acceptable"] == GOLD["ground_truth"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(lines(GSM8K).encode())[:-12], " broken gzip"),
        (b"", " no instructions in it"),
        (b"\x89PNG\r\n\x1a\n\0\0", "1: byte 1 (0x89) is not UTF-8"),
        (b"PK\x03\x04 not text", "1: not JSON"),
        (lines(GSM8K).encode()[:-30], "1: not JSON"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(InstructionError) as caught:
        read_instructions(path)
    assert str(caught.value).removeprefix(f"{path}:").startswith(said)
