"""Teach the embedded model by reward, in this process: GRPO on conversations.

Each step plays tasks in groups, and raises the likelihood of what the model drew where its reward
lay above the group's mean, and lowers it below (Shao et al. 2024, arXiv 2402.03300, equation 3,
with one update a batch, so that the ratio is 1, and no KL term). The loss is the mean over all
tokens that the model drew, as in DAPO (Yu et al. 2025, arXiv 2503.14476, equation 8) and in TRL's
default. A group whose rewards are all alike says nothing and is dropped.

At first some of each group may be elicited (`rollout`): what never comes up cannot be rewarded.
Their tokens are learned as if the model had drawn them unasked, with no weight for how unlikely
that was; by the end of `elicit_steps` there are none, and all is on policy.

This module knows nothing of how rewards come about.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from uptake.train.course import Step, mean, summary
from uptake.train.methods import GRPORecipe
from uptake.train.reward import Constraint, Prices
from uptake.train.rollout import Rollout, Tokens, roll
from uptake.train.sitting import Sitting, attend

if TYPE_CHECKING:
    import torch

__all__ = ["Teaching", "advantages", "grpo_loss", "teach", "token_logprobs"]

SAME = 1e-6
"""A standard deviation below which the rewards of a group are alike."""
EPSILON = 1e-4
"""Added to the standard deviation that advantages are divided by, as TRL does."""


def advantages(rewards: Sequence[float | None], group: int) -> list[float | None]:
    """For each reward, how far it lies above its group's mean, in standard deviations.

    None where there is nothing to learn: no reward, or a group whose rewards are alike. Groups of
    `group` follow one another.
    """
    found: list[float | None] = []
    for start in range(0, len(rewards), group):
        some = rewards[start : start + group]
        known = [one for one in some if one is not None]
        spread = stdev(known) if len(known) > 1 else 0.0
        if spread < SAME:
            found += [None] * len(some)
            continue
        middle = fmean(known)
        found += [None if one is None else (one - middle) / (spread + EPSILON) for one in some]
    return found


def leads(recipe: GRPORecipe, step: int) -> list[str]:
    """The system message that each of a group is drawn under in a step, "" for most."""
    left = max(0.0, 1 - step / recipe.elicit_steps) if recipe.elicit_steps else 0.0
    some = math.ceil(recipe.elicited * left * recipe.group) if recipe.elicit else 0
    return [recipe.elicit] * some + [""] * (recipe.group - some)


def token_logprobs(
    model: Any, rows: Sequence[Tokens], temperature: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log-probabilities of the tokens that the model drew, in nats, their entropies, their rows.

    All three are of shape (drawn,), in the order of the rows. The user's tokens are not among them.
    """
    import torch

    width = max(len(row.all) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    drew = torch.zeros(len(rows), width, dtype=torch.bool)
    for at, row in enumerate(rows):
        ids[at, : len(row.all)] = torch.tensor(row.all)
        drew[at, len(row.prompt) : len(row.all)] = torch.tensor(row.mask, dtype=torch.bool)
    drew = drew[:, 1:]
    # Padded on the right, so that causal attention needs no mask.
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    scores = torch.log_softmax(model.lm_head(hidden[drew]).float() / temperature, dim=-1)
    chosen = scores.gather(1, ids[:, 1:][drew].unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        entropy = -(scores.exp() * scores).sum(dim=1)
    return chosen, entropy, drew.nonzero()[:, 0]


def grpo_loss(
    model: Any,
    rows: Sequence[Tokens],
    weights: Sequence[float],
    *,
    total: int,
    temperature: float = 1.0,
) -> tuple[torch.Tensor, float]:
    """The loss of some rows of a batch with `total` drawn tokens, and the sum of the entropies.

    `weights` are the rows' advantages. On policy the ratio of new to old is 1, and only its
    gradient counts.
    """
    import torch

    chosen, entropy, of = token_logprobs(model, rows, temperature)
    ratio = torch.exp(chosen - chosen.detach())
    loss = -(ratio * torch.tensor(weights)[of]).sum() / total
    return loss, float(entropy.sum())


class Teaching(Sitting[GRPORecipe]):
    """A run by reward in the folder `out`: what a `Sitting` is, and the constraint."""

    def __init__(self, recipe: GRPORecipe, out: Path) -> None:
        """Begin with the recipe's model. Raises RecipeError where `out` holds another run."""
        super().__init__(recipe, out, prices=Prices(**recipe.prices))
        self.constraint = Constraint(most=recipe.most_overasking, step=recipe.dual_step)

    def restore(self, state: Mapping[str, Any]) -> None:
        """What the checkpoint holds beside the model: the price."""
        self.constraint.value = state["price"]

    def kept(self) -> dict[str, Any]:
        """What goes into the checkpoint beside the model."""
        return {"price": self.constraint.value}

    def take(self) -> Step:
        """Play tasks in groups, and learn from them."""
        recipe = self.recipe
        began = time.monotonic()
        first = self.step * recipe.tasks_per_step
        tasks = [self.tasks.task(first + k) for k in range(recipe.tasks_per_step)]
        with self.sampler(recipe.temperature) as sampler:
            played = roll(
                [task for task in tasks for _ in range(recipe.group)],
                self.coder,
                sampler,
                room=recipe.room,
                multiplier=self.constraint.value,
                prices=self.prices,
                elicit=leads(recipe, self.step) * recipe.tasks_per_step,
            )
        drawn = time.monotonic()
        price = self.constraint.value
        weights = advantages([_total(one) for one in played], recipe.group)
        loss, entropy = self._learn(played, weights)
        self.constraint.update([one.reward.overasks for one in played if one.reward])
        self.step += 1
        found = summary(played)
        return Step(
            step=self.step,
            reward=mean([_total(one) for one in played]),
            outcome=found.get("skill"),
            overasking=found.get("overasking"),
            price=price,
            entropy=entropy,
            loss=loss,
            dropped=_groups_alike(weights, recipe.group),
            unscored=sum(one.reward is None for one in played),
            tokens=sampler.tokens,
            drawing=round(drawn - began, 3),
            learning=round(time.monotonic() - drawn, 3),
            heldout=self.evaluate() if self.due() else None,
        )

    def _learn(
        self, played: Sequence[Rollout], weights: Sequence[float | None]
    ) -> tuple[float | None, float | None]:
        """One update; the loss and the mean entropy (nats), None where nothing is to be learned."""
        import torch

        rows = [
            (row, weight)
            for one, weight in zip(played, weights, strict=True)
            if weight is not None
            for row in one.sequences
        ]
        total = sum(sum(row.mask) for row, _ in rows)
        if not total:
            return None, None
        self.model.train()
        loss = entropies = 0.0
        for part in _batches(rows, self.recipe.batch_tokens):
            with torch.autocast("cpu", torch.bfloat16):
                some, entropy = grpo_loss(
                    self.model,
                    [row for row, _ in part],
                    [weight for _, weight in part],
                    total=total,
                    temperature=self.recipe.temperature,
                )
            some.backward()  # pyright: ignore[reportUnknownMemberType]
            loss, entropies = loss + float(some.detach()), entropies + entropy
        self.update()
        return loss, entropies / total


def teach(
    recipe: GRPORecipe,
    out: Path,
    report: Callable[[Step], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Teach by the recipe into the folder `out`; returns the saved Hugging Face folder.

    `out/state.pt` is the checkpoint that a later call goes on from, `out/log.jsonl` a line a step,
    `out/model` the result with its card. `stop` is asked between steps; once it says yes the run is
    saved and None returned. Raises RecipeError where `out` holds a run of another recipe.
    """
    return attend(Teaching(recipe, out), report, stop)


def _total(one: Rollout) -> float | None:
    return None if one.reward is None else one.reward.total


def _groups_alike(weights: Sequence[float | None], group: int) -> int:
    groups = (weights[start : start + group] for start in range(0, len(weights), group))
    return sum(all(weight is None for weight in some) for some in groups)


def _batches(
    rows: Sequence[tuple[Tokens, float]], tokens: int
) -> Iterator[list[tuple[Tokens, float]]]:
    """The rows by length, in parts that take up to `tokens` with their padding."""
    ordered = iter(sorted(rows, key=lambda row: -len(row[0].all)))
    while longest := next(ordered, None):
        fitting = max(1, tokens // len(longest[0].all))
        yield [longest, *islice(ordered, fitting - 1)]
