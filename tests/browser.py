"""A real Chromium over its DevTools protocol, for tests that must see a page as a person does."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


def chromium() -> str:
    """Where Chromium is; fails with what to install where it is nowhere."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("this test needs Chromium: apt-get install -y chromium")


@dataclass
class Page:
    """A tab: `asked` are the addresses it requested, `complaints` its console's, dialogs too."""

    socket: aiohttp.ClientWebSocketResponse
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _closing: list[asyncio.Future[Any]] = field(default_factory=list)

    async def listen(self) -> None:
        async for message in self.socket:
            data = message.json()
            if "id" in data:
                self._waiting.pop(data["id"]).set_result(data)
                continue
            said = data.get("params", {})
            match data["method"]:
                case "Network.requestWillBeSent":
                    self.asked.append(said["request"]["url"])
                case "Runtime.exceptionThrown":
                    self.complaints.append(str(said["exceptionDetails"]))
                case "Page.javascriptDialogOpening":
                    self.complaints.append(f"a dialog: {said['message']}")
                    closed = self.do("Page.handleJavaScriptDialog", accept=False)
                    self._closing.append(asyncio.ensure_future(closed))
                case "Runtime.consoleAPICalled" if said["type"] in ("error", "warning"):
                    self.complaints.append(str(said["args"]))
                case "Log.entryAdded" if said["entry"]["level"] in ("error", "warning"):
                    self.complaints.append(str(said["entry"]))

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": params})
        answer = await waiting
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def js(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = await self.do(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true, on whatever page the tab has come to by then."""
        looking = (
            "new Promise(done => { const look = () => "
            f"({script}) ? done(true) : setTimeout(look, 50); look(); }})"
        )
        while True:
            try:
                return await self.js(looking)
            except RuntimeError as error:
                if "navigated" not in str(error) and "context was destroyed" not in str(error):
                    raise

    async def open(self, where: Path | str) -> None:
        """A file, or an address."""
        url = where if isinstance(where, str) else where.as_uri()
        await self.do("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def show(self, *, width: int, dark: bool = False, height: int = 900) -> None:
        """The size of the window, and the side of the reader's colour scheme."""
        await self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.do("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self) -> bytes:
        """The whole page as PNG."""
        shot = await self.do("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A fresh Chromium with an empty profile and one tab."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium(),
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            port = await _port(process.stderr)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                    tabs = await answer.json(content_type=None)
                address = next(tab for tab in tabs if tab["type"] == "page")
                async with session.ws_connect(
                    address["webSocketDebuggerUrl"], max_msg_size=1 << 28
                ) as socket:
                    page = Page(socket)
                    tasks = [
                        asyncio.create_task(page.listen()),
                        asyncio.create_task(process.stderr.read()),  # a full pipe would stop it
                    ]
                    for domain in ("Page", "Network", "Runtime", "Log"):
                        await page.do(f"{domain}.enable")
                    yield page
                    for task in tasks:
                        task.cancel()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _port(lines: asyncio.StreamReader) -> str:
    """Where it says that it listens."""
    said = ""
    while line := (await lines.readline()).decode(errors="replace"):
        found = re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line)
        if found:
            return found[1]
        said += line
    raise RuntimeError(f"Chromium ended at once: {said[-500:]}")
