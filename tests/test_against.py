"""Two sets of logs compared: the change, its interval, a test by conversation, and the page."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from command import surroundings, uptake

from uptake.audit import against, audit
from uptake.audit.against import changes, differ
from uptake.audit.findings import Findings
from uptake.conversation import Conversation
from uptake.transcripts import Source, Transcript

BAD = ("How much is the trip?", "It is 300.", "That's wrong.", "It is 350.")
GOOD = ("How much is the trip?", "Which trip?", "To Rome.", "It is 300 euros.")


def counted(figures):
    """Findings with these (events, occasions) of each conversation, by figure."""
    found = Findings()
    found.pairs = {name: Counter(pairs) for name, pairs in figures.items()}
    return found


def one(before, after, name="asks", seed=0):
    (change,) = changes(counted({name: before}), counted({name: after}), seed=seed)
    return change


def clustered(rng, n, mean):
    """So many conversations of one to eight replies, each with a rate of its own."""
    rates, sizes = rng.beta(6 * mean, 6 * (1 - mean), n), rng.integers(1, 9, n)
    return [(int(rng.binomial(y, p)), int(y)) for p, y in zip(rates, sizes, strict=True)]


def test_a_change_is_after_less_before_with_what_was_counted():
    change = one([(1, 1)] * 60 + [(0, 1)] * 40, [(1, 1)] * 30 + [(0, 1)] * 70)
    assert change.difference == pytest.approx(-0.3)
    assert change.low < -0.3 < change.high < 0
    assert (change.before.events, change.after.n) == (60, 100)
    assert change.p == change.holm < 0.001
    assert change.differs


def test_turns_of_a_conversation_go_together():
    """Ten conversations of forty replies are ten draws: what 400 would prove, they do not."""
    apart = one([(20, 40)] * 5 + [(4, 40)] * 5, [(20, 40)] * 3 + [(4, 40)] * 7)
    assert apart.p > 0.2
    assert apart.low < 0 < apart.high


def test_where_nothing_changed_p_is_even_and_the_interval_holds_nought(monkeypatch):
    monkeypatch.setattr(against, "DEALS", against.CHUNK)
    rng = np.random.default_rng(3)
    found = [one(clustered(rng, 60, 0.3), clustered(rng, 80, 0.3), seed=i) for i in range(100)]
    assert 0.88 <= np.mean([c.low <= 0 <= c.high for c in found]) <= 0.99
    p = [c.p for c in found]
    assert 0.4 < np.mean(p) < 0.6
    assert np.mean([each < 0.05 for each in p]) < 0.12


def test_what_was_never_seen_is_not_taken_for_impossible():
    change = one([(0, 1)] * 30, [(0, 1)] * 27 + [(1, 1)] * 3)
    assert change.low < 0.1 < change.high
    assert change.high > 0.2
    assert not change.differs
    change = one([(2, 2)] * 30, [(2, 2)] * 30)
    assert change.low < 0 < change.high


def test_p_is_adjusted_for_all_that_is_looked_at():
    figures = {"asks": [(1, 1)] * 12 + [(0, 1)] * 38}
    more = {"asks": [(1, 1)] * 24 + [(0, 1)] * 26}
    alone = changes(counted(figures), counted(more))[0]
    noise = {f"signal:{name}": [(1, 2)] * 20 for name in ("repeats", "meant", "faults", "lost")}
    among = {c.name: c for c in changes(counted(figures | noise), counted(more | noise))}
    assert alone.p == alone.holm < 0.05
    assert among["asks"].holm == pytest.approx(5 * among["asks"].p, abs=0.05)
    assert "Of 5 figures" in differ(list(among.values()))


def test_an_act_counts_the_conversations_that_lack_it():
    both = [folded([GOOD] * 3 + [BAD] * 2), folded([BAD] * 5)]
    found = {change.name: change for change in changes(*both)}
    assert found["clarify"].before.value == pytest.approx(3 / 10)
    assert found["clarify"].after.value == 0
    assert found["breakdown"].after.value == 1


def folded(talks):
    found = Findings()
    for number, texts in enumerate(talks):
        talk = Conversation()
        for place, text in enumerate(texts):
            talk = talk.assistant(text) if place % 2 else talk.user(text)
        transcript = Transcript(f"t{number}", talk, "openai", Source("f", number), None)
        found.add(transcript, audit(talk), "f", redact=False)
    return found


def test_what_one_set_has_no_occasion_for_is_shown_and_not_tested():
    (change,) = changes(counted({"repaired": [(1, 2)] * 5}), counted({}))
    assert change.difference is None
    assert change.holm is None


def log(path, talks):
    roles = ("user", "assistant")
    rows = [
        {"messages": [{"role": roles[i % 2], "content": t} for i, t in enumerate(texts)]}
        for texts in talks
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_an_audit_is_set_against_another_in_the_terminal_and_on_the_page(tmp_path):
    env = surroundings(tmp_path)
    old = log(tmp_path / "old.jsonl", [BAD] * 24 + [GOOD] * 6)
    new = log(tmp_path / "new.jsonl", [BAD] * 6 + [GOOD] * 24)
    assert uptake(env, "audit", old, "-o", tmp_path / "old")[0] == 0
    words = ("audit", new, "-o", tmp_path / "new", "--against", tmp_path / "old")
    for _ in range(2):  # done already, and shown again
        code, said, err = uptake(env, *words)
        assert (code, err) == (0, [])
        assert "breakdown (conversations with a reply" in said
        assert "-60.0" in said
        assert "after adjusting for all of them (Holm)" in " ".join(said.split())
        page = (tmp_path / "new" / "report.html").read_text()
        assert "Against the other logs" in page
        assert "-60.0" in page


@pytest.mark.parametrize(
    ("state", "words"),
    [(None, "name the folder of an audit"), ("{}", "not what an audit found"), ("[1", "not what")],
)
def test_a_folder_without_an_audit_is_one_line(tmp_path, state, words):
    path = log(tmp_path / "new.jsonl", [GOOD])
    if state is not None:
        (tmp_path / "audit.json").write_text(state)
    code, _, err = uptake(surroundings(tmp_path), "audit", path, "--against", tmp_path)
    assert (code, len(err)) == (2, 1)
    assert words in err[0]
