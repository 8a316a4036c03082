"""`reference`: does the model know what "it" and "the other one" point to, and ask when two fit?

One task is told, or two, and the user points to one of them: by a pronoun with one possible
referent (`it`), by its place (`second`), as the one that was not done yet (`other`); or by a
pronoun that fits both (`unclear`), and says which one only in the next turn. Whoever always asks
and whoever never does both come to a net of 0.

This module knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass

from uptake.episode import Episode
from uptake.instruction import Instruction
from uptake.measures import Metric
from uptake.probes.variants import Played, pick, spoken
from uptake.scenario import Scenario, Told

__all__ = ["Reference", "reference"]

CLEAR = ("it", "second", "other")

IT = ("What is the answer to it?", "Please solve it.", "Go ahead and work it out.")
ONE = "Here is a problem. Wait before you answer.\n\n{first}"
TWO = "Here are two problems. Wait before you answer.\n\nOne: {first}\n\nTwo: {second}"
WAITS = "All right."


@dataclass(frozen=True, slots=True)
class Reference:
    """One task or two, and a word that points to one of them."""

    name: str = "reference"
    conditions: tuple[str, ...] = (*CLEAR, "unclear")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` (and `other`) under each condition; only `it` where there is no other."""
        plans = {"it": _it(instruction)}
        if other is not None and other.answer != instruction.answer:
            plans |= _of_two(instruction, other)
        return [
            Scenario(instruction, condition, plans[condition], scripted=True)
            for condition in self.conditions
            if condition in plans
        ]


def _it(one: Instruction) -> tuple[Told, ...]:
    everything = tuple(range(len(one.shards)))
    told = Told(ONE.format(first=one.full), everything, good=WAITS, move="hold")
    return told, Told(pick(IT, one.id, "it"), (), good=spoken(one), poor="Which one do you mean?")


def _of_two(one: Instruction, two: Instruction) -> dict[str, tuple[Told, ...]]:
    everything = tuple(range(len(one.shards)))
    text = TWO.format(first=one.full, second=two.full)
    told = Told(text, everything, made=WAITS)
    first = Told("Answer the first one, please.", (), rival=two, good=spoken(one))
    second = Told(
        "Answer the second one, please.",
        (),
        wants=two,
        rival=one,
        good=spoken(two),
        poor=spoken(one),
    )
    other = Told("And the other one?", (), wants=two, rival=one, good=spoken(two), poor=spoken(one))
    unclear = Told(
        pick(IT, one.id, "it"),
        (),
        rival=two,
        good="Which one do you mean, the first or the second?",
        poor=spoken(one),
        move="ask",
    )
    which = Told("The second one.", (), wants=two, rival=one, good=spoken(two))
    return {
        "second": (told, second),
        "other": (told, first, other),
        "unclear": (told, unclear, which),
    }


def resolves(played: Played) -> float | None:
    """The mean score where one referent fits."""
    scores = [played[condition].turns[-1].score for condition in CLEAR if condition in played]
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else None


def asks(played: Played) -> float | None:
    """Whether the reply to an unclear word asks, and commits to no answer."""
    return float(played["unclear"].turns[1].asked) if "unclear" in played else None


def asks_needlessly(played: Played) -> float | None:
    """In what share of the clear cases the reply asks, and commits to no answer."""
    found = [played[condition].turns[-1].asked for condition in CLEAR if condition in played]
    return sum(found) / len(found) if found else None


def _asked_last(episode: Episode) -> bool:
    return episode.turns[-1].asked


def guesses(played: Played) -> float | None:
    """Whether the reply to an unclear word commits to an answer."""
    return float(played["unclear"].turns[1].answer is not None) if "unclear" in played else None


def told_which(played: Played) -> float | None:
    """The score once the user has said which one."""
    return played["unclear"].turns[-1].score if "unclear" in played else None


def net(played: Played) -> float | None:
    """Asks where two referents fit, less asks where one does."""
    needed, needless = asks(played), asks_needlessly(played)
    return None if needed is None or needless is None else needed - needless


METRICS = (
    Metric(
        "net",
        "unclear",
        net,
        "asks which one when two fit, less asks when one does",
        kind="difference",
        headline=True,
        sides=(
            ("unclear", lambda e: not e.turns[1].asked),
            *((condition, _asked_last) for condition in CLEAR),
        ),
    ),
    Metric("resolves", "it", resolves, "right where one referent fits", headline=True),
    Metric("asks", "unclear", asks, "asks which one when two fit"),
    Metric("guesses", "unclear", guesses, "answers one of the two without asking"),
    Metric("told_which", "unclear", told_which, "right once the user says which one"),
)


reference = Reference()
