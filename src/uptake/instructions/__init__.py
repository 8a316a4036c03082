"""Instructions from files and to files, one format a file of this folder.

* `own`: one object a line, with everything an `Instruction` holds;
* `lic`: Lost in Conversation's JSON array, and RLSTA's sharded GSM8K, one object a line;
* `summhay`: Lost in Conversation's task "summary";
* `gsm8k`, `humaneval`, `bfcl`: benchmarks that tell everything at once, as they are downloaded;
* `talks`: dialogues between two people, as chat messages.

Any of them may be gzipped, and a file may mix them. A file is read whole or not at all: what
cannot be read is one `InstructionError` that names the line.

This package knows nothing of how answers are checked or told, and fetches nothing.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from uptake.instruction import Instruction
from uptake.instructions.bfcl import Answers, from_bfcl, is_bfcl
from uptake.instructions.gsm8k import from_gsm8k, is_gsm8k
from uptake.instructions.humaneval import from_humaneval, is_humaneval
from uptake.instructions.lic import from_lic, is_lic, lic
from uptake.instructions.own import from_own, own
from uptake.instructions.rows import InstructionError, rows
from uptake.instructions.talks import from_talk

__all__ = ["InstructionError", "read_instructions", "write_instructions", "write_lic"]


def read_instructions(path: Path | str) -> list[Instruction]:
    """Every instruction of a file, in its order; see the module for the formats.

    Where several rows have one id, the later ones get "#2", "#3" … so that each can be played.
    Raises InstructionError for a file that is missing, empty or wrong in any line.
    """
    path = Path(path)
    found: list[Instruction] = []
    taken: set[str] = set()
    answers = Answers(path)
    for line, row in rows(path):
        try:
            one = _instruction(row, line, answers)
        except (ValueError, TypeError) as error:
            raise InstructionError(f"{path}:{line}: {error}") from None
        one = replace(one, id=_unused(one.id, taken))
        taken.add(one.id)
        found.append(one)
    if not found:
        raise InstructionError(f"{path}: no instructions in it; write one JSON object a line")
    return found


def write_instructions(path: Path | str, instructions: Iterable[Instruction]) -> None:
    """The own format, lossless; gzipped where `path` ends in `.gz`. Raises OSError."""
    _write(
        Path(path),
        "".join(f"{json.dumps(own(one), ensure_ascii=False)}\n" for one in instructions),
    )


def write_lic(path: Path | str, instructions: Iterable[Instruction]) -> None:
    """The Lost-in-Conversation format; gzipped where `path` ends in `.gz`. Raises OSError.

    What that format has no place for goes in further keys, which its readers pass over and
    `read_instructions` takes up again: nothing is lost on the way out and back.
    """
    made = [lic(one) for one in instructions]
    _write(Path(path), json.dumps(made, ensure_ascii=False, indent=1) + "\n")


def _instruction(row: Mapping[str, Any], line: int, answers: Answers) -> Instruction:
    """The instruction of a row, by the format that its keys tell."""
    if "messages" in row:
        return from_talk(row, line)
    if is_bfcl(row):
        return from_bfcl(row, answers)
    if is_gsm8k(row):
        return from_gsm8k(row, line)
    if is_humaneval(row):
        return from_humaneval(row)
    if is_lic(row):
        return from_lic(row)
    if "full" in row:
        return from_own(row)
    raise ValueError('no "full" and no "question"; add the whole request as "full"')


def _unused(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}#{number}" in taken:
        number += 1
    return f"{name}#{number}"


def _write(path: Path, text: str) -> None:
    # What UTF-8 cannot hold (half a surrogate pair) turns into the escape that JSON has for it.
    data = text.encode(errors="backslashreplace")
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
