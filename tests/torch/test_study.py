"""The study end to end on a tiny random model: two arms, a kill -9, and what is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_llama
import torch

from uptake.study.arms import Arm, Settings, StudyError
from uptake.study.cli import study
from uptake.study.runner import begin, run_arms
from uptake.train.loops import (
    Row,
    device_of,
    fit_tokens,
    loss_on,
    opened_model,
    prefer,
    row_of,
    summed_logprobs,
)

CHATS = [
    [{"role": "user", "content": f"Ann has {n} apples."}, {"role": "assistant", "content": "Okay."}]
    for n in range(12)
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama.write(tmp_path_factory.mktemp("tiny"), positions=1024)


def command(out: Path, model: Path, *more: str) -> list[str]:
    words = f"study --quick -n 1 --unit 500 --amounts 1 --out {out} --model {model}"
    return [sys.executable, "-m", "uptake", *words.split(), "--probes", "missing", *more]


def test_two_arms_end_to_end_and_a_second_sitting_does_nothing_again(tiny: Path, tmp_path: Path):
    corpus = tmp_path / "chats.jsonl"
    corpus.write_text("".join(json.dumps({"messages": chat}) + "\n" for chat in CHATS))
    out = tmp_path / "study"
    given = command(out, tiny, "--workers", "2", "--arms", "base,tokens", "--corpus", str(corpus))
    done = subprocess.run(given, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    results = {path.stem: json.loads(path.read_text()) for path in (out / "arms").glob("*.json")}
    assert set(results) == {
        "base-s0",
        *(f"tokens-{mode}-1x-s0" for mode in ("monologic", "natural", "dense", "corpus")),
    }
    learned = results["tokens-corpus-1x-s0"]
    assert learned["tokens"] >= 500
    assert learned["loss"]["corpus"] != results["base-s0"]["loss"]["corpus"]
    assert learned["measured"]["failed"] == 0
    assert {path.name for path in out.iterdir()} >= {"study.svg", "table.md", "paragraph.md"}
    written = {path: path.stat().st_mtime_ns for path in (out / "arms").iterdir()}
    again = subprocess.run(given, capture_output=True, text=True, timeout=900)
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in (out / "arms").iterdir()} == written


def test_a_killed_study_leaves_no_process_and_goes_on(tiny: Path, tmp_path: Path):
    out = tmp_path / "study"
    given = command(out, tiny, "--arms", "base,mediator")
    first = subprocess.Popen(given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(out.glob("arms/*.json")):
        assert first.poll() is None
        time.sleep(0.05)
    children = [
        int(pid) for pid in Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    ]
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = {path: path.stat().st_mtime_ns for path in (out / "arms").glob("*.json")}
    assert 0 < len(kept) <= 2
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid in children):
        assert time.monotonic() < deadline, "a worker outlived its study"
        time.sleep(0.1)
    done = subprocess.run(given, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in out.glob("arms/*.json")} == {"base-s0", "mediator-s0"}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_what_waits_for_a_model_that_never_came_fails_in_a_line(tiny: Path, tmp_path: Path):
    settings = Settings(model=str(tiny), n=1)
    begin(settings, tmp_path)
    arm = Arm("dpo", start="taught", where="all", rate=1e-4)
    lines = run_arms(settings, [arm], tmp_path, workers=1, threads=1)
    assert lines == ["dpo-taught-all-1e-04-s0: reward-s0 has no model"]


def test_a_folder_of_another_study_is_refused(tmp_path: Path):
    begin(Settings(), tmp_path)
    begin(Settings(device="cpu"), tmp_path)
    with pytest.raises(StudyError, match="another n"):
        begin(Settings(n=7), tmp_path)
    with pytest.raises(StudyError, match=r"no config\.json"):
        study(out=tmp_path / "b", model=str(tmp_path))


def test_models_may_move_but_others_in_their_place_are_refused(tmp_path: Path):
    for name, weights in (("one", b"1"), ("moved", b"1"), ("other", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
    out = tmp_path / "study"
    begin(Settings(taught=(str(tmp_path / "one"),)), out)
    begin(Settings(taught=(str(tmp_path / "moved"),)), out)
    with pytest.raises(StudyError, match=r"another model than lies in .*other"):
        begin(Settings(taught=(str(tmp_path / "other"),)), out)
    begin(Settings(taught=(str(tmp_path / "moved"), str(tmp_path / "other"))), out)
    begin(Settings(taught=(str(tmp_path / "one"),)), out)
    with pytest.raises(StudyError, match=r"another model than lies in .*one"):
        begin(Settings(taught=(str(tmp_path / "moved"), str(tmp_path / "one"))), out)
    assert Settings.of(json.loads((out / "study.json").read_text())).taught


def test_next_tokens_are_learned_in_the_budget(tiny: Path):
    model, coder = opened_model(tiny, device_of("cpu"))
    rows = [row_of(coder, chat) for chat in CHATS]
    before = loss_on(model, rows)
    budget = 4 * sum(len(row.ids) for row in rows)
    tokens, steps = fit_tokens(
        model, iter(rows * 10), tokens=budget, batch_tokens=60, learning_rate=1e-2
    )
    after = loss_on(model, rows)
    assert budget <= tokens < budget + 60
    assert steps > 4
    assert after.said < before.said
    assert after.all < before.all


def test_the_loss_does_not_depend_on_the_batch(tiny: Path):
    model, coder = opened_model(tiny, device_of("cpu"))
    rows = [row_of(coder, chat) for chat in CHATS]
    one, other = loss_on(model, rows, 60), loss_on(model, rows, 10_000)
    assert one.tokens == other.tokens
    assert one.said == pytest.approx(other.said, rel=1e-2)


def test_what_is_preferred_becomes_likelier_and_the_reverse_less(tiny: Path):
    model, coder = opened_model(tiny, device_of("cpu"))
    ask = [*CHATS[0][:1], {"role": "assistant", "content": "How many?"}]
    chosen, rejected = row_of(coder, CHATS[0]), row_of(coder, ask)

    def margin() -> float:
        with torch.no_grad():
            found = summed_logprobs(model, [chosen, rejected])
        return float(found[0] - found[1])

    before, seen = margin(), list[int]()
    prefer(
        model,
        [(chosen, rejected)] * 8,
        steps=6,
        batch=4,
        learning_rate=1e-2,
        at=(0, 3, 6),
        report=seen.append,
    )
    assert seen == [0, 3, 6]
    assert margin() > before + 1


def test_only_what_the_assistant_says_counts_in_a_preference(tiny: Path):
    model, coder = opened_model(tiny, device_of("cpu"))
    row = row_of(coder, CHATS[0])
    unsaid = Row(row.ids, tuple(False for _ in row.said))
    with torch.no_grad():
        said, nothing = summed_logprobs(model, [row, unsaid])
    assert said < 0
    assert nothing == 0
