"""Logs of Inspect are read as runs, without Inspect; what Inspect writes is in tests/inspect."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import zstandard
from played import episode
from played import run as some_episodes

from uptake.bridges import inspect_log
from uptake.bridges.inspect_log import EPISODE, SETTINGS, gather, read_log
from uptake.cli import _run
from uptake.errors import UptakeError
from uptake.run.record import episodes

HELD = {
    "probes": ["lost"],
    "model": "inspect",
    "controls": [],
    "source": "toy",
    "instructions": 8,
    "conditions": "all",
    "repeats": 4,
    "seed": 0,
    "user": "scripted",
    "temperature": 1.0,
    "reply_tokens": 1024,
    "instructions_sha256": "0123456789abcdef",
}
MINE = [e for e in some_episodes() if e.model == "m" and e.error is None]


def header(model="m", metadata=None):
    return {
        "version": 2,
        "eval": {
            "task": "uptake/lost",
            "model": model,
            "config": {"epochs": 4},
            "metadata": {SETTINGS: HELD} if metadata is None else metadata,
        },
        "plan": {"config": {"temperature": 0.0, "max_tokens": 64}},
    }


def sample(of, **more):
    told = {
        "probe": of.probe,
        "domain": of.domain,
        "instruction_id": of.instruction_id,
        "condition": of.condition,
        "needed_shards": 4,
    }
    return {
        "id": f"{of.instruction_id}/{of.condition}",
        "epoch": of.repeat + 1,
        "target": of.gold,
        "metadata": told,
        "store": {EPISODE: of.to_dict()},
    } | more


def failing(of, message):
    return sample(of, store={}, error={"message": message, "traceback": ""})


def packed(path: Path, head, samples, name="header.json") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(name, json.dumps(head))
        for each in samples:
            file = f"samples/{each['id'].replace('/', '_')}_epoch_{each['epoch']}.json"
            zipped.writestr(file, json.dumps(each))
    return path


def test_an_episode_a_sample(tmp_path: Path):
    log = read_log(packed(tmp_path / "x.eval", header(), map(sample, MINE)))
    assert set(log.episodes) == set(MINE)
    assert log.settings == HELD | {"model": "m", "temperature": 0.0, "reply_tokens": 64}


def test_an_unfinished_log_and_a_plain_one(tmp_path: Path):
    begun = packed(tmp_path / "x.eval", header(), map(sample, MINE[:3]), "_journal/start.json")
    assert set(read_log(begun).episodes) == set(MINE[:3])
    plain = tmp_path / "x.json"
    plain.write_text(json.dumps(header() | {"samples": [sample(e) for e in MINE]}))
    assert read_log(plain).episodes == tuple(MINE)


def test_zstandard_in_several_frames(tmp_path: Path):
    text = json.dumps(sample(MINE[0])).encode()
    compress = zstandard.ZstdCompressor().compress
    frames = compress(text[:100]) + compress(text[100:])
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("first", b"something before it")
        zipped.writestr("samples/a.json", frames)
        info = zipped.getinfo("samples/a.json")
    info.compress_type = inspect_log.ZSTANDARD
    assert inspect_log._entry(path, info) == sample(MINE[0])


def test_failures_are_counted_and_what_was_cut_short_is_not(tmp_path: Path):
    samples = [
        sample(MINE[0]),
        failing(MINE[1], "TimeoutError('no\nreply')"),
        sample(MINE[2], store={}, limit={"type": "token", "limit": 10}),
        failing(MINE[3], "CancelledError()"),
    ]
    found = read_log(packed(tmp_path / "x.eval", header(), samples)).episodes
    assert {e.error for e in found} == {
        None,
        "TimeoutError('no reply')",
        "a limit of Inspect's was reached: token",
    }
    assert {e.key for e in found} == {e.key for e in MINE[:3]}


def test_a_later_log_mends_what_failed_and_spoils_nothing(tmp_path: Path):
    whole = packed(tmp_path / "b.eval", header(), map(sample, MINE[:2]))
    broken = packed(tmp_path / "a.eval", header(), [failing(e, "no") for e in MINE[:2]])
    for order in ([broken, whole], [whole, broken]):
        found = episodes(gather(order, tmp_path / order[0].stem))
        assert set(found) == set(MINE[:2])


def test_a_log_that_grew_adds_to_its_folder(tmp_path: Path):
    log = packed(tmp_path / "x.eval", header(), [sample(MINE[0]), failing(MINE[1], "no")])
    out = gather([log], tmp_path / "out")
    assert len(episodes(out)) == 2
    packed(log, header(), map(sample, MINE))
    assert set(episodes(gather([log], out))) == set(MINE)
    size = (out / "episodes.jsonl").stat().st_size
    gather([log], out)
    assert (out / "episodes.jsonl").stat().st_size == size


def test_a_policy_among_the_logs_is_a_control(tmp_path: Path):
    guesses = [e for e in some_episodes() if e.model == "policy:guess"]
    logs = [
        packed(tmp_path / "a.eval", header("uptake/policy:guess"), map(sample, guesses)),
        packed(tmp_path / "b.eval", header(), map(sample, MINE)),
    ]
    out = gather(logs, tmp_path / "out")
    held = json.loads((out / "run.json").read_text())["settings"]
    assert (held["model"], held["controls"]) == ("m", ["policy:guess"])
    assert held["logs"] == ["a.eval", "b.eval"]


def test_the_command_makes_a_report(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    log = packed(tmp_path / "x.eval", header(), map(sample, MINE))
    assert _run(["report", str(log)]) == 0
    assert "kept" in capsys.readouterr().out
    assert json.loads((tmp_path / "out/x/scores.json").read_text())["rows"]
    assert (tmp_path / "out/x/report.html").is_file()
    assert _run(["report", "out/x"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report"], "name the folder of a run, or a log of Inspect"),
        (["report", "other.eval"], "a log of sums, which is no task of uptake's"),
        (["report", "torn.eval"], "not a log of Inspect"),
        (["report", "text.eval"], "not a log of Inspect"),
        (["report", "list.json"], "not a log of Inspect"),
        (["report", "none.eval"], "no run in none.eval"),
        (["report", "good.eval", "folder"], "become a run first"),
        (["report", "folder", "--out", "x"], "--out is for logs of Inspect"),
        (["report", "good.eval", "--out", "folder"], "was begun with"),
    ],
)
def test_what_cannot_be_reported_is_one_line(tmp_path: Path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    packed(Path("good.eval"), header(), map(sample, MINE))
    other = header(metadata={}) | {"eval": {"task": "sums", "metadata": None}}
    packed(Path("other.eval"), other, [])
    Path("torn.eval").write_bytes(Path("good.eval").read_bytes()[:-40])
    Path("text.eval").write_text("PK")
    Path("list.json").write_text("[1]")
    gather([packed(Path("else.eval"), header("n"), map(sample, MINE))], Path("folder"))
    assert _run(words) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


def test_a_sample_without_its_episode_is_named_as_broken(tmp_path: Path):
    broken = sample(episode([1.0])) | {"store": {EPISODE: {"probe": "lost"}}}
    with pytest.raises(UptakeError, match=r"x\.eval: not a log of Inspect"):
        read_log(packed(tmp_path / "x.eval", header(), [broken]))
