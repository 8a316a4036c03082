"""The annotator that was learned from dialogues between people: acts with calibrated probabilities.

A turn's words are summed up from a table of hashed words; the turn before, the one before that and
the next beside it go through one hidden layer, and words count directly, too (`features`). Numpy is
all it takes; the turns of many conversations are read at once. What was learned from, and how often
it is right, says the card beside the weights.

This module knows nothing of how it was trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from uptake.acts import ACTS
from uptake.audit.features import BUCKETS, PLACED, Features, Floats, Ints, Seen, features
from uptake.errors import UptakeError

__all__ = [
    "FORMAT",
    "NEXT",
    "Weights",
    "calibrate",
    "logits",
    "placed",
    "probabilities",
    "read_weights",
    "shipped",
    "write_weights",
]

FORMAT = 1
"""The version of a file of weights: another is refused."""

_BLOCK = 4096  # turns that are added up at once

NEXT = 32
"""Of the numbers that place a turn, how many are seen of the next one."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, of k acts, with width e and h hidden units.

    `table` (BUCKETS, e + k) in bytes, times `scale` (e + k); `inner` (4e + e + d, h), `inner_bias`,
    `outer` (h, k), `direct` (d, k) and `bias` (k), d = PLACED + NEXT + 1 numbers of a turn and the
    next. `slope` and `shift` (k) calibrate. Without a hidden layer e and h are 0.
    """

    acts: tuple[str, ...]
    table: NDArray[np.int8]
    scale: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    direct: Floats
    bias: Floats
    slope: Floats
    shift: Floats

    @property
    def width(self) -> int:
        """Numbers that sum up a turn."""
        return self.table.shape[1] - len(self.acts)


ARRAYS = tuple(name for name in Weights.__slots__ if name != "acts")


def write_weights(path: Path, weights: Weights) -> None:
    """Write weights as one file. Raises OSError."""
    arrays: dict[str, Any] = {name: getattr(weights, name) for name in ARRAYS}
    np.savez_compressed(path, format=np.array(FORMAT), acts=np.array(weights.acts), **arrays)


def read_weights(path: Path) -> Weights:
    """Weights from a file. Raises UptakeError where they are not such."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            version = int(held["format"])
            acts = tuple(str(name) for name in held["acts"])
            arrays = {name: held[name] for name in ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UptakeError(f"{path}: no weights of an annotator ({error})") from error
    if version != FORMAT or not set(acts) <= set(ACTS):
        raise UptakeError(f"{path}: weights of another version; make them anew: uptake train acts")
    weights = Weights(acts, **arrays)
    if weights.table.shape[0] != BUCKETS or len(weights.direct) != PLACED + NEXT + 1:
        raise UptakeError(f"{path}: weights of other features; make them anew: uptake train acts")
    return weights


@cache
def shipped() -> Weights:
    """The weights that ship."""
    with as_file(files("uptake.audit").joinpath("weights", "acts.npz")) as path:
        return read_weights(path)


def logits(weights: Weights, found: Features) -> Floats:
    """How much speaks for each act of each turn, in log-odds, uncalibrated; (turns, acts)."""
    if not len(found):
        return np.zeros((0, len(weights.acts)), np.float32)
    starts = np.concatenate([np.zeros(1, np.int64), found.ends[:-1]])
    summed = _summed(weights, found, starts)
    numbers = placed(found)
    out = numbers @ weights.direct + weights.bias + summed[:, weights.width :]
    if not weights.width:
        return out
    sizes = np.sqrt((found.ends - starts).astype(np.float32))[:, None]
    own = np.tanh(summed[:, : weights.width] / sizes)
    nobody = np.zeros((1, weights.width), np.float32)
    beside = np.concatenate([own, nobody])[found.beside]  # -1 is nobody
    before, earlier, after = beside[:, 0], beside[:, 1], beside[:, 2]
    inner = np.concatenate([own, before, earlier, after, own * before, numbers], axis=1)
    hidden = np.maximum(inner @ weights.inner + weights.inner_bias, 0)
    return out + hidden @ weights.outer


def _summed(weights: Weights, found: Features, starts: Ints) -> Floats:
    """The rows of each turn added up, some thousand turns at a time."""
    parts: list[Floats] = []
    for at in range(0, len(starts), _BLOCK):
        mine = starts[at : at + _BLOCK]
        rows = found.rows[mine[0] : found.ends[min(at + _BLOCK, len(starts)) - 1]]
        taken = weights.table[rows].astype(np.float32)
        parts.append(np.add.reduceat(taken, mine - mine[0], axis=0))
    return np.concatenate(parts) * weights.scale


def placed(found: Features) -> Floats:
    """Where each turn stands and where the next does; (turns, PLACED + NEXT + 1)."""
    after = found.beside[:, 2]
    ahead = found.placed[after, :NEXT] * (after >= 0)[:, None]
    there = (after >= 0).astype(np.float32)[:, None]
    return np.concatenate([found.placed, ahead, there], axis=1)


def calibrate(weights: Weights, found: Floats) -> Floats:
    """Probabilities for log-odds as `logits` gives them; (turns, acts)."""
    odds: Floats = np.clip(found * weights.slope + weights.shift, -30, 30)
    return (1 / (1 + np.exp(-odds))).astype(np.float32)


def probabilities(weights: Weights, conversations: Sequence[Sequence[Seen]]) -> list[Floats]:
    """The calibrated probability of each act of each turn: (turns, acts) of each conversation."""
    sure = calibrate(weights, logits(weights, features(conversations)))
    ends = np.cumsum([len(turns) for turns in conversations])
    return np.split(sure, ends[:-1]) if len(conversations) else []
