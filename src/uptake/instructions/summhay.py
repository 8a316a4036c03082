"""The rows of Lost in Conversation's task "summary" (Laban et al. 2025, arXiv 2505.06120).

They are SummHay's (Laban et al. 2024, arXiv 2407.01370): `topic`, `query`, `documents` of
`document_index` and `document_text`, `insights` of `insight_id` and `insight`, shards that name
documents by `doc_idxs`, and `insightid2ref_citations`. That benchmark lets a model judge whether a
bullet covers an insight. Its insights are sentences without known key details, so here they have no
score, unless `uptake.domains.summary.Summary` is given a judge of one's own.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from uptake.instruction import Instruction, Shard
from uptake.instructions.fields import shards_of, text_of

__all__ = ["from_lic_summary"]

_READ = ("documents", "insights", "insightid2ref_citations", "shards", "task", "task_id")
_WISH = (
    'The documents I have are on this: "{topic}". Summarise what they say on the following '
    "question: {query}\n\nWrite a list of {n} bullets, 300 words at most, each with one finding "
    "and, in brackets, the numbers of the documents that hold it, as in [1][4]."
)
_MORE = "I hand you the documents bit by bit; give the whole summary each time."


def from_lic_summary(row: Mapping[str, Any]) -> Instruction:
    """A row of the task "summary": the query first, then the documents as the row deals them out.

    An insight that stands in none of the row's documents is left out, and so is a document not
    among them as its citation: a row's citations are those of SummHay's whole topic. Raises
    ValueError for what is missing.
    """
    documents = _documents(row)
    insights = _insights(row, documents)
    wish = _WISH.format(topic=text_of(row, "topic"), query=text_of(row, "query"), n=len(insights))
    shards = [Shard(f"{wish}\n\n{_MORE}")]
    for i, item in enumerate(shards_of(row)):
        shards.append(Shard("\n\n".join(_dealt(item, i, documents))))
    meta = {key: value for key, value in row.items() if key not in _READ}
    return Instruction(
        id=text_of(row, "task_id"),
        domain="summary",
        full="\n\n".join([wish, *documents.values()]),
        shards=tuple(shards),
        answer="\n".join(_gold(insight) for insight in insights),
        meta=meta | {"insights": insights},
    )


def _items(row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items: Any = row.get(key)
    if not isinstance(items, list) or not items:
        raise ValueError(f'"{key}" is not a list with an item; list objects')
    found: list[Mapping[str, Any]] = []
    for item in cast("list[Any]", items):
        if not isinstance(item, dict):
            raise ValueError(f'"{key}" holds something else than objects; list objects')
        found.append(cast("dict[str, Any]", item))
    return found


def _documents(row: Mapping[str, Any]) -> dict[int, str]:
    """Each document under its heading, by its number."""
    found: dict[int, str] = {}
    for item in _items(row, "documents"):
        number = item.get("document_index")
        if not isinstance(number, int):
            raise ValueError('"document_index" is not a whole number; number the documents')
        found[number] = f"Document {number}:\n{text_of(item, 'document_text').strip()}"
    return found


def _insights(row: Mapping[str, Any], documents: Mapping[int, str]) -> list[dict[str, Any]]:
    holding: Any = row.get("insightid2ref_citations")
    if not isinstance(holding, dict):
        raise ValueError('"insightid2ref_citations" is not an object; give each insight its list')
    found: list[dict[str, Any]] = []
    for item in _items(row, "insights"):
        key = str(item.get("insight_id"))
        numbers = cast("dict[str, Any]", holding).get(key, [])
        if not isinstance(numbers, list):
            raise ValueError(f'"insightid2ref_citations" of {key!r} is not a list; list documents')
        known = sorted(number for number in cast("list[int]", numbers) if number in documents)
        if known:
            found.append({"text": text_of(item, "insight"), "documents": known})
    if not found:
        raise ValueError("no insight stands in any document; check the citations")
    return found


def _dealt(item: Any, index: int, documents: Mapping[int, str]) -> Sequence[str]:
    numbers: Any = cast("dict[str, Any]", item).get("doc_idxs") if isinstance(item, dict) else None
    if not isinstance(numbers, list) or not numbers:
        raise ValueError(f'shard {index} has no "doc_idxs"; list the documents that it hands over')
    unknown = [number for number in cast("list[Any]", numbers) if number not in documents]
    if unknown:
        raise ValueError(f"shard {index} hands over document {unknown[0]!r}; there is none such")
    return [documents[number] for number in cast("list[int]", numbers)]


def _gold(insight: Mapping[str, Any]) -> str:
    return f"- {insight['text']} [{', '.join(str(number) for number in insight['documents'])}]"
