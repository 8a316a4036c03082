"""Reads conversations in the terminal: what was said, what it commits to, and what went wrong.

Failures come first, then wrong answers, then replies that could not be judged, then right ones.

This module knows nothing of averages or of how episodes came to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from uptake.episode import Episode, Turn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["choose", "outcome", "show", "tally"]

# Worst first; also the colour of each.
OUTCOMES = {"failed": "red", "wrong": "yellow", "partly right": "yellow", "undecided": "magenta"}
OUTCOMES["right"] = "green"


def outcome(episode: Episode) -> str:
    """What an episode came to, by its last reply."""
    if episode.error is not None:
        return "failed"
    score = episode.score("last")
    if score is None:
        return "undecided"
    return "wrong" if score <= 0 else "right" if score >= 1 else "partly right"


def choose(
    episodes: Iterable[Episode],
    *,
    conditions: Sequence[str] = (),
    instructions: Sequence[str] = (),
    models: Sequence[str] = (),
    hidden: Sequence[str] = (),
) -> list[Episode]:
    """The episodes that were asked for, worst first. No filter lets everything through.

    `hidden` models are left out unless `models` names them.
    """
    ranks = {name: rank for rank, name in enumerate(OUTCOMES)}
    kept = [
        episode
        for episode in episodes
        if (not conditions or episode.condition in conditions)
        and (not instructions or episode.instruction_id in instructions)
        and (episode.model in models if models else episode.model not in hidden)
    ]
    return sorted(
        kept,
        key=lambda e: (ranks[outcome(e)], e.instruction_id, e.repeat, e.condition, e.model),
    )


def tally(episodes: Sequence[Episode]) -> str:
    """How many there are of each outcome, in one line."""
    names = [outcome(episode) for episode in episodes]
    counts = [f"{names.count(name):,} {name}" for name in OUTCOMES if name in names]
    return f"{len(episodes):,} episodes: {', '.join(counts)}" if episodes else "no such episode"


def show(episode: Episode, console: Console) -> None:
    """Print one conversation."""
    from rich.padding import Padding
    from rich.rule import Rule

    console.print(Rule(_title(episode), align="left", style="dim"))
    if episode.system is not None:
        console.print(Padding(_said("system", episode.system, "dim"), (0, 0, 0, 2)))
    before: tuple[int, ...] = ()
    for turn in episode.turns:
        console.print(Padding(_said("user", turn.user, "bold cyan"), (0, 0, 0, 2)))
        console.print(Padding(_said("model", turn.reply, "bold"), (0, 0, 0, 2)))
        console.print(Padding(_note(turn, before), (0, 0, 0, 9)))
        before = turn.told
    console.print(Padding(_verdict(episode), (0, 0, 1, 2)))


def _title(episode: Episode) -> Text:
    from rich.text import Text

    name = outcome(episode)
    words = [episode.instruction_id, episode.condition, episode.model, f"repeat {episode.repeat}"]
    return Text.assemble((" · ".join(words), "bold"), " · ", (name, OUTCOMES[name]))


def _said(who: str, words: str, style: str) -> Text:
    from rich.text import Text

    return Text.assemble((f"{who:<7}", style), words.replace("\n", "\n" + " " * 7))


def _note(turn: Turn, before: tuple[int, ...]) -> Text:
    """What is known of a turn: what the reply commits to, and which shards were new."""
    from rich.text import Text

    parts: list[str] = []
    new = [str(shard) for shard in turn.told if shard not in before]
    if new:
        parts.append(f"told {', '.join(new)}{' (all that is needed)' if turn.ready else ''}")
    if turn.answer is not None:
        first, _, more = turn.answer.partition("\n")
        parts.append(f"answers {first}{' …' if more else ''}")
    if turn.score is not None and turn.answer is not None:
        parts.append("right" if turn.score >= 1 else "wrong" if turn.score <= 0 else "partly right")
    if turn.asked:
        parts.append("asks")
    if turn.move is not None:
        parts.append(f"move {turn.move}")
    if turn.unfaithful:
        parts.append(turn.unfaithful)
    if turn.finish_reason not in ("stop", "end_turn"):
        parts.append(f"ended by {turn.finish_reason}")
    return Text(f"[{' · '.join(parts)}]" if parts else "", style="dim")


def _verdict(episode: Episode) -> Text:
    from rich.text import Text

    if episode.error is not None:
        return Text(f"failed: {episode.error}", style=OUTCOMES["failed"])
    name = outcome(episode)
    capped = ", stopped at the most turns" if episode.ended == "capped" else ""
    return Text(f"gold {episode.gold}: {name}{capped}", style=OUTCOMES[name])
