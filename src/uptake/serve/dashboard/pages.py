"""Templates filled in: every value escaped, whatever it holds.

This module knows nothing of what a page shows, or of who may see it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import Response

from uptake.report.frame import environment
from uptake.serve.dashboard import views
from uptake.serve.dashboard.arms import read
from uptake.serve.dashboard.ledger import rewording

__all__ = ["STATIC", "page", "text"]

HERE = Path(__file__).parent
STATIC = HERE / "static"


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A response with a template filled in; `base` is where the dashboard is mounted."""
    return Response(
        text(template, base=str(request.scope.get("root_path", "")), **values),
        status,
        media_type="text/html",
    )


def text(template: str, **values: Any) -> bytes:
    """A template filled in, as bytes. What no encoding has a place for becomes a question mark."""
    return _environment().get_template(template).render(**values).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    made = environment(FileSystemLoader(HERE / "templates"))
    made.filters.update(  # pyright: ignore[reportUnknownMemberType]
        flag=views.flag,
        hue=views.hue,
        lasting=views.lasting,
        part=_part,
        read=read,
        short=views.short,
        took=views.took,
        when=views.when,
    )
    made.globals.update(  # pyright: ignore[reportUnknownMemberType]
        forms=views.FORMS, name=views.name, rewording=rewording
    )
    return made


def _part(value: object) -> str:
    """A value as one part of a path, whatever it holds."""
    return quote(str(value), safe="", errors="replace")
