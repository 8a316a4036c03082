"""Rules are learnt from what failed over turns and was solved at once, and from nothing else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from played import episode, turn

from uptake.conversation import Conversation
from uptake.episode import Episode
from uptake.errors import UptakeError
from uptake.experience import (
    CAUSES,
    Experience,
    Rule,
    causes,
    contrasts,
    distil,
    read_experience,
    write_experience,
)
from uptake.model import Scripted


def at_once(score: float = 1.0, **more: Any) -> Episode:
    said = turn(score, user="Ann has 12 and 7.", reply="12 + 7 = 19. It is 19.")
    return replace(episode([score], **more), turns=(said,))


def over_turns(*turns: Any, **more: Any) -> Episode:
    return replace(episode([0.0, 0.0], **more), turns=tuple(turns))


LOST = over_turns(
    turn(0.0, user="Ann has 12.", reply="It is 3.", answer="3", ready=False),
    turn(0.0, user="And 7.", reply="It is 3.", answer="3"),
)


def test_a_contrast_is_a_failure_over_turns_of_what_was_solved_at_once() -> None:
    unsolved = at_once(0.0, instruction_id="i1")
    lost = replace(LOST, instruction_id="i1")
    solved_too = over_turns(turn(0.0, ready=False), turn(1.0), instruction_id="i0", repeat=1)
    found = contrasts([at_once(), LOST, unsolved, lost, solved_too, replace(LOST, repeat=2)])
    assert [(pair.failed, pair.solved) for pair in found] == [(LOST, at_once())]


def test_the_causes_are_those_to_be_seen() -> None:
    (pair,) = contrasts([at_once(), LOST])
    assert causes(pair) == {"answered_early", "locked_in", "dropped"}
    patient = over_turns(
        turn(0.0, user="Ann has 12.", reply="Go on.", answer=None, ready=False),
        turn(0.0, user="And 7.", reply="12 + 7 = 20. It is 20.", answer="20"),
    )
    (pair,) = contrasts([at_once(), patient])
    assert causes(pair) == frozenset()


def test_without_a_writer_each_cause_is_a_rule_the_most_frequent_first() -> None:
    early = over_turns(
        turn(0.0, user="Ann has 12.", reply="It is 3.", answer="3", ready=False),
        turn(0.0, user="And 7.", reply="12 + 7 = 20. It is 20.", answer="20"),
        instruction_id="i1",
    )
    played = [at_once(), LOST, at_once(instruction_id="i1"), early]
    found = asyncio.run(distil(played, "m"))
    assert found.contrasts == 2
    assert found.by is None
    assert found.rules[0] == Rule(CAUSES["answered_early"], "answered_early", 2)


def test_a_writer_reads_the_contrasts_and_its_rules_are_kept_short_and_few() -> None:
    shown: list[str] = []

    def write(talk: Conversation) -> str:
        shown.append(talk.messages[-1].text)
        return json.dumps(
            {"rules": ["Wait.", "Wait.", "x" * 500, *(f"Rule {i}." for i in range(20))]}
        )

    found = asyncio.run(distil([at_once(), LOST], "m", Scripted(write, name="writer")))
    assert "Ann has 12." in shown[0]
    assert [rule.text for rule in found.rules] == ["Wait.", *(f"Rule {i}." for i in range(7))]
    assert found.by == "writer"


@pytest.mark.parametrize("reply", ["", "no", "[]", '{"rules": []}', '{"rules": "Wait."}'])
def test_a_writer_without_rules_is_one_clear_line(reply: str) -> None:
    with pytest.raises(UptakeError, match="scripted wrote no rules"):
        asyncio.run(distil([at_once(), LOST], "m", Scripted([reply])))


def test_nothing_to_learn_from_is_one_clear_line() -> None:
    with pytest.raises(UptakeError, match="nothing to learn from"):
        asyncio.run(distil([at_once(), at_once(0.0)], "m"))


def test_the_file_is_read_back_as_it_was_written_and_changed(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    made = Experience("m", 2, (Rule("Wait.", "answered_early", 2), Rule("Ask.")))
    write_experience(path, made)
    assert read_experience(path) == made
    path.write_text(path.read_text().replace("Wait.", "Wait for it."))
    assert read_experience(path).rules[0].text == "Wait for it."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "no experience of version"),
        ('{"version": 9}', "no experience of version"),
        ('{"version": 1}', "rules"),
        ('{"version": 1, "model": "m", "contrasts": 1, "rules": [{"word": "x"}]}', "word"),
        ('{"version": 1, "model": "m", "contrasts": 1, "rules": [{"text": ""}]}', "rule 1"),
    ],
)
def test_a_file_that_is_none_is_one_clear_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "rules.json"
    path.write_text(text)
    with pytest.raises(UptakeError, match=why):
        read_experience(path)
