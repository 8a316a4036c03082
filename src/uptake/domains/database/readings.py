"""A problem where one of its clauses is another, or is taken back: the query that is then right.

A query is only given where it has one clear result on every database of the problem. That it
differs from the problem's own query is seen to when the databases are drawn (`problem`).

This module knows nothing of words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager

from uptake.domains.database.problem import Problem
from uptake.domains.database.query import Query
from uptake.domains.database.store import Refused, ask, build, tied

__all__ = ["Reading", "gaps", "readings"]

Reading = tuple[Query | None, Query | None]
"""The query where a clause's other value holds, and the query without the clause."""

_ROWS = 500


def readings(problem: Problem) -> list[Reading]:
    """For each clause in order, what is right in its place; None where nothing clearly is."""
    with _databases(problem) as databases:

        def clear(query: Query | None) -> Query | None:
            return query if query is not None and _clear(query, databases) else None

        return [
            (clear(_changed(problem, i)), clear(_withdrawn(problem.query, i)))
            for i in range(len(problem.query.clauses))
        ]


def gaps(query: Query) -> list[int]:
    """The clauses without which the rest of the request is plainly not all of it.

    A query must show or compute something; a group or a limit says that more was meant. That a
    filter, one column of several or an order was left unsaid, nobody can notice.
    """
    found: list[int] = []
    for i, clause in enumerate(query.clauses):
        rest = query.without(i)
        noticed = {
            "show": not rest.of("show"),
            "aggregate": True,
            "group": bool(rest.of("having") or rest.of("order")),
            "order": bool(rest.of("limit")),
        }
        if noticed.get(clause.kind, False):
            found.append(i)
    return found


def _changed(problem: Problem, index: int) -> Query | None:
    """The query with a clause's other value."""
    clause, other = problem.query.clauses[index], problem.others[index]
    if clause.kind == "remark":
        return problem.query
    if clause.kind == "distinct":
        return problem.query.without(index)
    # Another column to show may as well be one more.
    if other is None or clause.kind == "show":
        return None
    return problem.query.changed(index, other)


def _withdrawn(query: Query, index: int) -> Query | None:
    """The query less one clause; None where that has no right answer of its own."""
    clause, rest = query.clauses[index], query.without(index)
    if clause.kind == "remark":
        return query
    lost = {
        "show": not rest.of("show"),  # then there is nothing to show
        "aggregate": True,  # nor to compute
        "group": bool(rest.of("having") or rest.of("order")),  # what they said was of groups
        "order": True,  # what is sorted all the same is no mistake
    }
    return None if lost.get(clause.kind, False) else rest


@contextmanager
def _databases(problem: Problem) -> Generator[list[sqlite3.Connection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(build(problem.data, s))) for s in problem.seeds]


def _clear(query: Query, databases: Sequence[sqlite3.Connection]) -> bool:
    """Whether it gives rows on some database, none of them unknown, in one order if in any."""
    found = False
    for db in databases:
        try:
            rows = ask(db, query.sql, _ROWS)
            if any(value is None for row in rows for value in row):
                return False
            if query.ordered and tied(ask(db, query.order_sql, _ROWS)):
                return False
        except Refused:
            return False
        found = found or bool(rows)
    return found
