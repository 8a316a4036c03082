"""How the annotator of `audit` is learned: turns of corpora in, weights and figures out.

Every act has its own logistic output; of a turn, only the acts that its corpus judges count in the
loss. A corpus's own rate of each act is learned apart and left out of the weights, since it says
more of the corpus than of the act. Probabilities are calibrated (Platt 1999) on the development
part, each corpus counting alike.

This module knows nothing of which labels mean what (`native`) or how a turn is read (`features`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from uptake.acts import RuleAnnotator, names
from uptake.audit.features import BUCKETS, PLACED, Features, Floats, Ints, Seen, features
from uptake.audit.learned import NEXT, Weights, logits, placed
from uptake.conversation import Conversation, Message
from uptake.train.corpora import Dialogue
from uptake.train.native import LEARNED

if TYPE_CHECKING:
    import torch

__all__ = ["Shape", "Turns", "calibrated", "fit", "read_turns", "scored", "thinned"]

_Wide = NDArray[np.float64]
_WEIGHT = {"tiage": 4.0, "casino": 3.0, "molweni": 2.0, "cima": 1.5, "star": 0.5}
_MOST = 16_000  # turns without a rare act that are learned from, of each corpus
_RARE = 0.1  # of a corpus's turns
BACK = 8  # turns that rules look back upon


@dataclass(frozen=True, slots=True)
class Shape:
    """What is learned and how; with `width` 0 it is the linear floor: no hidden layer."""

    width: int = 32
    hidden: int = 64
    epochs: int = 5
    rate: float = 3e-3
    batch: int = 1024
    forget: float = 0.2  # of words, of the hidden layer; of next turns 0.15
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of some dialogues with what is known of them; n turns, k acts.

    `known` is (n, k): 1 where the turn does it, 0 where not, -1 where nobody says. `corpus`,
    `split` and `dialogue` are (n,); `ruled` the acts that rules found.
    """

    features: Features
    known: NDArray[np.int8]
    corpus: NDArray[np.str_]
    split: NDArray[np.str_]
    dialogue: Ints
    ruled: tuple[frozenset[str], ...]

    def which(self, split: str, *, of: Iterable[str] = (), but: str = "") -> Ints:
        """The places of labelled turns of a part: of these corpora (all), and not of `but`."""
        mine = (self.split == split) & (self.known >= 0).any(axis=1) & (self.corpus != but)
        if wanted := tuple(of):
            mine &= np.isin(self.corpus, wanted)
        return np.flatnonzero(mine)

    def finds(self, act: str) -> NDArray[np.bool_]:
        """Whether the rules found an act, of every turn."""
        return np.array([act in found for found in self.ruled], bool)


def read_turns(dialogues: Sequence[Dialogue]) -> Turns:
    """The turns of dialogues, as the annotator sees them."""
    seen = [_seen(dialogue) for dialogue in dialogues]
    known = np.full((sum(map(len, seen)), len(LEARNED)), -1, np.int8)
    turns = (turn for dialogue in dialogues for turn in dialogue.turns)
    for place, turn in enumerate(turns):
        for act, does in turn.does.items():
            known[place, LEARNED.index(act)] = does
    sizes = [len(each) for each in seen]
    return Turns(
        features(seen),
        known,
        np.repeat(np.array([d.corpus for d in dialogues]), sizes),
        np.repeat(np.array([d.split for d in dialogues]), sizes),
        np.repeat(np.arange(len(dialogues)), sizes),
        tuple(turn.acts for each in seen for turn in each),
    )


def _seen(dialogue: Dialogue) -> list[Seen]:
    """The turns of a dialogue with what rules find: whoever else spoke is the user."""
    rules = RuleAnnotator()
    found: list[Seen] = []
    for place, turn in enumerate(dialogue.turns):
        before = dialogue.turns[max(0, place - BACK) : place]
        talk = Conversation(
            tuple(
                Message("assistant" if each.speaker == turn.speaker else "user", each.text)
                for each in before
            )
        )
        found.append(Seen(turn.text, turn.speaker, names(rules.acts(turn.text, talk))))
    return found


def fit(turns: Turns, rows: Ints, shape: Shape, say: Callable[[str], None] = print) -> Weights:
    """Weights learned from these rows of `turns`. Needs torch."""
    import torch

    torch.manual_seed(shape.seed)  # pyright: ignore[reportUnknownMemberType]
    rng = np.random.default_rng(shape.seed)
    net = _Net(turns, shape)
    rows, counted = thinned(turns, rows, rng)
    counted *= np.array([_WEIGHT.get(name, 1.0) for name in net.corpora])[net.of[rows]]
    optimizer = torch.optim.Adam(net.parameters(), lr=shape.rate)
    steps = shape.epochs * -(-len(rows) // shape.batch)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for epoch in range(shape.epochs):
        total, order = 0.0, rng.permutation(len(rows))
        for at in range(0, len(order), shape.batch):
            batch = rows[order[at : at + shape.batch]]
            weight = _tensor(counted[order[at : at + shape.batch]].astype(np.float32))
            known = _tensor(turns.known[batch].astype(np.float32))
            counts = (known >= 0) * weight[:, None]
            each = torch.nn.functional.binary_cross_entropy_with_logits(
                net(batch, rng), known.clamp(min=0), reduction="none"
            )
            loss = (each * counts).sum() / len(batch)
            optimizer.zero_grad()
            loss.backward()  # pyright: ignore[reportUnknownMemberType]
            optimizer.step()  # pyright: ignore[reportUnknownMemberType]
            schedule.step()
            total += loss.item() * len(batch)
        say(f"acts  epoch {epoch + 1} of {shape.epochs}  loss {total / max(len(rows), 1):.4f}")
    return net.weights()


def thinned(turns: Turns, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Fewer rows of large corpora, and how much each counts, so that training takes minutes.

    Every turn with a rare act is kept; of the others, `_MOST` of a corpus stand for all.
    """
    kept: list[Ints] = []
    counts: list[Floats] = []
    for corpus in np.unique(turns.corpus[rows]):
        mine = rows[turns.corpus[rows] == corpus]
        does = turns.known[mine] == 1
        rare = does[:, does.mean(axis=0) < _RARE].any(axis=1)
        common = mine[~rare]
        drawn = rng.permutation(common)[:_MOST]
        kept += [mine[rare], drawn]
        share = len(common) / max(len(drawn), 1)
        counts += [np.ones(int(rare.sum()), np.float32), np.full(len(drawn), share, np.float32)]
    return np.concatenate(kept), np.concatenate(counts)


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    import torch

    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType]


class _Net:
    """The same as `learned.logits`, in torch, with what is only there to learn by."""

    def __init__(self, turns: Turns, shape: Shape) -> None:
        import torch

        self.turns, self.shape = turns, shape
        self.corpora, self.of = np.unique(turns.corpus, return_inverse=True)
        found = turns.features
        self.starts = np.concatenate([np.zeros(1, np.int64), found.ends[:-1]])
        self.sizes = found.ends - self.starts
        self.numbers = _tensor(placed(found))
        self.rows = _tensor(found.rows)
        acts, e, h, d = len(LEARNED), shape.width, shape.hidden if shape.width else 0, self.reach
        self.table = torch.zeros(BUCKETS, e + acts)
        self.table[:, :e].normal_(std=0.1)
        self.inner = torch.empty(5 * e + d, h).normal_(std=(5 * e + d) ** -0.5)
        self.inner_bias, self.outer = torch.zeros(h), torch.empty(h, acts).normal_(std=0.05)
        self.direct, self.bias = torch.zeros(d, acts), torch.full((acts,), -3.0)
        self.rates = torch.zeros(len(self.corpora), acts)  # of each corpus
        for tensor in self.parameters():
            tensor.requires_grad_()

    @property
    def reach(self) -> int:
        return PLACED + NEXT + 1

    def parameters(self) -> list[torch.Tensor]:
        own = [self.table, self.inner, self.inner_bias, self.outer, self.direct, self.bias]
        return [*own, self.rates]

    def __call__(self, batch: Ints, rng: np.random.Generator) -> torch.Tensor:
        """The log-odds of the acts of some turns, in training: some words are not heard."""
        import torch

        e = self.shape.width
        found = self.turns.features
        beside = found.beside[batch].copy()
        ahead = rng.random(len(batch)) > 0.15  # a log's last turn has no next: be used to it
        beside[~ahead, 2] = -1
        numbers = self.numbers[batch].clone()
        numbers[:, PLACED:] *= _tensor(ahead.astype(np.float32))[:, None]
        places = np.concatenate([batch, *(beside.T if e else ())])
        summed = self._summed(places, rng)
        out = numbers @ self.direct + self.bias + summed[: len(batch), e:]
        out = out + self.rates[self.of[batch]]
        if not e:
            return out
        heard, before, earlier, after = self._heard(summed, places).chunk(4)
        parts = torch.cat([heard, before, earlier, after, heard * before, numbers], dim=1)
        drop = torch.nn.functional.dropout
        hidden = torch.relu(drop(parts, self.shape.forget) @ self.inner + self.inner_bias)
        return out + drop(hidden, self.shape.forget) @ self.outer

    def _summed(self, places: Ints, rng: np.random.Generator) -> torch.Tensor:
        import torch

        sizes: Ints = np.where(places >= 0, self.sizes[places], 0)
        ends: Ints = np.cumsum(sizes)
        starts = ends - sizes
        at: Ints = (
            np.arange(int(ends[-1]))
            - np.repeat(starts, sizes)
            + np.repeat(self.starts[places], sizes)
        )
        rows = self.rows[at].clone()
        keep = 1 - self.shape.forget
        kept = _tensor((rng.random(len(rows)) < keep).astype(np.float32) / keep)
        return torch.nn.functional.embedding_bag(
            rows, self.table, _tensor(starts), mode="sum", per_sample_weights=kept
        )

    def _heard(self, summed: torch.Tensor, places: Ints) -> torch.Tensor:
        import torch

        sizes = np.where(places >= 0, self.sizes[places], 1).astype(np.float32)
        return torch.tanh(summed[:, : self.shape.width] / _tensor(sizes).sqrt()[:, None])

    def weights(self) -> Weights:
        """What was learned, the table in bytes; each column has a scale of its own."""
        arrays: dict[str, Any] = {
            name: getattr(self, name).detach().numpy()
            for name in ("inner", "inner_bias", "outer", "direct", "bias")
        }
        table: Floats = self.table.detach().numpy()
        scale: Floats = np.maximum(np.abs(table).max(axis=0), 1e-8) / 127
        acts = len(LEARNED)
        return Weights(
            LEARNED,
            np.round(table / scale).astype(np.int8),
            scale.astype(np.float32),
            **arrays,
            slope=np.ones(acts, np.float32),
            shift=np.zeros(acts, np.float32),
        )


def scored(weights: Weights, turns: Turns) -> Floats:
    """The uncalibrated log-odds of every turn, (n, k), as the audit would find them."""
    return logits(weights, turns.features)


def calibrated(weights: Weights, turns: Turns, scores: Floats, rows: Ints) -> Weights:
    """The weights with slope and shift fitted on these rows, each corpus counting alike."""
    slope, shift = weights.slope.copy(), weights.shift.copy()
    for act in range(len(weights.acts)):
        mine = rows[turns.known[rows, act] >= 0]
        does = turns.known[mine, act] == 1
        if does.any() and not does.all():
            _, of, counts = np.unique(turns.corpus[mine], return_inverse=True, return_counts=True)
            slope[act], shift[act] = _platt(scores[mine, act], does, 1.0 / counts[of])
    return replace(weights, slope=slope, shift=shift)


def _platt(
    score: Floats, does: NDArray[np.bool_], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and shift of the logistic curve through these, by Newton's method."""
    x: _Wide = np.stack([score, np.ones_like(score)], axis=1).astype(np.float64)
    n, positive = len(does), int(does.sum())
    wanted = np.where(does, (positive + 1) / (positive + 2), 1 / (n - positive + 2))
    w: _Wide = weight / weight.sum() * n
    best: _Wide = np.array([1.0, 0.0])
    for _ in range(50):
        p: _Wide = 1 / (1 + np.exp(-np.clip(x @ best, -30, 30)))
        gradient: _Wide = x.T @ (w * (p - wanted)) + 1e-3 * (best - np.array([1.0, 0.0]))
        curve: _Wide = (x * (w * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ x + 1e-3 * np.eye(2)
        step = np.asarray(np.linalg.solve(curve, gradient), np.float64)
        best = best - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-6:
            break
    return max(float(best[0]), 0.05), float(best[1])
