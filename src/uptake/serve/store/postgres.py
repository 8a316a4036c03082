"""The store in a PostgreSQL database, for several workers and hosts: each has its own connections.

A commit is as durable as the server makes it. A connection that broke is made anew, so that a
restart of the server costs no turn that can wait for it.

Needs the extra `[postgres]`. This module knows nothing of turns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import psycopg

from uptake.errors import UptakeError
from uptake.serve.store import tables
from uptake.serve.store.lanes import Connection
from uptake.serve.store.protocol import DEADLINE, StoreError
from uptake.serve.store.sql import SQLStore
from uptake.serve.store.tables import Result

__all__ = ["Postgres", "open_postgres"]

TYPES = {
    "id": 'TEXT COLLATE "C"',
    "bytes": "BYTEA",
    "int": "BIGINT",
    "real": "DOUBLE PRECISION",
}

# Any number will do that the programs of one database agree on.
LOCK = 0x757074616B65


def open_postgres(url: str, *, deadline: float = DEADLINE) -> SQLStore:
    """The store in the database at a `postgresql://` URL; its tables are made where there are none.

    Raises UptakeError where the server cannot be reached or does not let us.
    """
    engine = Postgres(url)
    try:
        engine.create(deadline)
    except psycopg.Error as error:
        said = engine.explain(error)
        raise UptakeError(f"{said}; is the address right, and the server up?") from error
    return SQLStore(engine, deadline=deadline)


class Postgres:
    """Connections to one database."""

    begin = "BEGIN"
    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str) -> None:
        self._url = url
        # What is said of it to people: no password.
        self._where = re.sub(r"//[^@/]*@", "//", url).partition("?")[0]

    def create(self, deadline: float) -> None:
        """Make the tables, one program at a time, or look whether those that are there are ours."""
        connection = self.connect(deadline=deadline)
        try:
            connection.execute(self.begin)
            connection.execute("SELECT pg_advisory_xact_lock(?)", (LOCK,))
            tables.create(connection, self._where, TYPES)
            connection.execute("COMMIT")
        finally:
            connection.close()

    def connect(self, *, deadline: float) -> Connection:
        """See `Engine`."""
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=max(2, round(deadline)),
            tcp_user_timeout=int(deadline * 1000),  # a host that falls silent is gone
            application_name="uptake",
            client_encoding="utf8",
        )
        # A little less than the caller waits, so that it hears why.
        limit = f"{int(deadline * 800)}ms"
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (limit,))
        return _Connection(connection)

    def check(self) -> None:
        """See `Engine`: a database is where its URL says."""

    def explain(self, error: Exception) -> StoreError:
        """See `Engine`."""
        line = " ".join(str(error).split()) or type(error).__name__
        return StoreError(f"the store {self._where}: {line}")

    def broken(self, connection: Connection, error: Exception) -> bool:
        """See `Engine`."""
        return cast(_Connection, connection).inner.closed


class _Connection:
    """A connection of psycopg's that takes `?` for a parameter."""

    def __init__(self, inner: psycopg.Connection[Any]) -> None:
        self.inner = inner

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Result:
        return self.inner.execute(_numbered(sql), parameters or None)

    def close(self) -> None:
        self.inner.close()


@lru_cache(maxsize=512)
def _numbered(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()
