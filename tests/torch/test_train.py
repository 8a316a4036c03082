"""Training: what carries loss, that a broken run goes on as an unbroken one, what comes out."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from uptake.train.cli import plot_loss
from uptake.train.corpus import MIXES, REGISTERS, chats
from uptake.train.fit import IGNORED, encode, fit
from uptake.train.recipe import Recipe, RecipeError, read_recipe
from uptake.train.tokenizer import build

TINY = Recipe(
    name="tiny",
    tokenizer_chats=200,
    vocabulary=400,
    hidden_size=32,
    layers=1,
    heads=2,
    kv_heads=1,
    intermediate_size=64,
    tokens=20_000,
    batch_tokens=1_024,
    chats_per_chunk=64,
    checkpoint_seconds=3600,
)


@pytest.fixture(scope="module")
def tokenizer() -> object:
    texts = [m["content"] for chat in islice(chats("test"), 300) for m in chat]
    return build(texts, 500)


def test_chats_alternate_and_are_the_same_for_the_same_seed() -> None:
    once, again = list(islice(chats(3), 300)), list(islice(chats(3), 300))
    assert once == again
    for chat in once:
        roles = [m["role"] for m in chat if m["role"] != "system"]
        assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
        assert roles[-1] == "assistant"


def test_shares_of_the_mix_sum_to_one() -> None:
    assert set().union(*MIXES.values()) == REGISTERS.keys()
    for mix in MIXES.values():
        assert sum(mix.values()) == pytest.approx(1.0)


def test_only_assistant_turns_carry_labels(tokenizer: object) -> None:
    for chat in islice(chats(5), 100):
        ids, labels = encode(tokenizer, chat)
        said = "".join(m["content"] + "<|end|>" for m in chat if m["role"] == "assistant")
        kept = [label for label in labels if label != IGNORED]
        assert tokenizer.decode(kept) == said  # type: ignore[attr-defined]
        assert all(label in (IGNORED, token) for token, label in zip(ids, labels, strict=True))


def test_the_chat_template_says_what_training_said(tokenizer: object) -> None:
    for chat in islice(chats(6), 50):
        rendered = tokenizer.apply_chat_template(chat, return_dict=False)  # type: ignore[attr-defined]
        assert list(rendered) == encode(tokenizer, chat)[0]


def test_a_digit_is_always_a_token_of_its_own(tokenizer: object) -> None:
    tokens = tokenizer.tokenize("Ann has 1234 pens and 56.")  # type: ignore[attr-defined]
    assert not any(sum(c.isdigit() for c in token) > 1 for token in tokens)


def test_a_stopped_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    whole = fit(TINY, tmp_path / "whole")
    stops = iter([False] * 5 + [True] + [False] * 4 + [True])
    broken = None
    rounds = 0
    while broken is None:
        broken = fit(TINY, tmp_path / "broken", stop=lambda: next(stops, False))
        rounds += 1
    assert rounds == 3
    assert whole is not None
    one, two = (AutoModelForCausalLM.from_pretrained(f).state_dict() for f in (whole, broken))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_recipe_goes_on_from_another(tmp_path: Path) -> None:
    first = tmp_path / "first.toml"
    settings = TINY.to_dict() | {"name": "tiny-first"}
    first.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items()))
    after = replace(TINY, name="tiny", after=str(first), mix="last", seed=1, tokens=3_000)
    stops = iter([False] * 5 + [True])
    assert fit(after, tmp_path / "out", stop=lambda: next(stops, False)) is None  # in the first
    folder = fit(after, tmp_path / "out")
    assert folder is not None
    begun, ended = tmp_path / "out" / "tiny-first" / "model", folder
    assert (begun / "tokenizer.json").read_text() == (ended / "tokenizer.json").read_text()
    before, since = (
        AutoModelForCausalLM.from_pretrained(f).model.embed_tokens.weight.flatten().float()
        for f in (begun, ended)
    )
    assert 0.9 < torch.nn.functional.cosine_similarity(before, since, dim=0) < 1.0
    assert "tiny-first" in plot_loss(tmp_path / "out").read_text()


def test_what_comes_out_loads_in_transformers_and_learned(tmp_path: Path) -> None:
    folder = fit(TINY, tmp_path)
    assert folder is not None
    loaded = AutoTokenizer.from_pretrained(folder)
    assert "<|assistant|>" in loaded.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["tokens"] >= TINY.tokens
    assert log[-1]["loss"] < 6.0  # below ln(400), a uniform guess


def test_another_recipe_does_not_overwrite_a_run(tmp_path: Path) -> None:
    fit(TINY, tmp_path, stop=lambda: True)
    with pytest.raises(RecipeError, match="another recipe"):
        fit(Recipe(name="tiny", seed=9), tmp_path)


def test_the_shipped_recipe_reads() -> None:
    assert read_recipe("base").name == "base"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("tokens = [", "not TOML"),
        ("tokns = 3", "unknown setting 'tokns'"),
        ("tokens = 'many'", "should be of type int"),
        ("optimizer = 'sgd'", "use 'muon' or 'adamw'"),
        ("mix = 'odd'", "use one of first, last"),
        ("after = 'base'", "goes on from itself"),
        ("hidden_size = 30\nheads = 4", "multiple of heads"),
        ("heads = 3\nkv_heads = 2", "multiple of kv_heads"),
    ],
)
def test_a_bad_recipe_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=line):
        read_recipe(path)


def test_an_unknown_recipe_says_what_there_is() -> None:
    with pytest.raises(RecipeError, match="shipped name: base"):
        read_recipe("bass")
