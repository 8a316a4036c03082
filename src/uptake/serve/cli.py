"""The command `uptake serve`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

import os
import secrets
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from uptake.errors import UptakeError
from uptake.serve.settings import Mode, Settings

__all__ = ["serve"]

_NEEDED = (
    "aiohappyeyeballs",
    "httptools",
    "itsdangerous",
    "opentelemetry",
    "prometheus_client",
    "starlette",
    "uvicorn",
)


def serve(
    *,
    upstream: Annotated[str | None, Parameter(name=["--upstream", "-u"])] = None,
    model: Annotated[str, Parameter(name=["--model", "-m"])] = "embedded",
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(name=["--port", "-p"])] = 8000,
    store: str = "out/serve.db",
    mode: Mode = "mediate",
    share: float = 1.0,
    analyst: str = "rules",
    dashboard: bool | None = None,
    workers: int = 1,
    retain: float | None = None,
    log_words: Annotated[bool, Parameter(negative=())] = False,
    first_seconds: float = 300.0,
    idle_seconds: float = 300.0,
) -> int:
    """Serve any model behind an OpenAI-compatible address, mediated.

    Point a chat client's base URL at http://HOST:PORT/v1, and nothing else changes. The variables
    UPTAKE_UPSTREAM_KEY (sent in place of the client's key), UPTAKE_CLIENT_KEYS (who may come in,
    comma between) and UPTAKE_DASHBOARD_TOKEN (how to log in) are read from the environment.

    Args:
        upstream: The address of an OpenAI-compatible API, for example http://localhost:11434/v1.
        model: Without --upstream: what is served from here, as for uptake probe.
        host: Where to listen. The dashboard is only on a private address, unless asked for.
        port: The port to listen on.
        store: A file for SQLite, postgresql://… for several hosts, or memory:.
        mode: mediate, shadow (for the record only; the original is sent) or original.
        share: For how much of the conversations the mode is; the rest goes as it came.
        analyst: Who reads: rules (default), or a model; examine and self go with --model.
        dashboard: Whether the dashboard is there.
        workers: How many processes serve.
        retain: Forget conversations after so many days.
        log_words: Log what was said, too; left out by default.
        first_seconds: How long the upstream may take to begin.
        idle_seconds: How long the upstream may be silent.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UptakeError(f"uptake serve needs {', '.join(missing)}: pip install 'uptake[serve]'")
    if "://" not in store and store != "memory:":
        Path(store).parent.mkdir(parents=True, exist_ok=True)
    clients = os.environ.get("UPTAKE_CLIENT_KEYS", "")
    given = os.environ.get("UPTAKE_DASHBOARD_TOKEN", "").strip()
    settings = Settings(
        upstream=upstream,
        model=model,
        host=host,
        port=port,
        store=store,
        mode=mode,
        share=share,
        analyst=analyst,
        dashboard=dashboard,
        workers=workers,
        retain=retain,
        log_words=log_words,
        first_seconds=first_seconds,
        idle_seconds=idle_seconds,
        upstream_key=os.environ.get("UPTAKE_UPSTREAM_KEY", "").strip() or None,
        client_keys=tuple(key.strip() for key in clients.split(",") if key.strip()),
        dashboard_token=given or secrets.token_urlsafe(18),
    )
    from uptake.serve.app import check, run

    opened = check(settings)
    base = f"http://{host}:{port}"
    print(f"{upstream or model}, {_how(settings)}: {base}/v1", file=sys.stderr)
    if settings.shows_dashboard:
        token = "UPTAKE_DASHBOARD_TOKEN" if given else settings.dashboard_token
        print(f"dashboard: {base}/dashboard  token: {token}", file=sys.stderr)
    run(settings, opened)
    return 0


def _how(settings: Settings) -> str:
    ways = {"mediate": "mediated", "shadow": "shadowed", "original": "as it comes"}
    part = "" if settings.share == 1.0 else f" ({settings.share:.0%} of the conversations)"
    return ways[settings.mode] + part
