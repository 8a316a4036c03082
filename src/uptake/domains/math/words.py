"""The vocabulary of the math domain: names, things, containers, and how numbers are held out.

Training names are made of syllables, so that a model learns to copy any name; held-out names are
given names that the syllable maker is never allowed to return. Held-out things and containers are
ordinary nouns that no training text contains.

This module knows nothing of stories or sentences.
"""

from __future__ import annotations

import zlib
from random import Random

__all__ = [
    "COLOURS",
    "HELDOUT_MEN",
    "HELDOUT_THINGS",
    "HELDOUT_WOMEN",
    "THINGS",
    "container",
    "is_heldout_pair",
    "name",
    "things",
]

HELDOUT_WOMEN = tuple(
    """Ann Clara Emma Grace Iris Kate Maria Olga Rosa Tara Uma Wendy Yara Zoe Bella Diana Fatima
    Hannah Julia Laura Nina Priya Sofia Ursula Vera Zara Alice Chloe Elena Gloria Ingrid Karen
    Megan Olivia Rachel Teresa""".split()
)
HELDOUT_MEN = tuple(
    """Ben David Felix Hugo Jack Liam Noah Paul Quinn Sam Victor Xavier Amir Carlos Ethan George
    Ivan Kofi Marco Omar Rahul Tomas Walter Yusuf Brian Dylan Frank Henry James Lucas Nathan Peter
    Simon Vincent""".split()
)

_ONSETS = tuple(
    "b br c ch d dr f fl g gr h j k kl l m n p ph pr qu r s sh st t th tr v w x y z".split()
)
_VOWELS = tuple("a e i o u a e i o ai ea ee ia io oa ou ya".split())
_CODAS = (
    *("",) * 6,
    *"l m n r s t th ck d nn ll x b f g p sh v z ch ld lk lt mp nd nk nt rd rk rn rt sk st".split(),
)

THINGS = tuple(
    """apples pens books stamps coins marbles stickers cards shells stones buttons beads toys
    dolls balls kites plums pears figs nuts cookies cakes buns eggs carrots onions beans seeds
    plants roses tulips leaves candles cups plates bowls spoons forks hats scarves socks
    shirts gloves rings pins ribbons badges tickets posters photos maps letters notebooks
    pencils brushes rulers bricks tiles nails screws bolts wires ropes planks logs feathers
    ducks hens goats sheep rabbits frogs snails bees ants boats trains trucks bikes drums
    flutes puzzles games masks lamps clocks keys locks mugs jugs pots pans towels pillows
    blankets magnets batteries lemons limes peaches melons grapes cherries muffins pies
    biscuits crackers sweets chocolates peppers turnips radishes""".split()
)
HELDOUT_THINGS = tuple(
    """oranges bananas mangoes tomatoes potatoes pancakes sandwiches balloons crayons erasers
    folders magazines comics postcards bracelets necklaces dice robots planes wagons ladders
    hammers tents lanterns acorns chestnuts daisies lilies parrots kittens""".split()
)
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "brown", "grey")
_CONTAINERS = (
    "box boxes",
    "bag bags",
    "basket baskets",
    "jar jars",
    "crate crates",
    "pack packs",
    "shelf shelves",
    "drawer drawers",
    "bin bins",
)
_HELDOUT_CONTAINERS = ("tray trays", "carton cartons", "chest chests", "sack sacks")


def _syllables(rng: Random, low: int, high: int) -> str:
    parts = [
        rng.choice(_ONSETS) * (rng.random() < 0.85) + rng.choice(_VOWELS) + rng.choice(_CODAS)
        for _ in range(rng.randint(low, high))
    ]
    return "".join(parts)


_TAKEN = frozenset(name.lower() for name in HELDOUT_WOMEN + HELDOUT_MEN) | frozenset(
    THINGS + HELDOUT_THINGS
)


def _noun(rng: Random) -> tuple[str, str]:
    """A made-up noun: singular, plural.

    The plural is made in every way of English ("-s", "-es", "-ies", or no ending, as "sheep"), so
    that a model must copy it and can take no ending for granted.
    """
    while True:
        stem = _syllables(rng, 1, 3)
        if not 3 <= len(stem) <= 9:
            continue
        if rng.random() < 0.12:
            plural = stem
        elif rng.random() < 0.1:
            stem, plural = stem + "y", stem + "ies"
        elif stem.endswith(("s", "x", "z", "ch", "sh")) or (stem[-1] == "o" and rng.random() < 0.7):
            plural = stem + "es"
        else:
            plural = stem + "s"
        if plural not in _TAKEN:
            return stem, plural


def name(rng: Random, split: str) -> tuple[str, str]:
    """A person's name and pronoun: syllables for "train", a given name for "heldout"."""
    if split == "heldout":
        women = rng.random() < 0.5
        return rng.choice(HELDOUT_WOMEN if women else HELDOUT_MEN), "She" if women else "He"
    while True:
        made = _syllables(rng, 1, 2)
        if 2 <= len(made) <= 8 and made not in _TAKEN:
            return made.capitalize(), rng.choice(("She", "He"))


def things(rng: Random, split: str, *, invented: float = 0.0) -> str:
    """A plural noun; with probability `invented` one made of syllables (training text only)."""
    if split == "heldout":
        return rng.choice(HELDOUT_THINGS)
    if rng.random() < invented:
        return _noun(rng)[1]
    return rng.choice(THINGS)


def container(rng: Random, split: str, *, invented: float = 0.0) -> tuple[str, str]:
    """A noun for what holds things: singular, plural; at the rate `invented` one of syllables."""
    if invented and rng.random() < invented:
        return _noun(rng)
    singular, plural = rng.choice(
        _HELDOUT_CONTAINERS if split == "heldout" else _CONTAINERS
    ).split()
    return singular, plural


def is_heldout_pair(op: str, a: int, b: int) -> bool:
    """Whether the ordered operands `a op b` are kept out of all training text.

    One pair in eight is held out. For the commutative operations the mirrored pair is always in
    training, and equal operands are never held out: a table can be completed, not invented.
    """
    if op in "+*":
        if a == b:
            return False
        low, high = min(a, b), max(a, b)
        draw = zlib.crc32(f"{low}{op}{high}".encode()) % 8
        return (draw == 0 and a < b) or (draw == 1 and a > b)
    return zlib.crc32(f"{a}{op}{b}".encode()) % 8 == 0
