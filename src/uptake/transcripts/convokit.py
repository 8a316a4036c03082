"""ConvoKit corpora: `utterances.jsonl`, one utterance a line, gathered into conversations.

An utterance names its conversation (`conversation_id`, before version 3 `root`). Those of one
conversation mostly follow one another, but need not, so a corpus on disk is read twice: first for
where each conversation ends, then for what is said. Only conversations that have begun and not
ended are held in memory. A corpus names people, not roles: whoever speaks first is taken for the
user, anyone else for the partner, and names are kept (`name`).

This module knows nothing of `corpus.json`, `speakers.json` and `conversations.json`: what they
hold is not needed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from uptake.conversation import Message
from uptake.transcripts.fields import made, mapping, when
from uptake.transcripts.transcript import Fault, Row, Source, Transcript

__all__ = ["gathered", "is_utterance"]

Rows = Iterable[tuple[int, Row] | Fault]


def is_utterance(row: Row) -> bool:
    """Whether a row is an utterance of a ConvoKit corpus."""
    speaks = "speaker" in row or "user" in row
    return speaks and "text" in row and ("conversation_id" in row or "root" in row)


def gathered(rows: Callable[[], Rows], file: str, *, twice: bool) -> Iterator[Transcript | Fault]:
    """The conversations of a corpus, each once its last utterance has come.

    `rows` opens the file anew. Where that cannot be done `twice` (standard input), a
    conversation ends where another begins.
    """
    left = Counter(_belongs(row) for row in _only_rows(rows())) if twice else None
    held: dict[str, list[tuple[int, Row]]] = {}
    for item in rows():
        if isinstance(item, Fault):
            yield item
            continue
        line, row = item
        if not is_utterance(row):
            yield Fault(file, line, "no utterance: speaker, text or conversation_id is missing")
            continue
        name = _belongs(row)
        if left is None and held and name not in held:
            yield from (_whole(held.pop(other), file) for other in list(held))
        held.setdefault(name, []).append((line, row))
        if left is not None and len(held[name]) == left[name]:
            yield _whole(held.pop(name), file)
    yield from (_whole(utterances, file) for utterances in held.values())


def _only_rows(rows: Rows) -> Iterator[Row]:
    return (item[1] for item in rows if not isinstance(item, Fault) and is_utterance(item[1]))


def _belongs(row: Row) -> str:
    return str(row.get("conversation_id", row.get("root")))


def _whole(utterances: list[tuple[int, Row]], file: str) -> Transcript | Fault:
    source = Source(file, utterances[0][0])
    rows = [row for _, row in utterances]
    first = _speaker(rows[0])
    said = [_message(row, first) for row in rows]
    times = [when(row.get("timestamp")) for row in rows]
    return made("convokit", source, said, ident=_belongs(rows[0]), times=times)


def _message(row: Row, first: str) -> Message:
    name = _speaker(row)
    role = name if name in ("user", "assistant", "system") else None
    role = role or ("user" if name == first else "assistant")
    return Message(role, str(row.get("text") or ""), {"name": name})


def _speaker(row: Row) -> str:
    who = row.get("speaker", row.get("user"))
    return str(mapping(who).get("id", who)) if isinstance(who, dict) else str(who)
