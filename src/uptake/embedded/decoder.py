"""The network at work: a `Network` is loaded once, each `Batch` holds some rows of its cache.

A batch steps: one more token for each row that runs, and a few prompts read along with them. All of
this happens on the caller's thread, and every row is computed by itself, so a row's numbers do not
depend on the other rows.

This module knows nothing of sampling, of text, or of who asks.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import mmap
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from uptake.embedded.graph import ENDINGS, SLOTS, build
from uptake.embedded.prefix import Prefixes
from uptake.embedded.weights import Config, read_config, read_tensors
from uptake.model import ModelError

__all__ = ["SLOTS", "Batch", "Network"]

TILED_OFF = "ORT_GQA_DISABLE_FLASH_ATTENTION"

NOTHING = np.zeros(1, np.int64)
"""A token to compute where there is none to compute."""


class Network:
    """A decoder loaded from a Hugging Face folder, shared by all batches.

    Raises ModelError where the folder does not hold a network that this runtime knows.
    """

    def __init__(self, folder: Path, *, cache_bytes: int) -> None:
        self.config: Config = read_config(folder)
        try:
            graph = build(self.config, read_tensors(folder))
        except KeyError as missing:
            path = folder / "model.safetensors"
            raise ModelError(
                f"{path}: tensor {missing} is missing; save the model again", fatal=True
            ) from None
        self.session = _session(graph)
        self.prefixes = Prefixes(self.config, cache_bytes)


def _session(graph: bytes) -> Any:
    # onnxruntime is only partly typed.
    runtime = cast(Any, importlib.import_module("onnxruntime"))
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # each batch has a thread; more of them only wait
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised; it need not be printed too
    with _plain_attention():
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@contextlib.contextmanager
def _plain_attention() -> Generator[None]:
    """Have a session choose the plain attention kernel, unless the user's environment says which.

    The other one takes a long context in tiles; at the length of a chat that only costs time. ONNX
    Runtime asks the environment, and nothing else, which to take, when a session is made.
    """
    given = os.environ.get(TILED_OFF)
    os.environ.setdefault(TILED_OFF, "1")
    try:
        yield
    finally:
        if given is None:
            os.environ.pop(TILED_OFF, None)


class Batch:
    """`rows` rows of the cache. To be used by one thread.

    `tokens` is [rows], `logits` [rows, vocab], `lengths` [rows + 1]: tokens in each row's cache.
    """

    def __init__(self, network: Network, rows: int) -> None:
        config = network.config
        self._config = config
        self._prefixes = network.prefixes
        self._session = network.session
        self._bound: dict[int, _Bound] = {}  # one for each number of running rows
        self._spare = rows  # one more row, for what is computed only because something must be
        self.tokens: NDArray[np.int64] = np.zeros(rows, np.int64)
        self.lengths: NDArray[np.int32] = np.zeros(rows + 1, np.int32)
        self.logits: NDArray[np.float32] = np.zeros((rows, config.vocab), np.float32)
        self._new = np.zeros(rows + SLOTS * config.positions, np.int64)
        self._sizes = np.zeros(1 + SLOTS, np.int64)
        self._ends = np.arange(rows + SLOTS)
        self._last = np.zeros(SLOTS, np.int32)
        self._longest = np.zeros(1 + SLOTS, np.int32)
        # [sides, rows, kv heads, positions, head dim]: a key and a value side for each layer.
        sides = 2 * config.layers
        self._cache = _untouched(
            (sides, rows + 1, config.kv_heads, config.positions, config.head_dim)
        )

    def step(self, running: int, prompts: Sequence[NDArray[np.int64]] = ()) -> None:
        """Append `tokens[row]` to the first `running` rows, and read `prompts` into the next ones.

        At most `SLOTS` prompts, of at least one token each. Afterwards `logits` tells what comes
        next in each of these rows.
        """
        new: list[NDArray[np.int64]] = []
        for row, prompt in enumerate(prompts, running):
            start = self._prefixes.load(prompt, self._cache[:, row])
            new.append(prompt[start:])
            self.lengths[row] = len(prompt)
        self._run(running, new)
        self.lengths[:running] += 1
        for row, prompt in enumerate(prompts, running):
            self._prefixes.save(prompt, self._cache[:, row])

    def move(self, source: int, target: int) -> None:
        """Let row `target` hold what row `source` holds. Logits stay where they are."""
        length = int(self.lengths[source])
        self._cache[:, target, :, :length] = self._cache[:, source, :, :length]
        self.tokens[target] = self.tokens[source]
        self.lengths[target] = length

    def _run(self, running: int, new: Sequence[NDArray[np.int64]]) -> None:
        """Compute a token of each running row and the new tokens of each slot.

        Where nothing runs, or a slot is free, one token goes into the spare row instead.
        """
        parts = [self.tokens[:running] if running else NOTHING, *new]
        parts += [NOTHING] * (1 + SLOTS - len(parts))
        self._sizes[:] = [len(part) for part in parts]
        total = int(self._sizes.sum())
        np.concatenate(parts, out=self._new[:total])
        asked = running + len(new)
        self._ends[running:asked] = self._sizes.cumsum()[1 : 1 + len(new)] - 1

        if running not in self._bound:
            self._bound[running] = _Bound(self._session)
        bound = self._bound[running]
        first = 0 if running else self._spare
        self._put_rows(bound, "", first, running or 1, self.lengths[first : first + (running or 1)])
        for slot in range(SLOTS):
            row = running + slot if slot < len(new) else self._spare
            self._last[slot] = max(int(self.lengths[row]) - 1, 0)
            self._put_rows(bound, ENDINGS[1 + slot], row, 1, self._last[slot : slot + 1])
        if bound.changed("sizes", (total, asked)):
            bound.put("tokens", self._new[:total, None])
            bound.put("sizes", self._sizes)
            bound.put("ends", self._ends[:asked])
            bound.put("logits", self.logits[:asked, None], out=True)
        bound.run()
        self._ends[running:asked] = range(running, asked)

    def _put_rows(
        self, bound: _Bound, ending: str, first: int, rows: int, lengths: NDArray[np.int32]
    ) -> None:
        """Let the running rows, or a slot, be `rows` rows of the cache from `first` on."""
        place = ENDINGS.index(ending)
        self._longest[place] = lengths.max() + 1
        if bound.changed(ending, first):
            bound.put(f"lengths{ending}", lengths)
            bound.put(f"longest{ending}", self._longest[place : place + 1].reshape(()))
            for side, cache in enumerate(self._cache):
                name = f"{('key', 'value')[side % 2]}.{side // 2}{ending}"
                bound.put(name, cache[first : first + rows])
                bound.put(f"{name}.out", cache[first : first + rows], out=True)


class _Bound:
    """Arrays that the graph reads and writes where they lie. They must outlive the next run."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._known: dict[str, object] = {}

    def changed(self, name: str, value: object) -> bool:
        """Whether `value` is not what this was told of `name` the last time."""
        same = self._known.get(name) == value
        self._known[name] = value
        return not same

    def put(self, name: str, array: NDArray[Any], *, out: bool = False) -> None:
        bind = self._binding.bind_output if out else self._binding.bind_input
        bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding)


def _untouched(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros that take memory page by page, as conversations reach them.

    Most stay far from the end of the context. Huge pages would be taken whole for a first token.
    """
    pages = mmap.mmap(-1, 4 * math.prod(shape))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        pages.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(pages, np.float32).reshape(shape)
