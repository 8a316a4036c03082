"""What a user can get wrong in training, and memory that runs out: one clear line, exit code 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from uptake.cli import _run
from uptake.embedded.model import WEIGHTS
from uptake.train import through_trl
from uptake.train.memory import in_memory
from uptake.train.methods import GRPORecipe


def train(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that `uptake train` says of a recipe."""
    path = folder / "recipe.toml"
    path.write_text(text)
    assert _run(["train", str(path), "--out", str(folder / "out")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    lines = [line for line in said.err.splitlines() if "examples/s" not in line]
    assert len(lines) == 1
    return lines[0]


def test_a_bad_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = train("method = 'sft'\nlora_ranks = 8", tmp_path, capsys)
    assert "unknown setting 'lora_ranks'" in line


def test_a_missing_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "chats.jsonl"
    data.write_text(json.dumps({"conversation": []}) + "\n")
    line = train(f"method = 'sft'\ndata = '{data}'", tmp_path, capsys)
    assert "chats.jsonl:1: 'messages' is missing" in line


def test_a_wrong_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model"
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    tokenizer.chat_template = "{{ messages[-1].content }}"
    tokenizer.save_pretrained(model)
    (model / "config.json").write_text((WEIGHTS / "config.json").read_text())
    line = train(f"method = 'grpo'\nmodel = '{model}'", tmp_path, capsys)
    assert "leaves out what was said before" in line


def test_memory_that_runs_out_on_a_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = "hidden_size = 1099511627776\nheads = 1\nkv_heads = 1\ntokenizer_chats = 50"
    line = train(f"vocabulary = 400\n{sizes}", tmp_path, capsys)
    assert "out of memory: give base less of batch_tokens (= 4096) or hidden_size" in line


def test_memory_that_runs_out_on_a_gpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(through_trl, "teach_through_trl", full)
    line = train("method = 'grpo'\ntrainer = 'trl'", tmp_path, capsys)
    assert "less of group (= 8) or room (= 800), or a lora_rank" in line


def test_another_error_is_no_want_of_memory() -> None:
    with pytest.raises(RuntimeError, match="shape"), in_memory(GRPORecipe()):
        raise RuntimeError("a shape that does not fit")
