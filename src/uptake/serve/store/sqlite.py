"""The store in one file, by SQLite in WAL mode: several threads read while one writes.

A commit is written to the operating system, not forced to the disk (`synchronous=NORMAL`): it
outlives the death of this process, however sudden. A power cut may take the last moments before
it, and leaves what is older whole.

The file is the one that was opened: once it is moved or deleted, every job is refused until it is
back, since SQLite would go on writing to a file that nobody can find.

This module knows nothing of turns.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from uptake.errors import UptakeError
from uptake.serve.store import tables
from uptake.serve.store.lanes import Connection
from uptake.serve.store.protocol import DEADLINE, StoreError
from uptake.serve.store.sql import SQLStore

__all__ = ["SQLite", "open_sqlite"]

TYPES = {"id": "TEXT", "bytes": "BLOB", "int": "INTEGER", "real": "REAL"}

PRAGMAS = (
    "synchronous=NORMAL",
    "cache_size=-8000",  # KiB
    "wal_autocheckpoint=4000",  # pages: the log is copied into the file every 16 MiB
    "journal_size_limit=67108864",
)

# Errors after which the same connection is as good as a new one.
PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}


def open_sqlite(path: str | None, *, deadline: float = DEADLINE) -> SQLStore:
    """The store in a file, made where there is none; None is in memory.

    Raises UptakeError for a path that cannot be written, or a file that is something else.
    """
    engine = SQLite(path)
    try:
        engine.create(deadline)
    except (OSError, sqlite3.Error, StoreError) as error:
        raise UptakeError(
            f"the store {path}: {error}; name a file in a folder that can be written to"
        ) from error
    return SQLStore(engine, deadline=deadline, alone=path is None)


class SQLite:
    """Connections to one file, or the one connection to a database in memory."""

    begin = "BEGIN IMMEDIATE"
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path).expanduser().absolute()
        self._file: tuple[int, int] | None = None
        self._memory: sqlite3.Connection | None = None

    def create(self, deadline: float) -> None:
        """Make the file and its tables, or look whether those that are there are ours."""
        if self._path is None:
            self._memory = connection = self._open("file::memory:", deadline)
        else:
            self._path.touch(mode=0o600)  # what people say is their own; its log is like it
            connection = self._open(f"file:{quote(str(self._path))}?mode=rw", deadline)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(self.begin)
            tables.create(connection, str(self._path), TYPES)
            connection.execute("COMMIT")
        finally:
            if self._path is not None:
                connection.close()
        if self._path is not None:
            self._file = _identity(self._path)

    def connect(self, *, deadline: float) -> Connection:
        """See `Engine`. Never makes a file."""
        if self._path is None:
            assert self._memory is not None
            return self._memory
        return self._open(f"file:{quote(str(self._path))}?mode=rw", deadline)

    def _open(self, uri: str, deadline: float) -> sqlite3.Connection:
        # A little less than the caller waits, so that it hears why.
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=deadline * 0.8,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def check(self) -> None:
        """See `Engine`."""
        if self._path is None or _identity(self._path) == self._file:
            return
        raise StoreError(
            f"the store's file was moved or deleted: {self._path}; "
            "put it back, or restart to begin a new one"
        )

    def explain(self, error: Exception) -> StoreError:
        """See `Engine`."""
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreError(f"the store is locked by another program: {self._path}")
        if primary == sqlite3.SQLITE_FULL:
            return StoreError(f"the store's disk is full: {self._path}")
        return StoreError(f"the store {self._path or 'in memory'}: {error}")

    def broken(self, connection: Connection, error: Exception) -> bool:
        """See `Engine`."""
        code = getattr(error, "sqlite_errorcode", None)
        return self._path is not None and isinstance(code, int) and code & 0xFF not in PASSING


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
