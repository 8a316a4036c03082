"""The store against a plain dict, and tenants whose every step may come between another's."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from stored import ANN, BEN, PATIENT, turn

from uptake.serve.records import Amendment, Turn
from uptake.serve.store import Store, open_store

CID = "c" * 32


# 10,000 interleavings, 50 at a time on one store. All tenants use the same ids, keys, threads and
# conversations.


async def step(store: Store, tenant: str, chance: random.Random) -> list[Turn | Amendment | None]:
    """One thing that a tenant does; what the store told it. Its turns name it as their model."""
    number = chance.randrange(6)
    thread = f"t{number % 2}"
    mine = turn(number, f"c{number % 3}", chance.randrange(6), thread=thread)
    mine = replace(mine, tenant=tenant, model=tenant, key=b"key %d" % (number % 3))
    match chance.randrange(10):
        case 0 | 1 | 2:
            await store.add(mine)
        case 3:
            await store.add_would(tenant, mine.id, tenant)
        case 4:
            words = Amendment(f"{number}", tenant, thread, mine.id, 1, tenant, 1.0)
            await store.amend(words)
        case 5:
            return [await store.find(tenant, [b"none", mine.key][chance.randrange(2) :])]
        case 6:
            return [await store.latest(tenant, thread)]
        case 7:
            return list(await store.line(tenant, mine.id))
        case 8:
            return list(await store.amendments(tenant, thread))
        case _:
            await store.delete(tenant, mine.conversation)
    return []


async def interleaved(store: Store, seed: int) -> None:
    """Three tenants at once, each stopping now and then, in an order that chance decides."""
    chance = random.Random(seed)

    async def live(tenant: str) -> None:
        for _ in range(chance.randrange(1, 5)):
            for _ in range(chance.randrange(2)):
                await asyncio.sleep(0)
            for told in await step(store, tenant, chance):
                if isinstance(told, Turn):
                    assert told.tenant == told.model == tenant
                    assert told.would in (None, tenant)
                elif told is not None:
                    assert told.tenant == told.words == tenant

    await asyncio.gather(live(ANN), live(BEN), live(CID))


def test_no_interleaving_shows_a_tenant_what_is_anothers():
    with asyncio.Runner() as runner:
        store = runner.run(opened())

        async def at_once(seed: int) -> None:
            await asyncio.gather(*[interleaved(store, seed + n) for n in range(50)])

        @settings(max_examples=200)
        @given(st.integers(0, 2**32))
        def all_orders(seed: int) -> None:
            runner.run(at_once(seed))

        all_orders()
        runner.run(store.aclose())


async def opened() -> Store:
    return open_store("memory:", deadline=PATIENT)


# A model: turns in a dict, and the conversations that are listed.

TENANTS = st.sampled_from([ANN, BEN])
NUMBERS = st.integers(1, 6)
THREADS = {"c": None, "d": "t", "e": "t"}
CONVERSATIONS = st.sampled_from(list(THREADS))


class AgainstADict(RuleBasedStateMachine):
    """What is deleted stays only as far as a listed conversation's turns go back to it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.runner.run(opened())
        self.turns: dict[tuple[str, str], Turn] = {}
        self.listed: dict[tuple[str, str], list[Turn]] = {}
        self.amended: dict[tuple[str, str], Amendment] = {}

    def teardown(self) -> None:
        self.runner.run(self.store.aclose())
        self.runner.close()

    @rule(
        tenant=TENANTS,
        number=NUMBERS,
        back=st.integers(0, 2),
        conversation=CONVERSATIONS,
        key=st.integers(0, 3),
    )
    def add(self, tenant, number, back, conversation, key):
        parent = None if back == 0 else number - back
        made = turn(number, conversation, parent, thread=THREADS[conversation], key=b"%d" % key)
        made = replace(made, tenant=tenant)
        self.runner.run(self.store.add(made))
        if (tenant, made.id) not in self.turns:
            self.turns[tenant, made.id] = made
            self.listed.setdefault((tenant, conversation), []).append(made)

    @rule(tenant=TENANTS, number=NUMBERS, after=NUMBERS)
    def amend(self, tenant, number, after):
        if "t" not in self.threads(tenant):
            return
        made = Amendment(f"{number:04}", tenant, "t", turn(after).id, 1, f"{after}", 1.0)
        self.runner.run(self.store.amend(made))
        self.amended.setdefault((tenant, made.id), made)

    @rule(tenant=TENANTS, conversation=CONVERSATIONS)
    def delete(self, tenant, conversation):
        went = self.runner.run(self.store.delete(tenant, conversation))
        assert went == self.forget([(tenant, conversation)])

    @precondition(lambda self: self.turns)
    @rule(before=NUMBERS)
    def expire(self, before):
        newest = {each: max(turn.at for turn in had) for each, had in self.listed.items()}
        old = [each for each, at in newest.items() if at < before]
        went = self.runner.run(self.store.expire(float(before)))
        assert went == self.forget(sorted(old, key=lambda each: newest[each]))

    def forget(self, conversations: list[tuple[str, str]]) -> int:
        gone: list[Turn] = []
        for tenant, conversation in conversations:
            if self.listed.pop((tenant, conversation), None) is not None:
                gone += self.sweep(tenant)
        return len(gone)

    def sweep(self, tenant: str) -> list[Turn]:
        """Drop what no listed conversation needs."""
        needed: set[str] = set()
        for each in self.turns.values():
            if each.tenant == tenant and (tenant, each.conversation) in self.listed:
                needed |= {older.id for older in self.line(tenant, each.id)}
        gone = [t for t in self.turns.values() if t.tenant == tenant and t.id not in needed]
        for each in gone:
            del self.turns[tenant, each.id]
        after = {(each.thread, each.id) for each in gone}
        left = self.threads(tenant)
        self.amended = {
            key: each
            for key, each in self.amended.items()
            if each.tenant != tenant
            or ((each.thread, each.after) not in after and each.thread in left)
        }
        return gone

    def threads(self, tenant: str) -> set[str | None]:
        return {THREADS[conversation] for owner, conversation in self.listed if owner == tenant}

    def line(self, tenant: str, number: str | None) -> list[Turn]:
        found: list[Turn] = []
        while number is not None and (each := self.turns.get((tenant, number))) is not None:
            found.insert(0, each)
            number = each.parent
        return found

    def own(self, tenant: str) -> list[Turn]:
        return sorted((t for t in self.turns.values() if t.tenant == tenant), key=lambda t: t.id)

    @rule(tenant=TENANTS, keys=st.lists(st.integers(0, 5), max_size=3))
    def find(self, tenant, keys):
        wanted = [b"%d" % key for key in keys]
        found = self.runner.run(self.store.find(tenant, wanted))
        every = [each for key in wanted for each in self.own(tenant)[::-1] if each.key == key]
        assert found == (every[0] if every else None)

    @rule(tenant=TENANTS, number=NUMBERS)
    def lines(self, tenant, number):
        wanted = turn(number).id
        assert self.runner.run(self.store.line(tenant, wanted)) == self.line(tenant, wanted)
        children = [each for each in self.own(tenant) if each.parent == wanted]
        assert self.runner.run(self.store.children(tenant, wanted)) == len(children)

    @invariant()
    def each_thread_is_its_tenants(self):
        for tenant in (ANN, BEN):
            own = [each for each in self.own(tenant) if each.thread == "t"]
            found = self.runner.run(self.store.latest(tenant, "t"))
            assert found == (own[-1] if own else None)
            amended = [each for each in self.amended.values() if each.tenant == tenant]
            told = self.runner.run(self.store.amendments(tenant, "t"))
            assert told == sorted(amended, key=lambda each: each.id)

    @invariant()
    def the_list_is_what_is_listed(self):
        shown = self.runner.run(self.store.summaries())
        last = {each: max(had, key=lambda t: t.id) for each, had in self.listed.items()}
        assert {(each.tenant, each.conversation): each.last for each in shown} == last
        assert sum(each.turns for each in self.runner.run(self.store.arms())) == len(self.turns)


AgainstADict.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
TestAgainstADict = AgainstADict.TestCase
