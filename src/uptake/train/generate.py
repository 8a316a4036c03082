"""Draws replies by `generate` of transformers, for any network, or by the vLLM that TRL started.

This module knows nothing of what replies are for, or of how weights change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uptake.train.rollout import Coder, Drawn

__all__ = ["GenerateSampler", "VLLMSampler"]


class GenerateSampler:
    """A `Sampler` by `generate` of transformers. `temperature` 0 is greedy."""

    def __init__(self, model: Any, coder: Coder, *, reply_tokens: int, temperature: float) -> None:
        self._model, self._coder = model, coder
        self._most, self._temperature = reply_tokens, temperature
        self.tokens = 0

    def __call__(self, prompts: Sequence[Sequence[int]]) -> list[Drawn]:
        """A reply to each prompt, with the log-probabilities it was drawn by, in nats."""
        import torch

        if not prompts:
            return []
        width = max(len(prompt) for prompt in prompts)
        ids = torch.full((len(prompts), width), self._coder.end)
        heard = torch.zeros_like(ids)
        for at, prompt in enumerate(prompts):  # padded on the left, as `generate` wants it
            ids[at, width - len(prompt) :] = torch.tensor(prompt)
            heard[at, width - len(prompt) :] = 1
        device = self._model.device
        warm = {"temperature": self._temperature, "top_k": 0, "top_p": 1.0}
        training = self._model.training
        self._model.eval()
        with torch.no_grad():
            made = self._model.generate(
                input_ids=ids.to(device),
                attention_mask=heard.to(device),
                max_new_tokens=self._most,
                eos_token_id=self._coder.end,
                pad_token_id=self._coder.end,
                do_sample=self._temperature > 0,
                return_dict_in_generate=True,
                output_logits=True,
                **(warm if self._temperature > 0 else {}),
            )
        self._model.train(training)
        tokens = made.sequences[:, width:].cpu()
        logits = torch.stack(made.logits, dim=1).float().cpu() / (self._temperature or 1.0)
        chosen: Any = torch.log_softmax(logits, dim=-1).gather(2, tokens.unsqueeze(2)).squeeze(2)
        drawn: list[list[int]] = tokens.tolist()
        likely: list[list[float]] = chosen.tolist()
        return [self._drawn(*row) for row in zip(drawn, likely, strict=True)]

    def _drawn(self, tokens: list[int], logprobs: list[float]) -> Drawn:
        end = self._coder.end
        count = tokens.index(end) + 1 if end in tokens else len(tokens)
        self.tokens += count
        return Drawn(tuple(tokens[:count]), tuple(logprobs[:count]))


class VLLMSampler:
    """A `Sampler` by the vLLM within TRL's trainer (`trainer.vllm_generation`).

    Temperature, the tokens of a reply and the token that ends it are those that TRL was given with
    its settings. TRL has brought it the latest weights by the time it calls `rollout_func`.
    """

    def __init__(self, generation: Any) -> None:
        self._generation = generation
        self.tokens = 0

    def __call__(self, prompts: Sequence[Sequence[int]]) -> list[Drawn]:
        """A reply to each prompt, with the log-probabilities it was drawn by, in nats."""
        if not prompts:
            return []
        _, drawn, likely, _ = self._generation.generate(
            prompts=[list(prompt) for prompt in prompts], images=None, num_generations=1
        )
        self.tokens += sum(map(len, drawn))
        return [
            Drawn(tuple(tokens), tuple(one[0] for one in logprobs))
            for tokens, logprobs in zip(drawn, likely, strict=True)
        ]
