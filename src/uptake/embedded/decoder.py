"""The network at work: a `Network` is loaded once, each `Batch` holds some rows of its cache.

A batch steps: one more token for each row that runs, and a prompt read along with them. All of
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
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from uptake.embedded.graph import LAST, build
from uptake.embedded.prefix import Prefixes
from uptake.embedded.weights import Config, read_config, read_tensors
from uptake.model import ModelError

__all__ = ["Batch", "Network"]

TILED_OFF = "ORT_GQA_DISABLE_FLASH_ATTENTION"


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
        self._prefixes = network.prefixes
        self._session = network.session
        self._bound: dict[int, _Bound] = {}  # one for each number of rows besides the last
        self._new = np.zeros(rows + config.positions, np.int64)
        self.tokens: NDArray[np.int64] = self._new[:rows]
        self.lengths: NDArray[np.int32] = np.zeros(rows + 1, np.int32)
        self.logits: NDArray[np.float32] = np.zeros((rows, config.vocab), np.float32)
        # [sides, rows, kv heads, positions, head dim]: a key and a value side for each layer.
        # One more row, for what is computed only because something must be.
        sides = 2 * config.layers
        self._cache = _untouched(
            (sides, rows + 1, config.kv_heads, config.positions, config.head_dim)
        )

    def step(self, running: int, prompt: NDArray[np.int64] | None = None) -> None:
        """Append `tokens[row]` to the first `running` rows, and read `prompt` into the next one.

        Afterwards `logits` tells what comes next in each of these rows.
        """
        if prompt is None:
            self._run(running - 1, self.tokens[running - 1 : running])
            return
        known = self._prefixes.load(prompt, self._cache[:, running])
        self.lengths[running] = len(prompt) - 1
        self._run(running, prompt[known:])
        self._prefixes.save(prompt, self._cache[:, running])

    def keep(self, row: int, tokens: NDArray[np.int64]) -> None:
        """Remember what a row that is done holds of `tokens`: its prompt and what was added."""
        self._prefixes.save(tokens[: self.lengths[row]], self._cache[:, row])

    def move(self, source: int, target: int) -> None:
        """Let row `target` hold what row `source` holds. Logits stay where they are."""
        length = int(self.lengths[source])
        self._cache[:, target, :, :length] = self._cache[:, source, :, :length]
        self.tokens[target] = self.tokens[source]
        self.lengths[target] = length

    def _run(self, others: int, new: NDArray[np.int64]) -> None:
        """Compute `new` in the row after the first `others` rows, and a token of each of these.

        Where there are no others, some token goes into the spare row instead.
        """
        rows = others or 1
        total = rows + len(new)
        self._new[rows:total] = new
        if others not in self._bound:
            self._bound[others] = self._bind(others)
        bound = self._bound[others]
        if bound.total != total:
            bound.total = total
            bound.sizes[:] = rows, len(new)
            bound.ends[-1] = total - 1
            bound.put("tokens", self._new[:total, None])
        bound.run()
        self.lengths[: others + 1] += 1

    def _bind(self, others: int) -> _Bound:
        """All that does not depend on how many tokens are new in the last row."""
        bound = _Bound(self._session, others + 1)
        first, rows = (0, others) if others else (len(self.tokens), 1)
        for ending, start, stop in (("", first, first + rows), (LAST, others, others + 1)):
            bound.put(f"lengths{ending}", self.lengths[start:stop])
            for side, cache in enumerate(self._cache):
                name = f"{('key', 'value')[side % 2]}.{side // 2}{ending}"
                bound.put(name, cache[start:stop])
                bound.put(f"{name}.out", cache[start:stop], out=True)
        bound.put("logits", self.logits[: others + 1, None], out=True)
        return bound


class _Bound:
    """Arrays that the graph reads and writes where they lie. They must outlive the next run."""

    def __init__(self, session: Any, asked: int) -> None:
        self._session = session
        self._binding = session.io_binding()
        self.total = 0  # new tokens
        self.sizes = np.zeros(2, np.int64)
        self.ends = np.arange(asked)
        self.put("sizes", self.sizes)
        self.put("ends", self.ends)

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
