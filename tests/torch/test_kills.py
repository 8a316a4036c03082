"""A kill -9 in every trainer that saves as it goes: the run goes on, and ends as an unbroken one.

Each run kills itself where that does most harm: a step is in the log and not yet in a checkpoint.
The compact GRPO has its own test (`test_grpo`).
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from uptake.train import fit as fitting
from uptake.train.examples import fit_examples
from uptake.train.fit import fit
from uptake.train.methods import ExamplesRecipe, GRPORecipe, read_any
from uptake.train.pairs import pairs
from uptake.train.recipe import Recipe
from uptake.train.through_trl import teach_through_trl
from uptake.train.trainers import last_checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func'"),
]

CHATS = [
    [
        {"role": "user", "content": f"Ann has {n} pens. How many pens has she?"},
        {"role": "assistant", "content": f"The answer is {n}."},
    ]
    for n in range(2, 12)
]
TAUGHT = """
method = "{method}"
model = "{model}"
steps = 4
heldout = 2
evaluate_every = 1
reply_tokens = 8
learning_rate = 1e-3
warmup_steps = 1
"""
OWN = {
    "grpo": """
trainer = "trl"
tasks_per_step = 2
group = 4
[prices]
question = 0.5
[mixture]
"missing.missing" = 1.0
""",
    "sft": 'batch = 2\ndata = "{folder}/chats.jsonl"',
    "dpo": 'batch = 2\ndata = "{folder}/pairs.jsonl"',
}

# Trains by the recipe, and dies as soon as it is told of step 3.
RUN = """
import os, signal, sys
from pathlib import Path
import torch
from uptake.train.methods import GRPORecipe, read_any
from uptake.train.examples import fit_examples
from uptake.train.through_trl import teach_through_trl
torch.set_num_threads(1)
def die(step):
    if step.step == 3:
        os.kill(os.getpid(), signal.SIGKILL)
recipe = read_any(sys.argv[1])
way = teach_through_trl if isinstance(recipe, GRPORecipe) else fit_examples
way(recipe, Path(sys.argv[2]), die)
"""


def log_of(out: Path) -> list[dict[str, Any]]:
    """The lines of the log, without what a clock says."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    clocks = {"learning", "seconds", "rate"}
    return [{key: line[key] for key in line.keys() - clocks} for line in lines]


def same_weights(one: Path, two: Path) -> bool:
    both = [AutoModelForCausalLM.from_pretrained(out / "model").state_dict() for out in (one, two)]
    return all(torch.equal(both[0][name], both[1][name]) for name in both[0])


@pytest.mark.parametrize("method", OWN)
def test_through_trl(method: str, small: str, tmp_path: Path) -> None:
    rows = "".join(json.dumps({"messages": chat}) + "\n" for chat in CHATS)
    (tmp_path / "chats.jsonl").write_text(rows)
    pairs(out=tmp_path / "pairs.jsonl", n=10)
    path = tmp_path / "recipe.toml"
    text = TAUGHT.format(method=method, model=small) + OWN[method].format(folder=tmp_path)
    path.write_text(text)
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    done = subprocess.run([sys.executable, "-c", RUN, path, broken], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [row["step"] for row in log_of(broken)] == [0, 1, 2, 3]
    assert str(last_checkpoint(broken)).endswith("checkpoint-2")
    # What a kill in the middle of writing a checkpoint leaves.
    half = broken / "checkpoint-3"
    half.mkdir(exist_ok=True)
    (half / "trainer_state.json").write_text('{"epoch": 0.')
    recipe = read_any(str(path))
    for out in (broken, whole):
        if isinstance(recipe, GRPORecipe):
            assert teach_through_trl(recipe, out) is not None
        elif isinstance(recipe, ExamplesRecipe):
            assert fit_examples(recipe, out) is not None
    assert [row["step"] for row in log_of(broken)] == [0, 1, 2, 3, 4]
    assert log_of(broken) == log_of(whole)
    assert same_weights(broken, whole)


TINY = Recipe(
    name="tiny",
    tokenizer_chats=100,
    vocabulary=400,
    hidden_size=32,
    layers=1,
    heads=2,
    kv_heads=1,
    intermediate_size=64,
    tokens=8_000,
    batch_tokens=1_024,
    chats_per_chunk=64,
    checkpoint_seconds=0,
)
FIT = """
import json, os, signal, sys
from pathlib import Path
import torch
from uptake.train import fit
from uptake.train.recipe import Recipe
torch.set_num_threads(1)
fit.REPORT_SECONDS = 0.0
def die(progress):
    if progress.step == 4:
        os.kill(os.getpid(), signal.SIGKILL)
fit.fit(Recipe(**json.loads(sys.argv[1])), Path(sys.argv[2]), die)
"""


def test_from_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    settings = json.dumps(TINY.to_dict())
    done = subprocess.run([sys.executable, "-c", FIT, settings, broken], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    monkeypatch.setattr(fitting, "REPORT_SECONDS", 0.0)
    assert all(fit(TINY, out) for out in (broken, whole))
    steps = [row["step"] for row in log_of(broken)]
    assert steps == list(range(1, len(steps) + 1))
    assert log_of(broken) == log_of(whole)
    assert same_weights(broken, whole)
