"""`Embedded`: the small decoder that ships with uptake, as a Model.

It needs no key, no GPU, no download and no torch. Any folder of the same kind of network (saved by
transformers or TRL) can be given instead of the one that ships.

This module knows nothing of how tokens are computed (`engine`) or what replies are for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from uptake.conversation import Conversation, Message
from uptake.model import ModelError, Reply, Sampling, Usage

if TYPE_CHECKING:
    from uptake.embedded.engine import Request

__all__ = ["WEIGHTS", "Embedded", "TooLongError"]

WEIGHTS = Path(__file__).with_name("weights")
MAX_THREADS = 8
"""Beyond this many cores the threads' Python parts only wait for one another."""


class TooLongError(ModelError):
    """A conversation that does not fit the model's context."""


class Embedded:
    """A Llama-style decoder run on the CPU, for many callers at once.

    `path` is a Hugging Face folder (config.json, model.safetensors, tokenizer.json,
    tokenizer_config.json); without it, the network that ships. `threads` is one for each core at
    hand unless given, `rows` how many replies each of them writes at once, and `cache_bytes` what
    recent conversations may take in memory.

    `most_turns` is how long a conversation its context of 1,024 tokens holds, in turns of the user.

    The same conversation and sampling give the same reply, whatever else runs (see `engine`).
    Raises ModelError where the folder cannot be used.
    """

    most_turns = 24
    takes_effort = False

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        threads: int | None = None,
        rows: int = 24,
        cache_bytes: int = 128 * 2**20,
    ) -> None:
        from uptake.embedded.chat import Chat
        from uptake.embedded.decoder import Network
        from uptake.embedded.engine import Engine

        folder = WEIGHTS if path is None else Path(path)
        self._name = "embedded" if path is None else f"embedded:{path}"
        self._chat = Chat(folder)
        network = Network(folder, cache_bytes=cache_bytes)
        self._positions = network.config.positions
        ends = network.config.end_tokens or (self._chat.end_token,)
        if self._chat.vocab > network.config.vocab or None in ends:
            raise ModelError(
                f"{folder}: the tokenizer does not fit the network (it has {self._chat.vocab} "
                f"tokens, the network {network.config.vocab}; end token {ends[0]})",
                fatal=True,
            )
        self._engine = Engine(
            network,
            [end for end in ends if end is not None],
            threads=threads or min(_cores(), MAX_THREADS),
            rows=rows,
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def unfinished(self) -> int:
        """Replies being waited for or written now."""
        return self._engine.unfinished

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """Continue the conversation by one assistant message.

        `finish_reason` is "stop", or "length" where max_tokens or the end of the context came
        first. Raises TooLongError where the conversation itself does not fit, and ModelError where
        the sampling makes no sense or the model is closed.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str | Exception] = loop.create_future()

        def finish(reason: str | Exception) -> None:
            _tell(loop, lambda: done.cancelled() or done.set_result(reason))

        request = self._request(conversation, sampling)
        request.on_end = finish
        self._submit(request)
        try:
            reason = await done
        except asyncio.CancelledError:
            self._engine.cancel(request)
            raise
        if isinstance(reason, Exception):
            raise ModelError(f"{self._name}: {reason}", fatal=True) from reason
        return self._reply(request, reason)

    async def stream(
        self,
        conversation: Conversation,
        sampling: Sampling,
        on_end: Callable[[Reply], None] | None = None,
    ) -> AsyncIterator[str]:
        """The text of `reply`, in pieces as it is written; no character is ever split.

        Leaving the loop early cancels the reply (close the iterator, or let it go out of scope).
        `on_end` is given the reply as `reply` gives it, or as far as it came by then.
        """
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[int | str | Exception] = asyncio.Queue()

        def put(event: int | str | Exception) -> None:
            _tell(loop, lambda: events.put_nowait(event))

        request = self._request(conversation, sampling)
        request.on_token = request.on_end = put
        reader = self._chat.reader()
        self._submit(request)
        event: int | str | Exception | None = None
        try:
            while isinstance(event := await events.get(), int):
                if piece := reader.read(event):
                    yield piece
            if isinstance(event, Exception):
                raise ModelError(f"{self._name}: {event}", fatal=True) from event
            if piece := reader.rest():
                yield piece
        finally:
            if event is None or isinstance(event, int):
                self._engine.cancel(request)
            if on_end is not None and not isinstance(event, Exception):
                on_end(self._reply(request, event if isinstance(event, str) else "stop"))

    async def aclose(self) -> None:
        """Stop the threads. Replies still being written end with ModelError."""
        await asyncio.to_thread(self._engine.close)

    def _request(self, conversation: Conversation, sampling: Sampling) -> Request:
        import numpy as np

        from uptake.embedded.engine import Request

        _check(sampling)
        prompt = self._chat.prompt(conversation)
        if not 0 < len(prompt) < self._positions:
            raise TooLongError(
                f"{self._name}: the conversation takes {len(prompt)} tokens, and the model can "
                f"read {self._positions} with its reply; shorten it"
            )
        return Request(np.array(prompt, np.int64), sampling, on_end=lambda reason: None)

    def _reply(self, request: Request, reason: str) -> Reply:
        return Reply(
            Message("assistant", self._chat.text(request.made)),
            reason,
            Usage(len(request.prompt), request.steps, 0.0),
        )

    def _submit(self, request: Request) -> None:
        try:
            self._engine.submit(request)
        except RuntimeError:
            raise ModelError(f"{self._name}: is closed; make a new one", fatal=True) from None


def _check(sampling: Sampling) -> None:
    if not 0 <= sampling.temperature < float("inf"):
        raise ModelError(f"temperature is {sampling.temperature}; it must be 0 or more")
    if not 0 < sampling.top_p <= 1:
        raise ModelError(f"top_p is {sampling.top_p}; it must be above 0 and at most 1")
    if sampling.max_tokens < 1:
        raise ModelError(f"max_tokens is {sampling.max_tokens}; it must be 1 or more")


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    """Run `what` in the caller's loop; a loop that has closed meanwhile has nobody waiting."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(what)


def _cores() -> int:
    """Cores that this process may use, where the system says."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
