"""What every page is made with: its template filled in, the script that draws, its nonce, its date.

Whatever a model or a file said is escaped by the template engine, and a page's own policy lets no
script run but its own and nothing be fetched.

This module knows nothing of what a page shows.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection, Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from uptake.report.figures import percent, reach, shown, span, span_of
from uptake.report.reading import pieces

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

    from uptake.scores import Row

__all__ = ["bundle", "environment", "made", "nonce", "render"]


def environment(loader: BaseLoader) -> Environment:
    """What fills in templates: every value escaped, none left out, replies in `pieces`."""
    from jinja2 import Environment, StrictUndefined

    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["pieces"] = pieces  # pyright: ignore[reportUnknownMemberType]
    return made


def render(template: str, **values: Any) -> str:
    """A page from one of the templates of this package, every value escaped."""
    from jinja2 import FunctionLoader

    made = environment(FunctionLoader(_source))
    made.filters.update(  # pyright: ignore[reportUnknownMemberType]
        percent=percent,
        span=span,
        shown=shown,
        span_of=span_of,
        reach=reach,
        figure=_figure,
    )
    return made.get_template(template).render(**values)


def made() -> str:
    """The version of uptake and the day, as "uptake 0.1.0, 2026-01-31"."""
    try:
        found = version("uptake")
    except PackageNotFoundError:
        found = "(not installed)"
    return f"uptake {found}, {datetime.date.today().isoformat()}"  # noqa: DTZ011


def nonce(shown: Iterable[object]) -> str:
    """What marks the page's own scripts. No text in the page can hold the hash of them all."""
    digest = hashlib.sha256(b"uptake report")
    for each in shown:
        digest.update(repr(each).encode("utf-8", "replace"))
    return digest.hexdigest()[:32]


@cache
def bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script (`runs/vega.py` makes it)."""
    return _source("vega.js")


def _source(name: str) -> str:
    return files("uptake.report").joinpath(name).read_text(encoding="utf-8")


def _figure(row: Row, name: str, amounts: Collection[str] = ()) -> str:
    """`value`, `low` or `high` of a row as the table shows it: shares in percent.

    `amounts` are metrics of the probes' own that are none.
    """
    value: float | None = getattr(row, name)
    if value is None:
        return ""
    if row.metric == "tokens":
        return f"{value:,.0f}"
    if row.metric in ("turns", "words") or row.metric in amounts:
        return f"{value:.2f}"
    if row.metric in ("failures", "undecided", "spoiled"):
        return f"{value:.0f}"
    return f"{100 * value:.1f}%"
