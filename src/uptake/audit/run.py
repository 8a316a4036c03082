"""An audit of logs of any size: read, worked out in several processes, and written as it goes.

This module knows nothing of what is found, or of how it is shown.
"""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from uptake.audit import audit, audits
from uptake.audit.annotator import LearnedMarks
from uptake.audit.answers import ANSWERS, Talk, by_talk, talk_of
from uptake.audit.doubts import Answer, Answered
from uptake.audit.findings import Findings
from uptake.audit.folder import Batch, Done, Folder, State
from uptake.audit.labels import Labelled, Place, final, place, read_labels
from uptake.audit.marks import ActAnnotator
from uptake.audit.setup import Setup, size_of
from uptake.audit.turns import event_lines, turn_rows
from uptake.run.progress import Progress
from uptake.transcripts import Fault, Transcript, expanded, read_file

__all__ = ["BATCH", "Audited", "audit_logs"]

BATCH = 64  # conversations, or fewer of many turns
TURNS = 1000  # of a batch
EVERY = 3.0  # seconds between two states
_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


@dataclass(frozen=True)
class Audited:
    """What came of an audit: the findings, how many faults there were and the first of them."""

    setup: Setup
    files: tuple[str, ...]
    findings: Findings
    faults: int
    some_faults: tuple[Fault, ...]
    seconds: float


def audit_logs(setup: Setup, *, show: bool = False) -> Audited:
    """Audit logs into `setup.out`, or go on with it; an audit that is done is given again.

    `show` shows on standard error how far it is.

    Raises:
        UptakeError: a log is not there, the folder cannot be written, is in use or another
            audit's, or standard input would have to be read again.
        KeyboardInterrupt: it was stopped; what is done is kept.
    """
    files = expanded(setup.logs)
    folder = Folder(setup, files)
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


class _Read(Progress):
    """How much of the logs was read, in MiB as they lie."""

    def __init__(self, files: Sequence[str], *, show: bool) -> None:
        total = sum(map(size_of, files)) >> 20
        super().__init__(total, show=show and total > 0, what="MiB")

    def __call__(self, read: int) -> None:
        while self.done < read >> 20:
            self.advance()


def _go_on(
    setup: Setup,
    files: Sequence[str],
    folder: Folder,
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
    form: str | None, files: Sequence[str], state: State, seen: Callable[[int], None]
) -> Iterator[Batch]:
    """What is still to be read, in batches."""
    sizes = [size_of(file) for file in files]
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
                yield Batch(tuple(items), tuple(faults), number, within)
                items, faults, turns = [], [], 0
        skip = 0
        seen(past + sizes[number])
    if items or faults:
        yield Batch(tuple(items), tuple(faults), number, within)


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


def _work(redact: bool, parquet: bool, events: bool, said: _Said, batch: Batch) -> Done:
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
    return Done(findings, lines, "".join(told), Batch((), batch.faults, batch.file, batch.within))


def _corpus(transcript: Transcript) -> str:
    return Path(transcript.source.file).name.partition(".")[0] or "log"
