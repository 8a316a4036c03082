"""One exchange with a server: the bytes of a reply, or one of four ways in which there is none.

This module knows nothing of what the bytes say, or of whether to try again.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any, Protocol

__all__ = [
    "CONNECT_SECONDS",
    "BrokenError",
    "Client",
    "StatusError",
    "TooLongError",
    "UnreachableError",
    "first_cause",
    "read",
]

CONNECT_SECONDS = 10.0
"""How long a connection may take to come about, whatever the timeout of a try."""


class Client(Protocol):
    """Connections to one server, of one event loop."""

    async def exchange(self, body: Mapping[str, Any]) -> bytes:
        """Send `body` as JSON, and read the reply.

        Raises:
            StatusError: the server answered with another status than 2xx.
            UnreachableError: no connection came about.
            BrokenError: a connection was lost.
            TooLongError: there is more of a reply than the client may read.
            TimeoutError: no reply in time.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class StatusError(Exception):
    """The server answered with a status: that, its body (JSON where it is), and its headers."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


class UnreachableError(Exception):
    """No connection came about."""


class BrokenError(Exception):
    """A connection was lost."""


class TooLongError(Exception):
    """There is more of a reply than may be read."""


async def read(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    """The body, up to `limit` bytes.

    Raises TooLongError, and BrokenError for whatever the library under it raises.
    """
    body = bytearray()
    try:
        async for chunk in chunks:
            body += chunk
            if len(body) > limit:
                break
    except TimeoutError:
        raise
    except Exception as error:  # whatever HTTP library there is
        raise BrokenError("the connection broke within the reply") from error
    if len(body) > limit:
        raise TooLongError(f"the reply is longer than {limit:,} bytes")
    return bytes(body)


def first_cause(error: BaseException) -> BaseException:
    """What began it: the innermost of an exception's causes."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
