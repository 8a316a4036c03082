"""Where requests go on to: the `Upstream` protocol, in which bytes stay bytes.

`http.py` reaches an OpenAI-compatible address, `local.py` answers from a Model in this process.

This module knows nothing of what is sent, or of why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

__all__ = ["Answer", "Headers", "Upstream", "UpstreamError"]

Headers = Sequence[tuple[bytes, bytes]]


class UpstreamError(Exception):
    """No answer: refused, late, or cut. `status` is what the client is to be told (502, 504)."""

    def __init__(self, message: str, status: int = 502) -> None:
        super().__init__(message)
        self.status = status


class Answer(Protocol):
    """A reply that has begun."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Headers:
        """As they came."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamError where it breaks off or falls silent."""
        ...

    async def aclose(self) -> None:
        """Let go at once; an unfinished reply is dropped, and its connection with it."""
        ...


class Upstream(Protocol):
    """Takes requests. Cancelling `send`, or closing its answer, drops the work behind it."""

    async def send(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        """Send to a path with its query, as "/chat/completions?x=1" (below the base URL).

        Raises UpstreamError.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
