"""A training recipe: everything that decides what comes out, read from TOML.

This module knows nothing of torch.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol, TypeVar

from uptake.errors import UptakeError
from uptake.train.corpus import MIXES

__all__ = ["Recipe", "RecipeError", "checked", "pretraining", "read_recipe", "read_toml"]


class _Settings(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=_Settings)


class RecipeError(UptakeError):
    """A recipe that cannot be read: what, where, how to mend it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained: from scratch, or from what the recipe named by `after` made.

    `tokens` is the budget of non-padding tokens of chats of a `mix`; `batch_tokens` counts padded
    ones. Tokens that are not the assistant's weigh `context_weight` in the loss. The learning rate
    warms up over `warmup` of the budget, is held, and falls linearly to zero over the last `decay`
    of it.
    """

    name: str = "base"
    after: str = ""
    mix: str = "first"
    seed: int = 0
    vocabulary: int = 1024
    tokenizer_chats: int = 20_000
    hidden_size: int = 192
    layers: int = 8
    heads: int = 3
    kv_heads: int = 1
    intermediate_size: int = 576
    positions: int = 1024
    rope_theta: float = 10_000.0
    tokens: int = 42_000_000
    batch_tokens: int = 4_096
    chats_per_chunk: int = 4_096
    optimizer: str = "muon"
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    warmup: float = 0.01
    decay: float = 0.6
    clip: float = 1.0
    context_weight: float = 0.1
    checkpoint_seconds: int = 60

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name."""
        return asdict(self)

    def with_budget(self, tokens: int) -> Recipe:
        """The same recipe over another number of tokens."""
        return replace(self, tokens=tokens)


def read_recipe(name: str | Path) -> Recipe:
    """A recipe shipped by name ("base"), or from a TOML file. Raises RecipeError."""
    return pretraining(read_toml(name), name)


def read_toml(name: str | Path) -> dict[str, Any]:
    """The settings in a shipped recipe or a TOML file, as they stand. Raises RecipeError."""
    folder = files("uptake.train").joinpath("recipes")
    shipped = folder.joinpath(f"{name}.toml")
    path = Path(name)
    try:
        text = shipped.read_text() if shipped.is_file() else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{name}: no such recipe ({error}); give a TOML file or a shipped name: {_shipped()}"
        ) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name}: not TOML: {error}; mend the line it names") from None


def _shipped() -> str:
    """The names of the recipes, without the courses that one of them goes through."""
    found = (each.name for each in files("uptake.train").joinpath("recipes").iterdir())
    return ", ".join(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def checked(kind: type[R], data: Mapping[str, Any], name: str | Path) -> R:
    """A recipe of a kind with these settings, each of the type of its default.

    Raises RecipeError for a setting that is unknown or of another type.
    """
    defaults = kind().to_dict()
    types: dict[str, type] = {key: type(value) for key, value in defaults.items()}
    for key, value in data.items():
        if key not in defaults:
            raise RecipeError(f"{name}: unknown setting {key!r}; known: {', '.join(defaults)}")
        wanted = types[key]
        if not isinstance(value, (int, float) if wanted is float else wanted):
            raise RecipeError(f"{name}: {key} = {value!r} should be of type {wanted.__name__}")
    return kind(**data)


def pretraining(data: Mapping[str, Any], name: str | Path) -> Recipe:
    """The recipe of a model from scratch in these settings. Raises RecipeError."""
    recipe = checked(Recipe, {key: data[key] for key in data if key != "method"}, name)
    if recipe.after in (str(name), recipe.name):
        raise RecipeError(f"{name}: goes on from itself; name another recipe in `after`")
    _check(recipe, name)
    return recipe


def _check(recipe: Recipe, name: str | Path) -> None:
    """Raise RecipeError where no model can be made by these settings."""
    if recipe.optimizer not in ("muon", "adamw"):
        raise RecipeError(f"{name}: optimizer = {recipe.optimizer!r}; use 'muon' or 'adamw'")
    if recipe.mix not in MIXES:
        raise RecipeError(f"{name}: mix = {recipe.mix!r}; use one of {', '.join(MIXES)}")
    if recipe.hidden_size % recipe.heads:
        raise RecipeError(f"{name}: hidden_size must be a multiple of heads")
    if recipe.heads % recipe.kv_heads:
        raise RecipeError(f"{name}: heads must be a multiple of kv_heads")
