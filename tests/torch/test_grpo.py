"""GRPO in this process: masks, the loss, what is dropped, and that a killed run goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from uptake.embedded.model import WEIGHTS
from uptake.train.card import plot_teaching
from uptake.train.grpo import Teaching, advantages, grpo_loss, leads, teach, token_logprobs
from uptake.train.methods import GRPORecipe, read_any
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, Drawn, Rollout, Tokens, roll
from uptake.train.tasks import TOLD, Tasks

TEMPLATES = Path(sys.modules["transformers"].__file__).parents[1] / "trl" / "chat_templates"
PARTS = {"idefics3", "llava_next", "smolvlm"}
"""Templates that take no words but in lists of parts, with pictures among them."""

TINY = GRPORecipe(
    name="tiny",
    mixture={"missing.complete": 0.5, TOLD: 0.25, "revision.changed": 0.25},
    steps=3,
    tasks_per_step=2,
    group=4,
    heldout=3,
    evaluate_every=3,
    reply_tokens=32,
    checkpoint_seconds=0,
)


def templates() -> list[Path | None]:
    """Chat templates that models in use have, and that of the model that ships (None)."""
    files = sorted(TEMPLATES.glob("*.jinja"))
    assert files, "TRL's templates have moved: look where it keeps them"
    return [None, *(file for file in files if file.stem.removesuffix("_training") not in PARTS)]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(WEIGHTS)


def scripted(coder: Coder, tokenizer: Any, replies: Sequence[str]) -> Any:
    """A sampler that says the replies in turn, the last again and again."""
    turn = iter(range(10**6))

    def draw(prompts: Sequence[Sequence[int]]) -> list[Drawn]:
        if not prompts:
            return []
        reply = replies[min(next(turn), len(replies) - 1)]
        tokens = (*tokenizer(reply, add_special_tokens=False)["input_ids"], coder.end)
        return [Drawn(tokens, tuple(-0.5 for _ in tokens)) for _ in prompts]

    return draw


@pytest.mark.parametrize("template", templates(), ids=lambda file: file.stem if file else "own")
def test_no_token_of_the_users_carries_loss(template: Path | None) -> None:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    if template is not None:
        tokenizer.chat_template = template.read_text(encoding="utf-8")
        tokenizer.bos_token = tokenizer.pad_token  # some open with one
    coder = Coder(tokenizer)
    task = Tasks("math").of("lost.sharded", 1, "scripted")
    replies = ["I see one thing.", "And I see another.", "So the answer is 7."]
    (one,) = roll([task], coder, scripted(coder, tokenizer, replies), room=4000)
    assert one.episode is not None
    (row,) = one.sequences
    drew = [token for token, mine in zip(row.completion, row.mask, strict=True) if mine]
    rest = [token for token, mine in zip(row.completion, row.mask, strict=True) if not mine]
    said = [turn.reply for turn in one.episode.turns]
    end = tokenizer.convert_ids_to_tokens(coder.end)
    assert tokenizer.decode(drew).split(end) == [*said, ""]
    heard = tokenizer.decode(rest)
    for turn in one.episode.turns[1:]:
        assert turn.user in heard
    assert not any(reply in heard for reply in replies)
    # SFT learns the same tokens of the same chat, and no others.
    learned = coder.chat(one.episode.conversation().to_dicts())
    assert (learned.all, learned.mask) == (row.all, row.mask)
    # The model reads what a server with this template would have it read.
    assert one.episode.turns[0].user in tokenizer.decode(row.prompt)


def test_the_tokens_are_those_of_the_whole_conversation(tokenizer: Any) -> None:
    coder = Coder(tokenizer)
    task = Tasks("math").of("lost.sharded", 1, "scripted")
    (one,) = roll([task], coder, scripted(coder, tokenizer, ["I see.", "Yes: 7."]), room=4000)
    assert one.episode is not None
    whole = tokenizer.apply_chat_template(one.episode.conversation().to_dicts(), return_dict=False)
    assert one.sequences[0].all == list(whole)


def test_where_the_talk_goes_on_from_a_persons_words_each_reply_is_a_sequence(
    tokenizer: Any,
) -> None:
    coder = Coder(tokenizer)
    tasks = Tasks("math", {"grounding.beside": 1.0})
    (one,) = roll([tasks.task(0)], coder, scripted(coder, tokenizer, ["My own."]), room=4000)
    assert one.episode is not None
    assert len(one.sequences) == len(one.episode.turns)
    assert all(set(row.mask) == {1} for row in one.sequences)


def test_a_conversation_without_room_is_let_go_without_a_score(tokenizer: Any) -> None:
    coder = Coder(tokenizer)
    task = Tasks("math").of("lost.sharded", 1, "scripted")
    (one,) = roll([task], coder, scripted(coder, tokenizer, ["I see."]), room=80)
    assert one.cut
    assert one.reward is None


def test_a_reply_cut_off_is_closed_by_the_template_and_not_by_the_model(tokenizer: Any) -> None:
    coder = Coder(tokenizer)
    task = Tasks("math").of("lost.sharded", 1, "scripted")
    ids = tuple(tokenizer("I see", add_special_tokens=False)["input_ids"])
    (one,) = roll([task], coder, lambda some: [Drawn(ids, (0.0,) * len(ids))] * len(some), room=900)
    row = one.sequences[0]
    assert one.cut
    assert row.completion[: len(ids) + 1] == [*ids, coder.end]
    assert row.mask[: len(ids) + 1] == [1] * len(ids) + [0]


def test_a_first_reply_is_elicited_by_an_instruction_and_learned_without_it(
    tokenizer: Any,
) -> None:
    coder, tasks, seen = Coder(tokenizer), Tasks("math", {TOLD: 1.0}), list[str]()
    inner = scripted(coder, tokenizer, ["I see.", "It is 7."])

    def sampler(prompts: Sequence[Sequence[int]]) -> Any:
        seen.extend(tokenizer.decode(list(prompt)) for prompt in prompts)
        return inner(prompts)

    task = tasks.task(0)
    plain, led = roll([task, task], coder, sampler, room=4000, elicit=["", "Ask."])
    assert plain.sequences == led.sequences
    assert ["<|system|>Ask." in text for text in seen] == [False, True] + [False] * (len(seen) - 2)
    assert len(seen) > 2


def test_less_is_elicited_step_by_step_until_nothing_is() -> None:
    recipe = replace(TINY, group=8, elicit="Ask.", elicited=0.25, elicit_steps=10)
    counts = [leads(recipe, step).count("Ask.") for step in range(12)]
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[9], counts[10]) == (2, 1, 0)
    assert not any(leads(TINY, 0))


def test_advantages_are_by_group_and_what_says_nothing_is_dropped() -> None:
    found = advantages([1.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5, None, 1.0, 0.0, None], 4)
    assert [one is None for one in found] == [False] * 4 + [True] * 4 + [True, False, False, True]
    known = [one for one in found[:4] if one is not None]
    assert sum(known) == pytest.approx(0)
    assert known[0] == pytest.approx(0.5 / (0.57735 + 1e-4), rel=1e-4)


def rows(tokenizer: Any) -> list[Tokens]:
    """Two conversations of several turns, with made-up replies."""
    coder = Coder(tokenizer)
    tasks = [Tasks("math").of("lost.sharded", k, "scripted") for k in (1, 2)]
    played = roll(tasks, coder, scripted(coder, tokenizer, ["I see.", "It is 7."]), room=4000)
    return [row for one in played for row in one.sequences]


def test_the_loss_moves_what_was_drawn_and_nothing_else(tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    some = rows(tokenizer)
    total = sum(sum(row.mask) for row in some)
    chosen, entropy, of = token_logprobs(model, some)
    assert chosen.shape == entropy.shape == of.shape == (total,)
    assert bool((entropy >= 0).all())
    loss, _ = grpo_loss(model, some, [1.0, -0.5], total=total)
    counts = [sum(row.mask) for row in some]
    assert float(loss.detach()) == pytest.approx(-(counts[0] - 0.5 * counts[1]) / total, abs=1e-5)
    loss.backward()
    ours = [p.grad.clone() for p in model.parameters()]
    # The policy gradient by hand: minus the weighted sum of log-likelihoods of the drawn tokens.
    model.zero_grad()
    by_hand = torch.zeros(())
    for row, weight in zip(some, (1.0, -0.5), strict=True):
        ids = torch.tensor([row.all])
        scores = torch.log_softmax(model(input_ids=ids).logits[0, :-1], dim=-1)
        for at, mine in enumerate(row.mask):
            place = len(row.prompt) + at
            if mine:
                by_hand = by_hand - weight * scores[place - 1, ids[0, place]] / total
    by_hand.backward()
    for mine, parameter in zip(ours, model.parameters(), strict=True):
        assert torch.allclose(mine, parameter.grad, atol=1e-5)


def log_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return AutoModelForCausalLM.from_pretrained(folder).state_dict()


RUN = """
import json, sys
from pathlib import Path
from uptake.train.grpo import teach
from uptake.train.methods import GRPORecipe
teach(GRPORecipe(**json.loads(sys.argv[1])), Path(sys.argv[2]))
"""


def test_a_killed_run_ends_as_an_unbroken_one_and_counts_no_step_twice(tmp_path: Path) -> None:
    settings = json.dumps(replace(TINY, checkpoint_seconds=0).to_dict())
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    process = subprocess.Popen([sys.executable, "-c", RUN, settings, str(broken)])
    while not (broken / "state.pt").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (broken / "model").exists()
    ended = [teach(TINY, out) for out in (broken, whole)]
    assert [row["step"] for row in log_of(broken)] == [0, 1, 2, 3]
    same = ("reward", "outcome", "overasking", "price", "loss", "tokens", "heldout")
    for one, two in zip(log_of(broken), log_of(whole), strict=True):
        assert {key: one[key] for key in same} == {key: two[key] for key in same}
    one, two = (weights_of(folder) for folder in ended if folder)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_what_is_left_is_a_model_with_a_card_and_a_plot(tmp_path: Path) -> None:
    steps: list[int] = []
    folder = teach(replace(TINY, steps=1), tmp_path, lambda step: steps.append(step.step))
    assert folder is not None
    assert steps == [0, 1]
    card = (folder / "README.md").read_text()
    assert "GRPO, 1 steps of 2 tasks, 4 times each" in card
    assert "| skill |" in card
    assert "held-out" in plot_teaching(tmp_path).read_text()
    more = replace(TINY, steps=2)
    assert teach(more, tmp_path) is not None  # more steps of the same run
    assert [row["step"] for row in log_of(tmp_path)] == [0, 1, 2]
    with pytest.raises(RecipeError, match="another recipe"):
        teach(replace(TINY, seed=8), tmp_path)


def test_rewards_that_are_never_given_move_nothing(tmp_path: Path) -> None:
    run = Teaching(TINY, tmp_path)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    task = run.tasks.task(0)
    none = [Rollout(task, (Tokens([1], [2], [1], [0.0]),), None, None, True)] * 4
    assert run._learn(none, advantages([None] * 4, 4)) == (None, None)
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("method = 'ppo'", "use one of pretrain, sft, dpo, grpo"),
        ("method = 'grpo'\nstep = 3", "unknown setting 'step'"),
        ("method = 'grpo'\nsteps = 0", "steps = 0; give 1 or more"),
        ("method = 'grpo'\ngroup = 1", "group = 1; give 2 or more"),
        ("method = 'grpo'\nlearning_rate = 0.0", "above 0"),
        ("method = 'grpo'\nmixture = 3", "should be of type dict"),
        ("method = 'grpo'\n[mixture]\n'missing.none' = 1.0", "is no condition"),
        ("method = 'grpo'\n[prices]\ntalk = 1.0", "unknown price 'talk'"),
        ("method = 'grpo'\ndomain = 'chess'\n", "unknown domain 'chess'"),
    ],
)
def test_a_bad_recipe_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=line):
        read_any(str(path))


def test_a_model_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no config\.json there"):
        teach(replace(TINY, model=str(tmp_path / "nowhere")), tmp_path / "out")


def test_a_tokenizer_without_a_template_is_one_clear_line(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path / "bare")
    (tmp_path / "bare" / "config.json").write_text((WEIGHTS / "config.json").read_text())
    with pytest.raises(RecipeError, match="no chat template"):
        teach(replace(TINY, model=str(tmp_path / "bare")), tmp_path / "out")


def test_the_shipped_recipe_reads() -> None:
    assert read_any("taught").to_dict()["method"] == "grpo"
