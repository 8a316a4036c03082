"""The database domain: each clause decides the result, and what a reply runs can do no harm."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uptake.conversation import thaw
from uptake.domains.database import checked_by, committed, database, instruction
from uptake.domains.database.equivalence import Unreadable, plain
from uptake.domains.database.problem import Problem, draw
from uptake.domains.database.store import Refused, agree, ask, build
from uptake.domains.database.themes import THEMES
from uptake.instruction import Instruction, Shard
from uptake.instructions import read_instructions, write_instructions, write_lic

SPLITS = st.sampled_from(("train", "heldout"))
SEEDS = st.integers(0, 10_000)


def told(seed: int, split: str) -> tuple[Problem, Instruction]:
    rng = Random(seed)
    problem = draw(rng, split)
    return problem, instruction(problem, rng, "one")


def score(one: Instruction, sql: str) -> float | None:
    return database.verify(one, f"```sql\n{sql}\n```").score


# What is generated


@given(SEEDS, SPLITS)
@settings(max_examples=40)
def test_the_gold_query_is_right_and_each_clause_decides(seed: int, split: str) -> None:
    problem, one = told(seed, split)
    assert score(one, one.answer + ";") == 1.0
    dropped = problem.dropped
    assert set(dropped) | {0} == one.needed
    for query in dropped.values():
        assert score(one, query.sql) == 0.0


@given(SEEDS, SPLITS)
@settings(max_examples=40)
def test_a_contradicted_shard_asks_for_another_result(seed: int, split: str) -> None:
    problem, one = told(seed, split)
    for i, (clause, other) in enumerate(zip(problem.query.clauses, problem.others, strict=True)):
        if other is not None and clause.kind != "remark":
            assert score(one, problem.query.changed(i, other).sql) == 0.0


@given(SEEDS, SPLITS)
@settings(max_examples=60)
def test_shards_know_what_they_state(seed: int, split: str) -> None:
    _, one = told(seed, split)
    assert 3 <= len(one.shards) <= 8
    for shard in one.shards[1:]:
        assert shard.quantity
        assert shard.value is None or shard.value in shard.text
        assert shard.contradicted != shard.text
        if shard.contradicted and shard.value:
            assert f" {shard.value} " not in f" {shard.contradicted.replace('.', ' ')} "
        assert shard.ambiguous != shard.text
    assert all("  " not in shard.text for shard in one.shards[1:])


@given(SEEDS, SPLITS)
@settings(max_examples=40)
def test_the_request_and_the_intent_tell_the_tables(seed: int, split: str) -> None:
    _, one = told(seed, split)
    for table in one.meta["schema"]["tables"]:
        for text in (one.full, one.shards[0].text):
            assert f"CREATE TABLE {table['name']} (" in text
    for shard in one.shards[1:]:
        assert "CREATE" not in shard.text
        said = (shard.value or "").removeprefix("the ").split(" of the ")[0]
        assert said in one.full


@given(SEEDS, SPLITS)
@settings(max_examples=15)
def test_instructions_are_the_same_for_the_same_seed(seed: int, split: str) -> None:
    once = database.generate(2, seed=seed, split=split)
    assert once == database.generate(2, seed=seed, split=split)
    assert once[0].id != once[1].id
    json.dumps(thaw(once[0].meta))


def test_many_surface_forms() -> None:
    made = database.generate(150, seed=11)
    assert len({one.full for one in made}) == 150
    assert len({one.answer for one in made}) > 145
    assert {one.meta["asked"] for one in made} == {"first", "last"}
    assert {one.meta["theme"] for one in made} == {theme.name for theme in THEMES["heldout"]}
    assert {one.meta["ordered"] for one in made} == {True, False}
    assert {len(one.shards) for one in made} >= set(range(3, 8))
    assert any(not shard.needed for one in made for shard in one.shards)
    for word in ("JOIN", "GROUP BY", "HAVING", "DISTINCT", "LIMIT", "NOT IN", "AVG", "COUNT"):
        assert any(word in one.answer for one in made), word


def test_splits_share_no_theme_table_of_events_name_or_wording() -> None:
    train, heldout = (THEMES[split] for split in ("train", "heldout"))
    assert not {theme.name for theme in train} & {theme.name for theme in heldout}
    assert not {theme.tables[-1].plural for theme in train} & {t.tables[-1].plural for t in heldout}
    values = [
        {v for theme in side for table in theme.tables for c in table.columns for v in c.values}
        for side in (train, heldout)
    ]
    assert not values[0] & values[1]
    said = [
        {shard.text for one in database.generate(60, split=split) for shard in one.shards[1:]}
        for split in ("train", "heldout")
    ]
    assert not said[0] & said[1]


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown split 'test'"):
        database.generate(1, split="test")


def test_a_written_instruction_is_read_back_and_still_checked(tmp_path: Path) -> None:
    made = database.generate(3, seed=5)
    write_instructions(tmp_path / "own.jsonl", made)
    write_lic(tmp_path / "lic.json", made)
    for name in ("own.jsonl", "lic.json"):
        again = read_instructions(tmp_path / name)
        assert again == made
        assert all(score(one, one.answer) == 1.0 for one in again)
        assert {checked_by(one) for one in again} == {"execution"}


# What a reply runs, on one small instruction

SCHEMA = {
    "tables": [
        {
            "name": "makers",
            "rows": 4,
            "columns": [
                {"name": "id", "kind": "id"},
                {"name": "name", "kind": "label", "values": ["Ada", "Bo", "Cy", "Di", "Ed"]},
            ],
        },
        {
            "name": "chairs",
            "rows": 30,
            "columns": [
                {"name": "id", "kind": "id"},
                {"name": "maker_id", "kind": "ref", "table": "makers", "key": "id"},
                {"name": "price", "kind": "number", "low": 1, "high": 9, "often": 5},
                {"name": "wood", "kind": "text", "values": ["oak", "ash", "elm"]},
            ],
        },
    ]
}


def chairs(answer: str, *, ordered: bool = False, **meta: object) -> Instruction:
    known = {"schema": SCHEMA, "seeds": [1, 2, 3], "ordered": ordered} | meta
    return Instruction("chairs", "database", "Chairs?", (Shard("Chairs?"),), answer, known)


PRICES = chairs(
    "SELECT name, AVG(price) FROM chairs JOIN makers ON maker_id = makers.id GROUP BY 1"
)
WOODS = chairs("SELECT wood, price FROM chairs WHERE price > 5")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT m.name, AVG(c.price) FROM makers m, chairs c WHERE c.maker_id = m.id GROUP BY m.id",
        "SELECT AVG(price) AS mean, name FROM chairs c JOIN makers m ON c.maker_id = m.id "
        "GROUP BY name ORDER BY mean DESC",
        "WITH t AS (SELECT maker_id, SUM(price) * 1.0 / COUNT(*) p FROM chairs GROUP BY maker_id) "
        "SELECT name, p FROM t JOIN makers ON t.maker_id = makers.id",
        "select name, (select avg(price) from chairs where maker_id = m.id) x from makers m "
        "where x is not null -- every maker\n;",
    ],
)
def test_any_query_with_the_same_rows_is_right(sql: str) -> None:
    assert score(PRICES, sql) == 1.0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT wood, price FROM chairs WHERE price >= 5",
        "SELECT DISTINCT wood, price FROM chairs WHERE price > 5",
        "SELECT wood, price, id FROM chairs WHERE price > 5",
        "SELECT wood FROM chairs WHERE price > 5",
        "SELECT wood, price FROM chairs WHERE price > 5 LIMIT 3",
        "SELECT wood, price || '' FROM chairs WHERE price > 5",
        "SELECT wood, price FROM chairs WHERE price > 99",
        "SELECT wood, price FROM tables_of_someone_else",
        "SELECT wood price FROM chairs WHERE",
    ],
)
def test_another_result_is_wrong(sql: str) -> None:
    assert database.verify(WOODS, sql + ";").score == 0.0


def test_the_order_of_rows_counts_only_where_it_is_asked_for() -> None:
    rising = "SELECT id FROM chairs ORDER BY price, id"
    falling = "SELECT id FROM chairs ORDER BY price DESC, id"
    assert score(chairs(rising), falling) == 1.0
    assert score(chairs(rising, ordered=True), falling) == 0.0
    assert score(chairs(rising, ordered=True), rising + " ASC") == 1.0


def test_columns_agree_in_one_order_on_all_databases() -> None:
    gold = [[(1, 2)], [(3, 4)]]
    assert agree(gold, [[(2, 1)], [(4, 3)]], ordered=False)
    assert not agree(gold, [[(1, 2)], [(4, 3)]], ordered=False)
    assert not agree(gold, [[(1, 2)], []], ordered=False)
    assert agree([[(0.1 + 0.2,)]], [[(0.3,)]], ordered=True)
    assert not agree([[(0.333,)]], [[(1 / 3,)]], ordered=True)
    assert not agree([[("1",)]], [[(1,)]], ordered=True)


DOUBLED = ", ".join(f"c{i}(x) AS (SELECT 1 FROM c{i - 1} p, c{i - 1} q)" for i in range(1, 30))
LONG = "a" * 1500


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM chairs",
        "UPDATE chairs SET price = 0",
        "DROP TABLE chairs",
        "INSERT INTO chairs SELECT * FROM chairs",
        "REPLACE INTO makers VALUES (1, 'x')",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "BEGIN",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "SELECT * FROM pragma_table_info('chairs')",
        "ATTACH 'harm.db' AS harm",
        "VACUUM INTO 'harm.db'",
        "SELECT load_extension('harm')",
        "SELECT writefile('harm.db', 'x')",
        "SELECT wood, price FROM chairs; DROP TABLE chairs",
        "WITH t AS (SELECT 1) DELETE FROM chairs",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n, n FROM r",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT MAX(n) FROM r",
        "SELECT COUNT(*) FROM chairs a, chairs b, chairs c, chairs d, chairs e, chairs f",
        "SELECT a.wood, a.price FROM chairs a, chairs b, chairs c, chairs d, chairs e ORDER BY 1",
        "SELECT randomblob(1000000000)",
        "SELECT zeroblob(2000000000)",
        "SELECT printf('%.*c', 2000000000, 'x')",
        "SELECT hex(zeroblob(1000000000))",
        f"SELECT group_concat('{LONG}') FROM chairs a, chairs b, chairs c",
        f"SELECT wood FROM chairs WHERE '{LONG}' LIKE '{'%' * 400}b'",
        f"WITH c0(x) AS (SELECT 1), {DOUBLED} SELECT * FROM c29",
        f"SELECT {'- ' * 900} 1",
        f"SELECT {'1, ' * 500} 1",
        f"SELECT '{'x' * 20_000}'",
        "SELECT ?",
        "SELECT 1 \0",
        "SELECT '\ud800'",
    ],
    ids=lambda sql: sql[:30],
)
def test_hostile_sql_scores_nothing_and_harms_nothing(
    sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert score(WOODS, sql) == 0.0
    assert list(tmp_path.iterdir()) == []
    with closing(build(SCHEMA, 1)) as db:
        before = ask(db, "SELECT * FROM chairs", 99)
        with pytest.raises(Refused):
            # A query that streams without end is bounded by what is fetched.
            ask(db, sql, 10**9)
        assert ask(db, "SELECT * FROM chairs", 99) == before


@given(st.text(max_size=200) | st.lists(st.sampled_from(
    "SELECT WITH FROM WHERE chairs price , ( ) * ; ' \" ` ``` AS x 1 UNION -- /* */ \n".split(" ")
), max_size=30).map(" ".join))  # fmt: skip
@settings(max_examples=60)
def test_no_reply_makes_the_verifier_fail(reply: str) -> None:
    for one in (WOODS, SPIDER):
        for said in (reply, f"```sql\n{reply}\n```", f"SELECT {reply}"):
            verdict = database.verify(one, said)
            assert verdict.score in (0.0, 1.0)
            assert (verdict.answer is not None) or verdict.score == 0.0


@pytest.mark.parametrize(
    "broken",
    [
        chairs("SELECT nothing FROM chairs"),
        chairs("SELECT wood FROM chairs", seeds=[]),
        chairs("SELECT wood FROM chairs", seeds=None),
        chairs("SELECT wood FROM chairs", schema={}),
        chairs("SELECT wood FROM chairs", schema={"tables": [{"name": "chairs"}]}),
        chairs("SELECT wood FROM chairs", schema={"tables": [{"name": "a b", "rows": 1, "columns": [
            {"name": "id", "kind": "id"}]}]}),
        Instruction("x", "database", "?", (Shard("?"),), "no query at all"),
    ],
)  # fmt: skip
def test_a_verifier_that_fails_gives_no_score(broken: Instruction) -> None:
    verdict = database.verify(broken, "SELECT wood FROM chairs;")
    assert (verdict.score, verdict.answer) == (None, "SELECT wood FROM chairs")


# Which SQL a reply commits to


@pytest.mark.parametrize(
    ("reply", "sql"),
    [
        ("SELECT a FROM t", "SELECT a FROM t"),
        ("select a\nfrom t;", "select a\nfrom t"),
        ("Here it is:\n\n```sql\nSELECT a FROM t;\n```\nIt shows `a`.", "SELECT a FROM t"),
        ("```\nSELECT a FROM t\n```", "SELECT a FROM t"),
        ("```SELECT a FROM t```", "SELECT a FROM t"),
        ("```sql SELECT a FROM t```", "SELECT a FROM t"),
        ("```sql\r\nSELECT a FROM t\r\n```", "SELECT a FROM t"),
        ("```sql\nSELECT a FROM t", "SELECT a FROM t"),
        ("```sql\n-- all\nSELECT a FROM t\n```", "-- all\nSELECT a FROM t"),
        ("```sql\nSELECT a FROM t\n```\nBetter:\n```sql\nSELECT b FROM t\n```", "SELECT b FROM t"),
        ("```sql\nSELECT a FROM t\n```\nIt prints\n```text\n| a |\n```", "SELECT a FROM t"),
        ("SELECT a FROM t;\n\nNo, sorry:\n\nSELECT b FROM t;\nThat is it.", "SELECT b FROM t"),
        ("The query is: SELECT a FROM t; it lists a.", "SELECT a FROM t"),
        ("Use `SELECT a FROM t` for this.", "SELECT a FROM t"),
        (
            "WITH x AS (SELECT 1) SELECT * FROM x;",
            "WITH x AS (SELECT 1) SELECT * FROM x",
        ),
        ("WITH x(n) AS (SELECT 1)\nSELECT n FROM x", "WITH x(n) AS (SELECT 1)\nSELECT n FROM x"),
        ("```sql\nDELETE FROM t;\n```", "DELETE FROM t"),
        ("DROP TABLE t;", "DROP TABLE t"),
    ],
)
def test_reads_the_sql_that_is_committed(reply: str, sql: str) -> None:
    assert committed(reply) == sql


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Which city do you mean?",
        "Select a city and I will write the query.",
        "With that, I can go on. From which table?",
        "Your tables are\n```sql\nCREATE TABLE t (\n  a TEXT\n);\n```\nWhat should I show?",
        "```python\nSELECT = 1\n```",
    ],
)
def test_commits_to_nothing(reply: str) -> None:
    assert committed(reply) is None
    verdict = database.verify(WOODS, reply)
    assert (verdict.score, verdict.answer) == (0.0, None)


# Gold queries without databases

STUDENTS = """CREATE TABLE Student (StuID INTEGER PRIMARY KEY, LName VARCHAR(12), Age INTEGER);
CREATE TABLE Has_Pet (StuID INTEGER, PetID INTEGER, FOREIGN KEY (StuID) REFERENCES Student(StuID));
"""
ROW = {
    "task_id": "spider/1",
    "task": "database",
    "fully_specified_question": "Whose pet is number 3, of those over 20?",
    "reference_sql": "SELECT T1.LName FROM Student AS T1 JOIN Has_Pet AS T2 "
    "ON T1.StuID = T2.StuID WHERE T1.Age > 20 AND T2.PetID = 3",
    "schema_sql": STUDENTS,
    "db_id": "pets",
    "shards": [
        {"shard_id": 1, "shard": "whose pet is it"},
        {"shard_id": 2, "shard": "the pet is number 3"},
        {"shard_id": 3, "shard": "only those over 20"},
    ],
}
SPIDER = Instruction(
    "spider", "database", "?", (Shard("?"),), ROW["reference_sql"], {"schema_sql": STUDENTS}
)
EQUAL = (
    (
        ROW["reference_sql"],
        'SELECT "LName" FROM has_pet h INNER JOIN student s ON h.stuid = s.stuid\n'
        "WHERE (h.petid = 3) AND 20 < s.age;",
        "SELECT student.lname AS who FROM student, has_pet "
        "WHERE has_pet.stuid = student.stuid AND petid = 3 AND student.age > 20 -- done",
    ),
    (
        "SELECT COUNT(*) FROM Student",
        "select count(*) from `student`",
        "SELECT count(*) n FROM student",
    ),
    (
        'SELECT LName FROM Student WHERE LName = "Kim" OR Age <> 20',
        "SELECT s.LName FROM Student s WHERE 20 != s.Age OR s.LName = 'Kim'",
    ),
    (
        "SELECT Age, COUNT(*) FROM Student GROUP BY Age ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT s.age, COUNT(*) AS n FROM student AS s GROUP BY s.age ORDER BY n DESC LIMIT 1",
    ),
    (
        "SELECT LName FROM Student WHERE StuID NOT IN (SELECT StuID FROM Has_Pet)",
        "SELECT LName FROM Student s WHERE NOT s.StuID IN (SELECT h.StuID FROM Has_Pet h)",
    ),
    (
        "SELECT LName FROM Student WHERE Age BETWEEN 20 AND 30 ORDER BY Age",
        "SELECT LName FROM Student WHERE Age <= 30 AND Age >= 20 ORDER BY Age ASC",
    ),
    ("SELECT Age FROM Student WHERE Age IN (1, 2)", "SELECT Age FROM Student WHERE Age IN (2, 1)"),
    (
        "SELECT A.LName FROM Student A JOIN Student B ON A.Age = B.StuID",
        "SELECT x.LName FROM Student AS x JOIN Student AS y ON y.StuID = x.Age",
    ),
    (
        "SELECT LName FROM Student UNION SELECT PetID FROM Has_Pet",
        "SELECT s.lname FROM student s UNION SELECT petid FROM has_pet",
    ),
)
UNEQUAL = (
    "SELECT LName, Age FROM Student",
    "SELECT Age, LName FROM Student",
    "SELECT DISTINCT LName, Age FROM Student",
    "SELECT LName, Age FROM Student ORDER BY Age",
    "SELECT LName, Age FROM Student ORDER BY Age DESC",
    "SELECT LName, Age FROM Student WHERE Age > 3",
    "SELECT LName, Age FROM Student WHERE Age >= 3",
    "SELECT LName, Age FROM Student WHERE Age < 3",
    "SELECT LName, Age FROM Student WHERE LName = 'Kim'",
    "SELECT LName, Age FROM Student WHERE LName = 'kim'",
    "SELECT LName, Age FROM Student WHERE Age = 1 AND (Age = 2 OR Age = 3)",
    "SELECT LName, Age FROM Student WHERE (Age = 1 AND Age = 2) OR Age = 3",
    "SELECT Age - (StuID - 1) FROM Student",
    "SELECT Age - StuID - 1 FROM Student",
    "SELECT MAX(Age) FROM Student",
    "SELECT MIN(Age) FROM Student",
    "SELECT a.LName FROM Student a JOIN Student b ON a.Age = b.StuID",
    "SELECT b.LName FROM Student a JOIN Student b ON a.Age = b.StuID",
    "SELECT LName FROM Student JOIN Has_Pet ON Student.StuID = Has_Pet.StuID",
    "SELECT LName FROM Student LEFT JOIN Has_Pet ON Student.StuID = Has_Pet.StuID",
)


@pytest.mark.parametrize("same", EQUAL)
def test_spellings_of_one_query_are_equal_as_parsed(same: tuple[str, ...]) -> None:
    for one, other in pairwise(same):
        assert plain(one, STUDENTS) == plain(other, STUDENTS)
        assert score(replace(SPIDER, answer=one), other) == 1.0


def test_different_queries_are_not_equal_as_parsed() -> None:
    assert len({plain(sql, STUDENTS) for sql in UNEQUAL}) == len(UNEQUAL)


@pytest.mark.parametrize("sql", ["", "SELECT 1; SELECT 2", "DELETE FROM t", "SELECT (", "SELECT '"])
def test_what_is_not_one_query_is_unreadable(sql: str) -> None:
    with pytest.raises(Unreadable):
        plain(sql)


def test_rows_of_lost_in_conversation_are_checked_as_parsed_and_say_so(tmp_path: Path) -> None:
    (tmp_path / "lic.json").write_text(json.dumps([ROW]))
    (one,) = read_instructions(tmp_path / "lic.json")
    assert one.domain == "database"
    assert one.answer == ROW["reference_sql"]
    assert "CREATE TABLE Has_Pet" in one.full
    assert "CREATE TABLE Has_Pet" in one.shards[0].text
    assert [shard.text for shard in one.shards[1:]] == ["the pet is number 3", "only those over 20"]
    assert one.meta["db_id"] == "pets"
    assert one.meta["checked_by"] == checked_by(one) == "parsed SQL"
    assert "as parsed SQL" in (database.caveat(one) or "")
    assert score(one, EQUAL[0][1]) == 1.0
    assert score(one, "SELECT LName FROM Student") == 0.0
    assert score(one, "DROP TABLE Student") == 0.0
    write_lic(tmp_path / "again.json", [one])
    assert read_instructions(tmp_path / "again.json") == [one]
