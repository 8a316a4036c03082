"""A real server on the loopback that answers what a test tells it to."""

from __future__ import annotations

from contextlib import asynccontextmanager

from aiohttp import web


def error(message="no", **fields):
    return {"error": {"message": message, **fields}}


class Loopback:
    """Plays `script`: item k answers request k, the last one repeats. Keeps what it was sent.

    An item is a reply as a dict, a (status, body) or (status, body, headers) tuple,
    raw bytes, or an async function of the request.
    """

    def __init__(self, *script):
        self.script = script
        self.bodies = []
        self.headers = []
        self.paths = []
        self.in_flight = self.most_in_flight = 0

    async def handle(self, request):
        self.bodies.append(await request.json())
        self.headers.append(request.headers)
        self.paths.append(request.path_qs)
        item = self.script[min(len(self.bodies), len(self.script)) - 1]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self.answer(item, request)
        finally:
            self.in_flight -= 1

    async def answer(self, item, request):
        if callable(item):
            item = await item(request)
            if isinstance(item, web.StreamResponse):
                return item
        if isinstance(item, bytes):
            return web.Response(body=item, content_type="application/json")
        status, body, *headers = item if isinstance(item, tuple) else (200, item)
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers[0] if headers else None)
        return web.json_response(body, status=status, headers=headers[0] if headers else None)

    @asynccontextmanager
    async def running(self, port=0):
        app = web.Application()
        app.router.add_post("/{path:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.port = runner.addresses[0][1]
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()
