"""What a ledger promises, whatever is said: pieces of turns, word for word, and nothing undone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from uptake.analyst import Deterministic, hear, ledger
from uptake.conversation import Conversation
from uptake.ground import CommonGround, Entry, Span, Strike

SAID = (
    "Ann has 12 apples.",
    "Ann has 9 apples.",
    "Ben has 4 pears and Ann has 3 plums.",
    "How many fruits do they have?",
    "Plan a trip to Rome with a budget of $500 on Monday.",
    "Sorry, I meant 7.",
    "Actually, Ben has 6 pears.",
    "Actually make that Tuesday.",
    "Not Ann, Ben.",
    "No, 7.",
    "Use 7 instead of 4.",
    "I mixed something up. Ann has 2 apples.",
    "Forget the budget.",
    "Never mind.",
    "Forget about the trip.",
    "I take one thing back: that Ann had 12 apples.",
    "Thanks!",
    "Something else first. A shop sells 8 lilies. How much do they cost?",
    "Back to the first one.",
    "And the other one?",
    "Here are two problems. One: Ann has 3. How many? Two: Ben has 4. How many?",
    "Here is everything again:\n- Ann has 12 apples.\n- Ben has 4 pears and Ann has 3 plums.",
    "Look:\n```\nforget the budget\n```",
    "Since Ann has 9 apples, how many are left?",
    "Are you sure? I get 12.",
)
WORDS = st.sampled_from(
    "ann ben has 7 12 apples pears not no, sorry, i meant actually forget the budget instead of "
    "first second one: ? . , \n - ``` $ tuesday never mind back to it and two".split(" ")
)
TURNS = st.lists(
    st.one_of(
        st.sampled_from(SAID),
        st.lists(WORDS, max_size=12).map(" ".join),
        st.text(max_size=60),
    ),
    max_size=10,
)
ASKED = st.sampled_from((None, "All right.", "Do you mean 12 apples?", "The answer is 7."))


def test_active_goes_by_topic_and_kind():
    ground = CommonGround(
        turns=("a b c",),
        entries=(
            Entry(0, Span(0, 0, 1), "a", "goal"),
            Entry(1, Span(0, 2, 3), "b", "fact", topic=1),
            Entry(2, Span(0, 4, 5), "c", "fact", status="superseded", by=3),
        ),
    )
    assert [entry.text for entry in ground.active()] == ["a", "b"]
    assert [entry.text for entry in ground.active(1)] == ["b"]
    assert [entry.text for entry in ground.active(None, "goal")] == ["a"]


def test_wording_puts_the_users_words_where_others_stood():
    ground = CommonGround(
        turns=("two pears, a plum", "make it five"),
        entries=(
            Entry(
                0,
                Span(0, 0, 17),
                "two pears, a plum",
                "fact",
                struck=(Strike(0, 3, 1, Span(1, 8, 12)), Strike(9, 17, 1)),
            ),
            Entry(1, Span(1, 0, 12), "make it five", "correction"),
        ),
    )
    assert ground.wording(ground.entries[0]) == "five pears"
    assert [entry.id for entry in ground.standing()] == [0]


@given(TURNS)
def test_every_entry_is_a_piece_of_a_turn_word_for_word(turns: list[str]):
    ground = ledger(turns)
    assert ground.turns == tuple(turns)
    for entry in ground.entries:
        assert ground.turns[entry.span.turn][entry.span.start : entry.span.end] == entry.text
        assert entry.text.strip()
        for struck in entry.struck:
            assert 0 <= struck.start < struck.end <= len(entry.text)
            if struck.put is not None:
                assert 0 <= struck.put.start < struck.put.end <= len(turns[struck.put.turn])


@given(TURNS)
def test_only_what_came_later_ends_or_strikes_an_entry(turns: list[str]):
    ground = ledger(turns)
    assert [entry.id for entry in ground.entries] == list(range(len(ground.entries)))
    for entry in ground.entries:
        assert (entry.by is not None) == (entry.status in ("superseded", "withdrawn"))
        assert entry.by is None or entry.by > entry.id
        assert all(struck.by > entry.id for struck in entry.struck)
        for struck in entry.struck:
            assert struck.put is None or struck.put.turn >= entry.span.turn


@given(TURNS)
def test_struck_pieces_never_overlap(turns: list[str]):
    for entry in ledger(turns).entries:
        struck = sorted((each.start, each.end) for each in entry.struck)
        assert all(a[1] <= b[0] for a, b in zip(struck, struck[1:], strict=False))


@given(TURNS)
def test_at_most_one_topic_is_open_and_it_is_the_last_of_the_stack(turns: list[str]):
    ground = ledger(turns)
    states = {topic.id: topic.state for topic in ground.topics}
    assert [t for t, state in states.items() if state == "open"] == list(ground.stack[-1:])
    assert set(ground.stack) == {t for t, state in states.items() if state != "cancelled"}
    assert all(entry.topic in states for entry in ground.entries)
    assert all(topic.opened <= topic.last < len(turns) for topic in ground.topics)


@given(TURNS, st.data())
def test_rebuilt_from_any_point_it_is_the_same(turns: list[str], data: st.DataObject):
    asked = [data.draw(ASKED) for _ in turns]
    conversation = Conversation()
    before: CommonGround | None = None
    for turn, said in zip(turns, asked, strict=True):
        if said is not None:
            conversation = conversation.assistant(said)
        conversation = conversation.user(turn)
        before = Deterministic().reading(conversation, before).ground
    assert (before or CommonGround()) == ledger(turns, asked)
    assert Deterministic().reading(conversation).ground == ledger(turns, asked)


@given(TURNS, TURNS, st.integers(0, 9))
def test_another_turn_changes_nothing_that_was_said_before_it(
    turns: list[str], others: list[str], at: int
):
    at = min(at, len(turns))
    one, two = ledger(turns), ledger([*turns[:at], *others])

    def said(ground: CommonGround) -> list[tuple[Span, str, str]]:
        return [(e.span, e.text, e.kind) for e in ground.entries if e.span.turn < at]

    assert said(one) == said(two)
    assert ledger(turns[:at]) == ledger([*turns[:at], *others][:at])


@given(TURNS)
def test_saying_all_of_it_again_adds_no_fact(turns: list[str]):
    facts = [
        e.text
        for e in ledger(turns).standing()
        if e.kind == "fact" and not e.struck and "\n" not in e.text
    ]
    if len(facts) < 2:
        return
    again = "Here is everything again:\n" + "\n".join(f"- {fact}" for fact in facts)
    before = ledger(turns)
    after = hear(before, again)
    known = {entry.id for entry in before.entries}
    assert [e.text for e in after.entries if e.id not in known and e.kind == "fact"] == []


@settings(max_examples=300)
@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_is_heard(one: str, two: str):
    ground = hear(hear(CommonGround(), one), two, asked=one)
    assert ground.turns == (one, two)
    Deterministic().reading(Conversation().user(one).assistant(two).user(one))


LONG = (
    "a" * 1_000_000,
    "no, " * 250_000,
    "7 " * 500_000,
    "sorry i meant " * 70_000,
    "not " * 250_000,
    '"' * 1_000_000,
    "'a" * 500_000,
    "```" * 333_333,
    "<data>" * 150_000,
    "- x\n" * 250_000,
    "the " * 250_000 + "?",
    "|" * 1_000_000,
    "🙂" * 250_000,
    "我有七个苹果。" * 140_000,
    "عندي سبع تفاحات " * 60_000,
    "\n \t" * 330_000,
    "since " * 160_000 + "7?",
    "İ" * 1_000_000,
)


def test_a_megabyte_of_anything_is_heard_and_read():
    """Each of these takes about a second; with one pattern that backtracks it would take hours."""
    for text in LONG:
        before = hear(CommonGround(), "Ann has 12 apples. How many are left?")
        ground = hear(before, text, asked=text)
        assert ground.turns[-1] == text
        assert ground.entries[0].status == "active"
