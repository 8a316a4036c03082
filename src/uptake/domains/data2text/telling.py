"""How a table is told: the request with the whole table, its cells one by one, and descriptions.

The wordings of training and of held-out requests share no sentence, and their tables are laid out
differently.

This module knows nothing of how a description is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from uptake.domains.data2text.tables import Column, Table, draw_table, fresh
from uptake.domains.data2text.values import numbers
from uptake.instruction import Shard

__all__ = ["SAID", "Task", "Teller", "draw"]

_TWENTY = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty""".split()

SAID = {
    "train": {
        "intent": (
            "Describe part of a table about {plural} in one sentence.",
            "Write one sentence on some cells of my table of {plural}.",
            "I need a sentence that puts a few cells of a table of {plural} into words.",
        ),
        "title": (
            'The table is called "{title}".',
            'Its title is "{title}".',
            'It is the table "{title}", section "{section}".',
        ),
        "label": (
            "It is about the {which}, {v}.",
            "The {which} is {v}.",
            "The {which} to describe is {v}.",
        ),
        "cell": (
            "The {noun} of the {which} is {v}.",
            "Mention that the {noun} of the {which} is {v}.",
            "For the {which}, the {noun} is {v}.",
        ),
        "ambiguous": ("It is {v}.", "Mention {v}."),
        "other": ("There is also a row for {v}, which is not highlighted: {cells}.",),
        "remark": ("It is for {what}.", "I will use it in {what}."),
        "aside": ("A colleague typed the table in.", "The table was made last week."),
        "full": (
            "{intent} {title} The cells in bold are highlighted; mention all of them.\n\n{table}",
            "{title}\n\n{table}\n\n{intent} Mention every cell in bold.",
        ),
    },
    "heldout": {
        "intent": (
            "Could you turn what is highlighted in a table of {plural} into a single sentence?",
            "Please summarise the marked cells of a table on {plural}; a sentence will do.",
        ),
        "title": (
            'At the top of the table it says "{title}".',
            'The heading reads "{title}", and below it "{section}".',
        ),
        "label": ("{v} is the {which} I mean.", "I mean {v} as the {which}."),
        "cell": (
            "Marked as the {noun} of the {which}: {v}.",
            "As for the {which}, I marked {v} as its {noun}.",
        ),
        "ambiguous": ("{v} is marked.", "I marked {v}."),
        "other": ("Another row, with nothing marked, belongs to {v} ({cells}).",),
        "remark": ("By the way, this goes into {what}.",),
        "aside": ("I came across the table in an old folder.", "Somebody printed it out for me."),
        "full": (
            "Below is a table. {title} What stands in square brackets is marked.\n\n{table}\n\n"
            "{intent} Leave out none of the marked cells.",
            "{intent} Here it is, with the marked cells in square brackets, all of which should "
            "appear. {title}\n\n{table}",
        ),
    },
}
"""The wordings of each split, by what they say."""

_REMARKS = {
    "train": ("a short article", "a caption", "the weekly overview"),
    "heldout": ("a brochure", "the annual review", "a talk at school"),
}
_PLURALS = {"branch": "branches"}
_BOTH = {
    "train": ("{a}, while {b}.", "{a}, and {b}."),
    "heldout": ("{a}, whereas {b}.", "{a}; {b}."),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A table of which the first `rows` rows are highlighted, but for cells that are empty."""

    table: Table
    rows: int
    split: str

    @property
    def highlighted(self) -> list[tuple[int, int]]:
        """The cells to be stated, by row and column."""
        columns = range(len(self.table.header))
        return [(i, j) for i in range(self.rows) for j in columns if self.table.rows[i][j]]

    def changed(self, cell: tuple[int, int], text: str) -> Task:
        """The task with another text in a cell."""
        rows = [list(row) for row in self.table.rows]
        rows[cell[0]][cell[1]] = text
        return replace(self, table=replace(self.table, rows=tuple(map(tuple, rows))))

    def without(self, cell: tuple[int, int]) -> Task | None:
        """The task less a cell; None for the name of a row, and where nothing else is said of it.

        A description needs a subject, and something to say of it.
        """
        i, j = cell
        if j == 0 or sum(map(bool, self.table.rows[i])) < 3:
            return None
        return self.changed(cell, "")

    def gaps(self) -> list[int]:
        """Of `highlighted`, those without which one can see that something was left unsaid.

        So it is with the name of a row, and with what is said of one row and not of the other.
        """
        return [at for at, (_, j) in enumerate(self.highlighted) if j == 0 or self.rows > 1]


def draw(rng: Random, split: str) -> Task:
    """One task of the split ("train" or "heldout"). Raises ValueError for another split."""
    rows = 1 if rng.random() < 0.6 else 2
    columns = rng.randint(2, 4) if rows == 1 else rng.randint(1, 2)
    others = int(rng.random() < 0.5 and rows * columns < 4)
    return Task(draw_table(rng, split, rows + others, columns), rows, split)


class Teller:
    """Words one task, in the manner of its split."""

    def __init__(self, task: Task, rng: Random) -> None:
        self.task = task
        self.table = task.table
        self.rng = rng
        self.others: dict[tuple[int, int], str] = {}
        """What each highlighted cell might hold instead, by row and column; set by `shards`."""

    def say(self, kind: str, **words: str) -> str:
        """One of the split's wordings of that kind, filled in."""
        return self.rng.choice(SAID[self.task.split][kind]).format(**words)

    # Shards

    def shards(self) -> tuple[Shard, ...]:
        """The intent, the title, each highlighted cell, and perhaps what is of no account."""
        called = self.table.title
        title = Shard(
            self._title(),
            False,
            "the title of the table",
            called,
            claim=f'the title of the table is "{called}"',
            check=f'Is the title of the table "{called}"?',
        )
        told = [Shard(self._intent()), title]
        taken = self.table.words
        for number in range(self.task.rows):
            told += self._row(number, taken)
        if len(self.table.rows) > self.task.rows:
            told.append(self._other())
        if len(told) < 7 and self.rng.random() < 0.3:
            what = self.rng.choice(_REMARKS[self.task.split])
            told.append(Shard(self.say("remark", what=what), False, "what the text is for", what))
        return tuple(told)

    def _row(self, number: int, taken: set[str]) -> list[Shard]:
        """The name of a highlighted row and its other cells; `taken` are the words in use."""
        which = self.table.kind.thing
        if self.task.rows > 1:
            which = f"{('first', 'second')[number]} {which}"
        label, *cells = self.table.rows[number]
        other = self.others[number, 0] = fresh(
            self.table.kind.label, self.rng, self.task.split, taken
        )
        found = [self._cell("label", f"the name of the {which}", label, other, which=which)]
        for at, (column, text) in enumerate(zip(self.table.columns, cells, strict=True), 1):
            other = self.others[number, at] = fresh(column.make, self.rng, self.task.split, taken)
            words = {"which": which, "noun": column.noun}
            quantity = f"the {column.noun} of the {which}"
            found.append(self._cell("cell", quantity, text, other, **words))
        return found

    def _cell(self, kind: str, quantity: str, text: str, other: str, **words: str) -> Shard:
        pattern = self.rng.choice(SAID[self.task.split][kind])
        return Shard(
            pattern.format(v=text, **words),
            quantity=quantity,
            value=text,
            contradicted=pattern.format(v=other, **words),
            ambiguous=self.say("ambiguous", v=text) if kind == "cell" else None,
            claim=f"{quantity} is {text}",
            check=f"Is {quantity} {text}?",
            false_claim=f"{quantity} is {other}",
            false_check=f"Is {quantity} {other}?",
        )

    def _other(self) -> Shard:
        """A row that is not highlighted: nothing of it has to be said."""
        label, *cells = self.table.rows[-1]
        named = zip(self.table.columns, cells, strict=True)
        told = ", ".join(f"{column.noun} {text}" for column, text in named)
        text = self.say("other", v=label, cells=told)
        return Shard(text, False, f"another {self.table.kind.thing}", label)

    def _intent(self) -> str:
        thing = self.table.kind.thing
        return self.say("intent", plural=_PLURALS.get(thing, f"{thing}s"))

    def aside(self) -> str:
        """A sentence about the table that nothing depends on."""
        return self.say("aside")

    def _title(self) -> str:
        return self.say("title", title=self.table.title, section=self.table.kind.section)

    # The whole request

    def full(self, shards: Sequence[Shard]) -> str:
        """Everything at once, with the table: rows between bars, or after semicolons."""
        said = " ".join(shard.text for shard in shards if shard.quantity == "what the text is for")
        intent = f"{shards[0].text} {said}".strip()
        return self.say("full", intent=intent, title=shards[1].text, table=self._laid_out())

    def _laid_out(self) -> str:
        train = self.task.split == "train"
        rows = list(self.table.rows)
        lines = [[*self.table.header]]
        for i, row in enumerate(rows):
            mark = ("**{}**" if train else "[{}]") if i < self.task.rows else "{}"
            lines.append([mark.format(text) for text in row])
        if train:
            lines.insert(1, ["---"] * len(lines[0]))
            return "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n".join("; ".join(line) for line in lines)

    # Descriptions

    def description(self) -> str:
        """A sentence that states all that is highlighted."""
        said = self._description()
        return said[0].upper() + said[1:]

    def _description(self) -> str:
        clauses = [self._clause(number) for number in range(self.task.rows)]
        where, form = self.table.where, self.rng.randrange(3)
        if len(clauses) == 2:
            a, b = clauses
            both = self.rng.choice(_BOTH[self.task.split]).format(a=a, b=b)
            return f"{where}, {both}" if form else both
        if form == 0:
            return f"{where}, {clauses[0]}."
        return f"{clauses[0]}." if form == 1 else f"{clauses[0]} {where}."

    def _clause(self, number: int) -> str:
        """A row as a clause without its full stop, the columns in any order."""
        label, *cells = self.table.rows[number]
        said = [
            self._verb(column, text)
            for column, text in zip(self.table.columns, cells, strict=True)
            if text
        ]
        if self.task.rows == 1:
            self.rng.shuffle(said)
        joined = f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]
        article = "the " if self.table.kind.thing in ("exhibit", "bridge") else ""
        return (
            f"{article}{label} {self.table.kind.thing if article else ''} ".rstrip() + f" {joined}"
        )

    def _verb(self, column: Column, text: str) -> str:
        """What a column says; a small number is spelt at times."""
        found = numbers(text) if text.isdigit() and len(text) < 3 else []
        if found and int(text) <= 20 and self.rng.random() < 0.5:
            text = _TWENTY[int(text)]
        return self.rng.choice(column.says).format(v=text)
