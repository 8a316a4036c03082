"""The command line as people use it: real processes, a real server, real kills."""

from __future__ import annotations

import json
import re
import resource
import signal
import subprocess
from dataclasses import replace

import pytest
from command import lines, messages, start, uptake, wait_for

from uptake.run.record import episodes


def probe(out, model, *more):
    return (
        *("probe", "lost", "--domain", "toy", "--out", out, "--model", model),
        *("-n", 3, "--repeats", 2, "--temperature", 0, "--no-controls", "--concurrency", 4),
        *more,
    )


def plain(out):
    found = episodes(out)
    assert len(found) == lines(out), "an episode was played twice"
    return {e.key: replace(e, seconds=0.0) for e in found}


def test_a_run_leaves_episodes_scores_and_a_report_and_shows_the_table(env, server, tmp_path):
    code, out, err = uptake(env, *probe(tmp_path, server.model, "--fail-under", "mean:full=0.9"))
    assert (code, err) == (0, [])
    assert len(episodes(tmp_path)) == 3 * 6 * 2
    rows = json.loads((tmp_path / "scores.json").read_text())["rows"]
    kept = [r for r in rows if r["metric"] == "kept" and r["condition"] == "sharded"]
    assert {(r["score"], r["model"], r["mediated"]) for r in kept} == {
        (score, server.model, False) for score in ("last", "any", "first_ready")
    }
    assert all(r["value"] == 1 for r in rows if (r["score"], r["metric"]) == ("last", "mean"))
    assert "<html" in (tmp_path / "report.html").read_text()[:1000].lower()
    assert "sharded" in out
    assert "report.html" in out


def test_with_and_without_stand_in_one_table_with_what_it_costs(env, server, tmp_path):
    more = ("--mediated", "--mend", "join", "--conditions", "full,sharded")
    code, out, err = uptake(env, *probe(tmp_path, server.model, *more))
    assert (code, err) == (0, [])
    assert "(mediated)" in out
    assert re.search(r"\(mediated\) takes \d\.\d\d\s+tokens for one of", out)
    assert len(episodes(tmp_path)) == 3 * 2 * 2 * 3
    code, out, _ = uptake(env, "show", tmp_path, "--condition", "sharded")
    assert code == 0
    assert "move answer" in out


def test_the_report_says_which_parameters_the_server_did_not_take(env, server, tmp_path):
    server.refuses = {"temperature", "seed"}
    code, _, err = uptake(env, *probe(tmp_path, server.model))
    assert (code, len(err)) == (0, 2)
    assert all("no longer sent" in line for line in err)
    said = "the server takes no seed, no temperature and used its own"
    assert said in (tmp_path / "report.html").read_text()
    server.refuses = set()  # what was played before stays as it was
    assert uptake(env, *probe(tmp_path, server.model))[0] == 0
    assert said in (tmp_path / "report.html").read_text()


def test_a_model_plays_the_user_over_the_wire(env, server, tmp_path):
    code, _, err = uptake(env, *probe(tmp_path, server.model, "--user", server.model))
    assert (code, err) == (0, [])
    found = episodes(tmp_path)
    assert {e.user for e in found} == {server.model}
    worded = [turn for e in found for turn in e.turns if turn.user_completion_tokens]
    assert len(worded) == server.told > 0
    assert all("Oh, and: " in turn.user and turn.unfaithful is None for turn in worded)
    assert "unfaithful at 0 of" in (tmp_path / "report.html").read_text()


def test_kill_9_at_any_moment_loses_and_doubles_nothing(env, server, tmp_path):
    server.delay = 0.01
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert uptake(env, *probe(whole, server.model))[0] == 0
    for moment in (1, 9, 20):
        with start(env, *probe(cut, server.model)) as process:
            wait_for(process, cut, moment)
            process.kill()
            process.communicate()
        assert process.returncode == -signal.SIGKILL
    before = (cut / "episodes.jsonl").read_bytes()
    before = before[: before.rfind(b"\n") + 1]
    code, _, err = uptake(env, *probe(cut, server.model))
    assert (code, err) == (0, [])
    assert (cut / "episodes.jsonl").read_bytes().startswith(before)
    assert plain(cut) == plain(whole)
    assert (cut / "scores.json").read_text() == (whole / "scores.json").read_text()


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(env, server, tmp_path):
    server.delay = 0.05
    with start(env, *probe(tmp_path, server.model)) as process:
        wait_for(process, tmp_path, 3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    (line,) = messages(err)
    assert f"{lines(tmp_path)} episodes are kept in {tmp_path}" in line
    assert "the same command goes on" in line
    server.delay = 0.0
    code, _, err = uptake(env, *probe(tmp_path, server.model))
    assert (code, err) == (0, [])
    assert len(plain(tmp_path)) == 36


def test_a_full_disk_is_one_line_and_what_was_finished_is_kept(env, server, tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))

    code, _, err = uptake(env, *probe(tmp_path, server.model), preexec_fn=little_room)
    assert code == 2
    (line,) = err
    assert "cannot write" in line
    kept = len(episodes(tmp_path))
    assert f"{kept} finished episodes are kept" in line
    assert 0 < kept < 36
    assert (tmp_path / "episodes.jsonl").read_bytes().endswith(b"\n")
    code, _, err = uptake(env, *probe(tmp_path, server.model))
    assert (code, err) == (0, [])
    assert len(plain(tmp_path)) == 36


def test_two_processes_do_not_share_a_folder(env, server, tmp_path):
    server.delay = 0.2
    with start(env, *probe(tmp_path, server.model)) as first:
        wait_for(first, tmp_path, 1)
        code, _, err = uptake(env, *probe(tmp_path, server.model))
        first.kill()
        first.communicate()
    assert code == 2
    (line,) = err
    assert f"{tmp_path} is in use by another uptake process" in line


def test_max_tokens_stops_for_certain_and_says_so(env, server, tmp_path):
    words = probe(tmp_path, server.model, "--max-tokens", 2500, "--reply-tokens", 20)
    code, out, err = uptake(env, *words, "--fail-under", "mean:full=0.9")
    assert code == 1
    assert "sharded" in out or "full" in out
    stopped, gate = err
    assert "--max-tokens 2,500" in stopped
    assert "not decided" in gate
    assert 0 < server.tokens <= 2500
    assert 0 < lines(tmp_path) < 36


def test_plan_counts_and_plays_nothing(env, server, tmp_path):
    out = tmp_path / "new"
    code, text, err = uptake(env, *probe(out, server.model, "--plan", "--price", "1,10"))
    assert (code, err) == (0, [])
    # sharded and snowball: four shards a turn each; recap one turn more.
    total = next(line.split() for line in text.splitlines() if line.startswith("all"))
    assert total[1:3] == ["36", str(6 * (1 + 1 + 4 + 5 + 4 + 4))]
    assert "$" in text
    assert "estimates" in text
    assert server.tokens == 0
    assert not out.exists()


def test_plan_says_how_many_instructions_a_width_takes(env, server, tmp_path):
    words = probe(tmp_path, server.model, "--plan", "--width", 0.05)
    code, text, err = uptake(env, *words)
    assert (code, err) == (0, [])
    assert "the instruction decides" in text
    assert uptake(env, *probe(tmp_path, server.model))[0] == 0
    text = uptake(env, *words)[1]
    assert "from 3 instructions that are played already" in text
    assert "kept of sharded" in text


def test_a_gate_that_is_missed_is_exit_code_1(env, tmp_path):
    code, _, err = uptake(
        env, *probe(tmp_path, "policy:guess", "--fail-under", "mean:full=0.99,lost.kept=0.5")
    )
    assert code == 1
    assert len(err) == 2
    assert "gate mean of full >= 0.99: it is 0.000" in err[0]
    assert "gate lost.kept of sharded >= 0.5: withheld" in err[1]


def test_show_reads_conversations_and_report_can_be_made_again(env, tmp_path):
    assert uptake(env, *probe(tmp_path, "policy:echo"))[0] == 0
    code, out, _ = uptake(env, "show", tmp_path, "--condition", "sharded", "-n", 1)
    assert code == 0
    assert "How many pens are there in all?" in out
    assert "6 episodes" in out
    (tmp_path / "scores.json").unlink()
    assert uptake(env, "report", tmp_path)[0] == 0
    assert json.loads((tmp_path / "scores.json").read_text())["rows"]


def test_rules_are_learnt_from_what_failed_over_turns_only(env, server, tmp_path):
    from uptake.experience import read_experience

    assert uptake(env, *probe(tmp_path, server.model))[0] == 0
    code, _, err = uptake(env, "distil", tmp_path)  # all of it was solved
    assert (code, len(err)) == (2, 1)
    assert "nothing to learn from" in err[0]
    told = {e.condition: [] for e in episodes(tmp_path)}
    for line in (tmp_path / "episodes.jsonl").read_text().splitlines():
        told[json.loads(line)["condition"]].append(line)
    lost = [re.sub(r'("score": ?)1.0', r"\g<1>0.0", line) for line in told["sharded"]]
    (tmp_path / "episodes.jsonl").write_text("\n".join([*told["full"], *lost, ""]))
    code, out, _ = uptake(env, "distil", tmp_path, "-o", tmp_path / "rules.json")
    learnt = read_experience(tmp_path / "rules.json")
    assert (code, learnt.contrasts) == (0, 3)
    assert all(rule.text in out for rule in learnt.rules)


def test_a_chat_can_be_typed_or_piped(env, server):
    words = ["chat", "--model", server.model, "--mediated", "--temperature", 0]
    with start(env, *words, stdin=subprocess.PIPE) as process:
        out, err = process.communicate("How many pens are there in all?\n/ground\n", timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "goal" in out


def test_a_reader_that_stops_reading_is_no_error(env, tmp_path):
    assert uptake(env, *probe(tmp_path, "policy:echo", "--conditions", "sharded"))[0] == 0
    with start(env, "show", tmp_path, "-n", 0) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, "")


BAD = {
    "budget": (["probe", "thinking", "--budgets", "low,huge"], "'huge' is none; there are: none"),
    "budgets": (["probe", "thinking", "--budgets", "low,256"], "at least two, all of one kind"),
    "thinks": (["probe", "thinking", "--budgets", "low,high"], "takes no reasoning effort"),
    "lost": (["probe", "lost", "--budgets", "low,high"], "goes with a probe that takes them"),
    "shards": (["probe", "lost", "--shards", "8-2"], "the least first, for example 2-8"),
    "shard": (["probe", "missing", "--shards", "2-8"], "goes with a probe that takes it"),
    "many": (["probe", "--shards", "2-20", "-n", "1"], "0 have 20 shards: ask for fewer shards"),
    "gated": (["probe", "--fail-under", "missing.net=1"], "the probe missing is not played here"),
    "model": (["probe", "--model", "gpt"], "unknown model 'gpt'"),
    "number": (["probe", "-n", "many"], "many"),
    "option": (["probe", "--instruction", "x"], "--instruction"),
    "command": (["prob"], "prob"),
    "gate": (["probe", "--fail-under", "kept"], "METRIC=VALUE"),
    "judge": (["probe", "--model", "policy:echo", "--judge", "policy:echo"], "has no rubric"),
    "width": (["probe", "--width", "0.05"], "--width goes with --plan"),
    "wide": (["probe", "--model", "policy:echo", "--plan", "--width", "5"], "between 0 and 1"),
    "folder": (["report", "nowhere"], "no run in nowhere"),
    "show": (["show", "nowhere"], "no run in nowhere"),
    "analyst": (["probe", "--model", "policy:echo", "--analyst", "self"], "go with --mediated"),
    "experience": (
        ["chat", "--mediated", "--model", "policy:echo", "--experience", "x.json"],
        "give --analyst",
    ),
    "rules": (["distil", "nowhere"], "no run in nowhere"),
    "file": (["probe", "--model", "policy:echo", "--out", "broken.jsonl/x"], "cannot write"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_usage_is_one_line_and_exit_code_2(env, tmp_path, name):
    words, expected = BAD[name]
    (tmp_path / "broken.jsonl").write_text("{\n")
    code, _, err = uptake(env, *words, cwd=tmp_path)
    assert code == 2
    (line,) = err
    assert line.startswith("uptake: ")
    assert expected in line


def test_settings_that_differ_are_one_line(env, tmp_path):
    assert uptake(env, *probe(tmp_path, "policy:echo"))[0] == 0
    code, _, err = uptake(env, *probe(tmp_path, "policy:echo", "--seed", 1))
    assert code == 2
    assert err == [
        f"uptake: {tmp_path} was begun with seed = 0, not 1: "
        "use the same settings to go on, or another --out"
    ]


def test_version_and_help(env):
    assert uptake(env, "--version")[1].startswith("uptake ")
    code, out, _ = uptake(env, "--help")
    assert code == 0
    assert {"probe", "report", "show"} <= set(out.split())
