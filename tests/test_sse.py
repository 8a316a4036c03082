"""Server-sent events: the same whatever the chunks, and whatever ends a line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.serve.sse import COMMENT, Event, Events

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8)
EVENTS = st.builds(
    Event, st.lists(TEXT, min_size=1, max_size=3).map("\n".join), TEXT.map(str.strip)
)
LINES = st.sampled_from(
    "data: one|data:two|data|data: |: comment|:|event: ping|event|id: 7|retry: 1||||unknown".split(
        "|"
    )
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in chunks, cut at these places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[one:two] for one, two in pairwise(ends)]


def read(chunks: list[bytes], **options) -> list[Event]:
    events = Events(**options)
    return [event for chunk in chunks for event in events.feed(chunk)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.lists(EVENTS, max_size=5), CUTS)
def test_what_is_written_is_read_however_it_is_cut(events: list[Event], places: list[int]):
    sent = b"".join(event.encode() for event in events)
    assert read(cut(sent, places)) == events


@given(st.lists(EVENTS, max_size=4), CUTS, st.lists(st.integers(0, 4), max_size=3))
def test_comments_between_events_are_no_events(events, places, spots):
    pieces = [event.encode() for event in events]
    for spot in spots:
        pieces.insert(min(spot, len(pieces)), COMMENT)
    assert read(cut(b"".join(pieces), places)) == events


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), CUTS)
def test_any_end_of_line_and_any_cut_give_the_same_events(lines, end: str, places):
    plain = "".join(f"{line}\n" for line in lines).encode()
    sent = "".join(f"{line}{end}" for line in lines).encode()
    # A last carriage return waits for what comes next.
    assert read([*cut(sent, places), b":"]) == read([plain])


@pytest.mark.parametrize(
    ("sent", "events"),
    [
        ("data: a\ndata: b\n\n", [Event("a\nb")]),
        ("data:a\n\n", [Event("a")]),
        ("data:  a\n\n", [Event(" a")]),
        ("data\n\n", [Event("")]),
        ("event: ping\ndata: {}\n\n", [Event("{}", "ping")]),
        ("event: ping\n\n", []),
        (": hello\n\ndata: a\n\n", [Event("a")]),
        ("id: 1\nretry: 5\ndata: a\n\n", [Event("a")]),
        ("data: a\n", []),
        ("data: [DONE]\n\n", [Event("[DONE]")]),
    ],
    ids=repr,
)
def test_fields(sent: str, events: list[Event]):
    assert read([sent.encode()]) == events


def test_bytes_that_are_no_text_do_not_stop_the_stream():
    assert read([b"data: \xff\n\ndata: a\n\n"]) == [Event("\N{REPLACEMENT CHARACTER}"), Event("a")]


@given(st.lists(EVENTS, min_size=1, max_size=3), CUTS)
def test_it_knows_when_it_stands_between_events(events: list[Event], places: list[int]):
    sent = b"".join(event.encode() for event in events)
    ends: set[int] = {0}
    for event in events:
        ends.add(max(ends) + len(event.encode()))
    reading, at = Events(), 0
    assert reading.between
    for chunk in cut(sent, places):
        reading.feed(chunk)
        at += len(chunk)
        assert reading.between == (at in ends)


@pytest.mark.parametrize("line", [b"data: " + b"x" * 200, b"data: xxxxxxxx\n" * 20], ids=len)
def test_what_is_too_long_breaks_the_hearing_and_holds_nothing(line: bytes):
    events = Events(limit=100)
    assert events.feed(b"data: a\n\n") == [Event("a")]
    for at in range(0, len(line), 7):
        assert events.feed(line[at : at + 7]) == []
    assert events.broken
    assert events.feed(b"\n\ndata: b\n\n") == []
    assert not events._rest
    assert not events._lines


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_no_bytes_are_so_wrong_that_it_fails(chunks: list[bytes]):
    for event in read(chunks):
        assert read([event.encode()]) == [event]
