"""The command `uptake audit`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from uptake.audit.setup import Setup

__all__ = ["audit"]

Choice = Annotated[bool, Parameter(negative=())]
Perhaps = Annotated[
    list[str] | None, Parameter(consume_multiple=(0, 1), negative=(), metavar="HOST:PORT")
]


def audit(
    *logs: str,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    form: Annotated[str | None, Parameter(name="--format")] = None,
    redact: Choice = False,
    parquet: Choice = False,
    events: Choice = False,
    processes: int | None = None,
    ray: Perhaps = None,
    against: Path | None = None,
    labels: Path | None = None,
    escalate: str | None = None,
    doubt: float | None = None,
    plan: Choice = False,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    price: str | None = None,
    rpm: float | None = None,
    concurrency: int | None = None,
    cache: Path | None = None,
) -> int:
    """Read logs of real conversations, and say where they break and why.

    Offline, without a model or a key, unless --escalate names one. The same command goes on where
    it was stopped.

    Args:
        logs: Files, folders or patterns; .gz and .zst, too. Without any, standard input.
        out: The folder that report.html and the rows go to. Default: out/audit-NAME.
        form: The format, where it is not to be found out: openai, anthropic, sharegpt, wildchat,
            lic, tau2, inspect, spans, convokit or uptake.
        redact: Mask e-mails, links, phones, numbers and names before anything is written.
        parquet: Write the rows as turns/*.parquet in place of turns.jsonl (extra audit).
        events: Write events.jsonl, too: findings as events of OpenTelemetry.
        processes: How many processes read. Default: as many as there are processors.
        ray: Work on a Ray cluster: HOST:PORT of its head, or without any that of RAY_ADDRESS or of
            this machine; where there is none, one is started here (extra ray).
        labels: A file of uptake annotate: what people say of a turn goes before the rules.
        against: The folder of an audit of other logs, from before a change, to compare with.
        escalate: A model that is asked about the turns of which the annotator is in doubt.
        doubt: How far an act's learned probability may be from what the annotator says. Default: .3
        plan: With --escalate, print how many turns are in doubt, tokens and price; ask nothing.
        max_cost: Ask no more before it has cost more US dollars than this, all sittings together.
        max_tokens: Ask no more before it has used more tokens than this, all sittings together.
        price: US dollars a million tokens in and out, for example 0.15,0.60.
        rpm: The most requests a minute.
        concurrency: How many turns are asked about at once.
        cache: A file that keeps replies, so that another audit does not pay for them again.
    """
    from rich.console import Console

    from uptake.audit.against import changes
    from uptake.audit.cluster import AUTO, require
    from uptake.audit.folder import findings_in
    from uptake.audit.page import write_page
    from uptake.audit.run import audit_logs
    from uptake.audit.setup import Setup
    from uptake.audit.table import tables
    from uptake.errors import UptakeError
    from uptake.transcripts.files import STDIN
    from uptake.transcripts.parquet import arrow

    if not logs and sys.stdin.isatty():
        raise UptakeError("name a log: a file, a folder or a pattern; or pipe one in")
    if parquet:
        arrow("pyarrow")
    if ray is not None:
        require()
    before = None if against is None else findings_in(against)
    folder = out or Path("out") / f"audit-{_name(logs[0] if logs else STDIN)}"
    most = os.cpu_count() or 1
    setup = Setup(
        logs or (STDIN,),
        folder,
        form,
        redact,
        parquet,
        events,
        processes or most,
        labels,
        ray=None if ray is None else next(iter(ray), AUTO),
    )
    asking = {
        "doubt": doubt,
        "max_cost": max_cost,
        "max_tokens": max_tokens,
        "price": price,
        "rpm": rpm,
        "concurrency": concurrency,
        "cache": cache,
    }
    options = {name: value for name, value in asking.items() if value is not None}
    if escalate is None and (plan or options):
        name = next(iter(options), "plan").replace("_", "-")
        raise UptakeError(f"--{name} goes with --escalate MODEL: without it nothing is asked")
    try:
        if escalate is not None:
            asked = _escalated(setup, escalate, options, plan=plan)
            if asked is None:
                return 0
            setup = asked
        with _quiet(setup):
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


def _escalated(setup: Setup, name: str, options: dict[str, Any], *, plan: bool) -> Setup | None:
    """The setup once the model of that name was asked; None where only the plan was wanted."""
    from uptake.audit.doubts import DOUBT
    from uptake.audit.escalate import doubted, escalate
    from uptake.models import model
    from uptake.run import CONCURRENCY, Limits

    limits = Limits(
        options.get("concurrency", CONCURRENCY),
        options.pop("max_tokens", None),
        options.pop("max_cost", None),
    )
    doubt = options.pop("doubt", DOUBT)
    asked = model(name, **options)
    if not plan:
        with _quiet(setup):
            return escalate(setup, asked, doubt=doubt, limits=limits, show=True)
    with _quiet(setup), doubted(setup, doubt) as found:
        planned = found.describe(asked, setup.out)
    print(planned)
    return None


def _quiet(setup: Setup) -> AbstractContextManager[None]:
    """While a cluster works, nothing is printed but what is said of it here."""
    from uptake.audit.cluster import hushed

    return nullcontext() if setup.ray is None else hushed()


def _name(log: str) -> str:
    """A name for the folder, after the first log."""
    stem = "stdin" if log == "-" else Path(log).name.partition(".")[0]
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-") or "logs"
