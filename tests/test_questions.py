from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.instruction import Shard
from uptake.questions import questions, target

ASKS = [
    "How many eggs are in a box?",
    "Sure! How many eggs are in a **box**?",
    "Could you tell me how many boxes Di buys?",
    "Please tell me the number of boxes.",
    "To work that out, I need to know how many boxes Di buys.",
    "I'd need more information about the boxes.",
    "A guess: 12. But how many boxes does Di buy?",
    "How many eggs are in a box? Without that I cannot say.",
    "Is it a box of 6? You said 12 before.",
    "Should I assume that every box is full?",
    "The sum needs one more thing.\nWe still need the size of a box.",
    "You haven't said how many eggs are in a box.",
    "The size of a box is missing.",
    "I still don't know the size of a box.",
    "Missing parameters: size, price",
    "Where would you like me to put the eggs?",
    'Which box do you mean by "big"?',
    "how many eggs are in a box",
    "Do you mean any other box?",
]
ASKS_NOTHING = [
    "",
    "18",
    "The answer is 18.",
    "How many eggs is that? 3 * 6 = 18.",
    "**How many eggs in all?** 3 boxes of 6 are 18 eggs.",
    "Does that fit? Yes, it does.",
    "The answer is 18. Would you like me to show the steps?",
    "18 eggs. Is there anything else?",
    "18. Does that help?",
    "That makes 18. Let me know if you want more detail.",
    "If you meant something else, please let me know!",
    "Confirm the total:\nProvide the answer:\n18",
    "```python\nprint('How many eggs are there?')\n```",
    "```\n# unfinished\nHow many?",
    "I do not know.",
    "I don't know the answer.",
    "Nothing is missing.",
    "You haven't said how many, so I took one box: 6 eggs.",
    'She asked "How many eggs are in a box?" and left.',
    "Print `How many eggs?` first.",
    "> How many eggs are in a box?",
    "Why not? Because a box holds 6.",
]


@pytest.mark.parametrize("reply", ASKS)
def test_a_question_to_the_user_is_seen(reply: str):
    assert questions(reply)


@pytest.mark.parametrize("reply", ASKS_NOTHING)
def test_what_wants_nothing_of_the_user_is_not_a_question(reply: str):
    assert questions(reply) == ()


def test_an_echo_of_the_user_asks_nothing():
    said = ["Di goes shopping. How many eggs is that?", "A box has 6 eggs."]
    assert questions("How many eggs is that?", said) == ()
    assert questions("how many EGGS is that?", said) == ()
    assert questions("How many boxes is that?", said) == ("How many boxes is that?",)


def test_questions_come_in_order():
    reply = "How many boxes? Also, please tell me the size of a box."
    assert questions(reply) == ("How many boxes?", "Also, please tell me the size of a box.")


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=2))
def test_every_question_is_a_piece_of_the_reply(reply: str, said: list[str]):
    assert all(question in reply for question in questions(reply, said))


SHARDS = (
    Shard("How many eggs are left?"),
    Shard("A box has 6 eggs."),
    Shard("Di buys 3 boxes.", quantity="how many boxes Di buys"),
    Shard("Di gives 4 eggs to Bo.", quantity="how many eggs Di gives to Bo"),
    Shard("Bo gives 2 eggs to Di.", quantity="how many eggs Bo gives to Di"),
    Shard("The trip costs $7.", quantity="the price of the ticket"),
)
UNTOLD = (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("question", "shard"),
    [
        ("How many eggs does each box have?", 1),
        ("How many boxes did Di buy or buys she?", 2),
        ("How many eggs Di gives to Bo?", 3),
        ("How many eggs Bo gives to Di?", 4),
        ("What does the trip cost?", 5),
        ("What is the price?", 5),
        ("And the tickets?", 5),
    ],
)
def test_a_question_finds_its_shard(question: str, shard: int):
    assert target([question], SHARDS, UNTOLD) == shard


def test_only_the_untold_can_be_the_target():
    assert target(["What is the price of the ticket?"], SHARDS, (1, 2)) is None
    assert target(["How many boxes?"], SHARDS, ()) is None


def test_a_question_that_no_shard_answers_has_no_target():
    assert target(["Which colour do you like?"], SHARDS, UNTOLD) is None
    assert target([], SHARDS, UNTOLD) is None


def test_the_first_question_that_can_be_answered_counts():
    asked = ["Which colour do you like?", "What is the price?", "How many boxes?"]
    assert target(asked, SHARDS, UNTOLD) == 5


@given(st.text(max_size=40), st.sets(st.integers(1, 5)))
def test_a_target_is_always_untold(question: str, untold: set[int]):
    found = target([question], SHARDS, sorted(untold))
    assert found is None or found in untold


@pytest.mark.parametrize("piece", ["please ", "i still also ", "if let me know", "How? ", "*"])
def test_a_reply_of_two_megabytes_is_read_to_its_end(piece: str):
    reply = piece * (2_000_000 // len(piece))
    assert questions(f"{reply}\nPlease tell me the price.")[-1] == "Please tell me the price."


def test_what_a_tool_is_to_say_asks_the_user_nothing():
    call = '<tool_call>{"name": "say", "arguments": {"text": "Who is it?"}}</tool_call>'
    assert questions(f"Done.\n{call}") == ()
