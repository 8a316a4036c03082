"""What the annotator sees of each turn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from uptake.audit.features import BUCKETS, PLACED, SEEN, Features, Seen, features

turns = st.builds(
    Seen,
    st.text(max_size=60)
    | st.sampled_from(["So you mean Rome?", "yes", "no no", "I see 12 of 12!"]),
    st.sampled_from(["user", "assistant", "third"]),
    st.frozensets(st.sampled_from([*SEEN, "huh", "cancel"]), max_size=3),
)
conversations = st.lists(turns, max_size=6)


def words(found: Features, turn: int) -> list[int]:
    starts = np.concatenate([[0], found.ends])
    return found.rows[starts[turn] : starts[turn + 1]].tolist()


@given(conversations, conversations)
def test_conversations_know_nothing_of_each_other(one: list[Seen], other: list[Seen]):
    both, alone = features([one, other]), features([other])
    offset = len(one)
    assert np.array_equal(both.placed[offset:], alone.placed)
    assert np.array_equal(
        both.beside[offset:], np.where(alone.beside < 0, -1, alone.beside + offset)
    )
    assert [words(both, offset + n) for n in range(len(other))] == [
        words(alone, n) for n in range(len(other))
    ]


@given(conversations, turns)
def test_what_comes_later_changes_nothing_but_the_next_place(said: list[Seen], later: Seen):
    before, after = features([said]), features([[*said, later]])
    assert np.array_equal(after.placed[: len(said)], before.placed)
    assert np.array_equal(after.beside[: len(said), :2], before.beside[:, :2])
    assert [words(after, n) for n in range(len(said))] == [
        words(before, n) for n in range(len(said))
    ]


@given(st.lists(conversations, max_size=4))
def test_shapes_fit(said: list[list[Seen]]):
    found = features(said)
    count = sum(map(len, said))
    assert len(found) == count
    assert found.placed.shape == (count, PLACED)
    assert found.beside.shape == (count, 3)
    assert np.isfinite(found.placed).all()
    assert np.all(np.diff(found.ends, prepend=0) > 0)
    assert not count or (found.ends[-1] == len(found.rows))
    assert np.all((found.rows > 0) & (found.rows < BUCKETS))


def test_the_same_words_are_the_same_rows_and_others_are_not():
    found = features([[Seen(text, "user") for text in ("Is it red?", "IS IT RED?", "it is red")]])
    assert words(found, 0) == words(found, 1) != words(found, 2)


def test_case_and_numbers_count_alike_but_order_does_not():
    found = features([[Seen(text, "user") for text in ("I have 7", "i have 12", "have I 7")]])
    assert words(found, 0) == words(found, 1)
    assert sorted(words(found, 0)) != sorted(words(found, 2))


def test_who_asked_is_pending_until_another_answers():
    talk = [
        Seen("Which one?", "assistant"),
        Seen("Well.", "assistant"),
        Seen("The red one.", "user"),
        Seen("Thanks.", "assistant"),
    ]
    found = features([talk]).placed
    theirs, mine = found[:, 5], found[:, 6]
    assert theirs.tolist() == [0, 0, 1, 0]
    assert mine.tolist() == [0, 1, 0, 0]


def test_a_very_long_turn_is_read_at_both_ends():
    long = "alpha " * 5000 + "omega"
    found = features([[Seen(long, "user")], [Seen("alpha alpha omega", "user")]])
    assert len(words(found, 0)) < 200
    assert set(words(found, 1)) & set(words(found, 0))
