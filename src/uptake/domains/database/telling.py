"""How a query is asked for in English: clause by clause, and all at once.

Each kind of clause has wordings for training and others that are held out.

This module knows nothing of SQL, or of which clauses go together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from uptake.domains.database.query import Clause, Query
from uptake.domains.database.schema import Field, Schema
from uptake.domains.database.themes import Table
from uptake.instruction import Shard

__all__ = ["REMARKS", "Teller"]

_SAID = {
    "intent": (
        (
            "I need a query about the {plural} of {about}.",
            "Help me with a query on the {plural} of {about}.",
            "Please write some SQL about the {plural} of {about}.",
        ),
        (
            "I would like to ask the database of {about} something about its {plural}.",
            "Could you write me a query for {about}? It is about the {plural}.",
        ),
    ),
    "schema": (
        ("These are the tables:", "The tables are:", "Here is the schema:"),
        ("The database looks like this:", "Its tables were made with:"),
    ),
    "keep": (
        (
            "Only {who} count.",
            "I only want {who}.",
            "Keep just the {who}.",
            "It is only about {who}.",
        ),
        (
            "Leave out everything but {who}.",
            "Please look only at {who}.",
            "We only care about {who}.",
        ),
    ),
    "show": (
        ("Show the {what}.", "I want to see the {what}.", "Put the {what} in the result."),
        ("The {what} should be listed.", "Include a column with the {what}."),
    ),
    "aggregate": (
        ("Compute the {figure}.", "I want the {figure}.", "Work out the {figure}."),
        ("What I am after is the {figure}.", "The figure I need is the {figure}."),
    ),
    "group": (
        (
            "Give one row for each {what}, and show it.",
            "Split it by the {what}, shown in each row.",
        ),
        ("Break it down by the {what}, with that in a column.",),
    ),
    "having": (
        ("Drop groups of fewer than {k} {plural}.", "Only groups of at least {k} {plural} matter."),
        ("A group needs {k} {plural} or more to be listed.",),
    ),
    "order": (
        ("Sort by the {what}, {direction}.", "Order the rows by the {what}, {direction}."),
        ("The rows should be ranked by the {what}, {direction}.",),
    ),
    "limit": (
        ("Give me just {rows}.", "I need no more than {rows}.", "The first {rows} will do."),
        ("Cut it off after {rows}.", "At most {rows}, please."),
    ),
    "distinct": (
        ("No row may come twice.", "List nothing twice."),
        ("The result should be free of repeats.",),
    ),
    "repeats": (
        ("Repeat a row as often as it occurs.",),
        ("Repeats stay in the result.",),
    ),
    "remark": (
        ("It is for {what}.", "I need it for {what}."),
        ("By the way, this goes into {what}.",),
    ),
    "aside": (
        ("The tables were set up on a {day}.", "A backup is made every {day}."),
        ("Nobody works with it on {day}s.", "It was moved to another machine last {day}."),
    ),
    "check": (("Is it right that {claim}?",), ("Am I right that {claim}?",)),
    "list": (
        (
            "Write a SQL query that shows {what} for {who}.",
            "I need SQL that lists {what} for {who}.",
        ),
        ("Which SQL query returns {what} for {who}?",),
    ),
    "figure": (
        ("Write a SQL query that computes {what}.", "I need SQL that gives {what}."),
        ("Which SQL query returns {what}?",),
    ),
    "grouped": (
        (
            "Write a SQL query that gives, for each {group}, that {noun} and {what}.",
            "For each {group}, I need SQL that shows the {noun} and {what}.",
        ),
        ("Which SQL query returns each {group} together with {what}?",),
    ),
    ">": (("above {v}", "over {v}"), ("greater than {v}", "of more than {v}")),
    ">=": (("of at least {v}", "of {v} or more"), ("no lower than {v}",)),
    "<": (("below {v}", "under {v}"), ("smaller than {v}", "of less than {v}")),
    "<=": (("of at most {v}", "of {v} or less"), ("no higher than {v}",)),
    "=": (("of exactly {v}", "of {v}"), ("equal to {v}",)),
}

# What a clause says, as a clause of English.
_CLAIMS = {
    "keep": ("only {who} count", "nothing but {who} matters"),
    "show": ("the {what} is among the columns", "one column holds the {what}"),
    "aggregate": ("the figure to compute is the {figure}", "the figure wanted is the {figure}"),
    "group": ("there is one row for each {what}", "each row stands for one {what}"),
    "having": (
        "groups of fewer than {k} {plural} are dropped",
        "a group is listed from {k} {plural} on",
    ),
    "order": (
        "the rows are sorted by the {what}, {direction}",
        "the ranking goes by the {what}, {direction}",
    ),
    "limit": ("the list ends after {rows}", "the result stops after {rows}"),
    "distinct": ("no row comes twice", "repeats are left out"),
    "repeats": ("a row comes as often as it occurs", "repeats stay in"),
    "remark": ("it is for {what}", "it goes into {what}"),
}

_FIGURES = {"AVG": "average", "SUM": "total", "MIN": "lowest", "MAX": "highest"}
_DAYS = (("Monday", "Tuesday", "Wednesday"), ("Thursday", "Friday", "Saturday"))
_DIRECTIONS = {"DESC": "highest first", "ASC": "lowest first"}

REMARKS = {
    "train": ("the Monday report", "a colleague", "the yearly budget"),
    "heldout": ("a slide for the board", "the newsletter", "a letter to the auditors"),
}
"""What a query may be for, by split: it decides nothing."""


class Teller:
    """Words the clauses of one query over one schema, in the manner of a split."""

    def __init__(self, schema: Schema, base: Table, split: str, rng: Random) -> None:
        self.schema = schema
        self.base = base
        self.split = split
        self.rng = rng

    def say(self, kind: str, **words: str) -> str:
        """One of the split's wordings of that kind, filled in."""
        train, heldout = _SAID[kind]
        return self.rng.choice(heldout if self.split == "heldout" else train).format(**words)

    def shard(self, clause: Clause, other: Clause | None) -> Shard:
        """The clause as a shard; `other` is what contradicts it."""
        text, value = self.clause(clause)
        if other is not None:
            contradicted = self.clause(other)[0]
        else:
            contradicted = self.say("repeats") if clause.kind == "distinct" else None
        return Shard(
            text,
            needed=clause.kind != "remark",
            quantity=self.quantity(clause),
            value=value,
            contradicted=contradicted,
            ambiguous=self.ambiguous(clause, value),
        )

    def with_claims(self, shard: Shard, clause: Clause, other: Clause | None) -> Shard:
        """The shard with its clauses of English and the questions whether they hold."""
        claim, false_claim = self.claim(clause), None
        if other is not None:
            false_claim = self.claim(other)
        elif clause.kind == "distinct":
            false_claim = self._claimed("repeats")
        return replace(
            shard,
            claim=claim,
            check=self.say("check", claim=claim),
            false_claim=false_claim,
            false_check=false_claim and self.say("check", claim=false_claim),
        )

    def claim(self, clause: Clause) -> str:
        """The clause as a clause of English, without a full stop."""
        if clause.kind in ("filter", "related"):
            return self._claimed("keep", **self._words(clause)[0])
        return self._claimed(clause.kind, **self._words(clause)[0])

    def aside(self) -> str:
        """A sentence about the database that nothing depends on."""
        return self.say("aside", day=self.rng.choice(_DAYS[self.split == "heldout"]))

    def intent(self) -> str:
        """What the query is about, and no more."""
        return self.say("intent", plural=self.base.plural, about=self.schema.theme.about)

    def clause(self, clause: Clause) -> tuple[str, str | None]:
        """A sentence that states the clause, and the value in it as it stands there."""
        words, value = self._words(clause)
        kind = "keep" if clause.kind in ("filter", "related") else clause.kind
        return self.say(kind, **words), value

    def _words(self, clause: Clause) -> tuple[dict[str, str], str | None]:
        """What fills the wordings of a clause, and the value among it."""
        kind, plural = clause.kind, self.base.plural
        if kind in ("filter", "related"):
            predicate, value = self._predicate(clause)
            return {"who": f"{plural} {self._link(clause)}{predicate}"}, value
        if kind == "aggregate":
            figure, value = self._figure(clause)
            return {"figure": f"{figure} {plural}"}, value
        if kind == "having":
            return {"k": str(clause.value), "plural": plural}, str(clause.value)
        if kind == "order":
            what = self._what(clause) if clause.column else "computed figure"
            direction = _DIRECTIONS[clause.op]
            return {"what": what, "direction": direction}, direction
        if kind == "limit":
            rows = "1 row" if clause.value == 1 else f"{clause.value} rows"
            return {"rows": rows}, str(clause.value)
        if kind == "distinct":
            return {}, None
        what = str(clause.value) if kind == "remark" else self._what(clause)
        return {"what": what}, what

    def _claimed(self, kind: str, **words: str) -> str:
        train, heldout = _CLAIMS[kind]
        return (heldout if self.split == "heldout" else train).format(**words)

    def quantity(self, clause: Clause) -> str:
        """What the clause settles, as a noun phrase."""
        plural = self.base.plural
        if clause.kind == "filter":
            field = self._field(clause)
            noun, whose = field.column.noun, field.table.plural
            return f"{'which' if field.kind == 'text' else 'what'} {noun} the {whose} should have"
        if clause.kind == "related":
            return f"whether the {plural} should have {clause.table}"
        return {
            "show": f"which columns to show of the {plural}",
            "aggregate": f"which figure to compute for the {plural}",
            "group": "what to group by",
            "having": f"how many {plural} a group must have",
            "order": "which order the rows come in",
            "limit": "how many rows to return",
            "distinct": "whether rows may repeat",
            "remark": "what the query is for",
        }[clause.kind]

    def ambiguous(self, clause: Clause, value: str | None) -> str | None:
        """The sentence with what it is about left open; None where it has no such word."""
        if clause.kind == "filter" and self._field(clause).kind == "text":
            return f"It has to be {value}."
        if clause.kind == "filter":
            return f"Only those with one {self.say(clause.op, v=str(clause.value))}."
        if clause.kind == "aggregate":
            return f"I want the {value} of it." if clause.op in _FIGURES else "Count them."
        return {
            "show": "Show that one as well.",
            "group": "Do that for each of them.",
            "having": f"Only those with at least {value}.",
            "order": f"Sort by that, {value}.",
            "related": f"Only those that have {'none' if clause.op == 'NOT IN' else 'one'}.",
        }.get(clause.kind)

    def full(self, query: Query) -> str:
        """The whole request in a few sentences, without the schema."""
        who = self._who([*query.of("related"), *query.of("filter")])
        figures, groups = query.of("aggregate"), query.of("group")
        if figures:
            what = f"the {self._figure(figures[0])[0]} {who}"
            if groups:
                group, noun = self._what(groups[0]), self._field(groups[0]).column.noun
                text = self.say("grouped", group=group, noun=noun, what=what)
            else:
                text = self.say("figure", what=what)
        else:
            shown = _join([f"the {self._what(clause)}" for clause in query.of("show")])
            text = self.say("list", what=shown, who=who)
        rest = [
            self.clause(clause)[0]
            for clause in query.clauses
            if clause.kind in ("having", "order", "limit", "distinct", "remark")
        ]
        return " ".join([text, *rest])

    def _field(self, clause: Clause) -> Field:
        return self.schema.field(clause.table, clause.column)

    def _what(self, clause: Clause) -> str:
        field = self._field(clause)
        return f"{field.column.noun} of the {field.table.singular}"

    def _figure(self, clause: Clause) -> tuple[str, str]:
        """The figure up to whom it is taken over, and the word for it."""
        if clause.op == "COUNT":
            return "count of", "count"
        word = _FIGURES[clause.op]
        return f"{word} {self._field(clause).column.noun} of", word

    def _predicate(self, clause: Clause) -> tuple[str, str]:
        """What follows the name of the rows that a filter keeps, and the value in it."""
        if clause.kind == "related":
            one = f"at least one {self.schema.events.singular}"
            value = f"no {clause.table} at all" if clause.op == "NOT IN" else one
            return f"that have {value}", value
        column = self._field(clause).column
        if column.kind == "text":
            return column.clause.format(v=clause.value), str(clause.value)
        article = "an" if column.noun[0] in "aeiou" else "a"
        bound = self.say(clause.op, v=f"{clause.value} {column.unit}".strip())
        return f"with {article} {column.noun} {bound}", str(clause.value)

    def _link(self, clause: Clause) -> str:
        """Where the clause is about customers "placed by customers ", where about the base ""."""
        for ref in self.base.refs:
            if ref.table == clause.table and clause.kind == "filter":
                return f"{ref.link} {ref.table} "
        return ""

    def _who(self, clauses: Sequence[Clause]) -> str:
        """The base with all of its filters: those of the same table stand together."""
        groups: dict[str, list[str]] = {"": []}
        for clause in clauses:
            groups.setdefault(self._link(clause), []).append(self._predicate(clause)[0])
        parts = [link + _join(said) for link, said in groups.items() if said]
        return f"{self.base.plural} {_join(parts)}".strip()


def _join(parts: Sequence[str]) -> str:
    """One after another: "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
