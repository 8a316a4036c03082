"""The rows of the Berkeley Function Calling Leaderboard (v3 and v4), those of one turn in Python.

`id`, `question` as `[[{"role", "content"}, …]]` and `function`, a list of functions. The calls that
are right stand in another file of the same name, in the folder `possible_answer` beside it: `id`
and `ground_truth`, the acceptable values of each argument. That benchmark offers the functions
beside the conversation; here they are told with the request.

What is not read, and why:

* rows of several turns, memory and web search run on that benchmark's own simulated tools;
* irrelevance and relevance have no answer to check by, and whoever says nothing is right there;
* Java and JavaScript have values that are no JSON.

This module knows nothing of how calls are checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from uptake.domains.actions import example, offer, written
from uptake.instruction import Instruction, Shard
from uptake.instructions.fields import text_of
from uptake.instructions.rows import InstructionError, rows

__all__ = ["Answers", "from_bfcl", "is_bfcl"]

_READ = "the categories simple, multiple and parallel can be read, of Python and of one turn"
_OTHER_LANGUAGE = re.compile(r"(?:^|_)(java|javascript)_")


class Answers:
    """The right calls of a file of rows, by id; its other file is read when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, ident: str) -> list[Any]:
        """The gold calls of a row. Raises ValueError where there are none."""
        found = self._by_id.get(ident)
        if found is None:
            raise ValueError(f"no answer for {ident!r} in {self._beside}; download both files anew")
        return found

    @property
    def _beside(self) -> Path:
        return self._path.parent / "possible_answer" / self._path.name

    @cached_property
    def _by_id(self) -> dict[str, list[Any]]:
        if not self._beside.is_file():
            raise ValueError(
                f"the right calls are missing; put them in {self._beside}, where they are in the "
                "leaderboard's data"
            )
        found: dict[str, list[Any]] = {}
        for line, row in rows(self._beside):
            gold: Any = row.get("ground_truth")
            if not isinstance(row.get("id"), str) or not isinstance(gold, list) or not gold:
                raise InstructionError(
                    f'{self._beside}:{line}: no "id" with a list "ground_truth"; '
                    "download the file anew"
                )
            found[row["id"]] = cast("list[Any]", gold)
        return found


def is_bfcl(row: Mapping[str, Any]) -> bool:
    """Whether a row has conversations as its question, and functions or what simulates them."""
    question: Any = row.get("question")
    return isinstance(question, list) and "task" not in row


def from_bfcl(row: Mapping[str, Any], answers: Answers) -> Instruction:
    """The request of one row. Raises ValueError for what is missing or cannot be checked."""
    ident = text_of(row, "id")
    turns = cast("list[Any]", row["question"])
    if "involved_classes" in row or len(turns) > 1:
        raise ValueError(f"a row that runs on the leaderboard's own simulated tools; {_READ}")
    if other := _OTHER_LANGUAGE.search(ident):
        raise ValueError(f"a row for {other[1]}; {_READ}")
    if "relevance" in ident:
        raise ValueError(f"a row without a right call, where saying nothing would do; {_READ}")
    functions: Any = row.get("function")
    if not isinstance(functions, list) or not functions:
        raise ValueError('"function" is not a list with an item; list the functions on offer')
    gold = answers.of(ident)
    meta = {key: value for key, value in row.items() if key not in ("id", "question")}
    said = "\n\n".join(_said(item) for item in _messages(turns))
    full = f"{said}\n\n{offer(cast('list[dict[str, Any]]', functions))}"
    return Instruction(
        id=ident,
        domain="actions",
        full=full,
        shards=(Shard(full),),
        answer=written(example(gold)),
        meta=meta | {"acceptable": gold},
    )


def _messages(turns: list[Any]) -> list[Any]:
    if not turns or not isinstance(turns[0], list) or not turns[0]:
        raise ValueError('"question" is not [[{"role": …, "content": …}]]; write one conversation')
    return cast("list[Any]", turns[0])


def _said(item: Any) -> str:
    """What a message of the user, or of the system before it, says."""
    fields = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    if fields.get("role") not in ("system", "user"):
        raise ValueError('a message of "question" is not the user\'s; only what one asks is read')
    return text_of(fields, "content").strip()
