"""An audit of logs of any size: read, worked out in several processes, and written as it goes.

The folder has `audit.json` (what was begun, how far it is, and the findings up to there),
`turns.jsonl` or `turns/*.parquet`, `faults.jsonl` (what could not be read), `events.jsonl` where it
was asked for, and `report.html`. `audit.json` is replaced as a whole every few seconds and says how
long the other files were then: whatever stops the audit, it goes on from there, and what was
written after is cut off and written again, the same.

This module knows nothing of what is found, or of how it is shown.
"""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from uptake.audit import audit, audits, cluster, workers
from uptake.audit.annotator import LearnedMarks
from uptake.audit.answers import ANSWERS, Escalated, Talk, by_talk, talk_of
from uptake.audit.doubts import Answer, Answered
from uptake.audit.findings import Findings
from uptake.audit.labels import Labelled, Place, final, place, read_labels
from uptake.audit.marks import ActAnnotator
from uptake.audit.turns import event_lines, turn_rows, write_parquet
from uptake.errors import UptakeError
from uptake.run.lines import append, compare, hold, replace
from uptake.run.progress import Progress
from uptake.transcripts import Fault, Transcript, expanded, read_file
from uptake.transcripts.files import STDIN

__all__ = ["BATCH", "Audited", "Setup", "audit_logs", "findings_in", "settings_of"]

BATCH = 64  # conversations, or fewer of many turns
TURNS = 1000  # of a batch
EVERY = 3.0  # seconds between two states
STATE = "audit.json"
In = TypeVar("In")
Out = TypeVar("Out")
_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


@dataclass(frozen=True)
class Setup:
    """What to audit and what to write: see `uptake audit --help`.

    `escalated` is what came of asking a model first (`escalate`): its answers lie in `out`. `ray`
    is the address of a cluster that works in the place of processes.
    """

    logs: tuple[str, ...]
    out: Path
    form: str | None = None
    redact: bool = False
    parquet: bool = False
    events: bool = False
    processes: int = 1
    labels: Path | None = None
    escalated: Escalated | None = None
    ray: str | None = None

    def in_order(self, work: Callable[[In], Out], batches: Iterable[In]) -> Iterator[Out]:
        """`work` of each batch, in order, wherever it is done."""
        if self.ray is None:
            return workers.in_order(work, batches, self.processes)
        return cluster.in_order(work, batches, self.processes, self.ray)


@dataclass
class _State:
    """How far an audit is; `file` and `within` say what was read, the rest how much was written."""

    file: int = 0
    within: int = 0
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    parts: int = 0
    faults: int = 0
    seconds: float = 0.0
    finished: bool = False


@dataclass(frozen=True)
class Audited:
    """What came of an audit: the findings, how many faults there were and the first of them."""

    setup: Setup
    files: tuple[str, ...]
    findings: Findings
    faults: int
    some_faults: tuple[Fault, ...]
    seconds: float


@dataclass(frozen=True)
class _Batch:
    """Transcripts to audit, the faults met among them, and where the reading was then."""

    items: tuple[Transcript, ...]
    faults: tuple[Fault, ...]
    file: int
    within: int


@dataclass(frozen=True)
class _Done:
    """What came of a batch."""

    findings: Findings
    rows: list[dict[str, Any]] | str
    events: str
    batch: _Batch


def audit_logs(setup: Setup, *, show: bool = False) -> Audited:
    """Audit logs into `setup.out`, or go on with it; an audit that is done is given again.

    `show` shows on standard error how far it is.

    Raises:
        UptakeError: a log is not there, the folder cannot be written, is in use or another
            audit's, or standard input would have to be read again.
        KeyboardInterrupt: it was stopped; what is done is kept.
    """
    files = expanded(setup.logs)
    folder = _Folder(setup, files)
    try:
        if not folder.state.finished:
            with _stoppable() as stopped, _Read(files, show=show) as read:
                _go_on(setup, files, folder, read, stopped)
        return Audited(
            setup,
            tuple(files),
            folder.findings,
            folder.state.faults,
            folder.some_faults(),
            folder.state.seconds,
        )
    finally:
        folder.close()


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


class _Read(Progress):
    """How much of the logs was read, in MiB as they lie."""

    def __init__(self, files: Sequence[str], *, show: bool) -> None:
        total = sum(map(_size, files)) >> 20
        super().__init__(total, show=show and total > 0, what="MiB")

    def __call__(self, read: int) -> None:
        while self.done < read >> 20:
            self.advance()


def _go_on(
    setup: Setup,
    files: Sequence[str],
    folder: _Folder,
    seen: Callable[[int], None],
    stopped: threading.Event,
) -> None:
    labels = final(read_labels(setup.labels)) if setup.labels else {}
    answers = by_talk(setup.out / ANSWERS) if setup.escalated else {}
    said = _Said(_by_talk(labels), answers, setup.redact)
    work = partial(_work, setup.redact, setup.parquet, setup.events, said)
    begun, before = time.monotonic(), folder.state.seconds
    saved = -math.inf
    batches = _batches(setup.form, files, folder.state, seen)
    for done in setup.in_order(work, batches):
        folder.add(done)
        folder.state.seconds = before + time.monotonic() - begun
        if stopped.is_set():
            folder.save()
            raise KeyboardInterrupt
        if time.monotonic() - saved > EVERY:
            folder.save()
            saved = time.monotonic()
    folder.state.finished = True
    folder.save()


@contextmanager
def _stoppable() -> Generator[threading.Event]:
    """An event that Ctrl-C sets, so that no batch is torn; pressed again, it stops at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.getsignal(signal.SIGINT)

    def stop(*_: object) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


def _batches(
    form: str | None, files: Sequence[str], state: _State, seen: Callable[[int], None]
) -> Iterator[_Batch]:
    """What is still to be read, in batches."""
    sizes = [_size(file) for file in files]
    items: list[Transcript] = []
    faults: list[Fault] = []
    turns, skip, within, number = 0, state.within, 0, state.file
    for number in range(state.file, len(files)):
        past, within = sum(sizes[:number]), 0
        for item in read_file(files[number], form, lambda read, past=past: seen(past + read)):
            within += 1
            if within <= skip:
                continue
            if isinstance(item, Fault):
                faults.append(item)
            else:
                items.append(item)
                turns += len(item.conversation)
            if len(items) >= BATCH or turns >= TURNS or len(faults) >= BATCH:
                yield _Batch(tuple(items), tuple(faults), number, within)
                items, faults, turns = [], [], 0
        skip = 0
        seen(past + sizes[number])
    if items or faults:
        yield _Batch(tuple(items), tuple(faults), number, within)


def _size(file: str) -> int:
    path = Path(file)
    return path.stat().st_size if path.is_file() else 0


_ByTalk = Mapping[tuple[str, str], Mapping[int, frozenset[str]]]


def _by_talk(labels: Mapping[Place, frozenset[str]]) -> _ByTalk:
    """The acts that people gave, by conversation."""
    found: dict[tuple[str, str], dict[int, frozenset[str]]] = {}
    for (file, talk, turn), acts in labels.items():
        found.setdefault((file, talk), {})[turn] = acts
    return found


@dataclass(frozen=True)
class _Said:
    """What people, and a model, say of the turns of conversations."""

    labels: _ByTalk
    answers: Mapping[Talk, Mapping[int, Answer]]
    redact: bool

    def annotator(self, transcript: Transcript) -> ActAnnotator | None:
        """Who annotates a conversation; None for the annotator that ships, alone."""
        acts = self.labels.get(place(transcript, 0)[:2])
        answers = self.answers.get(talk_of(transcript, redact=self.redact))
        under = Answered(answers) if answers else None
        return Labelled(acts, under or LearnedMarks()) if acts else under


def _work(redact: bool, parquet: bool, events: bool, said: _Said, batch: _Batch) -> _Done:
    """Audit a batch; this runs in whichever process."""
    findings, rows, told = Findings(), list[dict[str, Any]](), list[str]()
    given = [said.annotator(transcript) for transcript in batch.items]
    talks = [transcript.conversation for transcript in batch.items]
    by_us = iter(audits(talk for talk, by in zip(talks, given, strict=True) if by is None))
    for transcript, by in zip(batch.items, given, strict=True):
        found = audit(transcript.conversation, by) if by else next(by_us)
        findings.add(transcript, found, _corpus(transcript), redact=redact)
        rows += turn_rows(transcript, found, redact=redact)
        if events:
            told.append(event_lines(transcript, found, redact=redact))
    lines = rows if parquet else "".join(_JSON(row) + "\n" for row in rows)
    return _Done(findings, lines, "".join(told), _Batch((), batch.faults, batch.file, batch.within))


def _corpus(transcript: Transcript) -> str:
    return Path(transcript.source.file).name.partition(".")[0] or "log"


def settings_of(setup: Setup, files: Sequence[str]) -> dict[str, Any]:
    """What must be the same for two sittings to be one, of what is read."""
    return {
        "logs": list(files),
        "sizes": [_size(file) for file in files],
        "format": setup.form,
        "redact": setup.redact,
        "labels": [str(setup.labels), _size(str(setup.labels))] if setup.labels else None,
    }


class _Folder:
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
        self.state, self.findings = _State(), Findings()
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
            self.state = _State(**held["state"])
            self.findings = Findings.from_dict(held["findings"])
        except (ValueError, KeyError, TypeError) as error:
            raise UptakeError(
                f"{self.path}: not the state of an audit ({error}); choose another --out"
            ) from error
        if not self.state.finished and STDIN in self.setup.logs:
            raise UptakeError("standard input cannot be read again: choose another --out")

    def add(self, done: _Done) -> None:
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
