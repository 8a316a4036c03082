"""README and docs say what is so: figures in step, commands that exist, links that lead."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

spec = importlib.util.spec_from_file_location("table", ROOT / "runs" / "table.py")
assert spec
assert spec.loader
table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(table)


# The measured blocks


def test_readme_and_results_show_what_was_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", ["table.py", "--check"])
    assert table.main() == 0, capsys.readouterr().out


def test_a_result_is_shown_with_its_date_machine_command_interval_and_target(tmp_path: Path):
    rows = [
        {"figure": "kept", "value": 0.5, "low": 0.4, "high": 0.6, "n": 1500, "target": "≤ 0.75"},
        {"figure": "set-up", "value": 41.26, "unit": "s"},
        {"figure": "a | b", "value": None, "note": "full is near 0"},
        {"figure": "of one part", "value": 0.2, "detail": True},
    ]
    table.save("1-one", title="Probe", command="make probe", rows=rows, folder=tmp_path)
    (tmp_path / "detail.json").write_text("{}", encoding="utf-8")
    results = table.read_results(tmp_path)
    heading, how, header, line, *shown = filter(None, table.page(results).splitlines())
    assert heading == "## Probe"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d, \d+ cores.*: `make probe`", how)
    assert header.count("|") == line.count("|") == 6
    assert shown[0] == "| kept | 0.500 | 0.400\u00a0to\u00a00.600 | 1,500 | ≤ 0.75 |"
    assert shown[1] == "| set-up | 41.3 s |  |  |  |"
    assert shown[2] == "| a \\| b | withheld (full is near 0) |  |  |  |"
    assert len(shown) == 3
    head = table.table(results, {"1-one": ["set-up"]}).splitlines()
    assert head[:2] == [header, line]
    assert head[2] == f"| **Probe** {how} | | | | |"
    assert head[3:] == [shown[1]]


def test_a_headline_that_nobody_measured_is_named(tmp_path: Path):
    table.save(
        "1-one", title="One", command="c", rows=[{"figure": "a", "value": 1}], folder=tmp_path
    )
    results = table.read_results(tmp_path)
    with pytest.raises(table.ResultError, match=r"2-two\.json"):
        table.table(results, {"2-two": ["a"]})
    with pytest.raises(table.ResultError, match=r"1-one.*'b'"):
        table.table(results, {"1-one": ["b"]})


@pytest.mark.parametrize("broken", ["{", '{"title": "t"}'])
def test_a_broken_result_is_named(tmp_path: Path, broken: str):
    (tmp_path / "1-bad.json").write_text(broken, encoding="utf-8")
    with pytest.raises(table.ResultError, match=r"1-bad\.json"):
        table.read_results(tmp_path)


def episode(condition: str, instruction: str, *turns: tuple[str, str, float]) -> dict[str, object]:
    return {
        "model": "embedded",
        "domain": "math",
        "instruction_id": instruction,
        "condition": condition,
        "repeat": 0,
        "seed": 7,
        "gold": "12",
        "ended": "done",
        "turns": [
            {"user": u, "reply": r, "score": s, "answer": re.findall(r"\d+", r)[-1]}
            for u, r, s in turns
        ],
    }


def test_the_shortest_pair_solved_at_once_and_lost_over_turns_is_chosen(tmp_path: Path):
    lines = [
        episode("full", "long", ("q " * 40, "12", 1.0)),
        episode("sharded", "long", ("q", "1", 0.0), ("fact", "2", 0.0)),
        episode("full", "short", ("How many?", "It is 12.", 1.0)),
        episode("sharded", "short", ("How many?", "It is 7.", 0.0), ("A fact.", "Noted: 7.", 0.0)),
        episode("full", "odd", ("q", "12", 1.0)),
        episode("sharded", "odd", ("q", "7, so no.", 0.0), ("f", "7", 0.0)),  # no answer at its end
        episode("full", "kept", ("q", "12", 1.0)),
        episode("sharded", "kept", ("q", "12", 1.0)),
    ]
    file = tmp_path / "episodes.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"torn', "utf-8")
    pair = table.choose(file)
    assert pair["instruction_id"] == "short"
    shown = table.side_by_side(pair)
    left, right = shown.splitlines()[3][: table.COLUMN], shown.splitlines()[3][table.COLUMN :]
    assert left.split() == ["user", "How", "many?"]
    assert right.split() == ["user", "How", "many?"]
    assert "It is 12.  ✓" in shown
    assert "Noted: 7.  ✗" in shown
    assert "It is 7.  ✗" not in shown  # only the reply that counts is marked


def test_filling_a_block_twice_changes_nothing():
    page = "a\n<!-- table:begin -->\nold\n<!-- table:end -->\nb"
    once = table.fill(page, "table", "new")
    assert once == table.fill(once, "table", "new") == page.replace("old", "new")
    with pytest.raises(table.ResultError, match="table:begin"):
        table.fill("no markers", "table", "new")


# Commands


def code(page: Path) -> list[str]:
    """Each line of the shell blocks of a page, and each bit of code in its sentences."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(
        r"<!-- (table|conversation|results):begin -->.*?<!-- \1:end -->", "", text, flags=re.S
    )
    blocks = re.findall(r"^```(?:sh|bash|console|shell)\n(.*?)^```", text, flags=re.S | re.M)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", prose)


def commands(page: Path, program: str) -> list[list[str]]:
    """The words of each command of a page that starts with `program`."""
    found: list[list[str]] = []
    for line in code(page):
        for part in re.split(r"&&|\|\||[;|]", line.split(" #")[0]):
            try:
                words = shlex.split(part)
            except ValueError:  # an apostrophe, or a quote that the split above cut
                words = part.split()
            words = words[next((i for i, w in enumerate(words) if "=" not in w), 0) :]
            if words and Path(words[0]).name == program:
                found.append(words[1:])
    return found


@cache
def options(*command: str) -> set[str]:
    """The options that the help of a command names; fails where there is no such command."""
    program = Path(sys.executable).parent / "uptake"
    wide = os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run([program, *command, "--help"], capture_output=True, text=True, env=wide)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout)) | {"--help", "--version"}


def subcommands() -> set[str]:
    wide = os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    program = Path(sys.executable).parent / "uptake"
    done = subprocess.run([program, "--help"], capture_output=True, text=True, env=wide)
    return set(re.findall(r"^\W*([a-z][\w-]+)\s{2,}\S", done.stdout, flags=re.M))


@pytest.mark.parametrize("name", NAMES)
def test_the_uptake_commands_of_a_page_exist(name: str):
    for words in commands(ROOT / name, "uptake"):
        known = options()
        if words and re.fullmatch(r"[a-z][\w-]*", words[0]):
            assert words[0] in subcommands(), f"{name}: uptake {words[0]}"
            known = options(words[0])
        for word in words:
            if option := re.match(r"\[?(--?[a-zA-Z][\w-]*)", word):
                assert option[1] in known, f"{name}: uptake {' '.join(words)}"


@pytest.mark.parametrize("name", NAMES)
def test_the_make_targets_of_a_page_exist(name: str):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, flags=re.M))
    for words in commands(ROOT / name, "make"):
        asked = {word for word in words if re.fullmatch(r"[a-z][\w-]*", word)}
        assert asked <= targets, f"{name}: make {' '.join(words)}"


def test_ci_runs_the_test_command_of_readme():
    words = commands(ROOT / "README.md", "make")
    assert ["test"] in words
    assert ["probe"] in words
    done = subprocess.run(
        ["sed", "-n", "/<!-- test:begin -->/,/<!-- test:end -->/p", ROOT / "README.md"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"^make .*", done.stdout, flags=re.M) == ["make test"]


# Links


@pytest.mark.parametrize("name", NAMES)
def test_the_links_of_a_page_lead_somewhere(name: str):
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []
    if page.parent.name == "docs":  # the site has nothing else
        assert [target for target in local if target.startswith("..")] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_no_machine(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:work|root|home|Users|tmp)/\S*", text) == []
