"""The rows of GSM8K (Cobbe et al. 2021, arXiv 2110.14168): `question`, and `answer` after "####".

They tell a problem at once, so an instruction made of one has a single shard: it can be told in
full, and over turns once `uptake shard` has cut it. The socratic files have the same two keys.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uptake.instruction import Instruction, Shard
from uptake.instructions.fields import final_number, ident_of, text_of

__all__ = ["from_gsm8k", "is_gsm8k"]


def is_gsm8k(row: Mapping[str, Any]) -> bool:
    """Whether a row has a question, and nothing of Lost in Conversation's."""
    others = ("task", "task_id", "shards", "modified_shard")
    return "question" in row and not any(key in row for key in others)


def from_gsm8k(row: Mapping[str, Any], line: int) -> Instruction:
    """The problem of one row, called after its line unless it has an `id`.

    Raises ValueError for a key that could be a misspelled "shards", and for what is missing.
    """
    misspelled = [key for key in row if key.lower().startswith("shard")]
    if misspelled:
        raise ValueError(f'unknown key "{misspelled[0]}"; a list of shards is called "shards"')
    question, solution = text_of(row, "question"), text_of(row, "answer")
    meta = {key: value for key, value in row.items() if key not in ("id", "question", "answer")}
    return Instruction(
        id=ident_of(row, f"gsm8k/{line}"),
        domain="math",
        full=question,
        shards=(Shard(question),),
        answer=final_number(solution),
        meta=meta | {"solution": solution},
    )
