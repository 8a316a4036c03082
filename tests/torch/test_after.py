"""A recipe that begins with what another one made."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from uptake.cli import _run
from uptake.embedded.model import WEIGHTS
from uptake.train.methods import DistilRecipe, GRPORecipe, courses, read_any

RECIPES = Path(str(files("uptake.train"))) / "recipes"

FIRST = """
method = "distil"
name = "first"
steps = 1
tasks_per_step = 2
heldout = 2
reply_tokens = 24
device = "cpu"
[mixture]
"lost.full" = 1.0
"""

SECOND = """
method = "grpo"
name = "second"
after = "{first}"
steps = 1
tasks_per_step = 1
group = 2
heldout = 2
reply_tokens = 24
learning_rate = 1e-12
[mixture]
"lost.full" = 1.0
"""


def written(folder: Path) -> Path:
    first, second = folder / "first.toml", folder / "second.toml"
    first.write_text(FIRST)
    second.write_text(SECOND.format(first=first))
    return second


def weights(model: Path) -> torch.Tensor:
    return load_file(model / "model.safetensors")["model.embed_tokens.weight"].float()


def test_it_learns_on_from_the_model_that_the_other_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run(["train", str(written(tmp_path)), "--out", str(out)]) == 0
    made = weights(out / "first" / "model")
    assert not torch.equal(made, weights(WEIGHTS))
    assert torch.allclose(weights(out / "model"), made, atol=1e-3)
    assert json.loads((out / "recipe.json").read_text())["model"] == str(out / "first" / "model")
    # what is there already is not made again
    before = (out / "first" / "log.jsonl").read_text()
    assert _run(["train", str(tmp_path / "second.toml"), "--out", str(out)]) == 0
    assert (out / "first" / "log.jsonl").read_text() == before


@pytest.mark.parametrize(
    ("added", "line"),
    [
        ('after = "{here}"', "begins with itself"),
        ('after = "consistent"\nmodel = "x"', "leave one out"),
        ('after = "nowhere"', "nowhere"),
    ],
)
def test_a_beginning_that_is_none_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], added: str, line: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('method = "grpo"\n' + added.format(here=path))
    assert _run(["train", str(path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert line in said[0]
    assert not (tmp_path / "out").exists()


SHIPPED = sorted(
    path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.toml")
)


@pytest.mark.parametrize("recipe", SHIPPED)
def test_each_recipe_that_ships_says_what_it_begins_with(recipe: str) -> None:
    course = courses(read_any(recipe))
    assert course[-1].name == recipe
    assert [one.after for one in course[1:]] == [one.name for one in course[:-1]]


def test_conversant_begins_with_what_was_learned_without_reward() -> None:
    course = courses(read_any("conversant"))
    assert isinstance(course[0], DistilRecipe)
    assert isinstance(course[-1], GRPORecipe)
