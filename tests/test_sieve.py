"""A sieve finds what its patterns find by themselves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uptake import questions, signs
from uptake.sieve import Sieve, Sign

SIGNS = {
    f"{module.__name__}.{name}": sign
    for module in (signs, questions)
    for name, sign in {**vars(module), **signs.BESIDE}.items()
    if isinstance(sign, Sign)
}


@pytest.mark.parametrize("name", sorted(SIGNS))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_rule_finds_in_a_sieve_what_it_finds_alone(name: str, data: st.DataObject):
    sign = SIGNS[name]
    inside = data.draw(st.from_regex(sign.pattern))
    text = data.draw(st.sampled_from(["", "so, ", "é ", "well: "])) + inside
    assert spans(sign.search(text)) == spans(sign.pattern.search(text))
    assert spans(sign.match(text)) == spans(sign.pattern.match(text))
    assert sign.sub("", text, 1) == sign.pattern.sub("", text, 1)


PATTERNS = (
    *(r"\bab?\b", r"(?<!a)b(?=c)", r"\w+'\w", r"c[^.?]{0,20}\?", r"[–’]", r"^\W*1$", r"é[^x]"),
    *(r"[^a-z]c", r"\d\s[^~]", r"b{1,30}é", r"(a)\1", r"[^é]b", r"[^]a]c"),
)


@given(st.text(alphabet="abcx é²٣’–'\"\n\u00a0?.1~", max_size=20), st.integers(0, 3))
def test_any_text_is_found_alike(text: str, start: int):
    """A back-reference (which the automaton cannot hold) among them."""
    sieve = Sieve()
    for sign in [sieve.sign(pattern) for pattern in PATTERNS]:
        alone = sign.pattern
        assert spans(sign.search(text, start)) == spans(alone.search(text, start))
        assert spans(sign.match(text, start)) == spans(alone.match(text, start))
        assert spans(sign.fullmatch(text, start)) == spans(alone.fullmatch(text, start))
        assert [*map(spans, sign.finditer(text))] == [*map(spans, alone.finditer(text))]


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(re.error):
        Sieve().sign("(")


def spans(found: re.Match[str] | None) -> tuple[int, int] | None:
    return found.span() if found else None
