"""The rows of HumanEval (Chen et al. 2021, arXiv 2107.03374): a function to complete, with tests.

`task_id`, `prompt` (the beginning of a program, up to the docstring), `entry_point`,
`canonical_solution` and `test`. They tell a task at once, so an instruction made of one has a
single shard; `uptake shard` cuts it. The tests that the row brings decide.

This module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uptake.domains.code.rows import UNSOLVED
from uptake.instruction import Instruction, Shard
from uptake.instructions.fields import text_of

__all__ = ["completing", "from_humaneval", "is_humaneval"]


def is_humaneval(row: Mapping[str, Any]) -> bool:
    """Whether a row has a function to complete, and nothing of Lost in Conversation's."""
    return "prompt" in row and "task" not in row and "shards" not in row


def from_humaneval(row: Mapping[str, Any]) -> Instruction:
    """The task of one row. Raises ValueError for what is missing, or tests that check nothing."""
    prompt, name = text_of(row, "prompt"), text_of(row, "entry_point")
    if f"def {name}(" not in prompt:
        raise ValueError(f'"prompt" defines no function {name!r}; name one in "entry_point"')
    if "def check(" not in text_of(row, "test"):
        raise ValueError('"test" defines no function "check"; write def check(candidate)')
    solution = row.get("canonical_solution")
    full = completing(prompt)
    return Instruction(
        id=text_of(row, "task_id"),
        domain="code",
        full=full,
        shards=(Shard(full),),
        answer=f"{prompt}{solution}" if solution else UNSOLVED,
        meta={key: value for key, value in row.items() if key != "task_id"},
    )


def completing(prompt: str) -> str:
    """The whole request: the beginning of a program, which is to be completed."""
    return f"Complete this Python function:\n\n```python\n{prompt.strip()}\n```"
