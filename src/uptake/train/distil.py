"""FULL-view self-distillation: what the model would say if told at once, learned over turns.

The teacher is the model as it came. It reads in one message what the user wants by the end of the
conversation (`views`), and writes its reply. The student is the same model at the end of the
conversation, behind its own earlier replies, and moves its next-token distributions over that reply
to the teacher's: the loss is the mean over tokens of KL(teacher ‖ student), in nats (after
arXiv 2605.24432). Where a request is told at once, teacher and student read the same, and the loss
holds the model to what it was. Where the teacher is asked twice, its replies are the lines of one.

Only the last reply is learned. Before all is told the teacher knows no more than the student, and
what it says is a guess: learned, its made-up numbers come up in the conversation and are reckoned
with.

Nothing is rewarded, and no answer is looked up: the teacher may be wrong.

This module knows nothing of scores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uptake.train.course import Step, mean, summary
from uptake.train.loops import Row, device_of, opened_model, padded
from uptake.train.methods import DistilRecipe
from uptake.train.rollout import Rollout, roll
from uptake.train.sampler import EngineSampler, engine
from uptake.train.sitting import Sitting, attend
from uptake.train.views import learned, views

if TYPE_CHECKING:
    import torch

__all__ = ["Distilling", "distil", "distil_loss"]


def distil_loss(
    student: Any,
    teacher: Any,
    within: Sequence[Row],
    seeing: Sequence[Row],
    temperature: float = 1.0,
) -> torch.Tensor:
    """The sum over tokens of KL(teacher ‖ student), in nats.

    `within` and `seeing` are what student and teacher read, row by row; both end with the same
    reply, and `said` marks it. Where its last tokens differ, the student goes on where the teacher
    ends: what the teacher gives to the one token is wanted of the other. `temperature` is the
    teacher's.
    """
    import torch

    with torch.no_grad():
        wanted = _scores(teacher, seeing, temperature)
    at = 0
    for mine, theirs in zip(within, seeing, strict=True):
        at += sum(mine.said)
        ends = [mine.ids[-1], theirs.ids[-1]]
        wanted[at - 1, ends] = wanted[at - 1, ends[::-1]]
    found = _scores(student, within)
    return torch.nn.functional.kl_div(found, wanted, log_target=True, reduction="sum")


def _scores(model: Any, rows: Sequence[Row], temperature: float = 1.0) -> torch.Tensor:
    """Log-probabilities of every token of the vocabulary where something was said: (said, all)."""
    import torch

    device = next(model.parameters()).device
    ids, _, said = padded(rows, device)
    with torch.autocast(device.type, torch.bfloat16):
        hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[said[:, 1:]])
    return torch.log_softmax(logits.float() / temperature, dim=-1)


class Distilling(Sitting[DistilRecipe]):
    """A run of self-distillation in the folder `out`."""

    def __init__(self, recipe: DistilRecipe, out: Path) -> None:
        """Begin with the recipe's model. Raises RecipeError where `out` holds another run."""
        super().__init__(recipe, out)
        device = device_of(recipe.device)
        self.model.to(device)
        self.teacher, _ = opened_model(self.begun, device)
        self.teacher.eval()

    def take(self) -> Step:
        """Play tasks, have the teacher reply to what was told, and learn its replies."""
        recipe, began = self.recipe, time.monotonic()
        first = self.step * recipe.tasks_per_step
        tasks = [self.tasks.task(first + k) for k in range(recipe.tasks_per_step)]
        with self.sampler(recipe.temperature) as sampler:
            played = roll(tasks, self.coder, sampler, room=recipe.room)
        within, seeing = self._rows(played)
        drawn = time.monotonic()
        loss = self._learn(within, seeing)
        self.step += 1
        found = summary(played)
        return Step(
            step=self.step,
            reward=mean([one.reward.total for one in played if one.reward]),
            outcome=found.get("skill"),
            overasking=found.get("overasking"),
            loss=loss,
            unscored=sum(one.reward is None for one in played),
            tokens=sampler.tokens,
            drawing=round(drawn - began, 3),
            learning=round(time.monotonic() - drawn, 3),
            heldout=self.evaluate() if self.due() else None,
        )

    def _rows(self, played: Sequence[Rollout]) -> tuple[list[Row], list[Row]]:
        """What student and teacher read, part by part of every reply learned, and the teacher's."""
        told = [
            (one.task.scenario, part)
            for one in played
            if one.episode is not None
            for part in learned(one.episode, early=self.recipe.early)
        ]
        seen = [
            [self.coder.prompt(view) for view in views(scenario, episode, self.recipe.elicit)]
            for scenario, episode in told
        ]
        replies = iter(self._replies([prompt for prompts in seen for prompt in prompts]))
        within: list[Row] = []
        seeing: list[Row] = []
        for (_, episode), prompts in zip(told, seen, strict=True):
            here = self.coder.prompt(episode.conversation().to_dicts()[:-1])
            said = [next(replies) for _ in prompts]
            for part, (prompt, reply) in enumerate(zip(prompts, said, strict=True), 1):
                mine = reply
                if part < len(prompts):
                    if reply[-1] != self.coder.end:
                        break  # it did not come to its end: nothing can follow
                    mine = [*reply[:-1], self.coder.line]
                within.append(_behind(here, mine))
                seeing.append(_behind(prompt, reply))
                here = [*here, *mine]
        return within, seeing

    def _replies(self, prompts: Sequence[list[int]]) -> list[list[int]]:
        """What the teacher says to each, greedily: its best is what is to be kept over turns."""
        with engine(self.teacher, self.coder.end) as running:
            drawing = EngineSampler(
                running,
                end=self.coder.end,
                reply_tokens=self.recipe.reply_tokens,
                temperature=0.0,
                seed=0,
            )
            return [list(drawn.tokens) for drawn in drawing(prompts)]

    def _learn(self, within: Sequence[Row], seeing: Sequence[Row]) -> float | None:
        """One update; the mean divergence of a token in nats, None where nothing was said."""
        total = sum(sum(row.said) for row in within)
        if not total:
            return None
        self.model.train()
        order = sorted(range(len(within)), key=lambda at: -len(within[at].ids))
        loss = 0.0
        while order:
            count = max(1, self.recipe.batch_tokens // len(within[order[0]].ids))
            part, order = order[:count], order[count:]
            some = distil_loss(
                self.model,
                self.teacher,
                [within[at] for at in part],
                [seeing[at] for at in part],
                self.recipe.teacher_temperature,
            )
            (some / total).backward()  # pyright: ignore[reportUnknownMemberType]
            loss += float(some.detach()) / total
        self.update()
        return loss

    def share(self) -> float:
        """The share of the learning rate that this step has: it falls to 0 over the `decay`."""
        recipe = self.recipe
        left = (recipe.steps - self.step) / max(1.0, recipe.decay * recipe.steps)
        return min(super().share(), left)


def distil(
    recipe: DistilRecipe,
    out: Path,
    report: Callable[[Step], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Teach by the recipe into the folder `out`, as `train.grpo.teach` does.

    Raises RecipeError where `out` holds a run of another recipe.
    """
    return attend(Distilling(recipe, out), report, stop)


def _behind(prompt: Sequence[int], reply: Sequence[int]) -> Row:
    return Row((*prompt, *reply), (False,) * len(prompt) + (True,) * len(reply))
