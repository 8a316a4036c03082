"""What the teacher of self-distillation reads, in place of the conversation that the student sees.

By what is asked last, the teacher is asked something easier, once or twice. Told over turns, it is
told at once, and facts in any order it reads in the instruction's. Where a question takes something
for granted, it is first asked directly whether that is so, and then told all at once: a model lets
pass what it denies when asked (`presupposition`). Where something may be missing, it is told to ask
for it if so; and so it is before all was told over turns, where a guess is what later replies go
wrong by. Where people's own moves are the measure there is nothing easier: it reads the same, which
holds the student to what it was.

What is true, right or missing is in no view but as the user said it.

This module knows nothing of models, tokens or losses.
"""

from __future__ import annotations

from dataclasses import replace

from uptake.episode import Episode
from uptake.probes.presupposition import direct
from uptake.scenario import Scenario, bullets
from uptake.train.corpus import Chat

__all__ = ["at_once", "learned", "views"]


def learned(episode: Episode, *, early: bool = False) -> list[Episode]:
    """An episode up to each of the replies that are learned.

    That is the last one; `early` adds, where a request is told over turns, those before all was
    told.
    """
    before = episode.turns[:-1] if early and episode.probe == "lost" else ()
    unready = [at for at, turn in enumerate(before, 1) if not turn.ready]
    return [*(replace(episode, turns=episode.turns[:at]) for at in unready), episode]


def views(scenario: Scenario, episode: Episode, elicit: str = "") -> list[Chat]:
    """What the teacher reads for each part of the last reply, in their order.

    `elicit` is the system message that tells it to ask; without it, it is not told to.
    """
    said = episode.conversation().to_dicts()[:-1]  # all but the last reply
    if episode.compared:
        return [said]
    ready = episode.turns[-1].ready
    if elicit and episode.probe == "missing" and not (ready and len(episode.turns) > 1):
        return [[{"role": "system", "content": elicit}, *said]]
    if elicit and episode.probe == "lost" and not ready:
        told = {"role": "user", "content": at_once(scenario, episode)}
        return [[{"role": "system", "content": elicit}, told]]
    found: list[Chat] = []
    if episode.probe == "presupposition" and (asked := direct(scenario)) is not None:
        found.append([*said[:-1], {"role": "user", "content": asked}])
    system = [message for message in said if message["role"] == "system"]
    return [*found, [*system, {"role": "user", "content": at_once(scenario, episode)}]]


def at_once(scenario: Scenario, episode: Episode) -> str:
    """What the user wants at the end, as one message, where all that it takes was told.

    It is what the user said where that was one turn, and otherwise a list in the instruction's
    order, as under CONCAT: of facts told in any other order; after a correction, of the facts as
    they stand now; after a hand-off, of the request that was come back to. Where something was
    never told, or the last turn asks yes or no, it is what the user said: a turn that tells one
    shard in that shard's words, so that "7." can be understood by itself, and none that tells
    nothing new ("That is all I know.").
    """
    last = len(episode.turns) - 1
    first = episode.turns[0]
    if last == 0 and list(first.told) == sorted(first.told):
        return first.user
    wanted = scenario.wanted(last) if scenario.scripted else scenario.instruction
    told = scenario.scripted or episode.turns[last].ready
    if told and not (scenario.scripted and scenario.turns[last].yes is not None):
        return bullets([shard.text for shard in wanted.shards])
    parts: list[str] = []
    known: set[int] = set()
    for said in episode.turns:
        new = [shard for shard in said.told if shard not in known]
        known.update(new)
        if len(new) == 1 and not scenario.scripted:
            parts.append(scenario.instruction.shards[new[0]].text)
        elif new or scenario.scripted:
            parts.append(said.user)
    return " ".join(parts)
