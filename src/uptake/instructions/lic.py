"""The rows of Lost in Conversation (Laban et al. 2025, arXiv 2505.06120), and those like them.

An object of `task_id`, `task` and `shards` as `{"shard_id", "shard"}`, and what its task takes:

* "math": `question`, `answer`;
* "actions": `fully_specified_question`, `function`, `reference_answer`;
* "database": `fully_specified_question`, `schema_sql`, `reference_sql`;
* "code": `prompt` (of HumanEval) or `question_content` (of LiveCodeBench), and tests;
* "data2text": `references`, and a table as HTML;
* "summary": see `summhay`.

A row of any other task is read where it has `question` and `answer`: so `lic` writes them. In
RLSTA's "add" files the shards are strings, in its "refine" files `modified_shard` holds the wrong
value that a user says first.

This module knows nothing of files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from uptake.conversation import thaw
from uptake.domains.actions import example, offer, written
from uptake.domains.code.rows import UNSOLVED
from uptake.instruction import Instruction, Shard
from uptake.instructions.fields import (
    answer_of,
    final_number,
    known_of,
    shard_of,
    shards_of,
    text_of,
)
from uptake.instructions.humaneval import completing
from uptake.instructions.summhay import from_lic_summary

__all__ = ["from_lic", "is_lic", "lic"]

_KEYS = ("question", "answer", "task_id", "shards", "task", "modified_shard", "gold", "meta")


def is_lic(row: Mapping[str, Any]) -> bool:
    """Whether a row has a task, or a question or wrong values beside its shards."""
    asked = "question" in row or "modified_shard" in row
    return asked or ("task" in row and "full" not in row)


def from_lic(row: Mapping[str, Any]) -> Instruction:
    """A row of any task. Raises ValueError for a task that is not known, and what is missing."""
    task = row.get("task")
    if isinstance(task, str) and task in _TASKS:
        marks, read = _TASKS[task]
        if "question" not in row or "fully_specified_question" in row:
            if not any(mark in row for mark in marks):
                raise ValueError(f'a row of task "{task}" has no "{marks[0]}"; add it')
            return read(row)
    if "question" in row or "modified_shard" in row:
        return _plain(row)
    if task not in (None, "math", *_TASKS):
        known = ", ".join(sorted(["math", *_TASKS]))
        raise ValueError(f"task {task!r} is not read; those that are: {known}")
    raise ValueError('missing key "question"; add it')


def _plain(row: Mapping[str, Any]) -> Instruction:
    """A row with its question, answer and shards, or of wrong and right shards."""
    domain = text_of(row, "task") if "task" in row else "math"
    # Public files pad some rows with empty shards: there is nothing in them to say.
    items = [item for i, item in enumerate(shards_of(row)) if i == 0 or not _padding(item)]
    shards = [_lic_shard(item, i) for i, item in enumerate(items)]
    wrong = _wrong_values(row)
    shards = [(number, _contradict(shard, wrong.get(number))) for number, shard in shards]
    told = tuple(shard for _, shard in shards)
    answer = answer_of(row)
    if "gold" in row:
        gold = text_of(row, "gold")
    else:
        gold = final_number(answer) if domain == "math" else answer
    return Instruction(
        id=text_of(row, "task_id"),
        domain=domain,
        full=text_of(row, "question") if "question" in row else _prose(told),
        shards=told,
        answer=gold,
        meta=_lic_meta(row, answer, gold),
    )


def _actions(row: Mapping[str, Any]) -> Instruction:
    """A row whose functions stand apart: that benchmark tells them in a system prompt.

    Here they are told with the intent, so that a conversation holds all that the answer takes.
    """
    try:
        question = row["fully_specified_question"][0][0]["content"]
    except (LookupError, TypeError):
        raise ValueError(
            '"fully_specified_question" is not [[{"content": …}]]; write one user\'s message'
        ) from None
    functions: Any = row.get("function")
    if not isinstance(functions, list) or not functions:
        raise ValueError('"function" is not a list with an item; list the functions on offer')
    gold: Any = row.get("reference_answer")
    if not isinstance(gold, list) or not gold:
        raise ValueError('"reference_answer" is not a list with an item; list the calls')
    taken = ("fully_specified_question", "reference_answer")
    plain = {key: value for key, value in row.items() if key not in taken}
    plain |= {"question": question, "answer": written(example(cast("list[Any]", gold)))}
    plain |= {"acceptable": gold}
    return _with_intent(_plain(plain), offer(cast("list[dict[str, Any]]", functions)))


def _database(row: Mapping[str, Any]) -> Instruction:
    """A row of the task "database": the tables are told with the intent, as in its `full`."""
    shards = [_lic_shard(item, i)[1] for i, item in enumerate(shards_of(row))]
    read = ("fully_specified_question", "reference_sql", "shards", "task", "task_id")
    one = Instruction(
        id=text_of(row, "task_id"),
        domain="database",
        full=text_of(row, "fully_specified_question"),
        shards=tuple(shards),
        answer=text_of(row, "reference_sql"),
        meta={key: value for key, value in row.items() if key not in read}
        | {"checked_by": "parsed SQL"},
    )
    return _with_intent(one, f"These are the tables:\n\n{text_of(row, 'schema_sql').strip()}")


def _data2text(row: Mapping[str, Any]) -> Instruction:
    """A row of the task "data2text": its shards tell the table, `references` are what it scores by.

    That benchmark makes the whole request of the table as HTML, its metadata and some examples.
    """
    references: Any = row.get("references")
    if not isinstance(references, list) or not references:
        raise ValueError('"references" is not a list with an item; list descriptions of the table')
    texts = cast("list[Any]", references)
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError('an item of "references" is not a text with words in it; write strings')
    about: Any = row.get("metadata") or {}
    if not isinstance(about, dict):
        raise ValueError('"metadata" is not an object; write {…}')
    named = "\n".join(f"{key}: {value}" for key, value in cast("dict[str, Any]", about).items())
    parts = [
        "Describe this table in one sentence; the highlighted cells matter most.",
        text_of(row, "table_highlighted_html").strip(),
        f"About the table:\n{named}" if named else "",
    ]
    if row.get("fewshot_descriptions"):
        examples = text_of(row, "fewshot_descriptions").strip()
        parts.append(f"Other tables were described like this:\n{examples}")
    question = "\n\n".join(part for part in parts if part)
    return _plain({**row, "question": question, "answer": texts[0]})


def _with_intent(one: Instruction, context: str) -> Instruction:
    """The instruction with what it is about told along with the intent, at once and over turns."""
    first = replace(one.shards[0], text=f"{one.shards[0].text}\n\n{context}")
    return replace(one, full=f"{one.full}\n\n{context}", shards=(first, *one.shards[1:]))


def _code(row: Mapping[str, Any]) -> Instruction:
    """A row of the task "code", of HumanEval or of LiveCodeBench."""
    solution = row.get("canonical_solution")
    answer = f"{row.get('prompt', '')}{solution}" if solution else UNSOLVED
    if "question_content" in row:
        question = text_of(row, "question_content")
        if row.get("starter_code"):
            question += f"\n\nBegin with this:\n\n```python\n{text_of(row, 'starter_code')}\n```"
    else:
        question = completing(text_of(row, "prompt"))
    return _plain({**row, "question": question, "answer": answer})


_Read = Callable[[Mapping[str, Any]], Instruction]

# For each task the keys of which its rows have one, and what reads them.
_TASKS: dict[str, tuple[tuple[str, ...], _Read]] = {
    "actions": (("fully_specified_question",), _actions),
    "database": (("fully_specified_question",), _database),
    "code": (("question_content", "prompt"), _code),
    "data2text": (("references",), _data2text),
    "summary": (("query",), from_lic_summary),
}


def _lic_meta(row: Mapping[str, Any], answer: str, gold: str) -> dict[str, Any]:
    """Every other key of the row, and the worked solution where there is one."""
    meta = {key: value for key, value in row.items() if key not in _KEYS}
    if "question" not in row:
        meta["full_from_shards"] = True
    if "gold" not in row and answer not in (gold, f"#### {gold}"):
        meta["solution"] = answer
    if isinstance(row.get("meta"), dict):
        meta.update(row["meta"])
    return meta


def _padding(item: Any) -> bool:
    text = cast("dict[str, Any]", item).get("shard") if isinstance(item, dict) else item
    return isinstance(text, str) and not text.strip()


def _lic_shard(item: Any, index: int) -> tuple[int, Shard]:
    """A shard with its own number, by which a wrong value finds it."""
    if isinstance(item, str):
        return index, Shard(text_of({"shard": item}, "shard"))
    if not isinstance(item, dict):
        raise ValueError(f'shard {index} is not text; write a string or {{"shard": …}}')
    fields = cast("dict[str, Any]", item)
    number = fields.get("shard_id", index)
    if not isinstance(number, int):
        raise ValueError(f'"shard_id" of shard {index} is not a whole number; number the shards')
    return number, shard_of(text_of(fields, "shard"), fields)


def _wrong_values(row: Mapping[str, Any]) -> dict[int, str]:
    if "modified_shard" not in row:
        return {}
    items = [
        _lic_shard(item, i) for i, item in enumerate(shards_of(row, "modified_shard", least=0))
    ]
    return {number: shard.text for number, shard in items}


def _contradict(shard: Shard, wrong: str | None) -> Shard:
    """The shard with what contradicts it; some modified shards repeat the true one."""
    return shard if wrong is None or wrong == shard.text else replace(shard, contradicted=wrong)


def _prose(shards: tuple[Shard, ...]) -> str:
    """A whole request from its shards: the facts as sentences, then the intent."""
    texts = [shard.text.strip() for shard in (*shards[1:], shards[0])]
    return " ".join(
        text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else _mark(text))
        for text in texts
    )


def _mark(text: str) -> str:
    return "?" if re.match(r"(what|how|who|whose|when|where|which|why)\b", text.lower()) else "."


def lic(one: Instruction) -> dict[str, Any]:
    """The row in that format's own terms if those hold all of it, otherwise with more keys."""
    meta = thaw(one.meta)
    worked = meta.get("solution")
    answer = f"#### {one.answer}" if one.domain == "math" else one.answer
    row: dict[str, Any] = {
        "question": one.full,
        "answer": worked if isinstance(worked, str) else answer,
        "task_id": one.id,
        "shards": [
            {"shard_id": i, "shard": shard.text, **known_of(shard)}
            for i, shard in enumerate(one.shards, 1)
        ],
        "task": one.domain,
    }
    plain = {key: value for key, value in meta.items() if key != "solution"} | row
    try:
        if from_lic(plain) == one:
            return plain
    except ValueError:
        pass
    return row | {"gold": one.answer, "meta": meta}
