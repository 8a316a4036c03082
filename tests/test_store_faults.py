"""What the store does when it cannot: an error in bounded time, nothing lost, and on it goes."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import postgresql
import pytest
from stored import PATIENT, keep, turn, within

from uptake.errors import UptakeError
from uptake.serve.records import Turn
from uptake.serve.store import Store, StoreError, open_store
from uptake.serve.store.sqlite import SQLite

SOON = 0.5


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.running() as server:
        yield server


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "turns.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("server").empty()
    return f"sqlite:///{path}"


def in_file(path: Path, scene: Callable[[Store], Awaitable[None]]) -> None:
    """A scene with a store that is soon at the end of its patience."""
    within(str(path), scene, deadline=SOON)


async def refused(work: Awaitable[object], match: str) -> None:
    """The work ends in one line that says so, in a few deadlines at the most."""
    with pytest.raises(StoreError, match=match) as raised:
        await asyncio.wait_for(work, SOON * 20)
    assert "\n" not in str(raised.value)


async def all_there(store: Store, turns: list[Turn]) -> None:
    for each in turns:
        assert await store.find(each.tenant, [each.key]) == each


# Killed, closed, cancelled.

WRITER = """
import asyncio, sys
from stored import turn
from uptake.serve.store import open_store

async def write(store, first):
    for number in range(first, 10**9, 16):
        await store.add(turn(number, f"c{number % 7}"))
        print(number, flush=True)

async def main():
    store = open_store(sys.argv[1], deadline=60)
    await asyncio.gather(*[write(store, first) for first in range(16)])

asyncio.run(main())
"""


def test_what_was_kept_outlives_a_kill(url: str):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    assert process.stdout is not None
    with process.stdout:
        said = [process.stdout.readline() for _ in range(500)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    process.wait()
    kept = [int(line) for line in said if line.endswith("\n")]
    assert len(kept) >= 500

    async def scene(store: Store) -> None:
        await all_there(store, [turn(number, f"c{number % 7}") for number in kept])
        listed = await store.summaries()
        assert len(listed) == 7
        (arm,) = await store.arms()
        assert len(kept) <= arm.turns == sum(each.turns for each in listed)  # none twice
        await store.add(turn(10**9))

    within(url, scene)


def test_closing_writes_what_waits(url: str):
    async def scene() -> None:
        store = open_store(url, deadline=PATIENT)
        jobs = [asyncio.ensure_future(store.add(turn(n, f"c{n}"))) for n in range(500)]
        await asyncio.sleep(0)
        await store.aclose()
        await asyncio.gather(*jobs)

    asyncio.run(scene())

    async def after(store: Store) -> None:
        await all_there(store, [turn(n, f"c{n}") for n in range(500)])

    within(url, after)


def test_a_caller_that_leaves_harms_no_other(url: str):
    async def scene(store: Store) -> None:
        jobs = [asyncio.ensure_future(store.add(turn(n, f"c{n}"))) for n in range(50)]
        await asyncio.sleep(0)
        for job in jobs[::2]:
            job.cancel()
        await asyncio.gather(*jobs[1::2])
        await all_there(store, [turn(n, f"c{n}") for n in range(1, 50, 2)])

    within(url, scene)


def test_several_workers_share_a_store(url: str):
    async def scene() -> None:
        stores = [open_store(url, deadline=PATIENT) for _ in range(3)]
        turns = [turn(n, f"c{n % 5}") for n in range(200)]
        jobs = [store.add(each) for each in turns for store in stores]
        await asyncio.gather(*jobs)
        for store in stores:
            await all_there(store, turns)
            assert sum(each.turns for each in await store.summaries()) == 200
        assert len({await store.salt() for store in stores}) == 1
        for store in stores:
            await store.aclose()

    asyncio.run(scene())


# Full, locked, gone.


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, nothing grows beyond a size: the system refuses to write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def large(number: int) -> Turn:
    return turn(number, f"c{number}", note="x" * 100_000)


def test_a_disk_that_takes_no_more(path: Path):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        with files_no_larger_than(200_000):
            jobs = [store.add(large(n)) for n in range(2, 12)]
            results = await asyncio.gather(*jobs, return_exceptions=True)
            assert {type(each) for each in results} <= {type(None), StoreError}
            await refused(store.add(large(12)), "turns.db")
            await all_there(store, [turn(1)])
        await keep(store, *map(large, range(2, 13)))
        await all_there(store, [turn(1), *map(large, range(2, 13))])

    in_file(path, scene)


def test_a_full_database_takes_turns_again_once_old_ones_are_forgotten(path: Path, monkeypatch):
    opened = SQLite._open

    def small(self: SQLite, uri: str, deadline: float) -> sqlite3.Connection:
        connection = opened(self, uri, deadline)
        connection.execute("PRAGMA max_page_count=80")
        return connection

    monkeypatch.setattr(SQLite, "_open", small)

    async def scene(store: Store) -> None:
        await keep(store, large(1), large(2))
        await refused(store.add(large(3)), "full")
        await store.add(turn(4))  # a small one has room
        assert await store.expire(2.0) == 1
        await store.add(large(3))
        await all_there(store, [large(2), large(3), turn(4)])

    in_file(path, scene)


def test_a_file_that_another_program_has_locked(path: Path):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await refused(store.add(turn(2)), "locked")
        await asyncio.gather(
            *[refused(store.add(turn(n)), "locked|late") for n in range(2, 300)],
            refused(store.ready(), "locked|late"),
        )
        await all_there(store, [turn(1)])  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        await keep(store, turn(2), turn(300))
        await all_there(store, [turn(1), turn(2), turn(300)])

    in_file(path, scene)


def test_more_than_can_wait_is_refused_at_once(path: Path):
    async def scene(store: Store) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        jobs = [store.add(turn(n)) for n in range(5000)]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert {type(each) for each in results} == {StoreError}
        assert any("behind" in str(each) for each in results)
        other.close()
        await keep(store, turn(1))

    in_file(path, scene)


def test_a_file_that_was_moved_away_and_back(path: Path):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        await all_there(store, [turn(1)])
        path.rename(path.with_name("away"))
        await refused(store.add(turn(2)), "moved or deleted.*put it back")
        await refused(store.find(turn(1).tenant, [b"k"]), "moved or deleted")
        await refused(store.ready(), "moved or deleted")
        assert not path.exists()
        path.with_name("away").rename(path)
        await keep(store, turn(2))
        await all_there(store, [turn(1), turn(2)])

    in_file(path, scene)


def test_a_file_that_was_deleted_is_begun_anew_by_a_restart(path: Path):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        path.unlink()
        await refused(store.add(turn(2)), "restart to begin a new one")

    async def restarted(store: Store) -> None:
        assert await store.summaries() == []
        await keep(store, turn(2))
        await all_there(store, [turn(2)])

    in_file(path, scene)
    in_file(path, restarted)


def test_a_table_that_another_program_has_locked(server: postgresql.Server):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        with postgresql.psycopg.connect(server.url) as other:
            other.execute("LOCK TABLE turns IN ACCESS EXCLUSIVE MODE")
            await asyncio.gather(
                *[refused(store.add(turn(n)), "timeout|late") for n in range(2, 50)],
                refused(store.find(turn(1).tenant, [b"k"]), "timeout|late"),
            )
        await keep(store, turn(2))
        await all_there(store, [turn(1), turn(2)])

    within(server.empty(), scene, deadline=SOON)


def test_a_server_that_restarts_costs_no_turn(server: postgresql.Server):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        await all_there(store, [turn(1)])
        server.stop()
        server.start()
        await all_there(store, [turn(1)])
        await keep(store, turn(2))
        await all_there(store, [turn(1), turn(2)])

    within(server.empty(), scene)


def test_a_server_that_is_gone_for_a_while(server: postgresql.Server):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        server.stop()
        try:
            await asyncio.gather(
                *[refused(store.add(turn(n)), "127.0.0.1|late") for n in range(2, 50)]
            )
            await refused(store.find(turn(1).tenant, [b"k"]), "127.0.0.1|late")
        finally:
            server.start()
        await keep(store, turn(2))
        await all_there(store, [turn(1), turn(2)])

    within(server.empty(), scene, deadline=SOON)


# What cannot be opened at all.


def one_line(url: str, match: str) -> None:
    with pytest.raises(UptakeError, match=match) as raised:
        open_store(url)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("mysql://host/name", "postgresql://"),
        ("sqlite://turns.db", "three slashes"),
        ("", "memory:"),
        ("/proc/nowhere/turns.db", "/proc/nowhere/turns.db.*folder"),
        ("/", "the store /.*folder"),
        ("postgresql://me:secret@127.0.0.1:1/name", "127.0.0.1:1/name.*server up"),
        ("postgresql://127.0.0.1/?nonsense=1", "nonsense"),
    ],
)
def test_a_bad_address_is_one_clear_line(url: str, match: str):
    one_line(url, match)


def test_a_file_is_no_one_elses_to_read(path: Path):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        for each in path.parent.glob("turns.db*"):
            assert each.stat().st_mode & 0o077 == 0

    in_file(path, scene)


def test_no_password_is_told():
    for url in (
        "postgresql://me:secret@127.0.0.1:1/n",
        "postgresql://127.0.0.1:1/n?password=secret",
    ):
        with pytest.raises(UptakeError) as raised:
            open_store(url)
        assert "secret" not in str(raised.value)


def test_a_file_that_is_something_else(path: Path):
    path.write_text("A recipe for soup. " * 100, encoding="utf-8")
    one_line(str(path), "not a database")
    assert path.read_text(encoding="utf-8").startswith("A recipe")


def test_a_store_of_a_later_version(url: str):
    within(url, lambda store: store.ready())
    later = "UPDATE meta SET value = '2' WHERE name = 'version'"
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute(later)
        connection.close()
    else:
        with postgresql.psycopg.connect(url) as connection:
            connection.execute(later)
    one_line(url, "version 2.*upgrade uptake")


def test_psycopg_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "uptake.serve.store.postgres", raising=False)
    one_line("postgresql://host/name", r"uptake\[postgres\]")


def test_a_copy_made_in_use_is_whole(path: Path, tmp_path):
    """WAL: the file and its log beside it are what a backup takes."""

    async def scene(store: Store) -> None:
        await keep(store, *[turn(n, f"c{n}") for n in range(50)])
        for name in ("turns.db", "turns.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")

    async def copied(store: Store) -> None:
        await all_there(store, [turn(n, f"c{n}") for n in range(50)])

    in_file(path, scene)
    (tmp_path / "copy-turns.db-wal").rename(tmp_path / "copy.db-wal")
    in_file((tmp_path / "copy-turns.db").rename(tmp_path / "copy.db"), copied)
