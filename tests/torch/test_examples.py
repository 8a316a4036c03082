"""SFT and DPO through TRL: what carries loss, end to end, and clear lines for bad files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from uptake.embedded.model import WEIGHTS
from uptake.train.examples import IGNORED, _trainer, fit_examples, read_rows, sft_row
from uptake.train.methods import ExamplesRecipe, read_any
from uptake.train.pairs import pairs
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

TINY = ExamplesRecipe(
    name="tiny", steps=2, batch=2, heldout=1, evaluate_every=1, reply_tokens=8, room=400
)
CHAT = [
    {"role": "user", "content": "Ann has 3 pens. How many pens has she?"},
    {"role": "assistant", "content": "The answer is 3."},
    {"role": "user", "content": "Sorry, I meant 4."},
    {"role": "assistant", "content": "The answer is 4."},
]


def log_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_only_what_the_assistant_said_carries_labels() -> None:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    row = sft_row(Coder(tokenizer), CHAT)
    kept = [label for label in row["labels"] if label != IGNORED]
    assert tokenizer.decode(kept) == "The answer is 3.<|end|>The answer is 4.<|end|>"
    whole = tokenizer.apply_chat_template(CHAT, return_dict=False)
    assert row["input_ids"] == list(whole)


def test_sft_goes_from_a_file_to_a_model_with_trls_labels_as_ours(
    small: str, tmp_path: Path
) -> None:
    data = tmp_path / "chats.jsonl"
    data.write_text("".join(json.dumps({"messages": CHAT}) + "\n" for _ in range(4)))
    recipe = replace(TINY, model=small, data=str(data))
    tokenizer = AutoTokenizer.from_pretrained(small)
    rows = read_rows(data, "sft")
    batch = next(
        iter(_trainer(recipe, tmp_path / "x", Path(small), tokenizer, rows).get_train_dataloader())
    )
    said = [label for label in batch["labels"][0].tolist() if label != IGNORED]
    assert tokenizer.decode(said) == "The answer is 3.<|end|>The answer is 4.<|end|>"
    out = tmp_path / "out"
    assert fit_examples(recipe, out, stop=lambda: True) is None
    folder = fit_examples(recipe, out)
    assert folder is not None
    assert [row["step"] for row in log_of(out)] == [0, 1, 2]
    assert "SFT, 2 steps" in (folder / "README.md").read_text()


def test_dpo_learns_from_pairs_and_only_from_the_replies(small: str, tmp_path: Path) -> None:
    data = tmp_path / "pairs.jsonl"
    pairs(out=data, n=4)
    recipe = replace(TINY, method="dpo", model=small, data=str(data))
    tokenizer = AutoTokenizer.from_pretrained(small)
    rows = read_rows(data, "dpo")
    trainer = _trainer(recipe, tmp_path / "x", Path(small), tokenizer, rows)
    for made, row in zip(trainer.train_dataset, rows, strict=True):
        for which in ("chosen", "rejected"):
            said = tokenizer.decode(made[f"{which}_ids"])
            assert said == f"{row[which][0]['content']}<|end|>"
    folder = fit_examples(recipe, tmp_path / "out")
    assert folder is not None
    losses = [row["loss"] for row in log_of(tmp_path / "out")]
    assert losses[1] == pytest.approx(0.6931, abs=1e-3)  # ln 2: nothing preferred as yet


@pytest.mark.parametrize(
    ("method", "text", "line"),
    [
        ("sft", "{", "chats.jsonl:1: not JSON"),
        ("sft", "[1]", "chats.jsonl:1: not a JSON object"),
        ("sft", '{"message": []}', "'messages' is missing"),
        ("sft", '{"messages": [{"role": "user"}]}', "'messages' is missing or no list"),
        ("sft", '{"messages": [{"role": "user", "content": "Hi"}]}', "no message of the"),
        ("sft", "", "no rows; give JSONL with messages"),
        ("dpo", json.dumps({"prompt": CHAT[:1], "chosen": CHAT[1:2]}), "'rejected' is missing"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, method: str, text: str, line: str) -> None:
    data = tmp_path / "chats.jsonl"
    data.write_text(text)
    with pytest.raises(RecipeError, match=line):
        read_rows(data, method)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("method = 'sft'", "data is missing"),
        ("method = 'dpo'\ndata = 'x'\nsteps = 0", "must be 1 or more"),
        ("method = 'sft'\ndata = 'x'\ndomain = 'chess'", "unknown domain 'chess'"),
    ],
)
def test_a_bad_recipe_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=line):
        read_any(str(path))


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        fit_examples(replace(TINY, data=str(tmp_path / "none.jsonl")), tmp_path / "out")
