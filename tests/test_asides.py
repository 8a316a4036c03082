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


@pytest.mark.parametrize(
    "said",
    [
        "wait no Ann has 9 apples.",
        "Ann has 9 apples. Forget what I said before.",
        "Ann has 9 apples (I counted them wrong)",
        "Ann has 9 apples, not 12",
        "Ann has 9 apples, I mean",
        "I looked again and Ann has 9 apples.",
    ],
)
def test_a_sentence_said_anew_is_found_among_what_tells_nothing(said: str):
    found = stands(ledger((GOAL, ANN, said)))
    assert [each.rstrip(".") for each in found] == [GOAL, "Ann has 9 apples"]


@pytest.mark.parametrize(
    "said",
    [
        "Ann has 9 apples more than Ben.",
        "Ann has 9 apples on Monday.",
        "Ann has 9 apples, how many is that?",
        "In my garden, Ann has 9 apples.",
        "Then Ann has 9 apples.",
    ],
)
def test_what_tells_more_than_the_sentence_before_corrects_nothing(said: str):
    assert stands(ledger((GOAL, ANN, said)))[:2] == [GOAL, ANN]


@pytest.mark.parametrize(
    "said",
    [
        "It's 9, I typed 12 by accident.",
        "We said 12; let's say 9.",
        "Please swap 12 out and put 9.",
        "12? No, 9.",
    ],
)
def test_of_two_values_that_were_both_said_the_words_beside_them_tell_the_old_one(said: str):
    found = stands(ledger((GOAL, ANN, "Ben has 9 pears.", said)))
    assert found == [GOAL, "Ann has 9 apples.", "Ben has 9 pears."]


WRONG = "I got one thing wrong."


@pytest.mark.parametrize(
    ("told", "said", "gone"),
    [
        (
            ("The red box holds 3 cups.", "In the blue box there are 5 cups."),
            "The blue box holds 8 cups.",
            1,
        ),
        (
            ("Ann gives Ben 3 cups.", "Later Ann is handed 5 cups by Ben."),
            "Ben receives 8 cups from Ann.",
            0,
        ),
        (
            (
                "Compared with Ben, Zoe has 2 times as many cups.",
                "Ben has 3 times the cups of Ann.",
            ),
            "Compared with Ann, Ben has 4 times as many cups.",
            1,
        ),
        (("She works 3 hours.", "Ann is paid 5 dollars an hour."), "Ann works 8 hours.", 0),
    ],
)
def test_a_correction_is_of_what_names_the_same_things_and_people(
    told: tuple[str, str], said: str, gone: int
):
    turns = ("How many cups does Ann have at the end?", *told, f"{WRONG} {said}")
    kept = stands(ledger(turns))
    assert told[gone] not in kept
    assert told[1 - gone] in kept


def test_a_withdrawal_takes_back_what_gives_its_value():
    turns = (GOAL, "She had 30 apples already.", "Ann buys 5 apples.")
    found = stands(ledger((*turns, "Leave this out after all: Ann kept 30 apples before.")))
    assert found == [GOAL, "Ann buys 5 apples."]


def test_about_others_the_users_own_day_is_beside_the_matter_and_theirs_is_not():
    told = ("How many apples does Ann have left?", ANN, "Ben has 5 apples.")
    mine, theirs = "My train is late and I hate it.", "They were hungry."
    assert stands(ledger((*told, mine))) == list(told)
    assert stands(ledger((*told, theirs))) == [*told, theirs]
    party = ("Plan a dinner for my family in Rome.", "I pay for it.", mine)
    assert mine in stands(ledger(party))
