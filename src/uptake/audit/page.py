"""An audit as one HTML page: the numbers first, where it goes wrong, then conversations to read.

Whatever a log said is escaped, as in the report of a run (`report.frame`).

This module knows nothing of how a figure is calculated or a plot is drawn.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from uptake.audit import summary
from uptake.audit.against import Change, differ
from uptake.audit.charts import along, dots
from uptake.audit.findings import EARLY
from uptake.audit.people import people_dated
from uptake.audit.run import Audited
from uptake.audit.setup import Setup
from uptake.audit.worst import Worst
from uptake.report.frame import bundle, made, nonce, render

__all__ = ["page", "write_page"]

LISTED = 50  # faults


def write_page(found: Audited, changed: list[Change] | None = None) -> Path:
    """Write `report.html` in the folder of an audit, and give its path. Raises OSError.

    `changed` is how the figures differ from those of other logs, where they are compared.
    """
    path = found.setup.out / "report.html"
    beside = path.with_suffix(".html.tmp")
    beside.write_bytes(page(found, changed).encode("utf-8", "replace"))
    beside.replace(path)
    return path


def page(found: Audited, changed: list[Change] | None = None) -> str:
    """The whole page, one file that needs nothing else."""
    findings = found.findings
    failed, sound, gap = summary.early(findings)
    before = summary.before(findings)
    charts = {
        "where": along(summary.places(findings)),
        "causes": dots([f for f in summary.causes(findings) if f.rate.events]),
        "signals": dots([f for f in summary.signals(findings) if f.rate.events]),
        "before": dots(before[1:9], base=before[0]) if before[0].rate.events else None,
        "early": dots([failed, sound]) if failed.rate.n and sound.rate.n else None,
    }
    return render(
        "audit.html",
        found=found,
        findings=findings,
        head=summary.headline(findings),
        facts=[(f, summary.share(f.rate), summary.span(f.rate)) for f in summary.facts(findings)],
        first=_most_first(findings.firsts),
        charts={name: spec for name, spec in charts.items() if spec is not None},
        gap=gap,
        changed=changed or [],
        differ=differ(changed or []),
        early=EARLY,
        models=summary.groups(findings, "model"),
        corpora=summary.groups(findings, "corpus"),
        acts=summary.acts(findings),
        people_dated=people_dated(),
        repairs=summary.repairs(findings),
        shelves=_shelves(findings.worst, findings.firsts),
        meanings=summary.MEANINGS,
        share=summary.share,
        span=summary.span,
        odds=summary.odds,
        faults=found.some_faults[:LISTED],
        method=_method(found),
        bundle=bundle() if any(charts.values()) else "",
        nonce=nonce([findings.to_dict(), found.some_faults]),
    )


def _most_first(firsts: Counter[tuple[int, str]]) -> tuple[int, int, int] | None:
    """The reply at which conversations most often break first: its number, how many, of how many.

    None where there is no such reply, or more than one.
    """
    by_place: Counter[int] = Counter()
    for (place, _), count in firsts.items():
        by_place[place] += count
    most = max(by_place.values(), default=0)
    places = [place for place, count in by_place.items() if count == most]
    return (places[0], most, by_place.total()) if len(places) == 1 else None


def _shelves(
    worst: list[Worst], firsts: Counter[tuple[int, str]]
) -> list[tuple[str, int, list[Worst]]]:
    """The conversations to read by why they first break, the commonest cause first."""
    totals: Counter[str] = Counter()
    for (_, cause), count in firsts.items():
        totals[cause] += count
    return [
        (cause, total, [w for w in worst if w.cause == cause])
        for cause, total in totals.most_common()
        if any(w.cause == cause for w in worst)
    ]


def _method(found: Audited) -> list[tuple[str, str]]:
    setup, findings = found.setup, found.findings
    files = ", ".join(found.files[:5]) + (
        f" and {len(found.files) - 5:,} more" * (len(found.files) > 5)
    )
    roles = ", ".join(f"{name} ({n:,})" for name, n in findings.roles.most_common(8))
    held: list[tuple[str, Any]] = [
        ("logs", files),
        ("conversations", f"{findings.conversations:,} with {findings.turns:,} turns"),
        ("not read", f"{found.faults:,} lines, all of them in faults.jsonl"),
        ("format", setup.form or "found out row by row"),
        ("masked", "e-mails, links, phones, numbers, names" if setup.redact else "nothing"),
        (
            "acts",
            f"of English, {_by(setup)}by rule and as learned from people "
            "(docs/acts.md says how well)",
        ),
        ("intervals", "95%; the conversation is what is drawn"),
        ("report", made()),
    ]
    if setup.escalated is not None:
        held.insert(6, ("asked", setup.escalated.line()))
    if roles:
        held.insert(3, ("left out", f"what these roles said, in so many conversations: {roles}"))
    return [(name, str(value)) for name, value in held]


def _by(setup: Setup) -> str:
    return f"by people where {setup.labels} has them, else " if setup.labels else ""
