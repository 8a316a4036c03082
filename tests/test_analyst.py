"""What the deterministic analyst makes of what users say; a ledger's promises: test_ground."""

from __future__ import annotations

import asyncio

import pytest

from uptake.analyst import Deterministic, Reading, hear, ledger
from uptake.conversation import Conversation, Message
from uptake.domains import domain
from uptake.ground import CommonGround
from uptake.scenario import scenarios

APPLES = "Ann has 12 apples."
PEARS = "Ben has 4 pears."
HOW_MANY = "How many pieces of fruit are there?"


def holds(*turns: str, asked: tuple[str | None, ...] = ()) -> list[str]:
    """What stands after these turns, in the words that hold."""
    ground = ledger(turns, asked)
    return [ground.wording(entry) for entry in ground.standing()]


def kinds(*turns: str) -> list[str]:
    return [entry.kind for entry in ledger(turns).entries]


# One value in another's place


@pytest.mark.parametrize(
    "correction",
    [
        "sorry, I meant 7",
        "Sorry, 7.",
        "no, 7",
        "Oops, I meant to say 7!",
        "actually, make that 7",
        "Wait, it should be 7.",
        "my mistake, it's 7",
        "Correction: 7 apples.",
        "7, not 12",
        "It's 7, not 12.",
        "not 12 but 7",
        "not 12, 7",
        "use 7 instead of 12",
        "Please change the 12 to 7.",
        "replace 12 with 7",
        "I said 12 but I meant 7",
        "Instead of 12, use 7.",
        "The 12 should be 7.",
        "12 -> 7",
        "make it seven rather than twelve",
        "7 apples, I mean",
    ],
)
def test_a_value_is_put_in_the_place_of_another(correction: str):
    stands = holds(HOW_MANY, APPLES, correction)
    assert stands[1].replace("seven", "7") == "Ann has 7 apples."
    assert len(stands) == 2


@pytest.mark.parametrize(
    ("said", "correction", "now"),
    [
        ("Book a table on Monday at 8:00 pm.", "actually make that Tuesday", "on Tuesday at 8:00"),
        ("Book a table on Monday at 8:00 pm.", "Sorry, 9:30 pm.", "on Monday at 9:30 pm."),
        ("Invite Ann to the dinner.", "not Ann, Ben", "Invite Ben to the dinner."),
        ("Invite Ann to the dinner.", "No, I meant Ben.", "Invite Ben to the dinner."),
        ("Paint the door red.", "sorry, blue", "Paint the door blue."),
        ("The price is $50 a month.", "sorry, I meant 65", "The price is $65 a month."),
        ("The price is 50 a month.", "sorry, I meant $65", "The price is $65 a month."),
        ("We stay for twenty-five days.", "make it thirty", "We stay for thirty days."),
        ("Half of them are red.", "sorry, a third of them", "third of them are red."),
        ("The meeting is in March.", "Oh wait, April.", "The meeting is in April."),
        ("There are 3 cats and 5 dogs.", "Sorry, I meant 4 cats.", "There are 4 cats and 5 dogs."),
    ],
)
def test_values_are_of_many_kinds(said: str, correction: str, now: str):
    assert now in holds(said, correction)[0]


def test_a_corrected_value_can_be_corrected_again():
    assert holds(APPLES, "sorry, I meant 9", "no, make that 7") == ["Ann has 7 apples."]


def test_what_could_be_either_of_two_is_pending_and_changes_nothing():
    ground = ledger(("There are 3 cats and 5 dogs.", "Sorry, I meant 7."))
    assert [entry.status for entry in ground.entries] == ["active", "pending"]
    assert not ground.entries[0].struck


def test_a_value_of_which_there_is_no_other_is_a_fact():
    ground = ledger(("Plan a trip to Rome.", "Sorry, for 3 days."))
    assert [(entry.kind, entry.status) for entry in ground.entries][1:] == [("fact", "active")]


def test_a_value_said_again_after_a_misreading_is_a_correction_that_changes_nothing():
    ground = ledger((APPLES, "No, 12."), (None, "So 9 apples, all right."))
    assert ground.entries[-1].kind == "correction"
    assert [ground.wording(entry) for entry in ground.standing()] == [APPLES]


def test_an_old_value_that_was_never_said_supersedes_nothing():
    assert holds(APPLES, "Use 7 instead of 5.")[0] == APPLES


# A sentence in another's place


@pytest.mark.parametrize(
    "correction",
    [
        "Ann has 9 apples.",
        "Sorry, I meant: Ann has 9 apples.",
        "Actually, Ann has 9 apples.",
        "No, Ann has 9 apples.",
        "Correction: Ann has 9 apples.",
        "I mixed something up. Ann has 9 apples.",
        "Wait, that was not right. Ann has 9 apples.",
        "I got one thing wrong: Ann has 9 apples.",
        "On second thought, Ann has nine apples.",
        "You misread me. Ann has 9 apples.",
    ],
)
def test_a_sentence_supersedes_what_it_says_otherwise(correction: str):
    ground = ledger((APPLES, PEARS, HOW_MANY, correction))
    assert ground.entries[0].status == "superseded"
    assert ground.entries[ground.entries[0].by or 0].text.endswith("apples.")
    assert ground.entries[1].status == "active"


def test_an_opening_alone_waits_for_the_next_turn():
    assert holds(APPLES, PEARS, "I made a mistake.", "There are 9 apples at Ann's.") == [
        PEARS,
        "There are 9 apples at Ann's.",
    ]


def test_the_rest_of_a_sentence_stays():
    assert holds("Ann has 12 apples and Ben has 4 pears.", "Actually, Ann has 9 apples.") == [
        "Ben has 4 pears.",
        "Ann has 9 apples.",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann has 3 apples.", "Ben has 3 apples."),
        ("Ann has 3 apples.", "Ben has 5 apples."),
        ("She sold 3 cakes on Monday.", "She sold 5 cakes on Tuesday."),
        ("She sold 3 cakes on Monday.", "She sold 3 cakes on Tuesday."),
        ("Ann found 3 shells.", "Ann found 5 more shells."),
        ("The first shelf holds 7 books.", "The second shelf holds 9 books."),
        ("Ann has seven times as many as Ben.", "Ann has three more than Ben."),
        ("She has four $5 bills.", "She has three $20 bills."),
        ("Each loaf costs $2.", "Each carton of milk costs $3."),
        ("The car gets 30 miles in the city.", "The car gets 40 miles on the highway."),
        ("There are 3 red balls.", "There are 5 blue balls."),
        ("Tom is 30 years old.", "Tom was 25 years old in 2010."),
    ],
)
def test_facts_that_only_look_alike_both_stand(one: str, other: str):
    assert holds(HOW_MANY, one, other)[1:] == [one, other]


def test_two_sentences_of_one_turn_do_not_correct_each_other():
    assert holds("Ann sold 3 apples. Ann sold 5 apples.") == [
        "Ann sold 3 apples.",
        "Ann sold 5 apples.",
    ]


@pytest.mark.parametrize(
    "doubt",
    [
        "Are you sure? I get 9.",
        "That cannot be right. I get 9.",
        "Hmm, no. It should be 9.",
        "A friend of mine says 9.",
        "I do not think so. Is it not 9?",
        "I think it's 9.",
        "Please check again.",
    ],
)
def test_a_doubt_of_the_reply_settles_nothing(doubt: str):
    turns = (APPLES, PEARS, HOW_MANY, doubt)
    assert holds(*turns, asked=(None, None, None, "There are 16.")) == [APPLES, PEARS, HOW_MANY]


def test_who_holds_to_a_value_against_the_reply_changes_nothing():
    first = hear(CommonGround(), "Our hall has 40 chairs.")
    told = hear(first, "That's wrong. It has 40, not 55.", "So you have 55 chairs.")
    assert told.wording(told.entries[0]) == "Our hall has 40 chairs."


def test_no_and_a_value_corrects_what_the_assistant_repeated():
    asked = (None, None, "All right: 12 apples and 4 pears.")
    assert holds(APPLES, PEARS, "No, 5 pears.", asked=asked)[1] == "Ben has 5 pears."


# What is taken back


@pytest.mark.parametrize(
    ("withdrawal", "left"),
    [
        ("forget the budget", ["We leave on Monday."]),
        ("Please ignore what I said about the budget.", ["We leave on Monday."]),
        ("The budget doesn't matter anymore.", ["We leave on Monday."]),
        ("We don't need the budget any more.", ["We leave on Monday."]),
        ("scratch that", ["My budget is $500."]),
        ("never mind the first part", ["My budget is $500.", "We leave on Monday."]),
        ("I take one thing back: that the budget is $500.", ["We leave on Monday."]),
        ("It is not true that we leave on Monday.", ["My budget is $500."]),
        ("Leave this out after all: leaving on Monday.", ["My budget is $500."]),
        ("Forget everything.", []),
    ],
)
def test_what_is_taken_back_holds_no_longer(withdrawal: str, left: list[str]):
    stands = holds("My budget is $500.", "We leave on Monday.", withdrawal)
    assert [each for each in stands if "never mind" not in each] == (
        left if "first" not in withdrawal else ["My budget is $500."]
    )


def test_of_a_request_only_the_words_that_name_it_are_struck():
    stands = holds(
        "Plan a trip to Rome with a budget of $500 for two people.", "Forget the budget."
    )
    assert stands == ["Plan a trip to Rome for two people."]


@pytest.mark.parametrize(
    "order",
    [
        "Ignore the rows that are empty.",
        "Leave out the owners without a visit.",
        "Remove all commas.",
        "Don't forget the budget.",
        'Translate "forget the budget" into French.',
    ],
)
def test_orders_about_the_world_take_nothing_back(order: str):
    assert "My budget is 500, in rows of owners." in holds(
        "My budget is 500, in rows of owners.", order
    )


# What is left out


@pytest.mark.parametrize(
    "talk",
    [
        "Thanks!",
        "Thank you so much, that's very kind.",
        "Hi there!",
        "Okay, got it.",
        "How are you today?",
        "It's raining again here.",
        "I need a coffee first.",
        "Good morning! Hope you're well.",
    ],
)
def test_small_talk_is_left_out(talk: str):
    assert holds(APPLES, talk, PEARS) == [APPLES, PEARS]


@pytest.mark.parametrize(
    "said",
    [
        "Thanks, and Ben has 4 pears.",
        "The weather station counts 3 days of rain.",
        "Great apes eat 20 bananas.",
        "My dog eats 2 bowls a day.",
        "I had 3 coffees.",
    ],
)
def test_what_is_told_with_or_like_small_talk_is_kept(said: str):
    assert any(said.endswith(stood) for stood in holds(APPLES, said)[1:])


def test_what_is_pasted_is_quoted_and_never_obeyed():
    turn = 'Fix this:\n\n```\nx = 1  # forget the budget\n```\n\n{"note": "the budget is 7"}'
    ground = ledger(("My budget is $500.", turn))
    assert [entry.kind for entry in ground.entries] == ["fact", "goal", "quoted", "quoted"]
    assert ground.entries[0].status == "active"


def test_lists_tell_one_thing_an_item_and_a_recapitulation_adds_nothing():
    first = "How many?\n- Ann has 12 apples\n- Ben has 4 pears"
    again = "Here is everything again:\nHow many?\n- Ann has 12 apples\n- Ben has 4 pears"
    expected = ["How many?", "Ann has 12 apples", "Ben has 4 pears"]
    assert holds(first) == expected
    assert holds(first, again) == expected
    assert holds("How many?", "How many?\n- Ann has 12 apples", first) == expected


def test_what_was_corrected_does_not_come_back_by_a_recapitulation():
    stands = holds(APPLES, PEARS, "sorry, I meant 5", f"To recap:\n- {APPLES}\n- Ben has 5 pears.")
    assert stands == [APPLES, "Ben has 5 pears."]


def test_kinds():
    assert kinds("From now on, answer in French.") == ["preference"]
    assert kinds("Could you write a function that sorts a list?") == ["goal"]
    assert kinds("Calculate the total.") == ["goal"]
    ground = hear(ledger(("Book a table.",)), "Tuesday", asked="On which day?")
    assert ground.entries[-1].kind == "answer"


@pytest.mark.parametrize("name", ["actions", "code", "data2text", "database", "math", "summary"])
def test_all_that_an_instruction_tells_stands(name: str):
    """Told at once, one shard a turn, or again and again: word for word, and under one topic."""
    for instruction in domain(name).generate(6, seed=78):
        for scenario in scenarios(instruction, ("concat", "sharded", "recap", "snowball")):
            ground = ledger([told.text for told in scenario.turns])
            stands = " ".join(" ".join(map(ground.wording, ground.standing())).split())
            for shard in instruction.shards:
                assert " ".join(shard.text.split()) in stands
            assert len(ground.topics) == 1


# Topics


def test_a_topic_is_suspended_and_resumed():
    ground = ledger(
        (
            f"{HOW_MANY} {APPLES}",
            "Something else first. A shop sells 8 lilies for $3. What do they cost?",
            f"Now back to my first question. {PEARS}",
        )
    )
    assert [topic.state for topic in ground.topics] == ["open", "suspended"]
    assert [e.topic for e in ground.standing() if "pears" in e.text] == [0]


def test_a_topic_is_called_off():
    ground = ledger(("Plan a trip to Rome.", "It should be cheap.", "Forget about the trip."))
    assert ground.topics[0].state == "cancelled"
    assert not ground.standing()


def test_another_topic_takes_the_place_of_one_that_is_called_off():
    other = "A shop has 8 lilies. It sells 3 of them. How many lilies are left in the shop?"
    ground = ledger((f"{HOW_MANY}\n- {APPLES}", f"Never mind, forget about that. {other}"))
    assert [topic.state for topic in ground.topics] == ["cancelled", "open"]
    assert " ".join(entry.text for entry in ground.standing()) == other


def test_scratch_that_and_the_same_of_another_value_is_a_correction():
    assert holds(APPLES, PEARS, "Scratch that. Ann has 9 apples.") == [PEARS, "Ann has 9 apples."]


def test_two_problems_are_two_topics():
    told = f"Here are two problems.\n\nOne: {APPLES} {HOW_MANY}\n\nTwo: {PEARS} How many eats he?"
    ground = ledger((told,))
    assert [(e.topic, e.text) for e in ground.standing() if e.kind == "fact"] == [
        (0, APPLES),
        (1, PEARS),
    ]


def test_facts_go_to_the_topic_whose_words_they_share():
    ground = ledger(
        (
            "What does the trip to Rome cost?",
            "Another question: how many lilies are in the garden?",
            "The trip to Rome takes 3 days.",
            "There are 8 lilies in every bed.",
        )
    )
    assert [e.topic for e in ground.standing() if e.kind == "fact"] == [0, 1]


# What the last turn leans on


def read(*said: tuple[str, str] | Message) -> Reading:
    messages = (each if isinstance(each, Message) else Message(*each) for each in said)
    return asyncio.run(Deterministic().read(Conversation(tuple(messages))))


ITEMS = "Here are some:\n1. Soup\n2. Salad\n3. Cake"
CODE = "Here:\n```python\nprint(1)\n```\nDone."


@pytest.mark.parametrize(
    ("reply", "request_", "piece"),
    [
        (ITEMS, "Tell me more about the second one.", "Salad"),
        (ITEMS, "I'd like the last one, please.", "Cake"),
        (CODE, "Make your code shorter.", "```python\nprint(1)\n```"),
        ("A long answer about the history of Rome.", "Make it shorter.", None),
        ("A long answer about the history of Rome.", "Why?", None),
        ("|a|b|\n|-|-|\n|1|2|", "Sort that table.", "|a|b|\n|-|-|\n|1|2|"),
    ],
)
def test_what_is_pointed_at_is_found(reply: str, request_: str, piece: str | None):
    reading = read(("user", "Help me with dinner."), ("assistant", reply), ("user", request_))
    (found,) = reading.referents
    assert (found.message, found.text, found.candidates) == (1, piece or reply, 1)
    assert request_[found.span.start : found.span.end] == found.words
    assert not reading.self_contained


def test_a_tools_result_is_pointed_at():
    reading = read(
        ("user", "Search for hotels."),
        Message("assistant", None, {"tool_calls": ({"id": "1"},)}),
        Message("tool", "Hotel A, Hotel B", {"tool_call_id": "1"}),
        ("assistant", "I found two."),
        ("user", "Sort those results."),
    )
    assert [(each.message, each.text) for each in reading.referents] == [(2, "Hotel A, Hotel B")]


def test_with_two_things_that_fit_it_is_unclear():
    told = f"Here are two problems.\nOne: {APPLES} How many?\nTwo: {PEARS} How many?"
    asked = (("user", told), ("assistant", "All right."))
    unclear = read(*asked, ("user", "What is the answer to it?"))
    assert [each.candidates for each in unclear.referents] == [2]
    clear = read(*asked, ("user", "Answer the second one, please."))
    assert [each.candidates for each in clear.referents] == [1]
    assert clear.resumed == 1
    assert PEARS in (clear.referents[0].text or "")


def test_a_request_that_says_it_all_points_at_nothing():
    reading = read(("user", HOW_MANY), ("assistant", "16"), ("user", f"And then? {APPLES}"))
    assert reading.self_contained
    assert reading.referents == ()


@pytest.mark.parametrize(
    "question",
    [
        "Since Ann has 9 apples, how many are left?",
        "Given that Ann has 9 apples, what is the total?",
        "Now that you know that Ann has nine apples, tell me how many there are.",
        "What follows from the fact that Ann has 9 apples?",
        "Let us use it again, bearing in mind that Ann has 9 apples. How many are left?",
    ],
)
def test_what_is_taken_for_granted_against_a_fact_is_found(question: str):
    reading = read(("user", APPLES), ("assistant", "All right."), ("user", question))
    (false,) = reading.false
    assert false.fact == APPLES
    assert question[false.span.start : false.span.end] == false.words
    assert reading.ground.entries[false.against].status == "active"
    right = question.replace("9", "12").replace("nine", "twelve")
    assert read(("user", APPLES), ("assistant", "All right."), ("user", right)).false == ()


def test_after_a_correction_the_old_value_is_the_false_one():
    said = (("user", APPLES), ("assistant", "Noted."), ("user", "sorry, I meant 9"))
    since = "Since Ann has {} apples, how many are left?"
    assert read(*said, ("assistant", "Noted."), ("user", since.format(12))).false
    assert not read(*said, ("assistant", "Noted."), ("user", since.format(9))).false


@pytest.mark.parametrize(
    ("turns", "telling"),
    [
        ((f"{HOW_MANY}\nThat is not all yet, wait for the rest.",), True),
        (("I will tell you the facts first.", APPLES, PEARS), True),
        (("I will tell you the facts first.", APPLES, HOW_MANY), False),
        (("I will tell you the facts first.", APPLES, "That's all."), False),
        ((HOW_MANY, APPLES), False),
    ],
)
def test_who_is_still_telling(turns: tuple[str, ...], telling: bool):
    said = [each for turn in turns for each in (("user", turn), ("assistant", "All right."))]
    assert read(*said[:-1]).telling == telling


def test_a_ledger_that_does_not_fit_is_left_aside():
    conversation = Conversation().user(APPLES)
    other = hear(CommonGround(), PEARS)
    assert Deterministic().reading(conversation, other).ground == ledger((APPLES,))


@pytest.mark.parametrize(
    "words", ["Hmm, no. It should be 52.", "No, it should be 52.", "No. It is 52."]
)
def test_another_result_is_a_doubt_of_the_reply_and_changes_no_fact(words: str) -> None:
    told = ledger(["Ann has 40 apples and buys 7. How many has she?"])
    heard = hear(told, words, "40 + 7 = 47. The answer is 47.")
    assert [entry.kind for entry in heard.entries if entry.span.turn == 1][-1] == "social"
    assert heard.standing() == told.standing()
