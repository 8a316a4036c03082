"""Two runs compared from their folders: the table, JSON, the page, and errors of one line."""

from __future__ import annotations

import asyncio
import io
import json
import random
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from browser import browser
from played import run, write
from rich.console import Console

from uptake.compare import Compared
from uptake.errors import UptakeError
from uptake.report import write_comparison
from uptake.report.compared import compared, comparison_tables, moved, moved_span, odds, unlike

NASTY = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"


def other(talks, name="n"):
    """What a model called `name` played, which loses some of what `m` has; an instruction less."""
    chance = random.Random(3)
    return [
        replace(_spoilt(e) if chance.random() < 0.5 else e, model=name)
        for e in talks
        if e.model == "m" and e.instruction_id != "i0"
    ]


def _spoilt(e):
    if e.condition != "sharded":
        return e
    *before, last = e.turns
    return replace(e, turns=(*before, replace(last, score=0.0)))


@pytest.fixture
def folders(tmp_path):
    talks = run(24)
    a = write(tmp_path / "a", talks, model="m", controls=["policy:guess"], temperature=1.0)
    b = write(tmp_path / "b", other(talks), model="n", controls=[], temperature=0.5)
    return a, b


def printed(found, sides, width=100) -> str:
    console = Console(file=io.StringIO(), width=width)
    for part in comparison_tables(found, sides):
        console.print(part)
    return console.file.getvalue()


def test_the_table_has_both_values_the_difference_and_what_was_left_out(folders):
    text = printed(*compared(*folders))
    row = re.search(r"kept +sharded +\d+% +\d+% +−\d+ +\[−\d+, −\d+\] +<0.001 .* 23", text)
    assert row, text
    assert "only A played (1) or only B (0)" in text
    assert "1 of A, 0 of B" in text
    assert "temperature 1.0 in A, 0.5 in B" in text
    assert re.search(r"[1-9]\d* of \d+ figures differ", text)


def test_the_table_fits_80_columns(folders):
    assert max(map(len, printed(*compared(*folders), width=80).splitlines())) <= 80


def test_one_run_under_two_names_is_told_apart_by_where_it_lies(folders):
    found, _ = compared(folders[0], folders[0] / "episodes.jsonl")
    assert found.a == f"m in {folders[0]}"
    assert found.b.endswith("episodes.jsonl")
    assert all(row.difference in (0, None) for row in found.rows)


def test_who_speaks_is_chosen_where_several_do(folders, tmp_path):
    talks = run(8)
    both = write(tmp_path / "both", [e for e in talks if e.model == "m"] + other(talks))
    with pytest.raises(UptakeError, match=r"both: which model\? Choose one with --model-b"):
        compared(folders[0], both)
    found, sides = compared(both, both, model_a="m", model_b="n")
    assert (found.a, found.b) == ("m", "n")
    assert [side.episodes for side in sides] == [65, 56]


def test_a_file_has_the_settings_of_its_folder_only_under_its_own_name(folders, tmp_path):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes((folders[1] / "episodes.jsonl").read_bytes())
    (tmp_path / "run.json").write_text("not this one's")
    _, sides = compared(folders[0] / "episodes.jsonl", copy)
    assert sides[0].settings["temperature"] == 1.0
    assert sides[1].settings == {}


def test_a_setting_that_only_one_run_has_is_a_difference(folders, tmp_path):
    judged = write(tmp_path / "judged", other(run(8)), model="n", temperature=0.5, judge="j")
    assert unlike(compared(folders[1], judged)[1]) == [("judge", "none", "j")]


def test_an_unknown_rule_is_one_line(folders):
    with pytest.raises(UptakeError, match="there are: last, any, first_ready"):
        compared(*folders, rule="best")


def row(**more):
    known = {"difference": 0.124, "low": -0.03, "high": 0.3, "kind": "share"}
    blank = dict.fromkeys(("a", "b", "p", "holm", "effect"))
    places = dict.fromkeys(("probe", "domain", "condition", "metric", "test"), "x")
    return Compared(**places, **blank, **{"n": 9, "only_a": 0, "only_b": 0} | known | more)


def test_differences_are_points_and_amounts_themselves():
    assert (moved(row(), 0.124), moved_span(row())) == ("+12", "[−3, +30]")
    assert moved(row(kind="amount"), -1.26) == "−1.3"
    assert moved(row(), -0.001) == "0"
    assert (moved(row(), None), moved_span(row(low=None))) == ("–", "")
    assert [odds(p) for p in (0.0004, 0.034, 0.5, None)] == ["< 0.001", "0.034", "0.50", "–"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_every_difference_and_asks_for_nothing(folders, tmp_path, scheme):
    talks = [replace(e, model=NASTY) for e in run(24) if e.model == "m"]
    a = write(tmp_path / "nasty", talks, model=NASTY, source=NASTY)
    found, sides = compared(a, folders[1])
    path = write_comparison(tmp_path / "c.html", found, sides)

    async def look():
        async with browser() as page:
            await page.show(width=390, dark=scheme == "dark")
            await page.open(path)
            await page.until("document.body.dataset.drawn")
            seen = await page.js(
                """(() => {
                    const charts = [...document.querySelectorAll(".chart")];
                    const dots = ".mark-symbol path";
                    const root = document.documentElement;
                    return {
                        drawn: charts.map(at => at.querySelectorAll(dots).length),
                        hues: charts.flatMap(at =>
                            [...at.querySelectorAll(dots)].map(dot => dot.getAttribute("fill"))),
                        title: document.title,
                        head: document.querySelector("h1").textContent,
                        wide: root.scrollWidth - root.clientWidth,
                    };
                })()"""
            )
            return seen, page.asked, page.complaints

    seen, asked, complaints = asyncio.run(look())
    assert len(seen["drawn"]) == 8
    assert sum(seen["drawn"]) == sum(
        row.kind != "amount" and row.difference is not None for row in found.rows
    )
    strong, faint = {"light": ("#2f55c8", "#8a8f99"), "dark": ("#8fabff", "#7d828c")}[scheme]
    assert set(seen["hues"]) == {strong, faint}
    assert seen["title"] == f"uptake: {NASTY} and n"
    assert re.match(r"−\d+ points \[−\d+, −\d+\]", seen["head"])
    assert seen["wide"] == 0
    assert asked == [path.as_uri()]
    assert complaints == []


def uptake(*words, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "uptake", "compare", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
    )
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_the_command_prints_a_table_or_json_and_writes_the_page(folders, tmp_path):
    code, out, err = uptake("a", "b", "--out", "c.html", cwd=tmp_path)
    assert (code, err) == (0, [])
    assert "kept" in out
    assert out.endswith("c.html\n")
    assert "<html" in (tmp_path / "c.html").read_text()[:100]
    code, out, err = uptake("a", "b", "--metrics", "kept,mean", "--json", cwd=tmp_path)
    assert (code, err) == (0, [])
    data = json.loads(out)
    assert {row["metric"] for row in data["rows"]} == {"kept", "mean"}
    assert data["instructions"][0]["only_a"] == 1


BAD = {
    "nowhere": (["a", "nowhere"], "no run in nowhere"),
    "speaker": (["a", "b", "--model-a", "x"], "a: --model-a 'x': nobody of that name"),
    "metric": (["a", "b", "--metrics", "speed"], "speed is not in both runs"),
    "place": (["a", "b", "--out", "no/c.html"], "cannot write no/c.html"),
    "nothing": (["a", "empty"], "no episode at all"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_usage_is_one_line_and_exit_code_2(folders, tmp_path, name):
    write(tmp_path / "empty", [])
    words, expected = BAD[name]
    code, _, err = uptake(*words, cwd=tmp_path)
    assert code == 2
    (line,) = err
    assert line.startswith("uptake: ")
    assert expected in line
