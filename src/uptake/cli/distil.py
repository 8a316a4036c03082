"""The command `uptake distil`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from uptake.experience import Experience

__all__ = ["distil"]


def distil(
    run: Path,
    *,
    model: str | None = None,
    writer: str | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
) -> int:
    """Learn rules from the conversations of a run that failed, for a model analyst to read.

    Args:
        run: The folder of a run with full and sharded of the same instructions.
        model: Whose conversations, where the run holds several models.
        writer: A model that words the rules; without one, each cause has a plain sentence.
        out: The file of rules. Default: experience.json in the folder of the run.
    """
    from uptake.experience import distil as learn
    from uptake.experience import write_experience
    from uptake.models import model as open_model
    from uptake.run.record import episodes, settings

    played = episodes(run)
    name = model or settings(run).get("model", "")

    async def learning() -> Experience:
        opened = None if writer is None else open_model(writer)
        try:
            return await learn(played, name, opened)
        finally:
            if opened is not None:
                await opened.aclose()

    learnt = asyncio.run(learning())
    path = out or run / "experience.json"
    write_experience(path, learnt)
    for rule in learnt.rules:
        seen = "" if rule.support is None else f"  ({rule.support} of {learnt.contrasts:,})"
        print(f"- {rule.text}{seen}")
    print(f"\n{path}")
    return 0
