"""A turn once more, unmediated, for the dashboard to compare.

The client's key was not kept, so that this works where the upstream needs none or the server has
its own. This module knows nothing of pages.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from uptake.serve.plan import written
from uptake.serve.records import Turn, along
from uptake.serve.settings import Settings
from uptake.serve.sse import Events
from uptake.serve.surfaces.chat import Chat
from uptake.serve.upstream import Upstream, UpstreamError

__all__ = ["Replay"]


class Replay:
    """Asks the upstream for a reply to a conversation as it came."""

    def __init__(self, settings: Settings, upstream: Upstream) -> None:
        self._key = settings.upstream_key
        self._upstream = upstream

    async def __call__(self, turn: Turn, line: Sequence[Turn]) -> AsyncIterator[str]:
        """The words of the reply as they come; `line` ends with the turn. Raises UpstreamError."""
        body = {"model": turn.model, "messages": _asked(line), "stream": True}
        headers = [(b"content-type", b"application/json"), (b"accept-encoding", b"identity")]
        if self._key:
            headers.append((b"authorization", b"Bearer " + self._key.encode()))
        answer = await self._upstream.send("POST", "/chat/completions", headers, written(body))
        try:
            if answer.status != 200:
                raise UpstreamError(f"the upstream answered {answer.status}")
            events, listener, said = Events(), Chat().listener(), ""
            async for part in answer.chunks():
                for event in events.feed(part):
                    if event.data != "[DONE]":
                        listener.event(cast("Mapping[str, Any]", json.loads(event.data)))
                now = str((listener.heard().message or {}).get("content") or "")
                if len(now) > len(said):
                    yield now[len(said) :]
                    said = now
        finally:
            await answer.aclose()


def _asked(line: Sequence[Turn]) -> list[Mapping[str, Any]]:
    """All that was said along a line, up to its last reply."""
    messages = along(line)
    return messages[:-1] if line and line[-1].reply else messages
