"""From episodes to figures: ability, aptitude, unreliability, what is kept, and behaviour.

The definitions are those of Laban et al. 2025, *LLMs Get Lost In Multi-Turn Conversation*
(arXiv 2505.06120): per instruction over its repeats, then averaged over instructions. Every
condition is scored under the same three rules (`Episode.score`).

Pure: no clock, no files, and the same figures for the same episodes and seed. This module knows
nothing of how episodes were played or how figures are shown.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from uptake.agreement import kappa
from uptake.episode import RULES, Episode, Turn
from uptake.halflife import half_life
from uptake.intervals import (
    Difference,
    Interval,
    Kind,
    Ratio,
    intervals,
    paired_difference,
    percentile,
)
from uptake.measures import Agreement, Course, Figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = [
    "BUCKETS",
    "NEAR_ZERO",
    "RESAMPLES",
    "Measured",
    "Row",
    "compare",
    "first_attempt",
    "measured",
    "right_then_wrong",
    "rows",
    "spoiled",
    "unfaithful",
]

BUCKETS = ("0-20", "20-40", "40-60", "60-80", "80-100")
"""Where in the conversation the first attempt came, in percent: see `first_attempt`."""

NEAR_ZERO = 0.05
"""*Kept* is withheld where the interval of FULL reaches below this: the ratio means nothing."""

RESAMPLES = 2000
"""How often the instructions are drawn again for an interval."""

_ENOUGH_REPEATS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one condition and model, with its 95% interval.

    `value` is None where it is withheld, and `low` and `high` where there is no interval; `note`
    says why. `score` is the rule; figures that no rule touches have "last". `n` counts
    instructions, except for `failures`, `undecided` and `spoiled`: counts among `n` episodes.
    """

    probe: str
    domain: str
    condition: str
    model: str
    mediated: bool
    score: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `note` only where there is one."""
        data = asdict(self)
        return data if self.note else {k: v for k, v in data.items() if k != "note"}


@dataclass(frozen=True)
class Measured:
    """A row before its interval: what each of `instructions` adds to it, in their order.

    All that is measured in a probe and domain has the same instructions. A `withheld` one means
    nothing, as `note` says.
    """

    probe: str
    domain: str
    condition: str
    model: str
    mediated: bool
    score: str
    metric: str
    instructions: tuple[str, ...]
    ratio: Ratio
    withheld: bool
    note: str | None


@dataclass
class _Cell:
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
class _Figure:
    """A row that waits for its interval; `curve` has the shares whose half-life it is."""

    cell: _Cell
    score: str
    metric: str
    ratio: Ratio
    note: str | None = None
    withheld: bool = False
    curve: Array | None = None


def rows(
    episodes: Iterable[Episode],
    metrics: Mapping[str, Sequence[Figure]] | None = None,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> list[Row]:
    """Every figure of every probe, domain, condition and model, in long form.

    Under each rule: `mean` (P), `a90` (aptitude), `u90_10` (unreliability) and, for conditions
    other than `full`, `kept`. Once for each condition, with `score` "last": `right_then_wrong`,
    `attempted_first`, `asked`, `turns`, `words`, `tokens`, `failures`, `undecided`; where a model
    played the user, `faithful` and `spoiled`; and, where the conversation has turns,
    `score_by_first_attempt:B` and `first_attempt:B` for each bucket B and for "never",
    `score_by_turn:K` and `score_by_shards:K`. `docs/statistics.md` defines each.
    Then the `metrics` of each probe, by its name.

    Intervals come from `bootstrap` resamples of the instructions, the same for all figures of a
    domain. Failed episodes have no score and are left out of it, never counted as 0.
    """
    found: list[Row] = []
    for cells in _domains(episodes):
        figures = _domain(cells, _names(cells), metrics)
        bounds = intervals([f.ratio for f in figures], resamples=bootstrap, seed=seed)
        bounds = [
            interval if f.curve is None else half_life(f.curve, resamples=bootstrap, seed=seed)
            for f, interval in zip(figures, bounds, strict=True)
        ]
        low = {
            (*f.cell.speaker, f.score): i.low
            for f, i in zip(figures, bounds, strict=True)
            if f.cell.condition == "full" and f.metric == "mean"
        }
        for cell in cells:
            for figure, interval in zip(figures, bounds, strict=True):
                if figure.cell is cell:
                    found.append(_row(figure, interval, low.get((*cell.speaker, figure.score))))
            found += _counts(cell)
    return found


def measured(
    episodes: Iterable[Episode], metrics: Mapping[str, Sequence[Figure]] | None = None
) -> list[Measured]:
    """What `rows` takes intervals of, instruction by instruction; no counts and half-lives."""
    found: list[Measured] = []
    for cells in _domains(episodes):
        names = _names(cells)
        for f in _domain(cells, names, metrics):
            if f.curve is not None:  # no average over instructions
                continue
            c = f.cell
            key = (c.probe, c.domain, c.condition, c.model, c.mediated, f.score, f.metric)
            found.append(Measured(*key, tuple(names), f.ratio, f.withheld, f.note))
    return found


def compare(
    first: Iterable[Episode],
    second: Iterable[Episode],
    *,
    rule: str = "last",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Mean score of `first` less that of `second`, on the instructions that both played.

    For one model under two conditions, or two models under one. Instructions are paired; the test
    is `intervals.paired_difference`. Instructions without a score on either side are left out.
    """
    import numpy as np

    left, right = _means(first, rule), _means(second, rule)
    both = sorted(left.keys() & right.keys())
    return paired_difference(
        np.array([left[key] for key in both]),
        np.array([right[key] for key in both]),
        resamples=bootstrap,
        seed=seed,
    )


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


def _domains(episodes: Iterable[Episode]) -> Iterator[list[_Cell]]:
    """The cells of each probe and domain, in the order in which they were first played."""
    cells: dict[tuple[str, str], dict[tuple[str, str, bool], _Cell]] = defaultdict(dict)
    for e in episodes:
        group = cells[e.probe, e.domain]
        key = (e.condition, e.model, e.mediated)
        if key not in group:
            group[key] = _Cell(e.probe, e.domain, *key)
        group[key].played.setdefault(e.instruction_id, []).append(e)
    return (list(group.values()) for group in cells.values())


def _names(cells: Sequence[_Cell]) -> list[str]:
    return sorted({name for cell in cells for name in cell.played})


def _domain(
    cells: Sequence[_Cell], names: Sequence[str], metrics: Mapping[str, Sequence[Figure]] | None
) -> list[_Figure]:
    """Every figure of a probe and domain; the first cell names the probe."""
    figures = [figure for cell in cells for figure in _figures(cell, names)]
    figures += _kept(figures)
    for metric in (metrics or {}).get(cells[0].probe, ()):
        figures += _skill(cells, names, metric)
    return figures


def _means(episodes: Iterable[Episode], rule: str) -> dict[tuple[str, str], float]:
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for episode in episodes:
        score = episode.score(rule)
        if score is not None:
            scores[episode.domain, episode.instruction_id].append(score)
    return {key: sum(found) / len(found) for key, found in scores.items()}


def _figures(cell: _Cell, names: Sequence[str]) -> Iterator[_Figure]:
    for rule in RULES:
        yield from _ability(cell, names, rule)
    yield from _behaviour(cell, names)
    if any(len(episode.turns) > 1 for episode in cell.episodes):
        yield from _course(cell, names)


def _ability(cell: _Cell, names: Sequence[str], rule: str) -> Iterator[_Figure]:
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
    yield _Figure(cell, rule, "mean", _mean(mean))
    few = f"{repeats} repeats; at least {_ENOUGH_REPEATS} are wanted"
    note = few if repeats < _ENOUGH_REPEATS else None
    for metric, values in (("a90", high), ("u90_10", high - low)):
        if repeats < 2:
            note = "one repeat: withheld, since it says nothing of the spread over repeats"
        yield _Figure(cell, rule, metric, _mean(values), note, withheld=repeats < 2)


def _behaviour(cell: _Cell, names: Sequence[str]) -> Iterator[_Figure]:
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


def _course(cell: _Cell, names: Sequence[str]) -> Iterator[_Figure]:
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


def _revealed(cell: _Cell, names: Sequence[str]) -> Iterator[_Figure]:
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


def _kept(figures: Sequence[_Figure]) -> Iterator[_Figure]:
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
        yield _Figure(figure.cell, figure.score, "kept", Ratio(top, held, "ratio"))


def _skill(cells: Sequence[_Cell], names: Sequence[str], metric: Figure) -> Iterator[_Figure]:
    """One metric of each model, filed under one of its conditions."""
    speakers: dict[tuple[str, str, str, bool], list[_Cell]] = defaultdict(list)
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
            yield _Figure(filed, "last", metric.name, ratio)
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
    cell: _Cell, names: Sequence[str], metric: Course, played: Iterable[Mapping[str, Episode]]
) -> Iterator[_Figure]:
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
        yield _Figure(cell, "last", metric.name, shares[0].ratio, curve=curve)


def _values(ratio: Ratio) -> Array:
    """One value an instruction, NaN where nothing was measured."""
    import numpy as np

    return np.where(ratio.denominator > 0, ratio.numerator, np.nan)


def _row(figure: _Figure, interval: Interval, full_low: float | None) -> Row:
    cell, note, withheld = figure.cell, figure.note, figure.withheld
    if interval.n == 0:
        withheld, note = True, "nothing was measured"
    elif figure.curve is not None:
        note = _censored(interval, figure.curve.shape[1])
    elif interval.n == 1 and not withheld:
        note = "one instruction: no interval"
    if figure.metric == "kept" and not withheld and not (full_low and full_low >= NEAR_ZERO):
        withheld = True
        note = f"withheld: the 95% interval of FULL reaches below {NEAR_ZERO:g}"
    bounds = (None, None, None) if withheld else (interval.value, interval.low, interval.high)
    value, low, high = (None if b is None or not math.isfinite(b) else b for b in bounds)
    return Row(
        cell.probe,
        cell.domain,
        cell.condition,
        cell.model,
        cell.mediated,
        figure.score,
        figure.metric,
        value,
        low,
        high,
        interval.n,
        note,
    )


def _censored(interval: Interval, turns: int) -> str | None:
    """What a half-life that lies beyond the last turn, or that there is none of, has to say."""
    if math.isnan(interval.value):
        return "no half-life: nobody does it at the first turn"
    if math.isinf(interval.value):
        return f"more than {turns} turns: never down to half within them"
    return f"the upper bound is more than {turns} turns" if math.isinf(interval.high) else None


def unfaithful(turn: Turn) -> bool:
    """Whether the user's model got this turn wrong, so that scripted words stand here."""
    return turn.unfaithful is not None


def spoiled(episode: Episode) -> bool:
    """Whether the user's model got any turn of an episode wrong."""
    return any(map(unfaithful, episode.turns))


def _counts(cell: _Cell) -> Iterator[Row]:
    """How many episodes ended in an error, were undecided, or were spoiled by the user's model."""
    episodes = list(cell.episodes)
    failed = sum(e.ended == "error" for e in episodes)
    judged = [e for e in episodes if e.ended != "error" and not e.compared]
    undecided = sum(e.score("last") is None for e in judged)
    counts = [("failures", failed), ("undecided", undecided)]
    if any(e.user != "scripted" for e in episodes):
        counts.append(("spoiled", sum(map(spoiled, episodes))))
    for metric, count in counts:
        yield Row(
            cell.probe,
            cell.domain,
            cell.condition,
            cell.model,
            cell.mediated,
            "last",
            metric,
            float(count),
            None,
            None,
            len(episodes),
        )


def _mean(values: Array) -> Ratio:
    """The mean of one value an instruction, without those that are NaN."""
    import numpy as np

    there = ~np.isnan(values)
    return Ratio(np.where(there, values, 0.0), there.astype(float))


def _share(
    cell: _Cell,
    names: Sequence[str],
    metric: str,
    values: Iterable[tuple[Episode, float]],
    kind: Kind = "share",
) -> _Figure:
    """The mean over repeats of each instruction, averaged over instructions."""
    import numpy as np

    total, count = _sums(names, values)
    there = count > 0
    means = np.where(there, total / np.maximum(count, 1), 0.0)
    return _Figure(cell, "last", metric, Ratio(means, there.astype(float), kind))


def _pooled(
    cell: _Cell,
    names: Sequence[str],
    metric: str,
    values: Iterable[tuple[Episode, float]],
    kind: Kind = "share",
) -> _Figure:
    """The mean over episodes, each counting alike: for what only some of the repeats show."""
    total, count = _sums(names, values)
    return _Figure(cell, "last", metric, Ratio(total, count, kind))


def _sums(names: Sequence[str], values: Iterable[tuple[Episode, float]]) -> tuple[Array, Array]:
    import numpy as np

    place = {name: i for i, name in enumerate(names)}
    total, count = np.zeros(len(names)), np.zeros(len(names))
    for episode, value in values:
        total[place[episode.instruction_id]] += value
        count[place[episode.instruction_id]] += 1
    return total, count
