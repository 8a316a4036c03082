"""What the mediator gains and costs on the embedded model, beside every published way to mend.

    python runs/recovery.py --develop [-n 40]     other instructions, other small talk, one repeat
    python runs/recovery.py --save                writes runs/results/4-recovery.json and
                                                  runs/results/4-recovery-difficult.json

Two parts. *Recovery*: instructions of the probe `lost` told at once and over turns, ten repeats,
temperature 1, the last reply counts; the other ways to mend and the bar are played once.
*Difficult conversations*: those of `revision`, `handoff` and `reference`, and `laden`: told over
turns with small talk between and within the turns (see `Laden`), each played once. The bar
`concat` is an oracle there: it tells at once, as a list, what the user wants at the end, which
nobody in the conversation knows.

The seed and the small talk that are reported were never used in development.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uptake
from table import ROOT, save
from uptake.episode import Episode
from uptake.instruction import Instruction
from uptake.intervals import Ratio, intervals
from uptake.menders import MENDERS
from uptake.probes import Probe
from uptake.probes import probe as find_probe
from uptake.scenario import Scenario, Told, scenarios
from uptake.scores import compare, measured

SEED, REPORTED = 5501, 771903
PARTS = {"4-recovery": "recovery", "4-recovery-difficult": "difficult"}
TITLES = {
    "4-recovery": "Recovery: the embedded model, mediated, beside other ways to mend",
    "4-recovery-difficult": "Conversations in which something changes, mediated and mended",
}
DIFFICULT = ("revision", "handoff", "reference")
LEFT_OUT = {"pushback"}  # nothing changed: there is nothing to mend

SMALL_TALK = {
    "develop": (
        ("Hello!", "Hi there, nice to meet you.", "Good morning."),
        ("Thanks!", "Thank you so much.", "It is raining here.", "You are very patient.", "Haha."),
        ("Great, thanks.", "Okay.", "I hope you are well.", "Right, so."),
    ),
    "report": (
        ("Good evening! Hope your day is going well.", "Hey, how are you doing?", "Hi!"),
        (
            "Cheers, that is kind of you.",
            "My coffee is getting cold, one moment.",
            "What lovely weather we are having!",
            "Sorry, the doorbell rang. I am back.",
            "I appreciate your help.",
            "Lol, my cat just walked over the keyboard.",
            "I was up at 6 this morning, so bear with me.",
        ),
        ("Perfect, thank you.", "Alright then.", "I love puzzles like this.", "Cool, cheers."),
    ),
}
"""Before the request; turns of their own; and openings of a turn that tells something."""


@dataclass(frozen=True)
class Laden:
    """Told over turns, with small talk: a greeting, chatter in between, an opening in every other.

    Each turn of the plan says what `sharded` says; before the first and, by a coin, before each
    further one comes a turn of small talk; by another coin a turn opens with some. The coins fall
    the same for the same instruction.
    """

    talk: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    name: str = "laden"
    conditions: tuple[str, ...] = ("laden",)

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """The one scenario of `instruction`."""
        greetings, chatter, openings = self.talk
        coin = random.Random(f"laden/{instruction.id}")
        turns: list[Told] = [Told(coin.choice(greetings), ())]
        for k, shard in enumerate(instruction.shards):
            if k and coin.random() < 0.5:
                turns.append(Told(coin.choice(chatter), ()))
            opening = f"{coin.choice(openings)} " if k and coin.random() < 0.5 else ""
            turns.append(Told(opening + shard.text, (k,)))
        return [Scenario(instruction, "laden", tuple(turns), scripted=True)]


@dataclass(frozen=True)
class AtOnce:
    """The oracle bar of another probe: what is wanted in the end, as a list."""

    inner: Probe

    @property
    def name(self) -> str:
        """The other probe's name."""
        return self.inner.name

    @property
    def conditions(self) -> tuple[str, ...]:
        """The other probe's conditions."""
        return self.inner.conditions

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """One turn for each scenario of the other probe."""
        return [_at_once(told) for told in self.inner.scenarios(instruction, other)]


def _at_once(told: Scenario) -> Scenario:
    wanted = replace(told.wanted(len(told.turns)), id=told.instruction.id)
    (once,) = scenarios(wanted, ("concat",))
    return replace(once, condition=told.condition)


def recovery(n: int, repeats: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """Told at once and over turns: what is kept, how reliably, at how many tokens.

    The menders hand a single turn on as it came, so that their FULL is the bare model's.
    """
    settings: dict[str, Any] = {"n": n, "seed": seed, "controls": False}
    both = uptake.probe(
        "lost",
        conditions=("full", "sharded"),
        repeats=repeats,
        mediated=True,
        out=out / "both",
        **settings,
    ).episodes()
    mended = uptake.probe(
        "lost",
        conditions=("sharded",),
        repeats=1,
        mend=tuple(MENDERS),
        out=out / "mended",
        **settings,
    ).episodes()
    bar = uptake.probe(
        "lost",
        conditions=("concat", "recap", "snowball"),
        repeats=1,
        out=out / "bar",
        **settings,
    ).episodes()
    full = _of(both, "full", "embedded")
    mediated = [e for e in both if e.mediated and e.condition == "sharded"]
    others = {
        "bare": _of(both, "sharded", "embedded"),
        **{name: _of(mended, "sharded", f"embedded+{name}") for name in MENDERS},
        **{f"the user's {c}": _of(bar, c, "embedded") for c in ("recap", "snowball")},
        "told at once, concat": _of(bar, "concat", "embedded"),
    }
    sides = {"mediated": mediated, **others}
    rows = [
        {"figure": f"kept of FULL: {name}"} | _ratio(side, full, "mean")
        for name, side in sides.items()
    ]
    spread = {row.mediated: row for row in uptake.rows(both) if _is(row, "u90_10", "sharded")}
    for name, row in (("mediated", spread[True]), ("bare", spread[False])):
        bounds = {"value": row.value, "low": row.low, "high": row.high, "n": row.n}
        rows.append({"figure": f"unreliability U90−10, sharded: {name}"} | bounds)
    rows += [
        {"figure": f"tokens, for one of the bare model's, sharded: {name}"}
        | _ratio(side, others["bare"], "tokens")
        for name, side in sides.items()
        if name != "bare" and not name.startswith("told")
    ]
    rows.append(_difference("mediated sharded less FULL", mediated, full))
    rows += [
        _difference(f"sharded: mediated less {name}", mediated, side)
        for name, side in others.items()
    ]
    rows.append(_asked(mediated))
    return [
        row | ({"target": TARGETS[row["figure"]]} if row["figure"] in TARGETS else {})
        for row in rows
    ]


def _of(episodes: Sequence[Episode], condition: str, model: str) -> list[Episode]:
    return [e for e in episodes if (e.condition, e.model, e.mediated) == (condition, model, False)]


def _is(row: uptake.Row, metric: str, condition: str) -> bool:
    return (row.metric, row.condition, row.score) == (metric, condition, "last")


def difficult(n: int, seed: int, talk: str, out: Path) -> list[dict[str, Any]]:
    """Conversations in which something changes, points back, comes back, or is small talk."""
    rows: list[dict[str, Any]] = []
    for inner in (*(find_probe(name) for name in DIFFICULT), Laden(SMALL_TALK[talk])):
        settings: dict[str, Any] = {"n": n, "repeats": 1, "seed": seed, "controls": False}
        conditions = [c for c in inner.conditions if c not in LEFT_OUT]
        settings["conditions"] = conditions
        played = uptake.probe(
            inner, mediated=True, mend=("join", "drop"), out=out / inner.name, **settings
        ).episodes()
        bar = uptake.probe(AtOnce(inner), out=out / f"{inner.name}-bar", **settings).episodes()
        for condition in conditions:
            here = [e for e in played if e.condition == condition]
            sides = {
                "bare": [e for e in here if not e.mediated and "+" not in e.model],
                "join": [e for e in here if e.model.endswith("+join")],
                "drop": [e for e in here if e.model.endswith("+drop")],
                "concat": [e for e in bar if e.condition == condition],
            }
            mediated = [e for e in here if e.mediated]
            where = f"{inner.name}, {condition}"
            rows.append({"figure": f"{where}: mediated, mean", **_mean(mediated)})
            for name, other in sides.items():
                found = _difference(f"{where}: mediated less {name}", mediated, other)
                found["note"] = f"{name} {_mean(other)['value']:.3f}; {found['note']}"
                rows.append(found | ({"detail": True} if name in ("bare", "drop") else {}))
    return rows


def _ratio(top: Sequence[Episode], under: Sequence[Episode], metric: str) -> dict[str, Any]:
    """One measurement over another, of the instructions that both sides played."""
    sides = [
        next(m for m in measured(side) if (m.metric, m.score) == (metric, "last"))
        for side in (top, under)
    ]
    if sides[0].instructions != sides[1].instructions:
        raise SystemExit(f"{metric}: not the same instructions on both sides")
    kind = "amount" if metric == "tokens" else "ratio"
    ratio = Ratio(sides[0].ratio.numerator, sides[1].ratio.numerator, kind)
    (bounds,) = intervals([ratio])
    return {"value": bounds.value, "low": bounds.low, "high": bounds.high, "n": bounds.n}


def _mean(episodes: Sequence[Episode]) -> dict[str, Any]:
    (found,) = [
        row for row in uptake.rows(episodes) if row.metric == "mean" and row.score == "last"
    ]
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def _difference(figure: str, first: Sequence[Episode], second: Sequence[Episode]) -> dict[str, Any]:
    found = compare(first, second)
    return {
        "figure": figure,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "note": f"p = {found.p:.2g}",
    }


def _asked(mediated: Sequence[Episode]) -> dict[str, Any]:
    turns = [turn for e in mediated for turn in e.turns]
    asked = sum(turn.move in ("ask", "confirm") for turn in turns)
    return {"figure": f"questions that the mediator asked, of {len(turns):,} turns", "value": asked}


TARGETS = {
    "kept of FULL: mediated": "≥ 0.95, lower bound ≥ 0.92",
    "unreliability U90−10, sharded: mediated": "≤ 0.15",
    "tokens, for one of the bare model's, sharded: mediated": "≤ 1.3",
    "sharded: mediated less recap": "> 0",
    "sharded: mediated less snowball": "> 0",
    "sharded: mediated less rewrite": "> 0",
}


def main() -> None:
    """Play both parts, print, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--develop", action="store_true", help="not the reported seed; one repeat")
    parser.add_argument("--only", choices=("recovery", "difficult"))
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "recovery")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    seed = SEED if given.develop else REPORTED
    repeats = 2 if given.develop else given.repeats
    talk = "develop" if given.develop else "report"
    parts = {
        "4-recovery": lambda: recovery(given.n, repeats, seed, given.out),
        "4-recovery-difficult": lambda: difficult(given.n, seed, talk, given.out),
    }
    for name, part in parts.items():
        if given.only not in (None, PARTS[name]):
            continue
        rows = part()
        for row in rows:
            print(row, flush=True)
        if given.save:
            save(
                name,
                title=TITLES[name],
                command=f"python runs/recovery.py -n {given.n} --repeats {repeats} --save",
                rows=rows,
            )


if __name__ == "__main__":
    main()
