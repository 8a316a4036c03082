from __future__ import annotations

import pytest

from uptake.errors import UptakeError
from uptake.gates import Gate, gate


def row(value, *, condition="sharded", metric="kept", score="last", model="m", note=None, **more):
    found = {"model": model, "mediated": False, "metric": metric, "condition": condition} | more
    return found | {"score": score, "value": value} | ({"note": note} if note else {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kept=0.9", Gate("kept", "sharded", 0.9)),
        ("mean:full=.8", Gate("mean", "full", 0.8)),
        ("kept:recap = 1", Gate("kept", "recap", 1.0)),
    ],
)
def test_a_gate_is_read(text, expected):
    assert gate(text) == expected


@pytest.mark.parametrize("text", ["kept", "kept=", "kept=high", "=0.9", "kept=nan", ""])
def test_what_is_no_gate_is_one_line(text):
    with pytest.raises(UptakeError, match="expected METRIC=VALUE"):
        gate(text)


def test_only_a_value_below_the_gate_misses_it():
    kept = gate("kept=0.9")
    assert kept.misses([row(0.9)], "m") == []
    assert kept.misses([row(0.95), row(0.1, model="n"), row(0.1, score="any")], "m") == []
    (line,) = kept.misses([row(0.899)], "m")
    assert line == "gate kept of sharded >= 0.9: it is 0.899"


def test_a_gate_without_a_value_to_compare_is_missed():
    assert gate("kept=0.9").misses([row(None, note="FULL is near 0")], "m") == [
        "gate kept of sharded >= 0.9: FULL is near 0"
    ]
    assert "no such score" in gate("mirth=0.9").misses([row(1.0)], "m")[0]


def test_a_gate_is_for_the_model_that_was_probed_and_not_for_it_mediated():
    rows = [row(0.95), row(0.5, mediated=True)]
    assert gate("kept=0.9").misses(rows, "m") == []
    assert gate("kept=0.9").misses(rows, "m", mediated=True) != []
