"""What is beside the matter is left out, and nothing that may bear on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from uptake.analyst import ENGLISH, Language, ledger
from uptake.analyst.asides import NEVER, aside, features, read_weights
from uptake.errors import UptakeError
from uptake.ground import CommonGround

GOAL = "How many apples are left?"
ANN = "Ann has 12 apples."
NOTHING: frozenset[str] = frozenset()


def stands(ground: CommonGround) -> list[str]:
    return [ground.wording(entry) for entry in ground.standing()]


@pytest.mark.parametrize(
    "said",
    [
        "Oh wow, thank you so very much for this!",
        "You are doing a great job today.",
        "Sounds good to me, thanks again.",
        "Hope your evening is going well.",
        "I'm so happy with this, you're amazing.",
    ],
)
def test_small_talk_in_no_list_is_left_out(said: str):
    assert stands(ledger((GOAL, ANN, said))) == [GOAL, ANN]


@pytest.mark.parametrize(
    "said",
    [
        "I'm a vegetarian.",
        "My daughter is allergic to nuts.",
        "I get seasick easily.",
        "My husband uses a wheelchair.",
        "I'd rather not fly.",
        "I have a bad knee.",
        "He never eats breakfast.",
        "The rest are sold.",
        "It rained all day.",
        "I am a beginner.",
        "I'm busy on Friday.",
    ],
)
def test_what_may_bear_on_a_request_is_kept(said: str):
    goal = "Plan a weekend for us in Rome."
    assert said in stands(ledger((goal, said)))


def test_before_anything_was_asked_nothing_is_beside_the_matter():
    said = "You are doing a great job today."
    assert said in stands(ledger((said,)))


def test_words_of_the_matter_keep_a_sentence():
    said = "Thank you so much for the apples of Ann today!"
    assert stands(ledger((GOAL, ANN, said)))[-1] == said


def test_a_language_without_weights_has_no_asides(tmp_path: Path):
    mine = tmp_path / "mine.toml"
    mine.write_text(ENGLISH.file.read_text(encoding="utf-8"), encoding="utf-8")
    assert aside("sounds good to me", Language("mine", mine), NOTHING, NOTHING) == NEVER
    assert aside("so " * 200, ENGLISH, NOTHING, NOTHING) == NEVER


def test_any_number_is_the_same_to_the_model():
    assert list(features("i have 7 cats")) == list(features("i have 1,200 cats"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no json\nabc", "make them anew"),
        (json.dumps({"step": 1, "bias": 0, "places": 4}).encode() + b"\nabc", "3 of 4 bytes"),
        (b'{"step": 1}\nabc', "'bias'"),
    ],
)
def test_weights_that_are_not_whole_are_refused(tmp_path: Path, content: bytes, says: str):
    path = tmp_path / "xx.asides"
    path.write_bytes(content)
    with pytest.raises(UptakeError, match=says):
        read_weights(path)


@pytest.mark.parametrize(
    "introduced",
    [
        "my sheet says something else, {}",
        "New info: {}",
        "Forget the figure I gave you, {}",
        "blast, I looked at the old list, {}",
        "Pay no heed to that number of mine. {}",
    ],
)
def test_a_sentence_said_again_of_another_value_holds_however_introduced(introduced: str):
    turns = (GOAL, ANN, "Ben has 4 pears.", introduced.format("Ann has 9 apples."))
    said = stands(ledger(turns))
    assert "Ann has 9 apples." in said
    assert ANN not in said
    assert "Ben has 4 pears." in said


@pytest.mark.parametrize("where", ["In the park, ", "Later, ", "At home ", "On Monday, "])
def test_what_tells_where_or_when_introduces_another_fact(where: str):
    turns = (GOAL, "Ann finds 12 apples.", f"{where}Ann finds 9 apples.")
    assert stands(ledger(turns))[1:] == list(turns[1:])


@pytest.mark.parametrize(
    "said",
    [
        "the 12 is off, should have been 9, silly me",
        "my 12 was a slip, 9 is right",
        "It's 9. The 12 was wrong.",
    ],
)
def test_of_two_values_the_one_that_was_said_is_the_old_one(said: str):
    assert stands(ledger((GOAL, ANN, said))) == [GOAL, "Ann has 9 apples."]


def test_where_both_values_were_said_and_nothing_tells_which_is_old_it_is_pending():
    turns = (GOAL, ANN, "Ben has 9 apples.", "I wrote the one wrong, 9 and 12.")
    ground = ledger(turns)
    assert stands(ground)[1:3] == [ANN, "Ben has 9 apples."]
    assert ground.entries[-1].status == "pending"
