"""A `Problem`: a query over a drawn schema, each clause of which decides what the query gives.

Databases are drawn until, on at least one of them, every mutant of the query (a clause dropped or
contradicted, a bound that includes what it should not, another function) gives something else;
where that does not come about, the whole problem is drawn again.

This module knows nothing of the words a problem is told in, or of replies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from uptake.domains.database.query import LOOSER, Clause, Query
from uptake.domains.database.schema import Field, Schema, draw_schema
from uptake.domains.database.store import Refused, Rows, agree, ask, build, tied
from uptake.domains.database.telling import REMARKS
from uptake.domains.database.themes import THEMES, Table

__all__ = ["Problem", "draw"]

_FEWEST, _MOST, _TRIES = 3, 8, 40
_ROWS = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """A query, what contradicts each of its clauses (None where nothing can), and its databases.

    `data` and `seeds` are what `store.build` makes the databases from.
    """

    schema: Schema
    base: Table
    query: Query
    others: tuple[Clause | None, ...]
    data: dict[str, Any]
    seeds: tuple[int, ...]
    split: str

    @property
    def dropped(self) -> dict[int, Query]:
        """The query less each clause that is needed, by the number of its shard."""
        return {
            i: self.query.without(i - 1)
            for i, clause in enumerate(self.query.clauses, 1)
            if clause.kind != "remark"
        }


def draw(rng: Random, split: str) -> Problem:
    """One problem of the split ("train" or "heldout"). Raises ValueError for another split."""
    if split not in THEMES:
        raise ValueError(f"unknown split {split!r}; choose train or heldout")
    while True:
        schema = draw_schema(rng, rng.choice(THEMES[split]))
        things = schema.theme.tables[:-1]
        base = schema.events if rng.random() < 0.7 else rng.choice(things)
        clauses = _clauses(rng, schema, base)
        query = Query(base.plural, schema.key(base.plural), schema.joins, tuple(clauses))
        others = tuple(_other(rng, schema, base, query, clause) for clause in clauses)
        often = {
            (c.table, c.column): c.value
            for c in clauses
            if c.kind == "filter" and c.value is not None
        }
        data = schema.to_json(often)
        mutants = {query.sql for query in _mutants(schema, base, query, others)}
        seeds = _seeds(data, query, mutants - {query.sql}, rng.randrange(10**6))
        if seeds is not None:
            query, others = _remark(rng, split, query, others)
            return Problem(schema, base, query, others, data, seeds, split)


def _clauses(rng: Random, schema: Schema, base: Table) -> list[Clause]:
    """Between two and six clauses that go together, in telling order."""
    reach = schema.reach(base)
    shape = rng.choice(("list", "list", "figure", "group", "distinct"))
    head: list[Clause] = []
    tail: list[Clause] = []
    taken: list[Field] = []
    if shape == "figure":
        head.append(_aggregate(rng, schema, base))
    elif shape == "group":
        by = rng.choice([f for f in reach if f.kind == "text" or _names_another(f, base)])
        taken.append(by)
        head += [_of("group", by), _aggregate(rng, schema, base)]
        if rng.random() < 0.4:
            tail.append(Clause("having", value=rng.randint(2, 5)))
        tail += _ordering(rng, None)
    elif shape == "distinct":
        shown = rng.sample([f for f in reach if f.kind == "text"], 1)
        taken += shown
        head += [*(_of("show", field) for field in shown), Clause("distinct")]
    else:
        # The first column names the row, so that no row comes twice and DISTINCT changes nothing.
        first = next((f for f in schema.fields[base.plural] if f.kind == "label"), reach[0])
        more = [f for f in reach if f.kind != "id" and f != first]
        shown = [first, *rng.sample(more, rng.choice((0, 1, 1, 2)))]
        head += [_of("show", field) for field in shown]
        numbers = [f for f in reach if f.kind == "number" and f not in shown]
        if numbers and rng.random() < 0.5:
            by = rng.choice(numbers)
            taken.append(by)
            tail += _ordering(rng, by)
    return head + _filters(rng, schema, base, taken, 6 - len(head) - len(tail)) + tail


def _names_another(field: Field, base: Table) -> bool:
    """Whether it names rows of another table: the base's own name would make groups of one."""
    return field.kind == "label" and field.table != base


def _of(kind: str, field: Field, op: str = "", value: str | int | None = None) -> Clause:
    return Clause(kind, field.table.plural, field.name, op, value)


def _aggregate(rng: Random, schema: Schema, base: Table) -> Clause:
    fields = [f for f in schema.fields[base.plural] if f.kind == "number"]
    if rng.random() < 0.3:
        return Clause("aggregate", op="COUNT")
    return _of("aggregate", rng.choice(fields), rng.choice(_functions(base)))


def _functions(base: Table) -> tuple[str, ...]:
    """Nobody adds up the years of birth of customers: sums are of events."""
    return ("AVG", "SUM", "MIN", "MAX") if base.refs else ("AVG", "MIN", "MAX")


def _ordering(rng: Random, by: Field | None) -> list[Clause]:
    if by is None and rng.random() < 0.4:
        return []
    direction = rng.choice(("DESC", "ASC"))
    order = Clause("order", op=direction) if by is None else _of("order", by, direction)
    limit = [Clause("limit", value=rng.randint(1, 3))] if rng.random() < 0.5 else []
    return [order, *limit]


def _filters(
    rng: Random, schema: Schema, base: Table, taken: Sequence[Field], most: int
) -> list[Clause]:
    """One to three filters, no two of a column, and none on the columns `taken`."""
    found: list[Clause] = []
    for join in schema.joins:
        if join.parent == base.plural and most > 0 and rng.random() < 0.6:
            op = rng.choice(("NOT IN", "IN"))
            found.append(Clause("related", join.child, join.column, op))
    fields = [f for f in schema.reach(base) if f.kind in ("text", "number") and f not in taken]
    count = min(rng.choice((1, 2, 2, 3)), most, len(fields)) - len(found)
    return [_filter(rng, field) for field in rng.sample(fields, max(count, 0))] + found


def _filter(rng: Random, field: Field) -> Clause:
    if field.kind == "text":
        return _of("filter", field, "=", rng.choice(field.values))
    low, high = field.column.low, field.column.high
    third = (high - low) // 3
    op = rng.choice((">", ">=", "<", "<=", "="))
    return _of("filter", field, op, rng.randint(low + max(third, 1), high - max(third, 1)))


def _other(rng: Random, schema: Schema, base: Table, query: Query, clause: Clause) -> Clause | None:
    """A clause that settles the same with another value, None where there is none."""
    kind = clause.kind
    if kind == "filter":
        field = schema.field(clause.table, clause.column)
        if field.kind == "text":
            values = [value for value in field.values if value != clause.value]
            return replace(clause, value=rng.choice(values))
        values = range(field.column.low + 1, field.column.high)
        return replace(clause, value=rng.choice([v for v in values if v != clause.value]))
    if kind in ("show", "group"):
        used = {(c.table, c.column) for c in query.clauses}
        kinds = ("text", "label") if kind == "group" or query.of("distinct") else ("text", "number")
        fields = [f for f in schema.reach(base) if f.kind in kinds]
        free = [f for f in fields if (f.table.plural, f.name) not in used]
        return _of(kind, rng.choice(free)) if free else None
    if kind == "aggregate":
        if clause.op == "COUNT":
            number = next(f for f in schema.fields[base.plural] if f.kind == "number")
            return _of(kind, number, "AVG")
        return replace(clause, op=rng.choice([f for f in _functions(base) if f != clause.op]))
    if kind == "order":
        return replace(clause, op="ASC" if clause.op == "DESC" else "DESC")
    if kind == "related":
        return replace(clause, op="IN" if clause.op == "NOT IN" else "NOT IN")
    if kind in ("having", "limit"):
        return replace(clause, value=int(clause.value or 0) + 1)
    return None


def _mutants(
    schema: Schema, base: Table, query: Query, others: Sequence[Clause | None]
) -> Iterator[Query]:
    """The query with one thing wrong, for everything that may be wrong."""
    for i, (clause, other) in enumerate(zip(query.clauses, others, strict=True)):
        yield query.without(i)
        if other is not None:
            yield query.changed(i, other)
        if clause.kind == "filter" and isinstance(clause.value, int):
            yield query.changed(i, replace(clause, op=LOOSER[clause.op]))
        if clause.kind == "aggregate" and clause.op != "COUNT":
            for function in (*_functions(base), "COUNT"):
                yield query.changed(i, replace(clause, op=function))


def _seeds(
    data: dict[str, Any], query: Query, mutants: set[str], first: int
) -> tuple[int, ...] | None:
    """Databases on which the query gives clear rows, and on which no mutant does the same."""
    seeds: list[int] = []
    alive = set(mutants)
    for seed in range(first, first + _TRIES):
        with closing(build(data, seed)) as db:
            gold = ask(db, query.sql, _ROWS)
            if not gold or any(value is None for row in gold for value in row):
                continue
            if query.ordered and tied(ask(db, query.order_sql, _ROWS)):
                continue
            killed = {
                sql for sql in alive if not agree([gold], [_given(db, sql)], ordered=query.ordered)
            }
        if len(seeds) < _FEWEST or killed:
            seeds.append(seed)
            alive -= killed
        if not alive and len(seeds) >= _FEWEST:
            return tuple(seeds)
        if len(seeds) == _MOST:
            return None
    return None


def _given(db: Any, sql: str) -> Rows:
    try:
        return ask(db, sql, _ROWS)
    except Refused:
        return []


def _remark(
    rng: Random, split: str, query: Query, others: tuple[Clause | None, ...]
) -> tuple[Query, tuple[Clause | None, ...]]:
    """At times, somewhere among the clauses, one that decides nothing."""
    if rng.random() < 0.75:
        return query, others
    at = rng.randint(0, len(others))
    said, other = (Clause("remark", value=value) for value in rng.sample(REMARKS[split], 2))
    clauses = (*query.clauses[:at], said, *query.clauses[at:])
    return replace(query, clauses=clauses), (*others[:at], other, *others[at:])
