from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.conversation import thaw
from uptake.instruction import Instruction, Shard
from uptake.instructions import (
    InstructionError,
    read_instructions,
    write_instructions,
    write_lic,
)

OWN = {
    "id": "eggs",
    "full": "A box has 6 eggs. Di buys 3 boxes. How many eggs is that?",
    "shards": [
        "How many eggs is that?",
        {"text": "A box has 6 eggs.", "quantity": "the size of a box", "value": "6"},
        {"text": "The shop is far.", "needed": False},
    ],
    "answer": 18,
    "meta": {"by": "hand"},
}
LIC = {
    "question": "A hen lays 2 eggs a day. How many eggs does it lay in a week?",
    "answer": "How many eggs? ** 2 * 7 = <<2*7=14>>14 eggs.\n#### 14",
    "task_id": "sharded-hens/1",
    "shards": [
        {"shard_id": 1, "shard": "How many eggs does a hen lay in a week?"},
        {"shard_id": 2, "shard": "It lays 2 eggs a day."},
    ],
    "task": "math",
}
ADD = {
    "question": "A farm of 500 hens doubles. How many hens has it?",
    "answer": "500 * 2 = <<500*2=1000>>1,000\n#### 1,000",
    "shards": ["how many hens has it?", "A farm has 500 hens", "Its hens double"],
    "task_id": "hens/2",
}
REFINE = {
    "task_id": "hens/3",
    "shards": [
        {"shard_id": 0, "shard": "how many hens has it"},
        {"shard_id": 1, "shard": "A farm has 500 hens"},
        {"shard_id": 2, "shard": "it loses 20 hens!"},
    ],
    "modification_type": "numeric",
    "modified_shard": [
        {"shard_id": 2, "shard": "it loses 50 hens!"},
        {"shard_id": 1, "shard": "A farm has 500 hens"},
    ],
    "answer": "#### 480",
}


def lines(*rows: Any) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def read(folder: Path, content: str | bytes, name: str = "some.jsonl") -> list[Instruction]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_instructions(path)


def refused(folder: Path, content: str | bytes, name: str = "some.jsonl") -> str:
    """What the one line of the error says after the folder."""
    with pytest.raises(InstructionError) as caught:
        read(folder, content, name)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{folder}/{name}:")
    return line.removeprefix(f"{folder}/{name}:")


def test_own_lines(tmp_path: Path):
    assert read(tmp_path, lines(OWN)) == [
        Instruction(
            id="eggs",
            domain="math",
            full=str(OWN["full"]),
            shards=(
                Shard("How many eggs is that?"),
                Shard("A box has 6 eggs.", quantity="the size of a box", value="6"),
                Shard("The shop is far.", needed=False),
            ),
            answer="18",
            meta={"by": "hand"},
        )
    ]


def test_lost_in_conversation(tmp_path: Path):
    [one] = read(tmp_path, json.dumps([LIC], indent=4), "lic.json")
    assert one == Instruction(
        id="sharded-hens/1",
        domain="math",
        full=str(LIC["question"]),
        shards=(Shard("How many eggs does a hen lay in a week?"), Shard("It lays 2 eggs a day.")),
        answer="14",
        meta={"solution": LIC["answer"]},
    )


def test_shards_as_strings(tmp_path: Path):
    [one] = read(tmp_path, lines(ADD))
    assert [shard.text for shard in one.shards] == ADD["shards"]
    assert (one.id, one.answer) == ("hens/2", "1000")


def test_wrong_values_find_their_shards_by_number(tmp_path: Path):
    [one] = read(tmp_path, lines(REFINE))
    assert [shard.contradicted for shard in one.shards] == [None, None, "it loses 50 hens!"]
    assert one.full == "A farm has 500 hens. It loses 20 hens! How many hens has it?"
    assert thaw(one.meta) == {"modification_type": "numeric", "full_from_shards": True}


def test_empty_shards_that_pad_a_row_are_passed_over(tmp_path: Path):
    padded = {**LIC, "shards": [*LIC["shards"], {"shard_id": 3, "shard": ""}]}
    assert read(tmp_path, lines(padded)) == read(tmp_path, lines(LIC))


def test_a_file_may_mix_formats_and_leave_lines_blank(tmp_path: Path):
    found = read(tmp_path, "\ufeff" + lines(OWN, ADD) + "\n  \r\n" + lines(REFINE, LIC).rstrip())
    assert [one.id for one in found] == ["eggs", "hens/2", "hens/3", "sharded-hens/1"]


def test_gzip_is_seen_by_content_not_by_name(tmp_path: Path):
    assert read(tmp_path, gzip.compress(lines(OWN).encode()), "a.jsonl") == read(
        tmp_path, lines(OWN), "b.gz"
    )


def test_one_id_twice_is_told_apart(tmp_path: Path):
    rows = [{**OWN, "id": name} for name in ("a", "a#2", "a", "a")]
    assert [one.id for one in read(tmp_path, lines(*rows))] == ["a", "a#2", "a#3", "a#4"]


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (without(OWN, "id"), 'missing key "id"; add it'),
        (without(OWN, "answer"), 'missing key "answer"; add it'),
        (without(OWN, "full"), 'no "full" and no "question"; add the whole request as "full"'),
        (without(LIC, "task_id"), 'missing key "task_id"; add it'),
        (without(LIC, "question"), 'missing key "question"; add it'),
        (without(ADD, "shards"), 'missing key "shards"; add a list'),
        ({**OWN, "shards": []}, '"shards" is not a list with an item; list texts'),
        ({**OWN, "shards": "one"}, '"shards" is not a list'),
        ({**OWN, "shards": [3]}, "shard 0 is not text; write a string"),
        ({**OWN, "shards": ["a", " "]}, '"text" is not a text with words in it'),
        ({**OWN, "shards": [{"text": "a", "need": 1}]}, 'unknown key "need" in shard 0; known are'),
        ({**OWN, "shards": [{"text": "a", "needed": "no"}]}, '"needed" is neither true nor false'),
        ({**OWN, "shards": [{"text": "a", "value": 6}]}, '"value" is not a text'),
        ({**OWN, "gold": "18"}, 'unknown key "gold"; put what is yours under "meta"'),
        ({**OWN, "meta": [1]}, '"meta" is not an object'),
        ({**OWN, "full": ""}, '"full" is not a text with words in it'),
        ({**OWN, "full": "\ud800"}, '"full" holds half of a character'),
        ({**OWN, "answer": True}, '"answer" is not a text'),
        ({**LIC, "answer": "fourteen"}, '"answer" does not end in a number; end it with "#### 42"'),
        ({**LIC, "shards": [7]}, "shard 0 is not text"),
        ({**LIC, "shards": [{"shard_id": "one", "shard": "a"}]}, '"shard_id" of shard 0 is not a'),
        ({**REFINE, "modified_shard": "none"}, '"modified_shard" is not a list'),
        (["a"], "a list, not an object; write {…} a line"),
        (3, "a int, not an object"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, row: Any, said: str):
    assert refused(tmp_path, lines(OWN) + "\n" + lines(row, OWN)).startswith(f"3: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lines(OWN) + '{"id": "b", "full"', "2: not JSON (Expecting ':' delimiter, column 19)"),
        (lines(OWN) + "nonsense\n", "2: not JSON (Expecting value, column 1); write one whole"),
        (lines(OWN) + lines(OWN).strip() + "{}", "2: more after the first object; write one"),
        (lines(OWN).encode() + b'{"id": "\xff"}\n', "2: byte 9 (0xff) is not UTF-8; save the file"),
        ('{"id": ' + "9" * 5000 + "}", "1: Exceeds the limit"),
        ("[" * 100_000, "1: nested too deeply; write"),
        ("", " no instructions in it; write one JSON object a line"),
        ("[]", " no instructions in it"),
        (b"\x1f\x8b broken", " broken gzip"),
        (gzip.compress(lines(OWN).encode())[:-9], " broken gzip"),
        ('\n[\n {"id": 1,\n  x}]', "4: not JSON"),
        ('[\n {"id": "a"}\n {"id": "b"}]', "3: not JSON (Expecting ',' delimiter"),
        ("[\n" + json.dumps(OWN) + "\n] x", "3: more after the array; remove what follows"),
        (b"[\n\n\xff]", "3: byte 1 (0xff) is not UTF-8"),
    ],
)
def test_a_broken_file_is_named_by_its_line(tmp_path: Path, content: str | bytes, said: str):
    assert refused(tmp_path, content).startswith(said)


def test_a_wrong_row_of_an_array_is_named_by_its_line(tmp_path: Path):
    rows = json.dumps([LIC, without(LIC, "answer")], indent=1)
    wanted = 1 + rows[: rows.rindex('"question"')].count("\n") - 1
    assert refused(tmp_path, rows).startswith(f'{wanted}: missing key "answer"')
    assert refused(tmp_path, "[" + json.dumps(OWN) + ',{"id": "b"}]').startswith('1: no "full"')


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path):
    with pytest.raises(InstructionError, match=r"absent\.jsonl: No such file .*; give the path"):
        read_instructions(tmp_path / "absent.jsonl")
    with pytest.raises(InstructionError, match=r": Is a directory; give the path"):
        read_instructions(tmp_path)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
MAYBE = st.none() | WORDS
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=5,
)
SHARDS = st.builds(Shard, WORDS, st.booleans(), MAYBE, MAYBE, MAYBE, MAYBE)
# The keys that a reader gives a meaning are the ones a round trip could lose.
META_KEYS = WORDS | st.sampled_from(["solution", "gold", "meta", "question", "full", "task_id"])
INSTRUCTIONS = st.builds(
    Instruction,
    id=WORDS,
    domain=st.just("math") | WORDS,
    full=WORDS,
    shards=st.lists(SHARDS, min_size=1, max_size=4).map(tuple),
    answer=st.integers().map(str) | st.just("1,000") | st.just("#### 7") | WORDS,
    meta=st.dictionaries(META_KEYS, JSON | st.just("so 7\n#### 7"), max_size=3),
)
MANY = st.lists(INSTRUCTIONS, min_size=1, max_size=3, unique_by=lambda one: one.id)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


@given(MANY, st.sampled_from(["a.jsonl", "a.jsonl.gz"]))
def test_own_lines_lose_nothing(folder: Path, instructions: list[Instruction], name: str):
    write_instructions(folder / name, instructions)
    assert read_instructions(folder / name) == instructions


@given(MANY, st.sampled_from(["a.json", "a.json.gz"]))
def test_lost_in_conversation_files_lose_nothing(
    folder: Path, instructions: list[Instruction], name: str
):
    write_lic(folder / name, instructions)
    assert read_instructions(folder / name) == instructions


def test_a_lost_in_conversation_file_comes_back_as_it_was(tmp_path: Path):
    write_lic(tmp_path / "out.json", read(tmp_path, json.dumps([LIC])))
    assert json.loads((tmp_path / "out.json").read_text()) == [LIC]


def test_what_is_written_has_the_keys_others_read(tmp_path: Path):
    write_lic(tmp_path / "out.json", read(tmp_path, lines(OWN, REFINE)))
    for row in json.loads((tmp_path / "out.json").read_text()):
        assert {"question", "answer", "task_id", "shards", "task"} <= row.keys()
        assert [shard["shard_id"] for shard in row["shards"]] == [1, 2, 3]
        assert "####" in row["answer"]


def test_gzip_of_the_same_is_the_same_bytes(tmp_path: Path):
    found = read(tmp_path, lines(OWN))
    for name in ("a.gz", "b.gz"):
        write_instructions(tmp_path / name, found)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


DOCS = (Path(__file__).parent.parent / "docs" / "instructions.md").read_text()


def test_the_example_in_the_docs_is_read(tmp_path: Path):
    example = DOCS.partition("```jsonl\n")[2].partition("```")[0]
    found = read(tmp_path, example)
    assert [one.answer for one in found] == ["18", "55"]
    assert found[0].needed == {0, 1, 2}


def test_the_python_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.jsonl").write_text(lines(OWN, LIC, REFINE))
    exec(DOCS.partition("```python\n")[2].partition("```")[0], {})
    assert read_instructions("again.jsonl") == read_instructions("mine.jsonl")


def test_the_errors_in_the_docs_are_what_is_said(tmp_path: Path):
    need = {"text": "a", "need": True}
    assert 'mine.jsonl:7: missing key "answer"; add it' in DOCS
    assert refused(tmp_path, lines(without(OWN, "answer"))) == '1: missing key "answer"; add it'
    line = refused(tmp_path, lines({**OWN, "shards": ["a", need]})).removeprefix("1: ")
    assert f"mine.jsonl:9: {line}\n" in DOCS
    line = refused(tmp_path, b'{"id": "' + b"x" * 22 + b"\xff").removeprefix("1: ")
    assert f"mine.jsonl:12: {line}\n" in DOCS
