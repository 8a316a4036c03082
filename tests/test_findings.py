"""Audits folded: sums that add up in any parts, rates with intervals, the worst kept; masks."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.audit import audit
from uptake.audit import summary as told
from uptake.audit.findings import Findings
from uptake.audit.redact import Mask
from uptake.audit.tally import Rate, Tally, apart
from uptake.audit.workers import in_order
from uptake.conversation import Conversation
from uptake.transcripts import Source, Transcript

PAIRS = st.lists(
    st.integers(0, 6).flatmap(lambda y: st.tuples(st.integers(0, y), st.just(y))), max_size=30
)


def tally(pairs):
    made = Tally()
    for events, occasions in pairs:
        made.add(events, occasions)
    return made


@given(PAIRS, PAIRS)
def test_tallies_add_up(first, second):
    whole = tally(first)
    whole.merge(tally(second))
    assert whole == tally(first + second)
    assert Tally.from_list(json.loads(json.dumps(whole.to_list()))) == whole


@given(PAIRS)
def test_an_interval_holds_its_rate_and_stays_within_0_and_1(pairs):
    rate = tally(pairs).rate()
    if any(y for _, y in pairs):
        assert 0 <= rate.low <= rate.value <= rate.high <= 1
    else:
        assert rate.value is None


@given(PAIRS)
def test_conversations_without_an_event_count_through_the_base(pairs):
    seen, base = Tally(), Tally()
    for events, occasions in pairs:
        base.add(0, occasions)
        if events:
            seen.add(events, occasions)
    assert seen.over(base) == tally(pairs)


def test_one_occasion_a_conversation_is_wilsons_interval():
    rate = tally([(1, 1)] * 8 + [(0, 1)] * 12).rate()
    assert (round(rate.low, 3), round(rate.high, 3)) == (0.215, 0.618)  # of n − 1
    rate = tally([(0, 1)] * 10).rate()
    assert (rate.low, round(rate.high, 3)) == (0.0, 0.278)


def test_the_interval_covers_where_turns_of_a_conversation_go_together():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        rates = rng.beta(1.5, 3.5, 60)
        pairs = [
            (int(rng.binomial(n, p)), int(n))
            for p, n in zip(rates, rng.integers(1, 9, 60), strict=True)
        ]
        rate = tally(pairs).rate()
        held += rate.low <= 0.3 <= rate.high
    assert 0.91 <= held / 400 <= 0.985


def test_the_difference_of_two_rates():
    a, b = tally([(1, 1)] * 30 + [(0, 1)] * 70).rate(), tally([(1, 1)] * 12 + [(0, 1)] * 88).rate()
    gap, low, high = apart(a, b)
    assert gap == pytest.approx(0.18)
    assert 0 < low < gap < high < 0.35
    assert apart(a, Rate(None, None, None, 0, 0, 0)) is None


def talk(*texts):
    made = Conversation()
    for number, text in enumerate(texts):
        made = made.assistant(text) if number % 2 else made.user(text)
    return made


ASK = "How much is the trip?"
TALKS = [
    talk(ASK, "It is 300 euros.", "It is for 4 people.", "It is 1200 euros."),
    talk(ASK, "Which trip?", "To Rome.", "It is 300 euros."),
    talk("Tell me of Java.", "It is a language.", "No, I meant the island.", "It is an island."),
    talk(ASK, "It is 300.", "That's wrong.", "It is 350.", "That's wrong.", "It is 400."),
    talk("Hi."),
    talk(ASK, "Lovely.", ASK, "Lovely.", "Forget it, this is useless.", "Bye."),
]


def transcript(number, of):
    model = ("a", "b", None)[number % 3]
    return Transcript(f"t{number}", TALKS[of], "openai", Source("f.jsonl", number), model)


def folded(numbered):
    found = Findings()
    for number, of in numbered:
        one = transcript(number, of)
        found.add(one, audit(one.conversation), ("x", "y")[number % 2], redact=False)
    return found


def sums(found):
    data = json.loads(json.dumps(found.to_dict()))
    lists = ("tallies", "firsts", "pairs")
    return data | {name: sorted(data[name]) for name in lists}


@given(st.lists(st.integers(0, 5), max_size=14), st.data())
def test_findings_are_the_same_in_whatever_parts(which, data):
    numbered = list(enumerate(which))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(which)), max_size=3)))
    parts = [numbered[a:b] for a, b in zip([0, *cuts], [*cuts, len(which)], strict=True)]
    whole = Findings()
    for part in data.draw(st.permutations(parts)):
        whole.merge(Findings.from_dict(json.loads(json.dumps(folded(part).to_dict()))))
    assert sums(whole) == sums(folded(numbered))


def test_the_figures_of_six_conversations():
    found = folded(list(enumerate(range(6))))
    assert (found.conversations, found.turns) == (6, sum(map(len, TALKS)))
    head = told.headline(found).rate
    assert (head.events, head.occasions) == (4, 5)  # one has no reply
    shares = {figure.name: figure.rate.events for figure in told.causes(found)}
    some = {name: count for name, count in shares.items() if count}
    assert some == {"misread": 2, "premature": 1, "unheard": 1, "abandoned": 1}
    assert found.tally("breakdown", ("corpus", "x")).x == 2
    assert {"a", "b", "unknown"} == set(found.groups("model"))
    failed, sound, gap = told.early(found)
    assert (failed.rate.n, sound.rate.n) == (2, 0)
    assert gap is None
    assert {worst.cause for worst in found.worst} == {"misread", "premature", "unheard"}
    assert [line.cause for line in found.worst[0].lines if line.cause]


def test_no_more_than_a_few_of_each_cause_are_kept_the_worst_first():
    found = folded([(number, (0, 3)[number % 2]) for number in range(40)])
    kept = [worst.cause for worst in found.worst]
    assert kept.count("premature") == kept.count("misread") == 4
    scores = [worst.badness for worst in found.worst]
    assert scores == sorted(scores, reverse=True)


def test_masks_leave_nothing_that_tells_who_it_was():
    said = (
        "I'm Ann Lee, ann.lee@post.org, call +44 20 7946 0018 or see https://lee.org/ann. "
        "My name is otto and I live in Graz, 8010. Mail otto again on Monday."
    )
    masked = Mask([said])(said)
    for secret in ("Ann", "Lee", "post", "7946", "lee.org", "otto", "Graz", "8010"):
        assert secret not in masked
    for mark in ("[name]", "[email]", "[phone]", "[link]", "[number]"):
        assert mark in masked
    assert "I live in" in masked


@given(st.text(alphabet="aBc1 .@-+'\n[]nameumbr", max_size=60))
def test_masked_text_has_no_number_and_stays_masked(text):
    mask = Mask([text])
    masked = mask(text)
    assert not re.search(r"\d", masked)
    assert mask(masked) == masked


def double(number):
    return 2 * number


def refuse(number):
    if number == 7:
        raise ValueError("seven")
    return number


@pytest.mark.parametrize("processes", [1, 2])
def test_work_in_processes_comes_back_in_order(processes):
    for n in (0, 1, 7):
        assert list(in_order(double, range(n), processes)) == [2 * i for i in range(n)]
    with pytest.raises(ValueError, match="seven"):
        list(in_order(refuse, range(9), processes))


def test_a_share_reads_like_one():
    assert told.share(Rate(0.073, 0.051, 0.099, 7, 96, 96)) == "7.3%"
    assert told.span(Rate(0.5, 0.4, 0.6, 1, 2, 2)) == "[40, 60]"
    assert told.share(None) == "–"
    assert math.isclose(Tally().rate().n, 0)
