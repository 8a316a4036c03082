from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.model import Sampling
from uptake.models.messages import parameters, read_answer, request, settings
from uptake.models.wire import UnreadableError, UnsendableError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
TALKS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant"]), "content": WORDS}
    ),
    max_size=8,
)


def words(blocks):
    return [block["text"] for block in blocks]


@given(TALKS)
def test_speakers_take_turns_and_no_word_is_lost_or_out_of_place(talk):
    made = request(talk)
    roles = [turn["role"] for turn in made["messages"]]
    assert all(one != other for one, other in pairwise(roles))
    for role in ("user", "assistant"):
        said = [m["content"] for m in talk if m["role"] == role and m["content"].strip()]
        turns = [turn for turn in made["messages"] if turn["role"] == role]
        assert [word for turn in turns for word in words(turn["content"])] == said
    lifted = [m["content"] for m in talk if m["role"] in ("system", "developer")]
    lifted = [word for word in lifted if word.strip()]
    assert made.get("system") == ("\n\n".join(lifted) if lifted else None)


@given(JSON, JSON, st.sampled_from(["system", "user", "assistant", "tool", "function", None]))
def test_any_message_is_sent_or_is_one_line(content, calls, role):
    with suppress(UnsendableError):  # anything else that is raised fails the test
        made = request([{"role": role, "content": content, "tool_calls": calls}])
        json.dumps(made)


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "text", "text": "Look:"}, {"type": "text", "text": "Look:"}),
        ({"type": "refusal", "refusal": "No."}, {"type": "text", "text": "No."}),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
            },
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://box.example/a.png"}},
            {"type": "image", "source": {"type": "url", "url": "https://box.example/a.png"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
            },
        ),
        ({"type": "search_result", "source": "x"}, {"type": "search_result", "source": "x"}),
    ],
)
def test_parts_become_blocks(part, block):
    (turn,) = request([{"role": "user", "content": [part]}])["messages"]
    assert turn["content"] == [block]


def test_a_call_whose_arguments_are_no_object_is_told_as_it_was_made():
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{oops"}}]
    talk = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": ""},
        {"role": "user", "content": "So?"},
    ]
    _, called, heard = request(talk)["messages"]
    assert called["content"][0]["input"] == {"arguments": "{oops"}
    # The result and the user's next words are one turn.
    assert heard["content"] == [
        {"type": "tool_result", "tool_use_id": "c1"},
        {"type": "text", "text": "So?"},
    ]


def test_thoughts_go_back_as_they_came():
    thought = {"type": "thinking", "thinking": "Well…", "signature": "s"}
    words = {"type": "text", "text": "12"}
    body = json.dumps({"content": [thought, words], "stop_reason": "end_turn"}).encode()
    message = read_answer(body).message
    assert message.text == "12"
    (turn,) = request([message.to_dict()])["messages"]
    assert turn == {"role": "assistant", "content": [thought, words]}


def test_choices_among_tools_are_said_in_the_apis_words():
    assert settings({"tool_choice": "auto"}) == {"tool_choice": {"type": "auto"}}
    assert settings({"tool_choice": "required"}) == {"tool_choice": {"type": "any"}}
    named = {"type": "function", "function": {"name": "f"}}
    assert settings({"tool_choice": named}) == {"tool_choice": {"type": "tool", "name": "f"}}
    own = {"tools": [{"type": "web_search_20260209", "name": "web_search"}], "thinking": {"a": 1}}
    assert settings(own) == own


@pytest.mark.parametrize(
    ("temperature", "top_p", "sent"),
    [
        (1.0, 1.0, {"temperature": 1.0}),
        (0.5, 1.0, {"temperature": 0.5}),
        (1.0, 0.9, {"top_p": 0.9}),
        (0.5, 0.9, {"temperature": 0.5, "top_p": 0.9}),
    ],
)
def test_temperature_and_top_p_are_named_together_only_where_both_are_meant(
    temperature, top_p, sent
):
    sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=5)
    assert parameters(sampling, dropped=()) == {"max_tokens": 5, **sent}


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_answer_or_one_line(body):
    with pytest.raises(UnreadableError) as caught:
        read_answer(body)
    assert "\n" not in str(caught.value)


@given(JSON, JSON, JSON)
def test_a_reply_of_any_shape_is_an_answer_or_one_line(block, stop, usage):
    data = {"content": [block, {"type": "text", "text": "12"}], "stop_reason": stop, "usage": usage}
    with suppress(UnreadableError):
        answer = read_answer(json.dumps(data).encode())
        assert answer.message.role == "assistant"
        assert answer.cost is None
