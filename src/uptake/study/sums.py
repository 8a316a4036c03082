"""From the results of arms to figures with intervals, over seeds and instructions together.

Arms that differ in their seed alone are a group. Its interval is a percentile bootstrap in which
seeds and instructions are both drawn again; two groups are compared on the same draws of
instructions, since all arms play the same. A figure that nothing decided counts 0 in the skill,
which is where constant policies come to.

Pure: this module knows nothing of files, or of how anything is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any

from uptake.study.arms import Arm
from uptake.study.measure import SKILLS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Estimate", "Group", "grouped", "less", "relative"]

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Group:
    """The results of arms that differ in their seed alone."""

    arm: Arm
    results: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """The arm without its seed."""
        return self.arm.group

    @cached_property
    def instructions(self) -> int:
        """How many instructions every seed played."""
        return min(result["measured"]["instructions"] for result in self.results)

    @cached_property
    def tokens(self) -> float:
        """How many tokens were learned from, about; 0 where that was not counted."""
        return fmean(result.get("tokens", 0) for result in self.results)

    @property
    def skills(self) -> tuple[str, ...]:
        """Which of the skills were measured: those of the probes that were played."""
        return tuple(name for name in SKILLS if name in self.results[0]["measured"]["figures"])

    def skill(self) -> Estimate:
        """The mean of one figure of each probe."""
        return self.mean(self.skills)

    def mean(self, names: Sequence[str]) -> Estimate:
        """The mean of some figures."""
        return _estimate(_draws(_measured(self), names, self.instructions))

    def at(self, step: int, name: str) -> Estimate | None:
        """A figure after so many steps; None where it was not measured there."""
        found = _points(self, step)
        if len(found) < len(self.results) or any(name not in each["figures"] for each in found):
            return None
        n = min(each["instructions"] for each in found)
        return _estimate(_draws(found, (name,), n))

    def steps(self) -> list[int]:
        """After which steps something was measured."""
        return sorted({point["step"] for one in self.results for point in one.get("points", ())})

    def loss(self, mode: str, which: str = "said") -> float | None:
        """The held-out next-token loss on a mode's conversations, in nats; the mean over seeds."""
        found = [one["loss"][mode][which] for one in self.results if mode in one["loss"]]
        return fmean(found) if found else None


def grouped(results: Iterable[Mapping[str, Any]]) -> dict[str, Group]:
    """Groups by their names."""
    found: dict[str, list[tuple[Arm, Mapping[str, Any]]]] = defaultdict(list)
    for result in results:
        arm = Arm(**result["arm"])
        found[arm.group].append((arm, result))
    return {name: Group(some[0][0], tuple(one for _, one in some)) for name, some in found.items()}


def less(first: Group, second: Group, names: Sequence[str] = ()) -> Estimate:
    """The mean of some figures (the skills) of `first`, less that of `second`, paired."""
    names = names or first.skills
    n = min(first.instructions, second.instructions)
    mine, other = (_draws(_measured(each), names, n) for each in (first, second))
    return _estimate(mine - other)


def relative(group: Group, step: int, name: str, since: int = 0) -> Estimate | None:
    """How a figure changed from step `since` to `step`, as a share of what it was (−1: all gone).

    None where it was not measured at both, or where it was below 0.05 before: nothing could go.
    """
    before, after = _points(group, since), _points(group, step)
    start = group.at(since, name)
    if start is None or group.at(step, name) is None or start.value < 0.05:
        return None
    n = min(each["instructions"] for each in (*before, *after))
    was, now = (_draws(each, (name,), n) for each in (before, after))
    return _estimate(now / was - 1)


def _points(group: Group, step: int) -> list[Mapping[str, Any]]:
    return [
        point for one in group.results for point in one.get("points", ()) if point["step"] == step
    ]


def _measured(group: Group) -> list[Mapping[str, Any]]:
    return [result["measured"] for result in group.results]


def _draws(found: Sequence[Mapping[str, Any]], names: Sequence[str], n: int) -> Array:
    """The mean of the named figures: as measured, then in each resample (1 + resamples)."""
    import numpy as np

    rng = np.random.default_rng(0)  # the same instructions whatever is compared
    weights = np.ones((RESAMPLES + 1, n))
    weights[1:] = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    seeds = len(found)
    shares = np.full((RESAMPLES + 1, seeds), 1 / seeds)
    shares[1:] = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    total = np.zeros(RESAMPLES + 1)
    for at, one in enumerate(found):
        for name in names:
            figure = one["figures"].get(name)
            if figure is None:
                continue
            top = weights @ np.array(figure["top"][:n])
            bottom = weights @ np.array(figure["bottom"][:n])
            value = np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
            total += shares[:, at] * value / len(names)
    return total


def _estimate(draws: Array) -> Estimate:
    import numpy as np

    known = draws[1:][np.isfinite(draws[1:])]
    if not len(known):
        return Estimate(float(draws[0]), float("nan"), float("nan"))
    low, high = np.percentile(known, [2.5, 97.5])
    return Estimate(float(draws[0]), float(low), float(high))
