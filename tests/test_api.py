from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import uptake
from uptake.api import wait

toy = importlib.util.module_from_spec(
    spec := importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
)
spec.loader.exec_module(toy)


def solver():
    return uptake.Scripted(
        lambda talk: toy.solve("\n".join(m.text for m in talk if m.role == "user")), name="solver"
    )


def settings(out):
    return {
        "model": solver(),
        "instructions": toy.generate(3),
        "verify": toy.verify,
        "repeats": 2,
        "controls": False,
        "out": out,
        "progress": False,
    }


def test_probe_gives_what_came_of_it(tmp_path):
    result = uptake.probe("lost", **settings(tmp_path))
    assert (result.failed, result.missing, result.stopped) == (0, 0, None)
    assert len(result.episodes()) == 3 * 6 * 2
    assert result.value("mean", "full") == 1
    assert result.value("kept") == 1
    assert result.value("kept", "full") is None
    assert {row.probe for row in result.rows()} == {"lost"}


def test_play_takes_a_scenario_or_an_instruction(tmp_path):
    (one,) = toy.generate(1)
    episode = uptake.play(one, solver(), verify=toy.verify)
    assert (episode.condition, episode.score("last"), len(episode.turns)) == ("sharded", 1, 4)
    (full,) = uptake.scenarios(one, ("full",))
    assert uptake.play(full, solver(), verify=toy.verify).score("last") == 1
    assert uptake.play(one, "policy:guess", verify=toy.verify).model == "policy:guess"
    with pytest.raises(uptake.UptakeError, match="unknown condition 'shouted'"):
        uptake.play(one, solver(), verify=toy.verify, condition="shouted")
    with pytest.raises(uptake.UptakeError, match="unknown domain 'toy'"):
        uptake.play(one, solver())


def test_both_work_inside_a_running_loop(tmp_path):
    async def cell():
        (one,) = toy.generate(1)
        episode = uptake.play(one, solver(), verify=toy.verify)
        return episode.score("last"), uptake.probe(**settings(tmp_path)).value("kept")

    assert asyncio.run(cell()) == (1, 1)


def test_a_model_may_be_used_in_many_calls():
    class Bound(uptake.Scripted):
        """Has sockets, as it were, of the loop that it was first used on."""

        loop = None

        async def reply(self, conversation, sampling):
            here = asyncio.get_running_loop()
            self.loop = self.loop or here
            assert self.loop is here
            assert not here.is_closed()
            return await super().reply(conversation, sampling)

    model = Bound(["The answer is 1."])
    for one in toy.generate(3):
        assert uptake.play(one, model, verify=toy.verify).error is None


def test_an_interrupt_ends_the_work_before_it_is_passed_on(monkeypatch):
    began, cleaned = threading.Event(), []

    async def work():
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    def interrupted(self, timeout=None):
        began.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        wait(work())
    assert cleaned == [True]


def test_an_error_passes_through():
    async def work():
        raise uptake.UptakeError("no")

    with pytest.raises(uptake.UptakeError, match="no"):
        wait(work())


def test_every_name_can_be_imported_alone():
    names = ", ".join(uptake.__all__)
    program = f"from uptake import {names}; import uptake; print(callable(uptake.load_model))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_with_and_without_is_one_argument(tmp_path):
    model = uptake.Scripted(lambda talk: f"The answer is {len(talk)}.", name="counts")
    settings = {"model": model, "n": 2, "repeats": 2, "conditions": ("full", "sharded")}
    both = uptake.probe(
        mediated=True, controls=False, progress=False, out=tmp_path / "a", **settings
    )
    assert both.value("turns") == both.value("turns", mediated=True)
    assert both.value("tokens") > both.value("tokens", mediated=True) > 0
    settings["model"] = uptake.Mediator(model)
    alone = uptake.probe(controls=False, progress=False, out=tmp_path / "b", **settings)
    assert alone.value("tokens") == both.value("tokens", mediated=True)
