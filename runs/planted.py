"""Where it breaks and why: generated conversations with a planted breakdown, found by the audit.

    python runs/planted.py [--n 900] [--seed 0]

Each conversation is sound but for one exchange, which breaks common ground in a known way at a
known reply; one in nine breaks nowhere. The wordings are of this file alone, and the rules of
`uptake.audit` were written before it. One rule was mended after the first run (requests that differ
by one word are not rewordings): that run found .77 of (turn, cause) at a precision of .81. They
have one author all the same, and real users word these things in more ways: take the figures for an
upper bound. Beside the audit stands a baseline that always names the last reply, and "premature".
Nothing here knows how a breakdown is found.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from card import wilson
from table import save
from uptake.audit import CAUSES, audit
from uptake.conversation import Conversation

Talk = list[tuple[str, str]]  # (user, reply) by turns

THINGS = ("bikes", "chairs", "tents", "jars", "roses", "cakes", "cups", "kites")
PLACES = ("Oslo", "Lisbon", "Kyoto", "Quito", "Dublin", "Tunis")
DAYS = ("Tuesday", "Thursday", "Saturday", "Sunday")
PEOPLE = ("Mara", "Ivo", "Lena", "Omar", "Tess")


@dataclass(frozen=True)
class Planted:
    """A conversation, and the reply (from 0) that breaks it, with why; None where none does."""

    talk: Talk
    at: int | None
    cause: str | None


def sound(rng: random.Random) -> Talk:
    """One exchange that goes well."""
    thing, place = rng.choice(THINGS), rng.choice(PLACES)
    a, b = rng.randint(2, 40), rng.randint(2, 9)
    return rng.choice(
        [
            [(f"What is {a} times {b}?", f"{a} times {b} is {a * b}.")],
            [
                (
                    f"Which country is {place} in?",
                    f"{place} is a well-known city; here is its country.",
                )
            ],
            [
                (f"I want to order {thing}.", f"How many {thing} would you like?"),
                (f"{a}, please.", f"I have put {a} {thing} in your basket."),
            ],
            [
                (
                    f"Write one line about {thing}.",
                    f"Bright {thing} wait quietly in the morning sun.",
                )
            ],
        ]
    )


def superseded(rng: random.Random) -> tuple[Talk, int]:
    a, b, day, other = rng.randint(2, 20), rng.randint(21, 60), *rng.sample(DAYS, 2)
    thing = rng.choice(THINGS)
    talk, at = rng.choice(
        [
            (
                [
                    (f"Please reserve {a} {thing} for {day}.", "What name should I put it under?"),
                    (
                        f"{rng.choice(PEOPLE)}. Oh, and make it {other} instead of {day}.",
                        f"Done: {a} {thing} are reserved for {day}.",
                    ),
                ],
                1,
            ),
            (
                [
                    (f"My shop has {a} {thing}.", "All right."),
                    (f"Correction: it has {b} {thing}.", "Thanks, noted."),
                    (
                        f"Each of my {thing} costs 3 euros. What are they worth?",
                        f"{a} × 3 = {3 * a}.",
                    ),
                ],
                2,
            ),
        ]
    )
    return talk, at


def over_asking(rng: random.Random) -> tuple[Talk, int]:
    place, n = rng.choice(PLACES), rng.randint(2, 9)
    question = f"How many nights do you want to stay in {place}?"
    return [
        (f"Find me a hotel in {place}.", question),
        (f"{n} nights.", question),
        (f"I told you: {n} nights.", f"Here are three hotels in {place}."),
    ], 1


def premature(rng: random.Random) -> tuple[Talk, int]:
    who, thing = rng.choice(PEOPLE), rng.choice(THINGS)
    a, b = rng.randint(10, 50), rng.randint(2, 9)
    return rng.choice(
        [
            [
                (f"How many {thing} does {who} have in the end?", f"{who} has {a} {thing}."),
                (f"{who} began with {a + b} {thing}.", f"Then {who} has {a + b} {thing}."),
            ],
            [
                (f"Plan a party for {who}.", f"Here is a plan: music, cake and games for {who}."),
                (f"{who} is turning {b}, and {a} guests are coming.", "Here is a plan with that."),
            ],
        ]
    ), 0


def misread(rng: random.Random) -> tuple[Talk, int]:
    a, b = rng.sample(PLACES, 2)
    last = rng.choice(
        [
            f"That's not what I meant. I was asking about the {b} football club.",
            f"No no, I meant the ship called {a}.",
            "You misunderstood me, no: I wanted its population.",
            "That is incorrect.",
        ]
    )
    return [
        (f"Tell me something about {a}.", f"{a} is a city with many parks."),
        (last, "I see."),
    ], 0


def unheard(rng: random.Random) -> tuple[Talk, int]:
    place, day = rng.choice(PLACES), rng.choice(DAYS)
    asked = f"What time does the ferry to {place} leave on {day}?"
    again = rng.choice(
        [asked, f"I asked what time the ferry to {place} leaves on {day}. What time does it leave?"]
    )
    return [(asked, f"{place} has a lovely harbour."), (again, "At nine.")], 0


def abandoned(rng: random.Random) -> tuple[Talk, int]:
    thing = rng.choice(THINGS)
    last = rng.choice(
        [
            "Never mind, I'll do it myself.",
            "This is a waste of time.",
            "Can I talk to a real person?",
            "Ok I give up.",
        ]
    )
    return [
        (f"Cancel my order of {thing}.", f"Our {thing} are on sale today."),
        (last, "Sorry."),
    ], 0


def lost_topic(rng: random.Random) -> tuple[Talk, int]:
    place, thing, n = rng.choice(PLACES), rng.choice(THINGS), rng.randint(3, 30)
    return [
        (f"Could you find me a cheap flight to {place} next month?", "From which airport?"),
        (
            f"Before that: my cousin sells {n} wooden {thing} at 4 euros each on the market. "
            f"How much money does she earn by selling all her {thing}?",
            f"She earns {n} × 4 = {4 * n} euros.",
        ),
        ("And if she sells half of them?", f"Then it is {2 * n} euros."),
        ("Thank you, that is all for today.", "You're welcome."),
    ], 1


def drift(rng: random.Random) -> tuple[Talk, int]:
    who, thing, a = rng.choice(PEOPLE), rng.choice(THINGS), rng.randint(3, 30)
    return [
        (
            f"{who} painted {a} wooden {thing} for a school fair. What would be a fair price?",
            "Volcanoes form where molten rock escapes through cracks, building steep mountains, "
            "islands and wide plains over thousands of quiet years.",
        ),
    ], 0


PLANTS: dict[str, Callable[[random.Random], tuple[Talk, int]]] = {
    "superseded": superseded,
    "over_asking": over_asking,
    "premature": premature,
    "misread": misread,
    "unheard": unheard,
    "abandoned": abandoned,
    "lost_topic": lost_topic,
    "drift": drift,
}


def generated(n: int, seed: int) -> Iterator[Planted]:
    """As many of each cause, and of none, in turn; with sound exchanges before and after."""
    for number in range(n):
        rng = random.Random(f"{seed} {number}")
        kinds = [*CAUSES, None]
        cause = kinds[number % len(kinds)]
        before = [turn for _ in range(rng.randint(0, 2)) for turn in sound(rng)]
        after = [turn for _ in range(rng.randint(0, 1)) for turn in sound(rng)]
        if cause is None:
            yield Planted(before + after + sound(rng), None, None)
        else:
            talk, at = PLANTS[cause](rng)
            yield Planted(before + talk + after, len(before) + at, cause)


def conversation(talk: Talk) -> Conversation:
    made = Conversation()
    for user, reply in talk:
        made = made.user(user).assistant(reply)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Planted breakdowns, found by the audit")
    parser.add_argument("--n", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    planted = list(generated(args.n, args.seed))
    firsts = [audit(conversation(each.talk)).first for each in planted]
    found = [(None, None) if f is None else (f.at // 2, f.cause) for f in firsts]
    last = [(len(each.talk) - 1, CAUSES[2]) for each in planted]
    rows = [
        *_rows("audit", planted, found),
        *_rows("baseline: the last reply, premature", planted, last),
    ]
    for cause in CAUSES:
        mine = [(p, f) for p, f in zip(planted, found, strict=True) if p.cause == cause]
        rows.append(_row(f"{cause}: turn and cause found", [f == (p.at, p.cause) for p, f in mine]))
        rows.append(_row(f"{cause}: turn found", [f[0] == p.at for p, f in mine]))
        said = [(p, f) for p, f in zip(planted, found, strict=True) if f[1] == cause]
        rows.append(_row(f"{cause}: right where said", [f == (p.at, p.cause) for p, f in said]))
    for row in rows:
        print(f"{row['figure']:50} {row['value']} [{row['low']}, {row['high']}] n={row['n']}")
    command = f"python runs/planted.py --n {args.n} --seed {args.seed}"
    save("audit-planted", title="Planted breakdowns, found", command=command, rows=rows)


def _rows(
    who: str, planted: list[Planted], found: list[tuple[int | None, str | None]]
) -> list[dict[str, object]]:
    pairs = list(zip(planted, found, strict=True))
    said = [(p, f) for p, f in pairs if f[0] is not None]
    there = [(p, f) for p, f in pairs if p.at is not None]
    return [
        _row(f"{who}: precision of (turn, cause)", [f == (p.at, p.cause) for p, f in said]),
        _row(f"{who}: recall of (turn, cause)", [f == (p.at, p.cause) for p, f in there]),
        _row(f"{who}: precision of the turn", [f[0] == p.at for p, f in said]),
        _row(f"{who}: recall of the turn", [f[0] == p.at for p, f in there]),
        _row(f"{who}: sound ones left alone", [f[0] is None for p, f in pairs if p.at is None]),
    ]


def _row(figure: str, hits: list[bool]) -> dict[str, object]:
    if not hits:
        return {"figure": figure, "value": None, "low": None, "high": None, "n": 0}
    low, high = wilson(sum(hits), len(hits))
    bounds = {"value": sum(hits) / len(hits), "low": low, "high": high}
    rounded = {name: round(value, 4) for name, value in bounds.items()}
    return {"figure": figure, **rounded, "n": len(hits)}


if __name__ == "__main__":
    main()
