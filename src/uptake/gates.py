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
    """The least that a metric may be under a condition, for the last-turn score."""

    metric: str
    condition: str
    least: float

    def misses(
        self, rows: Sequence[Mapping[str, Any]], model: str, *, mediated: bool = False
    ) -> list[str]:
        """One line for each row of `model` that is below the gate, or has no value to compare.

        `rows` are those of `scores.json`.
        """
        wanted: dict[str, Any] = {"model": model, "mediated": mediated, "score": "last"}
        wanted |= {"metric": self.metric, "condition": self.condition}
        found = [row for row in rows if all(row[key] == name for key, name in wanted.items())]
        name = f"gate {self.metric} of {self.condition} >= {self.least:g}"
        if not found:
            return [f"{name}: there is no such score"]
        lines: list[str] = []
        for row in found:
            if row["value"] is None:
                lines.append(f"{name}: {row.get('note') or 'withheld'}")
            elif row["value"] < self.least:
                lines.append(f"{name}: it is {row['value']:.3f}")
        return lines


def gate(text: str) -> Gate:
    """`kept=0.9`, or `mean:full=0.9` for a condition other than `sharded`.

    Raises:
        UptakeError: anything else.
    """
    name, equals, least = text.partition("=")
    metric, _, condition = name.partition(":")
    try:
        found = Gate(metric.strip(), condition.strip() or HEADLINE, float(least))
    except ValueError:
        found = None
    if found and found.metric and isfinite(found.least):
        return found
    raise UptakeError(
        f"--fail-under {text!r}: expected METRIC=VALUE or METRIC:CONDITION=VALUE, "
        f"for example kept=0.9{'' if equals else ' (there is no =)'}"
    )
