"""A model mediated by an analyst of a name: what `--mediated` and `--analyst` take.

| name | analyst |
|---|---|
| `rules` | the deterministic one, and the default: no model is called |
| `examine` | asks the model itself, in plain words, what is missing (`Examiner`) |
| `self` | asks the model itself for a structured reading (`ModelAnalyst`) |
| any model | asks that one for a structured reading |

This module knows nothing of what an analyst does.
"""

from __future__ import annotations

from pathlib import Path

from uptake.analyst import Analyst, Deterministic
from uptake.errors import UptakeError
from uptake.experience import read_experience
from uptake.mediator import Mediator
from uptake.model import Model
from uptake.model_analyst import Examiner, ModelAnalyst
from uptake.models import model as open_model

__all__ = ["analyst", "mediator"]


def analyst(
    name: str | None, model: Model | None, opened: list[Model], experience: Path | str | None = None
) -> Analyst:
    """The analyst called `name` for `model`; a model opened for it is added to `opened`.

    `experience` is a file of rules (`experience`) that a structured reading takes into account.

    Raises:
        UptakeError: no such model, or rules that cannot be read or that nobody would read.
    """
    if experience is not None and name in (None, "rules", "examine"):
        raise UptakeError("--experience is read by an analyst that is a model: give --analyst self")
    if name is None or name == "rules":
        return Deterministic()
    if name in ("examine", "self"):
        if model is None:
            raise UptakeError(f"--analyst {name} asks the model itself: name a model instead")
        if name == "examine":
            return Examiner(model)
        reader = model
    else:
        reader = open_model(name)
        opened.append(reader)
    rules = [] if experience is None else [rule.text for rule in read_experience(experience).rules]
    return ModelAnalyst(reader, rules=rules)


_named = analyst  # `mediator` has a parameter of that name


def mediator(
    model: Model,
    opened: list[Model],
    *,
    mediated: bool = True,
    analyst: str | None = None,
    experience: Path | str | None = None,
) -> Mediator | None:
    """`model` mediated, by the analyst of that name; None where that is not asked for.

    Raises:
        UptakeError: an analyst or rules that nobody would use, or that cannot be had.
    """
    if not mediated:
        if analyst or experience:
            raise UptakeError("--analyst and --experience go with --mediated")
        return None
    if getattr(model, "mediated", False):
        raise UptakeError(f"{model.name} is mediated already; leave --mediated out")
    return Mediator(model, _named(analyst, model, opened, experience))
