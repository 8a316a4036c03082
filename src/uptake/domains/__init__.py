"""Where instructions come from, and how their answers are checked: one file a domain.

Domains are found by the entry-point group `uptake.domains`, so that others can add theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from random import Random
from typing import Any, Protocol, cast

from uptake.errors import UptakeError
from uptake.instruction import Instruction, Verdict
from uptake.models.policies import A_NUMBER

__all__ = ["Domain", "DomainError", "domain", "guess", "long", "names", "seeded"]

_GROUP = "uptake.domains"

_MOST = 64
"""How many instructions are drawn at most for one that is long enough."""


class DomainError(UptakeError, ValueError):
    """No installed package has a usable domain of that name."""


class Domain(Protocol):
    """A source of instructions, with a verifier that decides by executing, not by matching.

    One whose verifier cannot check every instruction in its usual way has a method
    `caveat(instruction)`, too, which says so in half a sentence, or gives None.
    """

    name: str

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions, the same for the same seed and split ("train" or "heldout")."""
        ...

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """What `reply` commits to, and whether that is right.

        A domain with an attribute `slow` that is true may take seconds: it is then called in
        worker threads, for several replies at once.

        One with a method `guess(said)` says what a reply is that commits at once and blindly,
        given all that the user has said: it has the form of an answer, and uses no fact.

        One with a method `long(n, shards, seed=0)` makes instructions of more shards than
        `generate` does; it gives none for a number that it leaves to that.
        """
        ...


def seeded(
    name: str, n: int, seed: int, split: str, make: Callable[[Random, str], Instruction]
) -> list[Instruction]:
    """`n` instructions of the domain `name`, each made from its own draws and its own id."""
    idents = [f"{name}/{split}/{seed}/{index}" for index in range(n)]
    return [make(Random(ident), ident) for ident in idents]


def names() -> list[str]:
    """The domains that are installed, in alphabetical order. Loads none of them."""
    return sorted({entry.name for entry in entry_points(group=_GROUP)})


def domain(name: str) -> Domain:
    """The domain of that name. Raises DomainError where none is installed or it will not load."""
    for entry in entry_points(group=_GROUP, name=name):
        return _load(entry)
    known = ", ".join(names()) or "none (install uptake with pip first)"
    raise DomainError(f"unknown domain {name!r}; known: {known}")


def guess(name: str, said: Sequence[str]) -> str:
    """What somebody replies who answers at once and blindly, in the form that a domain asks for.

    A number where the domain does not say, or is not installed.
    """
    way = _guesser(name)
    return A_NUMBER if way is None else way(said)


def long(found: Domain, n: int, shards: int, *, seed: int = 0) -> list[Instruction]:
    """`n` generated instructions that have at least so many shards, the intent among them.

    Raises DomainError where the domain makes hardly any.
    """
    own = getattr(found, "long", None)
    made: list[Instruction] = own(n, shards, seed=seed) if own else []
    draws, most = n, _MOST * n + 1000
    while len(made) < n:
        drawn = found.generate(draws, seed=seed)
        made = [one for one in drawn if len(one.shards) >= shards]
        if len(made) < n and draws == most:
            raise DomainError(
                f"of {draws:,} instructions of the domain {found.name} {len(made):,} have "
                f"{shards} shards: ask for fewer shards, or give a file with --instructions"
            )
        # As many as should do by what was found so far.
        draws = min(most, max(2 * draws, round(1.2 * n * draws / max(len(made), 1))))
    return made[:n]


@lru_cache
def _guesser(name: str) -> Callable[[Sequence[str]], str] | None:
    try:
        return getattr(domain(name), "guess", None)
    except DomainError:
        return None


def _load(entry: EntryPoint) -> Domain:
    try:
        found: Any = entry.load()
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise DomainError(f"domain {entry.name!r} ({entry.value}) does not load: {why}") from error
    if not callable(getattr(found, "generate", None)) or not callable(
        getattr(found, "verify", None)
    ):
        raise DomainError(f"domain {entry.name!r} ({entry.value}) lacks generate() or verify()")
    return cast("Domain", found)
