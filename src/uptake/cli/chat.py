"""The command `uptake chat`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from uptake.cli.console import console

__all__ = ["chat"]


def chat(
    *,
    model: Annotated[str, Parameter(name=["--model", "-m"])] = "embedded",
    mediated: Annotated[bool, Parameter(negative=())] = False,
    analyst: str | None = None,
    experience: Path | None = None,
    temperature: float = 1.0,
    reply_tokens: int = 1024,
    seed: int = 0,
) -> int:
    """Talk to a model in the terminal, with the common ground and the move beside the chat.

    Args:
        model: embedded, embedded:FOLDER, PROVIDER/NAME, http://HOST:PORT/v1#NAME, hf:FOLDER or
            policy:NAME.
        mediated: Keep the common ground, and hand the model what holds.
        analyst: Who reads for the mediated model: rules (default), examine, self or another model.
        experience: A file of rules for it, made by uptake distil.
        temperature: How replies are drawn; 0 is greedy.
        reply_tokens: The most tokens of one reply.
        seed: The same seed and the same words get the same replies.
    """
    from uptake.analysts import mediator
    from uptake.model import Sampling
    from uptake.models import model as open_model
    from uptake.talk import talk

    opened = [open_model(model)]
    mended = mediator(opened[0], opened, mediated=mediated, analyst=analyst, experience=experience)
    speaker = mended or opened[0]
    drawn = Sampling(temperature=temperature, max_tokens=reply_tokens, seed=seed)

    async def talking() -> None:
        try:
            await talk(speaker, drawn, console(), lambda: input("> "))
        finally:
            for one in opened:
                await one.aclose()

    asyncio.run(talking())
    return 0
