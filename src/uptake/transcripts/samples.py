"""Samples of Inspect logs, `.eval` or `.json`: the messages of each, its score and its model.

A long text that Inspect keeps apart ("attachment://…") is put back where it stands.

This module knows nothing of files: `bridges.inspect_log` opens them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from uptake.conversation import Message
from uptake.transcripts.fields import called, listed, made, mapping, message
from uptake.transcripts.transcript import Format, Row, Source, Transcript

__all__ = ["INSPECT"]

_APART = "attachment://"


def _knows(row: Row) -> bool:
    return bool(mapping(row.get("eval"))) and ("samples" in row or "sample" in row)


def _read(row: Row, source: Source) -> Iterator[Transcript]:
    spec = mapping(row["eval"])
    samples = [row["sample"]] if "sample" in row else listed(row["samples"])
    for sample in map(mapping, samples):
        apart = mapping(sample.get("attachments"))
        said = [_message(mapping(each), apart) for each in listed(sample.get("messages"))]
        if not said:  # it failed before anything was said
            continue
        scores = {
            name: value
            for name, score in mapping(sample.get("scores")).items()
            if isinstance(value := mapping(score).get("value"), str | int | float)
        }
        yield made(
            "inspect",
            source,
            said,
            ident=f"{sample.get('id')}/{sample.get('epoch', 1)}",
            model=spec.get("model"),
            meta={"task": spec.get("task"), "scores": scores},
        )


def _message(item: Row, apart: Row) -> Message:
    calls = [
        called(call.get("function"), call.get("arguments"), call.get("id"))
        for call in map(mapping, listed(item.get("tool_calls")))
    ]
    words = _whole(item.get("content"), apart)
    return message(item.get("role"), words, tool_calls=calls or None)


def _whole(content: Any, apart: Row) -> Any:
    if isinstance(content, str) and content.startswith(_APART):
        return apart.get(content.removeprefix(_APART), content)
    if isinstance(content, list):
        parts = (mapping(part) for part in listed(content))
        texts = (_whole(part.get("text"), apart) for part in parts if part.get("type") == "text")
        return "\n".join(text for text in texts if isinstance(text, str))
    return content


INSPECT = Format("inspect", "Inspect logs, .eval or .json", _knows, _read)
"""Known by `eval` beside its samples."""
