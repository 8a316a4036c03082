"""The command line: `uptake probe`, `report`, `compare`, `show`; other commands have own files.

Exit codes: 0 done, 1 a gate failed, 2 bad usage or input, 130 interrupted. Every error is one line
on standard error. Only the library's verbs are called here, and only once they are needed.

This module knows nothing that the library does not.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, CycloptsError, Parameter

from uptake.cli.console import console

if TYPE_CHECKING:
    from uptake.compare import Comparison
    from uptake.gates import Gate
    from uptake.model import Model
    from uptake.report.compared import Side
    from uptake.run import Limits, Outcome, Setup

__all__ = ["compare", "main", "probe", "report", "show"]

USAGE = 2
INTERRUPTED = 130

app = App(
    name="uptake",
    help="How much of a language model's ability survives a conversation?",
    version=lambda: f"uptake {version('uptake')}",
    verbose=False,
)

List = Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())]
Choice = Annotated[bool, Parameter(negative=())]


@app.command
def probe(
    *probes: str,
    model: Annotated[str, Parameter(name=["--model", "-m"])] = "embedded",
    instructions: Path | None = None,
    domain: str | None = None,
    n: Annotated[int, Parameter(name=["-n", "--n"])] = 100,
    repeats: int = 10,
    seed: int = 0,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    plan: Choice = False,
    width: float | None = None,
    concurrency: int | None = None,
    conditions: List = None,
    user: str | None = None,
    judge: str | None = None,
    temperature: float = 1.0,
    effort: str | None = None,
    budgets: List = None,
    shards: List = None,
    reply_tokens: int = 1024,
    controls: bool = True,
    mediated: Choice = False,
    mend: List = None,
    analyst: str | None = None,
    experience: Path | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    price: str | None = None,
    rpm: float | None = None,
    cache: Path | None = None,
    fail_under: List = None,
) -> int:
    """Play the same instructions told at once and over turns, and show what is kept.

    The same command goes on where it was stopped, and plays only what is missing.

    Args:
        probes: What to measure. The first probe, and the default, is lost.
        model: embedded, embedded:FOLDER, PROVIDER/NAME, http://HOST:PORT/v1#NAME, hf:FOLDER or
            policy:NAME.
        instructions: A file: JSONL, Lost-in-Conversation JSON, GSM8K, HumanEval or BFCL.
        domain: Where instructions are generated when no file is given. Default: math.
        n: How many instructions; of a file with more, a sample drawn by the seed.
        repeats: How often each instruction is played under each condition.
        seed: The same seed plays the same run.
        out: The folder of the run. Default: out/NAME, the same for the same settings.
        plan: Print calls, tokens and price first, and play nothing.
        width: With --plan, how many instructions a 95% interval of this width takes, as 0.05.
        concurrency: How many conversations at once.
        conditions: Only these, for example full,sharded.
        user: A model that plays the user, in place of the scripted one.
        judge: A model that scores replies, where the domain has a rubric for it.
        temperature: How replies are drawn, in every condition; 0 is greedy.
        effort: How much a reasoning model may think: none, minimal, low, medium, high or more.
        budgets: What the probe thinking compares, for example low,high or 256,4096.
        shards: How many shards the probe lost tells each instruction in, too: 2-8 or 2,4,8.
        reply_tokens: The most tokens of one reply.
        controls: Play the constant policies (never answer, always ask, always guess, …) beside it.
        mediated: Play the model mediated, too, beside itself.
        mend: Play other ways to mend beside it: join, drop, recap, snowball, summary, rewrite, all.
        analyst: Who reads for the mediated model: rules (default), examine, self or another model.
        experience: A file of rules for it, made by uptake distil.
        max_cost: Stop before the run has cost more US dollars than this, all sittings together.
        max_tokens: Stop before the run has used more tokens than this, all sittings together.
        price: US dollars a million tokens in and out, for example 0.15,0.60.
        rpm: The most requests a minute.
        cache: A file that keeps replies, each repeat its own.
        fail_under: Exit with 1 where a score is lower: kept=0.9,presupposition.rejects=0.8.
    """
    from uptake.errors import UptakeError
    from uptake.gates import gate
    from uptake.model import Sampling
    from uptake.run import CONCURRENCY, Limits, setup

    if width is not None and not plan:
        raise UptakeError("--width goes with --plan: it says how many instructions to play")
    gates = [gate(text) for text in _split(fail_under)]
    for one in gates:
        if one.probe not in (None, *(probes or ("lost",))):
            raise UptakeError(f"--fail-under: the probe {one.probe} is not played here")
    limits = Limits(CONCURRENCY if concurrency is None else concurrency, max_tokens, max_cost)
    ready = setup(
        probes or ("lost",),
        model=model,
        instructions=instructions,
        domain=domain,
        n=n,
        repeats=repeats,
        seed=seed,
        conditions=_split(conditions),
        user=user,
        judge=judge,
        sampling=Sampling(temperature=temperature, max_tokens=reply_tokens, effort=effort),
        budgets=_split(budgets),
        shards=_split(shards),
        controls=controls,
        mediated=mediated,
        mend=_menders(mend),
        analyst=analyst,
        experience=experience,
        price=price,
        rpm=rpm,
        cache=cache,
        concurrency=concurrency,
    )
    folder = out or ready.plan.folder()
    if plan:
        return _plan(ready, folder, width)
    outcome = _play(ready, folder, limits)
    _report(folder)
    if outcome.failed:
        _say(f"{outcome.failed:,} episodes failed; the same command tries them again")
    if outcome.stopped:
        _say(f"stopped, {outcome.missing:,} episodes are missing: {outcome.stopped}")
    missed = _missed(gates, folder, ready.plan.model, outcome.missing)
    for line in missed:
        _say(line)
    return 1 if missed else 0


@app.command
def report(
    *runs: Path,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
) -> int:
    """Work out the scores of a run again: scores.json, report.html and the table.

    Of several runs, each of another model, it makes one page.

    Args:
        runs: The folders of runs, or logs of Inspect in which a probe of uptake was played.
        out: Where the page of several runs goes; the folder that logs become a run in.
    """
    folders = _folders(runs, out)
    _report(*folders, out=out if len(folders) > 1 else None)
    return 0


@app.command
def compare(
    a: Path,
    b: Path,
    *,
    model_a: str | None = None,
    model_b: str | None = None,
    metrics: List = None,
    conditions: List = None,
    rule: str = "last",
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Two runs side by side, on the instructions that both played.

    For every figure: A, B, the difference with its interval, a paired test, an effect size.

    Args:
        a: The folder of a run, or a file of episodes.
        b: The other: another model, the same mediated, another version.
        model_a: Who speaks in A, where it holds several, for example "NAME (mediated)".
        model_b: Who speaks in B.
        metrics: Only these, for example kept,mean; p is adjusted for as many as there are.
        conditions: Only these, for example full,sharded.
        rule: Which reply's score counts: last, any or first_ready.
        out: An HTML file of it.
        json: Print it as JSON in place of the table.
    """
    from uptake.report.compared import compared, comparison_tables

    comparison, sides = compared(
        a,
        b,
        model_a=model_a,
        model_b=model_b,
        rule=rule,
        conditions=_split(conditions),
        only=_split(metrics),
    )
    if out is not None:
        _write_comparison(out, comparison, sides)
    if json:
        print(dumps(comparison.to_dict(), indent=1))
        return 0
    terminal = console()
    for part in comparison_tables(comparison, sides):
        terminal.print(part)
    if out is not None:
        print(f"\n{out}")
    return 0


@app.command
def show(
    out: Path,
    *,
    condition: List = None,
    instruction: List = None,
    model: List = None,
    n: Annotated[int, Parameter(name=["-n", "--n"])] = 5,
) -> int:
    """Read the conversations of a run in the terminal, failures first.

    Args:
        out: The folder of the run.
        condition: Only these conditions, for example sharded.
        instruction: Only these instructions, by their ids.
        model: Only these models; without this, the controls are left out.
        n: How many conversations; 0 shows all.
    """
    from uptake.run.record import episodes, settings
    from uptake.show import choose, tally
    from uptake.show import show as show_one

    chosen = choose(
        episodes(out),
        conditions=_split(condition),
        instructions=instruction or (),
        models=_split(model),
        hidden=settings(out).get("controls", ()),
    )
    terminal = console()
    for episode in chosen[: n or None]:
        show_one(episode, terminal)
    more = f"; {n} shown, -n 0 shows all" if 0 < n < len(chosen) else ""
    terminal.print(f"{tally(chosen)}{more}")
    return 0


app.command(
    "uptake.cli.chat:chat",
    name="chat",
    help="Talk to a model in the terminal, with the common ground and the move beside the chat.",
)
app.command(
    "uptake.cli.distil:distil",
    name="distil",
    help="Learn rules from the conversations of a run that failed, for a model analyst to read.",
)
app.command("uptake.sharding.cli:shard", name="shard", help="Make shards of single-turn files.")

app.command(
    "uptake.serve.cli:serve", name="serve", help="Serve a model, mediated, to any chat client."
)
app.command("uptake.audit.cli:audit", name="audit", help="Where real conversations break, and why.")
app.command(
    "uptake.serve.annotate.cli:annotate",
    name="annotate",
    help="Say what the turns of your own conversations do.",
)
app.command("uptake.mining.cli:mine", name="mine", help="Make scenarios of conversations.")
if find_spec("uptake.train.cli"):
    app.command("uptake.train.cli:train", name="train", help="Train a model by a recipe.")
    app.command("uptake.train.pairs:pairs", name="pairs", help="Write preference pairs for dpo.")
    app.command(
        "uptake.study.cli:study", name="study", help="Data, amounts and objectives compared."
    )


def main() -> None:
    """Run the command that was typed, and exit with its code."""
    sys.exit(_run(sys.argv[1:]))


def _run(words: list[str]) -> int:
    from uptake.errors import UptakeError
    from uptake.model import ModelError

    try:
        app.suppress_keyboard_interrupt = False
        code: int | None = app(
            words, exit_on_error=False, print_error=False, result_action="return_value"
        )
        sys.stdout.flush()
    except CycloptsError as error:
        _say(f"{error} See uptake --help.")
    except (UptakeError, ModelError) as error:
        _say(str(error))
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        _say(str(stop) or "stopped")
        return INTERRUPTED
    else:
        return code or 0
    return USAGE


def _say(line: str) -> None:
    print(f"uptake: {' '.join(line.split())}", file=sys.stderr, flush=True)


def _split(values: list[str] | None) -> list[str]:
    """What was given as `--x a,b`, as `--x a b` or as `--x a --x b`."""
    return [part for value in values or () for part in value.split(",") if part]


def _menders(names: list[str] | None) -> list[str]:
    from uptake.menders import MENDERS

    chosen = _split(names)
    return list(MENDERS) if "all" in chosen else chosen


def _plan(ready: Setup, folder: Path, width: float | None) -> int:
    from uptake.models.prices import Price
    from uptake.run.plan import describe, estimate
    from uptake.run.record import episodes, played
    from uptake.run.width import describe_width

    done = played(folder, ready.plan.settings())
    # A model that has no price at all, not even an unknown one, asks for no money.
    price = getattr(ready.plan.model, "price", Price(0.0, 0.0))
    print(describe(ready.plan, estimate(ready.plan, done), price, len(done)))
    for line in ready.notes:
        print(f"note        {line}")
    if width is not None:
        name = ready.plan.model.name
        mine = [e for e in episodes(folder) if e.model == name and not e.mediated] if done else []
        print(f"\n{describe_width(mine, width, ready.plan.repeats)}")
    else:
        print("width       --width 0.05 says how many instructions an interval so wide takes")
    print(f"\nNothing was played. Without --plan this goes to {folder}.")
    return 0


def _play(ready: Setup, folder: Path, limits: Limits) -> Outcome:
    from uptake.run import finish
    from uptake.run.record import count

    async def playing() -> Outcome:
        try:
            return await finish(ready, folder, limits)
        finally:
            await ready.aclose()

    try:
        return asyncio.run(playing())
    except KeyboardInterrupt:
        kept = f"{count(folder):,} episodes are kept in {folder}"
        raise KeyboardInterrupt(f"stopped: {kept}; the same command goes on") from None


def _missed(gates: list[Gate], folder: Path, model: Model, missing: int) -> list[str]:
    """One line for each gate that is not passed; none is, while episodes are missing."""
    if not gates:
        return []
    if missing:
        return [f"gates are not decided while {missing:,} episodes are missing"]
    rows = loads((folder / "scores.json").read_bytes())["rows"]
    own = {"mediated": bool(getattr(model, "mediated", False))}
    return [line for gate in gates for line in gate.misses(rows, model.name, **own)]


def _write_comparison(out: Path, comparison: Comparison, sides: Sequence[Side]) -> None:
    from uptake.report import write_comparison

    try:
        write_comparison(out, comparison, sides)
    except OSError as error:
        from uptake.errors import UptakeError

        raise UptakeError(f"cannot write {out}: {error.strerror}; choose another --out") from error


def _folders(runs: Sequence[Path], out: Path | None) -> Sequence[Path]:
    """The folders that were named, or the one that the logs are gathered in."""
    from uptake.bridges.inspect_log import gather
    from uptake.errors import UptakeError

    logs = [path for path in runs if path.is_file()]
    if not runs:
        raise UptakeError("name the folder of a run, or a log of Inspect")
    if logs and len(logs) == len(runs):
        return [gather(logs, out or Path("out") / logs[0].stem)]
    if logs:
        raise UptakeError("logs of Inspect become a run first: report them alone, then its folder")
    if out is not None and len(runs) == 1:
        raise UptakeError(
            f"--out is for logs of Inspect, or several runs; {runs[0]} is reported where it lies"
        )
    return runs


def _report(run: Path, *more: Path, out: Path | None = None) -> None:
    from uptake import report as reports

    to = out or (Path() if more else run) / "report.html"
    try:
        if not more:
            reports.write_scores(run)
        reports.write_report(run, *more, to=to)
    except OSError as error:
        from uptake.errors import UptakeError

        raise UptakeError(f"cannot write {to}: {error.strerror}") from error
    reports.terminal(run, *more, console=console())
    print(f"\n{to}")
