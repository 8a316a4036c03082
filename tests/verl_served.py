"""The embedded model in the place of verl's engine: a server as verl's client asks one, on Ray.

Apart from the test, since Ray's processes import it by its name.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import ray
from omegaconf import DictConfig
from verl.workers.rollout.llm_server import LLMServerClient
from verl.workers.rollout.replica import TokenOutput
from verl.workers.rollout.router import get_router_handle

from uptake.embedded.decoder import Network
from uptake.embedded.engine import Engine
from uptake.embedded.model import WEIGHTS
from uptake.train.sampler import EngineSampler

__all__ = ["STEP", "client"]

STEP = 3
"""The number that the server has for its weights."""


@ray.remote
class Server:
    """Draws by the embedded runtime, at the temperature that verl asks for."""

    def __init__(self, end: int) -> None:
        self.end, self.seeds = end, count()
        self.engine = Engine(Network(WEIGHTS, cache_bytes=2**24), [end], threads=1, rows=16)

    async def generate(
        self, request_id: str, prompt_ids: list[int], sampling_params: dict[str, Any], **rest: Any
    ) -> TokenOutput:
        sampler = EngineSampler(
            self.engine,
            end=self.end,
            reply_tokens=sampling_params["max_tokens"],
            temperature=sampling_params["temperature"],
            seed=next(self.seeds),
        )
        (drawn,) = await asyncio.to_thread(sampler, [prompt_ids])
        return TokenOutput(
            token_ids=list(drawn.tokens),
            log_probs=list(drawn.logprobs),
            stop_reason="completed",
            extra_fields={"global_steps": STEP},
        )


def client(config: DictConfig, end: int) -> LLMServerClient:
    """verl's own client and balancer, before one such server."""
    balancer = get_router_handle({"here": Server.remote(end)})
    return LLMServerClient(config=config, load_balancer_handle=balancer)
