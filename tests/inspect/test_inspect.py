"""Probes played by Inspect: the same conversations and figures, a log to read, a log as a run."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from inspect_ai import Task, score
from inspect_ai import eval as run_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.tool import ToolCall

from uptake import probe
from uptake.bridges.inspect import tasks, verdict
from uptake.bridges.inspect_log import gather, read_log
from uptake.conversation import Conversation, Message
from uptake.domains import domain
from uptake.episode import Episode
from uptake.model import Sampling
from uptake.partners import Partner
from uptake.probes import metrics, names
from uptake.probes import probe as find
from uptake.run.plan import pairs
from uptake.run.record import episodes
from uptake.scores import rows

BIN = Path(sys.executable).parent
TASKS = tasks()
N, REPEATS, SEED = 2, 3, 5


def partner(name: str) -> Partner:
    """Right by chance, so that repeats differ; which is drawn by the seed of each reply."""
    told = [
        scenario
        for one, other in pairs(domain("math").generate(N, seed=SEED))
        for scenario in find(name).scenarios(one, other)
    ]
    return Partner(told, 0.5, "half")


def scripted(reply):
    """A model of Inspect's that replies what `reply` gives to (heard, config)."""

    async def answer(heard, tools, tool_choice, config):
        given = await reply(heard, config)
        if isinstance(given, Exception):
            raise given
        if isinstance(given, str):
            given = ModelOutput.from_content("half", given)
        given.usage = ModelUsage(input_tokens=7, output_tokens=3, total_tokens=10)
        return given

    return get_model("mockllm/half", custom_outputs=answer, memoize=False)


def says(text):
    async def reply(heard, config):
        return text

    return scripted(reply)


def by(model):
    """A model of uptake's, as one of Inspect's."""

    async def reply(heard, config):
        said = Conversation(tuple(Message(m.role, m.text) for m in heard))
        return (await model.reply(said, Sampling(seed=config.seed))).text

    return scripted(reply)


def play(name: str, model, tmp_path: Path, *, log_format="eval", fail_on_error=None, **args):
    settings = {"n": N, "repeats": REPEATS, "seed": SEED} | args
    (log,) = run_eval(
        TASKS[name](**settings),
        model=model,
        log_dir=str(tmp_path / "logs"),
        log_format=log_format,
        fail_on_error=fail_on_error,
        display="none",
    )
    return log


def path_of(log: EvalLog) -> Path:
    return Path(log.location.removeprefix("file://"))


def same(episode: Episode):
    """What must not differ, whoever plays: all that was said, and what came of it."""
    turns = [
        (t.user, t.reply, t.told, t.ready, t.score, t.answer, t.asked, t.about, t.rival, t.made)
        for t in episode.turns
    ]
    key = (episode.probe, episode.instruction_id, episode.condition, episode.repeat)
    return key, turns, episode.gold, episode.ended, episode.seed


@pytest.mark.parametrize("name", names())
def test_inspect_plays_and_counts_as_uptake_does(name: str, tmp_path: Path):
    ours = probe(
        name,
        model=partner(name),
        n=N,
        repeats=REPEATS,
        seed=SEED,
        out=tmp_path / "run",
        controls=False,
        progress=False,
    )
    log = play(name, by(partner(name)), tmp_path)
    assert log.status == "success", log.error
    theirs = read_log(path_of(log)).episodes
    assert sorted(map(same, theirs)) == sorted(map(same, ours.episodes()))

    shown = {key: found.value for key, found in log.results.scores[0].metrics.items()}
    expected = {f"{r.metric}:{r.condition}": r.value for r in ours.rows() if r.score == "last"}
    assert shown
    assert shown == {key: pytest.approx(expected[key]) for key in shown}
    own = {f"{m.name}:{m.condition}" for m in metrics([name])[name] if m.headline}
    usual = ("mean:", "a90:", "u90_10:", "kept:")
    wanted = own | {key for key in expected if key.startswith(usual)}
    assert set(shown) == {key for key in wanted if expected.get(key) is not None}
    if name == "lost":  # epochs that Inspect had averaged first would leave no spread
        assert shown["u90_10:sharded"] > 0


def test_conversations_can_be_read_in_the_viewer(tmp_path: Path):
    log = play("repair", by(partner("repair")), tmp_path, n=1, repeats=1)
    for sample in log.samples:
        episode = Episode.from_dict(sample.scores["uptake"].metadata["uptake:episode"])
        said = [(m.role, m.text) for m in sample.messages]
        assert said == [(m.role, m.text) for m in episode.conversation()]
        replies = [m for m in sample.messages if m.role == "assistant"]
        assert [m.source for m in replies] == [
            "input" if turn.made else "generate" for turn in episode.turns
        ]
        calls = [event for event in sample.events if event.event == "model"]
        assert len(calls) == sum(not turn.made for turn in episode.turns)
        assert sample.scores["uptake"].value == {
            rule: episode.score(rule) for rule in ("last", "any", "first_ready")
        }


def test_what_was_thought_is_recorded_but_not_said_again(tmp_path: Path):
    heard = []

    async def reply(talk, config):
        heard.append(talk)
        content = [ContentReasoning(reasoning="Hm, 12."), ContentText(text="The answer is 12.")]
        return ModelOutput.from_message(ChatMessageAssistant(content=content, source="generate"))

    log = play("lost", scripted(reply), tmp_path, n=1, repeats=1, conditions="sharded")
    assert {m.content for m in heard[-1] if m.role == "assistant"} == {"The answer is 12."}
    (sample,) = log.samples
    assert any("Hm, 12." in str(m.content) for m in sample.messages)
    assert read_log(path_of(log)).episodes[0].turns[0].reply == "The answer is 12."


@pytest.mark.parametrize("given", ["10,20", [10, 20], ["10", "20"]])
def test_conditions_may_be_numbers(given):
    told = {
        sample.metadata["condition"] for sample in TASKS["persistence"](conditions=given).dataset
    }
    assert told == {"10", "20"}


def test_a_tool_call_counts_as_one_that_is_written(tmp_path: Path):
    async def reply(heard, config):
        call = ToolCall(id="1", function="set_lamp", arguments={"percent": 40})
        message = ChatMessageAssistant(content="", tool_calls=[call], source="generate")
        return ModelOutput.from_message(message, stop_reason="tool_calls")

    log = play("lost", scripted(reply), tmp_path, n=1, repeats=1, conditions=["full"])
    (episode,) = read_log(path_of(log)).episodes
    assert '{"name": "set_lamp", "arguments": {"percent": 40}}' in episode.turns[0].reply


def test_a_failure_is_inspects_and_a_failed_episode_in_the_report(tmp_path: Path):
    async def reply(heard, config):
        return ValueError("the line is down") if config.seed % 2 else ""

    log = play("lost", scripted(reply), tmp_path, fail_on_error=False, n=1, repeats=2)
    assert all(sample.error for sample in log.samples)
    found = episodes(gather([path_of(log)], tmp_path / "out"))
    assert len(found) == len(log.samples) == 12
    assert {e.error for e in found} == {
        "ValueError('the line is down')",
        "ModelError('the reply is empty (stop)')",
    }
    failures = [row.value for row in rows(found) if row.metric == "failures"]
    assert sum(failures) == 12
    stopped = play("lost", scripted(reply), tmp_path, n=1, repeats=2)
    assert stopped.status == "error"


def test_a_limit_of_inspects_ends_the_sample_and_fails_the_episode(tmp_path: Path):
    (log,) = run_eval(
        TASKS["lost"](n=1, repeats=1, conditions="sharded"),
        model=says("Go on."),
        log_dir=str(tmp_path),
        message_limit=3,
        display="none",
    )
    (episode,) = read_log(path_of(log)).episodes
    assert episode.error == "a limit of Inspect's was reached: message"


def test_a_log_can_be_scored_again(tmp_path: Path):
    log = play("missing", by(partner("missing")), tmp_path)
    again = score(log, verdict(), action="overwrite", display="none")
    first, second = (each.results.scores[0].metrics for each in (log, again))
    assert {k: m.value for k, m in first.items()} == {k: m.value for k, m in second.items()}


def test_both_formats_give_the_same_run(tmp_path: Path):
    model = by(partner("lost"))
    zipped = read_log(path_of(play("lost", model, tmp_path)))
    plain = read_log(path_of(play("lost", model, tmp_path, log_format="json")))
    assert sorted(map(same, zipped.episodes)) == sorted(map(same, plain.episodes))
    assert zipped.settings == plain.settings


def test_several_logs_are_one_report(tmp_path: Path):
    logs = [
        path_of(play("missing", says("Could you tell me more?"), tmp_path)),
        path_of(play("lost", says("The answer is 12."), tmp_path, conditions="full,sharded")),
        path_of(play("lost", "uptake/policy:guess", tmp_path, conditions="full,sharded")),
    ]
    out = gather(logs, tmp_path / "out")
    settings = json.loads((out / "run.json").read_text())["settings"]
    assert settings["probes"] == ["missing", "lost"]
    assert (settings["model"], settings["controls"]) == ("mockllm/half", ["policy:guess"])
    found = episodes(out)
    assert {(e.probe, e.model) for e in found} == {
        ("missing", "mockllm/half"),
        ("lost", "mockllm/half"),
        ("lost", "policy:guess"),
    }
    assert len(episodes(gather(logs, out))) == len(found)  # once more adds nothing


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [BIN / words[0], *words[1:]]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


PAGE = Path(__file__).parents[2] / "docs" / "inspect.md"
COMMANDS = re.findall(r"^inspect eval .*", PAGE.read_text(encoding="utf-8"), flags=re.M)


def test_the_tasks_and_arguments_of_the_docs_exist():
    page = PAGE.read_text(encoding="utf-8")
    assert len(COMMANDS) == 3
    for command in COMMANDS:
        assert re.search(r"uptake/(\w+)", command)[1] in TASKS
    taken = inspect.signature(TASKS["lost"]).parameters
    assert set(re.findall(r"-T (\w+)=", page)) == set(taken)
    for name, default in re.findall(r"^\| `-T (\w+)=.*\| (\d+) \|$", page, flags=re.M):
        assert taken[name].default == int(default)


def test_a_command_of_the_docs_needs_no_key(tmp_path: Path):
    (command,) = (each for each in COMMANDS if "uptake/embedded" in each)
    done = run(*shlex.split(command), "--display", "plain", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mean:sharded" in done.stdout
    (log,) = (tmp_path / "logs").glob("*.eval")
    done = run("uptake", "report", log, "--out", "out/embedded", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "embedded" in done.stdout
    held = json.loads((tmp_path / "out/embedded/scores.json").read_text())["rows"]
    assert {row["model"] for row in held} == {"embedded"}
    assert (tmp_path / "out/embedded/report.html").is_file()


def test_a_log_is_read_without_inspect(tmp_path: Path):
    log = path_of(play("lost", says("The answer is 12."), tmp_path))
    program = (
        "import sys; from pathlib import Path; from uptake.bridges.inspect_log import read_log;"
        f"print(len(read_log(Path({str(log)!r})).episodes), 'inspect_ai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == [str(6 * N * REPEATS), "False"], done.stderr


def test_a_log_of_another_task_is_refused_in_one_line(tmp_path: Path):
    other = Task(dataset=[Sample("1 + 1?")], name="sums")
    (log,) = run_eval(other, model=says("2"), log_dir=str(tmp_path), display="none")
    done = run("uptake", "report", path_of(log), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("a log of sums, which is no task of uptake's\n")
    assert done.stderr.count("\n") == 1


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path):
    done = run(
        *("inspect", "eval", "uptake/lost", "--model", "uptake/embedded", "--display", "plain"),
        *("-T", "conditions=nosuch"),
        cwd=tmp_path,
    )
    assert done.returncode != 0
    assert "no condition is called 'nosuch'" in done.stdout + done.stderr
