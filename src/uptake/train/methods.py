"""Recipes for teaching a model that there is: by reward, by examples, or by preferences.

`method` of a recipe says which: "pretrain" (from scratch, `train.recipe`), "grpo", "distil", "sft"
or "dpo".

This module knows nothing of torch, or of how any of it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from uptake.domains import DomainError, domain
from uptake.train.recipe import Recipe, RecipeError, checked, pretraining, read_toml
from uptake.train.reward import Prices
from uptake.train.tasks import MIXTURE, TaskError, Tasks

__all__ = [
    "METHODS",
    "AnyRecipe",
    "DistilRecipe",
    "ExamplesRecipe",
    "GRPORecipe",
    "courses",
    "read_any",
]


@dataclass(frozen=True, slots=True)
class GRPORecipe:
    """Group-relative policy optimisation on rewards (Shao et al. 2024, arXiv 2402.03300).

    `trainer` is "compact" (`train.grpo`: the embedded runtime draws, so Llama-style networks of a
    few million parameters) or "trl" (any causal model). `model` is a Hugging Face folder, or "" for
    the one that ships; `after` in its place the recipe whose model it begins with. Every step plays
    `tasks_per_step` tasks of a `mixture` of conditions, `group` times each, at `temperature`; there
    is no KL term. A reply has up to `reply_tokens`, and a conversation that has `room` tokens
    before a reply is let go. `most_overasking` is the rate that the constraint holds, by a price
    that moves by `dual_step`. What a model can do only when told to never comes
    up to be rewarded: over the first `elicit_steps` the first replies of a share of each group,
    falling from `elicited` to 0, are drawn under the system message `elicit`, and learned without
    it. Every `evaluate_every` steps `heldout` tasks of the other split are played greedily with
    users that training does not meet. `prices` are those of the reward.

    Through TRL only: `lora_rank` above 0 learns low-rank adapters on all linear layers in the place
    of the weights, scaled by `lora_alpha / lora_rank`, and `save` is "merged" (a whole model) or
    "adapter". `vllm` draws by vLLM, in the share `vllm_memory` of each GPU. `instructions` is a
    file in the place of the domain's own.
    """

    name: str = "taught"
    method: str = "grpo"
    trainer: str = "compact"
    model: str = ""
    after: str = ""
    domain: str = "math"
    mixture: Mapping[str, float] = field(default_factory=lambda: dict(MIXTURE))
    prices: Mapping[str, float] = field(default_factory=lambda: asdict(Prices()))
    seed: int = 0
    steps: int = 200
    tasks_per_step: int = 16
    group: int = 8
    learning_rate: float = 1.2e-4
    warmup_steps: int = 5
    temperature: float = 1.0
    clip: float = 1.0
    reply_tokens: int = 128
    room: int = 800
    batch_tokens: int = 8_192
    most_overasking: float = 0.05
    dual_step: float = 0.5
    elicit: str = ""
    elicited: float = 0.25
    elicit_steps: int = 0
    heldout: int = 96
    evaluate_every: int = 20
    checkpoint_seconds: int = 60
    instructions: str = ""
    lora_rank: int = 0
    lora_alpha: float = 32.0
    save: str = "merged"
    vllm: bool = False
    vllm_memory: float = 0.3

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name."""
        return asdict(self)


SHARDED: Mapping[str, float] = {
    "lost.sharded": 0.5,
    "told.then_asked": 0.1,
    "lost.full": 0.2,
    "missing.complete": 0.1,
    "missing.missing": 0.1,
}
"""What self-distillation is done on: told over turns, and at once, where nothing is to change."""


@dataclass(frozen=True, slots=True)
class DistilRecipe:
    """FULL-view self-distillation: the model that sees all at once teaches itself over turns.

    After arXiv 2605.24432. Every step plays `tasks_per_step` tasks of a `mixture` at `temperature`,
    and of each conversation the last reply is learned; with `early` those before all was told as
    well, for which the teacher is told to ask (`elicit`). `device` is torch's name for where it
    learns; replies are drawn on the CPU. The rest is as in `GRPORecipe`.
    """

    name: str = "distilled"
    method: str = "distil"
    model: str = ""
    after: str = ""
    domain: str = "math"
    mixture: Mapping[str, float] = field(default_factory=lambda: dict(SHARDED))
    seed: int = 0
    steps: int = 120
    tasks_per_step: int = 24
    learning_rate: float = 2e-4
    warmup_steps: int = 5
    temperature: float = 1.0
    teacher_temperature: float = 1.0
    decay: float = 0.0
    elicit: str = ""
    early: bool = False
    clip: float = 1.0
    reply_tokens: int = 128
    room: int = 800
    batch_tokens: int = 8_192
    heldout: int = 96
    evaluate_every: int = 20
    checkpoint_seconds: int = 60
    device: str = "auto"

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ExamplesRecipe:
    """Learning from a file through TRL: chats (`method` "sft"), or preference pairs ("dpo").

    `data` is JSONL, with `messages`, or with `prompt`, `chosen` and `rejected` (`uptake pairs`).
    Every step takes `batch` rows of up to `room` tokens. `beta` is DPO's. What is measured every
    `evaluate_every` steps is what GRPO measures: `heldout` tasks of a `mixture`, greedily.
    `after`, `lora_rank`, `lora_alpha`, `save` and `instructions` are as in `GRPORecipe`.
    """

    name: str = "examples"
    method: str = "sft"
    model: str = ""
    after: str = ""
    data: str = ""
    domain: str = "math"
    mixture: Mapping[str, float] = field(default_factory=lambda: dict(MIXTURE))
    seed: int = 0
    steps: int = 100
    batch: int = 16
    learning_rate: float = 1e-4
    warmup_steps: int = 5
    beta: float = 0.1
    clip: float = 1.0
    reply_tokens: int = 128
    room: int = 800
    heldout: int = 96
    evaluate_every: int = 20
    instructions: str = ""
    lora_rank: int = 0
    lora_alpha: float = 32.0
    save: str = "merged"

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name."""
        return asdict(self)


AnyRecipe = Recipe | GRPORecipe | DistilRecipe | ExamplesRecipe

METHODS = ("pretrain", "sft", "dpo", "grpo", "distil")


def read_any(name: str) -> AnyRecipe:
    """A recipe of any method, shipped by name or from a TOML file. Raises RecipeError."""
    data = read_toml(name)
    method = data.get("method", "pretrain")
    if method not in METHODS:
        raise RecipeError(f"{name}: method = {method!r}; use one of {', '.join(METHODS)}")
    if method == "pretrain":
        return pretraining(data, name)
    if method == "distil":
        return _distil(data, name)
    return _grpo(data, name) if method == "grpo" else _examples(data, name)


def courses(recipe: AnyRecipe) -> list[AnyRecipe]:
    """The recipe, behind those that it begins with. Raises RecipeError where they go in a circle.

    A recipe from scratch sees to what it goes on from itself.
    """
    found = [recipe]
    while not isinstance(found[0], Recipe) and found[0].after:
        earlier = read_any(found[0].after)
        if earlier in found:
            raise RecipeError(f"{recipe.name}: begins with itself; name another recipe in `after`")
        found.insert(0, earlier)
    return found


def _examples(data: dict[str, Any], name: str) -> ExamplesRecipe:
    recipe = checked(ExamplesRecipe, data, name)
    _begins(recipe, name)
    if not recipe.data:
        raise RecipeError(f"{name}: data is missing; name a JSONL file")
    if recipe.steps < 1 or recipe.batch < 1 or recipe.learning_rate <= 0:
        raise RecipeError(f"{name}: steps and batch must be 1 or more, learning_rate above 0")
    _adaptable(recipe, name)
    _drawable(recipe, name)
    return recipe


def _begins(recipe: GRPORecipe | DistilRecipe | ExamplesRecipe, name: str) -> None:
    """Raise RecipeError where it is said twice what the recipe begins with."""
    if recipe.after and recipe.model:
        raise RecipeError(f"{name}: begins with `model` and with `after`; leave one out")


def _adaptable(recipe: GRPORecipe | ExamplesRecipe, name: str) -> None:
    """Raise RecipeError where the settings of LoRA make no sense."""
    if recipe.lora_rank < 0 or recipe.lora_alpha <= 0:
        raise RecipeError(f"{name}: lora_rank must be 0 or more, lora_alpha above 0")
    if recipe.save not in ("merged", "adapter"):
        raise RecipeError(f"{name}: save = {recipe.save!r}; use 'merged' or 'adapter'")
    if recipe.save == "adapter" and not recipe.lora_rank:
        raise RecipeError(f"{name}: save = 'adapter' goes with a lora_rank above 0")


def _drawable(recipe: GRPORecipe | DistilRecipe | ExamplesRecipe, name: str) -> None:
    """Raise RecipeError where there is no such domain, or no such condition in it."""
    own = "" if isinstance(recipe, DistilRecipe) else recipe.instructions
    try:
        domain(recipe.domain)
        Tasks(recipe.domain, recipe.mixture, instructions=own)
    except (DomainError, TaskError) as error:
        raise RecipeError(f"{name}: {error}") from None


def _at_least(recipe: GRPORecipe | DistilRecipe, least: Mapping[str, int], name: str) -> None:
    """Raise RecipeError where a setting is below what it can be."""
    for key, bound in least.items():
        if getattr(recipe, key) < bound:
            raise RecipeError(f"{name}: {key} = {getattr(recipe, key)}; give {bound} or more")
    if recipe.learning_rate <= 0 or recipe.temperature <= 0:
        raise RecipeError(f"{name}: learning_rate and temperature must be above 0")


def _distil(data: dict[str, Any], name: str) -> DistilRecipe:
    recipe = checked(DistilRecipe, data, name)
    _begins(recipe, name)
    least = {"steps": 1, "tasks_per_step": 1, "reply_tokens": 1, "room": 1}
    _at_least(recipe, least, name)
    if recipe.teacher_temperature <= 0 or not 0 <= recipe.decay <= 1:
        raise RecipeError(f"{name}: teacher_temperature must be above 0, decay in [0, 1]")
    if recipe.early and not recipe.elicit:
        raise RecipeError(f"{name}: early replies are those of a teacher told to ask; give elicit")
    _drawable(recipe, name)
    return recipe


def _grpo(data: dict[str, Any], name: str) -> GRPORecipe:
    recipe = checked(GRPORecipe, data, name)
    _begins(recipe, name)
    least = {"steps": 1, "tasks_per_step": 1, "group": 2, "reply_tokens": 1, "room": 1}
    _at_least(recipe, least, name)
    if not 0 <= recipe.elicited < 1 or recipe.elicit_steps < 0:
        raise RecipeError(f"{name}: elicited must be in [0, 1), elicit_steps 0 or more")
    known = {one.name for one in fields(Prices)}
    for key in recipe.prices:
        if key not in known:
            raise RecipeError(f"{name}: unknown price {key!r}; known: {', '.join(sorted(known))}")
    _by_trainer(recipe, name)
    _adaptable(recipe, name)
    _drawable(recipe, name)
    return recipe


def _by_trainer(recipe: GRPORecipe, name: str) -> None:
    """Raise RecipeError for a trainer that is none, and for settings that it does not know."""
    if recipe.trainer not in ("compact", "trl"):
        raise RecipeError(f"{name}: trainer = {recipe.trainer!r}; use 'compact' or 'trl'")
    if recipe.elicit and recipe.trainer != "compact":
        raise RecipeError(f"{name}: elicit goes with trainer = 'compact'")
    if recipe.trainer == "compact" and (recipe.lora_rank or recipe.vllm or recipe.instructions):
        raise RecipeError(f"{name}: instructions, lora_rank and vllm go with trainer = 'trl'")
    if not 0 < recipe.vllm_memory < 1:
        raise RecipeError(
            f"{name}: vllm_memory = {recipe.vllm_memory}; give a share between 0 and 1"
        )
