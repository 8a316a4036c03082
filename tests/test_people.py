"""The shipped table of how often people do each act."""

from __future__ import annotations

from datetime import date

from uptake.acts import ACTS
from uptake.audit.findings import Findings
from uptake.audit.people import people, people_dated
from uptake.audit.summary import acts
from uptake.audit.tally import Tally


def test_the_table_is_whole_and_dated():
    assert date.fromisoformat(people_dated()).year >= 2026
    rows = people()
    assert len({(row.act, row.corpus, row.who) for row in rows}) == len(rows) > 0
    for row in rows:
        assert row.act in ACTS
        assert 0 <= row.low <= row.rate <= row.high <= 1
        assert row.turns >= row.dialogues > 0
        assert row.talk


def test_people_stand_beside_the_acts_that_a_log_has():
    findings = Findings()
    figures = findings.tallies.setdefault(("all", ""), {})
    for role in ("user", "assistant"):
        figures[f"turns:{role}"] = Tally.from_list([2, 0, 4, 0, 0, 8])
    for name in ("check", "offer"):
        figures[f"act:assistant:{name}"] = Tally.from_list([1, 1, 2, 1, 2, 4])
    shown = {name: among for name, _, _, _, among in acts(findings)}
    assert {row.act for row in shown["check"]} == {"check"}
    assert shown["offer"] == ()
