"""The upstream over HTTP: bytes in, bytes out, one connection pool, no retries.

A client that retries is not to be multiplied by retries of ours, so a failure is told at once.
Redirects are not followed and cookies not kept: where requests go is the configuration's to say.

This module knows nothing of what is sent, or of why.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from yarl import URL

from uptake.serve.settings import Settings
from uptake.serve.upstream import Headers, UpstreamError

__all__ = ["HttpUpstream"]

CHUNK = 2**16


class HttpUpstream:
    """The API at `settings.upstream`. Made inside the event loop that will use it."""

    def __init__(self, settings: Settings) -> None:
        base = settings.upstream or ""
        self._base = base.rstrip("/")
        self._first = settings.first_seconds
        self._idle = settings.idle_seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=settings.connect_seconds, sock_read=None
            ),
            auto_decompress=False,
            read_bufsize=CHUNK,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
        )

    async def send(self, method: str, target: str, headers: Headers, body: bytes) -> _HttpAnswer:
        """See `Upstream.send`. The answer's headers must come within `first_seconds`."""
        sent = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        url = URL(self._base + target, encoded=True)
        try:
            async with asyncio.timeout(self._first):
                answer = await self._session.request(
                    method, url, headers=sent, data=body or None, allow_redirects=False
                )
        except TimeoutError:
            raise UpstreamError(
                f"the upstream did not answer within {self._first:g} s", 504
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamError(f"the upstream cannot be reached: {_short(error)}") from error
        return _HttpAnswer(answer, self._idle)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


class _HttpAnswer:
    """An `Answer` over a connection."""

    def __init__(self, answer: aiohttp.ClientResponse, idle: float) -> None:
        self._answer = answer
        self._idle = idle
        self.status = answer.status
        self.headers: Headers = answer.raw_headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `Answer.chunks`."""
        content = self._answer.content
        try:
            while not content.at_eof():
                async with asyncio.timeout(self._idle):
                    chunk = await content.readany()
                if chunk:
                    yield chunk
        except TimeoutError:
            raise UpstreamError(f"the upstream fell silent for {self._idle:g} s", 504) from None
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(f"the upstream broke off: {_short(error)}") from error

    async def aclose(self) -> None:
        """Give a connection back that was read to its end; drop any other."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


def _short(error: BaseException) -> str:
    """An error in one line, without what belongs to a log."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:200]
