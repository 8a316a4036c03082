"""The upstream over HTTP: bytes in, bytes out, a pool of connections, no retries of answers.

A client that retries is not to be multiplied by retries of ours, so a failure is told at once. The
one exception is a kept connection that closes before a single byte of the answer: the upstream had
let go of it as the request was on its way, and the request goes out once more, on a new one.
Redirects are not followed and cookies not kept: where requests go is the configuration's to say.

This module knows nothing of what is sent, or of why.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator

import aiohappyeyeballs
from yarl import URL

from uptake.serve.connection import BrokenOff, Connection
from uptake.serve.settings import Settings
from uptake.serve.upstream import Headers, UpstreamError

__all__ = ["HttpUpstream"]

KEPT = 4.0
"""Seconds that a connection is kept for the next request: servers keep theirs for 5 or more."""
APART = 0.25
"""Seconds after which a host's next address is tried beside the first (RFC 8305)."""
BODILESS = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods whose requests say nothing of a body where there is none."""


class HttpUpstream:
    """The API at `settings.upstream`. Made inside the event loop that will use it."""

    def __init__(self, settings: Settings) -> None:
        base = URL((settings.upstream or "").rstrip("/"))
        self._path = base.raw_path.rstrip("/")
        self._host, self._port = base.raw_host or "", base.port or 0
        self._named = base.host_port_subcomponent or ""
        self._tls = _trusting() if base.scheme == "https" else None
        self._connect = settings.connect_seconds
        self._first = settings.first_seconds
        self._idle = settings.idle_seconds
        self._loop = asyncio.get_running_loop()
        self._free: list[tuple[float, Connection]] = []
        self._sweeping: asyncio.TimerHandle | None = None

    async def send(self, method: str, target: str, headers: Headers, body: bytes) -> _HttpAnswer:
        """See `Upstream.send`. A connection must be had within `connect_seconds`, and the answer's
        headers within `first_seconds`.
        """
        request = self._request(method, target, headers, body)
        kept = self._take()
        if kept is not None:
            try:
                return await self._asked(kept, method, request)
            except BrokenOff as error:
                if not error.silent:
                    raise _unreachable(error) from error
        try:
            return await self._asked(await self._connected(), method, request)
        except BrokenOff as error:
            raise _unreachable(error) from error

    async def _asked(
        self, connection: Connection, method: str, request: list[bytes]
    ) -> _HttpAnswer:
        try:
            connection.write(request, bodiless=method == "HEAD")
            await connection.head(self._first)
        except TimeoutError:
            connection.abort()
            raise UpstreamError(
                f"the upstream did not answer within {self._first:g} s", 504
            ) from None
        except BaseException:
            connection.abort()
            raise
        return _HttpAnswer(connection, self)

    async def _connected(self) -> Connection:
        """A new connection."""
        try:
            async with asyncio.timeout(self._connect):
                found = await self._loop.getaddrinfo(
                    self._host, self._port, type=socket.SOCK_STREAM
                )
                wire = await aiohappyeyeballs.start_connection(  # pyright: ignore[reportUnknownMemberType]
                    found, happy_eyeballs_delay=APART
                )
                _, connection = await self._loop.create_connection(
                    Connection,
                    sock=wire,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
        except TimeoutError:
            raise UpstreamError(
                f"the upstream took no connection within {self._connect:g} s", 504
            ) from None
        except (OSError, RuntimeError) as error:  # uvloop raises both
            raise _unreachable(error) from error
        return connection

    def _request(self, method: str, target: str, headers: Headers, body: bytes) -> list[bytes]:
        """A request as it goes over the wire. Raises UpstreamError for what would be two."""
        lines = [f"{method} {self._path}{target} HTTP/1.1\r\nhost: {self._named}\r\n".encode()]
        lines += [b"%b: %b\r\n" % header for header in headers]
        if body or method not in BODILESS:
            lines.append(b"content-length: %d\r\n" % len(body))
        head = b"".join([*lines, b"\r\n"])
        if not len(lines) + 2 == head.count(b"\n") == head.count(b"\r"):
            raise UpstreamError("the request has a line break within a header")
        return [head, body] if body else [head]

    # The pool.

    def _take(self) -> Connection | None:
        """The connection that was used last, if one is open; None where a new one is needed."""
        oldest = self._loop.time() - KEPT
        while self._free:
            since, connection = self._free.pop()
            if since >= oldest and connection.reusable:
                return connection
            connection.abort()
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection for the next request."""
        self._free.append((self._loop.time(), connection))
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(KEPT, self._sweep)

    def _sweep(self) -> None:
        """Close what was kept for too long."""
        oldest = self._loop.time() - KEPT
        for since, connection in self._free:
            if since <= oldest or not connection.reusable:
                connection.abort()
        self._free = [each for each in self._free if each[1].reusable]
        again = self._loop.call_later(KEPT, self._sweep) if self._free else None
        self._sweeping = again

    async def aclose(self) -> None:
        """Close every connection that is kept; those in use close with their answers."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for _, connection in self._free:
            connection.abort()
        self._free.clear()

    @property
    def idle(self) -> float:
        """Seconds for which an answer may fall silent."""
        return self._idle


class _HttpAnswer:
    """An `Answer` over a connection."""

    def __init__(self, connection: Connection, upstream: HttpUpstream) -> None:
        self._connection: Connection | None = connection
        self._upstream = upstream
        self.status = connection.status
        self.headers: Headers = connection.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `Answer.chunks`."""
        connection, idle = self._connection, self._upstream.idle
        if connection is None:
            return
        try:
            while part := await connection.read(idle):
                yield part
        except TimeoutError:
            raise UpstreamError(f"the upstream fell silent for {idle:g} s", 504) from None
        except BrokenOff as error:
            raise UpstreamError(f"the upstream broke off: {_short(error)}") from error

    async def aclose(self) -> None:
        """Give a connection back that was read to its end; drop any other."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.at_end and connection.reusable:
            self._upstream.give(connection)
        else:
            connection.abort()


def _trusting() -> ssl.SSLContext:
    """The certificates that this machine trusts."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unreachable(error: BaseException) -> UpstreamError:
    return UpstreamError(f"the upstream cannot be reached: {_short(error)}")


def _short(error: BaseException) -> str:
    """An error in one line, without what belongs to a log."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:200]
