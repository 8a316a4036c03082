from __future__ import annotations

import pytest

from uptake.errors import UptakeError
from uptake.gates import Gate, gate


def row(value, *, condition="sharded", metric="kept", score="last", model="m", **more):
    found = {"model": model, "mediated": False, "metric": metric, "condition": condition}
    return {"probe": "lost"} | found | {"score": score, "value": value} | more


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kept=0.9", Gate("kept", 0.9)),
        ("mean:full=.8", Gate("mean", 0.8, condition="full")),
        ("kept:recap = 1", Gate("kept", 1.0, condition="recap")),
        ("presupposition.rejects=0.8", Gate("rejects", 0.8, "presupposition")),
        ("missing.net:distracted=-.5", Gate("net", -0.5, "missing", "distracted")),
    ],
)
def test_a_gate_is_read(text, expected):
    assert gate(text) == expected


@pytest.mark.parametrize(
    "text", ["kept", "kept=", "kept=high", "=0.9", "kept=nan", "", "lost.=1", ".kept=1"]
)
def test_what_is_no_gate_is_one_line(text):
    with pytest.raises(UptakeError, match="expected METRIC=VALUE"):
        gate(text)


def test_only_a_value_below_the_gate_misses_it():
    kept = gate("kept=0.9")
    assert kept.misses([row(0.9)], "m") == []
    assert kept.misses([row(0.95), row(0.1, model="n"), row(0.1, score="any")], "m") == []
    (line,) = kept.misses([row(0.899), row(0.1, condition="recap")], "m")
    assert line == "gate kept of sharded >= 0.9: it is 0.899"


def test_a_gate_of_one_probe_is_missed_by_no_other():
    net = gate("missing.net=0.5")
    rows = [
        row(0.1, probe="reference", metric="net", condition="unclear"),
        row(0.7, probe="missing", metric="net", condition="missing"),
        row(0.4, probe="missing", metric="net", condition="distracted"),
    ]
    assert net.misses(rows, "m") == ["gate missing.net of distracted >= 0.5: it is 0.400"]
    assert len(gate("net=0.5").misses(rows, "m")) == 2
    assert gate("missing.net:missing=0.5").misses(rows, "m") == []


def test_a_gate_without_a_value_to_compare_is_missed():
    assert gate("kept=0.9").misses([row(None) | {"note": "FULL is near 0"}], "m") == [
        "gate kept of sharded >= 0.9: FULL is near 0"
    ]
    assert "no such score" in gate("mirth=0.9").misses([row(1.0)], "m")[0]
    assert "no such score" in gate("missing.kept=0.9").misses([row(1.0)], "m")[0]


def test_a_gate_is_for_the_model_that_was_probed_and_not_for_it_mediated():
    rows = [row(0.95), row(0.5, mediated=True)]
    assert gate("kept=0.9").misses(rows, "m") == []
    assert gate("kept=0.9").misses(rows, "m", mediated=True) != []
