"""What became of each instruction: one line each, beside the file that is made, as `OUT.log`.

The first line holds the settings, each other the place of an instruction, and its shards or why it
has none. A run that is stopped, however it is, goes on from there. What failed is tried again.

This module knows nothing of how shards are made.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uptake.errors import UptakeError
from uptake.instruction import Instruction
from uptake.instructions.own import from_own, own
from uptake.run.lines import append, compare, hold, repair

__all__ = ["Fate", "Log"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the instruction at a place of the file: kept in shards, or not, and why."""

    place: int
    ident: str
    kept: Instruction | None = None
    why: str | None = None


class Log:
    """The fates so far, by place; open for appending and held by this process alone.

    `tokens` and `cost` (US dollars) are what earlier sittings have used.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any]) -> None:
        """Open the log of `out` for a run with these `settings`, begun here if there is none.

        Raises:
            UptakeError: it cannot be written, is in use, or belongs to other settings; or `out`
                is there and was not made by such a run.
        """
        self.path = out.with_name(f"{out.name}.log")
        self.fates: dict[int, Fate] = {}
        self.tokens, self.cost = 0, 0.0
        if out.exists() and not self.path.exists():
            raise UptakeError(f"{out} is there already: choose another --out")
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            hold(self._file, out)
            if not repair(self._file):
                self._append({"settings": dict(settings)})
            self._read(settings)
        except BaseException:
            os.close(self._file)
            raise

    def _read(self, settings: Mapping[str, Any]) -> None:
        first, *rest = self.path.read_bytes().splitlines()
        try:
            compare(self.path, json.loads(first)["settings"], settings)
            for line in rest:
                self._count(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise UptakeError(f"{self.path}: not a log of shards ({error}); delete it") from error

    def _count(self, row: Mapping[str, Any]) -> None:
        self.tokens, self.cost = row["tokens"], row["cost"]
        if "place" in row:
            kept = from_own(row["kept"]) if row.get("kept") else None
            self.fates[row["place"]] = Fate(row["place"], row["id"], kept, row.get("why"))

    def add(self, fate: Fate, tokens: int, cost: float) -> None:
        """Append what became of an instruction, and what all sittings have used up to here.

        Raises UptakeError where it cannot be written.
        """
        kept = None if fate.kept is None else own(fate.kept)
        row = {"place": fate.place, "id": fate.ident, "kept": kept, "why": fate.why}
        self._append(row | {"tokens": tokens, "cost": cost})
        self.fates[fate.place] = fate

    def _append(self, row: Mapping[str, Any]) -> None:
        try:
            append(self._file, (json.dumps(row) + "\n").encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self, tokens: int, cost: float) -> None:
        """Append what was used beside the instructions that are done, and let the file go."""
        with contextlib.suppress(OSError, UptakeError):
            if tokens:
                self._append({"tokens": tokens, "cost": cost})
            os.fsync(self._file)
        os.close(self._file)

    def _unwritable(self, error: OSError) -> UptakeError:
        return UptakeError(f"cannot write {self.path}: {error.strerror}; choose another --out")
