"""Fit a small Llama-style decoder to chats from scratch; stop at any time, go on where it stopped.

The loss is on assistant tokens; all other tokens count with a small weight, since copying names is
first learned from how users repeat them. Batches are rows of like length, padded on the right, so
that causal attention needs no mask. The data of chunk k depend on the seed and k alone, so a
resumed run sees exactly what an unbroken one would have. Where there is a GPU the steps are taken
there, and other processes write the chats.

This module knows nothing of what the chats say, or of scores.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from uptake.train.corpus import Chat, chats
from uptake.train.course import keep_upto
from uptake.train.loops import cut, device_of
from uptake.train.memory import give_back
from uptake.train.recipe import Recipe, RecipeError, read_recipe
from uptake.train.tokenizer import build

if TYPE_CHECKING:
    import torch

__all__ = ["Progress", "Run", "encode", "fit"]

IGNORED = -100
STATE = "state.pt"
COUNTS = ("step", "tokens", "chunk", "within", "seconds")
REPORT_SECONDS = 10.0
WRITERS = 4
"""Processes that write chats while a GPU steps."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run of `recipe` stands: steps and tokens, the late loss (nats), tokens a second."""

    recipe: str
    step: int
    budget: int
    tokens: int
    loss: float
    rate: float
    learning_rate: float
    seconds: float


def encode(tokenizer: Any, chat: Chat) -> tuple[list[int], list[int]]:
    """Token ids of a chat, and labels: ids in assistant turns, -100 elsewhere; both (length,)."""
    ids: list[int] = []
    labels: list[int] = []
    end = tokenizer.eos_token_id
    for message in chat:
        ids.append(tokenizer.convert_tokens_to_ids(f"<|{message['role']}|>"))
        labels.append(IGNORED)
        said = [*tokenizer.backend_tokenizer.encode(message["content"]).ids, end]
        ids += said
        labels += said if message["role"] == "assistant" else [IGNORED] * len(said)
    return ids, labels


@dataclass(frozen=True)
class Chunks:
    """The batches of each chunk of a recipe's chats, by the chunk's number."""

    recipe: Recipe
    tokenizer: Any

    def __getitem__(self, chunk: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Its ids and labels, each of shape (rows, length), in the order they are taken."""
        import torch

        recipe = self.recipe
        source = chats(f"{recipe.seed}/{chunk}", recipe.mix)
        rows = [encode(self.tokenizer, chat) for chat in islice(source, recipe.chats_per_chunk)]
        rows.sort(key=lambda row: len(row[0]))
        groups = list(cut(rows, recipe.batch_tokens, lambda row: len(row[0])))
        Random(f"order/{recipe.seed}/{chunk}").shuffle(groups)
        found: list[tuple[torch.Tensor, torch.Tensor]] = []
        for group in groups:
            width = max(len(ids) for ids, _ in group)
            ids = torch.zeros(len(group), width, dtype=torch.long)
            labels = torch.full((len(group), width), IGNORED)
            for i, (row, said) in enumerate(group):
                ids[i, : len(row)] = torch.tensor(row)
                labels[i, : len(said)] = torch.tensor(said)
            found.append((ids, labels))
        return found


def batches(
    recipe: Recipe, tokenizer: Any, start: int, writers: int = 0
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """From chunk `start` on: (chunk after this batch, ids, labels), tensors (rows, length).

    `writers` processes write them ahead; none is needed where a step takes longer than a batch.
    """
    from torch.utils.data import DataLoader

    source: Any = Chunks(recipe, tokenizer)
    # A process that also steps would keep a GPU waiting.
    loader: Any = DataLoader(
        source, batch_size=None, sampler=range(start, sys.maxsize), num_workers=writers
    )
    for chunk, found in enumerate(loader, start):
        for index, (ids, labels) in enumerate(found):
            yield chunk + (index + 1 == len(found)), ids, labels


@cache
def _tokenizer(recipe: Recipe) -> Any:
    """The tokenizer of a recipe: that of the recipe it goes on from, where it does."""
    if recipe.after:
        return _tokenizer(read_recipe(recipe.after))
    source = chats(f"{recipe.seed}/tokenizer", recipe.mix)
    texts = [m["content"] for chat in islice(source, recipe.tokenizer_chats) for m in chat]
    return build(texts, recipe.vocabulary)


def _model(recipe: Recipe, tokenizer: Any, device: torch.device) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(recipe.seed)  # pyright: ignore[reportUnknownMemberType]
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.kv_heads,
            intermediate_size=recipe.intermediate_size,
            max_position_embeddings=recipe.positions,
            rope_parameters={"rope_type": "default", "rope_theta": recipe.rope_theta},
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    if device.type == "cpu":  # over rows this short, a third faster than the fused kernels
        model.set_attn_implementation("eager")
    return model.to(device)


def _optimizers(recipe: Recipe, model: Any) -> list[torch.optim.Optimizer]:
    import torch

    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adamw":
        groups = [
            {"params": matrices, "weight_decay": decay},
            {"params": others, "weight_decay": 0.0},
        ]
        return [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def schedule(recipe: Recipe, tokens: int) -> float:
    """The learning rate after `tokens` of the budget: warm up, hold, fall linearly to zero."""
    done = tokens / recipe.tokens
    up = min(1.0, (done + 1e-4) / recipe.warmup)
    down = min(1.0, max(0.0, 1.0 - done) / recipe.decay)
    return recipe.learning_rate * min(up, down)


class Run:
    """A run in the folder `out`: the model, its optimizers, and how far they have come."""

    def __init__(self, recipe: Recipe, out: Path, begin: Path | None, device: torch.device) -> None:
        """Begin from nothing, or with the weights of the run in the folder `begin`."""
        import torch

        out.mkdir(parents=True, exist_ok=True)
        settings = out / "recipe.json"
        if settings.exists() and not _agrees(json.loads(settings.read_text()), recipe):
            raise RecipeError(
                f"{out} holds a run of another recipe; give another --out or remove it"
            )
        settings.write_text(json.dumps(recipe.to_dict(), indent=2))
        self.recipe, self.out, self.device = recipe, out, device
        self.tokenizer = _tokenizer(recipe)
        self.model = _model(recipe, self.tokenizer, device)
        if begin is not None:
            state = torch.load(begin / STATE, map_location=device, weights_only=False)
            self.model.load_state_dict(state["model"])
        self.optimizers = _optimizers(recipe, self.model)
        self.step = self.tokens = self.chunk = self.within = 0
        self.seconds = 0.0

    @property
    def state_file(self) -> Path:
        return self.out / STATE

    def load(self) -> None:
        """Go on from the checkpoint, where there is one."""
        import torch

        if not self.state_file.exists():
            return
        state = torch.load(self.state_file, map_location=self.device, weights_only=False)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for name in COUNTS:
            setattr(self, name, state[name])

    def save(self) -> None:
        """Write the checkpoint; what was there before stays until the new one is whole."""
        import torch

        state: dict[str, Any] = {name: getattr(self, name) for name in COUNTS}
        state["model"] = self.model.state_dict()
        state["optimizers"] = [optimizer.state_dict() for optimizer in self.optimizers]
        new = self.state_file.with_suffix(".new")
        torch.save(state, new)
        new.replace(self.state_file)

    def losses(self) -> Iterator[torch.Tensor]:
        """Take one step after another until the budget is spent; the loss of each, in nats."""
        pad = self.tokenizer.pad_token_id
        writers = 0 if self.device.type == "cpu" else WRITERS
        written = batches(self.recipe, self.tokenizer, self.chunk, writers)
        stream = islice(written, self.within, None)
        for after, ids, labels in stream:
            if self.tokens >= self.recipe.tokens:
                return
            began = time.monotonic()
            rate = schedule(self.recipe, self.tokens)
            tokens = int((ids != pad).sum())
            ids, labels = ids.to(self.device), labels.to(self.device)
            loss = _step(self.model, self.optimizers, ids, labels, rate, pad, self.recipe)
            self.step, self.within = self.step + 1, self.within + 1
            self.tokens += tokens
            if after != self.chunk:
                self.chunk, self.within = after, 0
            self.seconds += time.monotonic() - began
            yield loss

    def finish(self) -> Path:
        """Save the model, in bf16, and its tokenizer as a Hugging Face folder."""
        import torch

        folder = self.out / "model"
        self.model.to(torch.bfloat16).save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        return folder


def fit(
    recipe: Recipe,
    out: Path,
    report: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    device: str = "auto",
) -> Path | None:
    """Train by the recipe into the folder `out`; returns the saved Hugging Face folder.

    `out/state.pt` is the checkpoint a later call goes on from, `out/log.jsonl` the loss over time,
    `out/model` the result; what the recipe goes on from is made first, in a folder of its own
    within. `stop` is asked between steps; once it says yes the run is saved and None returned.
    `device` is torch's name for where it steps, as `device_of` takes it. Raises RecipeError where
    `out` holds a run of another recipe, or the device cannot be used.
    """
    begin = None
    if recipe.after:
        first = read_recipe(recipe.after)
        begin = out / first.name
        if fit(first, begin, report, stop, device) is None:
            return None
    run = Run(recipe, out, begin, device_of(device))
    run.load()
    keep_upto(run.step, out / "log.jsonl")
    run.model.train()
    recent: list[torch.Tensor] = []
    told_at, told_tokens, saved_at = time.monotonic(), run.tokens, time.monotonic()
    with (out / "log.jsonl").open("a") as log:
        for loss in run.losses():
            recent.append(loss)
            now = time.monotonic()
            if now - told_at >= REPORT_SECONDS or run.tokens >= recipe.tokens:
                progress = Progress(
                    recipe=recipe.name,
                    step=run.step,
                    budget=recipe.tokens,
                    tokens=run.tokens,
                    loss=float(sum(recent)) / len(recent),
                    rate=(run.tokens - told_tokens) / max(now - told_at, 1e-9),
                    learning_rate=schedule(recipe, run.tokens),
                    seconds=run.seconds,
                )
                log.write(json.dumps(asdict(progress)) + "\n")
                log.flush()
                if report is not None:
                    report(progress)
                recent, told_at, told_tokens = [], now, run.tokens
            if stop():
                run.save()
                return None
            if now - saved_at >= recipe.checkpoint_seconds:
                run.save()
                give_back()
                saved_at = now
    run.save()
    return run.finish()


def _agrees(saved: dict[str, Any], recipe: Recipe) -> bool:
    """The same recipe; the budget alone may be changed (the schedule only looks at its end)."""
    free = {"tokens", "checkpoint_seconds"}
    given = recipe.to_dict()
    return all(saved.get(key) == given[key] for key in given if key not in free)


def _step(
    model: Any,
    optimizers: list[torch.optim.Optimizer],
    ids: torch.Tensor,
    labels: torch.Tensor,
    rate: float,
    pad: int,
    recipe: Recipe,
) -> torch.Tensor:
    """One update on ids and labels (rows, length); the mean loss on assistant tokens, in nats.

    The loss, a scalar, stays where it was computed, so that a GPU need not be waited for.
    """
    import torch

    real = ids[:, 1:] != pad
    said = (labels[:, 1:] != IGNORED)[real]
    with torch.autocast(ids.device.type, torch.bfloat16):
        hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[real])
    losses = torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:][real], reduction="none")
    loss = losses[said].mean()
    total = loss + recipe.context_weight * losses[~said].mean()
    total.backward()  # pyright: ignore[reportUnknownMemberType]
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return loss.detach()
