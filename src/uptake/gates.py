"""Gates: what a score must reach for `uptake probe --fail-under` to exit with 0.

This module knows nothing of how a score is worked out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from uptake.errors import UptakeError

__all__ = ["Gate", "gate"]

HEADLINE = "sharded"


@dataclass(frozen=True, slots=True)
class Gate:
    """The least that a metric may be, for the last-turn score.

    Of one `probe`, or of any that has it (None). Under one `condition`; None is `sharded` where the
    metric has a value there, and otherwise every condition that it has one under.
    """

    metric: str
    least: float
    probe: str | None = None
    condition: str | None = None

    def misses(
        self, rows: Sequence[Mapping[str, Any]], model: str, *, mediated: bool = False
    ) -> list[str]:
        """One line for each row of `model` that is below the gate, or has no value to compare.

        `rows` are those of `scores.json`.
        """
        found = [
            row
            for row in rows
            if (row["model"], row["mediated"]) == (model, mediated)
            and (row["metric"], row["score"]) == (self.metric, "last")
            and self.probe in (None, row["probe"])
            and self.condition in (None, row["condition"])
        ]
        if self.condition is None:
            found = [row for row in found if row["condition"] == HEADLINE] or found
        if not found:
            return [f"{self._name(self.condition)}: there is no such score"]
        lines: list[str] = []
        for row in found:
            name = self._name(row["condition"])
            if row["value"] is None:
                lines.append(f"{name}: {row.get('note') or 'withheld'}")
            elif row["value"] < self.least:
                lines.append(f"{name}: it is {row['value']:.3f}")
        return lines

    def _name(self, condition: str | None) -> str:
        metric = f"{self.probe}.{self.metric}" if self.probe else self.metric
        under = f" of {condition}" if condition else ""
        return f"gate {metric}{under} >= {self.least:g}"


def gate(text: str) -> Gate:
    """`kept=0.9`; `presupposition.rejects=0.8` for one probe; `mean:full=0.9` for one condition.

    Raises:
        UptakeError: anything else.
    """
    name, equals, least = text.partition("=")
    head, _, condition = name.partition(":")
    probe, dot, metric = head.strip().rpartition(".")
    try:
        found = Gate(metric.strip(), float(least), probe.strip() or None, condition.strip() or None)
    except ValueError:
        found = None
    if found and found.metric and isfinite(found.least) and bool(dot) == bool(found.probe):
        return found
    raise UptakeError(
        f"--fail-under {text!r}: expected METRIC=VALUE, PROBE.METRIC=VALUE or "
        f"METRIC:CONDITION=VALUE, for example kept=0.9{'' if equals else ' (there is no =)'}"
    )
