"""Which conversations a reader should see, and how each is laid out.

Those that had the answer and lost it come first, then failures, then the rest. Beside each stands
the same instruction told at once.

This module knows nothing of HTML or of figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from uptake.episode import Episode, Turn
from uptake.scores import right_then_wrong
from uptake.show import outcome

__all__ = ["Bubble", "Reading", "Shelf", "pieces", "readings"]

_BLOCK = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)

LONGEST = 4000  # characters of one message
IN_LINE = 60  # characters of an answer that stands in the line above a conversation
SHELVES = (
    ("right, then wrong", "A reply was right, and the last one was not.", 6),
    ("failed", "The episode ended in an error. It has no score; it is never counted as 0.", 3),
    ("unasked", "It never learned what it needed: it did not ask for it.", 6),
    ("wrong", "No reply was right, though everything needed had been said.", 4),
    ("right", "The last reply was right.", 2),
    ("undecided", "The verifier could not judge the last reply. It has no score.", 2),
)


@dataclass(frozen=True)
class Bubble:
    """One turn: what the user said, the reply, and marks such as "answers 19"."""

    user: str
    reply: str
    marks: tuple[tuple[str, str], ...]
    ready: bool


@dataclass(frozen=True)
class Reading:
    """A conversation over turns and, where it was played, the same told at once."""

    title: str
    verdict: str
    gold: str
    pips: tuple[str, ...]
    bubbles: tuple[Bubble, ...]
    error: str | None
    once: tuple[Bubble, ...]
    once_verdict: str

    @property
    def long(self) -> bool:
        """Whether the right answer is too long for a line."""
        return len(self.gold) > IN_LINE or "\n" in self.gold


@dataclass(frozen=True)
class Shelf:
    """Conversations that went the same way: some to read, of `total`."""

    name: str
    words: str
    total: int
    readings: tuple[Reading, ...]


def pieces(text: str) -> list[tuple[bool, str]]:
    """A message in pieces, each with whether it is a block of code; together they are all of it."""
    found: list[tuple[bool, str]] = []
    at = 0
    for block in _BLOCK.finditer(text):
        found += [(False, text[at : block.start()]), (True, block[0])]
        at = block.end()
    return [(code, piece) for code, piece in [*found, (False, text[at:])] if piece]


def readings(episodes: Iterable[Episode]) -> list[Shelf]:
    """What to read of one model's episodes; each instruction once a shelf."""
    once: dict[tuple[str, int], Episode] = {}
    kinds: dict[str, list[Episode]] = {name: [] for name, _, _ in SHELVES}
    for episode in episodes:
        if episode.condition == "full":
            once[episode.instruction_id, episode.repeat] = episode
        kind = _kind(episode)
        if kind is not None:
            kinds[kind].append(episode)
    shelves: list[Shelf] = []
    for name, words, most in SHELVES:
        found = kinds[name]
        chosen = _distinct(sorted(found, key=_first_sharded), most)
        if chosen:
            laid = tuple(_reading(e, once.get((e.instruction_id, e.repeat))) for e in chosen)
            shelves.append(Shelf(name, words, len(found), laid))
    return shelves


def _kind(episode: Episode) -> str | None:
    """The shelf of an episode; None where it is told at once, and went as it should."""
    came_to = outcome(episode)
    if came_to == "failed":
        return "failed"
    if not episode.turns[-1].ready:
        return "unasked"
    if len(episode.turns) < 2:
        return None
    if right_then_wrong(episode):
        return "right, then wrong"
    return "wrong" if came_to == "partly right" else came_to


def _first_sharded(episode: Episode) -> tuple[bool, int]:
    return episode.condition not in ("sharded", "missing"), episode.repeat


def _distinct(episodes: Sequence[Episode], most: int) -> list[Episode]:
    seen: dict[str, Episode] = {}
    for episode in episodes:
        if len(seen) < most:
            seen.setdefault(episode.instruction_id, episode)
    return list(seen.values())


def _reading(episode: Episode, once: Episode | None) -> Reading:
    told_over_turns = len(episode.turns) > 1 or episode.condition not in ("full", "concat")
    beside = once if told_over_turns and once is not episode else None
    return Reading(
        title=f"{episode.instruction_id} · {episode.condition} · repeat {episode.repeat + 1}",
        verdict=outcome(episode),
        gold=episode.gold,
        pips=tuple(_pip(turn) for turn in episode.turns),
        bubbles=_bubbles(episode),
        error=episode.error,
        once=_bubbles(beside) if beside else (),
        once_verdict=outcome(beside) if beside else "",
    )


def _bubbles(episode: Episode) -> tuple[Bubble, ...]:
    """The turns; `ready` marks the first at which everything needed had been said."""
    laid: list[Bubble] = []
    before = False
    for turn in episode.turns:
        shown = turn.ready and not before and len(episode.turns) > 1
        laid.append(Bubble(_cut(turn.user), _cut(turn.reply), tuple(_marks(turn)), shown))
        before = turn.ready
    return tuple(laid)


def _marks(turn: Turn) -> Iterable[tuple[str, str]]:
    """What is known of a reply, each with its kind: right, wrong or plain."""
    if turn.answer is not None:
        yield _pip(turn), f"answers {_cut(turn.answer, 60)}"
    elif turn.score is None:
        yield "plain", "could not be judged"
    if turn.asked:
        yield "plain", "asks"
    elif turn.answer is None and turn.score is not None:
        yield "plain", "no answer"
    if turn.unfaithful:
        yield "wrong", f"user: {_cut(turn.unfaithful, 80)}"
    if turn.finish_reason == "length":
        yield "plain", "cut off"


def _pip(turn: Turn) -> str:
    if turn.answer is None or turn.score is None:
        return "plain"
    return "right" if turn.score >= 1 else "wrong" if turn.score <= 0 else "part"


def _cut(text: str, longest: int = LONGEST) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest:,} more characters)"
