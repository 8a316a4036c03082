from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.model import Sampling
from uptake.models.wire import (
    UnreadableError,
    one_line,
    parameters,
    read_answer,
    refusal,
    rejected_parameter,
    said_by,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SENT = ("temperature", "top_p", "seed", "max_tokens")


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_answer_or_one_line(body):
    with pytest.raises(UnreadableError) as caught:
        read_answer(body)
    assert "\n" not in str(caught.value)


@given(JSON, JSON, JSON)
def test_a_message_of_any_shape_is_an_answer_or_one_line(content, calls, usage):
    message = {"role": 7, "content": content, "tool_calls": calls}
    body = json.dumps({"choices": [{"message": message}], "usage": usage}).encode()
    with suppress(UnreadableError):  # anything else that is raised fails the test
        answer = read_answer(body)
        assert answer.message.role == "assistant"
        assert answer.finish_reason == "stop"
        assert answer.cost is None or answer.cost >= 0


def test_a_body_nested_too_deep_is_one_line():
    with pytest.raises(UnreadableError, match="not JSON"):
        read_answer(b"[" * 500_000)


def test_fields_nobody_has_heard_of_stay():
    fields = {"role": "assistant", "content": "12", "reasoning": "6 + 6", "x": {"y": [1, None]}}
    body = json.dumps({"choices": [{"message": fields | {"refusal": None}}]}).encode()
    assert read_answer(body).message.to_dict() == fields


@given(st.text(max_size=2000), st.integers(2, 300))
def test_one_line_is_one_line(text, limit):
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line == "" or line.isprintable()


def test_parameters_leave_out_what_was_dropped_and_what_is_the_default():
    sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=5, seed=-1)
    sent = parameters(sampling, limit_name="max_completion_tokens", dropped={"temperature"})
    assert sent == {"max_completion_tokens": 5, "seed": 0x7FFFFFFF}


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"message": "Unsupported value", "param": "temperature"}, "temperature"),
        (
            {"message": "Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."},
            "max_tokens",
        ),
        # As pydantic servers say it, Mistral among them.
        (
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "seed"],
                        "msg": "Extra inputs are not permitted",
                    }
                ]
            },
            "seed",
        ),
        ("`temperature` and `top_p` cannot be used together", "temperature"),
        ("`temperature` and `top_p` cannot both be specified for this model.", "top_p"),
        ("`temperature` may only be set to 1 when thinking is enabled.", "temperature"),
        ("seed: not supported", "seed"),
        ({"message": "max_tokens is too large: 99999", "param": "max_tokens"}, None),
        ({"message": "messages[0].name: Extra inputs are not permitted"}, None),
        ({"message": "unknown_seeding failed, unsupported"}, None),
        ("", None),
        (None, None),
    ],
)
def test_which_parameter_a_server_objects_to(body, parameter):
    assert rejected_parameter(body, SENT) == parameter
    assert rejected_parameter({"error": body}, SENT) == parameter
    assert rejected_parameter(body, ()) is None


@given(st.integers(400, 599), JSON)
def test_every_refusal_is_a_line_with_its_status(status, body):
    made = refusal(status, body, key_hint="set KEY", path_hint="look there")
    assert f"({status})" in made.reason
    assert made.reason.isprintable()
    assert not (made.again and made.fatal)


def test_what_a_server_says_is_found_wherever_it_says_it():
    assert said_by({"error": {"message": "no\nway"}}) == "no way"
    assert said_by({"error": "no"}) == "no"
    assert said_by({"detail": [{"msg": "no"}]}) == '[{"msg": "no"}]'
    assert said_by("<html>\n no") == "<html> no"
    assert said_by(None) == ""
