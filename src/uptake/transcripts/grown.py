"""Requests that grow into one conversation: only the longest of each is kept.

A log of requests holds everything said before at every request, so a conversation of ten turns
fills ten rows. A request whose messages begin with those of an earlier one of the same session (or
of none) takes its place; how many rows went into it stands in `meta["requests"]`. Readers mark what
is a request by `meta["requests"]` of 1, and name its `meta["session"]` where the log does: a whole
chat that begins like another is another chat.

Only so many conversations are held that may still grow. What goes on after more than that many
others have begun counts as a conversation of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b

from uptake.transcripts.transcript import Fault, Transcript

__all__ = ["HELD", "grown"]

HELD = 500
"""How many conversations are held at once."""


def grown(items: Iterable[Transcript | Fault], held: int = HELD) -> Iterator[Transcript | Fault]:
    """The transcripts, but of requests those alone that no later one goes on from."""
    open_: dict[bytes, Transcript] = {}
    for item in items:
        if isinstance(item, Fault) or "requests" not in item.meta:
            yield item
            continue
        *befores, whole = _prints(item)
        before = next((p for p in reversed(befores) if p in open_), None)
        if before is not None:
            earlier = open_.pop(before)
            requests = int(earlier.meta["requests"]) + 1
            item = replace(item, meta={**item.meta, "requests": requests})
        if whole in open_:  # the same again is another conversation, not a longer one
            yield open_.pop(whole)
        open_[whole] = item
        if len(open_) > held:
            yield open_.pop(next(iter(open_)))
    yield from open_.values()


def _prints(of: Transcript) -> list[bytes]:
    """A fingerprint of the conversation after each message."""
    digest = blake2b(str(of.meta.get("session", "")).encode("utf-8", "replace"), digest_size=16)
    found: list[bytes] = []
    for message in of.conversation:
        digest.update(f"{message.role}\0{message.written}\0\0".encode("utf-8", "replace"))
        found.append(digest.digest())
    return found
