"""Results of tau2-bench (`simulations`), and of the first tau-bench (rows with `traj`).

The reward, the task and the trial stay in `meta`. A user that calls tools of its own (tau2's
telecom) says nothing by that.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from uptake.conversation import Message
from uptake.transcripts.fields import called, listed, made, mapping, message, name_of, when
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["TAU2"]


def _knows(row: Row) -> bool:
    if listed(row.get("traj")):
        return True
    return isinstance(row.get("simulations"), list) or (
        "messages" in row and "termination_reason" in row
    )


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    if "traj" in row:
        yield _made(row, listed(row["traj"]), None, source, row.get("reward"))
        return
    agent = mapping(mapping(row.get("info")).get("agent_info")).get("llm")
    for each in map(mapping, listed(row["simulations"]) if "simulations" in row else [row]):
        reward = mapping(each.get("reward_info")).get("reward")
        if listed(each.get("messages")):
            yield _made(each, listed(each["messages"]), agent, source, reward)


def _made(
    row: Row, messages: Sequence[Any], model: object, source: Source, reward: object
) -> Transcript:
    turns = [mapping(turn) for turn in messages]
    meta = {key: row[key] for key in ("task_id", "trial", "termination_reason") if key in row}
    ident = name_of(row, "id")
    if ident is None:
        ident = f"{row.get('task_id', source.line)}/{row.get('trial', 0)}"
    return made(
        "tau2",
        source,
        map(_message, turns),
        ident=ident,
        model=model,
        times=[when(turn.get("timestamp")) for turn in turns],
        meta=meta | {"reward": reward},
    )


def _message(turn: Row) -> Message:
    calls = [_call(mapping(call)) for call in listed(turn.get("tool_calls"))]
    return message(turn.get("role"), turn.get("content"), tool_calls=calls or None)


def _call(call: Row) -> dict[str, Any]:
    function = mapping(call.get("function")) or call
    return called(function.get("name"), function.get("arguments"), call.get("id"))


TAU2 = Format("tau2", "tau2-bench results", _knows, _read)
"""Known by `simulations`, by `termination_reason` beside messages, or by `traj`."""
