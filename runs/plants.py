"""Planted breakdowns that rules may be written on; the figures come from `plants_held_out.py`.

Each plant gives the exchanges and the reply (from 0) that breaks them. A request is lost at the
first reply that could have answered it or come back to it and did neither.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["PLANTS", "sounds"]

Talk = list[tuple[str, str]]  # (user, reply) by turns

THINGS = ("bikes", "chairs", "tents", "jars", "roses", "cakes", "cups", "kites")
PLACES = ("Oslo", "Lisbon", "Kyoto", "Quito", "Dublin", "Tunis")
DAYS = ("Tuesday", "Thursday", "Saturday", "Sunday")
PEOPLE = ("Mara", "Ivo", "Lena", "Omar", "Tess")


def sounds(rng: random.Random) -> list[Talk]:
    """Exchanges that go well, some of them nearly what a rule might take for a fault."""
    thing, place = rng.choice(THINGS), rng.choice(PLACES)
    a, b = rng.randint(2, 40), rng.randint(2, 9)
    return [
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
        [
            (
                f"How do I get from the airport of {place} to the centre?",
                "Take the bus that stops in front of the hall; it runs every ten minutes.",
            ),
            (
                f"Perfect, I arrive in {place} at {b} in the evening.",
                "Have a good trip!",
            ),
        ],
        [
            (
                f"List three names for a shop that sells {thing}.",
                f"{place} {thing}, The {thing.capitalize()} House, Only {thing}.",
            ),
            (
                "Make them shorter, please.",
                f"{thing.capitalize()}, House, Only.",
            ),
        ],
        [
            (
                f"Ida has {a} {thing} and gives {b} of them away. How many are left?",
                f"{a} - {b} = {a - b}, so {a - b} are left.",
            ),
            (
                f"New one: Sam pays {b} euros for each of {a} {thing}. How much is that?",
                f"{a} × {b} = {a * b} euros.",
            ),
        ],
        [
            (
                f"Can you convert {a} miles to km, and {b} pounds to kg?",
                f"{a} miles are {1.6 * a:.1f} km, and {b} pounds are {0.45 * b:.1f} kg.",
            )
        ],
        [
            (f"I am looking for a flat in {place}.", "How many rooms do you need?"),
            (
                f"Wait, how much is a bus ticket in {place}?",
                f"A ticket costs {b} euros. Now to your flat: how many rooms do you need?",
            ),
            (f"{b} rooms.", f"Here are flats in {place} with {b} rooms."),
        ],
    ]


def superseded(rng: random.Random) -> tuple[Talk, int]:
    a, b, day, other = rng.randint(2, 20), rng.randint(21, 60), *rng.sample(DAYS, 2)
    thing, who = rng.choice(THINGS), rng.choice(PEOPLE)
    place, town = rng.sample(PLACES, 2)
    colour, hue = rng.sample(("red", "green", "blue", "white", "grey"), 2)
    return rng.choice(
        [
            (
                [
                    (f"Please reserve {a} {thing} for {day}.", "What name should I put it under?"),
                    (
                        f"{who}. Oh, and make it {other} instead of {day}.",
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
            (
                [
                    (f"I bought {a} {thing} for the fair.", "That should do."),
                    (f"I wrote that wrong, I bought {b}, not {a}.", "I see."),
                    (
                        f"One weighs 2 kg. How much do all my {thing} weigh?",
                        f"They weigh {a} × 2 = {2 * a} kg.",
                    ),
                ],
                2,
            ),
            (
                [
                    (f"It takes {a} hours to drive to {place}.", "Good to know."),
                    (f"That was wrong of me, it takes {b} hours.", "Okay."),
                    (
                        "I leave at midnight. How long is the way there and back?",
                        f"It is {a} + {a} = {2 * a} hours.",
                    ),
                ],
                2,
            ),
            (
                [
                    (f"{who} lives in {place}.", "Nice town."),
                    (f"I got that mixed up: {who} lives in {town}.", "Thanks."),
                    (
                        f"Write one line that invites {who} to visit me by train.",
                        f"Dear {who}, take the next train from {place} and come to see me!",
                    ),
                ],
                2,
            ),
            (
                [
                    (f"Our tent is {colour}, with a door of glass.", "It sounds pretty."),
                    (f"No, sorry, the tent is {hue}.", "Got it."),
                    (
                        "Write one line for the sign that leads to it.",
                        f"This way to the {colour} tent!",
                    ),
                ],
                2,
            ),
            (
                [
                    (f"How much do {a} {thing} cost at 5 euros each?", f"They cost {5 * a} euros."),
                    (
                        f"My fault, I want {b} {thing}. What do I pay?",
                        f"You pay {a} × 5 = {5 * a} euros.",
                    ),
                ],
                1,
            ),
            (
                [
                    (f"The course begins on {day} at nine.", "I have noted it."),
                    (f"My mistake, on {other}.", "I have noted it."),
                    (
                        "Draft a reminder for the class.",
                        f"Reminder: the course begins on {day} at nine.",
                    ),
                ],
                2,
            ),
            (
                [
                    (f"I can spend {10 * a} euros on {thing}.", "All right."),
                    (f"Forget the {10 * a} euros, I can spend {10 * b}.", "All right."),
                    (
                        "One costs 2 euros. How many can I get?",
                        f"You can get {5 * a}, since {10 * a} / 2 = {5 * a}.",
                    ),
                ],
                2,
            ),
        ]
    )


def over_asking(rng: random.Random) -> tuple[Talk, int]:
    place, n = rng.choice(PLACES), rng.randint(2, 9)
    question = f"How many nights do you want to stay in {place}?"
    return [
        (f"Find me a hotel in {place}.", question),
        (f"{n} nights.", question),
        (f"I told you: {n} nights.", f"Here are three hotels in {place}."),
    ], 1


def premature(rng: random.Random) -> tuple[Talk, int]:
    who, thing, place = rng.choice(PEOPLE), rng.choice(THINGS), rng.choice(PLACES)
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
            [
                ("Write a poem for my wedding.", "Love is a river, and we are its shore."),
                (
                    f"It is in {place}, and we met in a shop for {thing}.",
                    f"Among the {thing} of {place} two hands touched.",
                ),
            ],
            [
                (
                    "I need a regular expression for our codes.",
                    "```\n[A-Z]+\n```",
                ),
                (
                    f"A code has {b} letters and then a dash.",
                    f"```\n[A-Z]{{{b}}}-\n```",
                ),
                (
                    f"After the dash come {b} digits.",
                    f"```\n[A-Z]{{{b}}}-[0-9]{{{b}}}\n```",
                ),
            ],
            [
                (
                    "Find me a hotel, please.",
                    f"I have booked the Grand Hotel in {place} for one night.",
                ),
                (
                    f"It should be near the sea, and we need {b} rooms.",
                    f"I have booked {b} rooms by the sea.",
                ),
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
    who = rng.choice(PEOPLE)
    return rng.choice(
        [
            (
                [
                    (
                        f"Could you find me a cheap flight to {place} next month?",
                        "From which airport?",
                    ),
                    (
                        f"Before that: my cousin sells {n} wooden {thing} at 4 euros each on the "
                        f"market. How much money does she earn by selling all her {thing}?",
                        f"She earns {n} × 4 = {4 * n} euros.",
                    ),
                    ("And if she sells half of them?", f"Then it is {2 * n} euros."),
                    ("Thank you, that is all for today.", "You're welcome."),
                ],
                1,
            ),
            (
                [
                    (
                        f"What is the weather like in {place}? And who painted the famous {thing}?",
                        f"In {place} it is mild and a little windy today.",
                    ),
                    ("Nice.", "Anything else?"),
                ],
                0,
            ),
            (
                [
                    (f"I want to return my {thing}.", "What is the number of your order?"),
                    (
                        f"By the way, do you have a shop in {place}?",
                        f"Yes, our shop in {place} is open from nine to six.",
                    ),
                    ("Great.", "See you there!"),
                ],
                1,
            ),
            (
                [
                    (
                        f"Can you proofread the letter to {who} that I sent you?",
                        "Give me a minute to read it.",
                    ),
                    (
                        f"In the meantime, how do you say '{thing}' in Spanish?",
                        f"In Spanish there are several words for {thing}.",
                    ),
                    ("I like the first one.", "It is a nice word."),
                ],
                1,
            ),
        ]
    )


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
