"""Planted breakdowns whose wordings no rule was written on: `planted.py` takes its figures here.

Written in one go before any rule for silent breakdowns, from other walks of life than
`plants.py`, and not looked at while those were written. Each plant gives the exchanges and the
reply (from 0) that breaks them. A request is lost at the first reply that could have answered it
or come back to it and did neither.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["PLANTS", "sounds"]

Talk = list[tuple[str, str]]  # (user, reply) by turns

DISHES = ("lasagne", "goulash", "ramen", "paella", "dumplings", "risotto")
TABLES = ("invoices", "patients", "flights", "members", "parcels", "orders")
NAMES = ("Priya", "Jonas", "Keiko", "Abel", "Noor", "Magda")
TOWNS = ("Bergen", "Porto", "Ghent", "Split", "Cusco", "Graz")
TOPICS = ("solar panels", "the printing press", "tides", "beekeeping", "glaciers", "chess openings")
MONTHS = ("March", "May", "August", "October", "December")


def sounds(rng: random.Random) -> list[Talk]:
    """Exchanges that go well, some of them nearly what a rule might take for a fault."""
    dish, table, name, town = (rng.choice(each) for each in (DISHES, TABLES, NAMES, TOWNS))
    topic, n, m = rng.choice(TOPICS), rng.randint(2, 12), rng.randint(13, 40)
    return [
        [
            (
                f"Write an SQL query that counts the {table} of each month.",
                f"SELECT month, COUNT(*) FROM {table} GROUP BY month;",
            ),
            (
                "Now sort it by the count, highest first.",
                f"SELECT month, COUNT(*) AS c FROM {table} GROUP BY month ORDER BY c DESC;",
            ),
        ],
        [
            (
                f"How long does {dish} keep in the fridge?",
                f"Cooked {dish} keeps for about three days in the fridge.",
            ),
            ("Great, that helps.", "Enjoy your meal!"),
        ],
        [
            (
                f"Please translate 'good evening, {name}' into French.",
                f"Bonsoir, {name}.",
            )
        ],
        [
            (
                f"A train of {n} coaches has {m} seats in each. How many seats is that?",
                f"{n} × {m} = {n * m} seats.",
            ),
            (
                "And if one coach is taken off?",
                f"Then there are {(n - 1) * m} seats.",
            ),
        ],
        [
            (f"I need a taxi in {town}.", "For what time, and from where?"),
            (
                f"At {n} o'clock, from the station.",
                f"Your taxi will be at the station in {town} at {n} o'clock.",
            ),
        ],
        [
            (
                f"Explain {topic} to a child in one sentence.",
                f"Think of {topic} as something clever that people watched for a long time.",
            )
        ],
    ]


def superseded(rng: random.Random) -> tuple[Talk, int]:
    name, town = rng.choice(NAMES), rng.choice(TOWNS)
    n, m, p = rng.randint(3, 9), rng.randint(10, 19), rng.randint(20, 60)
    month, later = rng.sample(MONTHS, 2)
    return rng.choice(
        [
            (
                [
                    (
                        f"Draft a mail to {name}: our workshop has {m} seats, in {month}.",
                        f"Dear {name}, our workshop with {m} seats starts in {month}.",
                    ),
                    (
                        f"Sorry, I got that wrong, it has {p} seats, not {m}. "
                        "Can you send me the mail again?",
                        f"Dear {name}, our workshop with {m} seats starts in {month}.",
                    ),
                ],
                1,
            ),
            (
                [
                    (f"We fly to {town} in {month}.", "Sounds good. What can I do for you?"),
                    (
                        f"Actually, we changed our minds: it's {later} now, not {month}. "
                        f"What should we pack for {town}?",
                        f"In {month} it can be cool in {town}: take a jacket and good shoes.",
                    ),
                ],
                1,
            ),
            (
                [
                    (f"{name} runs {n} km every day.", "Noted."),
                    (f"Wait, I mean {m} km, not {n}.", "All right."),
                    (
                        f"How far does {name} run in a week?",
                        f"{n} × 7 = {7 * n}, so {7 * n} km.",
                    ),
                ],
                2,
            ),
            (
                [
                    (
                        f"Order {n} boxes of paper for the office in {town}.",
                        "Which paper size do you need?",
                    ),
                    (
                        f"A4. And scratch the {n} boxes, {m} boxes please.",
                        f"I have ordered {n} boxes of A4 paper for {town}.",
                    ),
                ],
                1,
            ),
        ]
    )


def over_asking(rng: random.Random) -> tuple[Talk, int]:
    town, name, dish, n = (
        rng.choice(TOWNS),
        rng.choice(NAMES),
        rng.choice(DISHES),
        rng.randint(3, 9),
    )
    return rng.choice(
        [
            (
                [
                    (f"Can you make a shopping list for {dish}?", "How many people will eat?"),
                    (f"{n} people.", "How many people will eat with you?"),
                    (f"As I wrote, {n}.", f"Here is a list for {n}: onions, oil, salt, {dish}."),
                ],
                1,
            ),
            (
                [
                    (f"Rent me a car in {town}.", "Which size of car would you like?"),
                    ("A small one.", "On which day do you need it?"),
                    ("On Monday.", "Do you want a child seat?"),
                    ("No.", f"A small car is booked in {town} for Monday."),
                ],
                2,
            ),
            (
                [
                    (
                        f"Set up a meeting with {name}.",
                        f"What date should the meeting with {name} be on?",
                    ),
                    (
                        f"On the {n}th.",
                        f"And what date should the meeting with {name} be on, please?",
                    ),
                    (f"On the {n}th!", f"The meeting with {name} is set for the {n}th."),
                ],
                1,
            ),
        ]
    )


def premature(rng: random.Random) -> tuple[Talk, int]:
    name, town, table = rng.choice(NAMES), rng.choice(TOWNS), rng.choice(TABLES)
    n, m = rng.randint(3, 9), rng.randint(10, 40)
    topic, month = rng.choice(TOPICS), rng.choice(MONTHS)
    return rng.choice(
        [
            [
                (
                    "Write me a cover letter.",
                    "Dear Sir or Madam, I am writing to apply for the position. Kind regards.",
                ),
                (
                    f"The job is for a nurse in {town}. I have worked in a clinic for {n} years.",
                    f"Dear hiring team, after {n} years in a clinic I want to nurse in {town}.",
                ),
            ],
            [
                (
                    f"What will {name}'s trip cost altogether?",
                    "The trip will cost 500 euros altogether.",
                ),
                (f"The hotel is {m} euros a night.", f"Then it costs {m} euros a night."),
                (f"{name} stays for {n} nights.", f"Altogether {m * n} euros."),
            ],
            [
                (
                    f"I want a Python function that cleans my list of {table}.",
                    "```python\ndef clean(rows):\n    return [r for r in rows if r]\n```",
                ),
                (
                    "Each row is a dict and the keys may be missing.",
                    "```python\ndef clean(rows):\n    return [r for r in rows if r.get('id')]\n```",
                ),
            ],
            [
                (f"Book a table for us in {town}.", "Done! A table for two at 7 pm is booked."),
                (f"We are {n} people, and one of us uses a wheelchair.", f"A table for {n} it is."),
            ],
            [
                (
                    f"Suggest a talk about {topic}.",
                    f"How about 'A short history of {topic}', a talk of one hour?",
                ),
                (
                    f"The audience are children aged {n}, and the slot is {m} minutes in {month}.",
                    f"Then: '{topic.capitalize()} for curious minds', {m} minutes.",
                ),
            ],
            [
                (
                    f"How many {table} are left on Friday?",
                    f"On Friday {m} {table} are left.",
                ),
                (f"There were {m + n} {table} on Monday.", f"So {m + n} are left."),
                (f"{n} {table} were handled each day.", f"Then {m + n - 4 * n} are left."),
            ],
        ]
    ), 0


def misread(rng: random.Random) -> tuple[Talk, int]:
    topic, town, dish = rng.choice(TOPICS), rng.choice(TOWNS), rng.choice(DISHES)
    last = rng.choice(
        [
            f"No, I meant the board game {town}.",
            f"That's not what I asked, I wanted to know about {dish}.",
            "You misread my question.",
            "This is wrong.",
            f"Not that one, I was asking about the old {town}.",
        ]
    )
    return [
        (f"Can you tell me how {topic} came to {town}?", f"Many people in {town} like {topic}."),
        (last, "Ah, I understand."),
    ], 0


def unheard(rng: random.Random) -> tuple[Talk, int]:
    dish, name, table = rng.choice(DISHES), rng.choice(NAMES), rng.choice(TABLES)
    asked, reply = rng.choice(
        [
            (
                f"What temperature should the oven have for {name}'s {dish}?",
                f"{dish.capitalize()} is loved all over the world.",
            ),
            (
                f"Which column of {table} holds the tax rate?",
                f"The table {table} is a common one in databases.",
            ),
        ]
    )
    again = rng.choice([asked, f"I'm asking again: {asked[0].lower()}{asked[1:]}"])
    return [(asked, reply), (again, "It is the second one, or 180 degrees.")], 0


def abandoned(rng: random.Random) -> tuple[Talk, int]:
    name, n = rng.choice(NAMES), rng.randint(100, 900)
    last = rng.choice(
        [
            "Forget it.",
            "This is useless, bye.",
            "Let me speak to a human please.",
            "Never mind, I'll ask a colleague.",
            "You're no help.",
        ]
    )
    return [
        (
            f"My parcel {n} to {name} has not arrived, where is it?",
            "You can send parcels from any of our shops, from Monday to Saturday.",
        ),
        (last, "I am sorry to hear that."),
    ], 0


def lost_topic(rng: random.Random) -> tuple[Talk, int]:
    name, town, dish, topic = (rng.choice(each) for each in (NAMES, TOWNS, DISHES, TOPICS))
    n, m = rng.randint(2, 9), rng.randint(10, 40)
    return rng.choice(
        [
            (
                [
                    (
                        f"Please find a plumber in {town} who can come this week.",
                        "What is broken?",
                    ),
                    (
                        f"Hold on, one other thing first: {name} buys {n} crates with {m} bottles "
                        "in every crate. How many bottles does she have?",
                        f"She has {n} × {m} = {n * m} bottles.",
                    ),
                    ("Good. And in two of the crates?", f"In two crates there are {2 * m}."),
                    ("OK thanks, bye.", "Goodbye!"),
                ],
                1,
            ),
            (
                [
                    (
                        f"Can you summarise my notes on {topic}? Also, what is {n} plus {m}?",
                        f"{n} plus {m} is {n + m}.",
                    ),
                    ("Thanks!", "You're welcome."),
                ],
                0,
            ),
            (
                [
                    (
                        f"I'd like a recipe for {dish} without nuts.",
                        "Of course. Is it for a weekday or for guests?",
                    ),
                    (
                        f"Quick question in between, which language do people speak in {town}?",
                        f"Most people in {town} speak the language of their country.",
                    ),
                    ("Ah right, good to know.", "Happy to help with anything else."),
                ],
                1,
            ),
            (
                [
                    (
                        f"Could you check whether {name}'s visa for {town} is still valid?",
                        "One moment, I will look it up.",
                    ),
                    (
                        f"Meanwhile, suggest a book about {topic}.",
                        f"I suggest a short introduction to {topic}; it is easy to read.",
                    ),
                    ("Perfect, I will order that one.", "Enjoy reading!"),
                ],
                1,
            ),
        ]
    )


def drift(rng: random.Random) -> tuple[Talk, int]:
    name, dish, town = rng.choice(NAMES), rng.choice(DISHES), rng.choice(TOWNS)
    asked = rng.choice(
        [
            f"How should {name} reheat {dish} so that the crust stays crisp?",
            f"Which museum in {town} would you visit with two bored teenagers?",
        ]
    )
    reply = rng.choice(
        [
            "Interest rates fall when central banks expect weak growth, because cheap credit "
            "encourages firms and households to borrow, spend and invest.",
            "Penguins huddle together through polar winters, taking turns at the windy edge while "
            "their chicks wait beneath warm feathers.",
        ]
    )
    return [(asked, reply)], 0


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
