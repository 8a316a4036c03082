"""The audit as a scanner of Scout: found by its name, over logs, with the same findings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    get_model,
)
from inspect_ai.solver import solver
from inspect_scout import Result, scan, scan_results_df, transcripts_from

from uptake.audit import audit
from uptake.bridges.scout import breakdowns
from uptake.conversation import Conversation, Message

BIN = Path(sys.executable).parent
KINDS = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
TALKS = {
    "misread": [
        ("system", "Be brief."),
        ("user", "Tell me about Java."),
        ("assistant", "Java is a programming language."),
        ("user", "No, I meant the island."),
        ("assistant", "Java is an island of Indonesia."),
    ],
    "sound": [
        ("user", "How much are 3 pears?"),
        ("assistant", "They are 4 euros."),
        ("user", "Thanks!"),
        ("assistant", "You are welcome."),
    ],
    "silent": [("user", "Hello?")],
}


def conversation(name):
    return Conversation(tuple(Message(role, text) for role, text in TALKS[name]))


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """An Inspect log whose samples hold these talks."""
    folder = tmp_path_factory.mktemp("logs")

    @solver
    def replays():
        async def solve(state, generate):
            said = TALKS[state.sample_id]
            state.messages = [KINDS[role](content=text) for role, text in said]
            return state

        return solve

    samples = [Sample(id=name, input="-") for name in TALKS]
    task = Task(MemoryDataset(samples), solver=replays(), name="talks")
    done = run_eval(task, model=get_model("mockllm/m"), log_dir=str(folder), display="none")
    assert done[0].status == "success"
    return folder


def by_sample(location):
    """The rows of a scan, by the sample they are of."""
    table = scan_results_df(str(location)).scanners["breakdowns"]
    return {row["transcript_task_id"]: row for row in table.to_dict("records")}


def check(rows):
    assert set(rows) == set(TALKS)
    for name in ("misread", "sound"):
        found = audit(conversation(name))
        row = rows[name]
        assert str(row["value"]).lower() == str(found.first is not None).lower()
        assert row["answer"] == ("none" if found.first is None else found.first.cause)
        told = json.loads(row["metadata"])
        assert [each["at"] for each in told["breakdowns"]] == sorted(found.broken)
        assert [each["kind"] for each in told["repairs"]] == [r.kind for r in found.repairs]
    assert rows["misread"]["answer"] == "misread"
    assert rows["misread"]["explanation"] == "[M3] misread: No, I meant the island."
    assert rows["sound"]["explanation"] == "no breakdown was found"
    assert rows["silent"]["explanation"] == "no reply of an assistant"


def test_a_scan_of_a_log_finds_what_the_audit_finds_and_points_at_the_reply(logs, tmp_path):
    status = scan(
        [breakdowns()],
        transcripts_from(str(logs)),
        scans=str(tmp_path / "scans"),
        display="none",
        max_processes=1,
    )
    assert status.complete
    rows = by_sample(status.location)
    check(rows)
    (reference,) = json.loads(rows["misread"]["message_references"])
    assert (reference["type"], reference["cite"]) == ("message", "[M3]")
    assert json.loads(rows["sound"]["message_references"]) == []


def test_scouts_command_finds_it_by_its_name(logs, tmp_path):
    scans = tmp_path / "scans"
    words = ["uptake/breakdowns", "-T", str(logs), "--scans", str(scans), "--display", "none"]
    done = subprocess.run(
        [BIN / "scout", "scan", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (location,) = scans.iterdir()
    check(by_sample(location))


async def scanned(messages) -> Result:
    from inspect_scout import Transcript

    return await breakdowns()(Transcript(transcript_id="t", messages=messages))


def test_a_transcript_of_no_messages_has_no_value():
    import asyncio

    assert asyncio.run(scanned([])).value is None
