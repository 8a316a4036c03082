"""Does the mediator leave alone what it must leave alone? Replayed on written conversations.

    python runs/no_harm.py DATA [--save]    writes runs/results/4-no-harm.json

DATA holds `tool_dialogues/bfcl_multi_turn.jsonl.gz` (BFCL v4 multi-turn in chat-message format:
written user turns, right calls, their results) and `sharded/gsm8k_add_train.jsonl` (questions told
at once). Wherever an assistant speaks, the conversation up to there goes to a `Mediator` whose
model only records what it gets. No model is asked anything.

In the category `miss_param` a turn of the user's lacks a parameter, so that the assistant must ask.
Its twin is the same turn of the category `base`, complete. Asking is read as a pair: where it is
needed and where it is not; never asking and always asking stand beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from table import save
from uptake import Conversation, MediatedReply, Mediator, Sampling, Scripted
from uptake.intervals import wilson
from uptake.moves import Request

ASKS = ("ask", "confirm")


@dataclass(frozen=True)
class Place:
    """Where an assistant speaks: the conversation before, and the user's turn it answers."""

    scenario: int
    category: str
    turn: int
    before: Conversation
    no_call: bool

    @property
    def answers_user(self) -> bool:
        """Whether a user has just spoken, rather than a tool."""
        return self.before.messages[-1].role == "user"


def places(path: Path) -> Iterator[Place]:
    """Every place of every conversation, the turns without a right call included."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            messages: list[dict[str, Any]] = row["messages"]
            turn = -1
            for at, message in enumerate(messages):
                turn += message["role"] == "user"
                after = messages[at + 1]["role"] if at + 1 < len(messages) else "end"
                if message["role"] == "assistant" or (
                    message["role"] == "tool" and after == "tool"
                ):
                    continue
                before = Conversation.from_dicts(messages[: at + 1])
                answers = message["role"] == "user"
                no_call = answers and turn in row["no_call_user_turns"]
                yield Place(row["scenario"], row["category"], turn, before, no_call)


async def mediated(conversation: Conversation, request: Request) -> MediatedReply:
    """What the mediator does at the end of a conversation."""
    return await Mediator(Scripted([""])).reply(conversation, Sampling(), request)


def share(figure: str, hits: Sequence[bool], target: str | None = None) -> dict[str, Any]:
    """A row: how many of them, with the 95% Wilson interval."""
    low, high = wilson(sum(hits), len(hits))
    row = {"figure": figure, "value": sum(hits) / len(hits), "low": low, "high": high}
    return row | {"n": len(hits)} | ({"target": target} if target else {})


async def measure(data: Path) -> list[dict[str, Any]]:
    """All rows."""
    found = list(places(data / "tool_dialogues" / "bfcl_multi_turn.jsonl.gz"))
    replies = [await mediated(place.before, Request(tools=True)) for place in found]
    kept: list[bool] = []
    quiet: list[bool] = []
    first: list[bool] = []
    for place, reply in zip(found, replies, strict=True):
        sent = reply.mediation.sent or Conversation()
        tools = [m for m in place.before if m.role == "tool" or (m.extra or {}).get("tool_calls")]
        kept += [message in sent.messages for message in tools] if sent.messages else []
        if not place.answers_user:
            quiet.append(not reply.mediation.move.speaks and sent == place.before)
        elif len(place.before) == 1 and reply.mediation.reading.self_contained:
            first.append(sent.to_dicts() == place.before.to_dicts())
    single = [
        Conversation().user(question)
        for question in _questions(data / "sharded" / "gsm8k_add_train.jsonl")
    ]
    alone = [(await mediated(said, Request())).mediation.sent == said for said in single]
    asked = {
        (place.category, place.scenario, place.turn): reply.mediation.move.name in ASKS
        for place, reply in zip(found, replies, strict=True)
        if place.answers_user
    }
    needed = [
        (place.scenario, place.turn)
        for place in found
        if place.category == "miss_param" and place.no_call
    ]
    asks = [asked["miss_param", *key] for key in needed]
    twins = [asked["base", *key] for key in needed if ("base", *key) in asked]
    calls = [
        asked[place.category, place.scenario, place.turn]
        for place in found
        if place.answers_user and not place.no_call
    ]
    net = sum(asks) / len(asks) - sum(twins) / len(twins)
    whole = [r.mediation.sent == p.before for p, r in zip(found, replies, strict=True)]
    return [
        share("tool calls and results kept", kept, "1"),
        share("nothing asked or changed after a tool's result", quiet, "1"),
        share("first turns byte-equal, tool dialogues", first, "1"),
        share("single turns byte-equal, math questions", alone, "1"),
        share("places of tool dialogues handed on as they came", whole),
        share("asks where a parameter is missing", asks) | {"note": "never 0, always 1"},
        share("asks at the complete twin", twins) | {"note": "never 0, always 1"},
        {"figure": "asks, net", "value": net, "note": "never 0, always 0"},
        share("asks at any turn with a right call", calls) | {"note": "never 0, always 1"},
    ]


def _questions(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return sorted({json.loads(line)["question"] for line in lines})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    rows = asyncio.run(measure(given.data))
    for row in rows:
        print(row)
    if given.save:
        save(
            "4-no-harm",
            title="Do no harm: what the mediator must leave alone, on written conversations",
            command="python runs/no_harm.py DATA --save",
            rows=rows,
        )
