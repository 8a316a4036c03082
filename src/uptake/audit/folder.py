"""The folder of an audit: what was found and written, and how far it is.

It has `audit.json` (what was begun, how far it is, and the findings up to there), `turns.jsonl` or
`turns/*.parquet`, `faults.jsonl` (what could not be read), `events.jsonl` where it was asked for,
and `report.html`. `audit.json` is replaced as a whole every few seconds and says how long the other
files were then: whatever stops the audit, it goes on from there, and what was written after is cut
off and written again, the same.

This module knows nothing of how logs are read, or of how findings are shown.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from uptake.audit.findings import Findings
from uptake.audit.setup import Setup, settings_of
from uptake.audit.turns import write_parquet
from uptake.errors import UptakeError
from uptake.run.lines import append, compare, hold, replace
from uptake.transcripts import Fault, Transcript
from uptake.transcripts.files import STDIN

__all__ = ["Batch", "Done", "Folder", "State", "findings_in"]

STATE = "audit.json"


@dataclass
class State:
    """How far an audit is; `file` and `within` say what was read, the rest how much was written."""

    file: int = 0
    within: int = 0
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    parts: int = 0
    faults: int = 0
    seconds: float = 0.0
    finished: bool = False


@dataclass(frozen=True)
class Batch:
    """Transcripts to audit, the faults met among them, and where the reading was then."""

    items: tuple[Transcript, ...]
    faults: tuple[Fault, ...]
    file: int
    within: int


@dataclass(frozen=True)
class Done:
    """What came of a batch."""

    findings: Findings
    rows: list[dict[str, Any]] | str
    events: str
    batch: Batch


class Folder:
    """The folder of an audit, held by this process alone."""

    def __init__(self, setup: Setup, files: Sequence[str]) -> None:
        self.out, self.setup = setup.out, setup
        self.settings = {
            **settings_of(setup, files),
            "parquet": setup.parquet,
            "events": setup.events,
            # Only where there is one, so that an audit that was begun without goes on.
            **({"escalated": asdict(setup.escalated)} if setup.escalated else {}),
        }
        self.state, self.findings = State(), Findings()
        self._rows: list[dict[str, Any]] = []
        self._files: dict[str, int] = {}
        self.path = self.out / STATE
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            for name in ("faults", "turns", "events"):
                if name != "turns" or not setup.parquet:
                    self._files[name] = self._open(self.out / f"{name}.jsonl")
            hold(self._files["faults"], self.out)
            self._begin()
        except OSError as error:
            self.close()
            raise self._unwritable(error) from error
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _open(path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)

    def _begin(self) -> None:
        if self.path.exists():
            self._resume()
        if self.state.finished:
            return
        for name, file in self._files.items():
            os.ftruncate(file, self.state.sizes.get(name, 0))
        if self.setup.parquet:
            (self.out / "turns").mkdir(exist_ok=True)
            for part in (self.out / "turns").glob("*.parquet"):
                if int(part.stem) >= self.state.parts:
                    part.unlink()

    def _resume(self) -> None:
        try:
            held = json.loads(self.path.read_bytes())
            compare(self.out, held["settings"], self.settings)
            self.state = State(**held["state"])
            self.findings = Findings.from_dict(held["findings"])
        except (ValueError, KeyError, TypeError) as error:
            raise UptakeError(
                f"{self.path}: not the state of an audit ({error}); choose another --out"
            ) from error
        if not self.state.finished and STDIN in self.setup.logs:
            raise UptakeError("standard input cannot be read again: choose another --out")

    def add(self, done: Done) -> None:
        """Count and write what came of a batch."""
        try:
            self.findings.merge(done.findings)
            if isinstance(done.rows, str):
                append(self._files["turns"], done.rows.encode("utf-8", "backslashreplace"))
            else:
                self._rows += done.rows
            append(self._files["events"], done.events.encode("utf-8", "backslashreplace"))
            lines = "".join(json.dumps(asdict(fault)) + "\n" for fault in done.batch.faults)
            append(self._files["faults"], lines.encode())
        except OSError as error:
            raise self._unwritable(error) from error
        self.state.faults += len(done.batch.faults)
        self.state.file, self.state.within = done.batch.file, done.batch.within

    def save(self) -> None:
        """Write how far it is."""
        try:
            if self._rows:
                part = self.out / "turns" / f"{self.state.parts:06d}.parquet"
                write_parquet(part, self._rows)
                self._rows = []
                self.state.parts += 1
            for name, file in self._files.items():
                os.fsync(file)
                self.state.sizes[name] = os.fstat(file).st_size
            state = {"settings": self.settings, "state": asdict(self.state)}
            replace(self.path, {**state, "findings": self.findings.to_dict()})
        except OSError as error:
            raise self._unwritable(error) from error

    def some_faults(self, most: int = 200) -> tuple[Fault, ...]:
        """The first faults."""
        found: list[Fault] = []
        with (self.out / "faults.jsonl").open(encoding="utf-8") as lines:
            for _, line in zip(range(most), lines, strict=False):
                found.append(Fault(**json.loads(line)))
        return tuple(found)

    def close(self) -> None:
        """Let the folder go."""
        for name, file in self._files.items():
            empty = name == "events" and not os.fstat(file).st_size
            os.close(file)
            if empty:
                (self.out / "events.jsonl").unlink(missing_ok=True)
        self._files = {}

    def _unwritable(self, error: OSError) -> UptakeError:
        return UptakeError(f"cannot write {self.out}: {error.strerror or error}")


def findings_in(folder: Path) -> Findings:
    """What an audit found that was done before.

    Raises:
        UptakeError: there is none in the folder, or it is not done.
    """
    path = folder / STATE
    try:
        held = json.loads(path.read_bytes())
        finished, found = held["state"]["finished"], Findings.from_dict(held["findings"])
    except OSError as error:
        why = error.strerror or str(error)
        raise UptakeError(f"{path}: {why}; name the folder of an audit") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UptakeError(f"{path}: not what an audit found; audit those logs again") from error
    if not finished:
        raise UptakeError(f"{folder}: this audit is not done; the same command goes on with it")
    return found
