"""Text-to-SQL requests, generated without end; the verifier runs what a reply commits to.

Every clause of a query is one shard with its value and another value that contradicts it, and the
databases it is checked on are such that each clause decides the result. Training and held-out
requests differ in themes, tables, values and wordings. Instructions from elsewhere that bring a
gold query and no database (Spider's, say) are compared as parsed SQL: `checked_by` says which.

This module knows nothing of models, or of how the requests are told over turns.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import Any

from uptake.domains import seeded
from uptake.domains.database.answer import committed
from uptake.domains.database.equivalence import Unreadable, plain
from uptake.domains.database.problem import Problem, draw
from uptake.domains.database.readings import gaps, readings
from uptake.domains.database.store import Refused, Rows, agree, ask, build, create
from uptake.domains.database.telling import Teller
from uptake.instruction import Instruction, Shard, Verdict

__all__ = ["Database", "checked_by", "committed", "database", "instruction"]

_ROWS = 5_000


def instruction(problem: Problem, rng: Random, ident: str) -> Instruction:
    """Tell a problem as an instruction: shard 0 is what it is about, with the tables."""
    teller = Teller(problem.schema, problem.base, problem.split, rng)
    aside = Teller(problem.schema, problem.base, problem.split, Random(f"{ident}/aside"))
    tables = f"{teller.say('schema')}\n\n" + "\n\n".join(create(problem.data))
    shards = [Shard(f"{teller.intent()}\n\n{tables}")]
    for clause, other, (revised, withdrawn) in zip(
        problem.query.clauses, problem.others, readings(problem), strict=True
    ):
        shard = aside.with_claims(teller.shard(clause, other), clause, other)
        shards.append(
            replace(
                shard,
                revised=revised and revised.sql,
                withdrawn=withdrawn and withdrawn.sql,
            )
        )
    asked = teller.full(problem.query)
    last = rng.random() < 0.5
    meta: dict[str, Any] = {
        "theme": problem.schema.theme.name,
        "split": problem.split,
        "asked": "last" if last else "first",
        "checked_by": "execution",
        "schema": problem.data,
        "seeds": list(problem.seeds),
        "ordered": problem.query.ordered,
        "distractor": aside.aside(),
        "gaps": [index + 1 for index in gaps(problem.query)],
    }
    full = f"{tables}\n\n{asked}" if last else f"{asked}\n\n{tables}"
    return Instruction(ident, "database", full, tuple(shards), problem.query.sql, meta)


def checked_by(instruction: Instruction) -> str:
    """How a reply to it is scored: "execution", or "parsed SQL" where it brings no databases.

    Parsed SQL knows a right query by its text alone: a score of 1 there is sound, a score of 0 may
    also be a right query that is written another way.
    """
    return "execution" if "seeds" in instruction.meta else "parsed SQL"


class Database:
    """The database domain."""

    name = "database"

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions; the same for the same seed and split ("train" or "heldout").

        Raises ValueError for another split.
        """

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw(rng, split), rng, ident)

        return seeded(self.name, n, seed, split, make)

    def caveat(self, instruction: Instruction) -> str | None:
        """That there are no databases to run its replies on; None where there are."""
        if checked_by(instruction) == "execution":
            return None
        return (
            "compared with the gold query as parsed SQL, for want of its databases: a right query "
            "that goes another way scores 0, so the score is a lower bound"
        )

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """Right if the reply's SQL gives what the gold SQL gives, on every database.

        Rows are compared in any order of the columns, and in any order of the rows unless the
        instruction asks for one. Where there are no databases, the two are compared as parsed.
        """
        sql = committed(reply)
        if sql is None:
            return Verdict(0.0, None)
        if checked_by(instruction) == "execution":
            return Verdict(_executed(instruction, sql), sql)
        return Verdict(_parsed(instruction, sql), sql)

    def guess(self, said: Sequence[str]) -> str:
        """Everything of the first table that the user has told last."""
        tables = [re.findall(r"CREATE TABLE (\w+)", text) for text in said]
        told = [names[0] for names in tables if names]
        return f"```sql\nSELECT * FROM {told[-1] if told else 'rows'}\n```"


def _executed(instruction: Instruction, sql: str) -> float | None:
    """1 or 0; None where the gold query or its databases fail."""
    meta = instruction.meta
    gold: list[Rows] = []
    given: list[Rows] = []
    try:
        for seed in meta["seeds"]:
            with closing(build(meta["schema"], seed)) as db:
                gold.append(ask(db, instruction.answer, _ROWS))
                try:
                    # One row more than the gold query gives is already wrong.
                    given.append(ask(db, sql, len(gold[-1]) + 1))
                except Refused:
                    return 0.0
    except (Refused, sqlite3.Error, KeyError, TypeError, ValueError):
        return None
    if not gold:
        return None
    return float(agree(gold, given, ordered=bool(meta.get("ordered"))))


def _parsed(instruction: Instruction, sql: str) -> float | None:
    """1 or 0; None where the gold query cannot be parsed."""
    schema = _schema_text(instruction.meta)
    try:
        gold = plain(instruction.answer, schema)
    except Unreadable:
        return None
    try:
        return float(plain(sql, schema) == gold)
    except Unreadable:
        return 0.0


def _schema_text(meta: Mapping[str, Any]) -> str:
    text = meta.get("schema_sql", "")
    return text if isinstance(text, str) else ""


database = Database()
