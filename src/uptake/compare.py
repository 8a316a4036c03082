"""Two runs side by side: every figure that both have, on the instructions that both played.

A and B are the episodes of one speaker each: two models, one model mediated and not, one model in
two versions. `docs/compare.md` tells each column; the differences are B less A.

Pure: no clock, no files. This module knows nothing of where episodes lie or how rows are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from uptake.contrasts import Contrast, contrasts, holm
from uptake.episode import Episode
from uptake.errors import UptakeError
from uptake.intervals import Ratio, intervals
from uptake.measures import Figure
from uptake.scores import NEAR_ZERO, RESAMPLES, Measured, measured

__all__ = ["Compared", "Comparison", "Overlap", "compare_runs", "speaker"]

Cell = tuple[str, str, str, str]
"""Probe, domain, condition and metric."""


RULED = ("mean", "a90", "u90_10", "kept")  # what has a row for each rule


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of both runs, on the same `n` instructions; `difference` is `b` less `a`.

    `low` and `high` bound the difference at 95%, `p` is two-sided, `holm` the same adjusted over
    all rows, `effect` Cohen's d_z. `only_a` and `only_b` count instructions left out for want of
    the other run. `kind` is that of `Metric`, or "ratio". None where there is nothing to say, or it
    is withheld, as `note` tells.
    """

    probe: str
    domain: str
    condition: str
    metric: str
    kind: str
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    holm: float | None
    effect: float | None
    test: str
    n: int
    only_a: int
    only_b: int
    note: str | None = None

    @property
    def differs(self) -> bool:
        """Whether p, adjusted over the table, is below 0.05."""
        return self.holm is not None and self.holm < 0.05

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `note` only where there is one."""
        data = asdict(self)
        return data if self.note else {k: v for k, v in data.items() if k != "note"}


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many instructions of a probe and domain both runs played, and how many only one did.

    `other` have one id in both, and another answer: they are not the same instruction. `failed_a`
    and `failed_b` count episodes that ended in an error, which have no score.
    """

    probe: str
    domain: str
    both: int
    only_a: int
    only_b: int
    other: int
    failed_a: int
    failed_b: int


@dataclass(frozen=True)
class Comparison:
    """What two runs have in common: the speakers' names, the instructions, and every figure."""

    a: str
    b: str
    overlaps: tuple[Overlap, ...]
    rows: tuple[Compared, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        overlaps = [asdict(overlap) for overlap in self.overlaps]
        rows = [row.to_dict() for row in self.rows]
        return {"a": self.a, "b": self.b, "instructions": overlaps, "rows": rows}


def speaker(
    episodes: Sequence[Episode],
    name: str | None = None,
    *,
    controls: Iterable[str] = (),
    option: str = "--model",
) -> tuple[str, list[Episode]]:
    """The name and the episodes of one speaker: the only one but `controls`, or the one named.

    A mediated model is named as the tables name it, "NAME (mediated)"; where NAME only was played
    mediated, NAME will do. `option` is what an error tells the user to give.

    Raises:
        UptakeError: nobody of that name played, or several did and none is named.
    """
    played: dict[str, list[Episode]] = {}
    for e in episodes:
        played.setdefault(_name(e), []).append(e)
    if name is not None:
        short = [full for full, talks in played.items() if talks[0].model == name]
        found = [name] if name in played else short
    else:
        hidden = set(controls)
        found = [full for full, talks in played.items() if talks[0].model not in hidden]
        found = found or list(played)
    if len(found) == 1:
        return found[0], played[found[0]]
    names = ", ".join(played) or "no episode at all"
    if name is not None:
        raise UptakeError(f"{option} {name!r}: nobody of that name played; there are: {names}")
    raise UptakeError(f"which model? Choose one with {option}; there are: {names}")


def compare_runs(
    a: Iterable[Episode],
    b: Iterable[Episode],
    metrics: Mapping[str, Sequence[Figure]] | None = None,
    *,
    names: tuple[str, str] = ("A", "B"),
    rule: str = "last",
    conditions: Sequence[str] = (),
    only: Sequence[str] = (),
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Every figure of both runs, paired by instruction: the same id in a domain, the same answer.

    `a` and `b` hold one speaker each; `metrics` are those that each probe has of its own. `only`
    names the metrics to compare; without it, it is all but the curves (`score_by_turn:2`), whose
    conversations are not the same in both runs. `rule` says which reply's score counts. Adjusted
    p-values are over the rows that come out.

    Raises:
        UptakeError: no instruction, or no figure that was asked for, is in both runs.
    """
    left, right = [_as("a", e) for e in a], [_as("b", e) for e in b]
    overlaps = tuple(_overlaps(left, right))
    if not any(overlap.both for overlap in overlaps):
        raise UptakeError(_nothing_shared(left, right))
    kinds = _kinds(metrics or {})
    found: list[Compared] = []
    for pair in _domains(measured([*left, *right], metrics), rule):
        chosen = [
            key
            for key in pair
            if (not conditions or key[2] in conditions)
            and (key[3] in only if only else ":" not in key[3])
        ]
        # A condition's figures together, as a table reads best; *kept* and a probe's own come last.
        order = list(dict.fromkeys(key[2] for key in chosen))
        chosen.sort(key=lambda key: order.index(key[2]))
        found += _compared(pair, chosen, kinds, bootstrap, seed)
    if not found:
        wanted = ", ".join([*only, *conditions]) or "no figure"
        raise UptakeError(f"nothing to compare: {wanted} is not in both runs")
    repeats = _repeats(left), _repeats(right)
    found = [_noted(row, repeats[0], repeats[1]) for row in found]
    adjusted = holm([math.nan if row.p is None else row.p for row in found])
    rows = (replace(row, holm=_known(p)) for row, p in zip(found, adjusted, strict=True))
    return Comparison(*names, overlaps, tuple(rows))


def _name(episode: Episode) -> str:
    return f"{episode.model} (mediated)" if episode.mediated else episode.model


def _as(side: str, e: Episode) -> Episode:
    """An episode under the name of its side, its instruction told from others by its answer."""
    return replace(e, model=side, mediated=False, instruction_id=f"{e.instruction_id}\0{e.gold}")


def _overlaps(left: Sequence[Episode], right: Sequence[Episode]) -> Iterator[Overlap]:
    places = dict.fromkeys((e.probe, e.domain) for e in [*left, *right])
    for place in places:
        sides = [[e for e in side if (e.probe, e.domain) == place] for side in (left, right)]
        mine, theirs = ({e.instruction_id for e in side} for side in sides)
        alone = [{key.split("\0")[0] for key in keys} for keys in (mine - theirs, theirs - mine)]
        failed = [sum(e.ended == "error" for e in side) for side in sides]
        yield Overlap(
            *place,
            len(mine & theirs),
            len(mine - theirs),
            len(theirs - mine),
            len(alone[0] & alone[1]),
            failed[0],
            failed[1],
        )


def _nothing_shared(left: Sequence[Episode], right: Sequence[Episode]) -> str:
    if not left or not right:
        return f"run {'A' if not left else 'B'} holds no episode: there is nothing to compare"
    sides = [{(e.probe, e.domain) for e in side} for side in (left, right)]
    if not sides[0] & sides[1]:
        told = [", ".join(sorted(f"{p} of {d}" for p, d in side)) for side in sides]
        return f"no instruction in common: A played {told[0]}, B played {told[1]}"
    ids = [{e.instruction_id.split("\0")[0] for e in side} for side in (left, right)]
    if ids[0] & ids[1]:
        return "no instruction in common: the same ids have other answers in B than in A"
    return "no instruction in common: play both with the same instructions, --n and --seed"


def _kinds(metrics: Mapping[str, Sequence[Figure]]) -> dict[tuple[str, str, str], str]:
    return {(p, m.condition, m.name): m.kind for p, found in metrics.items() for m in found}


def _domains(
    figures: Iterable[Measured], rule: str
) -> Iterator[dict[Cell, tuple[Measured, Measured]]]:
    """The figures of each probe and domain that both sides have, under `rule` where it counts."""
    places: dict[tuple[str, str], dict[Cell, dict[str, Measured]]] = {}
    for f in figures:
        if f.score == rule or (f.score == "last" and f.metric not in RULED):
            place = places.setdefault((f.probe, f.domain), {})
            place.setdefault((f.probe, f.domain, f.condition, f.metric), {})[f.model] = f
    for place in places.values():
        yield {key: (two["a"], two["b"]) for key, two in place.items() if len(two) == 2}


def _compared(
    pairs: Mapping[Cell, tuple[Measured, Measured]],
    chosen: Sequence[Cell],
    kinds: Mapping[tuple[str, str, str], str],
    bootstrap: int,
    seed: int,
) -> Iterator[Compared]:
    found = contrasts(
        [(pairs[key][1].ratio, pairs[key][0].ratio) for key in chosen],
        resamples=bootstrap,
        seed=seed,
    )
    low = _lowest_full(pairs, bootstrap, seed)
    for key, contrast in zip(chosen, found, strict=True):
        a, b = pairs[key]
        kind = kinds.get((key[0], key[2], key[3]), a.ratio.kind)
        if contrast.n:
            yield _row(a, b, contrast, kind, low if a.metric == "kept" else None)


def _row(a: Measured, b: Measured, found: Contrast, kind: str, full_low: float | None) -> Compared:
    note = a.note or b.note
    withheld = a.withheld or b.withheld
    if full_low is not None and not full_low >= NEAR_ZERO:
        withheld = True
        note = f"withheld: the 95% interval of FULL reaches below {NEAR_ZERO:g}"
    elif found.n == 1 and not withheld:
        note = "one instruction: no interval"

    def shown(value: float) -> float | None:
        return None if withheld else _known(value)

    only_a, only_b = _alone(a.ratio, b.ratio)
    return Compared(
        a.probe,
        a.domain,
        a.condition,
        a.metric,
        kind,
        a=shown(found.second),
        b=shown(found.first),
        difference=shown(found.value),
        low=shown(found.low),
        high=shown(found.high),
        p=shown(found.p),
        holm=None,
        effect=shown(found.effect),
        test=found.test,
        n=found.n,
        only_a=only_a,
        only_b=only_b,
        note=note,
    )


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _alone(a: Ratio, b: Ratio) -> tuple[int, int]:
    """How many instructions only `a` has a value of, and only `b`."""
    mine, theirs = a.denominator > 0, b.denominator > 0
    return int((mine & ~theirs).sum()), int((theirs & ~mine).sum())


def _lowest_full(
    pairs: Mapping[Cell, tuple[Measured, Measured]], bootstrap: int, seed: int
) -> float:
    """The lower bound of the mean under FULL, of the side that has the lower; NaN without one."""
    full = [pair for key, pair in pairs.items() if key[2:] == ("full", "mean")]
    if not full:
        return math.nan
    bounds = intervals([side.ratio for side in full[0]], resamples=bootstrap, seed=seed)
    return min(bound.low for bound in bounds)


def _repeats(episodes: Iterable[Episode]) -> dict[tuple[str, str, str], int]:
    """The most repeats of an instruction, by probe, domain and condition."""
    found: dict[tuple[str, str, str], int] = {}
    for e in episodes:
        key = (e.probe, e.domain, e.condition)
        found[key] = max(found.get(key, 0), e.repeat + 1)
    return found


def _noted(
    row: Compared, a: Mapping[tuple[str, str, str], int], b: Mapping[tuple[str, str, str], int]
) -> Compared:
    """A figure that depends on the number of repeats says so where the runs differ in it."""
    place = (row.probe, row.domain, row.condition)
    if row.metric not in ("a90", "u90_10") or a[place] == b[place] or row.difference is None:
        return row
    return replace(row, note=f"{a[place]} repeats in A and {b[place]} in B: not comparable")
