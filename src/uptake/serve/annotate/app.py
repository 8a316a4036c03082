"""The addresses of the page: say who you are, label, settle, see how well people agree, export.

All lie under a key that only the terminal shows, on the loopback, so that no page of another site
can reach them; the policy is the dashboard's: nothing runs or loads but what is served here. Pages
are plain forms; a little script adds the keys.

This module knows nothing of files of labels but through `tasks`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import quote

import uvicorn
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from uptake.acts import ACTS
from uptake.audit.labels import SETTLED, Label, agreement, final
from uptake.errors import UptakeError
from uptake.report.frame import environment
from uptake.serve.annotate.tasks import Tasks
from uptake.serve.dashboard.guard import SafeHeaders, form
from uptake.serve.dashboard.pages import STATIC

__all__ = ["KEYS", "create_annotator", "open_door"]

HERE = Path(__file__).parent

KEYS = dict(zip(ACTS, "adkgcufswoxrevthzpmiq", strict=True))
"""The key of each act on the page; none of them moves on or back."""

LONGEST_NAME = 40


def create_annotator(tasks: Tasks, key: str) -> Starlette:
    """The page, all of it under `/KEY/`."""
    return _Annotator(tasks, f"/{key}").app(key)


def open_door(app: Starlette, door: socket) -> None:
    """Serve the page on a socket that is bound, until Ctrl-C."""
    config = uvicorn.Config(app, log_level="critical", ws="none")
    uvicorn.Server(config).run(sockets=[door])


class _Annotator:
    def __init__(self, tasks: Tasks, base: str) -> None:
        self._tasks, self._base = tasks, base

    def app(self, key: str) -> Starlette:
        inside = [
            Route("/", self.who),
            Route("/report.css", _report_css),
            Mount("/dashboard", StaticFiles(directory=STATIC)),
            Mount("/static", StaticFiles(directory=HERE / "static")),
            Route("/label/{number:int}", self.label, methods=["GET", "POST"]),
            Route("/settle/{number:int}", self.settle, methods=["GET", "POST"]),
            Route("/agreement", self.agreed),
            Route("/export", self.export),
        ]
        return Starlette(
            routes=[Mount(f"/{key}", routes=inside)],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
                Middleware(SafeHeaders),
            ],
            exception_handlers={UptakeError: _failed},
        )

    async def who(self, request: Request) -> Response:
        """Ask for a name; with one, lead to the first turn that it has not labelled."""
        by = self._name(request)
        if not by:
            return self._page("who.html", by="", total=len(self._tasks.tasks))
        number = self._tasks.next(by)
        return self._to("agreement" if number is None else f"label/{number}", by)

    async def label(self, request: Request) -> Response:
        """One turn, or what was said of it."""
        by, number = self._name(request), request.path_params["number"]
        if not by or number >= len(self._tasks.tasks):
            return RedirectResponse(f"{self._base}/", 303)
        if request.method == "POST":
            self._tasks.save(number, by, await _chosen(request))
            onward = self._tasks.next(by, number)
            return self._to("agreement" if onward is None else f"label/{onward}", by)
        mine = self._tasks.of(number).get(by, ())
        return self._turn(number, by, "label", mine, {})

    async def settle(self, request: Request) -> Response:
        """One turn that people differ on, with what each of them said."""
        by, number = self._name(request), request.path_params["number"]
        if not by or number >= len(self._tasks.tasks):
            return RedirectResponse(f"{self._base}/", 303)
        if request.method == "POST":
            self._tasks.save(number, SETTLED, await _chosen(request))
            left = self._tasks.disputed()
            onward = next((n for n in left if n > number), left[0] if left else None)
            return self._to("agreement" if onward is None else f"settle/{onward}", by)
        said = self._tasks.of(number)
        settled = said.pop(SETTLED, None)
        alike = tuple(act for act in ACTS if said and all(act in each for each in said.values()))
        return self._turn(number, by, "settle", alike if settled is None else settled, said)

    async def agreed(self, request: Request) -> Response:
        """How far everybody is, and how well they agree."""
        tasks = self._tasks
        names = sorted({by for _, by in tasks.labels if by != SETTLED})
        return self._page(
            "agreement.html",
            by=self._name(request),
            total=len(tasks.tasks),
            people=[(name, tasks.done(name)) for name in names],
            settled=tasks.done(SETTLED),
            disputed=tasks.disputed(),
            rows=agreement(list(tasks.labels.values())),
        )

    async def export(self, request: Request) -> Response:
        """What holds of each turn, as JSON lines that an audit reads."""
        held = final(self._tasks.labels.values())
        lines = [Label(*at, SETTLED, tuple(sorted(acts))).line() for at, acts in held.items()]
        name = {"content-disposition": 'attachment; filename="labels-final.jsonl"'}
        return PlainTextResponse("".join(lines), headers=name)

    def _turn(
        self,
        number: int,
        by: str,
        what: str,
        chosen: tuple[str, ...],
        said: dict[str, tuple[str, ...]],
    ) -> Response:
        task = self._tasks.tasks[number]
        return self._page(
            "turn.html",
            by=by,
            what=what,
            number=number,
            total=len(self._tasks.tasks),
            done=self._tasks.done(by),
            talk=task.at[1],
            said=task.said,
            acts=[(name, KEYS[name], meaning) for name, meaning in ACTS.items()],
            chosen=chosen,
            others=said,
        )

    def _page(self, template: str, **values: Any) -> Response:
        made = _environment().get_template(template).render(base=self._base, **values)
        return Response(made.encode("utf-8", "replace"), media_type="text/html")

    def _to(self, where: str, by: str) -> Response:
        return RedirectResponse(f"{self._base}/{where}?by={quote(by)}", 303)

    def _name(self, request: Request) -> str:
        name = " ".join(request.query_params.get("by", "").split())[:LONGEST_NAME]
        return "" if name == SETTLED else name


async def _chosen(request: Request) -> list[str]:
    fields = await form(request)
    return [act for act in ACTS if act in fields]


async def _failed(request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 500)


async def _report_css(request: Request) -> Response:
    style = files("uptake.report").joinpath("style.css").read_bytes()
    return Response(style, media_type="text/css")


@cache
def _environment() -> Environment:
    return environment(FileSystemLoader(HERE / "templates"))
