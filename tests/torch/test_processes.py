"""Two processes under torchrun: a step is shared out and counted once, the first alone writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from uptake.embedded.model import WEIGHTS
from uptake.errors import UptakeError
from uptake.train.cli import train
from uptake.train.course import summary
from uptake.train.generate import GenerateSampler
from uptake.train.methods import read_any
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, roll
from uptake.train.tasks import Tasks
from uptake.train.trainers import share

RECIPE = """
method = "grpo"
trainer = "trl"
steps = {steps}
tasks_per_step = 2
group = 4
heldout = 5
evaluate_every = 1
reply_tokens = 24
[mixture]
"missing.complete" = 0.5
"lost.full" = 0.5
"""

# `uptake train`, that notes down which tasks this process played.
RUN = """
import json, os, sys
from uptake.cli import main
from uptake.train import through_trl
play = through_trl.Rollouts.__call__
def noted(self, prompts, trainer):
    with open(f"{sys.argv[-1]}/played-{os.environ['RANK']}", "a") as file:
        file.write(json.dumps([prompt[0]["task"] for prompt in prompts]) + "\\n")
    return play(self, prompts, trainer)
through_trl.Rollouts.__call__ = noted
main()
"""


def under_torchrun(folder: Path, steps: int) -> str:
    """Run it up to a step in two processes; what they said."""
    (folder / "run.py").write_text(RUN)
    (folder / "recipe.toml").write_text(RECIPE.format(steps=steps))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    asked = ["train", str(folder / "recipe.toml"), "--out", str(folder)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*torchrun, "2", str(folder / "run.py"), *asked],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_step_is_shared_out_counted_once_and_written_once(tmp_path: Path) -> None:
    said = under_torchrun(tmp_path, 1)
    assert re.findall(r"step (\d+) of 1 ", said) == ["0", "1"]
    assert said.count("a Hugging Face folder") == 1
    under_torchrun(tmp_path, 2)  # goes on
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [0, 1, 2]
    played = [(tmp_path / f"played-{rank}").read_text().splitlines() for rank in (0, 1)]
    for step in (0, 1):  # the tasks of one process's run, each by one process, a group at a time
        tasks = sorted(json.loads(lines[step]) for lines in played)
        assert tasks == [[2 * step] * 4, [2 * step + 1] * 4]
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "model").num_parameters() > 0
    assert log[0]["heldout"] == by_one_process(tmp_path)


def by_one_process(folder: Path) -> dict[str, float]:
    """What the model that ships has on the recipe's held-out tasks."""
    recipe = read_any(str(folder / "recipe.toml"))
    tasks = Tasks("math", recipe.mixture, split="heldout")
    coder = Coder(AutoTokenizer.from_pretrained(WEIGHTS))
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype="float32")
    sampler = GenerateSampler(model, coder, reply_tokens=24, temperature=0.0)
    return summary(roll([tasks.task(number) for number in range(5)], coder, sampler, room=800))


def test_processes_that_cannot_take_the_same_are_one_clear_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert share("tasks_per_step", 4) == 2
    with pytest.raises(RecipeError, match="over 2 processes: give a multiple of 2"):
        share("tasks_per_step", 3)
    with pytest.raises(UptakeError, match="trained in one process"):
        train("taught")
