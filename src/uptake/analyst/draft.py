"""A ledger while a turn is heard: what `hearing`, `topics` and `revising` write into.

It keeps what a ledger promises: an entry is a piece of a user's turn, only what came later
supersedes, strikes or withdraws it, and at most one topic is open.

This module knows nothing of how any of this is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from uptake.analyst.asides import aside
from uptake.analyst.language import Language, Pack
from uptake.analyst.wording import Wording, fold, reader
from uptake.ground import CommonGround, Entry, Kind, Span, Status, Strike, Topic

__all__ = ["SAYING", "Draft", "Slot"]

SAYING: tuple[Kind, ...] = ("goal", "fact", "correction", "preference", "answer")
"""The kinds of entries that say something."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A value in an entry as it holds now: characters `start` to `end` of the entry's own text.

    `turn` is when the value that stands there was said.
    """

    entry: int
    start: int
    end: int
    kind: str
    key: str
    turn: int


class Draft:
    """The ledger before a turn, and what the turn makes of it so far."""

    def __init__(self, before: CommonGround, text: str, asked: str | None, language: Language):
        self.before = before
        self.text = text
        self.asked = asked
        self.language = language
        self.pack: Pack = language.pack
        self.wording = reader(language)
        self.turn = len(before.turns)
        self.turns = (*before.turns, text)
        self.entries = list(before.entries)
        self.topics = list(before.topics)
        self.stack = list(before.stack)

    def ground(self) -> CommonGround:
        """The ledger after the turn."""
        return CommonGround(self.turns, tuple(self.entries), tuple(self.topics), tuple(self.stack))

    # Entries

    def add(
        self, start: int, end: int, kind: Kind, topic: int | None = None, status: Status = "active"
    ) -> Entry:
        """Enter characters `start` to `end` of the turn, under the open topic if none is given."""
        topic = self.open() if topic is None else topic
        entry = Entry(
            len(self.entries),
            Span(self.turn, start, end),
            self.text[start:end],
            kind,
            topic,
            status,
        )
        self.entries.append(entry)
        if kind not in ("social", "quoted"):
            now = self.topics[topic]
            self.topics[topic] = Topic(now.id, now.opened, self.turn, now.state)
        return entry

    def end(self, old: Entry, by: Entry, status: Status) -> None:
        """`old` holds no longer, because of `by`; what a withdrawn one had struck holds again."""
        if status == "withdrawn":
            for entry in self.entries:
                if any(each.by == old.id for each in entry.struck):
                    kept = tuple(each for each in entry.struck if each.by != old.id)
                    self.entries[entry.id] = replace(entry, struck=kept)
        self.entries[old.id] = replace(self.entries[old.id], status=status, by=by.id)

    def strike(self, old: int, start: int, end: int, by: Entry, put: Span | None) -> None:
        """A piece of an entry holds no longer; a correction that had put it there is superseded."""
        entry = self.entries[old]
        kept = tuple(each for each in entry.struck if each.end <= start or each.start >= end)
        for gone in {each.by for each in entry.struck} - {each.by for each in kept}:
            if not any(
                each.by == gone
                for other in self.entries
                for each in other.struck
                if other.id != old
            ):
                self.end(self.entries[gone], by, "superseded")
        struck = (*kept, Strike(start, end, by.id, put))
        self.entries[old] = replace(entry, struck=tuple(sorted(struck, key=_start)))

    def words(self, entry: Entry) -> Wording:
        """The wording of an entry as it was said."""
        return self.wording(entry.text)

    def said(self, entry: Entry) -> str:
        """The words of an entry as they hold now."""
        return self.ground().wording(entry) if entry.struck else entry.text

    def beside(
        self,
        text: str,
        about: frozenset[str] = frozenset(),
        told: frozenset[str] = frozenset(),
    ) -> float:
        """The log-odds that some words are beside the matter.

        `about` are their stems and `told` is what `told` gives, where what they share counts.
        """
        return aside(fold(text), self.language, told, about)

    def told(self) -> frozenset[str]:
        """The stems of all that holds."""
        return frozenset[str]().union(*(self.words(entry).about for entry in self.standing()))

    def standing(self, *, earlier: bool = False, landed: bool = True) -> Iterator[Entry]:
        """The entries that say something and hold, the latest first.

        With `earlier` only those of past turns; without `landed` no correction whose value stands
        in the entry that it corrects.
        """
        put = () if landed else {each.by for e in self.entries for each in e.struck if each.put}
        for entry in reversed(self.entries):
            past = entry.span.turn < self.turn or not earlier
            if past and entry.status == "active" and entry.kind in SAYING and entry.id not in put:
                yield entry

    def slots(self, entry: Entry) -> list[Slot]:
        """The values and names of an entry as it holds now, in order."""
        found: list[Slot] = []
        for start, end, kind, key in _values(entry.text, self.words(entry)):
            if all(end <= struck.start or start >= struck.end for struck in entry.struck):
                found.append(Slot(entry.id, start, end, kind, key, entry.span.turn))
        for struck in entry.struck:
            if struck.put is not None:
                put = self.turns[struck.put.turn][struck.put.start : struck.put.end]
                values = _values(put, self.wording(put))
                if len(values) == 1:
                    kind, key = values[0][2:]
                    place = (struck.start, struck.end)
                    found.append(Slot(entry.id, *place, kind, key, struck.put.turn))
        return found

    # Topics

    def open(self) -> int:
        """The open topic; a first one, or after all was called off a new one, is opened."""
        return self.stack[-1] if self.stack else self.begin()

    def begin(self) -> int:
        """Open a new topic; the one that was open is suspended."""
        self._suspend()
        self.topics.append(Topic(len(self.topics), self.turn, self.turn))
        self.stack.append(len(self.topics) - 1)
        return self.stack[-1]

    def resume(self, topic: int) -> None:
        """Come back to a topic."""
        if self.stack and self.stack[-1] == topic:
            return
        self._suspend()
        self.topics[topic] = replace(self.topics[topic], state="open", last=self.turn)
        self.stack = [each for each in self.stack if each != topic] + [topic]

    def cancel(self, topic: int, by: Entry) -> None:
        """Call a topic off with all that was said of it; the one before it is open again."""
        for entry in self.entries[: by.id]:
            if entry.topic == topic and entry.status == "active" and entry.kind in SAYING:
                self.end(entry, by, "withdrawn")
        self.topics[topic] = replace(self.topics[topic], state="cancelled", last=self.turn)
        was_open = self.stack and self.stack[-1] == topic
        self.stack = [each for each in self.stack if each != topic]
        if was_open and self.stack:
            self.topics[self.stack[-1]] = replace(self.topics[self.stack[-1]], state="open")

    def vocabulary(self, topic: int) -> frozenset[str]:
        """What a topic is about: the stems of all that was said of it."""
        of_topic = (e for e in self.entries if e.topic == topic and e.kind in SAYING)
        return frozenset[str]().union(*(self.words(entry).about for entry in of_topic))

    def _suspend(self) -> None:
        if self.stack:
            now = self.stack[-1]
            self.topics[now] = replace(self.topics[now], state="suspended")


def _start(struck: Strike) -> int:
    return struck.start


def _values(text: str, words: Wording) -> list[tuple[int, int, str, str]]:
    values = [(each.start, each.end, each.kind, each.key) for each in words.values]
    names = [(start, end, "name", text[start:end].lower()) for start, end in words.names]
    return sorted(values + names)
