"""The command `uptake audit`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["audit"]

Choice = Annotated[bool, Parameter(negative=())]


def audit(
    *logs: str,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    form: Annotated[str | None, Parameter(name="--format")] = None,
    redact: Choice = False,
    parquet: Choice = False,
    events: Choice = False,
    processes: int | None = None,
    against: Path | None = None,
    labels: Path | None = None,
) -> int:
    """Read logs of real conversations, and say where they break and why.

    Offline, without a model or a key. The same command goes on where it was stopped.

    Args:
        logs: Files, folders or patterns; .gz and .zst, too. Without any, standard input.
        out: The folder that report.html and the rows go to. Default: out/audit-NAME.
        form: The format, where it is not to be found out: openai, anthropic, sharegpt, wildchat,
            lic, tau2, inspect, spans, convokit or uptake.
        redact: Mask e-mails, links, phones, numbers and names before anything is written.
        parquet: Write the rows as turns/*.parquet in place of turns.jsonl (extra audit).
        events: Write events.jsonl, too: findings as events of OpenTelemetry.
        processes: How many processes read. Default: as many as there are processors.
        labels: A file of uptake annotate: what people say of a turn goes before the rules.
        against: The folder of an audit of other logs, from before a change, to compare with.
    """
    from rich.console import Console

    from uptake.audit.against import changes
    from uptake.audit.page import write_page
    from uptake.audit.run import Setup, audit_logs, findings_in
    from uptake.audit.table import tables
    from uptake.errors import UptakeError
    from uptake.transcripts.files import STDIN
    from uptake.transcripts.parquet import arrow

    if not logs and sys.stdin.isatty():
        raise UptakeError("name a log: a file, a folder or a pattern; or pipe one in")
    if parquet:
        arrow("pyarrow")
    before = None if against is None else findings_in(against)
    folder = out or Path("out") / f"audit-{_name(logs[0] if logs else STDIN)}"
    most = os.cpu_count() or 1
    setup = Setup(
        logs or (STDIN,), folder, form, redact, parquet, events, processes or most, labels
    )
    try:
        found = audit_logs(setup, show=True)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped: what is done is kept in {folder}; the same command goes on"
        ) from None
    changed = None if before is None else changes(before, found.findings)
    try:
        path = write_page(found, changed)
    except OSError as error:
        raise UptakeError(f"cannot write {folder}: {error.strerror}") from error
    console = Console(highlight=False)
    for part in tables(found, changed):
        console.print(part)
    print(f"\n{path}")
    return 0


def _name(log: str) -> str:
    """A name for the folder, after the first log."""
    stem = "stdin" if log == "-" else Path(log).name.partition(".")[0]
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-") or "logs"
