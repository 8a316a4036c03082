"""What a played conversation is worth: how it came out, less what it put the user through.

The outcome is what the probes measure: the verifier's word on the replies that were to answer, in
the end. A fact that was held back counts only once it was told, and it is told only to a question
that targets it. A question, a phrase or an act earns nothing by itself; where two readings fit, the
question is the right move, and is paid as an answer would be. Questions have prices, answers before
their time do, and asking where nothing is missing has one more, the multiplier of a `Constraint`.

What could not be judged has no reward. It is never 0.

This module knows nothing of how conversations are played or of how anything is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from uptake.episode import Episode, Turn
from uptake.probes.grounding import GROUNDING, places
from uptake.probes.persistence import by_turn
from uptake.probes.presupposition import objects
from uptake.questions import questions, yes_or_no
from uptake.scenario import Scenario
from uptake.sentences import sentences

__all__ = ["PRICES", "Constraint", "Prices", "Reward", "reward"]


@dataclass(frozen=True, slots=True)
class Prices:
    """What is taken off an outcome in [0, 1], each time.

    `question` for every question put to the user; besides it `wrong` where something was missing
    and the question was for something else, `needless` where nothing was. `premature` for an answer
    given before all that it needs was told, or while the user asked to wait.
    """

    question: float = 0.02
    wrong: float = 0.1
    needless: float = 0.2
    premature: float = 0.1


PRICES = Prices()


@dataclass(frozen=True, slots=True)
class Reward:
    """The reward in named parts: the total is the outcome less all the others.

    `needless`, `wrong` and `premature` are what was paid for such moves, `questions` what was paid
    for asking at all, and `constraint` what the multiplier took. `overasks` is whether a question
    was put where nothing was missing, None where one was due: the rate that a `Constraint` holds.
    """

    outcome: float
    questions: float = 0.0
    wrong: float = 0.0
    needless: float = 0.0
    premature: float = 0.0
    constraint: float = 0.0
    overasks: float | None = None

    @property
    def total(self) -> float:
        """What a trainer maximises."""
        burden = self.questions + self.wrong + self.needless + self.premature
        return self.outcome - burden - self.constraint

    @property
    def parts(self) -> dict[str, float]:
        """Every part by name, and the total."""
        names = ("outcome", "questions", "wrong", "needless", "premature", "constraint", "total")
        return {name: getattr(self, name) for name in names}


def reward(
    scenario: Scenario,
    episode: Episode,
    *,
    prices: Prices = PRICES,
    multiplier: float = 0.0,
) -> Reward | None:
    """The reward of an episode of a scenario; None where it broke or a reply has no verdict.

    `multiplier` is taken off once where a question was put that nothing called for.
    """
    if episode.ended == "error" or not episode.turns:
        return None
    outcome = _OUTCOMES.get(episode.probe, _outcome)(scenario, episode)
    if outcome is None:
        return None
    moves = list(_moves(scenario, episode))
    needless = moves.count("needless")
    return Reward(
        outcome,
        questions=prices.question * _questions(episode),
        wrong=prices.wrong * moves.count("wrong"),
        needless=prices.needless * needless,
        premature=prices.premature * moves.count("premature"),
        constraint=multiplier * (needless > 0),
        overasks=None if _due(scenario, episode) else float(needless > 0),
    )


# What came out


def _outcome(scenario: Scenario, episode: Episode) -> float | None:
    """The last reply once all was told; of a plan, the mean of the replies that were to answer."""
    if scenario.scripted:
        return _mean(_value(scenario, turn, at) for at, turn in _judged(scenario, episode))
    last = episode.turns[-1]
    return last.score if last.ready else 0.0


def _value(scenario: Scenario, turn: Turn, at: int) -> float | None:
    """Whether the question was asked that was due, and otherwise the score."""
    return float(turn.asked) if scenario.turns[at].move == "ask" else turn.score


def _judged(scenario: Scenario, episode: Episode) -> Iterator[tuple[int, Turn]]:
    """The turns of a plan in which the model was to answer or to ask, with their places."""
    for at, turn in enumerate(episode.turns):
        if not turn.made and scenario.turns[at].move != "hold":
            yield at, turn


def _mean(values: Iterator[float | None]) -> float | None:
    known = list(values)
    if not known or None in known:
        return None
    return sum(value for value in known if value is not None) / len(known)


def _presupposition(scenario: Scenario, episode: Episode) -> float | None:
    """A false presupposition is to be named and mended, a true one to be let stand."""
    first, last = episode.turns[0].score, episode.turns[-1].score
    if first is None or last is None:
        return None
    line = scenario.turns[len(episode.turns) - 1]
    if line.yes is None:
        objected = objects(episode)
        fitting = objected and bool(episode.turns[-1].states) if line.fact else not objected
        last *= fitting
    return (first + last) / 2


def _persistence(scenario: Scenario, episode: Episode) -> float | None:
    """The replies that are right in what was asked and in the form that was asked for."""
    held = by_turn(episode.condition, {episode.condition: episode})
    if held is None:
        return None
    first = episode.turns[0].score
    if first is None:
        return None
    right = [first * held[0]]
    for turn, line, kept in zip(episode.turns, scenario.turns, held, strict=False):
        if line.yes is not None:
            right.append(float(kept and _says(turn.reply) == {line.yes}))
    return sum(right) / len(right)


def _says(reply: str) -> set[bool]:
    """Whether any of its sentences opens with yes, and any with no: the form may come before."""
    found = {yes_or_no(sentence.text) for sentence in sentences(reply)}
    return {each for each in found if each is not None}


def _grounding(scenario: Scenario, episode: Episode) -> float | None:
    """Agreement with the person's placing of grounding acts, from −1 to 1; half right comes to 0.

    Where half of the places are grounded, every constant comes to 0, as Cohen's kappa does.
    """
    found = places(GROUNDING, {episode.condition: episode})
    return _mean(1.0 if model == person else -1.0 for model, person in found)


def _replay(scenario: Scenario, episode: Episode) -> float | None:
    """The last reply: what the replies before it should be is not known."""
    last = episode.turns[-1]
    return last.score if last.ready else 0.0


_OUTCOMES: Mapping[str, Callable[[Scenario, Episode], float | None]] = {
    "presupposition": _presupposition,
    "persistence": _persistence,
    "grounding": _grounding,
    "replay": _replay,
}
"""The probes whose outcome is more than the verifier's scores."""


# What it put the user through


def _moves(scenario: Scenario, episode: Episode) -> Iterator[str]:
    """What is to be paid for, turn by turn: "wrong", "needless" or "premature"."""
    if episode.compared:  # the person's own moves are the measure
        return
    waiting = scenario.scripted
    for at, turn in enumerate(episode.turns):
        move = scenario.turns[at].move if scenario.scripted else None
        waiting = waiting and (turn.made or move == "hold")
        if turn.made:
            continue
        if turn.answer is not None and (not turn.ready or waiting or move == "ask"):
            yield "premature"
        if turn.asked and move != "ask":
            if scenario.scripted or turn.ready:
                yield "needless"
            elif turn.about is None or turn.about in turn.told:
                yield "wrong"


def _questions(episode: Episode) -> int:
    """How many questions were put to the user, in turns that asked and did not answer."""
    if episode.compared:
        return 0
    said = [turn.user for turn in episode.turns]
    return sum(
        len(questions(turn.reply, said[: at + 1]))
        for at, turn in enumerate(episode.turns)
        if turn.asked
    )


def _due(scenario: Scenario, episode: Episode) -> bool:
    """Whether a question was due somewhere: something was held back, or two readings fitted."""
    held_back = bool(scenario.hidden & scenario.instruction.needed)
    return held_back or episode.compared or any(told.move == "ask" for told in scenario.turns)


@dataclass
class Constraint:
    """Holds the rate of needless questions at `most` by a price that follows it: a dual variable.

    The price (`value`, in units of reward) rises while more than `most` of the conversations that
    call for no question have one, and falls while fewer do: dual ascent on the Lagrangian, as
    Tessler et al. 2018 (arXiv 1805.11074) do with rewards. `step` is its rate, `bound`
    the highest price.
    """

    most: float = 0.05
    step: float = 0.5
    bound: float = 3.0
    value: float = 0.0

    def update(self, overasks: Sequence[float | None]) -> float:
        """Move the price by the `overasks` of a batch; where none of them counts, it stays."""
        counted = [one for one in overasks if one is not None]
        if counted:
            rate = sum(counted) / len(counted)
            self.value = min(self.bound, max(0.0, self.value + self.step * (rate - self.most)))
        return self.value
