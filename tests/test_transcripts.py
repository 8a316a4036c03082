"""Logs in every format, packed in every way, broken in many: what is read, and what is said."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from played import run as some_episodes

from uptake.conversation import Conversation
from uptake.transcripts import FORMATS, Fault, Source, Transcript, TranscriptError, read
from uptake.transcripts.grown import grown
from uptake.transcripts.rows import rows

HI, HELLO, MORE = "Book a table.", "For when?", "For Monday."
CALL = {"id": "c1", "name": "find", "arguments": {"day": "Monday"}}
NAMED = {"id": "c1", "function": "find", "arguments": {"day": "Monday"}}


def chat(*texts, first="user"):
    speakers = ("user", "assistant") if first == "user" else ("assistant", "user")
    return [{"role": speakers[i % 2], "content": text} for i, text in enumerate(texts)]


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def parts(role, text):
    return {"role": role, "parts": [{"type": "text", "content": text}]}


SPAN = {
    "traceId": "t1",
    "spanId": "s1",
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": "1700000002000000000",
    "attributes": [
        attribute("gen_ai.request.model", "m"),
        attribute("gen_ai.conversation.id", "k"),
        attribute("gen_ai.input.messages", json.dumps([parts("user", HI)])),
        attribute("gen_ai.output.messages", json.dumps([parts("assistant", HELLO)])),
    ],
}

# Each row once by hand: format, row, id, model, and who said what.
ROWS = {
    "messages": ("openai", {"messages": chat(HI, HELLO)}, "log/1", None, [HI, HELLO]),
    "request and reply": (
        "openai",
        {
            "id": "r1",
            "request": {"model": "m", "messages": chat(HI)},
            "response": {"choices": [{"message": {"role": "assistant", "content": HELLO}}]},
        },
        "r1",
        "m",
        [HI, HELLO],
    ),
    "batch": (
        "openai",
        {
            "custom_id": "b1",
            "body": {"model": "m", "messages": chat(HI)},
            "response": {"body": {"choices": [{"message": {"content": HELLO}}], "model": "m-2"}},
        },
        "b1",
        "m-2",
        [HI, HELLO],
    ),
    "responses": (
        "openai",
        {
            "id": "q",
            "request": {"model": "m", "input": HI},
            "response": {
                "output": [
                    {"type": "message", "role": "assistant", "content": [{"text": HELLO}]},
                ]
            },
        },
        "q",
        "m",
        [HI, HELLO],
    ),
    "input and output": (
        "openai",
        {"id": "l", "input": chat(HI), "output": {"role": "assistant", "content": HELLO}},
        "l",
        None,
        [HI, HELLO],
    ),
    "preferred": (
        "openai",
        {
            "input": {"messages": chat(HI)},
            "preferred_output": [{"role": "assistant", "content": HELLO}],
            "non_preferred_output": [{"role": "assistant", "content": "no"}],
        },
        "log/1",
        None,
        [HI, HELLO],
    ),
    "completion": ("openai", {"prompt": HI, "completion": HELLO}, "log/1", None, [HI, HELLO]),
    "anthropic": (
        "anthropic",
        {
            "id": "a",
            "request": {
                "model": "c",
                "system": "Be kind.",
                "max_tokens": 9,
                "messages": [{"role": "user", "content": [{"type": "text", "text": HI}]}],
            },
            "response": {
                "type": "message",
                "role": "assistant",
                "model": "c-1",
                "content": [{"type": "thinking", "thinking": "h"}, {"type": "text", "text": HELLO}],
            },
        },
        "a",
        "c-1",
        ["Be kind.", HI, HELLO],
    ),
    "sharegpt": (
        "sharegpt",
        {
            "id": "s",
            "conversations": [{"from": "human", "value": HI}, {"from": "gpt", "value": HELLO}],
        },
        "s",
        None,
        [HI, HELLO],
    ),
    "wildchat": (
        "wildchat",
        {"conversation_hash": "w", "model": "gpt", "conversation": chat(HI, HELLO)},
        "w",
        "gpt",
        [HI, HELLO],
    ),
    "lic": (
        "lic",
        {
            "conv_id": "x",
            "assistant_model": "g",
            "score": 0.0,
            "trace": [
                {"role": "user", "content": HI, "timestamp": "2025-04-04 21:10:39"},
                {"role": "log", "content": {"type": "hint_revealed", "hint_id": 1}},
                {"role": "assistant", "content": HELLO, "timestamp": "2025-04-04 21:10:49"},
            ],
        },
        "x",
        "g",
        [HI, HELLO],
    ),
    "tau2": (
        "tau2",
        {
            "info": {"agent_info": {"llm": "g"}},
            "simulations": [
                {"id": "u", "reward_info": {"reward": 1.0}, "messages": chat(HI, HELLO)}
            ],
        },
        "u",
        "g",
        [HI, HELLO],
    ),
    "tau": ("tau2", {"task_id": 3, "reward": 0, "traj": chat(HI, HELLO)}, "3/0", None, [HI, HELLO]),
    "inspect": (
        "inspect",
        {
            "eval": {"model": "p/m", "task": "t"},
            "samples": [{"id": 7, "epoch": 2, "messages": chat(HI, HELLO)}],
        },
        "7/2",
        "p/m",
        [HI, HELLO],
    ),
    "otlp": (
        "spans",
        {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]},
        "k",
        "m",
        [HI, HELLO],
    ),
    "openinference": (
        "spans",
        {
            "context": {"trace_id": "t", "span_id": "s"},
            "attributes": {
                "llm.model_name": "m",
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": HI,
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.content": HELLO,
            },
        },
        "t/s",
        "m",
        [HI, HELLO],
    ),
    "phoenix": (
        "spans",
        {
            "context.trace_id": "t",
            "context.span_id": "s",
            "attributes.session.id": "z",
            "attributes.llm.input_messages": [{"message.role": "user", "message.content": HI}],
            "attributes.llm.output_messages": [
                {"message": {"role": "assistant", "content": HELLO}}
            ],
        },
        "z",
        None,
        [HI, HELLO],
    ),
    "span events": (
        "spans",
        {
            "context": {"trace_id": "t", "span_id": "s"},
            "attributes": {"gen_ai.request.model": "m"},
            "events": [
                {"name": "gen_ai.user.message", "attributes": {"content": HI}},
                {
                    "name": "gen_ai.choice",
                    "attributes": {"message": json.dumps({"content": HELLO})},
                },
            ],
        },
        "t/s",
        "m",
        [HI, HELLO],
    ),
    "openllmetry": (
        "spans",
        {
            "context": {"trace_id": "t", "span_id": "s"},
            "attributes": {
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": HI,
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.content": HELLO,
            },
        },
        "t/s",
        None,
        [HI, HELLO],
    ),
}


def written(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def texts(found):
    return [message.text for message in found.conversation]


def good(found):
    return [each for each in found if isinstance(each, Transcript)]


def faults(found):
    return [str(each) for each in found if isinstance(each, Fault)]


@pytest.mark.parametrize("name", ROWS)
def test_each_format_is_known_and_read(tmp_path, name):
    form, row, ident, model, said = ROWS[name]
    path = written(tmp_path / "log.jsonl", row)
    for found in (list(read(path)), list(read(path, form=form))):
        assert faults(found) == []
        (one,) = found
        assert (one.format, one.id, one.model) == (form, ident, model)
        assert texts(one) == said
        assert [m.role for m in one.conversation][-2:] == ["user", "assistant"]
        assert one.source == Source(str(path), 1)


def test_every_format_of_the_table_has_a_row_here():
    assert {form for form, *_ in ROWS.values()} | {"uptake"} == set(FORMATS)


def test_own_episodes_are_read_as_they_were_played(tmp_path):
    played = [e for e in some_episodes() if e.turns][:5]
    found = list(read(written(tmp_path / "episodes.jsonl", *(e.to_dict() for e in played))))
    assert [one.conversation for one in found] == [e.conversation() for e in played]
    assert {one.format for one in found} == {"uptake"}


def test_times_models_and_what_lies_beside_are_kept(tmp_path):
    (lic,) = read(written(tmp_path / "a.jsonl", ROWS["lic"][1]))
    assert lic.times == (1743801039.0, 1743801049.0)
    assert lic.meta["log"] == [{"after": 1, "type": "hint_revealed", "hint_id": 1}]
    (span,) = read(written(tmp_path / "b.jsonl", ROWS["otlp"][1]))
    assert span.times == (1700000000.0, 1700000002.0)
    assert (span.meta["trace"], span.meta["span"], span.meta["session"]) == ("t1", "s1", "k")
    (tau,) = read(written(tmp_path / "c.jsonl", ROWS["tau2"][1]))
    assert tau.meta["reward"] == 1.0


def test_tool_calls_read_the_same_in_every_format(tmp_path):
    anthropic = {
        "messages": [
            {"role": "user", "content": HI},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", **CALL, "input": CALL["arguments"]}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "2"}],
            },
        ]
    }
    tau = {"traj": [*chat(HI), {"role": "assistant", "content": None, "tool_calls": [CALL]}]}
    inspect = {
        "eval": {"model": "m"},
        "samples": [
            {
                "id": 1,
                "messages": [
                    *chat(HI),
                    {"role": "assistant", "content": "", "tool_calls": [NAMED]},
                ],
            }
        ],
    }
    part = {"type": "tool_call", **CALL}
    span = {
        "context": {"trace_id": "t"},
        "attributes": {
            "gen_ai.input.messages": [parts("user", HI)],
            "gen_ai.output.messages": [{"role": "assistant", "parts": [part]}],
        },
    }
    for i, row in enumerate((anthropic, tau, inspect, span)):
        (one,) = read(written(tmp_path / f"{i}.jsonl", row))
        assert (
            '"name": "find", "arguments": {"day": "Monday"}' in one.conversation.messages[1].written
        )
    (one,) = read(written(tmp_path / "0.jsonl", anthropic))
    assert [m.role for m in one.conversation] == ["user", "assistant", "tool"]


def test_a_battle_is_two_transcripts(tmp_path):
    row = {
        "question_id": "q",
        "model_a": "a",
        "model_b": "b",
        "conversation_a": chat(HI, "1"),
        "conversation_b": chat(HI, "2"),
    }
    found = list(read(written(tmp_path / "log.jsonl", row)))
    assert [(one.id, one.model, texts(one)[-1]) for one in found] == [
        ("q/a", "a", "1"),
        ("q/b", "b", "2"),
    ]


def test_several_of_one_row_have_names_of_their_own(tmp_path):
    row = {"eval": {"model": "m"}, "samples": [{"id": i, "messages": chat(HI)} for i in (1, 1, 2)]}
    sims = {"simulations": [{"messages": chat(HI)}, {"messages": chat(HI)}]}
    for each in (row, sims):
        found = list(read(written(tmp_path / "log.jsonl", each)))
        assert len({one.id for one in found}) == len(found) > 1


def test_an_eval_file_is_read_sample_by_sample(tmp_path):
    path = tmp_path / "x.eval"
    sample = {
        "id": "s",
        "epoch": 1,
        "attachments": {"h": HI},
        "messages": chat("attachment://h", HELLO),
    }
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("header.json", json.dumps({"eval": {"model": "m", "task": "t"}}))
        zipped.writestr("samples/s_epoch_1.json", json.dumps(sample))
    (one,) = read(path)
    assert (one.id, one.model, texts(one)) == ("s/1", "m", [HI, HELLO])
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("other.json", "{}")
    assert "no whole log of Inspect" in faults(read(path))[0]


def test_parquet_is_read_row_by_row(tmp_path):
    table = pyarrow.Table.from_pylist([{**ROWS["wildchat"][1], "turn": 1} for _ in range(600)])
    pyarrow.parquet.write_table(table, tmp_path / "w.parquet")
    found = list(read(tmp_path))
    assert [one.source.line for one in found] == list(range(1, 601))
    assert texts(found[-1]) == [HI, HELLO]
    (tmp_path / "w.parquet").write_bytes((tmp_path / "w.parquet").read_bytes()[:-200])
    assert "broken Parquet" in faults(read(tmp_path))[0]


def utterance(ident, conversation, speaker, text):
    return {
        "id": ident,
        "conversation_id": conversation,
        "speaker": speaker,
        "text": text,
        "reply_to": None,
        "timestamp": 5,
        "meta": {},
    }


def test_a_corpus_of_convokit_is_gathered_though_conversations_mix(tmp_path):
    lines = [
        utterance("1", "a", "ann", HI),
        utterance("2", "b", "eve", "Hey."),
        utterance("3", "a", "bob", HELLO),
        utterance("4", "b", "dan", "Ho."),
        utterance("5", "a", "ann", MORE),
    ]
    written(tmp_path / "utterances.jsonl", *lines)
    (tmp_path / "corpus.json").write_text("{}")
    (tmp_path / "conversations.json").write_text('{"a": {}}')
    found = list(read(tmp_path))
    assert {one.id: texts(one) for one in found} == {"a": [HI, HELLO, MORE], "b": ["Hey.", "Ho."]}
    first = next(one for one in found if one.id == "a").conversation
    assert [m.role for m in first] == ["user", "assistant", "user"]
    assert first.messages[1].extra == {"name": "bob"}


def packed(data, kind):
    if kind == "gz":
        return gzip.compress(data)
    if kind == "zst":
        half = len(data) // 2
        pack = zstandard.ZstdCompressor().compress
        return pack(data[:half]) + pack(data[half:])
    return data


@pytest.mark.parametrize("kind", ["gz", "zst", ""])
def test_files_may_be_packed(tmp_path, kind):
    line = json.dumps(ROWS["messages"][1]).encode() + b"\n"
    (tmp_path / f"log.jsonl.{kind}".rstrip(".")).write_bytes(packed(line * 5000, kind))
    assert len(good(read(tmp_path))) == 5000


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_file_that_breaks_off_says_so_and_gives_what_it_has(tmp_path, kind):
    line = b"".join(
        json.dumps({"messages": chat(f"{i} {hash(str(i))}", "ok")}).encode() + b"\n"
        for i in range(3000)
    )
    (tmp_path / f"log.jsonl.{kind}").write_bytes(packed(line, kind)[:-4000])
    found = list(read(tmp_path))
    assert len(good(found)) > 1000
    assert "what follows in this file is not read" in faults(found)[-1]


def test_files_folders_patterns_and_standard_input(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    a = written(tmp_path / "in" / "a.jsonl", ROWS["messages"][1])
    b = written(tmp_path / "b.jsonl", ROWS["messages"][1])
    assert [one.source.file for one in read(a, b)] == [str(a), str(b)]
    assert [one.source.file for one in read(tmp_path)] == [str(b), str(a)]
    assert [one.source.file for one in read(f"{tmp_path}/**/*.jsonl")] == [str(b), str(a)]
    assert len(list(read(a, a))) == 1
    stream = io.BufferedReader(io.BytesIO(gzip.compress(a.read_bytes())))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    assert [texts(one) for one in read("-")] == [[HI, HELLO]]


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.jsonl", "no such file"), ("*.nothing", "no such file"), ("empty", "without logs")],
)
def test_what_is_not_there_is_an_error_before_anything_is_read(tmp_path, name, words):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TranscriptError, match=words):
        list(read(tmp_path / name))


def test_an_unknown_format_is_an_error(tmp_path):
    path = written(tmp_path / "log.jsonl", ROWS["messages"][1])
    with pytest.raises(TranscriptError, match="no format 'chatgpt'; known are anthropic"):
        list(read(path, form="chatgpt"))


BROKEN = {
    b"": "empty",
    b"\n  \n": "empty",
    b"\x00\x01\x02binary" * 100: "binary",
    b'{"messages": [': "log.jsonl:1: not JSON",
    b'{"a": "\xff"}\n': "byte 8 (0xff) is not UTF-8",
    b"7\n": "an int, not an object".replace("an int", "a int"),
    b"[" * 100_000 + b"\n": "log.jsonl",
    b'{"weather": "fine"}\n': "of no format that is known; its keys are weather",
    b'{"messages": [{"content": "who?"}]}\n': "broken openai",
    b'{"messages": [{"role": "narrator", "content": "x"}]}\n': "the roles are narrator",
    b'{"conversations": [{"from": "human"}]}\n': "broken sharegpt",
    b'{\n "messages": [\n  {"role": "user", "content": "a"\n ]\n}\n': "log.jsonl:4: not JSON",
    b'[\n {"messages": []},\n {"messages": [}\n]\n': "log.jsonl:3: not JSON",
}


@pytest.mark.parametrize("data", BROKEN)
def test_bad_input_is_one_line_that_says_where(tmp_path, data):
    (tmp_path / "log.jsonl").write_bytes(data)
    said = faults(read(tmp_path / "log.jsonl"))
    assert any(BROKEN[data] in line for line in said)
    assert all("\n" not in line for line in said)


def test_a_broken_line_costs_that_line_alone(tmp_path):
    line = json.dumps(ROWS["messages"][1])
    (tmp_path / "log.jsonl").write_text(f"{line}\n{line[:-9]}\n\n{line}\nnull\n{line}")
    found = list(read(tmp_path))
    assert [one.source.line for one in good(found)] == [1, 4, 6]
    assert [each.line for each in found if isinstance(each, Fault)] == [2, 5]


def test_a_line_too_long_is_passed_over():
    line = json.dumps(ROWS["messages"][1])
    data = f"{line}\n{'x' * (3 << 20)}\n{line}\n".encode()
    found = list(rows(io.BytesIO(data), "f", longest=1 << 16))
    assert [item[0] for item in found if not isinstance(item, Fault)] == [1, 3]
    assert "f:2: a line of 3 MiB; the longest that is read is 0.0625" in map(str, found)


@pytest.mark.parametrize("indent", [None, 2])
def test_arrays_and_documents_are_read_like_lines(tmp_path, indent):
    items = [ROWS[name][1] for name in ("messages", "sharegpt", "wildchat", "otlp")]
    (tmp_path / "log.json").write_text(json.dumps(items, indent=indent))
    found = list(read(tmp_path))
    assert [one.format for one in found if isinstance(one, Transcript)].count("spans") == 1
    assert len(good(found)) == 4
    (tmp_path / "log.json").write_text(json.dumps(ROWS["tau2"][1], indent=indent))
    assert [one.id for one in read(tmp_path)] == ["u"]
    (tmp_path / "log.json").write_text(json.dumps(chat(HI, HELLO, MORE), indent=indent))
    assert [texts(one) for one in read(tmp_path)] == [[HI, HELLO, MORE]]


def test_formats_may_mix_in_a_file(tmp_path):
    path = written(tmp_path / "log.jsonl", *(row for _, row, *_ in ROWS.values()))
    found = list(read(path))
    assert faults(found) == []
    assert {one.format for one in found} == set(FORMATS) - {"uptake"}


def request(*said, **more):
    return {"request": {"messages": chat(*said[:-1])}, "response": chat("", said[-1])[1], **more}


def test_requests_that_grow_are_one_conversation(tmp_path):
    long = request(HI, HELLO, MORE, "Done.")
    other = request("What time is it?", "Noon.")
    found = list(read(written(tmp_path / "log.jsonl", request(HI, HELLO), other, long, other)))
    assert sorted(len(one.conversation) for one in found) == [2, 2, 4]
    longest = max(found, key=lambda one: len(one.conversation))
    assert longest.meta["requests"] == 2


def test_sessions_and_whole_chats_that_begin_alike_stay_apart(tmp_path):
    lines = [
        request(HI, HELLO, session_id="a"),
        request(HI, HELLO, MORE, "Done.", session_id="b"),
        {"messages": chat("Hello.", "Hi!")},
        {"messages": chat("Hello.", "Hi!", MORE, "Done.")},
    ]
    assert len(good(read(written(tmp_path / "log.jsonl", *lines)))) == 4


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(1, 4))
def test_growing_loses_no_words(lengths, held):
    talks = [
        Conversation.from_dicts(chat(*(f"{i % 3} {j}" for j in range(n))))
        for i, n in enumerate(lengths)
    ]
    items = [
        Transcript(str(i), talk, "openai", Source("f", i), meta={"requests": 1})
        for i, talk in enumerate(talks)
    ]
    kept = list(grown(items, held))
    for talk in talks:
        assert any(one.conversation.messages[: len(talk)] == talk.messages for one in kept)
    assert sum(one.meta["requests"] for one in kept) == len(items)


WORDS = st.text(max_size=5)


SCALARS = st.none() | st.booleans() | st.integers() | WORDS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(
    "messages conversations conversation trace conv_id simulations traj eval samples attributes "
    "context resourceSpans request response input output prompt completion choices role from value "
    "content text speaker conversation_id turns probe".split()
)
LIKELY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, LIKELY, max_size=5))
def test_no_row_breaks_a_reader(tmp_path_factory, row):
    path = written(tmp_path_factory.getbasetemp() / "any.jsonl", row)
    found = list(read(path))
    assert found
    assert all(isinstance(each, Fault | Transcript) for each in found)


@given(st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3)), st.sampled_from([None, 1]))
def test_every_row_of_an_array_comes_out(items, indent):
    data = json.dumps(items, indent=indent).encode()
    found = [each for each in rows(io.BytesIO(data), "f") if not isinstance(each, Fault)]
    assert [row for _, row in found] == items


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(tmp_path_factory, data):
    path: Path = tmp_path_factory.getbasetemp() / "bytes.jsonl"
    path.write_bytes(data)
    assert list(read(path))
