"""The study without a trainer: its data, its arms, its intervals, and what its paragraph says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from uptake.domains import domain
from uptake.questions import questions
from uptake.study.arms import Arm, Settings, StudyError, arms
from uptake.study.measure import FIGURES, SKILLS
from uptake.study.paper import write
from uptake.study.sums import grouped, less, relative
from uptake.study.words import paragraph
from uptake.train.dialogue import MODES, conversations, natural
from uptake.train.worked import worked

N = 40


def planted(
    arm: Arm, skills: Mapping[str, float], loss: float = 1.0, **more: Any
) -> dict[str, Any]:
    """A result in which each figure is right on that share of the instructions."""

    def figure(share: float) -> dict[str, Any]:
        right = round(share * N)
        return {"top": [1.0] * right + [0.0] * (N - right), "bottom": [1.0] * N}

    figures = {name: figure(skills.get(name, 0.0)) for name in FIGURES}
    return {
        "arm": asdict(arm),
        "loss": {mode: {"said": loss, "all": loss, "tokens": 100} for mode in MODES},
        "measured": {"figures": figures, "instructions": N},
        "tokens": arm.amount * 1000,
        **more,
    }


def same(value: float) -> dict[str, float]:
    return {**dict.fromkeys(SKILLS, value), "full": 0.9}


def results(natural: float, dense: float, reward: float) -> list[dict[str, Any]]:
    found = [planted(Arm("base"), same(0.2))]
    for seed in range(3):
        found.append(planted(Arm("reward", seed), same(reward)))
        for mode, skill in (("monologic", 0.2), ("natural", natural), ("dense", dense)):
            for amount, share in ((1, 0.2), (16, skill)):
                arm = Arm("tokens", seed, mode=mode, amount=amount)
                found.append(planted(arm, same(share), loss=0.5))
    return found


def test_the_paragraph_says_that_the_premise_holds_where_the_numbers_do():
    text = paragraph(grouped(results(natural=0.2, dense=0.3, reward=0.8)))
    assert "dialogue at people's rates at 16x stays below relational reward" in text
    assert "the premise holds" in text
    assert "contradicts" not in text
    assert (
        "Next-token training on dialogue at people's rates did not clearly move the skill" in text
    )
    assert "went from 1.00 to 0.50 nats" in text


def test_the_paragraph_says_that_the_premise_fails_where_the_numbers_do():
    text = paragraph(grouped(results(natural=0.2, dense=0.95, reward=0.5)))
    assert "dense dialogue at 16x comes out above relational reward" in text
    assert "this contradicts the premise" in text
    assert "more of it taught more" in text


def test_the_paragraph_claims_nothing_that_cannot_be_told_apart():
    text = paragraph(grouped(results(natural=0.2, dense=0.5, reward=0.5)))
    assert "dense dialogue at 16x cannot be told from relational reward" in text


def test_the_paragraph_tells_of_asking_under_preferences_and_of_the_control():
    def points(after: float) -> list[dict[str, Any]]:
        return [
            {
                "step": step,
                "instructions": N,
                "figures": planted(Arm("base"), {"asks": share})["measured"]["figures"],
            }
            for step, share in ((0, 0.8), (40, after))
        ]

    found = results(0.2, 0.3, 0.8)
    for seed in range(3):
        for where, after in (("all", 0.2), ("complete", 0.8)):
            arm = Arm("dpo", seed, start="taught", where=where, rate=1e-4)
            found.append(planted(arm, same(0.2), points=points(after)))
    groups = grouped(found)
    change = relative(groups["dpo-taught-all-1e-04"], 40, "asks")
    assert change is not None
    assert change.value == pytest.approx(-0.75)
    assert change.low < change.value < change.high < -0.5
    text = paragraph(groups)
    assert "everywhere at 0.0001: -75%" in text
    assert "on complete requests only at 0.0001: +0%" in text


def test_an_interval_is_wider_where_seeds_differ():
    def group(values: tuple[float, ...]) -> Any:
        made = [planted(Arm("distil", seed), same(value)) for seed, value in enumerate(values)]
        return grouped(made)["distil"].skill()

    alike, apart = group((0.5, 0.5, 0.5)), group((0.1, 0.5, 0.9))
    assert alike.value == pytest.approx(apart.value)
    assert alike.high - alike.low < apart.high - apart.low
    assert alike.low < alike.value < alike.high


def test_an_arm_differs_from_itself_by_nothing_and_a_skill_never_decided_counts_nothing():
    groups = grouped([planted(Arm("base"), same(0.5))])
    change = less(groups["base"], groups["base"])
    assert (change.value, change.clear) == (0.0, False)
    result = planted(Arm("base"), same(0.5))
    result["measured"]["figures"]["grounding"] = {"top": [0.0] * N, "bottom": [0.0] * N}
    assert grouped([result])["base"].skill().value == pytest.approx(0.45)


def test_what_is_handed_in_is_written_from_the_results(tmp_path: Path):
    (tmp_path / "arms").mkdir()
    for result in results(0.2, 0.3, 0.8):
        path = tmp_path / "arms" / f"{Arm(**result['arm']).id}.json"
        path.write_text(json.dumps(result), encoding="utf-8")
    shown = write(tmp_path)
    assert "| reward | 3 | 40 |" in shown
    assert (tmp_path / "study.png").stat().st_size > 10_000
    assert "<svg" in (tmp_path / "study.svg").read_text(encoding="utf-8")
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    skill = next(r for r in rows if (r["group"], r["figure"]) == ("reward", "skill"))
    assert skill["low"] <= skill["value"] <= skill["high"]


def test_a_grid_has_each_arm_once_and_preferences_wait_for_what_they_begin_from():
    found = arms(Settings())
    assert len({arm.id for arm in found}) == len(found)
    assert sum(arm.objective == "tokens" for arm in found) == 3 * 5 * 3
    waiting = [arm for arm in found if arm.needs]
    assert {arm.needs for arm in waiting} == {f"reward-s{seed}" for seed in range(3)}
    alone = arms(Settings(objectives=("dpo",)))
    assert alone
    assert all(arm.needs is None for arm in alone)
    assert Settings.of(json.loads(json.dumps(Settings().to_dict()))) == Settings()
    with pytest.raises(StudyError, match="choose from"):
        arms(Settings(objectives=("more",)))


def asks(chat: list[dict[str, str]]) -> list[bool]:
    """For each reply, whether it asks."""
    found: list[bool] = []
    said: list[str] = []
    for message in chat:
        if message["role"] == "user":
            said.append(message["content"])
        else:
            found.append(bool(questions(message["content"], said)))
    return found


def test_people_ask_rarely_and_dense_dialogue_often():
    share: dict[str, float] = {}
    for mode in MODES:
        replies = [
            each for c in islice(conversations("math", mode, seed=5), 300) for each in asks(c)
        ]
        share[mode] = sum(replies) / len(replies)
    assert share["monologic"] == 0
    assert share["natural"] < 2 * natural()["ask"]
    assert share["dense"] > 0.2


def test_a_mode_is_the_same_for_the_same_seed_and_split():
    def first(seed: int, split: str) -> list[Any]:
        return list(islice(conversations("math", "dense", seed=seed, split=split), 5))

    assert first(1, "train") == first(1, "train")
    assert first(1, "train") != first(2, "train")
    assert first(1, "train") != first(1, "heldout")


def test_every_mode_is_turns_of_both_and_its_answers_have_their_working():
    math = domain("math")
    for mode in MODES:
        for chat in islice(conversations("math", mode, seed=2), 50):
            assert [m["role"] for m in chat] == ["user", "assistant"] * (len(chat) // 2)
            assert all(m["content"] for m in chat)
    one = math.generate(1, seed=3, split="train")[0]
    said = worked(f"The answer is {one.answer}.", [one])
    assert said.count("=") == one.meta["steps"]
    assert math.verify(one, said).score == 1


def test_the_working_of_what_no_reading_has_stays_away():
    one = domain("math").generate(1, seed=3, split="train")[0]
    assert worked("The answer is 100000.", [one]) == "The answer is 100000."
    other = domain("database").generate(1, seed=3, split="train")[0]
    assert worked("The answer is 3.", [other]) == "The answer is 3."


def test_what_is_wanted_once_a_fact_is_taken_back_has_its_working():
    """Such an instruction has a shard less than its problem has facts."""
    math = domain("math")
    for one in math.generate(400, seed=5, split="train"):
        for at, shard in enumerate(one.shards):
            if shard.withdrawn is None:
                continue
            left = (*one.shards[:at], *one.shards[at + 1 :])
            wanted = replace(one, shards=left, answer=shard.withdrawn)
            said = worked(f"The answer is {shard.withdrawn}.", [wanted, one])
            assert math.verify(wanted, said).score == 1
            assert "=" in said


def test_changed_and_withdrawn_answers_have_their_working():
    math = domain("math")
    found = 0
    for one in math.generate(20, seed=4, split="train"):
        for shard in one.shards:
            for answer in (shard.revised, shard.withdrawn):
                if answer is not None:
                    assert "=" in worked(f"The answer is {answer}.", [one])
                    found += 1
    assert found > 20
