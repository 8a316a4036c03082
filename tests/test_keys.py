"""Keys: one chain for what is said the same, another for all else; names that give nothing away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.serve.keys import ANONYMOUS, canonical, chain, extend, seed, tenant

# Few letters, among them those that delimit: whatever can be confused soon is.
TEXTS = st.text(alphabet='0123:{}",ab \n\ud800é', max_size=6)
ROLES = st.sampled_from(["user", "assistant", "system", "tool", "4:text1:a"])
PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": TEXTS}),
)
CALLS = st.fixed_dictionaries(
    {"id": TEXTS, "function": st.fixed_dictionaries({"name": TEXTS, "arguments": TEXTS})}
)
MESSAGES = st.fixed_dictionaries(
    {"role": ROLES, "content": st.one_of(st.none(), TEXTS, st.lists(PARTS, max_size=3))},
    optional={"tool_calls": st.lists(CALLS, max_size=2), "tool_call_id": TEXTS},
)
TALKS = st.lists(MESSAGES, max_size=4)
SEED = seed("t", None)


def meaning(message: Mapping[str, Any]) -> tuple[object, ...]:
    """What a message says, by nested values instead of by strings in a row."""
    content = message["content"] or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    said = []
    for part in parts:
        if part["type"] != "text":
            said.append((part["image_url"],))
        elif part["text"].strip():
            said.append(part["text"].strip())
    calls = [
        (call["id"], call["function"]["name"], argument(call["function"]["arguments"]))
        for call in message.get("tool_calls", [])
    ]
    return message["role"], tuple(said), tuple(calls), message.get("tool_call_id")


def argument(text: str) -> str:
    function = {"name": "f", "arguments": text}
    return canonical({"role": "r", "tool_calls": [{"id": "", "function": function}]})[-1]


@given(TALKS, TALKS)
def test_two_talks_share_a_key_only_where_they_say_the_same(first, second):
    same = list(map(meaning, first)) == list(map(meaning, second))
    ends = [chain(SEED, talk)[-1] if talk else SEED for talk in (first, second)]
    assert (ends[0] == ends[1]) == same


@given(MESSAGES)
def test_a_message_and_the_same_message_written_otherwise_share_a_key(message):
    other = message | {"name": None, "refusal": None, "audio": None, "reasoning_content": "hm"}
    content = message["content"]
    if isinstance(content, str):
        other["content"] = [{"type": "text", "text": f" {content}\n", "cache_control": None}]
    elif not content:
        del other["content"]
    assert extend(SEED, other) == extend(SEED, message)


@given(TALKS, TALKS)
def test_a_longer_talk_goes_on_from_a_shorter_ones_key(first, more):
    keys = chain(SEED, [*first, *more])
    assert len(keys) == len(first) + len(more)
    assert keys[: len(first)] == chain(SEED, first)
    assert keys[len(first) :] == chain(keys[len(first) - 1] if first else SEED, more)
    assert all(len(key) == 16 for key in keys)


def calling(arguments: object) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "1", "function": function}]}


def test_arguments_are_compared_as_json_where_they_are_json():
    first = extend(SEED, calling('{"a": 1, "b": [null]}'))
    assert extend(SEED, calling('{"b":[null],"a":1}')) == first
    assert extend(SEED, calling('{"a":1,"b":[]}')) != first
    assert extend(SEED, calling('{"a":1')) != extend(SEED, calling('{"a":1 '))
    deep = "[" * 100_000
    assert extend(SEED, calling(deep)) != extend(SEED, calling(deep + "["))


def test_parts_are_compared_by_all_that_is_not_null():
    def shows(**more: object) -> dict[str, Any]:
        return {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "u"} | more}],
        }

    assert extend(SEED, shows(detail=None)) == extend(SEED, shows())
    assert extend(SEED, shows(detail="low")) != extend(SEED, shows())
    older = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
    assert extend(SEED, older) != extend(SEED, {"role": "assistant"})


def test_seeds_differ_by_tenant_and_thread():
    seeds = [seed("a", None), seed("a", ""), seed("a", "b"), seed("ab", None), seed("b", "a")]
    assert len(set(seeds)) == len(seeds)


def test_a_tenant_stands_for_a_credential_and_does_not_tell_it():
    salt, other = b"s" * 32, b"o" * 32
    name = tenant(salt, "sk-secret")
    assert name == tenant(salt, "sk-secret")
    assert len({name, tenant(other, "sk-secret"), tenant(salt, "sk-secret2"), ANONYMOUS}) == 4
    assert len(name) == 32
    assert int(name, 16)
    assert tenant(salt, None) == tenant(salt, "") == ANONYMOUS
    with pytest.raises(ValueError, match="key"):
        tenant(b"s" * 65, "sk-secret")
