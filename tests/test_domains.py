from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from uptake.domains import DomainError, domain, guess, names
from uptake.instruction import Instruction
from uptake.questions import target

READ = ("math", "database", "actions")
"""The domains whose answers need nothing else of `meta` where a fact is another."""

SOURCE = """
class Tiny:
    name = "tiny"
    def generate(self, n, *, seed=0, split="heldout"): return []
    def verify(self, instruction, reply): return None
tiny = Tiny()
half = object()
"""
POINTS = """[uptake.domains]
tiny = outsiders_domain:tiny
half = outsiders_domain:half
gone = outsiders_domain:gone
absent = no_such_module_anywhere:x
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's package with domains, installed as pip would leave it."""
    (tmp_path / "outsiders_domain.py").write_text(SOURCE)
    info = tmp_path / "outsiders-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outsiders\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_domain_of_another_package_is_found_by_name():
    assert {"tiny", "half", "gone", "absent"} <= set(names())
    assert names() == sorted(names())
    assert domain("tiny").name == "tiny"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sums", "unknown domain 'sums'; known: .*tiny"),
        ("half", r"domain 'half' \(outsiders_domain:half\) lacks generate\(\) or verify\(\)"),
        ("gone", r"domain 'gone' \(outsiders_domain:gone\) does not load: AttributeError"),
        ("absent", "does not load: ModuleNotFoundError: No module named"),
    ],
)
def test_a_domain_that_cannot_be_used_is_one_clear_line(name: str, said: str):
    with pytest.raises(DomainError, match=said) as caught:
        domain(name)
    assert "\n" not in str(caught.value)


# What a generated instruction says of its other readings


def made(name: str, n: int = 24) -> list[Instruction]:
    return [
        one
        for split in ("train", "heldout")
        for one in domain(name).generate(n, seed=17, split=split)
    ]


@pytest.mark.parametrize("name", READ)
def test_each_other_reading_has_an_answer_of_its_own(name: str):
    verify, readings = domain(name).verify, 0
    for one in made(name):
        for shard in one.shards[1:]:
            for answer in {shard.revised, shard.withdrawn} - {None, one.answer}:
                assert answer is not None
                other = replace(one, answer=answer)
                assert verify(other, answer).score == 1, (one.id, answer)
                assert verify(other, one.answer).score == 0, (one.id, answer)
                assert verify(one, answer).score == 0, (one.id, answer)
                readings += 1
    assert readings > 100


@pytest.mark.parametrize("name", READ)
def test_nearly_every_instruction_can_be_revised_and_what_is_needless_changes_nothing(name: str):
    able = 0
    for one in made(name):
        able += any(s.needed and s.revised not in (None, one.answer) for s in one.shards)
        for shard in one.shards[1:]:
            if not shard.needed:
                assert {shard.revised, shard.withdrawn} <= {None, one.answer}
    assert able >= 0.9 * len(made(name))


@pytest.mark.parametrize("name", READ)
def test_claims_are_clauses_and_checks_ask_for_yes_or_no(name: str):
    for one in made(name):
        for shard in one.shards[1:]:
            told = [(shard.claim, shard.check), (shard.false_claim, shard.false_check)]
            for claim, check in told:
                assert (claim is None) == (check is None)
                assert claim is None or (claim[-1] not in ".?!" and "{" not in claim)
                assert check is None or check.endswith("?")
            if shard.claim and shard.needed:
                assert shard.false_claim != shard.claim
            if shard.needed and shard.revised:
                assert shard.false_claim


@pytest.mark.parametrize("name", ["database", "actions"])
def test_training_and_heldout_share_no_claim_and_no_question(name: str):
    said = [
        {text for one in some for s in one.shards[1:] for text in (s.claim, s.check) if text}
        | {one.meta["distractor"] for one in some}
        for some in (
            domain(name).generate(40, seed=3, split=split) for split in ("train", "heldout")
        )
    ]
    assert not said[0] & said[1]


@pytest.mark.parametrize("name", ["database", "actions"])
def test_a_question_for_what_is_missing_is_understood(name: str):
    found = 0
    for one in made(name, 40):
        assert one.meta["distractor"] not in one.full
        for gap in one.meta["gaps"]:
            assert one.shards[gap].needed
            asked = [f"Could you tell me {one.shards[gap].quantity}?"]
            assert target(asked, one.shards, range(1, len(one.shards))) == gap
        found += bool(one.meta["gaps"])
    assert found > 50


@pytest.mark.parametrize("name", ["database", "actions"])
def test_a_guess_is_an_answer_and_a_wrong_one(name: str):
    for one in made(name, 10):
        verdict = domain(name).verify(one, guess(name, [one.full]))
        assert verdict.answer is not None
        assert verdict.score == 0
        assert domain(name).verify(one, guess(name, [])).answer is not None
