"""What findings come to, in words and figures: for the terminal, the page and the JSON alike.

This module knows nothing of where they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from uptake.acts import ACTS
from uptake.audit import CAUSES, REPAIRS, SIGNALS
from uptake.audit.findings import EARLY, LATEST, Findings
from uptake.audit.people import Human, people
from uptake.audit.tally import Rate, Tally, apart

__all__ = [
    "MEANINGS",
    "Figure",
    "acts",
    "before",
    "causes",
    "early",
    "facts",
    "groups",
    "headline",
    "odds",
    "places",
    "repairs",
    "share",
    "signals",
    "span",
]

FEWEST = 5  # conversations that a figure of a group needs

MEANINGS = {
    "superseded": "an answer built on what the user had changed or taken back",
    "over_asking": "asks again what it asked, or in reply after reply",
    "premature": "an answer before the user had told what it takes",
    "misread": "the user has to say what they meant, or that it is wrong",
    "unheard": "the user has to ask again",
    "abandoned": "the user gives up",
    "lost_topic": "a request that is put aside and never answered",
    "drift": "speaks of something that the user did not",
    "repeats": "the same words again",
    "rephrases": "the same request in other words",
    "meant": "“no, I meant …”",
    "faults": "“that's wrong”, “you forgot …”",
    "lost": "“what do you mean?”",
    "gives_up": "“never mind”, or asks for a person",
    "ask": "asks about what the other said",
    "correct": "puts right what the other said",
    "change": "mends an earlier turn of their own",
}
"""Each cause, signal and kind of repair in half a sentence."""


@dataclass(frozen=True)
class Figure:
    """A rate with its name and what it means."""

    name: str
    rate: Rate
    meaning: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON: name, value, low, high, events, occasions and n (conversations)."""
        r = self.rate
        return {
            "name": self.name,
            "value": r.value,
            "low": r.low,
            "high": r.high,
            "events": r.events,
            "occasions": r.occasions,
            "n": r.n,
        }


def share(rate: Rate | None) -> str:
    """A rate as people read it: 7.3%."""
    if rate is None or rate.value is None:
        return "–"
    return _percent(rate.value)


def span(rate: Rate | None) -> str:
    """Its interval: [5.1, 9.9]."""
    if rate is None or rate.low is None or rate.high is None:
        return ""
    return f"[{_bare(rate.low)}, {_bare(rate.high)}]"


def odds(p: float | None) -> str:
    """A p-value as people read it: .003."""
    if p is None:
        return ""
    return "<.001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 1 else "1"


def _percent(value: float) -> str:
    return f"{_bare(value)}%"


def _bare(value: float) -> str:
    return f"{100 * value:.0f}" if value >= 0.0995 else f"{100 * value:.1f}"


def headline(found: Findings) -> Figure:
    """The share of conversations that break."""
    meaning = "of the conversations have a reply that loses common ground"
    return Figure("breakdown", found.tally("breakdown").rate(), meaning)


def causes(found: Findings) -> list[Figure]:
    """Each cause, as a share of conversations, the commonest first."""
    made = [Figure(name, found.tally(name).rate(), MEANINGS[name]) for name in CAUSES]
    return sorted(made, key=lambda f: -(f.rate.value or 0.0))


def signals(found: Findings) -> list[Figure]:
    """Each signal of failure, as a share of the user's turns after a reply."""
    return [Figure(name, found.tally(f"signal:{name}").rate(), MEANINGS[name]) for name in SIGNALS]


def facts(found: Findings) -> list[Figure]:
    """The small figures under the headline."""
    return [
        Figure(
            "users show it", found.tally("signal").rate(), "conversations with a sign of failure"
        ),
        Figure("answers too soon", found.tally("premature").rate(), "conversations"),
        Figure("asks", found.tally("asks").rate(), "of replies ask or check something"),
        Figure("repairs taken up", found.tally("repaired").rate(), "of those whose end is known"),
    ]


def places(found: Findings) -> list[tuple[str, Figure, Figure, Figure]]:
    """Of the replies by their number: first breakdowns, any breakdowns, questions.

    The first is of the conversations unbroken up to there.
    """
    made: list[tuple[str, Figure, Figure, Figure]] = []
    for place in range(1, LATEST + 1):
        group = ("reply", str(place))
        rates = [found.tally(name, group).rate() for name in ("first", "breaks", "asks")]
        if rates[1].n >= FEWEST or (place == 1 and rates[1].n):
            label = f"{place}+" if place == LATEST else str(place)
            first, breaks, asks = rates
            made.append(
                (label, Figure("first", first), Figure("any", breaks), Figure("asks", asks))
            )
    return made


def before(found: Findings) -> list[Figure]:
    """How often the user then shows a failure, by what the reply before did; first over all."""
    base = found.tally("after:any").rate()
    made = [
        Figure(name, found.tally(f"after:{name}").rate(), ACTS.get(name, "none of the acts"))
        for name in (*ACTS, "none")
        if found.tally(f"after:{name}").n >= FEWEST
    ]
    made.sort(key=lambda f: -(f.rate.value or 0.0))
    return [Figure("any reply", base, "whatever it did"), *made]


def early(found: Findings) -> tuple[Figure, Figure, tuple[float, float, float] | None]:
    """Whether a later reply breaks: where one of the first did, where none did, the difference."""
    failed = found.tally("later:failed_early").rate()
    sound = found.tally("later:sound_early").rate()
    words = f"one of the first {EARLY} replies broke common ground"
    return (
        Figure("failed early", failed, words),
        Figure("sound early", sound, words.replace("one", "none")),
        apart(failed, sound),
    )


def acts(found: Findings) -> list[tuple[str, str, Rate, Rate, tuple[Human, ...]]]:
    """Each act that was found: name, meaning, share of the user's turns, of the assistant's.

    Last, how often people do it among themselves, in each corpus that tells.
    """
    made: list[tuple[str, str, Rate, Rate, tuple[Human, ...]]] = []
    for name, meaning in ACTS.items():
        user, reply = found.acts("user", name), found.acts("assistant", name)
        if user.x or reply.x:
            among = tuple(human for human in people() if human.act == name)
            made.append((name, meaning, _rate(user), _rate(reply), among))
    return made


def _rate(tally: Tally) -> Rate:
    return tally.rate()


def repairs(found: Findings) -> list[tuple[str, str, Rate, Rate]]:
    """Who repairs whom: in words, what it means, per turn, and the share that was taken up."""
    made: list[tuple[str, str, Rate, Rate]] = []
    for kind in REPAIRS:
        for by in ("user", "assistant"):
            for of in ("user", "assistant"):
                begun = found.begun(kind, by, of)
                if begun.x:
                    whom = "itself" if by == of == "assistant" else "themselves" if by == of else of
                    held = found.tally(f"repair:{kind}:{by}:{of}").rate()
                    made.append((f"{by} → {whom}", MEANINGS[kind], begun.rate(), held))
    return made


def groups(found: Findings, kind: str, most: int = 12) -> list[tuple[str, dict[str, Rate]]]:
    """The largest groups of a kind ("corpus", "model"), each with its figures."""
    names = found.groups(kind)[:most]
    figures = ("breakdown", "signal", "premature", "asks", "repaired")
    return [(n, {f: found.tally(f, (kind, n)).rate() for f in figures}) for n in names]
