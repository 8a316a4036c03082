"""Everything under /v1/ that no surface is for: to the upstream and back, byte for byte.

This module knows nothing of what goes by.
"""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from uptake.serve import wire
from uptake.serve.access import Refused
from uptake.serve.relay import Workshop
from uptake.serve.upstream import UpstreamError

__all__ = ["PassThrough"]


class PassThrough:
    """The ASGI app for the rest of /v1/."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        target = wire.target(scope)
        try:
            self._shop.access.admit(scope)
            if target is None:
                raise Refused("this path leads nowhere", 404)
            body = await self._shop.body(receive)
        except Refused as error:
            await wire.send_json(send, error.status, wire.error(str(error)))
            return
        except wire.Gone:
            return
        await wire.attended(receive, self._pass(scope, send, target, body))

    async def _pass(self, scope: Scope, send: Send, target: str, body: bytes) -> None:
        headers = wire.forward(scope, self._shop.settings.upstream_key, plain=False)
        try:
            answer = await self._shop.upstream.send(scope["method"], target, headers, body)
        except UpstreamError as error:
            await wire.send_json(send, error.status, wire.error(str(error), "upstream_error"))
            return
        try:
            await wire.begin(send, answer.status, wire.backward(answer.headers))
            async for part in answer.chunks():
                await wire.say(send, part)
            await wire.say(send, b"", more=False)
        finally:
            await answer.aclose()
