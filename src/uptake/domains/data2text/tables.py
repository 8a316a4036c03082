"""The kinds of table there are, by split, and the made-up names and values that fill them.

Each kind belongs to one split, so training and held-out tables share no header, title or verb;
names are put together from parts that the other split does not have.

This module knows nothing of what is asked about a table, or of how a description is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from uptake.domains.math.words import name

__all__ = ["KINDS", "Column", "Kind", "Make", "Table", "draw_table", "fresh"]

Make = Callable[[Random, str], str]
"""Draws the text of a cell for a split ("train" or "heldout")."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its `header`, what a cell of it is (`noun`: "number of points"), how it is filled.

    Each of `says` is what a description says of it with the row as its subject; {v} is the cell.
    `unit` is the noun that follows the number in a text ("points"), "" where there is none.
    """

    header: str
    noun: str
    make: Make
    says: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of table: each row is about one `thing` ("club"), named in the first column.

    `title` and `where` hold {P} for a place and {y} for a year; `where` is the title as it stands
    in a sentence ("in the 2031 season of the Kelmoor League").
    """

    name: str
    thing: str
    label: Make
    title: str
    where: str
    section: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A drawn table. Each of `rows` begins with its name; `columns` are those after it."""

    kind: Kind
    title: str
    where: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        return (self.kind.thing.capitalize(), *(column.header for column in self.columns))

    @property
    def words(self) -> set[str]:
        """What its title and cells hold, for `fresh`."""
        texts = [self.title, *(text for row in self.rows for text in row)]
        return {word for text in texts for word in _words(text)}


def draw_table(rng: Random, split: str, rows: int, columns: int) -> Table:
    """A table of the split with so many rows, and columns beside the names; no cell comes twice.

    Raises ValueError for another split.
    """
    if split not in KINDS:
        raise ValueError(f"unknown split {split!r}; choose train or heldout")
    kind = rng.choice(KINDS[split])
    words = {"P": _place(rng, split), "y": str(rng.randint(2027, 2048))}
    title, where = kind.title.format(**words), kind.where.format(**words)
    chosen = tuple(rng.sample(kind.columns, min(columns, len(kind.columns))))
    taken = _words(title)
    made: list[tuple[str, ...]] = []
    for _ in range(rows):
        made.append(tuple(fresh(make, rng, split, taken) for make in _makers(kind, chosen)))
    return Table(kind, title, where, chosen, tuple(made))


def fresh(make: Make, rng: Random, split: str, taken: set[str]) -> str:
    """A cell that shares no word with those `taken`, to which its own are added."""
    while True:
        text = make(rng, split)
        # What all clubs of a split may share ("Rovers") must not be shared in one table either:
        # then a name cannot be half right.
        words = _words(text)
        if not words & taken:
            taken |= words
            return text


def _words(text: str) -> set[str]:
    """The words that tell cells apart: what many have (a unit) does not."""
    return {word.casefold().strip("$€£%,") for word in text.split()} - _UNITS


def _makers(kind: Kind, columns: tuple[Column, ...]) -> tuple[Make, ...]:
    return (kind.label, *(column.make for column in columns))


_UNITS = {"km²", "m", "million"}

# Names

_STARTS = {
    "train": "Kel Bram Tor Wes Hal Dun Mar Ost Lin Fen Gar Rud Sel Vor Cald Nor Ash Pel Thorn Ulm",
    "heldout": "Ely Quar Jess Zul Iver Obe Yarr Xan Brüg Séla Okt Rhy Eag Cwm Vånn Ipsw Uxb Zemp",
}
_ENDS = {
    "train": "moor ford bury ton ley mere stead dale port field gate wold",
    "heldout": "haven wick holm combe stoke thwaite mouth by beck hithe",
}
_CLUBS = "Rovers United Athletic City Town Harriers Hotspur Orient".split()
_GOODS = tuple(
    """Kettle Toaster Lantern Backpack Umbrella Blender Headset Raincoat Notebook Hammock
    Thermos Tripod""".split()
)
_PARTIES = "Greens Liberals Reformers Centrists Unionists Federalists Agrarians Moderates".split()


def _place(rng: Random, split: str) -> str:
    return rng.choice(_STARTS[split].split()) + rng.choice(_ENDS[split].split())


def _person(rng: Random, split: str) -> str:
    return f"{name(rng, split)[0]} {_place(rng, split)}"


def _club(rng: Random, split: str) -> str:
    return f"{_place(rng, split)} {rng.choice(_CLUBS)}"


def _goods(rng: Random, split: str) -> str:
    return f"{_place(rng, split)} {rng.choice(_GOODS)}"


def _party(rng: Random, split: str) -> str:
    return rng.choice(_PARTIES)


# Values


def _whole(low: int, high: int, pattern: str = "{}") -> Make:
    return lambda rng, _: pattern.format(f"{rng.randint(low, high):,}")


def _year(low: int, high: int) -> Make:
    return lambda rng, _: str(rng.randint(low, high))


def _tenths(low: int, high: int, pattern: str = "{}") -> Make:
    return lambda rng, _: pattern.format(f"{rng.randint(low, high)}.{rng.randint(1, 9)}")


def _clock(rng: Random, _: str) -> str:
    return f"{rng.randint(2, 4)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}"


def _cents(rng: Random, _: str) -> str:
    return f"${rng.randint(900, 9_000):,}.{rng.choice(('20', '50', '75', '95'))}"


# Kinds

_SEASON = Kind(
    "season", "club", _club, "{y} {P} League", "in the {y} {P} League", "Final standings",
    (
        Column("Points", "number of points", _whole(21, 98),
               ("collected {v} points", "finished with {v} points"), "points"),
        Column("Wins", "number of wins", _whole(5, 20),
               ("recorded {v} wins", "ended up with {v} wins"), "wins"),
        Column("Goals", "number of goals", _whole(22, 97),
               ("scored {v} goals", "found the net for {v} goals"), "goals"),
        Column("Attendance", "average attendance", _whole(2_100, 38_000),
               ("drew an average crowd of {v}", "played before {v} people on average")),
        Column("Coach", "coach", _person, ("were coached by {v}", "had {v} as their coach")),
    ),
)  # fmt: skip
_SALES = Kind(
    "sales", "product", _goods, "{P} Store, {y}", "at the {P} Store in {y}", "Sales by product",
    (
        Column("Units sold", "number of units sold", _whole(130, 9_800),
               ("sold {v} units", "went over the counter as {v} units"), "units"),
        Column("Revenue", "revenue", _cents, ("brought in {v}", "earned revenue of {v}")),
        Column("Returns", "number of returns", _whole(3, 60),
               ("had {v} returns", "led to {v} returns"), "returns"),
        Column("Rating", "average rating", _tenths(1, 4),
               ("was rated {v} on average", "got an average rating of {v}")),
        Column("Supplier", "supplier", _person, ("was supplied by {v}", "came from {v}")),
    ),
)  # fmt: skip
_TOWNS = Kind(
    "towns", "town", _place, "{P} County", "in {P} County", "Towns in figures",
    (
        Column("Population", "population", _whole(3_200, 480_000),
               ("has a population of {v}", "is home to {v} people")),
        Column("Area", "area", _tenths(12, 240, "{} km²"),
               ("covers {v}", "stretches over an area of {v}")),
        Column("Schools", "number of schools", _whole(3, 48),
               ("runs {v} schools", "has {v} schools"), "schools"),
        Column("Founded", "year of foundation", _year(1102, 1899),
               ("was founded in {v}", "dates back to {v}")),
        Column("Mayor", "mayor", _person, ("is led by Mayor {v}", "has {v} as its mayor")),
    ),
)  # fmt: skip
_RACE = Kind(
    "race", "runner", _person, "{y} {P} Marathon", "at the {y} {P} Marathon", "Results",
    (
        Column("Time", "time", _clock, ("finished in {v}", "ran a time of {v}")),
        Column("Bib", "bib number", _whole(130, 990),
               ("wore bib number {v}", "ran with the number {v}")),
        Column("Age", "age", _whole(21, 64), ("was {v} years old", "ran at the age of {v}")),
        Column("Club", "club", _club, ("ran for {v}", "started for {v}")),
    ),
)  # fmt: skip
_LIBRARY = Kind(
    "library", "branch", _place, "{P} Public Library, {y}", "for the {P} Public Library in {y}",
    "Lending by branch",
    (
        Column("Loans", "number of loans", _whole(1_400, 89_000),
               ("lent out {v} items", "registered {v} loans"), "loans"),
        Column("Members", "number of members", _whole(210, 9_400),
               ("counted {v} members", "served {v} members"), "members"),
        Column("Staff", "number of staff", _whole(3, 20),
               ("employed a staff of {v}", "operated with {v} staff"), "staff"),
        Column("Fines", "amount of fines", _whole(1_100, 7_900, "€{}"),
               ("took {v} in fines", "charged fines of {v}")),
        Column("Librarian", "head librarian", _person,
               ("was headed by {v}", "relied on {v} as its head librarian")),
    ),
)  # fmt: skip
_BRIDGES = Kind(
    "bridges", "bridge", _place, "Crossings of the {P} River", "on the {P} River",
    "Road bridges",
    (
        Column("Length", "length", _whole(210, 3_900, "{} m"),
               ("spans {v}", "reaches a length of {v}")),
        Column("Opened", "year of opening", _year(1821, 2019),
               ("opened in {v}", "was opened to traffic in {v}")),
        Column("Spans", "number of arches", _whole(3, 20),
               ("rests on {v} arches", "stands on {v} arches"), "arches"),
        Column("Cost", "cost", _tenths(4, 90, "£{} million"),
               ("cost {v}", "was built at a cost of {v}")),
        Column("Architect", "architect", _person,
               ("was designed by {v}", "is the work of {v}")),
    ),
)  # fmt: skip
_ELECTION = Kind(
    "election", "candidate", _person, "{y} {P} council election",
    "in the {y} {P} council election", "Candidates",
    (
        Column("Votes", "number of votes", _whole(1_200, 64_000),
               ("won {v} votes", "polled {v} votes"), "votes"),
        Column("Share", "share of the vote", _tenths(3, 48, "{}%"),
               ("took {v} of the vote", "gained a share of {v}")),
        Column("Party", "party", _party, ("stood for the {v}", "was put forward by the {v}")),
        Column("District", "district", _place,
               ("campaigned in {v}", "competed for the seat of {v}")),
    ),
)  # fmt: skip
_MUSEUM = Kind(
    "museum", "exhibit", _place, "{P} Museum of Ceramics", "at the {P} Museum of Ceramics",
    "Collections",
    (
        Column("Objects", "number of objects", _whole(30, 4_800),
               ("comprises {v} objects", "contains {v} objects"), "objects"),
        Column("Visitors", "number of visitors", _whole(1_600, 92_000),
               ("attracted {v} visitors", "welcomed {v} visitors"), "visitors"),
        Column("Rooms", "number of rooms", _whole(3, 19),
               ("fills {v} rooms", "takes up {v} rooms"), "rooms"),
        Column("Donor", "donor", _person, ("was donated by {v}", "is a gift of {v}")),
        Column("Acquired", "year of acquisition", _year(1871, 2022),
               ("was acquired in {v}", "entered the museum in {v}")),
    ),
)  # fmt: skip

KINDS: dict[str, tuple[Kind, ...]] = {
    "train": (_SEASON, _SALES, _TOWNS, _RACE),
    "heldout": (_LIBRARY, _BRIDGES, _ELECTION, _MUSEUM),
}
"""The kinds of table of each split."""
