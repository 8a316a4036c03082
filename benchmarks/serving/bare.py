"""The floor: a pass-through of Starlette and aiohttp that does nothing else.

python benchmarks/serving/bare.py PORT UPSTREAM
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

HOP = {"connection", "transfer-encoding", "host", "content-length"}


def app(upstream: str) -> Starlette:
    session: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as opened:
            session.append(opened)
            yield

    async def handle(request: Request) -> StreamingResponse:
        body = await request.body()
        headers = {k: v for k, v in request.headers.items() if k not in HOP}
        url = upstream + request.url.path.removeprefix("/v1")
        answer = await session[0].post(url, data=body, headers=headers)

        async def parts() -> AsyncIterator[bytes]:
            async with answer:
                while part := await answer.content.readany():
                    yield part

        kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP}
        return StreamingResponse(parts(), answer.status, kept)

    return Starlette(routes=[Route("/v1/{rest:path}", handle, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        app(sys.argv[2]),
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_level="error",
    )
