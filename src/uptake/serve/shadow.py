"""Shadow replies: what a mediated reply would have been, asked for after the original was sent.

At most `AT_ONCE` are asked for at a time and the rest are left out, so that a shadow never slows
down what it shadows. This module knows nothing of how the original went.
"""

from __future__ import annotations

import json
import logging
from typing import Any, cast

from uptake.serve.desk import Case
from uptake.serve.later import Later
from uptake.serve.metrics import Metrics
from uptake.serve.plan import Plan, written
from uptake.serve.store import Store, StoreError
from uptake.serve.surfaces import Surface
from uptake.serve.upstream import Headers, Upstream, UpstreamError

__all__ = ["AT_ONCE", "Shadows"]

log = logging.getLogger("uptake.serve")

AT_ONCE = 4


class Shadows:
    """Asks for shadow replies, and keeps them beside the turns."""

    def __init__(
        self,
        upstream: Upstream,
        store: Store,
        metrics: Metrics,
        later: Later,
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._metrics = metrics
        self._later = later
        self._open = 0

    def reply(
        self, plan: Plan, case: Case, target: str, headers: Headers, surface: Surface
    ) -> None:
        """Ask for what would have been said to `case`, if that is another thing, and keep it."""
        done, sent = case.mediation, case.sent
        if done is None or sent is None:
            return
        if self._open >= AT_ONCE:
            self._metrics.failed.labels("shadow").inc()
            return
        body = dict(surface.rewritten(plan.data or {}, sent))
        body.pop("stream", None)
        body.pop("stream_options", None)
        self._open += 1
        self._later(self._ask(written(body), case, done.move.say, target, headers, surface))

    async def _ask(
        self,
        body: bytes,
        case: Case,
        words: str | None,
        target: str,
        headers: Headers,
        surface: Surface,
    ) -> None:
        try:
            answer = await self._upstream.send("POST", target, headers, body)
            try:
                content = b"".join([part async for part in answer.chunks()])
            finally:
                await answer.aclose()
            listener = surface.listener()
            listener.whole(cast("dict[str, Any]", json.loads(content)))
            message = listener.heard().message
            if message is not None:
                said = str(message.get("content") or "")
                would = f"{words}\n\n{said}" if words else said
                await self._store.add_would(case.tenant, case.id, would)
        except (UpstreamError, StoreError, ValueError) as error:
            self._metrics.failed.labels("shadow").inc()
            log.warning("a shadow's reply was not to be had: %s", error)
        finally:
            self._open -= 1
