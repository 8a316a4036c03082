"""README's dated table and broken conversation, and docs/results.md, from what was measured.

    python runs/table.py                         rewrites them
    python runs/table.py --check                 exits 1 where a page is behind, changes nothing
    python runs/table.py --conversation FILE     first chooses a conversation from episodes.jsonl

What was measured lies in runs/results, one file a command. Those whose names begin with a digit
(`1-probe.json`) make docs/results.md, in that order; what else lies there is detail behind them.
README shows of them what runs/headlines.toml names.

    {"title": "…", "date": "2026-11-23", "machine": "2 cores", "command": "make probe",
     "rows": [{"figure": "…", "value": 0.91, "low": 0.89, "high": 0.93, "n": 500,
               "target": "≥ 0.9"}]}

`value` may be null (withheld: `note` says why) or text; `low` and `high` are the 95% interval, and
they, `n`, `unit`, `target` and `note` may be left out. A row with `"detail": true` stays in its
file: the page has room for what heads it. A script that measures calls `save`.
Nothing here knows how anything was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "results.md"
RESULTS = ROOT / "runs" / "results"
HEADLINES = ROOT / "runs" / "headlines.toml"
CONVERSATION = "conversation.json"
COLUMN = 46  # characters of one side of the conversation


class ResultError(Exception):
    """A results file that cannot be shown: which one, what is wrong, how to mend it."""


# What was measured


def save(
    name: str,
    *,
    title: str,
    command: str,
    rows: Iterable[Mapping[str, Any]],
    folder: Path = RESULTS,
) -> Path:
    """Write `folder`/`name`.json, dated today and with this machine's name; give its path."""
    found = {
        "title": title,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "command": command,
        "rows": [dict(row) for row in rows],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def machine() -> str:
    """This machine in a few words: cores, processor where it tells, Python."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = re.findall(r"model name\s*: (.*)", text)
    except OSError:
        names = []
    processor = f" ({names[0].strip()})" if names else ""
    return f"{os.cpu_count()} cores{processor}, Python {platform.python_version()}"


def read_results(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """The numbered results files of `folder` by their names, in their order."""
    results: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("[0-9]*.json")):
        found = _read(path)
        for key in ("title", "date", "machine", "command", "rows"):
            if not found.get(key):
                raise ResultError(f"{path}: no {key}; run the script that wrote it again")
        for row in found["rows"]:
            if "figure" not in row or "value" not in row:
                raise ResultError(f"{path}: a row without figure or value: {row}")
        results[path.stem] = found
    return results


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResultError(f"{path}: not JSON ({error}); run its script again") from error


# The tables

COLUMNS = ["| figure | measured | 95% interval | n | asked for |", "|---|---:|---:|---:|---:|"]


def table(results: Mapping[str, Mapping[str, Any]], headlines: Mapping[str, Iterable[str]]) -> str:
    """What heads the results, as one Markdown table; a line of its own opens each command.

    Raises:
        ResultError: `headlines` names a file or a figure that is not there.
    """
    lines = list(COLUMNS)
    for name, figures in headlines.items():
        if name not in results:
            raise ResultError(f"{HEADLINES.name}: there is no results file {name}.json")
        found = results[name]
        rows = {row["figure"]: row for row in found["rows"]}
        lines.append(f"| **{_cell(found['title'])}** {_cell(_how(found))} | | | | |")
        for figure in figures:
            if figure not in rows:
                raise ResultError(f"{HEADLINES.name}: {name}.json has no figure {figure!r}")
            lines.append(_row(rows[figure]))
    return "\n".join(lines)


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """All that was measured, a heading and a table for each command."""
    parts: list[str] = []
    for found in results.values():
        rows = [_row(row) for row in found["rows"] if not row.get("detail")]
        parts.append("\n".join([f"## {found['title']}", "", _how(found), "", *COLUMNS, *rows]))
    return "\n\n".join(parts) if parts else "*Nothing measured yet.*"


def _how(found: Mapping[str, Any]) -> str:
    return f"{found['date']}, {found['machine']}: `{found['command']}`"


def _row(row: Mapping[str, Any]) -> str:
    unit = f" {row['unit']}" if row.get("unit") else ""
    value = "withheld" if row["value"] is None else number(row["value"]) + unit
    if row.get("note"):
        value += f" ({row['note']})"
    low, high = row.get("low"), row.get("high")
    interval = ""
    if low is not None and high is not None:  # in one piece, however narrow the column
        interval = f"{number(low)}\u00a0to\u00a0{number(high)}"
    n = "" if row.get("n") is None else number(row["n"])
    cells = (row["figure"], value, interval, n, row.get("target") or "")
    return "| " + " | ".join(_cell(str(cell)) for cell in cells) + " |"


def number(value: object) -> str:
    """A number as a reader wants it: three digits that count, thousands marked off."""
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.3g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# The conversation


def choose(path: Path) -> dict[str, Any]:
    """The shortest pair in an episodes file: right when told at once, wrong told over turns.

    Of one instruction and one repeat, each reply ending in an answer. What is left out of README
    is longer, never kinder.
    """
    with path.open(encoding="utf-8") as lines:
        episodes = [json.loads(line) for line in lines if line.endswith("\n")]
    told: dict[tuple[Any, ...], dict[str, Any]] = {
        (e["model"], e["instruction_id"], e["repeat"], e["condition"]): e
        for e in episodes
        if e["ended"] != "error" and not e["model"].startswith(("policy:", "oracle"))
    }
    pairs = [
        (full, sharded)
        for (model, instruction, repeat, condition), full in told.items()
        if condition == "full"
        and (sharded := told.get((model, instruction, repeat, "sharded")))
        and full["turns"][-1]["score"] == 1
        and sharded["turns"][-1]["score"] == 0
        and all(_answered(turn) for turn in sharded["turns"])
    ]
    if not pairs:
        raise ResultError(f"{path}: no instruction was solved at once and lost over turns")
    full, sharded = min(pairs, key=lambda pair: (_length(pair), pair[0]["instruction_id"]))
    kept = ("model", "domain", "instruction_id", "repeat", "seed", "gold")
    return {key: full[key] for key in kept} | {"full": _said(full), "sharded": _said(sharded)}


def _answered(turn: Mapping[str, Any]) -> bool:
    return turn["answer"] is not None and turn["reply"].rstrip(".! ").endswith(turn["answer"])


def _length(pair: tuple[Mapping[str, Any], ...]) -> int:
    return sum(len(turn["user"]) + len(turn["reply"]) for each in pair for turn in each["turns"])


def _said(episode: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{key: turn[key] for key in ("user", "reply", "score")} for turn in episode["turns"]]


def side_by_side(pair: Mapping[str, Any]) -> str:
    """The two conversations as a block of text, the one told at once on the left."""
    left, right = _side("told at once", pair["full"]), _side("told over turns", pair["sharded"])
    both = (f"{a:<{COLUMN}}  {b}".rstrip() for a, b in zip_longest(left, right, fillvalue=""))
    block = "\n".join(["```text", *both, "```"])
    return (
        f"{block}\n\n"
        f"The answer is {pair['gold']}. Both are `{pair['model']}` on the same instruction "
        f"(`{pair['instruction_id']}`, seed {pair['seed']}, repeat {pair['repeat']}), word for "
        "word: the shortest such pair of its run."
    )


def _side(title: str, turns: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = [title, "─" * (COLUMN - 2)]
    turns = list(turns)
    for turn in turns:
        reply = turn["reply"]
        if turn is turns[-1]:
            reply += "  ✓" if turn["score"] == 1 else "  ✗"
        for speaker, text in (("user", turn["user"]), ("model", reply)):
            indent = f"{speaker:<7}"
            for paragraph in text.splitlines() or [""]:
                lines += textwrap.wrap(
                    paragraph, COLUMN, initial_indent=indent, subsequent_indent=" " * 7
                ) or [indent.rstrip()]
                indent = " " * 7
    return lines


# The pages


def blocks() -> dict[Path, dict[str, str]]:
    """What stands between the markers of each page, by their names."""
    results = read_results()
    pair = RESULTS / CONVERSATION
    talk = side_by_side(_read(pair)) if pair.exists() else "*No conversation chosen yet.*"
    chosen = tomllib.loads(HEADLINES.read_text(encoding="utf-8"))
    return {
        README: {"conversation": talk, "table": table(results, chosen)},
        PAGE: {"results": page(results)},
    }


def fill(text: str, name: str, block: str) -> str:
    """`text` with what lies between its `name` markers replaced by `block`."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ResultError(f"the markers {begin} and {end} are gone; put them back")
    return f"{before}{begin}\n{block}\n{end}{after}"


def main() -> int:
    """Do what the command line says; 0 where the pages are now, or were, in step."""
    parser = argparse.ArgumentParser(description="README's and docs' results, as measured")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if behind")
    parser.add_argument("--conversation", type=Path, metavar="FILE", help="an episodes.jsonl")
    args = parser.parse_args()
    if args.conversation:
        chosen = json.dumps(choose(args.conversation), indent=2, ensure_ascii=False)
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / CONVERSATION).write_text(chosen + "\n", encoding="utf-8")
    behind: dict[Path, str] = {}
    for path, named in blocks().items():
        old = new = path.read_text(encoding="utf-8")
        for name, block in named.items():
            new = fill(new, name, block)
        if new != old:
            behind[path] = new
    if args.check:
        names = " and ".join(path.name for path in behind)
        print(f"behind: {names}; run `make table`" if behind else "the pages are in step")
        return int(bool(behind))
    for path, new in behind.items():
        path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ResultError, OSError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"runs/table.py: {error}")
