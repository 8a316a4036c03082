"""The report as one HTML page: a headline, plots, conversations to read, every figure, the method.

Whatever a model or a file said is escaped by the template engine, and the page's own policy lets
no script run but its own and nothing be fetched.

This module knows nothing of how a figure is calculated or a plot is drawn.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uptake.episode import Episode
from uptake.measures import Course
from uptake.report.charts import charts
from uptake.report.faith import faith
from uptake.report.figures import Figures, groups, percent, shown, span_of
from uptake.report.frame import bundle, made, nonce, render
from uptake.report.profile import profile
from uptake.report.reading import readings
from uptake.run.record import not_taken, notes
from uptake.scores import RESAMPLES, Row

__all__ = ["Run", "page"]

TEMPLATE = "page.html"


@dataclass(frozen=True)
class Run:
    """One run of a report: its folder, what it was begun with, and its episodes."""

    out: Path
    settings: dict[str, Any]
    episodes: Sequence[Episode]

    @property
    def probed(self) -> str | None:
        """The name of the model that was probed, where the run says so."""
        return self.settings.get("model")


def page(runs: Sequence[Run], rows: Sequence[Row]) -> str:
    """The whole page for the `rows` of one run or more, each with its settings and date."""
    episodes = [episode for run in runs for episode in run.episodes]
    probed = [run.probed for run in runs if run.probed]
    parts = [
        _part(figures, group, episodes)
        for group in groups(rows, probed)
        for figures in _shown(group, probed)
    ]
    models = [part["figures"].name for part in parts]
    return render(
        TEMPLATE,
        title=" · ".join(dict.fromkeys(models)) or "nothing played yet",
        parts=parts,
        probes=len({(part["figures"].probe, part["figures"].domain) for part in parts}),
        models=len(set(models)),
        profile=profile((part["figures"], part["controls"]) for part in parts),
        rows=rows,
        notes=[line for run in runs for line in notes(run.out)],
        amounts={m.name for part in parts for m in part["figures"].metrics if m.kind == "amount"},
        faiths=faith(episodes),
        methods=[(str(run.out), _method(run, rows)) for run in runs],
        bundle=bundle() if parts else "",
        nonce=nonce(episodes),
    )


def _shown(group: Sequence[Figures], probed: Sequence[str]) -> list[Figures]:
    """Whom a probe and domain is shown of: who was probed, or else whoever comes first."""
    return [figures for figures in group if figures.model in probed] or [group[0]]


def _part(
    figures: Figures, group: Sequence[Figures], episodes: Sequence[Episode]
) -> dict[str, Any]:
    """What one probe and domain has to show of one model."""
    mine = [
        e
        for e in episodes
        if (e.probe, e.domain, e.model, e.mediated)
        == (figures.probe, figures.domain, figures.model, figures.mediated)
    ]
    controls = [f for f in group if f.control and f is not figures]
    return {
        "figures": figures,
        "group": group,
        "controls": controls,
        "told": figures.headline,
        "kept": figures.get("kept", figures.headline) if figures.headline else None,
        "leading": _leading(figures, controls),
        "facts": list(_facts(figures)),
        "charts": charts(figures, controls, _spread(mine)),
        "half": _half_lives(figures),
        "shelves": readings(mine, figures.metrics if figures.by_skill else ()),
        "never": figures.value("first_attempt:never", figures.headline or ""),
    }


def _half_lives(figures: Figures) -> str:
    """The half-life under each condition, in words; "" where the probe follows nothing by turn."""
    found: list[str] = []
    for metric, row in figures.skills:
        if isinstance(metric, Course):
            value = "" if row.value is None else f"{row.value:.0f} "
            found.append(f"{metric.condition}: {value}{span_of(metric, row)}".strip())
    return "; ".join(found)


def _leading(figures: Figures, controls: Sequence[Figures]) -> dict[str, str] | None:
    """The first headline metric of the probe's own, in words; None where it has none."""
    for metric, row in figures.skills:
        if metric.headline:
            reached = [c.value(metric.name, metric.condition) for c in controls]
            return {
                "name": metric.name,
                "value": shown(metric, row.value),
                "bounds": span_of(metric, row),
                "meaning": metric.meaning,
                "constant": shown(metric, max((v for v in reached if v is not None), default=None)),
            }
    return None


def _spread(episodes: Sequence[Episode]) -> list[tuple[str, float]]:
    """The mean score of each instruction under each condition."""
    found: dict[tuple[str, str], list[float]] = {}
    for episode in episodes:
        score = episode.score("last")
        if score is not None:
            found.setdefault((episode.condition, episode.instruction_id), []).append(score)
    return [(condition, sum(s) / len(s)) for (condition, _), s in found.items()]


def _facts(figures: Figures) -> list[tuple[str, str, str]]:
    """The small figures under the headline: name, value, what it means."""
    told = figures.headline
    found: list[tuple[str, str, str]] = []
    if told is None:
        return found
    for metric, name, words in (
        ("a90", "aptitude A90", "a good run: the 90th percentile over repeats"),
        ("u90_10", "unreliability U90−10", "a good run less a bad one, same instruction"),
    ):
        before, after = figures.value(metric, "full"), figures.value(metric, told)
        if before is not None and after is not None:
            found.append((name, f"{percent(before)} → {percent(after)}", words))
    for metric, name, words in (
        ("right_then_wrong", "right, then wrong", "had the answer, and left it"),
        ("attempted_first", "answered at the first turn", "before it was told the facts"),
        ("asked", "asked at least once", "in conversations told over turns"),
    ):
        value = figures.value(metric, told)
        if value is not None:
            found.append((name, percent(value), words))
    return found


def _method(run: Run, rows: Sequence[Row]) -> list[tuple[str, str]]:
    """How a run was measured, as names and values."""
    held, episodes, out = run.settings, run.episodes, run.out
    repeats = max((e.repeat + 1 for e in episodes), default=0)
    means = (row.n for row in rows if row.metric == "mean" and run.probed in (None, row.model))
    instructions = max(means, default=0)
    failed = sum(e.ended == "error" for e in episodes)
    failures = sorted({e.error or "" for e in episodes if e.ended == "error"})
    return [
        ("model", str(held.get("model", ", ".join(sorted({e.model for e in episodes}))))),
        ("controls", ", ".join(map(str, held.get("controls", []))) or "none"),
        ("instructions", f"{instructions:,} from {held.get('source', 'an unnamed source')}"),
        ("repeats", f"{held.get('repeats', repeats)} (of controls, which never vary, fewer)"),
        ("sampling", _sampling(held, not_taken(out))),
        ("longest reply", f"{held.get('reply_tokens', '?')} tokens"),
        ("user", _user(held, episodes)),
        ("judge", str(held.get("judge", "none: the domain checks"))),
        ("seed", str(held.get("seed", "?"))),
        ("episodes", f"{len(episodes):,}; {failed:,} failed{_some(failures)}"),
        ("tokens", _tokens(episodes)),
        ("last episode", _date(out)),
        ("report", made()),
        ("intervals", f"95%, {RESAMPLES:,} bootstrap resamples of the instructions, seed 0"),
    ]


def _sampling(held: dict[str, Any], refused: Sequence[str]) -> str:
    """The temperature, and what of the request the model's server did not take."""
    words = f"temperature {held.get('temperature', '?')} in every condition"
    if not refused:
        return words
    return f"asked for {words}; the server takes no {', no '.join(refused)} and used its own"


def _user(held: dict[str, Any], episodes: Sequence[Episode]) -> str:
    """Who played the user, and how faithful it was where it is a model."""
    name = str(held.get("user", "scripted"))
    if name == "scripted":
        return "scripted: verbatim, at most one new fact a turn"
    return "; ".join([name, *(found.words for found in faith(episodes))])


def _some(failures: Sequence[str]) -> str:
    if not failures:
        return ""
    more = f" and {len(failures) - 3} other reasons" if len(failures) > 3 else ""
    return f" ({'; '.join(line[:160] for line in failures[:3])}{more})"


def _tokens(episodes: Sequence[Episode]) -> str:
    turns = [turn for e in episodes for turn in e.turns]
    prompt = sum(turn.prompt_tokens + turn.user_prompt_tokens for turn in turns)
    reply = sum(turn.completion_tokens + turn.user_completion_tokens for turn in turns)
    costs = [c for turn in turns for c in (turn.cost, turn.user_cost) if c is not None]
    return f"{prompt:,} in, {reply:,} out" + (f"; ${sum(costs):,.2f}" if costs else "")


def _date(out: Path) -> str:
    try:
        changed = (out / "episodes.jsonl").stat().st_mtime
    except OSError:
        return "unknown"
    return datetime.datetime.fromtimestamp(changed, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
