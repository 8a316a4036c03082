"""The probe of one's own that the docs show, installed by its entry point and run as they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command import surroundings, toy, uptake

from uptake.run.record import episodes

DOCS = Path(__file__).parent.parent / "docs" / "probes.md"


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """A site with the package of the docs: one file, one entry point."""
    part = DOCS.read_text().partition("## One of your own")[2]
    (code,) = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    (toml,) = re.findall(r"```toml\n(.*?)```", part, re.DOTALL)
    group, name, where = re.search(
        r'entry-points\."([\w.]+)"\]\n(\w+) = "([\w.:]+)"', toml
    ).groups()
    package, module = where.partition(":")[0].split(".")
    site = toy.install(tmp_path_factory.mktemp("site"))
    (site / package).mkdir()
    (site / package / "__init__.py").touch()
    (site / package / f"{module}.py").write_text(code)
    info = site / "mypackage-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mypackage\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {where}\n")
    return surroundings(site)


def test_it_is_found_played_scored_and_a_gate(env, tmp_path):
    words = ("probe", "politeness", "--domain", "toy", "-n", 4, "--repeats", 1, "--out", tmp_path)
    gates = ("--fail-under", "politeness.cost=0.5,mean:plain=0")
    code, out, err = uptake(env, *words, "--model", "policy:guess", *gates)
    assert code == 1
    assert err == ["uptake: gate politeness.cost of thanked >= 0.5: it is 0.000"]
    assert re.search(r"cost +thanked", out)
    mine = [e for e in episodes(tmp_path) if e.model == "policy:guess"]
    assert {e.condition for e in mine} == {"plain", "thanked"}
    assert any(e.turns[0].user.startswith("Thank you") for e in mine)
    rows = json.loads((tmp_path / "scores.json").read_text())["rows"]
    # Of a package that is installed there and not here.
    assert [r["value"] for r in rows if (r["metric"], r["model"]) == ("cost", "oracle")] == [0.0]
    assert "plain less thanked" in (tmp_path / "report.html").read_text()


def test_it_is_named_among_the_probes_that_there_are(env):
    code, _, err = uptake(env, "probe", "politness")
    assert code == 2
    assert "politeness" in err[0]
