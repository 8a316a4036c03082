"""A local Hugging Face folder as a Model, through transformers (extra `[train]`).

One thread owns the weights; callers that ask at the same time are answered as one batch. Each
reply is drawn with its own seed, so that who else is in the batch does not matter (up to the
rounding of the arithmetic, which no batch shape leaves alone).

This module knows nothing of endpoints. torch and transformers are imported by that thread only.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uptake.conversation import Conversation, Message
from uptake.model import ModelError, Reply, Sampling, Usage

__all__ = ["Local"]

ADAPTER = "adapter_config.json"
"""Stands where the weights are an adapter's, and names the folder of the model it belongs to."""
GATHER_SECONDS = 0.005
"""How long a batch waits for company: enough for callers of one event loop to be heard."""


class Local:
    """The causal language model in folder `path`, with its tokenizer and chat template.

    `batch` bounds how many conversations run at once; `device` is torch's name for one, by
    default `cuda` where there is one. Only temperature and top-p shape the draw: settings in the
    folder's generation config are not used, as no other model here has such.

    The folder may be a LoRA adapter's, that names the model's.

    Raises ModelError at once where the extra is not installed or the folder is not a model.
    """

    takes_effort = False

    def __init__(self, path: Path | str, *, batch: int = 16, device: str | None = None) -> None:
        self._path = Path(path).expanduser()
        self._name = f"hf:{path}"
        self._batch = batch
        self._device = device
        missing = [name for name in ("torch", "transformers") if not _installed(name)]
        if missing:
            raise ModelError(
                f"{self._name} needs {' and '.join(missing)}: pip install 'uptake[train]'",
                fatal=True,
            )
        if not any((self._path / name).is_file() for name in ("config.json", ADAPTER)):
            raise ModelError(
                f"{self._name}: no config.json there; expected a saved Hugging Face folder",
                fatal=True,
            )
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """`hf:` and the path as given."""
        return self._name

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """The reply, once its batch is through. Raises ModelError."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        job = _Job(conversation, sampling)
        self._jobs.put(job)
        return await asyncio.wrap_future(job.reply)

    async def aclose(self) -> None:
        """End the thread, after the batch that it is at, and free the weights."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        generator: _Generator | None = None
        while jobs := self._next_batch():
            awaited = [job for job in jobs if job.reply.set_running_or_notify_cancel()]
            try:
                generator = generator or _Generator(self._name, self._path, self._device)
                generator.run(awaited)
            except Exception as error:  # noqa: BLE001  (a thread has nobody else to tell)
                line = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                failure = ModelError(f"{self._name}: {line}", fatal=generator is None)
                for job in awaited:
                    if not job.reply.done():
                        job.reply.set_exception(failure)

    def _next_batch(self) -> list[_Job]:
        """The next jobs, as many as have come; none where the work is over."""
        job = self._jobs.get()
        jobs: list[_Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) == self._batch:
                return jobs
            try:
                job = self._jobs.get(timeout=GATHER_SECONDS)
            except queue.Empty:
                return jobs
        if jobs:
            self._jobs.put(None)  # to be found again after this batch
        return jobs


@dataclass(frozen=True, slots=True)
class _Job:
    conversation: Conversation
    sampling: Sampling
    reply: Future[Reply] = field(default_factory=Future[Reply])


class _Generator:
    """The weights, and one batch at a time through them."""

    def __init__(self, name: str, path: Path, device: str | None) -> None:
        self.name = name
        # By name, so that checking types needs neither.
        self.torch: Any = importlib.import_module("torch")
        self.transformers: Any = importlib.import_module("transformers")
        self.device = device or ("cuda" if self.torch.cuda.is_available() else "cpu")
        self.transformers.utils.logging.disable_progress_bar()  # a run shows its own
        self.tokenizer = self.transformers.AutoTokenizer.from_pretrained(path)
        if not self.tokenizer.chat_template:
            raise ValueError("its tokenizer has no chat template, so it cannot take conversations")
        dtype = self.torch.float32 if self.device == "cpu" else "auto"
        model = self.transformers.AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
        self.model = model.to(self.device).eval()
        stops = model.generation_config.eos_token_id
        if stops is None:
            stops = self.tokenizer.eos_token_id
        self.stops: list[int] = [stops] if isinstance(stops, int) else list(stops or [])
        self.room: int | None = getattr(model.config, "max_position_embeddings", None)
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        # What the folder would add on its own (a repetition penalty, top-k) is set aside.
        model.generation_config = self.transformers.GenerationConfig(
            eos_token_id=self.stops or None, pad_token_id=self.tokenizer.pad_token_id
        )

    def run(self, jobs: Sequence[_Job]) -> None:
        """Answer every job, or fail it with its own reason."""
        fitting: list[tuple[_Job, str, int]] = []
        for job in jobs:
            try:
                prompt = self._prompt(job.conversation)
                fitting.append((job, prompt, self._new_tokens(prompt, job.sampling)))
            except Exception as error:  # noqa: BLE001  (one bad conversation spoils no other)
                job.reply.set_exception(self._failure(error))
        if not fitting:
            return
        prompts = [prompt for _, prompt, _ in fitting]
        inputs = self.tokenizer(
            prompts, return_tensors="pt", padding=True, add_special_tokens=False
        ).to(self.device)
        draw = _Draw(self.torch, [job.sampling for job, _, _ in fitting], self.device)
        with self.torch.inference_mode():
            output = self.model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=max(limit for _, _, limit in fitting),
                do_sample=False,
                logits_processor=self.transformers.LogitsProcessorList([draw]),
            )
        width = inputs["input_ids"].shape[1]
        heard = inputs["attention_mask"].sum(dim=1).tolist()
        for (job, _, limit), row, prompt_tokens in zip(
            fitting, output[:, width:].tolist(), heard, strict=True
        ):
            try:
                job.reply.set_result(self._reply(row, limit, prompt_tokens))
            except ValueError as error:
                job.reply.set_exception(self._failure(error))

    def _failure(self, error: Exception) -> ModelError:
        return ModelError(f"{self.name}: {' '.join(str(error).split())}")

    def _prompt(self, conversation: Conversation) -> str:
        # Most chat templates take strings only: parts are joined, all else is passed on.
        messages = conversation.to_dicts()
        for fields, message in zip(messages, conversation, strict=True):
            if message.content is not None:
                fields["content"] = message.text
        return self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )

    def _new_tokens(self, prompt: str, sampling: Sampling) -> int:
        if self.room is None:
            return sampling.max_tokens
        length = len(self.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        if length >= self.room:
            raise ValueError(f"the conversation has {length} tokens, the model takes {self.room}")
        return min(sampling.max_tokens, self.room - length)

    def _reply(self, row: list[int], limit: int, prompt_tokens: int) -> Reply:
        end = next((i for i, token in enumerate(row) if token in self.stops), len(row))
        said = row[: min(end, limit)]
        text = self.tokenizer.decode(said, skip_special_tokens=True).strip()
        reason = "stop" if end < min(limit, len(row)) else "length"
        if not text:
            raise ValueError(f"the reply is empty (finish_reason {reason!r})")
        return Reply(Message("assistant", text), reason, Usage(prompt_tokens, len(said), cost=0.0))


class _Draw:
    """Makes greedy search draw each row with its own seed.

    Adding Gumbel noise to log-probabilities and taking the largest is a draw from them, so
    `generate` keeps its care for caches and stops, and no row depends on the batch.
    """

    def __init__(self, torch: Any, samplings: Sequence[Sampling], device: str) -> None:
        self.torch = torch
        self.warm = [sampling.temperature > 0 for sampling in samplings]
        temperatures = [sampling.temperature or 1.0 for sampling in samplings]
        self.temperature = torch.tensor(temperatures, device=device).unsqueeze(1)
        self.top_p = torch.tensor([s.top_p for s in samplings], device=device).unsqueeze(1)
        self.random = [
            torch.Generator(device=device).manual_seed(sampling.seed) for sampling in samplings
        ]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        torch = self.torch
        log_p = torch.log_softmax(scores.float() / self.temperature, dim=-1)
        if bool((self.top_p < 1).any()):
            log_p = self._nucleus(log_p)
        for row, warm in enumerate(self.warm):
            if warm:
                uniform = torch.rand(
                    log_p.shape[1], generator=self.random[row], device=log_p.device
                )
                log_p[row] -= torch.log(-torch.log(uniform.clamp_min(1e-20)))
        return log_p

    def _nucleus(self, log_p: Any) -> Any:
        """The fewest most likely tokens that hold `top_p` together; the others cannot be drawn."""
        ordered, places = log_p.sort(dim=-1, descending=True)
        before = ordered.exp().cumsum(dim=-1) - ordered.exp()
        left_out = (before >= self.top_p) & (self.top_p < 1)
        return log_p.masked_fill(left_out.scatter(1, places, left_out), float("-inf"))


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
