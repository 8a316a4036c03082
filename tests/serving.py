"""An upstream behind a real server on the loopback, for SDKs to talk to."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


@asynccontextmanager
async def serving(upstream):
    """The address of a server that passes everything below /v1 on to `upstream`."""

    async def answer(request: Request) -> Response:
        target = request.url.path.removeprefix("/v1")
        if request.url.query:
            target += f"?{request.url.query}"
        found = await upstream.send(request.method, target, (), await request.body())
        headers = {name.decode(): value.decode() for name, value in found.headers}
        return StreamingResponse(closing(found), found.status, headers)

    async def closing(found):
        try:
            async for chunk in found.chunks():
                yield chunk
        finally:
            await found.aclose()

    methods = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/v1/{path:path}", answer, methods=methods)])
    config = uvicorn.Config(
        app, port=0, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
