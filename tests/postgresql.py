"""A real PostgreSQL server for tests: on a free port of loopback, in a folder of its own.

PostgreSQL will not run as root; there it runs as the user `postgres`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg


class Server:
    """A server that can be stopped and started again; `url` is that of its one database."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql://uptake@127.0.0.1:{self._port}/postgres"
        made = [_program("initdb"), "-D", self._data, "-U", "uptake", "-A", "trust"]
        done = subprocess.run(
            [*made, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            **_as_someone(),
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Returns once it answers."""
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(_program("postgres"), "-D", self._data, "-p", str(self._port)),
                    *(word for setting in settings for word in ("-c", setting)),
                ],
                stdout=log,
                stderr=log,
                **_as_someone(),
            )
        last = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < last, self._log.read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Cuts every connection, as a restart does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def run(self, *statements: str) -> None:
        """Run statements, each by itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def empty(self) -> str:
        """Forget all tables; the URL."""
        self.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        return self.url


@contextmanager
def running() -> Iterator[Server]:
    """A server that is up."""
    folder = Path(tempfile.mkdtemp(prefix="uptake-postgresql-"))
    server: Server | None = None
    try:
        if user := _as_someone():
            shutil.chown(folder, user["user"], user["group"])
        server = Server(folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder)


def _program(name: str) -> str:
    """Debian keeps the server's programs off the path."""
    folders = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))[::-1]]
    found = shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))
    if found is None:
        raise RuntimeError("this test needs PostgreSQL's server: apt-get install -y postgresql")
    return found


def _as_someone() -> dict[str, Any]:
    if os.getuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": (), "cwd": "/"}
