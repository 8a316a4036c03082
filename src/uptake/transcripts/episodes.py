"""uptake's own `episodes.jsonl`: each episode as it was played.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator

from uptake.episode import Episode
from uptake.transcripts.fields import made
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["EPISODES"]


def _knows(row: Row) -> bool:
    return {"probe", "instruction_id", "condition", "turns"} <= row.keys()


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    episode = Episode.from_dict(row)
    if not episode.turns:  # it failed before anything was said: there is nothing to read
        return
    name = f"{episode.instruction_id}/{episode.condition}/{episode.repeat}"
    yield made(
        "uptake",
        source,
        episode.conversation(),
        ident=f"{episode.probe}/{name}",
        model=episode.model + (" (mediated)" if episode.mediated else ""),
        meta={"condition": episode.condition, "score": episode.score(), "gold": episode.gold},
    )


EPISODES = Format("uptake", "uptake's own episodes", _knows, _read)
"""Known by `probe`, `instruction_id`, `condition` and `turns`."""
