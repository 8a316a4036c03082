"""Databases that can be asked and nothing else: built from a schema and a seed, sealed, run in.

A sealed database lives in memory and answers one SELECT at a time. An authorizer refuses whatever
is not reading (no write, ATTACH or PRAGMA, and plain functions only), limits bound the length of
every value, a count of steps bounds the work, and only as many rows are fetched as are asked for.
The count is the same on every machine; beside it, processor time bounds the few functions whose
single step is slow.

This module knows nothing of requests, or of which query is right.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations
from random import Random
from time import thread_time
from typing import Any

__all__ = ["Refused", "Rows", "agree", "ask", "build", "create", "tied"]

Rows = list[tuple[Any, ...]]
"""What a query gives: one tuple a row."""

_STEPS, _TICKS = 1_000, 400
_SECONDS = 3.0
_COPIES = 200
_WIDEST = 6

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 2_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
# Not those that make long values (printf spends minutes on one call) or another value each time.
_FUNCTIONS = frozenset(
    """abs avg cast ceil ceiling coalesce concat count cume_dist date datetime dense_rank exp
    first_value floor glob group_concat ifnull iif instr julianday lag last_value lead length like
    ln log lower ltrim max median min mod nth_value ntile nullif percent_rank pow power rank replace
    round row_number rtrim sign sqrt strftime string_agg substr substring sum time total trim trunc
    typeof unixepoch upper""".split()
)

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\w+|[^\s\w]""",
    re.DOTALL,
)


class Refused(Exception):
    """A query errs, does more than read, or takes more than it may."""


def create(schema: Mapping[str, Any]) -> list[str]:
    """The CREATE TABLE statements of a schema, tables that others refer to first."""
    return [_create(table) for table in schema["tables"]]


def _create(table: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for column in table["columns"]:
        kind, name = column["kind"], column["name"]
        if kind == "id":
            lines.append(f"  {name} INTEGER PRIMARY KEY")
        elif kind == "ref":
            target, key = column["table"], column["key"]
            lines.append(f"  {name} INTEGER NOT NULL REFERENCES {target}({key})")
        else:
            lines.append(f"  {name} {'INTEGER' if kind == 'number' else 'TEXT'} NOT NULL")
    return f"CREATE TABLE {table['name']} (\n" + ",\n".join(lines) + "\n);"


def build(schema: Mapping[str, Any], seed: int) -> sqlite3.Connection:
    """The database of that schema and seed, filled and sealed; close it after use.

    Raises KeyError, TypeError, ValueError or sqlite3.Error for a schema that is none.
    """
    db = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    try:
        sizes = {table["name"]: int(table["rows"]) for table in schema["tables"]}
        for table in schema["tables"]:
            rng = Random(f"{table['name']}/{seed}")
            db.execute(_create(table))
            marks = ", ".join("?" * len(table["columns"]))
            filled = [_fill(column, sizes, table, rng) for column in table["columns"]]
            rows = list(zip(*filled, strict=True))
            db.executemany(f"INSERT INTO {table['name']} VALUES ({marks})", rows)
    except BaseException:
        db.close()
        raise
    for limit, most in _LIMITS.items():
        db.setlimit(limit, most)
    db.execute("PRAGMA query_only = ON")
    db.set_authorizer(_authorize)
    return db


def _fill(
    column: Mapping[str, Any], sizes: Mapping[str, int], table: Mapping[str, Any], rng: Random
) -> list[Any]:
    """The values of a column, one a row. `often` is a value that comes up more than others."""
    n, kind, often = int(table["rows"]), column["kind"], column.get("often")
    if kind == "id":
        return list(range(1, n + 1))
    if kind == "ref":
        return [rng.randint(1, sizes[column["table"]]) for _ in range(n)]
    if kind == "label":
        return rng.sample(list(column["values"]), n)
    if kind == "text":
        values = list(column["values"])
        return [often if often and rng.random() < 0.4 else rng.choice(values) for _ in range(n)]
    low, high = int(column["low"]), int(column["high"])
    near = [] if often is None else [often, often, often - 1, often + 1]
    return [
        min(max(rng.choice(near), low), high)
        if near and rng.random() < 0.3
        else rng.randint(low, high)
        for _ in range(n)
    ]


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    function = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS
    return sqlite3.SQLITE_OK if action in _READS or function else sqlite3.SQLITE_DENY


def ask(db: sqlite3.Connection, sql: str, most: int) -> Rows:
    """The first `most` rows of one query. Raises Refused."""
    if _copies(sql) > _COPIES:
        raise Refused("its common table expressions multiply")
    ticks, deadline = 0, thread_time() + _SECONDS

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return int(ticks > _TICKS or thread_time() > deadline)

    db.set_progress_handler(tick, _STEPS)
    try:
        cursor = db.execute(sql)
        if cursor.description is None:
            raise Refused("it is no query")
        return cursor.fetchmany(most)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError) as error:
        raise Refused(str(error)) from None
    finally:
        db.set_progress_handler(None, 0)


def _copies(sql: str) -> int:
    """How often SQLite may copy a common table expression while it reads the query.

    It copies one for each use, those inside too, before any limit looks: twenty that each use the
    one before twice would make a million.
    """
    tokens = [t.strip('"`[]').lower() for t in _TOKEN.findall(sql) if t[:2] not in ("--", "/*")]
    used = Counter(tokens)
    copies = 1
    for name in {_defined(tokens, at) for at, token in enumerate(tokens) if token == "as"}:
        copies *= max(1, used[name] - 1)
    return copies


def _defined(tokens: Sequence[str], at: int) -> str:
    """The name before AS, its list of columns passed over; "" where AS opens no bracket."""
    after = [t for t in tokens[at + 1 : at + 4] if t not in ("not", "materialized")]
    if after[:1] != ["("]:
        return ""
    at -= 1
    if at >= 0 and tokens[at] == ")":
        while at > 0 and tokens[at] != "(":
            at -= 1
        at -= 1
    return tokens[at] if at >= 0 else ""


def agree(gold: Sequence[Rows], given: Sequence[Rows], *, ordered: bool) -> bool:
    """Whether two queries gave the same rows on every database, in one order of the columns.

    Rows are compared as a multiset unless `ordered`; numbers to nine significant digits, so that
    5 is 5.0; the names of the columns do not count.
    """
    widths = {len(row) for rows in (*gold, *given) for row in rows}
    if len(widths) > 1 or [len(rows) for rows in gold] != [len(rows) for rows in given]:
        return False
    width = max(widths, default=0)
    orders = permutations(range(width)) if width <= _WIDEST else [range(width)]
    wanted = [_plain(rows, range(width), ordered) for rows in gold]
    return any(
        all(_plain(rows, order, ordered) == want for rows, want in zip(given, wanted, strict=True))
        for order in orders
    )


def tied(keys: Rows) -> bool:
    """Whether two rows are ordered by one value, to nine digits: then either may come first."""
    return len({f"{key:.9g}" for (key,) in keys}) < len(keys)


def _plain(rows: Rows, order: Sequence[int], ordered: bool) -> object:
    found = [tuple(_value(row[i]) for i in order) for row in rows]
    return found if ordered else Counter(found)


def _value(value: Any) -> Any:
    return float(f"{value:.9g}") if isinstance(value, int | float) else value
