"""What is forgotten, and what has to stay: a turn stays as long as any conversation's line has it.

This module knows nothing of when anything is to be forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from uptake.serve.store.tables import Database

__all__ = ["delete", "expired"]


def expired(db: Database, before: float) -> list[tuple[str, str]]:
    """Tenant and conversation of each whose last turn is older than `before`, oldest first."""
    sql = "SELECT tenant, conversation FROM conversations WHERE at < ? ORDER BY at"
    return [(row[0], row[1]) for row in db.execute(sql, (before,)).fetchall()]


def delete(db: Database, tenant: str, conversation: str, before: float = math.inf) -> int:
    """Forget a conversation: the turns that only it holds, and what was put right in them.

    Turns that another conversation goes on from stay until that one goes. What a thread's last
    conversation leaves of its amendments goes with it. One that went on at `before` or later stays.
    Returns how many turns went.
    """
    sql = "DELETE FROM conversations WHERE tenant = ? AND conversation = ? AND at < ?"
    if db.execute(sql, (tenant, conversation, before)).rowcount == 0:
        return 0
    gone = 0
    waiting = {conversation}
    while waiting:
        count, more = _prune(db, tenant, waiting.pop())
        gone += count
        waiting |= more
    return gone


def _prune(db: Database, tenant: str, conversation: str) -> tuple[int, set[str]]:
    """Delete what no other conversation needs of one that is no longer listed.

    Returns how many turns that were, and the forgotten conversations that they hung on: what those
    had kept for their sake may go now.
    """
    sql = "SELECT id, parent, thread FROM turns WHERE tenant = ? AND conversation = ?"
    found = db.execute(sql, (tenant, conversation)).fetchall()
    rows = {turn: (parent, thread) for turn, parent, thread in found}
    sql = (
        "SELECT DISTINCT older.id FROM turns AS older JOIN turns AS newer "
        "ON newer.tenant = older.tenant AND newer.parent = older.id "
        "AND newer.conversation <> older.conversation "
        "WHERE older.tenant = ? AND older.conversation = ?"
    )
    needed: set[str] = set()
    for (held,) in db.execute(sql, (tenant, conversation)).fetchall():
        while held in rows and held not in needed:
            needed.add(held)
            held = rows[held][0]
    going = {turn: rows[turn] for turn in rows.keys() - needed}
    for turn, (_, thread) in going.items():
        db.execute("DELETE FROM turns WHERE tenant = ? AND id = ?", (tenant, turn))
        if thread is not None:
            sql = "DELETE FROM amendments WHERE tenant = ? AND thread = ? AND after = ?"
            db.execute(sql, (tenant, thread, turn))
    for thread in {thread for _, thread in rows.values() if thread is not None}:
        _forget_thread(db, tenant, thread)
    outside = [parent for parent, _ in going.values() if parent is not None and parent not in rows]
    return len(going), _forgotten(db, tenant, outside)


def _forget_thread(db: Database, tenant: str, thread: str) -> None:
    """Delete a thread's amendments where no conversation of it is listed."""
    sql = (
        "DELETE FROM amendments WHERE tenant = ? AND thread = ? AND NOT EXISTS "
        "(SELECT 1 FROM conversations WHERE tenant = ? AND thread = ?)"
    )
    db.execute(sql, (tenant, thread, tenant, thread))


def _forgotten(db: Database, tenant: str, turns: Iterable[str]) -> set[str]:
    """The conversations, no longer listed, that these turns belong to."""
    sql = (
        "SELECT conversation FROM turns WHERE tenant = ? AND id = ? AND NOT EXISTS "
        "(SELECT 1 FROM conversations WHERE conversations.tenant = turns.tenant "
        "AND conversations.conversation = turns.conversation)"
    )
    rows = (db.execute(sql, (tenant, turn)).fetchone() for turn in turns)
    return {row[0] for row in rows if row is not None}
