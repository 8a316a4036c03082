"""One connection to the upstream: a request goes out as bytes, its answer comes in as it is sent.

HTTP/1.1 is parsed by httptools (llhttp). One request at a time: once its answer was read to the end
the connection may carry the next, unless either side said otherwise. A reader that is slow stops
the sender: no more than `HIGH` bytes wait here.

Source: RFC 9112. This module knows nothing of pools, addresses or retries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import httptools

__all__ = ["BrokenOff", "Connection"]

HIGH = 2**17
"""Bytes of a body that wait for their reader before the sender is stopped."""
LONGEST_HEAD = 2**17
"""Bytes of a status line and headers; more is no answer."""


class BrokenOff(Exception):
    """The answer is not whole: what happened. `silent` where not one byte of it came."""

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


class Connection(asyncio.Protocol):
    """See the module. `status` and `headers` are the present answer's, once `head` has returned.

    The methods that begin with `on_` are the parser's to call, those of `asyncio.Protocol` the
    event loop's.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        # As forgiving as aiohttp's client is.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._waiter: asyncio.Future[None] | None = None
        self._parts: list[bytes] = []
        self._gone: BrokenOff | None = None
        self._paused = False
        self._reset(bodiless=False)
        self._whole = True
        self.reusable = True

    def _reset(self, *, bodiless: bool) -> None:
        """Forget the last answer."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._bodiless = bodiless
        self._headed = self._whole = self._framed = False
        self._size = self._head_size = 0
        self._parts.clear()

    # For who asks.

    @property
    def at_end(self) -> bool:
        """Whether the answer has been read to its end."""
        return self._whole and not self._parts

    def write(self, request: Sequence[bytes], *, bodiless: bool) -> None:
        """Send a request whole. `bodiless` where the answer has no body (HEAD)."""
        self._reset(bodiless=bodiless)
        self._transport.writelines(request)

    async def head(self, seconds: float) -> None:
        """Wait for the status and headers. Raises BrokenOff, and TimeoutError when it is late."""
        while not self._headed:
            await self._more(seconds)

    async def read(self, seconds: float) -> bytes:
        """What has come of the body, as soon as anything has; b"" at its end.

        Raises BrokenOff, and TimeoutError where nothing comes for so long.
        """
        while not self._parts:
            if self._whole:
                return b""
            await self._more(seconds)
        parts = self._parts
        part = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return part

    def abort(self) -> None:
        """Drop the connection, whatever is still to come."""
        self.reusable = False
        self._transport.abort()

    async def _more(self, seconds: float) -> None:
        if self._gone is not None:
            raise self._gone
        self._waiter = waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, _late, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # For the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if self._whole:  # nobody asked
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._lose(f"what it sent is not HTTP ({error})")
        if not self._headed:
            self._head_size += len(data)
            if self._head_size > LONGEST_HEAD:
                self._lose(f"its headers have more than {LONGEST_HEAD} bytes")
        elif self._size > HIGH and not self._paused and not self._whole:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The other side sends no more; the connection is then closed, see `connection_lost`."""

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed. A body that has no length of its own ends so."""
        self.reusable = False
        if self._headed and not self._framed and exc is None:
            self._whole = True
        if not self._whole:
            words = str(exc) if exc is not None and str(exc) else "the connection was closed"
            silent = not self._headed and not self._head_size
            self._gone = self._gone or BrokenOff(words, silent=silent)
        self._wake()

    def _lose(self, why: str) -> None:
        """Nothing more can be made of what comes."""
        if not self._whole:
            self._gone = self._gone or BrokenOff(why)
        self.abort()

    # For the parser.

    def on_message_begin(self) -> None:
        """An answer begins; one after the answer was nobody's to ask for."""
        if self._headed:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. Those after the body say nothing that is handed on."""
        if not self._headed:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole, of this answer or of one that only says to wait (1xx)."""
        if self._headed:
            return
        self.status = self._parser.get_status_code()
        if 100 <= self.status < 200:
            self.headers = []
            return
        self._headed = True
        for name, value in self.headers:
            low = name.lower()
            if low == b"content-length" or (
                low == b"transfer-encoding" and b"chunked" in value.lower()
            ):
                self._framed = True
        if self._bodiless:  # the parser waits for a body that its length only speaks of
            self._whole, self.reusable = True, False

    def on_body(self, part: bytes) -> None:
        """A piece of the body."""
        if not self._whole:
            self._parts.append(part)
            self._size += len(part)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._headed and not self._whole:
            self._whole = True
            self.reusable = self.reusable and self._parser.should_keep_alive()


def _late(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
