"""What an audit writes for other programs: one row a turn, and events of OpenTelemetry.

A row has these columns, in JSONL and in Parquet alike:

    conversation  the id in the log (a hash of it under --redact)
    file, line    where it stands
    format        of the log
    model         who replied, or null
    turn          the place of the message in its conversation, from 0
    role          "user" or "assistant"
    reply         the number of the assistant's turn, from 1; null for the user's
    time          seconds since 1970, or null
    words         how many the turn has
    acts          what it does, by name (docs/acts.md)
    act_words     the words of each of these acts, in the same order
    act_targets   the turn that each acts on, or null
    signals       signs of failure in a user's turn
    cause         why common ground broke at a reply; null where it did not
    because       the words that show it
    first         whether it is the first breakdown of its conversation
    repairs       what the turn is in sequences of repair, as "ask: initiation"

What was said is in the log, at its file and line: only the words of acts are repeated here.

Events are `gen_ai.evaluation.result` of the GenAI conventions, as OTLP log records in JSON, one
request a line: "uptake.breakdown" for each conversation (1 broken, 0 not, its label the cause) and
"uptake.signal" for each signal, with the trace and span of the log where it has them.

This module knows nothing of where rows go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from uptake.audit import Audit
from uptake.audit.redact import Mask
from uptake.audit.worst import unnamed
from uptake.transcripts import Transcript
from uptake.transcripts.parquet import arrow

__all__ = ["COLUMNS", "event_lines", "turn_rows", "write_parquet"]

COLUMNS = {
    "conversation": "string",
    "file": "string",
    "line": "int64",
    "format": "string",
    "model": "string",
    "turn": "int32",
    "role": "string",
    "reply": "int32",
    "time": "float64",
    "words": "int32",
    "acts": "list<string>",
    "act_words": "list<string>",
    "act_targets": "list<int32>",
    "signals": "list<string>",
    "cause": "string",
    "because": "string",
    "first": "bool",
    "repairs": "list<string>",
}
"""The columns of a row, each with its type in Parquet."""


def turn_rows(transcript: Transcript, found: Audit, *, redact: bool) -> Iterator[dict[str, Any]]:
    """The rows of a conversation, as JSON."""
    heard = found.heard
    mask: Any = Mask(heard.texts.values()) if redact else str
    broken = {each.at: each for each in reversed(found.breakdowns)}
    parts: dict[int, list[str]] = {}
    for repair in found.repairs:
        for part in ("trouble", "initiation", "solution", "uptake"):
            if (at := getattr(repair, part)) is not None:
                parts.setdefault(at, []).append(f"{repair.kind}: {part}")
    number = 0
    for at in heard.turns:
        number += heard.role(at) == "assistant"
        marks, breakdown = found.marks.get(at, ()), broken.get(at)
        yield {
            "conversation": unnamed(transcript.id) if redact else transcript.id,
            "file": transcript.source.file,
            "line": transcript.source.line,
            "format": transcript.format,
            "model": transcript.model,
            "turn": at,
            "role": heard.role(at),
            "reply": number if heard.role(at) == "assistant" else None,
            "time": transcript.times[at] if at < len(transcript.times) else None,
            "words": len(heard.texts[at].split()),
            "acts": [mark.name for mark in marks],
            "act_words": [mask(mark.said) for mark in marks],
            "act_targets": [mark.target for mark in marks],
            "signals": [signal.name for signal in found.signals if signal.at == at],
            "cause": breakdown.cause if breakdown else None,
            "because": mask(breakdown.because) if breakdown else None,
            "first": found.first is not None and found.first.at == at,
            "repairs": parts.get(at, []),
        }


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as one Parquet file.

    Raises:
        TranscriptError: pyarrow is not installed.
        OSError: it cannot be written.
    """
    pa, parquet = arrow("pyarrow"), arrow("pyarrow.parquet")
    kinds = {"list<string>": pa.list_(pa.string()), "list<int32>": pa.list_(pa.int32())}
    schema = pa.schema(
        [
            (name, kinds[kind] if kind in kinds else pa.type_for_alias(kind))
            for name, kind in COLUMNS.items()
        ]
    )
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")


def event_lines(transcript: Transcript, found: Audit, *, redact: bool) -> str:
    """The events of a conversation: one OTLP request as a line of JSON; "" without a reply."""
    replies = found.heard.replies
    if not replies:
        return ""
    if redact:
        transcript = replace(transcript, id=unnamed(transcript.id))
    mask: Any = Mask(found.heard.texts.values()) if redact else str
    first = found.first
    label, why = (first.cause, mask(first.because)) if first else ("none", "")
    at = first.at if first else replies[-1]
    records = [_record(transcript, "uptake.breakdown", at, float(first is not None), label, why)]
    records += [
        _record(transcript, "uptake.signal", signal.at, 1.0, signal.name, mask(signal.said))
        for signal in found.signals
    ]
    scope = {"scope": {"name": "uptake.audit"}, "logRecords": records}
    resource = {"attributes": [_attribute("service.name", "uptake")]}
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}
    return json.dumps(logs, ensure_ascii=False) + "\n"


def _record(
    transcript: Transcript, name: str, at: int, score: float, label: str, why: str
) -> dict[str, Any]:
    time = transcript.times[at] if at < len(transcript.times) else None
    attributes = [
        _attribute("gen_ai.evaluation.name", name),
        _attribute("gen_ai.evaluation.score.value", score),
        _attribute("gen_ai.evaluation.score.label", label),
        _attribute("gen_ai.evaluation.explanation", why or f"message {at}"),
        _attribute("gen_ai.conversation.id", transcript.id),
        _attribute("uptake.turn", at),
    ]
    record: dict[str, Any] = {
        "timeUnixNano": str(round((time or 0.0) * 1e9)),
        "eventName": "gen_ai.evaluation.result",
        "attributes": attributes,
    }
    for key, field in (("traceId", "trace"), ("spanId", "span")):
        if isinstance(transcript.meta.get(field), str):
            record[key] = transcript.meta[field]
    return record


def _attribute(key: str, value: str | float) -> dict[str, Any]:
    if isinstance(value, str):
        return {"key": key, "value": {"stringValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    return {"key": key, "value": {"doubleValue": value}}
