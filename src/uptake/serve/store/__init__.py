"""Where turns are kept: SQLite by default, PostgreSQL for several workers and hosts.

    open_store → SQLStore (sql: the protocol) → lanes (threads, deadlines) → tables (statements)
                    └── sqlite or postgres: connections, and what their errors mean

This package knows nothing of HTTP, and nothing of what turns mean.
"""

from __future__ import annotations

from uptake.errors import UptakeError
from uptake.serve.store.protocol import DEADLINE, Store, StoreError

__all__ = ["Store", "StoreError", "open_store"]


def open_store(url: str | None = None, *, deadline: float = DEADLINE) -> Store:
    """The store at a URL, made where there is none.

    `sqlite:///PATH` (relative; four slashes for an absolute path) or a plain path is a file,
    `postgresql://USER@HOST/NAME` a database of a server, None or `memory:` lasts as long as the
    process. No job waits longer than `deadline` seconds, one of a page five times as long. Blocks
    until the file or the server is there. Raises UptakeError where it cannot be opened.
    """
    if url is None or url in ("memory:", "sqlite://", "sqlite:///:memory:"):
        return _sqlite(None, deadline)
    scheme, separator, rest = url.partition("://")
    if not separator and url.strip():
        return _sqlite(url, deadline)
    if scheme in ("postgresql", "postgres"):
        return _postgres(url, deadline)
    if scheme != "sqlite":
        raise UptakeError(
            f"the store {url!r}: write sqlite:///PATH, postgresql://USER@HOST/NAME or memory:"
        )
    if not rest.startswith("/") or len(rest) < 2:
        raise UptakeError(f"the store {url!r}: write sqlite:///PATH, with three slashes")
    return _sqlite(rest[1:], deadline)


def _sqlite(path: str | None, deadline: float) -> Store:
    from uptake.serve.store.sqlite import open_sqlite

    return open_sqlite(path, deadline=deadline)


def _postgres(url: str, deadline: float) -> Store:
    try:
        from uptake.serve.store.postgres import open_postgres
    except ImportError as error:  # psycopg is not there, or lacks its library
        raise UptakeError(
            f"a store in PostgreSQL needs psycopg: pip install 'uptake[postgres]' ({error})"
        ) from error
    return open_postgres(url, deadline=deadline)
