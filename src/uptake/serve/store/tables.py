"""The store's tables, and every statement on them: the same for SQLite and PostgreSQL.

Three tables and a fourth for the store itself: `turns` (what is asked for by column, the rest as
JSON in `body`), `conversations` (one line a conversation, kept in step so that the list is quick),
`amendments`, `meta` (the schema's version, the salt). All values are parameters, written `?`.

Words that a person or a model wrote are kept as ASCII JSON, since a lone surrogate or a NUL is
good JSON but no database's text.

This module knows nothing of connections, threads or transactions: a function here is a few
statements, and who calls it gives the transaction around them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from uptake.errors import UptakeError
from uptake.serve.records import Amendment, Turn

__all__ = [
    "TURN",
    "VERSION",
    "Database",
    "Result",
    "add",
    "add_would",
    "amend",
    "amendments",
    "children",
    "columns",
    "create",
    "find",
    "latest",
    "line",
    "parameters",
    "ready",
    "salt",
    "to_turn",
]

VERSION = 1
FIRST = 200
"""How many characters of a user's first words a list shows."""
SOUGHT = 1000
"""How many of them a search reads."""
AT_ONCE = 50
"""How many keys one statement looks for."""


class Result(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...


class Database(Protocol):
    """A connection: one statement at a time, its parameters written `?`."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Result:
        """Run one statement."""
        ...


# Ids compare by their bytes, in whatever language the database sorts: {id} is such a text.
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS turns (
  id {id} NOT NULL, tenant {id} NOT NULL, thread {id}, conversation {id} NOT NULL, parent {id},
  asked {bytes} NOT NULL, key {bytes} NOT NULL, at {real} NOT NULL,
  arm TEXT NOT NULL, state TEXT NOT NULL, move TEXT NOT NULL, repair INTEGER NOT NULL,
  prompt_tokens {int}, completion_tokens {int}, ms {real} NOT NULL, seconds {real} NOT NULL,
  would TEXT, body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX IF NOT EXISTS turns_key ON turns (tenant, key, id);
CREATE INDEX IF NOT EXISTS turns_parent ON turns (tenant, parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS turns_thread ON turns (tenant, thread, id) WHERE thread IS NOT NULL;
CREATE INDEX IF NOT EXISTS turns_conversation ON turns (conversation, id);
CREATE TABLE IF NOT EXISTS conversations (
  conversation {id} NOT NULL, tenant {id} NOT NULL, thread {id},
  first TEXT NOT NULL, sought TEXT NOT NULL, turns INTEGER NOT NULL,
  started {real} NOT NULL, at {real} NOT NULL, last {id} NOT NULL,
  PRIMARY KEY (conversation, tenant)
);
CREATE INDEX IF NOT EXISTS conversations_last ON conversations (last);
CREATE INDEX IF NOT EXISTS conversations_thread ON conversations (tenant, thread)
  WHERE thread IS NOT NULL;
CREATE TABLE IF NOT EXISTS amendments (
  id {id} NOT NULL, tenant {id} NOT NULL, thread {id} NOT NULL, after {id} NOT NULL,
  entry INTEGER NOT NULL, words TEXT, at {real} NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX IF NOT EXISTS amendments_thread ON amendments (tenant, thread, id);
"""

COLUMNS = (
    "id tenant thread conversation parent asked key at arm state move "
    "prompt_tokens completion_tokens ms seconds would body"
).split()
BODY = "surface model said reply why form alternatives sent changes topics analyst note tokens"
BODY_FIELDS = BODY.split()


def columns(table: str) -> str:
    """The columns that `to_turn` reads, of a table or what stands for it."""
    return ", ".join(f"{table}.{name}" for name in COLUMNS)


TURN = f"SELECT {columns('turns')} FROM turns"

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


# The store itself.


def create(db: Database, where: str, types: dict[str, str]) -> None:
    """Make the tables where there are none, in the caller's transaction.

    Raises UptakeError for tables of a later version than this code knows.
    """
    db.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    row = db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
    if row is not None and int(row[0]) > VERSION:
        raise UptakeError(
            f"the store {where} is of version {row[0]}, made by a newer uptake; this one knows "
            f"version {VERSION}: upgrade uptake, or name another store"
        )
    for statement in SCHEMA.format_map(types).split(";"):
        if statement.strip():
            db.execute(statement)
    kept = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
    db.execute(kept, ("version", str(VERSION)))
    db.execute(kept, ("salt", secrets.token_hex(32)))
    db.execute(kept, ("ready", "0"))


def salt(db: Database) -> bytes:
    """32 bytes drawn when the store was made."""
    row = db.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()
    return bytes.fromhex(row[0])


def ready(db: Database) -> None:
    """A write like any other: fails where a turn would."""
    db.execute("UPDATE meta SET value = '1' WHERE name = 'ready'")


# Turns.


def parameters(turn: Turn) -> tuple[Any, ...]:
    """A turn as the values of its row, and the words that its conversation would begin with.

    Raises TypeError or ValueError where it holds what JSON cannot.
    """
    repair = any(
        change.get("kind") in ("correction", "withdrawal") or change.get("status") == "pending"
        for change in turn.changes
    )
    return (
        turn.id,
        turn.tenant,
        turn.thread,
        turn.conversation,
        turn.parent,
        turn.asked,
        turn.key,
        turn.at,
        turn.arm,
        turn.state,
        turn.move,
        turn.prompt_tokens,
        turn.completion_tokens,
        turn.ms,
        turn.seconds,
        None if turn.would is None else _encode(turn.would),
        _encode({name: getattr(turn, name) for name in BODY_FIELDS}),
        int(repair),
    )


INSERT = (
    f"INSERT INTO turns ({', '.join(COLUMNS)}, repair) "
    f"VALUES ({', '.join('?' * (len(COLUMNS) + 1))}) ON CONFLICT (tenant, id) DO NOTHING"
)
GREW = """
UPDATE conversations SET turns = turns + 1,
  at = CASE WHEN ? > at THEN ? ELSE at END, last = CASE WHEN ? > last THEN ? ELSE last END
WHERE tenant = ? AND conversation = ?
"""
BEGAN = """
INSERT INTO conversations
  (conversation, tenant, thread, first, sought, turns, started, at, last)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (conversation, tenant) DO UPDATE SET turns = conversations.turns + 1,
  at = CASE WHEN excluded.at > conversations.at THEN excluded.at ELSE conversations.at END,
  last = CASE WHEN excluded.last > conversations.last THEN excluded.last ELSE conversations.last END
"""


def add(db: Database, turn: Turn, values: Sequence[Any]) -> None:
    """Keep a turn with its `parameters`; nothing where its tenant has one of that id."""
    if db.execute(INSERT, values).rowcount != 1:
        return
    grew = (turn.at, turn.at, turn.id, turn.id, turn.tenant, turn.conversation)
    if db.execute(GREW, grew).rowcount == 1:
        return
    # A branch begins where its root does, and is as long as its line.
    before = line(db, turn.tenant, turn.parent) if turn.parent is not None else []
    root = before[0] if before else turn
    first = _words(root)
    sought = f"{turn.thread or ''}\n{first}".casefold()
    began = (turn.conversation, turn.tenant, turn.thread, first[:FIRST], sought)
    db.execute(BEGAN, (*began, len(before) + 1, root.at, turn.at, turn.id))


def _words(turn: Turn) -> str:
    """What a user said first, as text that any database takes."""
    for message in turn.said:
        if message.get("role") == "user":
            text = _text(message.get("content"))[:SOUGHT].replace("\0", "�")
            return text.encode("utf-8", "replace").decode("utf-8")
    return ""


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, list | tuple):
        return ""
    parts = cast(Sequence[Mapping[str, Any]], content)
    texts = [part.get("text") for part in parts if hasattr(part, "get")]
    return "\n".join(text for text in texts if isinstance(text, str)).strip()


def to_turn(row: Sequence[Any]) -> Turn:
    """A turn from its row: the `columns`, in order."""
    # Named one by one: this is most of what a look-up costs.
    (id_, tenant, thread, conversation, parent, asked, key, at, arm, state, move) = row[:11]
    (prompt_tokens, completion_tokens, ms, seconds, would, body) = row[11:]
    rest = json.loads(body)
    sent = rest["sent"]
    return Turn(
        id=id_,
        tenant=tenant,
        thread=thread,
        conversation=conversation,
        parent=parent,
        asked=asked,
        key=key,
        at=at,
        surface=rest["surface"],
        model=rest["model"],
        arm=arm,
        state=state,
        said=tuple(rest["said"]),
        reply=rest["reply"],
        move=move,
        why=rest["why"],
        form=rest["form"],
        alternatives=tuple([(move, why) for move, why in rest["alternatives"]]),
        sent=None if sent is None else tuple(sent),
        would=None if would is None else json.loads(would),
        changes=tuple(rest["changes"]),
        topics=tuple(rest["topics"]),
        analyst=rest["analyst"],
        note=rest["note"],
        ms=ms,
        tokens=rest["tokens"],
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        seconds=seconds,
    )


def add_would(db: Database, tenant: str, turn: str, would: str) -> None:
    """Keep what a shadow would have said; nothing where there is no such turn."""
    values = (_encode(would), tenant, turn)
    db.execute("UPDATE turns SET would = ? WHERE tenant = ? AND id = ?", values)


BY_KEY = f"{TURN} WHERE tenant = ? AND key = ? ORDER BY id DESC LIMIT 1"


def find(db: Database, tenant: str, keys: Sequence[bytes]) -> Turn | None:
    """The newest turn of the first key that any turn has."""
    if not keys:
        return None
    # The first is nearly always there.
    row = db.execute(BY_KEY, (tenant, keys[0])).fetchone()
    if row is not None:
        return to_turn(row)
    for start in range(1, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        row = db.execute(_of_any(len(some)), [v for key in some for v in (tenant, key)]).fetchone()
        if row is not None:
            return _of(db, tenant, row[1])
    return None


def _of_any(count: int) -> str:
    """The newest turn's id of each of some keys, the earliest key first."""
    one = "SELECT id FROM turns WHERE tenant = ? AND key = ? ORDER BY id DESC LIMIT 1"
    every = (f"SELECT {n} AS n, id FROM ({one}) AS k{n}" for n in range(count))
    return " UNION ALL ".join(every) + " ORDER BY n LIMIT 1"


def _of(db: Database, tenant: str, turn: str) -> Turn | None:
    row = db.execute(f"{TURN} WHERE tenant = ? AND id = ?", (tenant, turn)).fetchone()
    return None if row is None else to_turn(row)


def children(db: Database, tenant: str, turn: str) -> int:
    """How many turns go on from this one."""
    sql = "SELECT count(*) FROM turns WHERE tenant = ? AND parent = ?"
    return db.execute(sql, (tenant, turn)).fetchone()[0]


def latest(db: Database, tenant: str, thread: str) -> Turn | None:
    """The newest turn of a thread."""
    sql = f"{TURN} WHERE tenant = ? AND thread = ? ORDER BY id DESC LIMIT 1"
    row = db.execute(sql, (tenant, thread)).fetchone()
    return None if row is None else to_turn(row)


# UNION, not UNION ALL: turns that claim to go on from each other end it, too.
LINE = f"""
WITH RECURSIVE line (id, parent) AS (
  SELECT id, parent FROM turns WHERE tenant = ? AND id = ?
  UNION
  SELECT older.id, older.parent FROM turns AS older JOIN line ON older.id = line.parent
  WHERE older.tenant = ?
)
SELECT {columns("turns")} FROM line JOIN turns ON turns.id = line.id WHERE turns.tenant = ?
"""


def line(db: Database, tenant: str, turn: str) -> list[Turn]:
    """The turns from the root to this one, as far back as they are kept."""
    rows = db.execute(LINE, (tenant, turn, tenant, tenant)).fetchall()
    left = {each.id: each for each in map(to_turn, rows)}
    found: list[Turn] = []
    at: str | None = turn
    while at is not None and (each := left.pop(at, None)) is not None:
        found.append(each)
        at = each.parent
    return found[::-1]


# Amendments.


def amend(db: Database, amendment: Amendment) -> None:
    """Keep an amendment; nothing where its tenant has one of that id."""
    sql = (
        "INSERT INTO amendments (id, tenant, thread, after, entry, words, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING"
    )
    a = amendment
    words = None if a.words is None else _encode(a.words)
    db.execute(sql, (a.id, a.tenant, a.thread, a.after, a.entry, words, a.at))


def amendments(db: Database, tenant: str, thread: str) -> list[Amendment]:
    """What was put right in a thread, in order."""
    sql = (
        "SELECT id, tenant, thread, after, entry, words, at FROM amendments "
        "WHERE tenant = ? AND thread = ? ORDER BY id"
    )
    rows = db.execute(sql, (tenant, thread)).fetchall()
    return [
        Amendment(*row[:5], words=None if row[5] is None else json.loads(row[5]), at=row[6])
        for row in rows
    ]
