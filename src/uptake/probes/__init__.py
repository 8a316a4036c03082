"""One maintenance skill a file: a `Probe` says under which conditions instructions are told.

Probes are found by the entry-point group `uptake.probes`, so that others can add theirs.

This package knows nothing of models, of how episodes are kept, or of how they are scored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.measures import Figure
from uptake.scenario import Scenario

__all__ = ["Probe", "budgeted", "granular", "metrics", "names", "probe"]

GROUP = "uptake.probes"


@runtime_checkable
class Probe(Protocol):
    """A name, the conditions it compares, and how it tells one instruction under each of them.

    A probe that measures more than how well instructions are solved has an attribute `metrics`,
    too: a sequence of `uptake.measures.Figure`. One whose figures depend on the conditions that
    were played has a method `metrics_of(conditions)` in its place; one that takes budgets of
    thinking a method `at(budgets)`, which gives the probe that plays those; one that can tell an
    instruction in fewer shards a method `told_in(shards)`, which gives the probe that tells it in
    so many, too.
    """

    @property
    def name(self) -> str:
        """What `uptake probe` takes and what the tables show."""
        ...

    @property
    def conditions(self) -> tuple[str, ...]:
        """Every condition that `scenarios` may give, the reference first."""
        ...

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> Sequence[Scenario]:
        """`instruction` told under each condition that suits it: at most one scenario each.

        `other` is one more instruction of the same domain, for a probe that needs a second
        topic; None where there is none.
        """
        ...


def metrics(
    wanted: Iterable[str], conditions: Collection[str] = ()
) -> dict[str, tuple[Figure, ...]]:
    """What each of the `wanted` probes measures of its own; nothing for one that is not installed.

    `conditions` are those that were played, of any probe; without them, a probe's own are meant.

    Raises:
        UptakeError: a probe cannot be loaded.
    """
    known = set(names())
    return {name: _figures(probe(name), conditions) for name in wanted if name in known}


def _figures(found: Probe, conditions: Collection[str]) -> tuple[Figure, ...]:
    of = getattr(found, "metrics_of", None)
    return tuple(of(conditions or found.conditions) if of else getattr(found, "metrics", ()))


def budgeted(probes: Sequence[Probe], budgets: Sequence[str]) -> tuple[Probe, ...]:
    """The probes, those that take budgets of thinking at these; as they are where there are none.

    Raises:
        UptakeError: none of them takes budgets, or a budget is none that it knows.
    """
    if not budgets:
        return tuple(probes)
    at = [getattr(probe, "at", None) for probe in probes]
    if not any(at):
        raise UptakeError("--budgets goes with a probe that takes them: uptake probe thinking")
    return tuple(made(budgets) if made else one for one, made in zip(probes, at, strict=True))


def granular(probes: Sequence[Probe], shards: Sequence[int]) -> tuple[Probe, ...]:
    """The probes, those that take numbers of shards at these; as they are where there are none.

    Raises:
        UptakeError: none of them takes numbers of shards.
    """
    if not shards:
        return tuple(probes)
    told_in = [getattr(probe, "told_in", None) for probe in probes]
    if not any(told_in):
        raise UptakeError("--shards goes with a probe that takes it: uptake probe lost")
    return tuple(made(shards) if made else one for one, made in zip(probes, told_in, strict=True))


def names() -> list[str]:
    """The names of the probes that are installed, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def probe(name: str) -> Probe:
    """The installed probe called `name`.

    Raises:
        UptakeError: no such probe is installed, or it cannot be loaded.
    """
    found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not found:
        raise UptakeError(f"no probe is called {name!r}; there are: {', '.join(names()) or 'none'}")
    try:
        loaded: object = found[0].load()
    except Exception as error:
        raise UptakeError(f"probe {name!r} ({found[0].value}) cannot be loaded: {error}") from error
    if not isinstance(loaded, Probe):
        raise UptakeError(
            f"probe {name!r} ({found[0].value}) is no Probe: it needs name, conditions, scenarios"
        )
    return loaded
