"""Where turns are kept: SQLite by default, PostgreSQL for several workers and hosts.

    open_store → SQLStore (sql: the protocol) → lanes (threads, deadlines) → tables (statements)
                    └── sqlite or postgres: connections, and what their errors mean

This package knows nothing of HTTP, and nothing of what turns mean.
"""

from __future__ import annotations

from uptake.errors import UptakeError
from uptake.serve.store.protocol import Store, StoreError

__all__ = ["Store", "StoreError", "open_store"]


def open_store(url: str | None = None) -> Store:
    """The store at a URL, made where there is none.

    `sqlite:///PATH` (relative; four slashes for an absolute path) or a plain path is a file,
    `postgresql://USER@HOST/NAME` a database of a server, None or `memory:` lasts as long as the
    process. Waits for the file or the server. Raises UptakeError where it cannot be opened.
    """
    if url is None or url in ("memory:", "sqlite://", "sqlite:///:memory:"):
        return _sqlite(None)
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgresql", "postgres") and separator:
        return _postgres(url)
    if scheme == "sqlite" and separator:
        if not rest.startswith("/") or len(rest) < 2:
            raise UptakeError(f"--store {url}: write sqlite:///PATH, with three slashes")
        return _sqlite(rest[1:])
    if separator or not url.strip():
        raise UptakeError(
            f"--store {url!r}: a store is sqlite:///PATH, postgresql://USER@HOST/NAME or memory:"
        )
    return _sqlite(url)


def _sqlite(path: str | None) -> Store:
    from uptake.serve.store.sqlite import open_sqlite

    return open_sqlite(path)


def _postgres(url: str) -> Store:
    try:
        from uptake.serve.store.postgres import open_postgres
    except ImportError as error:  # psycopg is not there, or lacks its library
        raise UptakeError(
            f"a store in PostgreSQL needs psycopg: pip install 'uptake[postgres]' ({error})"
        ) from error
    return open_postgres(url)
