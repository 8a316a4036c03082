"""Two sets of logs compared, before and after a change: each figure, its difference, a test.

What is drawn again, and dealt out anew between the two sets, are conversations. The interval of a
difference is that of the bootstrap (percentiles; Efron & Tibshirani 1993, 13); where a side has
fewer than `FEWEST` conversations with an event, or without, Newcombe's (`tally.apart`), for a
bootstrap cannot draw what was not seen. p is that of a permutation test, two-sided, and is
adjusted over all figures by Holm's method (`contrasts.holm`).

This module knows nothing of files, or of whether anything but the model changed in between.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uptake.acts import ACTS
from uptake.audit import CAUSES, SIGNALS
from uptake.audit.findings import Findings
from uptake.audit.summary import MEANINGS
from uptake.audit.tally import Rate, Tally, apart
from uptake.contrasts import holm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Change", "changes", "differ"]

RESAMPLES = 2000
DEALS = 5000
CHUNK = 1000  # deals at once
FEWEST = 5

Pairs = Counter[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after; `difference` is after less before, with its 95% interval.

    `p` is two-sided, `holm` the same adjusted over all figures. None where one set has no occasion.
    """

    name: str
    meaning: str
    before: Rate
    after: Rate
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    holm: float | None = None

    @property
    def differs(self) -> bool:
        """Whether p, adjusted over all figures, is below 0.05."""
        return self.holm is not None and self.holm < 0.05


def changes(before: Findings, after: Findings, *, seed: int = 0) -> list[Change]:
    """Every figure that was counted in either set, those that are sure to differ first."""
    import numpy as np

    made: list[Change] = []
    for name, meaning in _FIGURES.items():
        pairs = _pairs(before, name), _pairs(after, name)
        rates = _rate(pairs[0]), _rate(pairs[1])
        if not (rates[0].events or rates[1].events):
            continue
        change = Change(name.rpartition(":")[2], meaning, *rates)
        if rates[0].n and rates[1].n:
            rng = np.random.default_rng([seed, len(made)])
            change = _tested(change, pairs, rng)
        made.append(change)
    tested = [c for c in made if c.p is not None]
    adjusted = dict(zip(map(id, tested), holm([c.p or 0.0 for c in tested]), strict=True))
    found = [replace(c, holm=adjusted.get(id(c))) for c in made]
    return sorted(found, key=lambda c: (not c.differs, c.holm is None))


def differ(found: list[Change]) -> str:
    """How many figures differ, of how many, as a sentence."""
    n = sum(change.differs for change in found)
    words = "1 differs" if n == 1 else f"{n or 'none'} differ"
    return f"Of {len(found)} figures {words} at p < .05 after adjusting for all of them (Holm)."


_FIGURES = {
    "breakdown": "conversations with a reply that loses common ground",
    **{name: f"conversations: {MEANINGS[name]}" for name in CAUSES},
    "signal": "conversations with a sign of failure",
    **{f"signal:{name}": f"of the user's later turns: {MEANINGS[name]}" for name in SIGNALS},
    "asks": "of replies: ask or check something",
    "repaired": "of repairs whose end is known: taken up",
    **{f"act:assistant:{name}": f"of replies: {words}" for name, words in ACTS.items()},
}


def _pairs(found: Findings, name: str) -> Pairs:
    """Events and occasions of each conversation; of acts also of those that have none."""
    pairs = found.pairs.get(name, Pairs())
    if not name.startswith("act:"):
        return pairs
    rest = found.pairs.get("turns:assistant", Pairs()).copy()
    for (_, occasions), n in pairs.items():
        rest[0, occasions] -= n
    return pairs + rest


def _rate(pairs: Pairs) -> Rate:
    whole = Tally()
    for (events, occasions), n in pairs.items():
        whole.add(events, occasions, n)
    return whole.rate()


def _tested(change: Change, pairs: tuple[Pairs, Pairs], rng: np.random.Generator) -> Change:
    import numpy as np

    kinds = sorted(pairs[0] | pairs[1])
    table = np.array([[side[kind] for kind in kinds] for side in pairs], dtype=np.int64)
    events, occasions = np.array(kinds, dtype=np.float64).T
    first, second = (_ratios(row[None], events, occasions)[0] for row in table)
    p = _permuted(table, events, occasions, abs(second - first), rng)
    newcombe = apart(change.after, change.before)
    assert newcombe is not None
    low, high = newcombe[1:]
    if not any(_rare(row, events, occasions) for row in table):
        drawn = [
            _ratios(rng.multinomial(row.sum(), row / row.sum(), RESAMPLES), events, occasions)
            for row in table
        ]
        low, high = np.percentile(drawn[1] - drawn[0], [2.5, 97.5])
    return replace(change, difference=float(second - first), low=float(low), high=float(high), p=p)


def _ratios(counts: NDArray[np.int64], events: Array, occasions: Array) -> Array:
    """Events over occasions of each row of counts."""
    return (counts @ events) / (counts @ occasions)


def _rare(row: NDArray[np.int64], events: Array, occasions: Array) -> bool:
    some, lacking = row[events > 0].sum(), row[events < occasions].sum()
    return bool(min(some, lacking) < FEWEST)


def _permuted(
    table: NDArray[np.int64], events: Array, occasions: Array, seen: float, rng: np.random.Generator
) -> float:
    """How often conversations dealt out at random differ as much (Phipson & Smyth 2010)."""
    pooled, size = table.sum(axis=0), int(table[0].sum())
    as_far = 0
    for _ in range(DEALS // CHUNK):
        dealt = rng.multivariate_hypergeometric(pooled, size, CHUNK, method="marginals")
        gaps = _ratios(pooled - dealt, events, occasions) - _ratios(dealt, events, occasions)
        as_far += int((abs(gaps) >= seen - 1e-12).sum())
    return (as_far + 1) / (DEALS + 1)
