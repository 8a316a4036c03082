"""The store: one behaviour over SQLite and a real PostgreSQL, and what it does when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import postgresql
import pytest
from stored import ANN, BEN, keep, turn, within

from uptake.serve.records import Amendment, Turn
from uptake.serve.store import Store, StoreError, open_store

FULL = turn(
    7,
    thread="a thread",
    surface="messages",
    arm="shadow",
    said=({"role": "user", "content": [{"type": "text", "text": "\ud800 \0 naïve 日本"}]},),
    reply={"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {}}]},
    alternatives=(("ask", "a price is missing"), ("hold", "no")),
    sent=({"role": "system", "content": "s"}, {"role": "user", "content": "u"}),
    would="\ud800 \0 would",
    changes=({"id": 1, "kind": "correction", "status": "active"},),
    topics=({"id": 0, "state": "open"},),
    note="late",
    ms=0.25,
    tokens=3,
    prompt_tokens=5,
    completion_tokens=None,
    seconds=1.5,
)


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.running() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("server").empty()
    return {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/turns.db"}[request.param]


def test_a_turn_comes_back_as_it_was(url: str):
    async def scene(store: Store) -> None:
        await keep(store, FULL, turn(8))
        assert await store.find(ANN, [FULL.key]) == FULL
        assert await store.find(ANN, [turn(8).key]) == turn(8)

    within(url, scene)


def test_a_turn_added_twice_is_there_once(url: str):
    async def scene(store: Store) -> None:
        await keep(store, turn(1), turn(1), turn(1))
        await asyncio.gather(*[store.add(turn(2, parent=1)) for _ in range(20)])
        (summary,) = await store.summaries()
        assert summary.turns == 2
        assert await store.turns("c") == [turn(1), turn(2, parent=1)]

    within(url, scene)


def test_find_takes_the_first_key_and_its_newest_turn(url: str):
    async def scene(store: Store) -> None:
        older, newer = turn(1, key=b"same"), turn(2, "d", key=b"same")
        await keep(store, newer, older, turn(3))
        assert await store.find(ANN, [b"none", b"same", turn(3).key]) == newer
        assert await store.find(ANN, [turn(3).key, b"same"]) == turn(3)
        missing = [b"missing %d" % n for n in range(200)]
        assert await store.find(ANN, [*missing, b"same", turn(3).key]) == newer
        assert await store.find(ANN, missing) is None
        assert await store.find(ANN, []) is None

    within(url, scene)


def test_nothing_is_another_tenants(url: str):
    async def scene(store: Store) -> None:
        mine = turn(1, thread="t")
        theirs = replace(mine, tenant=BEN, model="theirs")
        await keep(store, mine, theirs)
        await store.amend(Amendment("1", ANN, "t", mine.id, 1, "words", 1.0))
        assert await store.find(BEN, [mine.key]) == theirs
        assert await store.latest(BEN, "t") == theirs
        assert await store.line(BEN, mine.id) == [theirs]
        assert await store.amendments(BEN, "t") == []
        assert await store.delete(BEN, "c") == 1
        assert await store.find(BEN, [mine.key]) is None
        assert await store.find(ANN, [mine.key]) == mine
        assert len(await store.amendments(ANN, "t")) == 1

    within(url, scene)


def branched() -> list[Turn]:
    """`c` is 1, 2, 3; `d` goes on from 2 with 4, 5; `e` from 5 with 6."""
    return [
        turn(1, thread="t"),
        turn(2, parent=1, thread="t"),
        turn(3, parent=2, thread="t"),
        turn(4, "d", 2, thread="t"),
        turn(5, "d", 4, thread="t"),
        turn(6, "e", 5, thread="t"),
    ]


def numbers(turns: list[Turn]) -> list[int]:
    return [int(each.id, 16) for each in turns]


def test_a_line_goes_back_to_the_root(url: str):
    async def scene(store: Store) -> None:
        await keep(store, *branched())
        assert numbers(await store.line(ANN, turn(5).id)) == [1, 2, 4, 5]
        assert numbers(await store.turns("e")) == [1, 2, 4, 5, 6]
        assert numbers(await store.turns("c")) == [1, 2, 3]
        assert await store.line(ANN, "none") == []
        assert await store.turns("none") == []
        assert await store.children(ANN, turn(2).id) == 2
        assert await store.children(ANN, turn(6).id) == 0
        assert await store.children(BEN, turn(2).id) == 0
        assert numbers(await store.forks(ANN, [turn(n).id for n in (5, 2, 1)])) == [2, 3, 4, 6]
        assert await store.forks(BEN, [turn(2).id]) == []
        assert await store.forks(ANN, []) == []
        latest = await store.latest(ANN, "t")
        assert latest is not None
        assert latest.id == turn(6).id
        assert await store.latest(ANN, "none") is None

    within(url, scene)


def test_turns_that_go_on_from_each_other_end_a_line(url: str):
    async def scene(store: Store) -> None:
        await keep(store, turn(1, parent=2), turn(2, parent=1), turn(3, "d", parent=3))
        assert numbers(await store.line(ANN, turn(2).id)) == [1, 2]
        assert numbers(await store.line(ANN, turn(3).id)) == [3]

    within(url, scene)


def test_a_branch_outlives_what_it_hangs_on(url: str):
    async def scene(store: Store) -> None:
        await keep(store, *branched())
        assert await store.delete(ANN, "c") == 1  # turn 3: 1 and 2 are d's and e's as well
        assert await store.turns("c") == []
        assert numbers(await store.turns("d")) == [1, 2, 4, 5]
        assert await store.delete(ANN, "d") == 0  # all of it is e's
        assert numbers(await store.turns("e")) == [1, 2, 4, 5, 6]
        assert [each.conversation for each in await store.summaries()] == ["e"]
        assert await store.delete(ANN, "e") == 5
        assert await store.delete(ANN, "e") == 0
        assert await store.find(ANN, [turn(n).key for n in range(1, 7)]) is None
        assert await store.arms() == []

    within(url, scene)


def test_what_a_middle_conversation_held_goes_with_the_last_branch(url: str):
    async def scene(store: Store) -> None:
        await keep(store, *branched())
        assert await store.delete(ANN, "d") == 0
        assert await store.delete(ANN, "e") == 3  # 6, and 4 and 5 that stayed for it
        assert numbers(await store.turns("c")) == [1, 2, 3]

    within(url, scene)


def test_amendments_are_in_order_and_go_with_their_turns(url: str):
    async def scene(store: Store) -> None:
        await keep(store, *branched(), turn(9, "z", thread="z"))
        made = [
            Amendment("1", ANN, "t", turn(3).id, 1, "\ud800 \0 words", 1.0),
            Amendment("2", ANN, "t", turn(2).id, 2, None, 2.0),
            Amendment("3", ANN, "z", turn(9).id, 2, "other", 3.0),
        ]
        for each in [*reversed(made), *made]:
            await store.amend(each)
        assert await store.amendments(ANN, "t") == made[:2]
        await store.delete(ANN, "c")
        assert await store.amendments(ANN, "t") == made[1:2]
        await store.delete(ANN, "d")
        await store.delete(ANN, "e")
        assert await store.amendments(ANN, "t") == []
        assert await store.amendments(ANN, "z") == made[2:]

    within(url, scene)


def test_what_a_shadow_would_have_said_is_added_later(url: str):
    async def scene(store: Store) -> None:
        await keep(store, turn(1))
        await store.add_would(ANN, turn(1).id, "\ud800 \0")
        await store.add_would(BEN, turn(1).id, "not theirs")
        await store.add_would(ANN, "none", "nobody's")
        assert await store.find(ANN, [turn(1).key]) == turn(1, would="\ud800 \0")

    within(url, scene)


def test_old_conversations_expire_and_branches_hold_what_they_need(url: str):
    async def scene(store: Store) -> None:
        await keep(store, *branched())
        await keep(store, *[turn(100 + n, f"x{n}", at=1.0) for n in range(120)])
        assert await store.expire(4.0) == 121
        assert [each.conversation for each in await store.summaries()] == ["e", "d"]
        assert numbers(await store.turns("e")) == [1, 2, 4, 5, 6]
        assert await store.expire(100.0) == 5
        assert await store.summaries() == []

    within(url, scene)


def test_the_list_is_latest_first_and_goes_on_from_a_turn(url: str):
    async def scene(store: Store) -> None:
        await keep(store, *branched(), turn(7, "f", tenant=BEN), turn(8, "c", 3, thread="t"))
        found = await store.summaries()
        assert [each.conversation for each in found] == ["c", "f", "e", "d"]
        assert [each.turns for each in found] == [4, 1, 5, 4]
        assert [each.first for each in found] == ["question 1", "question 7", *["question 1"] * 2]
        assert [each.started for each in found] == [1.0, 7.0, 1.0, 1.0]
        assert [each.tenant for each in found] == [ANN, BEN, ANN, ANN]
        assert found[0].last == turn(8, "c", 3, thread="t")
        more = await store.summaries(before=found[1].last.id, limit=1)
        assert [each.conversation for each in more] == ["e"]

    within(url, scene)


def test_a_search_reads_ids_and_first_words(url: str):
    async def scene(store: Store) -> None:
        def asks(words: str) -> tuple[dict[str, str], ...]:
            return ({"role": "system", "content": "needle"}, {"role": "user", "content": words})

        await keep(store, turn(1, "c1", said=asks("How much is 100% of ÄPFEL_?")))
        await keep(store, turn(2, "c2", said=asks("\ud800 \0 pears"), thread="Order-17"))
        await keep(store, turn(3, "c3", said=()))

        async def found(search: str) -> list[str]:
            return [each.conversation for each in await store.summaries(search=search)]

        assert await found("äpfel") == ["c1"]
        assert await found("100%") == ["c1"]
        assert await found("L_?") == ["c1"]
        assert await found("%e%") == []
        assert await found("!") == []
        assert await found("order-17") == ["c2"]
        assert await found("PEARS") == ["c2"]
        assert await found("needle") == []
        assert await found("\ud800\0'; DROP TABLE turns; --") == []
        assert await found(" ") == ["c3", "c2", "c1"]

    within(url, scene)


def test_the_arms_of_a_roll_out_are_counted(url: str):
    async def scene(store: Store) -> None:
        wrong = ({"id": 1, "kind": "correction"},)
        doubt = ({"id": 1, "kind": "fact", "status": "pending"},)
        await keep(
            store,
            turn(1, "c", ms=1.0, seconds=2.0, prompt_tokens=10, changes=wrong),
            turn(2, "c", 1, ms=3.0, seconds=4.0, completion_tokens=5, changes=doubt),
            turn(3, "d", move="ask", state="failed"),
            turn(4, "d", arm="original", move="pass"),
            turn(5, "c", arm="original", move="pass", tenant=BEN),
        )
        mediated, original = await store.arms()
        assert (mediated.arm, mediated.conversations, mediated.turns) == ("mediated", 2, 3)
        assert (mediated.failed, mediated.repairs) == (1, 2)
        assert mediated.moves == {"answer": 2, "ask": 1}
        assert (mediated.prompt_tokens, mediated.completion_tokens) == (10, 5)
        assert mediated.ms == pytest.approx(4 / 3)
        assert mediated.seconds == pytest.approx(2.0)
        assert (original.arm, original.conversations, original.turns) == ("original", 2, 2)
        assert [each.arm for each in await store.arms(since=4.0)] == ["original"]

    within(url, scene)


def test_what_json_cannot_hold_is_refused_and_harms_no_other(url: str):
    async def scene(store: Store) -> None:
        wrong = [
            turn(1, said=({"role": "user", "content": {1, 2}},)),
            turn(2, thread="\ud800"),
        ]
        right = [turn(n, f"c{n}") for n in range(3, 13)]
        jobs = [store.add(each) for each in [*right[:5], *wrong, *right[5:]]]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(each) for each in results if each is not None] == [StoreError] * 2
        assert len(await store.summaries()) == 10

    within(url, scene)


def test_the_salt_is_the_stores_own(url: str, tmp_path):
    async def scene(store: Store) -> None:
        first = await store.salt()
        assert len(first) == 32
        assert first == await store.salt()

    within(url, scene)


def test_ready_says_that_it_can_be_written_to_and_a_closed_store_that_it_is_closed(url: str):
    async def whole() -> None:
        store = open_store(url)
        await store.ready()
        await store.aclose()
        await store.aclose()
        with pytest.raises(StoreError, match="closed"):
            await store.ready()

    asyncio.run(whole())


def test_a_file_is_read_again(tmp_path):
    path = str(tmp_path / "turns.db")
    salts: list[bytes] = []

    async def write(store: Store) -> None:
        await keep(store, turn(1))
        salts.append(await store.salt())

    async def read(store: Store) -> None:
        assert await store.turns("c") == [turn(1)]
        salts.append(await store.salt())

    within(path, write)
    within(f"sqlite:///{path}", read)
    assert salts[0] == salts[1]
