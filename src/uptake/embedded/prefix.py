"""What was computed for recent prompts and replies, kept so that no turn starts anew.

A conversation's next turn begins with all of its earlier turns and the replies to them, and repeats
of one instruction begin alike. Tokens are cut into blocks of a few; a block is known by its own
tokens and the block before it, so equal beginnings are stored once, and a reply is found again
where its text makes the very tokens that were drawn. Memory is bounded: the blocks unused for
longest go first, a block always before those it follows.

This module knows nothing of the network; it copies numbers in and out of a cache row.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from uptake.embedded.weights import Config

__all__ = ["BLOCK", "Prefixes"]

BLOCK = 4
"""Tokens to a block."""

Key = tuple[int, bytes]
"""The serial number of the block before (0 for none) and this block's tokens."""


class Prefixes:
    """Blocks of keys and values for beginnings of conversations. Safe to share between threads.

    A cache row is [sides, kv heads, positions, head dim]: a key and a value side for each layer.
    """

    def __init__(self, config: Config, max_bytes: int) -> None:
        count = max_bytes // (config.bytes_per_token * BLOCK)
        shape = (count, 2 * config.layers, config.kv_heads, BLOCK, config.head_dim)
        # Memory is only taken as blocks are first written.
        self._pool: NDArray[np.float32] = np.empty(shape, np.float32)
        self._free = list(range(count))
        self._known: OrderedDict[Key, tuple[int, int]] = OrderedDict()  # → serial number, slot
        self._serial = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def load(self, tokens: NDArray[np.int64], row: NDArray[np.float32]) -> int:
        """Fill `row` with the longest known beginning of `tokens`; give how many it covers.

        At least two tokens are always left over. One is needed for its logits, and a single one
        would take the network's path for one new token, whose rounding differs.
        """
        with self._lock:
            met = self._met(tokens[:-2])
            slots = [self._known[key][1] for key in met]
            if slots:
                _in_blocks(row, 0, len(slots))[:] = self._pool[slots]
            self._touch(met)
            return len(met) * BLOCK

    def save(self, tokens: NDArray[np.int64], row: NDArray[np.float32]) -> None:
        """Keep what `row` holds for `tokens`, as far as whole blocks go."""
        with self._lock:
            met = self._met(tokens)
            first, slots = len(met), list[int]()
            before = self._known[met[-1]][0] if met else 0
            for block in islice(_blocks(tokens), first, None):
                slot = self._slot(met)
                if slot is None:
                    break
                self._serial += 1
                self._known[before, block] = (self._serial, slot)
                met.append((before, block))
                slots.append(slot)
                before = self._serial
            if slots:
                self._pool[slots] = _in_blocks(row, first, len(slots))
            self._touch(met)

    def _met(self, tokens: NDArray[np.int64]) -> list[Key]:
        """The known blocks that `tokens` begin with, in order."""
        met: list[Key] = []
        before = 0
        for block in _blocks(tokens):
            found = self._known.get((before, block))
            if found is None:
                break
            met.append((before, block))
            before = found[0]
        return met

    def _slot(self, met: list[Key]) -> int | None:
        """A free slot, or that of the block unused for longest, unless it is one just met."""
        if self._free:
            return self._free.pop()
        oldest = next(iter(self._known), None)
        if oldest is None or oldest in met:
            return None
        return self._known.pop(oldest)[1]

    def _touch(self, met: list[Key]) -> None:
        for key in reversed(met):  # the last block first, so that it is also the first to go
            self._known.move_to_end(key)


def _blocks(tokens: NDArray[np.int64]) -> Iterator[bytes]:
    for start in range(0, len(tokens) - BLOCK + 1, BLOCK):
        yield tokens[start : start + BLOCK].tobytes()


def _in_blocks(row: NDArray[np.float32], first: int, count: int) -> NDArray[np.float32]:
    """A view of `count` blocks of a cache row: [count, sides, kv heads, BLOCK, head dim].

    All are copied at once: each copy by itself would wait its turn among the threads.
    """
    sides, heads, _, dim = row.shape
    part = row[:, :, first * BLOCK : (first + count) * BLOCK]
    return part.reshape(sides, heads, count, BLOCK, dim).transpose(2, 0, 1, 3, 4)
