"""One conversation audited: acts of both parties, repair, signs of failure, and where it breaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.acts import ACTS
from uptake.audit import CAUSES, SIGNALS, Mark, audit
from uptake.audit.heard import listen
from uptake.conversation import Conversation, Message

ASK = "How much is the trip?"


def talk(*texts):
    """User and assistant in turn."""
    made = Conversation()
    for number, text in enumerate(texts):
        made = made.assistant(text) if number % 2 else made.user(text)
    return made


def causes(found):
    return [(each.at, each.cause) for each in found.breakdowns]


def shown(found):
    return [(signal.at, signal.name) for signal in found.signals]


def names(found, at):
    return {mark.name for mark in found.marks[at]}


def test_what_goes_well_breaks_nowhere():
    found = audit(
        talk(
            "How many apples are left if I had 12 and ate 5?",
            "You have 7 apples left.",
            "Thanks! And how many pears are left of 9 if I eat 2?",
            "You have 7 pears left.",
        )
    )
    assert found.first is None
    assert found.signals == found.repairs == ()
    assert "acknowledge" in names(found, 2)
    assert "commit" in names(found, 3)


def test_a_question_and_its_answer_are_a_repair_of_what_the_user_said():
    found = audit(talk(ASK, "Which trip do you mean?", "The one to Rome.", "It is 300 euros."))
    (repair,) = found.repairs
    assert (repair.kind, repair.by, repair.of) == ("ask", "assistant", "user")
    places = (repair.trouble, repair.initiation, repair.solution, repair.uptake)
    assert places == (0, 1, 2, 3)
    assert repair.held is True
    assert found.first is None


def test_a_question_that_the_user_does_not_answer_is_no_repair_that_held():
    found = audit(talk(ASK, "Which trip do you mean?", "Forget it, this is useless.", "Sorry."))
    assert found.repairs[0].held is False
    assert shown(found) == [(2, "gives_up")]
    assert causes(found) == [(1, "abandoned")]


def test_no_i_meant_is_third_position_repair_and_shows_a_misreading():
    found = audit(
        talk(
            "Tell me about Java.",
            "Java is a programming language.",
            "No, I meant the island.",
            "Java is an island of Indonesia.",
        )
    )
    (repair,) = found.repairs
    assert (repair.kind, repair.by, repair.of) == ("meant", "user", "user")
    assert (repair.trouble, repair.initiation, repair.uptake) == (0, 2, 3)
    assert repair.held is True
    assert (found.first.at, found.first.cause, found.first.shown) == (1, "misread", 2)
    (signal,) = found.signals
    assert (signal.name, signal.reply) == ("meant", 1)
    assert "commit" in signal.did


def test_a_user_who_finds_fault_corrects_the_reply():
    found = audit(talk(ASK, "It is 300 euros.", "That's wrong.", "You are right, it is 350 euros."))
    assert shown(found) == [(2, "faults")]
    assert causes(found)[0] == (1, "misread")
    repair = next(each for each in found.repairs if each.kind == "correct")
    assert (repair.by, repair.of, repair.trouble) == ("user", "assistant", 1)


@pytest.mark.parametrize(
    ("again", "name"),
    [
        ("How much is the trip to Rome in May?", "repeats"),
        ("So how much is this trip to Rome in May, please?", "rephrases"),
    ],
)
def test_who_asks_again_was_not_heard(again, name):
    found = audit(talk("How much is the trip to Rome in May?", "Rome is lovely.", again, "300."))
    assert shown(found) == [(2, name)]
    assert (1, "unheard") in causes(found)


def test_facts_of_one_kind_rephrase_nothing():
    found = audit(
        talk("Ann has 3 brown hens.", "All right.", "Bob has 4 brown hens.", "All right.", "Ok.")
    )
    assert found.signals == ()


def test_to_take_one_thing_back_is_not_to_give_up():
    said = "Book a table for 5 on Monday. It should be quiet."
    found = audit(talk(said, "Shall I book it?", "Forget the quiet part.", "Booked."))
    assert "gives_up" not in {name for _, name in shown(found)}


def test_an_answer_before_all_was_told_is_premature():
    found = audit(talk(ASK, "The trip is 300 euros.", "It is for 4 people.", "It is 1200 euros."))
    assert causes(found) == [(1, "premature")]
    assert found.first.because == "It is for 4 people."


@pytest.mark.parametrize(
    "texts",
    [
        (ASK, "For how many people?", "It is for 4 people.", "It is 1200 euros."),
        (ASK, "The trip is 300 euros.", "How long does it take?", "It takes 5 days."),
        (ASK, "The trip is 300 euros.", "Thanks, bye!", "Goodbye."),
        (ASK, "The trip is 300 euros.", "Nice, my sister paid 500.", "That is a lot."),
        (ASK, "It is 300 euros. Shall I book?", "Yes, my card ends in 12.", "It is booked."),
        (ASK, "It is 300 euros.", "I need a poem for Mother's Day.", "Mother, dear mother."),
    ],
)
def test_who_asks_first_or_is_asked_something_new_was_not_premature(texts):
    assert "premature" not in {cause for _, cause in causes(audit(talk(*texts)))}


def test_an_order_that_is_done_before_its_wishes_are_told_is_premature():
    plan = "Here is a plan for the party: music, cake and games."
    more = "It has to be in the garden, and twelve children are coming."
    assert causes(audit(talk("Plan a party.", plan, more, f"{plan} In the garden!"))) == [
        (1, "premature")
    ]


FLIGHT = "Find me a cheap flight to Oslo."
ASIDE = "What does a wooden chair weigh?"
HEAVY = "A wooden chair weighs about five kilos."


@pytest.mark.parametrize(
    ("texts", "at"),
    [
        ((FLIGHT, "From which airport?", ASIDE, HEAVY, "Thanks!", "You're welcome."), 3),
        ((FLIGHT, "One moment, I will look it up.", ASIDE, HEAVY, "Bye.", "Bye."), 3),
        ((f"{FLIGHT} And {ASIDE.lower()}", HEAVY, "Thanks!", "You're welcome."), 1),
    ],
)
def test_a_request_that_nobody_comes_back_to_is_lost_at_the_reply_that_leaves_it(texts, at):
    found = audit(talk(*texts))
    assert causes(found) == [(at, "lost_topic")]
    assert found.first.because == FLIGHT
    assert found.first.shown == 0


@pytest.mark.parametrize(
    "texts",
    [
        (FLIGHT, "From which airport?", ASIDE, f"{HEAVY} Now, your cheap flight to Oslo: from?"),
        (FLIGHT, "From which airport?", ASIDE, HEAVY, "So, the cheap flight?", "From Rome?"),
        (FLIGHT, "From which airport?", "From Rome.", "There is one at nine."),
        (f"{FLIGHT} {ASIDE}", f"The cheapest to Oslo is at nine. {HEAVY}"),
        (FLIGHT, "Sorry, I cannot book flights.", ASIDE, HEAVY),
    ],
)
def test_a_request_that_is_answered_refused_or_taken_up_again_is_not_lost(texts):
    assert "lost_topic" not in {cause for _, cause in causes(audit(talk(*texts)))}


@pytest.mark.parametrize(("reply", "breaks"), [("for 5", True), ("for 7", False), ("now", False)])
def test_an_answer_on_what_was_corrected_is_superseded(reply, breaks):
    found = audit(
        talk(
            "Book a table for 5 on Monday.",
            "Shall I book it?",
            "Sorry, I meant 7.",
            f"Your table {reply} is booked.",
        )
    )
    assert ((3, "superseded") in causes(found)) is breaks
    assert "repair_self" in names(found, 2)
    change = next(each for each in found.repairs if each.kind == "change")
    assert (change.trouble, change.initiation, change.uptake) == (0, 2, 3)


@pytest.mark.parametrize(
    "mended",
    ["I got that wrong, it has 55, not 40.", "That was wrong of me, our hall has 55 chairs."],
)
def test_who_mends_their_own_words_finds_no_fault_with_the_reply(mended):
    found = audit(
        talk(
            "Our hall has 40 chairs.",
            "Good to know.",
            mended,
            "Thanks.",
            "A chair costs 3 euros. What do they cost?",
            "40 × 3 = 120 euros.",
        )
    )
    assert causes(found) == [(5, "superseded")]
    assert "correct_other" not in names(found, 2)


@pytest.mark.parametrize(("town", "breaks"), [("Oslo", True), ("Quito", False)])
def test_a_word_that_was_corrected_is_superseded_where_the_reply_only_repeats_it(town, breaks):
    found = audit(
        talk(
            "Mara Lind lives in Oslo now.",
            "Nice town.",
            "I got that mixed up: Mara Lind lives in Quito now.",
            "Thanks.",
            "Write one line that invites Mara Lind to visit me.",
            f"Dear Mara, take the next train from {town} and come to see me!",
        )
    )
    assert ((5, "superseded") in causes(found)) is breaks


def test_the_same_question_again_is_over_asking():
    question = "How many people travel to Rome with you?"
    found = audit(talk(ASK, question, "There are 4 of us.", question, "Four, as I said.", "1200."))
    assert (3, "over_asking") in causes(found)


def test_three_questions_running_are_over_asking():
    found = audit(
        talk(ASK, "For how many people?", "4.", "In which month?", "May.", "From which airport?")
    )
    assert (5, "over_asking") in causes(found)


def test_an_answer_about_nothing_that_was_said_drifts():
    found = audit(
        talk(
            "How many apples did my uncle Bill give away at school?",
            "Penguins swim under thick Antarctic ice, hunting silver krill, squid and tiny fish "
            "through dark freezing polar oceans every winter.",
        )
    )
    assert causes(found) == [(1, "drift")]


def test_system_and_tool_messages_are_no_turns_and_places_count_them():
    said = (
        Message("system", "Be kind."),
        Message("user", ASK),
        Message(
            "assistant", None, {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
        ),
        Message("tool", "300"),
        Message("assistant", "Which trip do you mean?"),
        Message("user", "The one to Rome."),
        Message("assistant", "It is 300 euros."),
    )
    found = audit(Conversation(said))
    assert found.heard.turns == (1, 4, 5, 6)
    (repair,) = found.repairs
    assert (repair.trouble, repair.initiation, repair.solution, repair.uptake) == (1, 4, 5, 6)


class Trained:
    """An annotator of another kind: unsure of one act, sure of another."""

    def marks(self, heard):
        return {1: (Mark("clarify", "?", 0, 0.4),), 3: (Mark("check", "?", 2, 0.9),)}


def test_another_annotator_takes_the_place_of_the_rules():
    found = audit(talk(ASK, "One.", "Two.", "Three.", "Four.", "Five."), Trained())
    assert [(r.kind, r.initiation) for r in found.repairs] == [("ask", 3)]


ROLES = st.sampled_from(["user", "assistant", "user", "assistant", "system", "tool", "narrator"])
WORDS = st.sampled_from(
    "How many apples?|I have 12 apples.|No, I meant pears.|Sorry, make that 9.|Which one?|It is 7."
    "|Never mind.|That's wrong.|Back to the first question.|What do you mean?|Forget the pears.|"
    "Thanks!|```code```|Do you mean the red one?|And how much is the trip to Rome?".split("|")
)
TALKS = st.lists(st.tuples(ROLES, WORDS | st.text(max_size=30)), max_size=10)


@given(TALKS)
def test_whatever_was_said_is_audited_and_every_place_exists(said):
    conversation = Conversation(tuple(Message(role, text) for role, text in said))
    found = audit(conversation)
    turns, replies = set(found.heard.turns), set(found.heard.replies)
    assert {at for at, marks in found.marks.items() if marks} <= turns
    for at, marks in found.marks.items():
        assert all(m.name in ACTS and (m.target is None or m.target < at) for m in marks)
    for each in found.breakdowns:
        assert each.at in replies
        assert each.shown in turns
        assert each.cause in CAUSES
    for signal in found.signals:
        assert signal.name in SIGNALS
        assert signal.reply in replies
        assert signal.reply < signal.at
    for repair in found.repairs:
        assert {repair.trouble, repair.initiation} <= turns
        parts = [repair.trouble, repair.initiation, repair.solution, repair.uptake]
        known = [part for part in parts if part is not None]
        assert known == sorted(known)
    if found.breakdowns:
        assert found.first.at == min(found.broken)


@given(TALKS)
def test_what_stands_before_a_conversation_changes_places_alone(said):
    plain = Conversation(tuple(Message(role, text) for role, text in said))
    moved = Conversation((Message("system", "Be kind."), *plain.messages))
    a, b = audit(plain), audit(moved)
    assert [(x.at + 1, x.cause) for x in a.breakdowns] == [(x.at, x.cause) for x in b.breakdowns]
    assert [(x.at + 1, x.name) for x in a.signals] == [(x.at, x.name) for x in b.signals]


def test_only_the_beginning_of_a_very_long_message_is_read():
    heard = listen(talk("word " * 100_000))
    assert len(heard.texts[0]) == 20_000
