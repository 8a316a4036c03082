"""Episodes in cells, and the figures of each cell as they stand before their intervals.

A cell is one model under one condition. The definitions are those of Laban et al. 2025 (arXiv
2505.06120), as `docs/statistics.md` gives them.

This module knows nothing of intervals, or of how a figure is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from uptake.agreement import kappa
from uptake.episode import RULES, Episode, Turn
from uptake.intervals import Kind, Ratio, percentile
from uptake.measures import Agreement, Course, Figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = [
    "BUCKETS",
    "Cell",
    "Pending",
    "cells_of",
    "first_attempt",
    "names_of",
    "pending",
    "right_then_wrong",
    "spoiled",
    "unfaithful",
]

BUCKETS = ("0-20", "20-40", "40-60", "60-80", "80-100")
"""Where in the conversation the first attempt came, in percent: see `first_attempt`."""

_ENOUGH_REPEATS = 10


@dataclass
class Cell:
    """The episodes of one model under one condition, by instruction."""

    probe: str
    domain: str
    condition: str
    model: str
    mediated: bool
    played: dict[str, list[Episode]] = field(default_factory=dict[str, list[Episode]])

    @property
    def speaker(self) -> tuple[str, str, str, bool]:
        return self.probe, self.domain, self.model, self.mediated

    @property
    def episodes(self) -> Iterator[Episode]:
        return (episode for repeats in self.played.values() for episode in repeats)


@dataclass
class Pending:
    """A row that waits for its interval; `curve` has the shares whose half-life it is."""

    cell: Cell
    score: str
    metric: str
    ratio: Ratio
    note: str | None = None
    withheld: bool = False
    curve: Array | None = None


def right_then_wrong(episode: Episode) -> bool:
    """Whether a reply had the full score, and the last one had not."""
    last = episode.score("last")
    return last is not None and last < 1 and any(turn.score == 1 for turn in episode.turns[:-1])


def first_attempt(turns: Sequence[Turn]) -> str:
    """The bucket of the first reply that commits to an answer, or "never".

    Turn k of T lies at (k - 1) / (T - 1): the first turn at 0%, the last at 100%. (2505.06120
    shows the score by fifths of the conversation, and does not say how a turn is placed in them.)
    """
    for k, turn in enumerate(turns):
        if turn.answer is not None:
            return BUCKETS[min(4, 5 * k // max(1, len(turns) - 1))]
    return "never"


def unfaithful(turn: Turn) -> bool:
    """Whether the user's model got this turn wrong, so that scripted words stand here."""
    return turn.unfaithful is not None


def spoiled(episode: Episode) -> bool:
    """Whether the user's model got any turn of an episode wrong."""
    return any(map(unfaithful, episode.turns))


def cells_of(episodes: Iterable[Episode]) -> Iterator[list[Cell]]:
    """The cells of each probe and domain, in the order in which they were first played."""
    cells: dict[tuple[str, str], dict[tuple[str, str, bool], Cell]] = defaultdict(dict)
    for e in episodes:
        group = cells[e.probe, e.domain]
        key = (e.condition, e.model, e.mediated)
        if key not in group:
            group[key] = Cell(e.probe, e.domain, *key)
        group[key].played.setdefault(e.instruction_id, []).append(e)
    return (list(group.values()) for group in cells.values())


def names_of(cells: Sequence[Cell]) -> list[str]:
    """The instructions that any of the cells played, sorted."""
    return sorted({name for cell in cells for name in cell.played})


def pending(
    cells: Sequence[Cell], names: Sequence[str], metrics: Mapping[str, Sequence[Figure]] | None
) -> list[Pending]:
    """Every figure of a probe and domain; the first cell names the probe."""
    figures = [figure for cell in cells for figure in _figures(cell, names)]
    figures += _kept(figures)
    for metric in (metrics or {}).get(cells[0].probe, ()):
        figures += _skill(cells, names, metric)
    return figures


def _figures(cell: Cell, names: Sequence[str]) -> Iterator[Pending]:
    for rule in RULES:
        yield from _ability(cell, names, rule)
    yield from _behaviour(cell, names)
    if any(len(episode.turns) > 1 for episode in cell.episodes):
        yield from _course(cell, names)


def _ability(cell: Cell, names: Sequence[str], rule: str) -> Iterator[Pending]:
    """P, A90 and U90-10 of arXiv 2505.06120, section 5: per instruction, then averaged.

    With scores S of one instruction over its repeats: P = mean(S), A90 = percentile90(S),
    U90-10 = percentile90(S) - percentile10(S); percentiles interpolate linearly.
    """
    import numpy as np

    repeats = max(map(len, cell.played.values()))
    scores = np.full((len(names), repeats), np.nan)
    for i, name in enumerate(names):
        for j, episode in enumerate(cell.played.get(name, ())):
            score = episode.score(rule)
            scores[i, j] = np.nan if score is None else score
    counts = np.sum(~np.isnan(scores), axis=1)
    mean = np.where(counts > 0, np.nansum(scores, axis=1) / np.maximum(counts, 1), np.nan)
    high, low = percentile(scores, 0.9), percentile(scores, 0.1)
    yield Pending(cell, rule, "mean", _mean(mean))
    few = f"{repeats} repeats; at least {_ENOUGH_REPEATS} are wanted"
    note = few if repeats < _ENOUGH_REPEATS else None
    for metric, values in (("a90", high), ("u90_10", high - low)):
        if repeats < 2:
            note = "one repeat: withheld, since it says nothing of the spread over repeats"
        yield Pending(cell, rule, metric, _mean(values), note, withheld=repeats < 2)


def _behaviour(cell: Cell, names: Sequence[str]) -> Iterator[Pending]:
    """Shares of conversations, and averages, of what the model did; instructions count alike."""
    told = [e for e in cell.episodes if e.turns and e.ended != "error"]
    scored = [e for e in told if e.score("last") is not None]
    yield _share(cell, names, "right_then_wrong", [(e, right_then_wrong(e)) for e in scored])
    yield _share(cell, names, "attempted_first", [(e, e.turns[0].answer is not None) for e in told])
    yield _share(cell, names, "asked", [(e, any(t.asked for t in e.turns)) for e in told])
    yield _share(cell, names, "turns", [(e, len(e.turns)) for e in told], "amount")
    words = [(e, sum(len(t.reply.split()) for t in e.turns) / len(e.turns)) for e in told]
    yield _share(cell, names, "words", words, "amount")
    tokens = [(e, sum(t.prompt_tokens + t.completion_tokens for t in e.turns)) for e in told]
    yield _share(cell, names, "tokens", tokens, "amount")
    by_model = [e for e in told if e.user != "scripted"]
    if by_model:
        faithful = [(e, 1 - sum(map(unfaithful, e.turns)) / len(e.turns)) for e in by_model]
        yield _share(cell, names, "faithful", faithful)


def _course(cell: Cell, names: Sequence[str]) -> Iterator[Pending]:
    """How it went over the turns: the premature-answer curve, and the score of each reply."""
    scored = [
        (e, first_attempt(e.turns), score)
        for e in cell.episodes
        if len(e.turns) > 1 and (score := e.score("last")) is not None
    ]
    for bucket in (*BUCKETS, "never"):
        here = [(e, score) for e, found, score in scored if found == bucket]
        yield _pooled(cell, names, f"score_by_first_attempt:{bucket}", here)
        shares = [(e, float(found == bucket)) for e, found, _ in scored]
        yield _share(cell, names, f"first_attempt:{bucket}", shares)
    for k in range(max(len(e.turns) for e in cell.episodes)):
        here = [
            (e, score)
            for e in cell.episodes
            if e.ended != "error" and len(e.turns) > k and (score := e.turns[k].score) is not None
        ]
        yield _pooled(cell, names, f"score_by_turn:{k + 1}", here)
    yield from _revealed(cell, names)


def _revealed(cell: Cell, names: Sequence[str]) -> Iterator[Pending]:
    """The score of the last reply given when so many shards were told, where turns added some."""
    by_shards: dict[int, list[tuple[Episode, float]]] = defaultdict(list)
    for e in cell.episodes:
        if e.ended == "error":
            continue
        last = {len(turn.told): turn.score for turn in e.turns if not turn.made}
        for shards, score in last.items() if len(last) > 1 else ():
            if score is not None:
                by_shards[shards].append((e, score))
    for shards, here in sorted(by_shards.items()):
        yield _pooled(cell, names, f"score_by_shards:{shards}", here)


def _kept(figures: Sequence[Pending]) -> Iterator[Pending]:
    """Mean score over mean score under FULL, on the instructions that both have."""
    import numpy as np

    means = [f for f in figures if f.metric == "mean"]
    full = {(*f.cell.speaker, f.score): f for f in means if f.cell.condition == "full"}
    for figure in means:
        reference = full.get((*figure.cell.speaker, figure.score))
        if figure.cell.condition == "full" or reference is None:
            continue
        both = figure.ratio.denominator * reference.ratio.denominator
        top, under = figure.ratio.numerator * both, reference.ratio.numerator * both
        # An instruction that FULL never solves still counts: 0 below the line is a measurement.
        held = np.where((both > 0) & (under == 0), 1e-12, under)
        yield Pending(figure.cell, figure.score, "kept", Ratio(top, held, "ratio"))


def _skill(cells: Sequence[Cell], names: Sequence[str], metric: Figure) -> Iterator[Pending]:
    """One metric of each model, filed under one of its conditions."""
    speakers: dict[tuple[str, str, str, bool], list[Cell]] = defaultdict(list)
    for cell in cells:
        speakers[cell.speaker].append(cell)
    for played in speakers.values():
        filed = next((cell for cell in played if cell.condition == metric.condition), None)
        if filed is None:
            continue
        together: dict[tuple[str, int], dict[str, Episode]] = defaultdict(dict)
        for episode in (episode for cell in played for episode in cell.episodes):
            if episode.ended != "error" and (episode.compared or episode.score() is not None):
                together[episode.instruction_id, episode.repeat][episode.condition] = episode
        if isinstance(metric, Agreement):
            decided = {name: list[tuple[bool, bool]]() for name in names}
            for (name, _), found in together.items():
                decided[name] += metric.of(found)
            ratio = kappa([decided[name] for name in names])
            yield Pending(filed, "last", metric.name, ratio)
            continue
        if isinstance(metric, Course):
            yield from _by_turn(filed, names, metric, together.values())
            continue
        values = [
            (next(iter(found.values())), value)
            for found in together.values()
            if (value := metric.of(found)) is not None
        ]
        average = _pooled if metric.pooled else _share
        yield average(filed, names, metric.name, values, metric.kind)


def _by_turn(
    cell: Cell, names: Sequence[str], metric: Course, played: Iterable[Mapping[str, Episode]]
) -> Iterator[Pending]:
    """The share at each turn, then the half-life of the shares."""
    import numpy as np

    turns: dict[int, list[tuple[Episode, float]]] = defaultdict(list)
    for found in played:
        for turn, so in enumerate(metric.of(found) or (), 1):
            turns[turn].append((next(iter(found.values())), float(so)))
    shares = [
        _share(cell, names, f"{metric.by_turn}:{turn}", here)
        for turn, here in sorted(turns.items())
    ]
    yield from shares
    if shares:
        curve = np.stack([_values(figure.ratio) for figure in shares], axis=1)
        yield Pending(cell, "last", metric.name, shares[0].ratio, curve=curve)


def _values(ratio: Ratio) -> Array:
    """One value an instruction, NaN where nothing was measured."""
    import numpy as np

    return np.where(ratio.denominator > 0, ratio.numerator, np.nan)


def _mean(values: Array) -> Ratio:
    """The mean of one value an instruction, without those that are NaN."""
    import numpy as np

    there = ~np.isnan(values)
    return Ratio(np.where(there, values, 0.0), there.astype(float))


def _share(
    cell: Cell,
    names: Sequence[str],
    metric: str,
    values: Iterable[tuple[Episode, float]],
    kind: Kind = "share",
) -> Pending:
    """The mean over repeats of each instruction, averaged over instructions."""
    import numpy as np

    total, count = _sums(names, values)
    there = count > 0
    means = np.where(there, total / np.maximum(count, 1), 0.0)
    return Pending(cell, "last", metric, Ratio(means, there.astype(float), kind))


def _pooled(
    cell: Cell,
    names: Sequence[str],
    metric: str,
    values: Iterable[tuple[Episode, float]],
    kind: Kind = "share",
) -> Pending:
    """The mean over episodes, each counting alike: for what only some of the repeats show."""
    total, count = _sums(names, values)
    return Pending(cell, "last", metric, Ratio(total, count, kind))


def _sums(names: Sequence[str], values: Iterable[tuple[Episode, float]]) -> tuple[Array, Array]:
    import numpy as np

    place = {name: i for i, name in enumerate(names)}
    total, count = np.zeros(len(names)), np.zeros(len(names))
    for episode, value in values:
        total[place[episode.instruction_id]] += value
        count[place[episode.instruction_id]] += 1
    return total, count
