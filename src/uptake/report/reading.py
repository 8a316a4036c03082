"""Which conversations a reader should see, and how each is laid out.

Failures come first: what falls short of a headline figure of the probe, what had the answer and
lost it, what broke. Beside each turn stands what it did (its acts, by rule), what was known by
then, and what a good partner would have done; beside a conversation told over turns, the same
instruction told at once.

This module knows nothing of HTML or of figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from uptake.cells import right_then_wrong
from uptake.episode import Episode, Turn
from uptake.measures import Agreement, Course, Figure, Metric
from uptake.probes.variants import acts_at
from uptake.show import outcome

__all__ = ["Bubble", "Reading", "Shelf", "pieces", "readings"]

_BLOCK = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)

LONGEST = 4000  # characters of one message
IN_LINE = 60  # characters of an answer that stands in the line above a conversation
SHORT = 4  # conversations a headline figure
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
    """One turn: what the user said, the reply, and marks such as "answers 19".

    `did` are the acts of the reply, `told` and `untold` the words of the shards, both empty once
    everything was told, and `better` is what a good partner does here.
    """

    user: str
    reply: str
    marks: tuple[tuple[str, str], ...]
    ready: bool
    did: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    better: str = ""


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


def readings(episodes: Sequence[Episode], metrics: Sequence[Figure] = ()) -> list[Shelf]:
    """What to read of one model's episodes; each instruction once a shelf, no conversation twice.

    `metrics` are those of the probe: what falls short of its headlines comes first.
    """
    short = list(_short(episodes, metrics))
    shown = {id(episode) for shelf in short for episode in shelf[3]}
    rest = [episode for episode in episodes if id(episode) not in shown]
    return [_shelf(*shelf) for shelf in short] + _by_outcome(rest)


def _short(
    episodes: Sequence[Episode], metrics: Sequence[Figure]
) -> Iterator[tuple[str, str, int, list[Episode]]]:
    """What falls short of each headline of the probe, the worst first: a shelf's parts."""
    together: dict[tuple[str, int], dict[str, Episode]] = {}
    for e in episodes:
        if e.ended != "error" and (e.compared or e.score() is not None):
            together.setdefault((e.instruction_id, e.repeat), {})[e.condition] = e
    for metric in metrics:
        if not metric.headline or isinstance(metric, Course):
            continue
        name = f"short of: {metric.name.replace('_', ' ')}"
        if isinstance(metric, Metric) and metric.sides:
            sides = _sides(metric, together.values())
            if sides:
                each = -(-SHORT // len(sides))
                chosen = [e for side in sides for e in _distinct(side, each)]
                yield name, metric.meaning, sum(map(len, sides)), chosen
            continue
        found = [
            (value, played[metric.condition])
            for played in together.values()
            if metric.condition in played and (value := _value(metric, played)) is not None
        ]
        fails = [(value, episode) for value, episode in found if _falls_short(metric, value)]
        fails.sort(key=lambda each: (each[0], each[1].repeat))
        if fails:
            yield name, metric.meaning, len(fails), _distinct([e for _, e in fails], SHORT)


def _sides(metric: Metric, together: Iterable[Mapping[str, Episode]]) -> list[list[Episode]]:
    """What falls short on each side of a difference, the sides where nothing does left out."""
    counted = [played for played in together if metric.of(played) is not None]
    fails = [
        [e for played in counted if (e := played.get(condition)) is not None and falls(e)]
        for condition, falls in metric.sides
    ]
    return [sorted(side, key=lambda e: e.repeat) for side in fails if side]


def _falls_short(metric: Figure, value: float) -> bool:
    """Below all that a share can be; of a difference, at what a constant policy comes to."""
    if metric.name.startswith("slope"):  # a change, of which none is no failure
        return value < 0
    return value <= 0 if metric.kind == "difference" else value < 1


def _value(metric: Metric | Agreement, played: Mapping[str, Episode]) -> float | None:
    """What a metric is for one instruction and repeat; the share of agreeing places."""
    if isinstance(metric, Metric):
        return metric.of(played)
    decided = metric.of(played)
    return 2 * sum(a == b for a, b in decided) / len(decided) - 1 if decided else None


def _shelf(name: str, words: str, total: int, chosen: Sequence[Episode]) -> Shelf:
    return Shelf(name, words, total, tuple(_reading(episode, None) for episode in chosen))


def _by_outcome(episodes: Iterable[Episode]) -> list[Shelf]:
    """By how the conversation went, whatever the probe."""
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
    for at, turn in enumerate(episode.turns):
        shown = turn.ready and not before and at > 0
        laid.append(_bubble(episode, at, shown))
        before = turn.ready
    return tuple(laid)


def _bubble(episode: Episode, at: int, ready: bool) -> Bubble:
    turn = episode.turns[at]
    told = [_cut(text, 200) for i, text in enumerate(episode.shards) if i in turn.told]
    untold = [_cut(text, 200) for i, text in enumerate(episode.shards) if i not in turn.told]
    return Bubble(
        _cut(turn.user),
        _cut(turn.reply),
        tuple(_marks(turn)),
        ready,
        () if turn.made else tuple(sorted(acts_at(episode, at))),
        tuple(told if untold else ()),
        tuple(untold),
        _better(turn),
    )


def _better(turn: Turn) -> str:
    """The move of a good partner, and its words; those of a person where one spoke here."""
    if turn.person is not None:
        return f"a person said: {_cut(turn.person, 400)}"
    words = f": {_cut(turn.good, 400)}" if turn.good else ""
    return f"{turn.best}{words}" if turn.best else ""


def _marks(turn: Turn) -> Iterable[tuple[str, str]]:
    """What is known of a reply, each with its kind: right, wrong or plain."""
    if turn.made:
        yield "plain", "put into its mouth"
    elif turn.answer is not None:
        yield _pip(turn), f"answers {_cut(turn.answer, 60)}"
    elif turn.score is None:
        yield "plain", "could not be judged"
    if turn.asked:
        yield "plain", "asks"
    elif turn.answer is None and turn.score is not None and turn.person is None:
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
