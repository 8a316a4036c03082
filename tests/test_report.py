"""What a run found: in the terminal, as JSON, and in a page that a browser opens."""

from __future__ import annotations

import asyncio
import io
import json
import re
from dataclasses import replace
from importlib.resources import files

import altair as alt
import pytest
from browser import browser
from hypothesis import given
from hypothesis import strategies as st
from played import episode, run, turn, write
from rich.console import Console

import uptake
from uptake.domains import domain
from uptake.errors import UptakeError
from uptake.model import Scripted
from uptake.partners import Partner
from uptake.probes import metrics, probe
from uptake.probes.presupposition import presupposition
from uptake.report import terminal, write_report, write_scores
from uptake.report.reading import pieces, readings
from uptake.run.plan import pairs
from uptake.run.record import episodes
from uptake.scores import rows

NASTY = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "run", run(), model="m", source="toy", repeats=4, seed=0)


def printed(out) -> str:
    console = Console(file=io.StringIO(), width=80)
    terminal(out, console=console)
    return console.file.getvalue()


def test_scores_json_holds_the_rows(folder):
    path = write_scores(folder)
    held = json.loads(path.read_text())
    assert list(held) == ["rows"]
    assert held["rows"] == [row.to_dict() for row in rows(episodes(folder), metrics(["lost"]))]
    assert [p.name for p in folder.iterdir() if p.suffix == ".tmp"] == []


def test_the_table_fits_80_columns_and_has_every_model(folder):
    text = printed(folder)
    assert "policy:guess" in text
    assert "control" in text
    assert re.search(r"m keeps \d+% \[\d+, \d+\]", text)
    assert "1 of 65 episodes failed" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_table_says_why_kept_is_withheld(tmp_path):
    talks = [replace(e, model="never") for e in run() if e.model == "policy:guess"]
    assert "FULL reaches below 0.05" in " ".join(printed(write(tmp_path, talks)).split())


def test_a_run_that_goes_on_is_read_again(folder):
    write_scores(folder)
    more = episode([1.0], instruction_id="new", model="m")
    with (folder / "episodes.jsonl").open("a") as lines:
        lines.write(json.dumps(more.to_dict()) + "\n")
    held = json.loads(write_scores(folder).read_text())["rows"]
    full = [r for r in held if (r["metric"], r["condition"], r["model"]) == ("mean", "full", "m")]
    assert {r["n"] for r in full} == {9}


def test_no_run_is_one_clear_line(tmp_path):
    for verb in (write_scores, write_report, terminal):
        with pytest.raises(UptakeError, match=re.escape("episodes.jsonl")):
            verb(tmp_path)


def test_a_run_without_episodes_has_a_report(tmp_path):
    out = write(tmp_path, [])
    assert "No episode" in printed(out)
    assert "No episode" in write_report(out).read_text()
    assert json.loads(write_scores(out).read_text()) == {"rows": []}


def test_the_headline_reads_and_everything_said_is_escaped(tmp_path):
    talks = [
        replace(e, model=NASTY if e.model == "m" else e.model, gold=NASTY)
        for e in run(reply=NASTY + " {}")
    ]
    text = write_report(write(tmp_path, talks, model=NASTY, source=NASTY)).read_text()
    assert re.search(r'<h1 class="kept">kept \d+% <small>\[\d+, \d+\]</small>', text)
    assert "<script>document" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;document" in text


def test_odd_text_is_survived(tmp_path):
    odd = ["\ud800 half, \x00\x07 control", "word " * 100_000, "", "}}{% raw %}{{ 7*7 }}"]
    talks = [
        episode([0.0, 0.0], instruction_id=f"i{i}", turns=(turn(0.0, reply=t), turn(0.0, reply=t)))
        for i, t in enumerate(odd)
    ]
    path = write_report(write(tmp_path, talks))
    text = path.read_bytes().decode("utf-8")
    assert "{{ 7*7 }}" in text
    assert "more characters" in text
    assert len(text) < 2_000_000


LONG = "def f(x):\n    if x:\n        return <x>\n    return 0"


def test_code_and_long_answers_keep_their_lines(tmp_path):
    code = f"```python\n{LONG}\n```"
    said = turn(0.0, reply=f"Here it is:\n\n{code}\nDone.", answer=LONG)
    write(tmp_path, [episode([0.0], turns=(said, said), gold=LONG)])
    page = write_report(tmp_path).read_text(encoding="utf-8")
    shown = code.replace("<x>", "&lt;x&gt;")
    assert f"Here it is:\n\n<code>{shown}</code>\nDone." in page
    assert f">{LONG.replace('<x>', '&lt;x&gt;')}</div>" in page
    assert "the answer is" not in page


@given(st.lists(st.sampled_from(["```", "\n", "```python\n", "x = 1", "  ```\n", "`a`"])))
def test_a_message_in_pieces_is_all_of_it(parts):
    text = "".join(parts)
    found = pieces(text)
    assert "".join(piece for _, piece in found) == text
    assert all(piece.lstrip(" ").startswith("```") for code, piece in found if code)


def test_right_then_wrong_is_read_first_and_beside_what_was_told_at_once(folder):
    text = write_report(folder).read_text()
    shelves = re.findall(r"<h3>([^<]+) <span>", text)
    assert shelves[:2] == ["Right, then wrong", "Failed"]
    assert "model: no reply within 60 s" in text
    assert "Told at once</h4>" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_every_plot_asks_for_nothing_and_has_no_complaint(tmp_path, scheme):
    talks = [replace(e, gold=NASTY) for e in run(reply=NASTY + " {}")]
    path = write_report(write(tmp_path, talks, model="m"))

    async def look():
        async with browser() as page:
            await page.show(width=390, dark=scheme == "dark")
            await page.open(path)
            await page.until("document.body.dataset.drawn")
            seen = await page.js(
                """(() => {
                    const marks = "svg .mark-symbol path, svg .mark-rule line";
                    const charts = [...document.querySelectorAll(".chart")];
                    const root = document.documentElement;
                    return {
                        drawn: charts.map(at => at.querySelectorAll(marks).length),
                        title: document.title,
                        paper: getComputedStyle(document.body).backgroundColor,
                        wide: root.scrollWidth - root.clientWidth,
                        ink: charts[0].querySelector(".mark-symbol path").getAttribute("fill"),
                    };
                })()"""
            )
            return seen, page.asked, page.complaints

    seen, asked, complaints = asyncio.run(look())
    assert len(seen["drawn"]) == 5
    assert all(marks > 0 for marks in seen["drawn"])
    assert seen["title"] == "uptake: m"
    assert seen["wide"] == 0
    paper = [int(part) for part in re.findall(r"\d+", seen["paper"])]
    assert (sum(paper) < 200) is (scheme == "dark")
    assert seen["ink"] == {"light": "#2f55c8", "dark": "#8fabff"}[scheme]
    assert asked == [path.as_uri()]
    assert complaints == []


def test_a_half_is_rounded_in_a_plot_as_in_the_text(tmp_path):
    talks = [episode([1.0], instruction_id=f"i{i}") for i in range(8)]
    talks += [episode([0.0, float(i == 0)], instruction_id=f"i{i}") for i in range(8)]
    path = write_report(write(tmp_path, talks, model="m"))

    async def look():
        async with browser() as page:
            await page.show(width=1200)
            await page.open(path)
            await page.until("document.body.dataset.drawn")
            return await page.js(
                """[...document.querySelector(".chart").querySelectorAll(".role-mark text")]
                    .map(label => label.textContent)"""
            )

    assert "12% " in printed(path.parent)  # 1 of 8
    assert sorted(asyncio.run(look())) == ["100", "12"]


def test_the_browser_filters_rows_and_follows_the_readers_colours(folder):
    path = write_report(folder)

    async def look():
        async with browser() as page:
            await page.show(width=1200)
            await page.open(path)
            await page.until("document.body.dataset.drawn")
            await page.show(width=1200, dark=True)
            await page.until("!!document.querySelector('.chart svg [fill=\"#8fabff\"]')")
            return await page.js(
                """(() => {
                    const box = document.getElementById("filter");
                    box.value = "sharded kept first_ready";
                    box.dispatchEvent(new Event("input"));
                    return [...document.querySelectorAll("#rows tbody tr")]
                        .filter(row => !row.hidden).length;
                })()"""
            )

    assert asyncio.run(look()) == 2


def test_a_policy_that_is_probed_itself_is_no_control(tmp_path):
    out = write(tmp_path, run(), model="policy:guess")
    lines = printed(out).splitlines()
    assert not any(line.strip().startswith("control") for line in lines)
    assert "policy:guess: kept is withheld" in " ".join(printed(out).split())


def test_the_script_that_draws_is_of_the_version_that_the_plots_are_written_for():
    first = files("uptake.report").joinpath("vega.js").read_text().splitlines()[0]
    found = re.search(r"Vega-Lite (\d+)\.(\d+)", first)
    wanted = re.match(r"v(\d+)\.(\d+)", alt.SCHEMA_VERSION)
    assert found
    assert wanted
    assert found.groups() == wanted.groups(), "make it again: python runs/vega.py"


def test_several_probes_open_with_a_profile_of_every_headline_figure(tmp_path):
    model = Scripted(["The answer is 7."], name="seven")
    played = uptake.probe(
        "lost", "revision", "repair", model=model, n=4, repeats=1, out=tmp_path, progress=False
    )
    write_scores(played.out)
    text = write_report(played.out).read_text()
    assert text.index("The profile") < text.index("lost</span>")
    (held,) = re.findall(
        r'data-spec="0-profile"></div>\s*<script[^>]*>(.*?)</script>', text, re.DOTALL
    )
    spec = json.loads(held)
    data = next(iter(spec["datasets"].values())) if "datasets" in spec else spec["data"]["values"]
    shown = [value["skill"] for value in data]
    assert "revision: takes up" in shown
    assert "repair: taken up" in shown
    assert "revision: stale" not in shown


def partners(folder, *probes, skills=(0.5, 0.9), n=6):
    """Runs of partners of known skill, one a skill."""
    instructions = domain("math").generate(n, seed=0)
    told = [
        scenario
        for name in probes
        for one, other in pairs(instructions)
        for scenario in probe(name).scenarios(one, other)
    ]
    return [
        uptake.probe(
            *probes,
            model=Partner(told, skill, f"partner {skill}"),
            n=n,
            repeats=1,
            out=folder / str(skill),
            progress=False,
        ).out
        for skill in skills
    ]


def test_a_conversation_says_what_was_done_and_known_and_what_a_good_partner_does(tmp_path):
    (out,) = partners(tmp_path, "lost", "presupposition", skills=(0.1,))
    played = [e for e in episodes(out) if e.model == "partner 0.1"]
    lost = next(s for s in readings([e for e in played if e.probe == "lost"]) if s.name == "wrong")
    sharded = next(r for r in lost.readings if " sharded " in r.title)
    episode = next(e for e in played if sharded.title.startswith(f"{e.instruction_id} ·"))
    first, last = sharded.bubbles[0], sharded.bubbles[-1]
    assert first.told == episode.shards[:1]
    assert first.untold == episode.shards[1:]
    assert first.better.startswith("ask: ")
    assert (last.untold, last.better) == ((), f"answer: {sharded.gold}")
    assert last.did == ("commit",)
    loaded = [e for e in played if e.probe == "presupposition"]
    worst = readings(loaded, presupposition.metrics)[0]
    assert worst.name == "short of: net"
    assert worst.readings[0].bubbles[1].better.startswith("correct: No, ")
    text = write_report(out).read_text()
    assert '<dt>a good partner</dt><dd dir="auto">correct: No, ' in text
    assert "not yet told: <q" in text


def test_what_falls_short_of_a_difference_is_shown_from_each_of_its_sides(tmp_path):
    (out,) = partners(tmp_path, "missing", "revision", skills=(0.5,), n=40)
    played = episodes(out)

    def conditions(name, model):
        mine = [e for e in played if (e.probe, e.model) == (name, model)]
        (shelf,) = [s for s in readings(mine, metrics([name])[name]) if s.name == "short of: net"]
        assert len(shelf.readings) <= shelf.total
        return {reading.title.split(" · ")[1] for reading in shelf.readings}

    assert conditions("missing", "policy:silent") == {"missing"}
    assert conditions("missing", "policy:ask") == {"complete"}
    assert conditions("revision", "partner 0.5") == {"changed", "pushback"}


def test_a_constant_policy_stands_beside_presuppositions_though_it_knows_nothing(tmp_path):
    (out,) = partners(tmp_path, "presupposition", skills=(1.0,), n=20)
    played = {
        (row.model, row.metric): row.value
        for row in rows(episodes(out), metrics(["presupposition"]))
    }
    policies = {model for model, _ in played if model.startswith("policy:")}
    assert all(played[model, "knows"] == 0 for model in policies)
    assert {played[model, "net"] for model in policies} == {0.0}
    assert played["partner 1.0", "net"] == 1
    page = write_report(out).read_text()
    assert "Whoever always does the same comes to +0 at most." in page


def test_runs_of_several_models_make_one_page_and_of_the_same_model_none(tmp_path):
    runs = partners(tmp_path, "missing", "persistence")
    page = tmp_path / "both.html"
    text = write_report(*runs, to=page).read_text()
    (held,) = re.findall(
        r'data-spec="0-profile"></div>\s*<script[^>]*>(.*?)</script>', text, re.DOTALL
    )
    shown = {(v["skill"], v["model"]) for v in values(json.loads(held))}
    assert ("missing: net", "partner 0.5") in shown
    assert ("persistence: honoured", "partner 0.9") in shown
    console = Console(file=io.StringIO(), width=120)
    terminal(*runs, console=console)
    assert "partner 0.5" in console.file.getvalue()
    assert "partner 0.9" in console.file.getvalue()
    with pytest.raises(UptakeError, match="uptake compare puts them side by side"):
        write_report(runs[0], runs[0], to=page)
    other = write(tmp_path / "other", [replace(e, gold="0") for e in episodes(runs[0])], model="x")
    with pytest.raises(UptakeError, match="has another answer"):
        write_report(*runs, other, to=page)


def values(spec):
    """Everything that a chart draws."""
    found = list(spec.get("datasets", {}).values())
    found += [layer["data"]["values"] for layer in spec["layer"] if "data" in layer]
    found += [spec["data"]["values"]] if "values" in spec.get("data", {}) else []
    return [value for part in found for value in part]


def test_every_plot_of_every_skill_is_drawn_wide_and_narrow_light_and_dark(tmp_path):
    runs = partners(tmp_path, "lost", "grounding", "persistence", "repair", n=3)
    path = write_report(*runs, to=tmp_path / "both.html")

    async def look():
        async with browser() as page:
            found = []
            for width, dark in ((1200, False), (1200, True), (390, False)):
                await page.show(width=width, dark=dark)
                await page.open(path)
                await page.until("document.body.dataset.drawn")
                found.append(
                    await page.js(
                        """(() => {
                            const root = document.documentElement;
                            return {
                                empty: [...document.querySelectorAll(".chart")]
                                    .filter(at => !at.querySelector("svg path")).length,
                                course: document.querySelectorAll("[data-spec$=course]").length,
                                words: [...document.querySelectorAll("[data-spec^='0-'] text")]
                                    .filter(at => at.textContent.includes("[")).length,
                                wide: root.scrollWidth - root.clientWidth,
                            };
                        })()"""
                    )
                )
            return found, page.asked, page.complaints

    found, asked, complaints = asyncio.run(look())
    assert [seen["empty"] for seen in found] == [0, 0, 0]
    assert [seen["wide"] for seen in found] == [0, 0, 0]
    assert all(seen["course"] == 2 for seen in found)
    wide, dark, narrow = (seen["words"] for seen in found)
    assert wide == dark > 0 == narrow
    assert set(asked) == {path.as_uri()}
    assert complaints == []


def test_what_the_users_model_got_wrong_is_counted_and_listed(tmp_path):
    why = "the user's model lost 6"
    talks = [replace(e, user="gpt") for e in run(n=3) if e.model == "m"]
    spoiled = [
        replace(e, turns=(e.turns[0], replace(e.turns[1], unfaithful=why), *e.turns[2:]))
        if e.condition == "sharded" and e.repeat < 2
        else e
        for e in talks
    ]
    out = write(tmp_path, spoiled, model="m", user="gpt")
    said = " ".join(printed(out).split())
    turns = sum(len(e.turns) for e in spoiled)
    line = f"unfaithful at 6 of {turns} turns, which spoiled 6 of {len(spoiled)} conversations"
    assert f"user gpt: {line}." in said
    assert f"lost · i0 · sharded · m · repeat 1, turn 2: {why}" in said
    text = write_report(out).read_text()
    assert text.count("<td>lost · i2 · sharded · m · repeat 2</td>") == 1
    assert line in text
    held = json.loads(write_scores(out).read_text())["rows"]
    of = {(r["metric"], r["condition"]): r["value"] for r in held}
    assert of["spoiled", "sharded"] == 6
    assert of["faithful", "full"] == 1
    assert 0.8 < of["faithful", "sharded"] < 0.9
