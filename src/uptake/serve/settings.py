"""How a server is to run: `Settings`, checked once, with every address and limit in one place.

Nothing that a client sends can change any of it. This module needs no extra, and knows nothing of
how anything is done.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from uptake.errors import UptakeError

__all__ = ["Mode", "Settings"]

Mode = Literal["mediate", "shadow", "original"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What `uptake serve` was told. Raises UptakeError for what cannot be meant.

    `upstream` is the base URL of an OpenAI-compatible API; None serves `model` from this process.
    `share` is how much of the conversations `mode` is for; the rest goes on as it came. All times
    are in seconds, sizes in bytes. `retain` is in days; None keeps everything.

    `upstream_key` is sent in place of the client's key, `client_keys` are those that may come in
    (none: anyone). Neither is shown when this is printed.
    """

    upstream: str | None = None
    model: str = "embedded"
    host: str = "127.0.0.1"
    port: int = 8000
    store: str = "uptake.db"
    mode: Mode = "mediate"
    share: float = 1.0
    analyst: str = "rules"
    dashboard: bool | None = None
    workers: int = 1
    retain: float | None = None
    log_words: bool = False
    connect_seconds: float = 10.0
    first_seconds: float = 300.0
    idle_seconds: float = 300.0
    body_seconds: float = 60.0
    mediate_seconds: float = 2.0
    store_seconds: float = 2.0
    keep_alive_seconds: float = 15.0
    grace_seconds: float = 30.0
    body_bytes: int = 32 * 2**20
    kept_bytes: int = 8 * 2**20
    upstream_key: str | None = field(default=None, repr=False)
    client_keys: tuple[str, ...] = field(default=(), repr=False)
    dashboard_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.upstream is not None:
            _check_url(self.upstream)
        if not 0.0 <= self.share <= 1.0:
            raise UptakeError(f"--share {self.share:g}: give a part between 0 and 1, as 0.2")
        if not 0 < self.port < 65536:
            raise UptakeError(f"--port {self.port}: give a number between 1 and 65535")
        if self.workers < 1:
            raise UptakeError(f"--workers {self.workers}: give a number above 0")
        if self.retain is not None and self.retain <= 0:
            raise UptakeError(f"--retain {self.retain:g}: give a number of days above 0")
        if self.workers > 1 and self.store in ("memory:", "", ":memory:"):
            raise UptakeError("--workers: several workers need a store that they share, not memory")
        if self.upstream_key and not self.private and not self.client_keys:
            raise UptakeError(
                f"--host {self.host}: anyone who reaches it could spend UPTAKE_UPSTREAM_KEY; set"
                " UPTAKE_CLIENT_KEYS to the keys that may come in, comma between them"
            )

    @property
    def private(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def shows_dashboard(self) -> bool:
        """Whether the dashboard is there: where asked for, and else on a private address only."""
        return self.private if self.dashboard is None else self.dashboard

    def to_json(self) -> str:
        """For another process of this server's; keys included."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """What `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        data["client_keys"] = tuple(data["client_keys"])
        return cls(**data)


def _check_url(text: str) -> None:
    try:
        url = urlsplit(text)
        valid = url.scheme in ("http", "https") and bool(url.hostname)
        valid = valid and (url.port is None or url.port > 0)
    except ValueError:
        valid = False
        url = urlsplit("")
    if not valid or url.query or url.fragment:
        raise UptakeError(f"--upstream {text}: expected an address as http://HOST:PORT/v1")
    if url.username or url.password:
        raise UptakeError(
            f"--upstream {url.hostname}: leave the key out of the address, set UPTAKE_UPSTREAM_KEY"
        )
