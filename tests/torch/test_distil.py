"""FULL-view self-distillation: what the teacher reads, the loss, and a run that is broken off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from uptake.embedded.model import WEIGHTS
from uptake.scenario import bullets
from uptake.train.distil import distil, distil_loss
from uptake.train.loops import Row, row_of
from uptake.train.methods import DistilRecipe, read_any
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, Drawn, roll
from uptake.train.tasks import JUMBLED, TOLD, Tasks
from uptake.train.views import at_once, learned, views

TINY = DistilRecipe(
    name="tiny",
    mixture={"lost.sharded": 0.7, "lost.full": 0.3},
    steps=3,
    tasks_per_step=2,
    heldout=3,
    evaluate_every=3,
    reply_tokens=32,
    checkpoint_seconds=0,
    device="cpu",
)


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder(AutoTokenizer.from_pretrained(WEIGHTS))


def played(coder: Coder, condition: str, user: str) -> Any:
    def draw(prompts: Any) -> list[Drawn]:
        ids = tuple(coder.prompt([{"role": "user", "content": "7"}])[1:2])
        return [Drawn((*ids, coder.end), (0.0, 0.0)) for _ in prompts]

    (one,) = roll([Tasks("math").of(condition, 1, user)], coder, draw, room=4000)
    return one


@pytest.mark.parametrize("user", ["scripted", "chatty", "terse"])
@pytest.mark.parametrize("condition", ["lost.sharded", "missing.missing"])
def test_the_teacher_reads_no_fact_that_was_not_told(
    coder: Coder, condition: str, user: str
) -> None:
    one = played(coder, condition, user)
    view, wanted = at_once(one.task.scenario, one.episode), one.task.scenario.instruction
    told = set(one.episode.turns[-1].told)
    if wanted.needed <= told:
        assert view == bullets([shard.text for shard in wanted.shards])
    else:
        assert all((s.text in view) == (at in told) for at, s in enumerate(wanted.shards))


def test_where_all_is_told_at_once_the_teacher_reads_the_same(coder: Coder) -> None:
    one = played(coder, "lost.full", "scripted")
    assert at_once(one.task.scenario, one.episode) == one.episode.turns[0].user


def test_told_in_any_order_the_teacher_reads_the_instructions_own(coder: Coder) -> None:
    one = played(coder, JUMBLED, "scripted")
    facts = one.task.scenario.instruction.shards
    view = at_once(one.task.scenario, one.episode)
    assert view == bullets([shard.text for shard in facts])
    assert view != one.episode.turns[0].user


@pytest.mark.parametrize("condition", [TOLD, "revision.pushback", "handoff.resumed"])
def test_the_teacher_reads_the_request_that_is_come_back_to(coder: Coder, condition: str) -> None:
    one = played(coder, condition, "scripted")
    asked = one.task.scenario.instruction
    assert at_once(one.task.scenario, one.episode) == bullets([s.text for s in asked.shards])


def test_after_a_correction_the_teacher_reads_what_stands(coder: Coder) -> None:
    one = played(coder, "revision.changed", "scripted")
    view, asked = at_once(one.task.scenario, one.episode), one.task.scenario.instruction
    stale = [shard for shard in asked.shards if shard.text not in view]
    assert len(stale) == 1
    assert stale[0].contradicted in view
    assert stale[0].contradicted in one.episode.turns[-1].user


def test_what_was_taken_back_the_teacher_does_not_read(coder: Coder) -> None:
    one = played(coder, "revision.withdrawn", "scripted")
    view, asked = at_once(one.task.scenario, one.episode), one.task.scenario.instruction
    assert sum(shard.text not in view for shard in asked.shards) == 1


def test_a_question_of_yes_or_no_is_read_as_it_was_said(coder: Coder) -> None:
    one = played(coder, "presupposition.direct_false", "scripted")
    said = " ".join(turn.user for turn in one.episode.turns)
    assert at_once(one.task.scenario, one.episode) == said


@pytest.mark.parametrize("condition", ["false", "true"])
def test_what_is_taken_for_granted_the_teacher_is_asked_directly(
    coder: Coder, condition: str
) -> None:
    one = played(coder, f"presupposition.{condition}", "scripted")
    asked, whole = views(one.task.scenario, one.episode)
    direct = played(coder, f"presupposition.direct_{condition}", "scripted")
    assert asked == direct.episode.conversation().to_dicts()[:-1]
    facts = one.task.scenario.instruction.shards
    assert [m["content"] for m in whole] == [bullets([shard.text for shard in facts])]


@pytest.mark.parametrize("condition", ["lost.sharded", "presupposition.direct_true"])
def test_everything_else_the_teacher_is_asked_once(coder: Coder, condition: str) -> None:
    one = played(coder, condition, "scripted")
    assert len(views(one.task.scenario, one.episode)) == 1


def test_early_replies_are_those_before_all_was_told_over_turns(coder: Coder) -> None:
    """Of them the teacher reads what was told by then, at once, and that it may ask."""
    one = played(coder, "lost.sharded", "scripted")
    assert learned(one.episode) == [one.episode]
    *before, last = learned(one.episode, early=True)
    assert last == one.episode
    assert [len(part.turns) for part in before] == list(range(1, len(one.episode.turns)))
    assert not any(part.turns[-1].ready for part in before)
    for part in before:
        system, told = views(one.task.scenario, part, "Ask.")[0]
        assert system == {"role": "system", "content": "Ask."}
        assert told["content"] == " ".join(turn.user for turn in part.turns)
    assert len(learned(played(coder, "lost.full", "scripted").episode, early=True)) == 1


def test_where_the_teacher_ends_a_part_the_student_goes_on(coder: Coder) -> None:
    """Wanted of the token that leads on is what the teacher gives to its end."""
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    asked = {"role": "user", "content": "Ann has 3 eggs. Ann buys 4 eggs. How many has she now?"}
    theirs = row_of(coder, [asked, {"role": "assistant", "content": "3 + 4 = 7. The answer is 7."}])
    mine = replace(theirs, ids=(*theirs.ids[:-1], coder.line))
    with torch.no_grad():
        scores = torch.log_softmax(model(torch.tensor([theirs.ids])).logits[0, -2].float(), -1)
    swapped = scores.clone()
    swapped[[coder.end, coder.line]] = scores[[coder.line, coder.end]]
    wanted = torch.nn.functional.kl_div(scores, swapped, log_target=True, reduction="sum")
    found = float(distil_loss(model, model, [mine], [theirs]).detach())
    assert found == pytest.approx(float(wanted), rel=0.05)
    assert found > 1


def test_the_loss_is_the_divergence_of_the_reply_alone() -> None:
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    reply = (40, 41, 42)
    short = Row((4, 30, 31, *reply), (False,) * 3 + (True,) * 3)
    long = Row((4, 50, 51, 52, 53, *reply), (False,) * 5 + (True,) * 3)
    assert float(distil_loss(model, model, [short], [short]).detach()) == pytest.approx(0, abs=1e-4)
    apart = float(distil_loss(model, model, [long], [short]).detach())
    assert apart > 0
    both = float(distil_loss(model, model, [long, short], [short, short]).detach())
    assert both == pytest.approx(apart, rel=0.05)


def test_a_run_that_is_stopped_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    whole = distil(TINY, tmp_path / "whole")
    stops = iter([False, True])
    assert distil(TINY, tmp_path / "broken", stop=lambda: next(stops)) is None
    broken = distil(TINY, tmp_path / "broken")
    assert whole is not None
    assert broken is not None
    lines = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "broken")
    ]
    assert [row["step"] for row in lines[1]] == [0, 1, 2, 3]
    for one, other in zip(*lines, strict=True):
        assert one["loss"] == other["loss"] or one["loss"] == pytest.approx(other["loss"], rel=1e-3)
    assert lines[0][-1]["heldout"] == lines[1][-1]["heldout"]
    assert "FULL-view self-distillation" in (broken / "README.md").read_text()
    with pytest.raises(RecipeError, match="another recipe"):
        distil(replace(TINY, seed=1), tmp_path / "whole")


def test_the_recipes_that_ship_can_be_read_and_bad_ones_are_refused(tmp_path: Path) -> None:
    assert all(isinstance(read_any(name), DistilRecipe) for name in ("distilled", "consistent"))
    path = tmp_path / "bad.toml"
    for words, match in (
        ("tasks_per_step = 0", "give 1 or more"),
        ("learning_rate = 0.0", "above 0"),
        ("group = 8", "unknown setting"),
        ("early = true", "give elicit"),
    ):
        path.write_text(f'method = "distil"\n{words}\n')
        with pytest.raises(RecipeError, match=match):
            read_any(str(path))
