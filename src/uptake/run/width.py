"""How many instructions and repeats an interval of a wished-for width takes, before they are paid.

Instructions differ, and so do the replies to one of them. More repeats make only the second part
smaller, so that beyond a few of them only more instructions help. How the two parts compare is
read off what was played already, or else shown for instructions that are more and less alike.

This module knows nothing of models, prices or how intervals are calculated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from uptake.episode import Episode
from uptake.errors import UptakeError

__all__ = ["Spread", "describe_width", "kept_spread", "needed", "spread"]

REPEATS = (1, 3, 5, 10, 20)
Z = 1.959964  # 97.5% of a normal distribution lies below

Scores = Mapping[str, Sequence[float]]
"""The scores of each instruction, by its id."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A variance in two parts: `between` instructions, and `within` one, from reply to reply."""

    between: float
    within: float
    instructions: int = 0


def needed(found: Spread, width: float, repeats: int) -> int:
    """The fewest instructions whose mean has a 95% interval of `width`, high less low.

    n = (between + within / repeats) · (2 z / width)², the variance of two-stage sampling (Cochran
    1977, 10.3); and enough that even if all agreed their exact interval would be no wider.

    Raises:
        UptakeError: the width is not between 0 and 1.
    """
    if not 0 < width < 1:
        raise UptakeError(f"--width must lie between 0 and 1, for example 0.05, not {width:g}")
    agreeing = math.log(0.025) / math.log1p(-width)
    n = (found.between + found.within / repeats) * (2 * Z / width) ** 2
    return math.ceil(max(n, agreeing) - 1e-9)


def spread(scores: Scores) -> Spread | None:
    """The two parts as they were played, by analysis of variance; None where repeats are few.

    At least two instructions must have been played at least twice each.
    """
    repeated = [found for found in scores.values() if len(found) > 1]
    if len(repeated) < 2:
        return None
    within = fmean(variance(found) for found in repeated)
    means = variance(fmean(found) for found in repeated)
    luck = within * fmean(1 / len(found) for found in repeated)
    return Spread(max(0.0, means - luck), within, len(repeated))


def kept_spread(full: Scores, told: Scores) -> Spread | None:
    """The same of *kept*, the mean of `told` over that of `full`, linearised (Cochran 1977, 2.11).

    None where repeats are few, or `full` scores nothing.
    """
    both = sorted(full.keys() & told.keys())
    above, below = ({name: side[name] for name in both} for side in (told, full))
    top, under = spread(above), spread(below)
    reference = fmean(fmean(below[name]) for name in both) if both else 0.0
    if top is None or under is None or reference <= 0:
        return None
    ratio = fmean(fmean(above[name]) for name in both) / reference
    gaps = [fmean(above[name]) - ratio * fmean(below[name]) for name in both]
    luck = fmean(
        top.within / len(above[name]) + ratio**2 * under.within / len(below[name]) for name in both
    )
    within = top.within + ratio**2 * under.within
    between = max(0.0, variance(gaps) - luck)
    return Spread(between / reference**2, within / reference**2, len(both))


def describe_width(played: Iterable[Episode], width: float, repeats: int) -> str:
    """A table for a person: instructions needed, by number of repeats.

    `played` are the episodes of one model, none or more; `repeats` is what the plan has.

    Raises:
        UptakeError: the width is not between 0 and 1.
    """
    counts = sorted({*REPEATS, repeats})
    parts = _measured(played) or _assumed()
    lines = [
        f"instructions needed for a 95% interval no wider than {width:g}, by repeats:",
        "",
        f"{'':<26}" + "".join(f"{count:>10,}" for count in counts),
    ]
    for name, found in parts.items():
        figures = "".join(f"{needed(found, width, count):>10,}" for count in counts)
        lines.append(f"{name:<26}{figures}")
    known = max(found.instructions for found in parts.values())
    lines.append("")
    if known:
        lines.append(f"estimates   from {known:,} instructions that are played already")
    else:
        lines.append(
            "estimates   for a mean near 50%, which takes the most. Once a few instructions"
        )
        lines.append("            have been played twice, the same command goes by them")
    return "\n".join(lines)


def _assumed() -> dict[str, Spread]:
    """Nothing is known: from instructions that are hardly alike to those always right or wrong."""
    shares = {"replies decide": 0.2, "half and half": 0.5, "the instruction decides": 1.0}
    return {name: Spread(0.25 * share, 0.25 * (1 - share)) for name, share in shares.items()}


def _measured(played: Iterable[Episode]) -> dict[str, Spread]:
    conditions: dict[tuple[str, str], dict[str, list[float]]] = {}
    for episode in played:
        score = episode.score("last")
        if score is not None:
            scores = conditions.setdefault((episode.probe, episode.condition), {})
            name = f"{episode.domain}/{episode.instruction_id}"
            scores.setdefault(name, []).append(score)
    found: dict[str, Spread | None] = {}
    for (probe, condition), scores in conditions.items():
        found[f"mean of {condition}"] = spread(scores)
        full = conditions.get((probe, "full"))
        if full and condition != "full":
            found[f"kept of {condition}"] = kept_spread(full, scores)
    return {name: one for name, one in found.items() if one is not None}
