"""A file of lines that is only ever appended to, so that a process that is killed loses nothing.

It is held by one process at a time; a last line that a crash tore is cut off when it goes on; and
it goes on only with the settings that it was begun with.

This module knows nothing of what the lines say.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uptake.errors import UptakeError

__all__ = ["append", "compare", "hold", "repair", "replace"]


def hold(file: int, out: Path) -> None:
    """Hold an open file for this process; the system lets go when the process ends.

    Raises:
        UptakeError: another process holds it; `out` is what the line names.
    """
    try:
        import fcntl
    except ImportError:  # no such lock on this system
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UptakeError(
            f"{out} is in use by another uptake process: wait for it, or choose another --out"
        ) from error
    except OSError:  # a file system without locks
        return


def repair(file: int) -> int:
    """Cut off a last line that a crash left without its end; the size in bytes that is left."""
    size = os.fstat(file).st_size
    end, block = size, 1 << 16
    while end > 0:
        start = max(0, end - block)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
    return end


def compare(out: Path, held: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to go on with what was begun with other settings.

    Raises:
        UptakeError: `held` and `wanted` differ; the line names the first difference.
    """
    for name in dict.fromkeys([*wanted, *held]):
        if held.get(name) != wanted.get(name):
            raise UptakeError(
                f"{out} was begun with {name} = {_shown(held.get(name))}, not "
                f"{_shown(wanted.get(name))}: use the same settings to go on, or another --out"
            )


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return text if len(text) <= 60 else text[:57] + "..."


def replace(path: Path, data: Mapping[str, Any]) -> None:
    """Write `path` so that a crash leaves the old one or the new one, never half of one."""
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(data, indent=1) + "\n")
    beside.replace(path)


def append(file: int, line: bytes) -> None:
    """Write the whole of `line`."""
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(file, rest) :]
