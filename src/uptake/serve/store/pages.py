"""What the dashboard asks of the tables: every tenant's conversations.

This module knows nothing of what the pages look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uptake.serve.records import ArmCount, Summary, Turn
from uptake.serve.store.tables import TURN, Database, columns, line, to_turn

__all__ = ["arms", "forks", "summaries", "turns"]

AT_ONCE = 500
"""How many turns one statement looks for the children of."""


def summaries(db: Database, limit: int, before: str | None, search: str) -> list[Summary]:
    """Conversations, latest first."""
    head = "c.conversation, c.tenant, c.thread, c.first, c.turns, c.started"
    sql = (
        f"SELECT {head}, {columns('turns')} FROM conversations AS c "
        "JOIN turns ON turns.tenant = c.tenant AND turns.id = c.last WHERE 1 = 1"
    )
    values: list[Any] = []
    if before is not None:
        sql += " AND c.last < ?"
        values.append(before)
    if search.strip():
        sql += " AND c.sought LIKE ? ESCAPE '!'"
        values.append(f"%{_escaped(search.strip().casefold())}%")
    sql += " ORDER BY c.last DESC LIMIT ?"
    rows = db.execute(sql, (*values, limit)).fetchall()
    return [Summary(*row[:6], last=to_turn(row[6:])) for row in rows]


def _escaped(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")


def turns(db: Database, conversation: str) -> list[Turn]:
    """The line of a conversation's newest turn."""
    sql = "SELECT tenant, last FROM conversations WHERE conversation = ? ORDER BY last DESC LIMIT 1"
    row = db.execute(sql, (conversation,)).fetchone()
    return [] if row is None else line(db, *row)


def forks(db: Database, tenant: str, turns: Sequence[str]) -> list[Turn]:
    """The turns that go on from any of these, oldest first."""
    found: list[Turn] = []
    for start in range(0, len(turns), AT_ONCE):
        some = turns[start : start + AT_ONCE]
        places = ", ".join("?" * len(some))
        sql = f"{TURN} WHERE tenant = ? AND parent IN ({places})"
        found += map(to_turn, db.execute(sql, (tenant, *some)).fetchall())
    return sorted(found, key=lambda turn: turn.id)


ARMS = """
SELECT arm, count(DISTINCT tenant || ' ' || conversation), count(*),
  sum(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), sum(repair),
  coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), avg(ms), avg(seconds)
FROM turns WHERE at >= ? GROUP BY arm ORDER BY arm
"""


def arms(db: Database, since: float) -> list[ArmCount]:
    """What each arm came to."""
    moves: dict[str, dict[str, int]] = {}
    sql = (
        "SELECT arm, move, count(*) FROM turns WHERE at >= ? GROUP BY arm, move ORDER BY arm, move"
    )
    for arm, move, count in db.execute(sql, (since,)).fetchall():
        moves.setdefault(arm, {})[move] = count
    return [
        ArmCount(
            arm=arm,
            conversations=conversations,
            turns=count,
            failed=failed,
            repairs=repairs,
            moves=moves.get(arm, {}),
            prompt_tokens=int(prompt),
            completion_tokens=int(completion),
            ms=ms,
            seconds=seconds,
        )
        for arm, conversations, count, failed, repairs, prompt, completion, ms, seconds in (
            db.execute(ARMS, (since,)).fetchall()
        )
    ]
