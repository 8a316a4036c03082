"""The chat format over aiohttp, without an SDK (extra `[fast]`).

An SDK spends several times as much on a request as aiohttp does, and at some dozens of
requests at once that is what limits a run (`benchmarks/endpoint.py`).

This module knows nothing of what is sent, or of whether to try again.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from uptake.models.client import (
    CONNECT_SECONDS,
    BrokenError,
    StatusError,
    UnreachableError,
    read,
)

__all__ = ["DirectClient", "installed"]


def installed() -> bool:
    """Whether aiohttp is there."""
    return importlib.util.find_spec("aiohttp") is not None


class DirectClient:
    """A `Client` that posts to `url`.

    `key` is sent as the bearer token (None: none), `timeout` in seconds is for one exchange, and
    `limit` bounds the bytes of a reply. Made inside the event loop that will use it. The usual
    variables name a proxy, as they do for the SDKs.
    """

    def __init__(self, url: str, key: str | None, *, timeout: float, limit: int) -> None:
        import aiohttp  # late: it belongs to an extra

        self._http = aiohttp
        self._url = url
        self._limit = limit
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._session = aiohttp.ClientSession(
            # How many go out at once is the caller's to bound. Many servers hang up after 5 s.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0),
            headers=headers,
            proxy=_proxy(url),
            timeout=aiohttp.ClientTimeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        )

    async def exchange(self, body: Mapping[str, Any]) -> bytes:
        """Send `body`, and read the reply. Raises what a `Client` raises."""
        http = self._http
        try:
            # A key does not follow a redirection to wherever that leads.
            async with self._session.post(
                self._url, data=_encoded(body), allow_redirects=False
            ) as response:
                said = await read(response.content.iter_any(), self._limit)
                if response.status // 100 == 2:
                    return said
                raise StatusError(response.status, _decoded(said), response.headers)
        except (http.ClientConnectorError, http.ConnectionTimeoutError, http.InvalidURL) as error:
            raise UnreachableError from error
        except TimeoutError:
            raise
        except http.ClientError as error:
            raise BrokenError("the connection broke") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _decoded(said: bytes) -> Any:
    """An error body as JSON where it is that, and otherwise as text."""
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return said.decode(errors="replace")


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
