"""Draws replies by the embedded runtime with the weights that are being trained.

On two cores it draws about three times as fast as a loop over transformers' cache, new weights
every step included (`docs/train.md`), and remembers the beginnings that a group shares.

This module knows nothing of what replies are for, or of how weights change.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uptake.model import Sampling
from uptake.seeds import stable_seed
from uptake.train.rollout import Drawn

if TYPE_CHECKING:
    from uptake.embedded.engine import Engine

__all__ = ["EngineSampler", "engine"]

CACHE_BYTES = 64 * 2**20


@contextmanager
def engine(model: Any, end: int, *, threads: int = 2, rows: int = 48) -> Generator[Engine]:
    """An engine that has the weights of `model` as they are now.

    `model` is a LlamaForCausalLM; `end` the token that ends a reply. Raises ModelError where the
    runtime does not know the network.
    """
    from uptake.embedded.decoder import Network
    from uptake.embedded.engine import Engine

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        network = Network(Path(folder), cache_bytes=CACHE_BYTES)
    running = Engine(network, [end], threads=threads, rows=rows)
    try:
        yield running
    finally:
        running.close()


class EngineSampler:
    """A `Sampler`. The same seed draws the same replies to the same prompts in the same order.

    Log-probabilities are not among what it gives (0 each): a trainer on policy works them out.
    """

    def __init__(
        self, running: Engine, *, end: int, reply_tokens: int, temperature: float, seed: int
    ) -> None:
        self._engine = running
        self._end = end
        self._sampling = (temperature, reply_tokens)
        self._seed = seed
        self.tokens = self._calls = 0

    def __call__(self, prompts: Sequence[Sequence[int]]) -> list[Drawn]:
        """A reply to each prompt. Raises RuntimeError where the engine failed."""
        import numpy as np

        from uptake.embedded.engine import Request

        ended: list[str | Exception] = [""] * len(prompts)
        left, done = threading.Semaphore(0), self._calls
        self._calls += 1

        def finish(at: int, reason: str | Exception) -> None:
            ended[at] = reason
            left.release()

        temperature, most = self._sampling
        requests = [
            Request(
                np.array(prompt, np.int64),
                Sampling(temperature, max_tokens=most, seed=stable_seed(self._seed, done, at)),
                on_end=lambda reason, at=at: finish(at, reason),
            )
            for at, prompt in enumerate(prompts)
        ]
        for request in requests:
            self._engine.submit(request)
        for _ in requests:
            left.acquire()
        drawn: list[Drawn] = []
        for request, reason in zip(requests, ended, strict=True):
            if isinstance(reason, Exception):
                raise RuntimeError(f"the runtime failed: {reason}") from reason
            tokens = (*request.made, self._end) if reason == "stop" else tuple(request.made)
            self.tokens += len(tokens)
            drawn.append(Drawn(tokens, (0.0,) * len(tokens)))
        return drawn
