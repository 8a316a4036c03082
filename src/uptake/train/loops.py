"""Small loops for small models: the next token of chats, preferences, and one model after another.

What `train.examples` does through TRL for any model, this does for models of a few million
parameters without it, so that many can be taught side by side. Rows are padded on the right, so
that causal attention needs no mask; losses are means over tokens, in nats.

This module knows nothing of what the rows say, or of scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder

if TYPE_CHECKING:
    import torch

__all__ = [
    "Loss",
    "Row",
    "cut",
    "device_of",
    "fit_tokens",
    "loss_on",
    "opened_model",
    "padded",
    "prefer",
    "quiet",
    "row_of",
    "save_model",
    "summed_logprobs",
]

R = TypeVar("R")

CHUNK = 512
"""How many rows are drawn, sorted by length and cut into batches at a time."""

CONTEXT_WEIGHT = 0.1
"""What a token weighs that the assistant did not say, as in `train.recipe`."""

WARMUP = 0.05
CLIP = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """The token ids of a chat, and for each whether the assistant said it."""

    ids: tuple[int, ...]
    said: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Mean next-token loss, in nats: of what the assistant said, and of all; over how many."""

    said: float
    all: float
    tokens: int


def device_of(name: str = "auto") -> torch.device:
    """The device of torch's of that name; "auto" is cuda where there is one. Raises RecipeError."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError) as error:
        line = str(error).splitlines()[0]
        raise RecipeError(f"device = {name!r} cannot be used ({line}); try cpu or auto") from None
    return found


def opened_model(folder: Path, device: torch.device) -> tuple[Any, Coder]:
    """The model in a folder, in float32 on the device, and the coder of its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    saved: Any = AutoModelForCausalLM
    words: Any = AutoTokenizer
    try:
        model = saved.from_pretrained(folder, dtype="float32").to(device)
        tokenizer = words.from_pretrained(folder)
    except (OSError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise RecipeError(f"{folder}: no model can be opened there ({line})") from None
    if not tokenizer.chat_template:
        raise RecipeError(f"{folder}: its tokenizer has no chat template; save one with it")
    if device.type == "cpu":
        # Over rows this short, a third faster than the fused kernels.
        model.set_attn_implementation("eager")
    return model, Coder(tokenizer)


def save_model(model: Any, begun: Path, folder: Path) -> Path:
    """Save the model, in bf16, with the tokenizer of the folder that it began as."""
    import torch
    from transformers import AutoTokenizer

    words: Any = AutoTokenizer
    weights = {name: value.to(torch.bfloat16).cpu() for name, value in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=weights)
    words.from_pretrained(begun).save_pretrained(folder)
    return folder


def row_of(coder: Coder, chat: Sequence[Mapping[str, Any]]) -> Row:
    """A chat as a row. Raises ValueError where the assistant says nothing in it."""
    tokens = coder.chat(chat)
    said = [False] * len(tokens.prompt) + [bool(mine) for mine in tokens.mask]
    return Row(tuple(tokens.all), tuple(said))


def padded(rows: Sequence[Row], device: torch.device) -> tuple[torch.Tensor, ...]:
    """The ids of rows, which are real, and which the assistant said: (rows, length) each."""
    import torch

    width = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    real = torch.zeros(len(rows), width, dtype=torch.bool)
    said = torch.zeros(len(rows), width, dtype=torch.bool)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids)] = torch.tensor(row.ids)
        real[at, : len(row.ids)] = True
        said[at, : len(row.said)] = torch.tensor(row.said)
    return ids.to(device), real.to(device), said.to(device)


def fit_tokens(
    model: Any,
    rows: Iterator[Row],
    *,
    tokens: int,
    batch_tokens: int = 4096,
    learning_rate: float = 5e-4,
    seed: int = 0,
) -> tuple[int, int]:
    """Learn the next token of `tokens` tokens of rows; the tokens and the steps that it took.

    AdamW, warmed up over a twentieth of the budget and then let down to zero in a line.
    """
    optimizer = _optimizer(model, learning_rate)
    device = next(model.parameters()).device
    done = steps = 0
    model.train()
    for batch in _batches(rows, batch_tokens, seed):
        if done >= tokens:
            break
        share = done / tokens
        rate = learning_rate * min(1.0, (share + 1e-3) / WARMUP, 1.001 - share)
        said, rest = _losses(model, *padded(batch, device))
        loss = said.mean() + CONTEXT_WEIGHT * rest.mean() if len(rest) else said.mean()
        _update(model, optimizer, loss, rate)
        done += sum(len(row.ids) for row in batch)
        steps += 1
    return done, steps


def loss_on(model: Any, rows: Sequence[Row], batch_tokens: int = 16_384) -> Loss:
    """The mean next-token loss of the rows."""
    import torch

    device = next(model.parameters()).device
    model.eval()
    said_sum = rest_sum = 0.0
    said_count = rest_count = 0
    with torch.no_grad():
        for batch in cut(sorted(rows, key=_length), batch_tokens, _length):
            said, rest = _losses(model, *padded(batch, device))
            said_sum, rest_sum = said_sum + float(said.sum()), rest_sum + float(rest.sum())
            said_count, rest_count = said_count + len(said), rest_count + len(rest)
    count = said_count + rest_count
    return Loss(said_sum / max(1, said_count), (said_sum + rest_sum) / max(1, count), count)


def prefer(
    model: Any,
    pairs: Sequence[tuple[Row, Row]],
    *,
    steps: int,
    batch: int = 16,
    learning_rate: float = 3e-5,
    beta: float = 0.1,
    seed: int = 0,
    at: Iterable[int] = (),
    report: Callable[[int], None] = lambda step: None,
) -> int:
    """DPO (Rafailov et al. 2023, arXiv 2305.18290, equation 7) on (chosen, rejected) rows.

    The reference is the model as it comes. After each number of steps in `at` (0 is before the
    first) `report` is called. Gives how many tokens were learned from.
    """
    import torch

    wanted, seen = set(at), 0
    if 0 in wanted:
        report(0)
    with torch.no_grad():
        model.eval()
        reference = [
            summed_logprobs(model, [row for pair in some for row in pair]).view(-1, 2)
            for some in _parts(pairs, batch)
        ]
    known = torch.cat(reference)
    optimizer = _optimizer(model, learning_rate)
    rng = Random(f"pairs/{seed}")
    order: list[int] = []
    for step in range(1, steps + 1):
        while len(order) < batch:
            order += rng.sample(range(len(pairs)), len(pairs))
        chosen, order = order[:batch], order[batch:]
        model.train()
        rows = [row for index in chosen for row in pairs[index]]
        found = summed_logprobs(model, rows).view(-1, 2) - known[chosen]
        margin = beta * (found[:, 0] - found[:, 1])
        rate = learning_rate * min(1.0, step / 5)
        _update(model, optimizer, -torch.nn.functional.logsigmoid(margin).mean(), rate)
        seen += sum(len(row.ids) for row in rows)
        if step in wanted:
            report(step)
    return seen


def summed_logprobs(model: Any, rows: Sequence[Row]) -> torch.Tensor:
    """For each row, the log-probability of all that the assistant says in it: (rows,)."""
    import torch

    ids, real, said = padded(rows, next(model.parameters()).device)
    with _autocast(ids):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    scores = torch.log_softmax(logits.float(), dim=-1)
    chosen = scores.gather(2, ids[:, 1:].unsqueeze(2)).squeeze(2)
    return (chosen * (said & real)[:, 1:]).sum(dim=1)


def _losses(
    model: Any, ids: torch.Tensor, real: torch.Tensor, said: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each token that the assistant said, and of each other, in nats."""
    import torch

    here = real[:, 1:]
    mine = said[:, 1:][here]
    with _autocast(ids):
        hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[here])
    losses = torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:][here], reduction="none")
    return losses[mine], losses[~mine]


def _autocast(ids: torch.Tensor) -> Any:
    import torch

    return torch.autocast(ids.device.type, torch.bfloat16)


def _optimizer(model: Any, rate: float) -> Any:
    import torch

    return torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.0)


def _update(model: Any, optimizer: Any, loss: torch.Tensor, rate: float) -> None:
    import torch

    loss.backward()  # pyright: ignore[reportUnknownMemberType]
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _batches(rows: Iterator[Row], tokens: int, seed: int) -> Iterator[list[Row]]:
    """Batches of rows of like length, in an order of their own."""
    rng = Random(f"batches/{seed}")
    while some := list(islice(rows, CHUNK)):
        parts = list(cut(sorted(some, key=_length), tokens, _length))
        rng.shuffle(parts)
        yield from parts


def _length(row: Row) -> int:
    return len(row.ids)


def cut(rows: Iterable[R], tokens: int, length: Callable[[R], int]) -> Iterator[list[R]]:
    """The rows, which come by length, in parts of up to `tokens` with their padding."""
    part: list[R] = []
    for row in rows:
        if part and (len(part) + 1) * length(row) > tokens:
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def _parts(pairs: Sequence[tuple[Row, Row]], size: int) -> Iterator[Sequence[tuple[Row, Row]]]:
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]


def quiet(threads: int) -> None:
    """Let this process use so many threads, and keep transformers from reporting what it loads."""
    import warnings

    import torch
    from transformers.utils import logging

    torch.set_num_threads(threads)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    warnings.simplefilter("ignore", FutureWarning)
