from __future__ import annotations

import asyncio
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

from uptake.conversation import Message
from uptake.errors import UptakeError
from uptake.mediator import Mediator
from uptake.model import ModelError, Reply, Sampling, Scripted, Usage
from uptake.models.policies import POLICIES
from uptake.probes.lost import lost
from uptake.run import Limits, finish, run, setup
from uptake.run.record import episodes

toy = importlib.util.module_from_spec(
    spec := importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
)
spec.loader.exec_module(toy)


def said(conversation):
    return "\n".join(message.text for message in conversation if message.role == "user")


def solver(**more):
    return Scripted(lambda talk: toy.solve(said(talk)), name="solver", **more)


def ready(model=None, *, n=4, repeats=2, **more):
    more = {"verify": toy.verify, "instructions": toy.generate(n), "n": n} | more
    return setup(model=model or solver(), repeats=repeats, **more)


def play(prepared, out, limits=None):
    return asyncio.run(finish(prepared, out, limits, progress=False))


def plain(found):
    """Episodes by key, without what differs from one sitting to the next."""
    assert len({e.key for e in found}) == len(found)
    return {e.key: replace(e, seconds=0.0) for e in found}


def test_a_run_plays_every_instruction_condition_repeat_and_control(tmp_path):
    outcome = play(ready(), tmp_path)
    found = episodes(tmp_path)
    own = [e for e in found if e.model == "solver"]
    assert len(own) == 4 * 6 * 2
    assert {e.condition for e in own} == set(lost.conditions)
    assert all(e.score("last") == 1 for e in own)
    assert {e.model for e in found} == {"solver", "oracle", *POLICIES}
    assert (outcome.episodes, outcome.failed, outcome.missing) == (len(found), 0, 0)


def test_the_same_seed_plays_the_same_and_concurrency_changes_nothing(tmp_path):
    async def drawn(talk, sampling):
        await asyncio.sleep(sampling.seed % 3 / 1000)
        return Reply(Message("assistant", f"The answer is {sampling.seed % 100}."))

    class Drawn(Scripted):
        async def reply(self, conversation, sampling):
            return await drawn(conversation, sampling)

    def one(out, concurrency, seed=0):
        play(ready(Drawn(["x"]), seed=seed), out, Limits(concurrency))
        return plain(episodes(out))

    first = one(tmp_path / "a", 1)
    assert first == one(tmp_path / "b", 7)
    other = one(tmp_path / "c", 7, seed=1)
    assert [e.turns for e in first.values()] != [other[key].turns for key in first]


def test_a_second_sitting_plays_only_what_is_missing(tmp_path):
    whole = tmp_path / "whole"
    play(ready(), whole)
    part = tmp_path / "part"
    play(ready(), part)
    lines = (part / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    kept = lines[:7] + lines[11:20]
    (part / "episodes.jsonl").write_bytes(b"".join(kept) + lines[20][:30])  # and a torn one
    asked = []
    counting = Scripted(lambda talk: asked.append(talk) or toy.solve(said(talk)), name="solver")
    outcome = play(ready(counting), part)
    again = (part / "episodes.jsonl").read_bytes()
    assert again.startswith(b"".join(kept))
    assert again.count(b"\n") == len(lines)
    assert plain(episodes(part)) == plain(episodes(whole))
    assert outcome.missing == 0
    asked.clear()
    play(ready(counting), part)
    assert asked == []


def test_no_more_conversations_are_open_than_asked_for(tmp_path):
    open_now = most = 0

    async def watch(talk):
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.001)
        open_now -= 1
        return "The answer is 1."

    play(ready(Scripted(watch, name="m"), n=10), tmp_path, Limits(concurrency=3))
    assert most == 3


def test_no_task_is_made_before_its_turn(tmp_path):
    most = 0

    async def watch(talk):
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        return "The answer is 1."

    play(ready(Scripted(watch, name="m"), n=50), tmp_path, Limits(concurrency=3))
    assert most <= 3 + 4  # the workers, the run itself, and the settling of budgets


def test_a_failed_episode_is_recorded_counted_and_played_again(tmp_path):
    broken = True

    def flaky(talk):
        if broken and "Box 0 holds 8" in said(talk):
            raise ModelError("HTTP 500 after 5 tries")
        return toy.solve(said(talk))

    first = play(ready(Scripted(flaky, name="m")), tmp_path)
    assert first.failed == 12
    assert first.missing == 0
    wrong = [e for e in episodes(tmp_path) if e.error]
    assert {e.error for e in wrong} == {"HTTP 500 after 5 tries"}
    assert all(e.score("last") is None for e in wrong)
    broken = False
    second = play(ready(Scripted(flaky, name="m")), tmp_path)
    assert (second.failed, second.missing) == (0, 0)
    assert second.episodes == first.episodes == len(episodes(tmp_path))
    assert not any(e.error for e in episodes(tmp_path))


def test_a_verifier_that_raises_is_a_counted_failure(tmp_path):
    def verify(instruction, reply):
        raise ZeroDivisionError("no unit")

    outcome = play(ready(verify=verify, controls=False), tmp_path)
    assert outcome.failed == outcome.episodes == 48
    assert "ZeroDivisionError: no unit" in episodes(tmp_path)[0].error


def test_a_fatal_error_stops_the_run_and_keeps_what_was_finished(tmp_path):
    calls = 0

    def revoked(talk):
        nonlocal calls
        calls += 1
        if calls > 30:
            raise ModelError("401: the key was refused", fatal=True)
        return toy.solve(said(talk))

    with pytest.raises(ModelError, match="401"):
        play(ready(Scripted(revoked, name="m"), controls=False), tmp_path, Limits(concurrency=2))
    kept = len(episodes(tmp_path))
    assert 0 < kept < 40
    assert calls <= 33
    play(ready(Scripted(lambda talk: toy.solve(said(talk)), name="m"), controls=False), tmp_path)
    assert len(episodes(tmp_path)) == 48


def test_cancelling_keeps_what_was_finished_and_lets_the_folder_go(tmp_path):
    async def slow(talk):
        await asyncio.sleep(0.01)
        return toy.solve(said(talk))

    async def main():
        task = asyncio.create_task(
            finish(ready(Scripted(slow, name="m")), tmp_path, Limits(4), progress=False)
        )
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    kept = len(episodes(tmp_path))
    outcome = play(ready(Scripted(lambda talk: toy.solve(said(talk)), name="m")), tmp_path)
    assert outcome.missing == 0
    assert kept < outcome.episodes == len(episodes(tmp_path))


class Priced(Scripted):
    """A reply of 10 tokens to a prompt of 20, and what was really used of it."""

    def __init__(self):
        super().__init__(["x"], name="m")
        self.used = 0

    async def reply(self, conversation, sampling):
        await asyncio.sleep(0)
        self.used += 30
        return Reply(Message("assistant", toy.solve(said(conversation))), usage=Usage(20, 10))


def test_max_tokens_stops_and_every_sitting_counts(tmp_path):
    model = Priced()
    sampling = Sampling(max_tokens=10)
    first = play(ready(model, sampling=sampling), tmp_path, Limits(4, max_tokens=1500))
    assert "--max-tokens 1,500" in first.stopped
    assert first.missing > 0
    assert 900 < model.used <= 1500
    before = model.used
    second = play(ready(model, sampling=sampling), tmp_path, Limits(4, max_tokens=1500))
    assert second.stopped
    assert model.used <= 1500
    assert model.used - before < 300
    last = play(ready(model, sampling=sampling), tmp_path, Limits(4))
    assert (last.stopped, last.missing) == (None, 0)


def test_max_cost_without_a_price_is_refused_before_anything_is_played(tmp_path):
    model = Priced()
    model.price = None
    with pytest.raises(UptakeError, match="--price"):
        play(ready(model), tmp_path / "new", Limits(max_cost=1.0))
    assert not (tmp_path / "new").exists()


def test_a_model_as_user_is_recorded_and_its_tokens_count(tmp_path):
    partner = Priced()
    model = Scripted(lambda talk: toy.solve(said(talk)), name="m")
    prepared = ready(model, user=partner, controls=False, conditions=["sharded"])
    outcome = play(prepared, tmp_path, Limits(1, max_tokens=10_000))
    assert outcome.episodes > 0
    assert {e.user for e in episodes(tmp_path)} == {"m"}
    assert partner.used > 0


def test_run_takes_the_settings_by_name_and_gives_the_folder(tmp_path):
    out = asyncio.run(
        run(
            "lost",
            model=solver(),
            instructions=toy.generate(2),
            verify=toy.verify,
            repeats=1,
            out=tmp_path / "o",
            progress=False,
        )
    )
    assert out == tmp_path / "o"
    assert json.loads((out / "run.json").read_text())["settings"]["model"] == "solver"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"probes": ["found"]}, "no probe is called 'found'; there are: grounding, handoff, lost"),
        ({"conditions": ["shredded"]}, "no condition is called 'shredded'; there are: full"),
        ({"n": 0}, "-n must be at least 1"),
        ({"repeats": 0}, "--repeats must be at least 1"),
        ({"model": "gpt"}, "unknown model 'gpt'"),
        ({"domain": "alchemy"}, "unknown domain 'alchemy'"),
        ({"domain": "math", "instructions": "x.jsonl"}, "exclude each other"),
        ({"instructions": "nowhere.jsonl"}, "nowhere.jsonl"),
        ({"instructions": []}, "there is nothing to play"),
        ({"instructions": toy.generate(1) * 2, "verify": toy.verify}, "have the id 'toy-0'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(settings, words):
    settings = {"probes": ["lost"], "model": "policy:guess"} | settings
    if "instructions" not in settings and "domain" not in settings:
        settings |= {"instructions": toy.generate(1), "verify": toy.verify}
    with pytest.raises(UptakeError) as caught:
        setup(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "limits",
    [{"concurrency": 0}, {"max_tokens": -1}, {"max_cost": -0.1}, {"max_cost": float("nan")}],
)
def test_a_limit_that_cannot_be_is_refused(limits):
    with pytest.raises(UptakeError, match="must"):
        Limits(**limits)


def test_with_and_without_are_played_in_one_run_and_share_one_limit(tmp_path):
    prepared = ready(mediated=True, mend=("join", "rewrite"), controls=False)
    outcome = play(prepared, tmp_path)
    found = episodes(tmp_path)
    who = {(e.model, e.mediated) for e in found}
    assert who == {
        ("solver", False),
        ("solver", True),
        ("solver+join", False),
        ("solver+rewrite", False),
    }
    assert outcome.missing == outcome.failed == 0
    moves = {turn.move for e in found for turn in e.turns if e.mediated}
    assert moves >= {"pass", "answer"}
    assert {turn.move for e in found for turn in e.turns if not e.mediated} == {None}
    limits = Limits(1, max_tokens=3000)
    assert play(prepared, tmp_path / "limited", limits).stopped
    spent = sum(
        t.prompt_tokens + t.completion_tokens
        for e in episodes(tmp_path / "limited")
        for t in e.turns
    )
    assert 0 < spent <= 3000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mend": ("glue",)}, "no mender is called 'glue'"),
        ({"mediated": True, "model": Mediator(Scripted(["x"]))}, "is mediated already"),
    ],
)
def test_a_way_to_mend_that_cannot_be_used_is_one_line(settings, words):
    with pytest.raises(UptakeError, match=words):
        ready(**settings)
