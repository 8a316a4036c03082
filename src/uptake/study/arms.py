"""What is compared: the arms of a study, and the settings that all of them share.

This module knows nothing of how an arm is taught or measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from uptake.errors import UptakeError
from uptake.train.dialogue import MODES

__all__ = ["CORPUS", "OBJECTIVES", "Arm", "Settings", "StudyError", "arms"]

OBJECTIVES = ("base", "mediator", "tokens", "dpo", "reward", "distil")
"""No training, none with a mediator, next token, preferences, rewards, FULL-view distillation."""

CORPUS = "corpus"
"""The data mode of a file of the user's own."""


class StudyError(UptakeError):
    """A study that cannot be run: what, where, how to mend it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the figures of a study.

    `model` is a Hugging Face folder, "" for the one that ships. `unit` is an amount of 1, in tokens
    of the mode's own conversations; `amounts` are multiples of it. `n` instructions are played by
    each of `probes` (all), in up to `measure_seconds` for an arm; the loss is taken on `heldout`
    conversations of each mode. `taught` are folders of models taught by reward, one a seed; without
    them the recipe `taught` is run, for `reward_steps`. Preferences are learned at each of
    `dpo_rates` and measured after each of `dpo_steps`. `corpus` is a JSONL file of chats, one more
    data mode.
    """

    model: str = ""
    domain: str = "math"
    n: int = 60
    measure_seconds: float = 120.0
    heldout: int = 150
    seeds: int = 3
    amounts: tuple[int, ...] = (1, 2, 4, 8, 16)
    unit: int = 250_000
    batch_tokens: int = 4_096
    learning_rate: float = 5e-4
    dpo_rates: tuple[float, ...] = (1e-5, 3e-5, 1e-4)
    dpo_steps: tuple[int, ...] = (0, 10, 20, 40, 80)
    distil_steps: int = 120
    reward_steps: int = 400
    taught: tuple[str, ...] = ()
    corpus: str = ""
    objectives: tuple[str, ...] = OBJECTIVES
    probes: tuple[str, ...] = ()
    device: str = "auto"

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name, as JSON has them."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return data

    @staticmethod
    def of(data: Mapping[str, Any]) -> Settings:
        """The settings that `to_dict` gave; what else stands beside them is passed over."""
        lists = ("amounts", "dpo_rates", "dpo_steps", "taught", "objectives", "probes")
        own = {one.name: data[one.name] for one in fields(Settings) if one.name in data}
        given: dict[str, Any] = {**own, **{key: tuple(data[key]) for key in lists}}
        return Settings(**given)


@dataclass(frozen=True, slots=True)
class Arm:
    """One thing that is taught, or not, and measured.

    `mode` and `amount` are those of the data under next-token training. `start` is what preferences
    begin from, "base" or "taught"; `where` is in which requests direct answers are preferred, "all"
    or "complete": the control.
    """

    objective: str
    seed: int = 0
    mode: str = ""
    amount: int = 0
    start: str = ""
    where: str = ""
    rate: float = 0.0

    @property
    def id(self) -> str:
        """A name for a file."""
        return f"{self.group}-s{self.seed}"

    @property
    def group(self) -> str:
        """The same for arms that differ in their seed alone."""
        rate = f"{self.rate:.0e}" if self.rate else ""
        amount = f"{self.amount}x" if self.amount else ""
        parts = (self.objective, self.mode, amount, self.start, self.where, rate)
        return "-".join(part for part in parts if part)

    @property
    def needs(self) -> str | None:
        """The id of the arm whose model this one begins from; None where it is the base."""
        return Arm("reward", self.seed).id if self.start == "taught" else None

    def cost(self) -> float:
        """About how long it takes beside the others, for the longest to begin first."""
        return {"reward": 1e6, "distil": 1e3, "tokens": float(self.amount)}.get(self.objective, 2.0)


def arms(settings: Settings) -> list[Arm]:
    """Every arm of a study, those that take longest first.

    Raises:
        StudyError: an objective that is unknown, or nothing to compare.
    """
    for name in settings.objectives:
        if name not in OBJECTIVES:
            raise StudyError(f"--arms {name}: choose from {', '.join(OBJECTIVES)}")
    if settings.seeds < 1 or settings.n < 1 or settings.unit < 1 or not settings.amounts:
        raise StudyError("--seeds, -n, --unit and --amounts must be 1 or more")
    seeds = range(settings.seeds)
    found = [Arm(name) for name in ("base", "mediator")]
    modes = [*MODES, *([CORPUS] if settings.corpus else [])]
    found += [
        Arm("tokens", seed, mode=mode, amount=amount)
        for mode in modes
        for amount in settings.amounts
        for seed in seeds
    ]
    found += [Arm(name, seed) for name in ("reward", "distil") for seed in seeds]
    found += [
        Arm("dpo", seed, start=start, where=where, rate=rate)
        for start, where, rate in _preferences(settings)
        for seed in seeds
    ]
    wanted = [arm for arm in found if arm.objective in settings.objectives]
    return sorted(wanted, key=lambda arm: -arm.cost())


def _preferences(settings: Settings) -> list[tuple[str, str, float]]:
    """From where, in which requests and at what rate direct answers are preferred.

    What was taught by reward has questions to lose, and is swept. The base asks nothing: it is
    there at one rate, for what else it may lose; all that there is where nothing is taught.
    """
    sweep = [(where, rate) for where in ("all", "complete") for rate in settings.dpo_rates]
    if "reward" not in settings.objectives:
        return [("base", where, rate) for where, rate in sweep]
    middle = sorted(settings.dpo_rates)[len(settings.dpo_rates) // 2]
    return [("base", "all", middle), *(("taught", where, rate) for where, rate in sweep)]
