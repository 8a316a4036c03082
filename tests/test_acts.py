from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.acts import ACTS, ASKING, Act, Annotator, RuleAnnotator, names
from uptake.conversation import Conversation

RULES: Annotator = RuleAnnotator()


def told(*said: str) -> Conversation:
    conversation = Conversation()
    for text in said:
        conversation = conversation.user(text)
    return conversation


def acts(reply: str, *said: str) -> frozenset[str]:
    return names(RULES.acts(reply, told(*said)))


SHOP = ("Di goes shopping. How many eggs is that?", "A box has 6 eggs.")


@pytest.mark.parametrize(
    ("reply", "act"),
    [
        ("How many boxes does Di buy?", "clarify"),
        ("Please tell me the number of boxes.", "clarify"),
        ("You haven't said how many boxes there are.", "clarify"),
        ("Are the boxes large or small?", "clarify"),
        ("Do you mean the large box?", "check"),
        ("The large box?", "check"),
        ("Three boxes, right?", "check"),
        ("Should I assume that every box is full?", "check"),
        ("Sorry, I don't understand. Could you rephrase?", "huh"),
        ("Pardon?", "huh"),
        ("Wow, congratulations! How did it go?", "follow_up"),
        ("Got it, thanks.", "acknowledge"),
        ("Noted, a box of 6 eggs.", "display"),
        ("So far: 6 eggs to a box.", "display"),
        ("3 * 6 = 18, so 18 eggs.", "commit"),
        ("18", "commit"),
        ("Would you like to see the steps?", "offer"),
        ("I'm sorry, but I can't help with that.", "refuse"),
        ("I disagree: the large box is the better one.", "reject"),
        ("My mistake, I misread the price.", "repair_self"),
        ("Assuming there are three boxes, it is 18.", "presume"),
        ("Back to the eggs: 18 of them.", "topic_return"),
    ],
)
def test_a_reply_is_known_by_its_words(reply: str, act: str):
    assert act in acts(reply, *SHOP)


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Why is the sky green?", "The sky isn't green, it is blue."),
        ("Half of 30 is 20.", "No, half of 30 is 15."),
        ("Spiders are insects.", "That's a common misconception: they are arachnids."),
        ("Her box has 6 eggs, I said.", "The box does not have eggs."),
    ],
)
def test_denying_what_the_user_said_corrects_them(said: str, reply: str):
    assert "correct_other" in acts(reply, said)


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Is the museum open on Monday?", "No, the museum isn't open on Monday."),
        ("A box has 6 eggs.", "I forgot the box. It is 12, not 6."),
        ("3 of the 9 eggs are brown.", "Since 3 eggs are not white, 9 - 3 = 6."),
    ],
)
def test_an_answer_or_a_repair_of_ones_own_corrects_nobody(said: str, reply: str):
    assert "correct_other" not in acts(reply, said)


def test_acts_hold_together_and_come_in_the_order_of_the_sentences():
    found = RULES.acts("Got it. How many boxes are there? And what is one?", told(*SHOP))
    assert found == (
        Act("acknowledge", "Got it."),
        Act("clarify", "How many boxes are there?"),
        Act("clarify", "And what is one?"),
    )


def test_a_reading_acted_on_without_a_yes_is_presumed():
    assert acts("The large box, right? Then I'll take 18.", *SHOP) == {"check", "presume", "commit"}
    assert "presume" not in acts("The large box, right?", *SHOP)


def test_a_question_alone_commits_to_nothing():
    assert acts("How many boxes does Di buy?", *SHOP) == {"clarify"}


@pytest.mark.parametrize(
    "reply",
    [
        "How many eggs is that?",
        "how many EGGS is that?",
        "**How many eggs is that?**",
        "Di goes shopping. How many eggs is that?",
    ],
)
def test_an_echo_of_the_user_asks_nothing(reply: str):
    assert not acts(reply, *SHOP) & ASKING


def test_what_repeats_only_part_of_it_still_asks():
    assert acts("How many eggs is that in a large box?", *SHOP) == {"clarify"}


PHRASES = [
    "how many boxes are there?",
    "do you mean the large box?",
    "sorry, I don't understand.",
    "my mistake, I misread it.",
    "I disagree with that.",
    "that's a myth.",
    "please tell me the price.",
    "I can't help with that.",
    "let's get back to the eggs.",
    "I assumed three boxes.",
]
SHOWN = ['"{}"', "“{}”", "`{}`", "```\n{}\n```", "```text\n{}", "<tool_call>{}</tool_call>"]


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("shown", SHOWN)
def test_a_phrase_in_a_quote_or_in_code_earns_nothing(phrase: str, shown: str):
    assert acts(phrase, "Tell me.")  # the phrase itself does something
    around = f"The first line reads {shown.format(phrase)}\nThe second is empty."
    assert acts(around, "Read the lines.") <= {"commit"}


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_quoted_line_earns_nothing(phrase: str):
    assert acts(f"> {phrase}\n\nThe second line is empty.", phrase) <= {"commit"}


@given(
    st.sampled_from(PHRASES),
    st.sampled_from(['"{}"', "`{}`", "```\n{}\n```\n"]),
    st.text("abc ,", max_size=20),
)
def test_quoting_hides_a_phrase_wherever_it_stands(phrase: str, shown: str, before: str):
    reply = f"x{before} {shown.format(phrase)} y"
    assert acts(reply, phrase) <= {"commit"}


anything = st.text(max_size=80)


@given(anything, st.lists(anything, max_size=3))
def test_any_text_is_read_and_every_act_is_a_piece_of_it(reply: str, said: list[str]):
    found = RULES.acts(reply, told(*said))
    assert names(found) <= RuleAnnotator.finds <= ACTS.keys()
    assert all(act.said in reply for act in found)
    assert found == RULES.acts(reply, told(*said))


words = "how many what you mean sorry no not so thanks I can't \" ' ` ? . ! , \n > ``` 12 = right"


@given(st.lists(st.sampled_from(words.split(" ")), max_size=30), anything)
def test_any_mixture_of_signs_is_read(pieces: list[str], said: str):
    reply = " ".join(pieces)
    assert all(act.said and act.said in reply for act in RULES.acts(reply, told(said)))


@given(anything)
def test_to_say_the_users_question_back_never_asks(text: str):
    asked = f"{text}?"
    assert not acts(asked, asked) & ASKING


def test_silence_does_nothing():
    assert acts("") == acts(" \n", *SHOP) == frozenset()


@pytest.mark.parametrize(
    "piece", ["you mean ", "sorry ", "so it's ", '"', "'a ", "“", "if i ", "?! "]
)
def test_a_long_reply_is_read_to_its_end(piece: str):
    reply = piece * (300_000 // len(piece))
    last = RULES.acts(f"{reply}\n\nPlease tell me the price.", Conversation())
    assert Act("clarify", "Please tell me the price.") in last or names(last) & ASKING


class Constant:
    """An annotator that has one answer, as a trained one might have many."""

    def acts(self, reply: str, context: Conversation) -> tuple[Act, ...]:
        return (Act("acknowledge"),)


def test_another_annotator_can_stand_in():
    other: Annotator = Constant()
    assert names(other.acts("How many?", Conversation())) == {"acknowledge"}
