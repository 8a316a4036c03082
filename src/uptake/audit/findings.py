"""The audits of many conversations, folded: rates with intervals, and the worst to read.

`Findings` can be added up in parts, in any order, and written as JSON: a log of any size is read
in pieces, by several processes, or goes on after it was stopped. Its size depends on how many
files and models there are, not on how many conversations.

This module knows nothing of files or of how findings are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from uptake.acts import ASKING
from uptake.audit import CAUSES, SIGNALS, Audit
from uptake.audit.repairs import Repair
from uptake.audit.tally import Tally
from uptake.audit.worst import Worst, bad, laid_out
from uptake.transcripts import Transcript

__all__ = ["EARLY", "LATEST", "Findings"]

LATEST = 12
"""Replies that are told apart by their place; later ones count together."""

EARLY = 2
"""The first so many replies are early, where it is asked whether early failures foretell later."""

KEPT = 4  # conversations to read, of each cause
_ASKS = ASKING - {"follow_up"}
_HEADS = ("breakdown", "signal", "premature", "asks", "repaired")  # figures kept of every group


class Findings:
    """What was found in any number of conversations.

    `tallies` are by group and figure: a group is ("all", ""), ("corpus", NAME), ("model", NAME)
    or ("reply", NUMBER). `pairs` count the conversations with so many events and occasions of a
    figure, over all: what two sets of logs are compared by (`against`).
    """

    def __init__(self) -> None:
        """Nothing found yet."""
        self.conversations = 0
        self.turns = 0
        self.tallies: dict[tuple[str, str], dict[str, Tally]] = {}
        self.pairs: dict[str, Counter[tuple[int, int]]] = {}
        self.firsts: Counter[tuple[int, str]] = Counter()
        self.roles: Counter[str] = Counter()
        self.worst: list[Worst] = []

    def add(self, transcript: Transcript, found: Audit, corpus: str, *, redact: bool) -> None:
        """Count one conversation."""
        self.conversations += 1
        self.turns += len(found.heard.turns)
        roles = {m.role for m in transcript.conversation} - {"user", "assistant", "system", "tool"}
        self.roles.update(roles)
        whole = ("all", "")
        for name, events, occasions in _figures(found):
            self._count(whole, name, events, occasions)
            if occasions:
                self.pairs.setdefault(name, Counter())[events, occasions] += 1
            if name in _HEADS:
                self._count(("corpus", corpus), name, events, occasions)
                self._count(("model", transcript.model or "unknown"), name, events, occasions)
        for place, name, events, occasions in _by_place(found):
            self._count(("reply", str(place)), name, events, occasions)
        if found.first is not None:
            place = found.heard.replies.index(found.first.at) + 1
            self.firsts[min(place, LATEST), found.first.cause] += 1
            if len(found.heard.turns) > 1 and self._may_keep(found.first.cause, bad(found)):
                self._keep([laid_out(transcript, found, redact=redact)])

    def _count(self, group: tuple[str, str], name: str, events: int, occasions: int) -> None:
        if occasions:
            self.tallies.setdefault(group, {}).setdefault(name, Tally()).add(events, occasions)

    def _may_keep(self, cause: str, badness: float) -> bool:
        """Whether a conversation as bad as that may be one to read: it is laid out only then."""
        of_cause = [worst.badness for worst in self.worst if worst.cause == cause]
        return badness > 0 and (len(of_cause) < KEPT or round(badness, 4) >= of_cause[-1])

    def _keep(self, more: list[Worst]) -> None:
        ranked = sorted([*self.worst, *more], key=lambda w: (-w.badness, w.file, w.line, w.id))
        of_cause: Counter[str] = Counter()
        self.worst = []
        for worst in ranked:
            of_cause[worst.cause] += 1
            if of_cause[worst.cause] <= KEPT:
                self.worst.append(worst)

    def merge(self, other: Findings) -> None:
        """Add what was found in other conversations."""
        self.conversations += other.conversations
        self.turns += other.turns
        for group, figures in other.tallies.items():
            mine = self.tallies.setdefault(group, {})
            for name, tally in figures.items():
                mine.setdefault(name, Tally()).merge(tally)
        for name, pairs in other.pairs.items():
            self.pairs.setdefault(name, Counter()).update(pairs)
        self.firsts.update(other.firsts)
        self.roles.update(other.roles)
        self._keep(other.worst)

    def tally(self, name: str, group: tuple[str, str] = ("all", "")) -> Tally:
        """The tally of a figure; an empty one where nothing was counted."""
        return self.tallies.get(group, {}).get(name, Tally())

    def acts(self, role: str, name: str) -> Tally:
        """Turns of a party that do this, over all of its turns."""
        return self.tally(f"act:{role}:{name}").over(self.tally(f"turns:{role}"))

    def begun(self, kind: str, by: str, of: str) -> Tally:
        """Repairs that `by` begins of `of`'s turns, over all turns."""
        return self.tally(f"begun:{kind}:{by}:{of}").over(self.tally("turns"))

    def groups(self, kind: str) -> list[str]:
        """The names of one kind of group, the largest first."""
        named = [(name, tallies) for (k, name), tallies in self.tallies.items() if k == kind]
        return [n for n, _ in sorted(named, key=lambda g: (-max(x.n for x in g[1].values()), g[0]))]

    def to_dict(self) -> dict[str, Any]:
        """As JSON; `from_dict` gives the same back."""
        return {
            "conversations": self.conversations,
            "turns": self.turns,
            "tallies": [
                [*group, name, tally.to_list()]
                for group, figures in self.tallies.items()
                for name, tally in figures.items()
            ],
            "pairs": [
                [name, events, occasions, n]
                for name, pairs in self.pairs.items()
                for (events, occasions), n in pairs.items()
            ],
            "firsts": [[place, cause, n] for (place, cause), n in self.firsts.items()],
            "roles": dict(self.roles),
            "worst": [worst.to_dict() for worst in self.worst],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Findings:
        """Findings from their JSON. Raises ValueError, KeyError or TypeError for anything else."""
        found = cls()
        found.conversations, found.turns = int(data["conversations"]), int(data["turns"])
        for kind, group, name, sums in data["tallies"]:
            found.tallies.setdefault((kind, group), {})[name] = Tally.from_list(sums)
        for name, events, occasions, n in data["pairs"]:
            found.pairs.setdefault(name, Counter())[events, occasions] = n
        found.firsts = Counter({(place, cause): n for place, cause, n in data["firsts"]})
        found.roles = Counter(data["roles"])
        found.worst = [Worst.from_dict(worst) for worst in data["worst"]]
        return found


def _figures(found: Audit) -> Iterator[tuple[str, int, int]]:
    """Every figure of one conversation: its name, events and occasions."""
    heard, marks = found.heard, found.marks
    replies, users = heard.replies, heard.users
    if replies:
        yield "breakdown", int(bool(found.breakdowns)), 1
        yield "signal", int(bool(found.signals)), 1
        for cause in CAUSES:
            yield cause, int(any(each.cause == cause for each in found.breakdowns)), 1
    for role, turns in (("user", users), ("assistant", replies)):
        acts: dict[str, int] = {}
        for at in turns:
            for name in dict.fromkeys(mark.name for mark in marks.get(at, ())):
                acts[name] = acts.get(name, 0) + 1
        for name, count in acts.items():
            yield f"act:{role}:{name}", count, len(turns)
        yield f"turns:{role}", 0, len(turns)
    asks = [at for at in replies if any(m.name in _ASKS for m in marks.get(at, ()))]
    yield "asks", len(asks), len(replies)
    answered = [at for at in users if heard.before(at, "assistant") is not None]
    shown = {(signal.name, signal.at) for signal in found.signals}
    for name in SIGNALS:
        yield f"signal:{name}", sum(each == name for each, _ in shown), len(answered)
    yield "turns", 0, len(heard.turns)
    yield from _repaired(found.repairs, len(heard.turns))
    yield from _before(found, answered)
    yield from _early(found)


def _repaired(found: tuple[Repair, ...], turns: int) -> Iterator[tuple[str, int, int]]:
    """Of the repairs whose end is known, how many were taken up; and who repairs whom."""
    known = [repair for repair in found if repair.held is not None]
    yield "repaired", sum(bool(repair.held) for repair in known), len(known)
    kinds = Counter((r.kind, r.by, r.of) for r in found)
    for (kind, by, of), count in kinds.items():
        these = [r for r in known if (r.kind, r.by, r.of) == (kind, by, of)]
        yield f"repair:{kind}:{by}:{of}", sum(bool(r.held) for r in these), len(these)
        yield f"begun:{kind}:{by}:{of}", count, turns


def _before(found: Audit, answered: list[int]) -> Iterator[tuple[str, int, int]]:
    """How often a signal of failure follows, by what the assistant's turn before did."""
    failed = {signal.at for signal in found.signals}
    yield "after:any", len(failed), len(answered)
    did: dict[str, list[int]] = {}
    for at in answered:
        reply = found.heard.before(at, "assistant")
        names = [mark.name for mark in found.marks.get(reply or 0, ())]
        for name in dict.fromkeys(names or ["none"]):
            did.setdefault(name, []).append(at)
    for name, turns in did.items():
        yield f"after:{name}", sum(at in failed for at in turns), len(turns)


def _early(found: Audit) -> Iterator[tuple[str, int, int]]:
    """Whether later replies fail, apart for conversations that failed early and others."""
    replies = found.heard.replies
    if len(replies) <= EARLY:
        return
    early = any(at in found.broken for at in replies[:EARLY])
    late = any(at in found.broken for at in replies[EARLY:])
    yield ("later:failed_early" if early else "later:sound_early"), int(late), 1


def _by_place(found: Audit) -> Iterator[tuple[int, str, int, int]]:
    """Figures by the place of a reply, from 1: of those still unbroken, how many break there."""
    first = found.first.at if found.first is not None else None
    for number, at in enumerate(found.heard.replies, 1):
        place = min(number, LATEST)
        names = {mark.name for mark in found.marks.get(at, ())}
        yield place, "asks", int(bool(names & _ASKS)), 1
        yield place, "commits", int("commit" in names), 1
        yield place, "breaks", int(at in found.broken), 1
        if first is None or at <= first:
            yield place, "first", int(at == first), 1
