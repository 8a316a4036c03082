"""A `Dossier`: numbered documents with the insights planted in them, and the topic asked about.

Every insight has an entity and a figure that no other insight of the dossier has, so that a bullet
says which one it means. Relevant insights stand in one to three documents, each time in another
wording, beside others on the theme's other topics.

This module knows nothing of instructions, or of how a summary is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from uptake.domains.math.words import name as given_name
from uptake.domains.summary.bullets import spelled
from uptake.domains.summary.themes import FAMILIES, PLACES, THEMES, Claim, Theme, Topic

__all__ = ["Document", "Dossier", "Plant", "Statement", "draw", "idle"]

_SPELLED = 0.4
_WORDED = 100

_T = TypeVar("_T", str, int)


@dataclass(frozen=True, slots=True)
class Plant:
    """A claim filled in: who or where (`names`, the full one first), the figure, another figure."""

    claim: Claim
    names: tuple[str, ...]
    number: int
    other: int
    option: str
    documents: tuple[int, ...]

    def say(self, wording: str, figure: str) -> str:
        """The claim in a wording, as a sentence."""
        text = wording.format(e=self.names[0], n=figure, d=self.option)
        return f"{text[0].upper()}{text[1:]}."

    @property
    def text(self) -> str:
        """The claim in its plainest wording, the figure in digits."""
        return self.say(self.claim.wordings[0], str(self.number))

    def clause(self, number: int) -> str:
        """The claim with a figure as a clause: "25 radiators in Gannet Point stay cold"."""
        wording = self.claim.wordings[0]
        said = self.say(wording, str(number))[:-1]
        return said if wording.startswith("{e}") else f"{said[0].lower()}{said[1:]}"

    @property
    def quantity(self) -> str:
        """What the figure is: "how many weeks Elm Lane is closed"."""
        return self.claim.quantity.format(e=self.names[0])


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a document.

    Where it states a relevant insight, `plant` is that, `figure` how the figure is written there,
    and `changed` the sentence with the other figure; elsewhere they are empty.
    """

    text: str
    changed: str = ""
    plant: Plant | None = None
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A numbered document: its kind ("chat note") and its sentences."""

    number: int
    kind: str
    statements: tuple[Statement, ...]

    def text(self, *, numbered: bool = True, changed: Plant | None = None) -> str:
        """The document under its heading.

        Without `numbered` the heading does not say which it is; the insight `changed` has its
        other figure.
        """
        heading = (
            f"Document {self.number} ({self.kind}):" if numbered else f"Document ({self.kind}):"
        )
        said = [
            one.changed if changed is not None and one.plant == changed else one.text
            for one in self.statements
        ]
        return f"{heading}\n{' '.join(said)}"


@dataclass(frozen=True, slots=True)
class Dossier:
    """The documents on a theme, what is asked about, and the insights on it and on the rest."""

    theme: Theme
    topic: Topic
    split: str
    documents: tuple[Document, ...]
    relevant: tuple[Plant, ...]
    distracting: tuple[Plant, ...]


@dataclass(slots=True)
class _Draw:
    """What is known while a dossier is drawn; a name or figure is used once."""

    rng: Random
    split: str
    used: set[str | int] = field(default_factory=set[str | int])

    def plant(self, claim: Claim, documents: Sequence[int]) -> Plant:
        option = self.rng.choice(claim.options) if claim.options else ""
        names = self._person() if claim.about == "person" else self._place()
        number, other = self._number(claim), self._number(claim)
        return Plant(claim, names, number, other, option, tuple(sorted(documents)))

    def _number(self, claim: Claim) -> int:
        return self._unused(lambda: self.rng.randint(claim.low, claim.high))

    def _place(self) -> tuple[str, ...]:
        firsts, lasts = PLACES[self.split]
        first = self._unused(lambda: self.rng.choice(firsts))
        return (f"{first} {self.rng.choice(lasts)}",)

    def _person(self) -> tuple[str, ...]:
        family = self._unused(lambda: self.rng.choice(FAMILIES[self.split]))
        return (f"{given_name(self.rng, self.split)[0]} {family}", family)

    def _unused(self, make: Callable[[], _T]) -> _T:
        """Something not used before. Each list and range holds more than a dossier needs."""
        while (found := make()) in self.used:
            pass
        self.used.add(found)
        return found

    def statement(self, plant: Plant, wording: str, *, relevant: bool) -> Statement:
        """The plant in a wording, its figure in digits or (below a hundred) in words."""
        worded = plant.number < _WORDED and plant.other < _WORDED and self.rng.random() < _SPELLED
        figure, other = (
            spelled(number) if worded else str(number) for number in (plant.number, plant.other)
        )
        text = plant.say(wording, figure)
        if not relevant:
            return Statement(text)
        # The sentence may begin with the figure.
        written = figure if figure in text else f"{figure[0].upper()}{figure[1:]}"
        return Statement(text, plant.say(wording, other), plant, written)


def draw(rng: Random, split: str) -> Dossier:
    """A dossier of four to seven documents, two to four relevant insights and as many others.

    Raises ValueError for a split other than "train" and "heldout".
    """
    if split not in THEMES:
        raise ValueError(f"no split {split!r}; it is train or heldout")
    theme = rng.choice(THEMES[split])
    topic = rng.choice(theme.topics)
    numbers = range(1, rng.randint(4, 7) + 1)
    drawing = _Draw(rng, split)
    relevant = [
        drawing.plant(claim, rng.sample(numbers, rng.randint(1, 3)))
        for claim in rng.sample(topic.claims, rng.randint(2, 4))
    ]
    others = [claim for one in theme.topics if one is not topic for claim in one.claims]
    placed = [rng.sample(numbers, rng.randint(1, 2)) for _ in range(rng.randint(2, 4))]
    # Each document says something; one left empty so far joins a distracting insight's.
    held = {number for plant in relevant for number in plant.documents}.union(*placed)
    for number in numbers:
        if number not in held:
            rng.choice(placed).append(number)
    claims = rng.sample(others, len(placed))
    distracting = [drawing.plant(*pair) for pair in zip(claims, placed, strict=True)]
    documents = _documents(drawing, theme, numbers, relevant, distracting)
    return Dossier(theme, topic, split, documents, tuple(relevant), tuple(distracting))


def idle(theme: Theme, number: int, rng: Random) -> Document:
    """A document of that number in which there is nothing."""
    said = tuple(Statement(text) for text in rng.sample(theme.idle, 2))
    return Document(number, rng.choice(theme.kinds), said)


def _documents(
    drawing: _Draw,
    theme: Theme,
    numbers: Sequence[int],
    relevant: Sequence[Plant],
    distracting: Sequence[Plant],
) -> tuple[Document, ...]:
    rng = drawing.rng
    said: dict[int, list[Statement]] = {number: [] for number in numbers}
    for plant in (*relevant, *distracting):
        wordings = rng.sample(plant.claim.wordings, len(plant.claim.wordings))
        for i, number in enumerate(plant.documents):
            wording = wordings[i % len(wordings)]
            said[number].append(drawing.statement(plant, wording, relevant=plant in relevant))
    for statements in said.values():
        statements += [Statement(text) for text in rng.sample(theme.idle, rng.randint(1, 2))]
        rng.shuffle(statements)
    return tuple(
        Document(number, rng.choice(theme.kinds), tuple(statements))
        for number, statements in said.items()
    )
