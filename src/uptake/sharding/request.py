"""What there is to cut in a request, and what is told along with its intent as it stands.

The functions on offer, tables and blocks of code are no facts to be told over turns: they are the
`context`, as in Lost in Conversation (Laban et al. 2025, arXiv 2505.06120). Of a function to
complete the text is its docstring.

This module knows nothing of how a text is cut.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uptake.conversation import thaw
from uptake.domains.actions import offer
from uptake.instruction import Instruction
from uptake.instructions.humaneval import completing

__all__ = ["Request", "request"]

_BLOCK = re.compile(r"^```.*?^```[ \t]*$|^CREATE TABLE\b.*?;[ \t]*$", re.DOTALL | re.MULTILINE)
_QUOTES = re.compile(r"^\w*(\"\"\"|'''|\"|')|(\"\"\"|'''|\"|')$")


@dataclass(frozen=True, slots=True)
class Request:
    """`text` is to be cut. `intent` is what is wanted, where the text does not say so itself."""

    text: str
    context: str = ""
    intent: str | None = None

    def with_context(self, intent: str) -> str:
        """The words of the first shard."""
        return f"{intent}\n\n{self.context}" if self.context else intent


def request(instruction: Instruction) -> Request:
    """The whole request of an instruction, taken apart."""
    full, meta = instruction.full, instruction.meta
    if (function := _function(full, meta)) is not None:
        return function
    listed: Any = thaw(meta.get("functions", meta.get("function")))
    if isinstance(listed, list) and full.endswith(tools := offer(listed)):  # pyright: ignore[reportUnknownArgumentType]
        return Request(full.removesuffix(tools).strip(), tools)
    blocks = [match[0] for match in _BLOCK.finditer(full)]
    return Request(_BLOCK.sub("\n\n", full).strip(), "\n\n".join(blocks))


def _function(full: str, meta: Mapping[str, Any]) -> Request | None:
    """A function to complete: its head is told first, its docstring in pieces."""
    prompt, name = meta.get("prompt"), meta.get("entry_point")
    if not isinstance(prompt, str) or full != completing(prompt):
        return None
    try:
        tree = ast.parse(prompt)
    except SyntaxError:
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name and ast.get_docstring(node):
            lines = prompt.splitlines()
            said = node.body[0]
            head = [*lines[: said.lineno - 1], *lines[said.end_lineno :]]
            intent, _, _ = completing("").partition("\n")
            code = "\n".join(head).strip()
            return Request(_docstring(prompt, said), f"```python\n{code}\n```", intent)
    return None


def _docstring(program: str, node: ast.stmt) -> str:
    """As it is written, escapes and all, without its quotes and its indentation."""
    written = ast.get_source_segment(program, node) or ""
    return inspect.cleandoc(
        re.sub(r"^\w*(\"\"\"|'''|\"|')|(\"\"\"|'''|\"|')$", "", written.strip())
    )
