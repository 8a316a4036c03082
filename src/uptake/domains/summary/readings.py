"""What is to be summarised: as the documents have it, or with one insight changed or taken back.

A reading is the gold summary with what of an instruction's `meta` decides on it: the insights, and
what is untrue of them (a figure that stands nowhere, an insight taken back).

This module knows nothing of documents, or of how a summary is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from uptake.domains.summary.documents import Plant

__all__ = ["Reading", "as_told", "changed", "planted", "withdrawn"]

Reading = tuple[str, dict[str, Any]]
"""The answer, and its part of `meta`."""


def as_told(plants: Sequence[Plant]) -> Reading:
    """The insights as they are."""
    return _reading(plants, [(plant, plant.other) for plant in plants])


def changed(plants: Sequence[Plant], plant: Plant) -> Reading:
    """One insight has its other figure, so that the figure it had is untrue."""
    other = replace(plant, number=plant.other, other=plant.number)
    return as_told([other if each == plant else each for each in plants])


def withdrawn(plants: Sequence[Plant], plant: Plant) -> Reading:
    """One insight is not so, whatever its figure."""
    left = [each for each in plants if each != plant]
    untrue = [(each, each.other) for each in plants] + [(plant, plant.number)]
    return _reading(left, untrue)


def _reading(plants: Sequence[Plant], untrue: Sequence[tuple[Plant, int]]) -> Reading:
    return "\n".join(map(_gold, plants)), {
        "insights": [planted(plant) for plant in plants],
        "untrue": [{"names": list(plant.names), "number": number} for plant, number in untrue],
    }


def planted(plant: Plant) -> dict[str, Any]:
    """An insight as `scoring.insights_of` reads it."""
    details: list[dict[str, Any]] = [{"names": list(plant.names)}, {"number": plant.number}]
    details += [{"names": [plant.option]}] if plant.option else []
    return {"text": plant.text, "documents": list(plant.documents), "details": details}


def _gold(plant: Plant) -> str:
    return f"- {plant.text} [{', '.join(str(number) for number in plant.documents)}]"
