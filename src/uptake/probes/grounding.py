"""`grounding`: does the model do the work of grounding where people do it?

It replies at each place where a person did, in a dialogue between people: the conversation goes
on from the person's words, whatever the model says. Then both are compared, place by place. After
Shaikh et al. 2024 (arXiv 2311.09144), for whom the rate is easy to raise and the placement is the
skill; two people agree on it with a kappa of 0.375 there.

Dialogues come from a file (domain "dialogue"), or are made from an instruction: the partner says
that it listens while more is to come, asks for what was not said, and answers once all is there.

This module knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from uptake.acts import ASKING
from uptake.agreement import Decisions
from uptake.episode import Episode
from uptake.instruction import Instruction
from uptake.measures import Agreement, Figure, Metric
from uptake.probes.variants import Played, acts_at, acts_of, spoken
from uptake.scenario import Scenario, Told, bullets
from uptake.sentences import plain

__all__ = ["ACKNOWLEDGING", "GROUNDING", "PEOPLE", "Grounding", "grounding", "places"]

ACKNOWLEDGING = frozenset({"acknowledge", "display"})

GROUNDING = ASKING | ACKNOWLEDGING
"""The acts that work on what is common ground, before or beside any answer."""

PEOPLE = 0.375
"""Cohen's kappa of two people on where a grounding act belongs (arXiv 2311.09144)."""

ALL = "That is all. What is your answer?"
"""After this, a reply in the words of the request is an answer and no sign of listening."""

ANSWER = "The answer is 12."
WHICH = "Could you tell me which part you mean?"


@dataclass(frozen=True, slots=True)
class Grounding:
    """The model in a person's place."""

    name: str = "grounding"
    conditions: tuple[str, ...] = ("beside",)

    @property
    def metrics(self) -> tuple[Figure, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """The dialogue that `instruction` brings, or else one made from it; none of one fact."""
        brought = instruction.meta.get("dialogue")
        if brought:
            plan = [Told(said, (), good=reply, person=reply) for said, reply in brought]
        elif len(instruction.shards) < 3:
            return []
        else:
            plan = _made(instruction)
        return [Scenario(instruction, "beside", tuple(plan), scripted=True)]


def _made(one: Instruction) -> list[Told]:
    """Three places where a partner grounds and three where it does not, in a varying order."""
    rng = Random(f"grounding/{one.id}")
    everything = tuple(range(len(one.shards)))
    cut = (len(everything) + 1) // 2
    texts = [shard.text for shard in one.shards]
    aside = [_place(*_wait(rng)), _place(*_thanks(one, rng), grounds=False)]
    rng.shuffle(aside)
    if rng.random() < 0.5:
        asks = f"Could you tell me {one.shards[1].quantity or 'what you know about it'}?"
        begun = bullets(texts[1:cut])
        return [
            _place(texts[0], asks, (0,)),
            _place(f"{begun}\nThat is not all yet.", "Okay, go on.", everything[1:cut]),
            _place(f"{' '.join(texts[cut:])} {ALL}", spoken(one), everything[cut:], grounds=False),
            _place(*_thanks(one, rng), grounds=False),
            *aside,
        ]
    return [
        _place(f"{one.full}\n\n{ALL}", spoken(one), everything, grounds=False),
        _place("And what about the other one?", "Which other one do you mean?"),
        _place("Sorry, forget that. Thanks for this one.", "You are welcome.", grounds=False),
        _place(*_wait(rng)),
        *aside,
    ]


def _place(said: str, reply: str, shards: Sequence[int] = (), *, grounds: bool = True) -> Told:
    """A turn of the user's, and what the person replied; a poor partner does the opposite."""
    return Told(said, tuple(shards), good=reply, poor=ANSWER if grounds else WHICH, person=reply)


def _wait(rng: Random) -> tuple[str, str]:
    said = ("Wait, there is one more thing.", "Hold on, I have to look something up.")
    return rng.choice(said), rng.choice(("Okay, take your time.", "Sure, I am listening."))


def _thanks(one: Instruction, rng: Random) -> tuple[str, str]:
    known = [shard for shard in one.shards if shard.check and shard.claim]
    if not known:
        return "Thanks, that helps.", "You are welcome."
    shard = rng.choice(known)
    return f"{shard.check}", f"Yes, {shard.claim}."


def _acts(played: Played) -> list[tuple[frozenset[str], frozenset[str]]]:
    """The acts of the model and of the person, at each place of a conversation."""
    episode = played.get("beside")
    return [] if episode is None else [_both(episode, at) for at in _places(episode)]


def _places(episode: Episode) -> list[int]:
    return [at for at, turn in enumerate(episode.turns) if turn.person is not None]


def _both(episode: Episode, at: int) -> tuple[frozenset[str], frozenset[str]]:
    turn = episode.turns[at]
    # To give back all that was said, word for word, shows nothing of what was understood.
    echoes = plain(turn.reply) == plain(turn.user)
    own = frozenset[str]() if echoes else acts_at(episode, at)
    return own, acts_of(turn.person or "", episode, at)


def places(kind: frozenset[str], played: Played) -> Decisions:
    """At each place, whether the model and whether the person did an act of a kind."""
    return [(bool(model & kind), bool(person & kind)) for model, person in _acts(played)]


def rate(kind: frozenset[str], played: Played) -> float | None:
    """In what share of the places the model did an act of a kind."""
    found = places(kind, played)
    return sum(model for model, _ in found) / len(found) if found else None


def rate_of_people(kind: frozenset[str], played: Played) -> float | None:
    """In what share of the places the person did."""
    found = places(kind, played)
    return sum(person for _, person in found) / len(found) if found else None


def _kind(name: str, kind: frozenset[str], what: str) -> tuple[Figure, ...]:
    return (
        Metric(f"{name}_rate", "beside", partial(rate, kind), f"replies that {what}"),
        Metric(
            f"{name}_rate_people",
            "beside",
            partial(rate_of_people, kind),
            f"replies of people there that {what}",
        ),
    )


METRICS: tuple[Figure, ...] = (
    Agreement(
        "kappa",
        "beside",
        partial(places, GROUNDING),
        f"does it where people do (two people: {PEOPLE:g})",
        headline=True,
        people=PEOPLE,
    ),
    Agreement("kappa_asks", "beside", partial(places, ASKING), "asks where people ask"),
    Agreement(
        "kappa_acknowledges",
        "beside",
        partial(places, ACKNOWLEDGING),
        "acknowledges where people do",
    ),
    *_kind("grounds", GROUNDING, "ask or acknowledge"),
    *_kind("asks", ASKING, "ask"),
    *_kind("acknowledges", ACKNOWLEDGING, "acknowledge"),
)

grounding = Grounding()
