"""One arm from its beginning to its result: taught, measured, and written down whole.

This module knows nothing of the other arms.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from uptake.embedded.model import WEIGHTS
from uptake.study.arms import CORPUS, Arm, Settings, StudyError
from uptake.study.measure import measure
from uptake.train.corpus import Chat
from uptake.train.dialogue import MODES, conversations

if TYPE_CHECKING:
    from uptake.train.loops import Row
    from uptake.train.methods import DistilRecipe, GRPORecipe
    from uptake.train.rollout import Coder

__all__ = ["do", "result_path"]

R = TypeVar("R", "GRPORecipe", "DistilRecipe")

PAIRS = 600
"""Preference pairs, of which every step takes 16."""

ASKING = ("missing", "complete", "full")
"""The conditions that a curve over steps is measured on."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What the teaching of an arm has to go by; `scratch` is gone when the arm is done."""

    settings: Settings
    arm: Arm
    out: Path
    scratch: Path
    threads: int

    @property
    def base(self) -> Path:
        return Path(self.settings.model) if self.settings.model else WEIGHTS

    @property
    def taught(self) -> Path:
        """The model taught by reward: the one that was given, or that of the arm."""
        given = self.settings.taught
        if given:
            return Path(given[self.arm.seed % len(given)])
        return self.out / "models" / Arm("reward", self.arm.seed).id / "model"


Found = tuple[Path, dict[str, Any]]
"""The folder of the model that came of it, and what there is to say of the teaching."""


def result_path(out: Path, arm: Arm) -> Path:
    """Where the result of an arm lies once it is whole."""
    return out / "arms" / f"{arm.id}.json"


def do(settings: Settings, arm: Arm, out: Path, threads: int) -> Path:
    """Teach and measure an arm, and write its result; what is there already is kept.

    Raises StudyError or another UptakeError where it cannot be done.
    """
    path = result_path(out, arm)
    if path.exists():
        return path
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="uptake-study-") as scratch:
        work = _Work(settings, arm, out, Path(scratch), threads)
        folder, found = _TEACH[arm.objective](work)
        taught = time.monotonic() - began
        losses = _losses(settings, folder)
        figures = measure(
            folder,
            source=settings.domain,
            n=settings.n,
            seconds=settings.measure_seconds,
            threads=threads,
            probes=settings.probes,
            mediated=arm.objective == "mediator",
        )
    result = {
        "arm": asdict(arm),
        **found,
        "taught_seconds": round(taught, 1),
        "seconds": round(time.monotonic() - began, 1),
        "loss": losses,
        "measured": figures.to_dict(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}.new")
    new.write_text(json.dumps(result), encoding="utf-8")
    new.replace(path)
    return path


def _untaught(work: _Work) -> Found:
    return work.base, {"tokens": 0}


def _tokens(work: _Work) -> Found:
    from uptake.train.loops import device_of, fit_tokens, opened_model, row_of, save_model

    settings, arm = work.settings, work.arm
    model, coder = opened_model(work.base, device_of(settings.device))
    rows = (row_of(coder, chat) for chat in _chats(settings, arm.mode, arm.seed))
    tokens, steps = fit_tokens(
        model,
        rows,
        tokens=arm.amount * settings.unit,
        batch_tokens=settings.batch_tokens,
        learning_rate=settings.learning_rate,
        seed=arm.seed,
    )
    folder = save_model(model, work.base, work.scratch / "model")
    return folder, {"tokens": tokens, "steps": steps}


def _dpo(work: _Work) -> Found:
    from uptake.train.loops import device_of, opened_model, prefer, save_model

    settings, arm = work.settings, work.arm
    base = work.taught if arm.start == "taught" else work.base
    model, coder = opened_model(base, device_of(settings.device))
    points: list[dict[str, Any]] = []

    def point(step: int) -> None:
        found = measure(
            save_model(model, base, work.scratch / f"step-{step}"),
            source=settings.domain,
            n=settings.n,
            seconds=settings.measure_seconds,
            threads=work.threads,
            probes=("missing", "lost"),
            conditions=ASKING,
        )
        points.append({"step": step, **found.to_dict()})

    steps = max(settings.dpo_steps)
    tokens = prefer(
        model,
        _pairs(settings, arm, coder),
        steps=steps,
        learning_rate=arm.rate,
        seed=arm.seed,
        at=settings.dpo_steps,
        report=point,
    )
    folder = save_model(model, base, work.scratch / "model")
    return folder, {"tokens": tokens, "steps": steps, "points": points}


def _reward(work: _Work) -> Found:
    settings, arm = work.settings, work.arm
    if settings.taught:
        return work.taught, {}
    from uptake.train.grpo import teach
    from uptake.train.methods import GRPORecipe, read_any

    recipe = read_any("taught")
    assert isinstance(recipe, GRPORecipe)
    own = _ours(recipe, work, settings.reward_steps)
    folder = teach(own, work.out / "models" / arm.id)
    assert folder is not None
    return folder, {"steps": own.steps}


def _distil(work: _Work) -> Found:
    from uptake.train.distil import distil
    from uptake.train.methods import DistilRecipe, read_any

    settings, arm = work.settings, work.arm
    recipe = read_any("distilled")
    assert isinstance(recipe, DistilRecipe)
    own = replace(_ours(recipe, work, settings.distil_steps), device=settings.device)
    folder = distil(own, work.out / "models" / arm.id)
    assert folder is not None
    return folder, {"steps": own.steps}


def _ours(recipe: R, work: _Work, steps: int) -> R:
    """A shipped recipe for an arm: the study's model and domain, the arm's seed, so many steps."""
    return replace(
        recipe,
        model=work.settings.model,
        domain=work.settings.domain,
        seed=work.arm.seed,
        steps=steps,
        evaluate_every=max(1, steps // 4),
    )


_TEACH: Mapping[str, Callable[[_Work], Found]] = {
    "base": _untaught,
    "mediator": _untaught,
    "tokens": _tokens,
    "dpo": _dpo,
    "reward": _reward,
    "distil": _distil,
}


def _chats(settings: Settings, mode: str, seed: int, split: str = "train") -> Iterator[Chat]:
    """Conversations of a mode; of a file every tenth is held out, and the others come again."""
    for known in MODES:
        if mode == known:
            return conversations(settings.domain, known, seed=seed, split=split)
    rows = _file(settings.corpus)
    heldout = split == "heldout"
    chosen = [chat for at, chat in enumerate(rows) if (at % 10 == 9) == heldout]
    if not chosen:
        raise StudyError(f"{settings.corpus}: too few chats; every tenth is held out, give 10")
    return iter(chosen) if heldout else cycle(chosen)


@cache
def _file(path: str) -> list[Chat]:
    from uptake.train.examples import read_rows

    return [row["messages"] for row in read_rows(Path(path), "sft")]


def _pairs(settings: Settings, arm: Arm, coder: Coder) -> list[tuple[Row, Row]]:
    from uptake.train.loops import row_of
    from uptake.train.pairs import Where, preferences

    where: Where = "complete" if arm.where == "complete" else "all"
    return [
        (
            row_of(coder, [*pair["prompt"], *pair["chosen"]]),
            row_of(coder, [*pair["prompt"], *pair["rejected"]]),
        )
        for pair in preferences(settings.domain, PAIRS, where=where, seed=arm.seed)
    ]


def _losses(settings: Settings, folder: Path) -> dict[str, Any]:
    """The next-token loss of the model in a folder on held-out conversations of each mode."""
    from uptake.train.loops import device_of, loss_on, opened_model, row_of

    model, coder = opened_model(folder, device_of(settings.device))
    modes: Sequence[str] = [*MODES, *([CORPUS] if settings.corpus else [])]
    found: dict[str, Any] = {}
    for mode in modes:
        chats = islice(_chats(settings, mode, 0, "heldout"), settings.heldout)
        found[mode] = asdict(loss_on(model, [row_of(coder, chat) for chat in chats]))
    return found
