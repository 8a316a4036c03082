"""What a reader of the scores must know is said before a run, and beside its scores."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from rich.console import Console

from uptake.errors import UptakeError
from uptake.instruction import Instruction, Shard
from uptake.model import Scripted
from uptake.report import terminal, write_report, write_scores
from uptake.run import finish, setup
from uptake.run.caveats import caveats
from uptake.run.record import episodes, notes
from uptake.scores import rows

TABLE = "CREATE TABLE Pet (id INT);"
SQL = "SELECT count(*) FROM Pet"


def pets(ident: str, *shards: str, **meta: str) -> Instruction:
    told = tuple(map(Shard, shards))
    return Instruction(ident, "database", f"How many pets? {TABLE}", told, SQL, meta)


PARSED = pets("a", f"Pets. {TABLE}", "How many?", schema_sql=TABLE)
TOPIC = Instruction(
    "s", "summary", "What of Elm Lane?", (Shard("What of it?"), Shard("Elm Lane.")), "- Shut. [1]",
    {"insights": [{"text": "It is shut.", "documents": [1]}]},
)  # fmt: skip
WHOLE = Instruction("w", "math", "What are 2 and 3?", (Shard("What are 2 and 3?"),), "5")
CUT = Instruction("c", "math", "What are 2 and 4?", (Shard("What?"), Shard("2 and 4.")), "6")


def test_each_caveat_is_one_line_with_its_count():
    found = caveats([PARSED, WHOLE, CUT, TOPIC])
    assert [line.partition(":")[0] for line in found] == [
        "database, 1 of 1 instructions",
        "math, 1 of 2 instructions",
        "summary, 1 of 1 instructions",
    ]
    assert "as parsed SQL" in found[0]
    assert "uptake shard FILE -o OUT" in found[1]
    assert "give one with --judge MODEL" in found[2]
    assert caveats([CUT]) == []
    assert caveats([PARSED, TOPIC], usual=False) == []


def played(out: Path, *given: Instruction, **more: object) -> None:
    async def go() -> None:
        ready = setup(
            ["lost"], instructions=given, repeats=1, controls=False,
            model=Scripted([f"```sql\n{SQL}\n```"], name="m"), **more,
        )  # fmt: skip
        await finish(ready, out, progress=False)

    asyncio.run(go())


def test_the_report_says_how_replies_were_checked(tmp_path: Path):
    played(tmp_path, PARSED, TOPIC)
    said = notes(tmp_path)
    assert len(said) == 2
    assert json.loads(write_scores(tmp_path).read_text())["notes"] == said
    assert "as parsed SQL" in write_report(tmp_path).read_text()
    with (tmp_path / "seen").open("w") as seen:
        terminal(tmp_path, console=Console(file=seen, width=400))
    assert all(line in (tmp_path / "seen").read_text() for line in said)


def test_what_cannot_be_judged_has_no_score_whatever_is_replied(tmp_path: Path):
    played(tmp_path, TOPIC)
    assert {episode.score() for episode in episodes(tmp_path)} == {None}


def test_a_judge_scores_summaries_and_what_answers_nothing_gets_0(tmp_path: Path):
    async def go() -> None:
        judge = Scripted(['{"score": 0.5, "why": "part of it"}'], name="judge")
        model = Scripted(["Which one?", "- It is shut. [1]"], name="m")
        ready = setup(
            ["lost"], instructions=[TOPIC], repeats=1, controls=False, model=model, judge=judge,
            conditions=["sharded"],
        )  # fmt: skip
        await finish(ready, tmp_path, progress=False)

    asyncio.run(go())
    (episode,) = episodes(tmp_path)
    assert [turn.score for turn in episode.turns] == [0.0, 0.5]
    assert notes(tmp_path) == []


def test_one_piece_is_told_in_full_only_and_kept_leaves_it_out(tmp_path: Path):
    async def go() -> None:
        model = Scripted(lambda talk: "5" if "3" in talk.messages[-1].text else "6", name="m")
        ready = setup(
            ["lost"], instructions=[WHOLE, CUT], repeats=1, controls=False, model=model
        )  # fmt: skip
        await finish(ready, tmp_path, progress=False)

    asyncio.run(go())
    found = episodes(tmp_path)
    assert [e.condition for e in found if e.instruction_id == "w"] == ["full"]
    kept = [row for row in rows(found) if row.metric == "kept" and row.condition == "sharded"]
    assert {row.n for row in kept} == {1}


def test_nothing_to_play_says_what_to_do():
    with pytest.raises(UptakeError, match=r"lost can tell no .* under sharded: .* uptake shard"):
        setup(["lost"], instructions=[WHOLE], model=Scripted(["5"]), conditions=["sharded"])
