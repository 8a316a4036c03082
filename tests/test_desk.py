"""What is known of a conversation: the turn before, the ledger, and nobody else's."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from uptake.analyst import ledger
from uptake.conversation import Conversation
from uptake.model import Sampling
from uptake.moves import Request
from uptake.serve.amending import TAKEN_BACK, amend, heard, without
from uptake.serve.arms import choose
from uptake.serve.desk import REMEMBERED, Desk
from uptake.serve.keeping import turn
from uptake.serve.plan import Plan
from uptake.serve.records import Amendment, new_id
from uptake.serve.store import open_store
from uptake.serve.surfaces import Asked, Heard

SAID = (
    "How many apples does Ann have in the end?",
    "Ann has 12 apples at first.",
    "Ann gives 4 apples to Ben.",
    "Sorry, I meant Ann has 15 apples at first.",
    "Thanks!",
    "Forget the apples that Ben gets.",
)
REPLIES = ("Probably 5.", "Then 12.", "All right.")


def asked(*messages):
    """A request whose messages are the user's and the assistant's in turn."""
    roles = ("user", "assistant")
    dicts = [{"role": roles[place % 2], "content": words} for place, words in enumerate(messages)]
    return Asked(Conversation.from_dicts(dicts), Request(), "m", False, Sampling())


async def take(desk, request, tenant, thread=None, reply="All right."):
    """One request, answered and kept."""
    case = await desk.case(request, tenant, thread, mediated=True)
    plan = Plan(b"", "pass", "", case=case, asked=request)
    kept = turn(
        plan,
        case,
        "chat",
        Heard({"role": "assistant", "content": reply}, "stop", None),
        "finished",
        0.0,
    )
    await desk.close(case, kept)
    return case, kept


def amendment(entry, words=None, after="t", thread="c"):
    return Amendment(new_id(), "t", thread, after, entry, words, 0.0)


def test_ten_thousand_requests_of_tenants_in_any_order_never_see_each_others():
    chance = random.Random(7)

    async def scene():
        desk = Desk(open_store("memory:"))
        talks = {}  # (tenant, thread) → what was said there so far
        turns = {}  # turn id → tenant
        conversations = {}
        for _ in range(10_000):
            tenant = chance.choice("abcd")
            place = (tenant, chance.choice((None, "x", "y")))
            said = talks.setdefault(place, [])
            if len(said) > 8 or chance.random() < 0.1:
                said.clear()
            elif said and chance.random() < 0.15:  # an edit: what came after it is gone
                del said[2 * chance.randrange(len(said) // 2) :]
            said.append(chance.choice(SAID))
            reply = chance.choice(REPLIES)
            case, kept = await take(desk, asked(*said), *place, reply=reply)
            assert case.parent is None or turns[case.parent] == tenant
            assert conversations.setdefault(case.conversation, tenant) == tenant
            assert case.now == ledger(said[::2], [None, *said[1::2]])
            turns[kept.id] = tenant
            said.append(reply)

    asyncio.run(scene())


def test_the_ledger_is_the_same_from_memory_and_after_a_restart(tmp_path):
    async def scene():
        said = []
        store = open_store(str(tmp_path / "turns.db"))
        for place, words in enumerate(SAID):
            said.append(words)
            warm, _ = await take(Desk(store), asked(*said), "t")
            again = await Desk(store).case(asked(*said), "t", None, mediated=True)
            assert again.now == warm.now
            assert (again.parent is None) == (place == 0)
            said.append("All right.")
        await store.aclose()

    asyncio.run(scene())


def test_a_second_try_and_an_edit_are_branches():
    async def scene():
        desk = Desk(open_store("memory:"))
        _, first = await take(desk, asked(SAID[0]), "t", reply="5.")
        _, second = await take(desk, asked(SAID[0], "5.", SAID[1]), "t")
        _, again = await take(desk, asked(SAID[0], "5.", SAID[1]), "t")
        _, edited = await take(desk, asked(SAID[0], "5.", SAID[2]), "t")
        assert {second.parent, again.parent, edited.parent} == {first.id}
        assert second.conversation == first.conversation
        assert len({first.conversation, again.conversation, edited.conversation}) == 3

    asyncio.run(scene())


def test_a_shortened_history_fits_its_thread_and_nothing_else():
    async def scene():
        desk = Desk(open_store("memory:"))
        said = []
        for words in SAID[:3]:
            said.append(words)
            await take(desk, asked(*said), "t", "c")
            said.append("All right.")
        cut, _ = await take(desk, asked(*said[2:], SAID[3]), "t", "c")
        assert cut.now == ledger(SAID[:4], [None, *["All right."] * 3])
        assert [message.text for message in cut.said] == [SAID[3]]
        strange, _ = await take(desk, asked("Something else.", "Yes?", SAID[3]), "t", "c")
        assert (strange.parent, strange.now.turns) == (None, ("Something else.", SAID[3]))
        other, _ = await take(desk, asked(*said[2:], SAID[3]), "t", "another")
        assert other.now.turns == (SAID[1], SAID[2], SAID[3])

    asyncio.run(scene())


def test_what_a_thread_has_put_right_holds_there_on_that_line_only():
    async def scene():
        store = open_store("memory:")
        desk = Desk(store)
        await take(desk, asked(SAID[0]), "t", "c", "5.")
        _, two = await take(desk, asked(SAID[0], "5.", SAID[1]), "t", "c", "12.")
        await store.amend(
            Amendment(new_id(), "t", "c", two.id, 1, "Ann has 20 apples at first.", 0.0)
        )
        whole = (SAID[0], "5.", SAID[1], "12.", SAID[2])
        case, _ = await take(desk, asked(*whole), "t", "c")
        assert case.mediation.move.name in ("answer", "repair")
        (sent,) = case.mediation.sent
        assert "20 apples" in sent.text
        assert "12" not in sent.text
        edited, _ = await take(
            desk, asked(SAID[0], "5.", SAID[3]), "t", "c"
        )  # before it was put right
        assert "20" not in str(edited.now)
        for tenant, thread in (("t", None), ("t", "d"), ("u", "c")):
            other, _ = await take(desk, asked(*whole), tenant, thread)
            assert "20" not in str(other.now)

    asyncio.run(scene())


def test_what_is_not_mediated_is_read_all_the_same():
    async def scene():
        desk = Desk(open_store("memory:"))
        request = asked(SAID[0], "5.", SAID[1], "12.", SAID[3])
        case = await desk.case(request, "t", None, mediated=False)
        assert (case.mediation, case.now) == (
            None,
            ledger(SAID[:2] + SAID[3:4], [None, "5.", "12."]),
        )

    asyncio.run(scene())


def test_memory_is_bounded():
    async def scene():
        desk = Desk(open_store("memory:"))
        for number in range(REMEMBERED + 50):
            await take(desk, asked(f"Hello {number}"), "t")
        assert len(desk._memory) == REMEMBERED

    asyncio.run(scene())


@given(st.lists(st.sampled_from(SAID), min_size=1, max_size=6), st.integers(0, 8), st.booleans())
def test_an_amendment_changes_one_entry_and_what_stays_is_verbatim(said, entry, words):
    ground = ledger(said)
    text = "Ann has 99 apples." if words else None
    now = amend(ground, amendment(entry, text))
    held = entry < len(ground.entries) and ground.entries[entry].status in ("active", "pending")
    if not held:
        assert now is ground
        return
    assert len(now.entries) == len(ground.entries) + 1
    assert now.entries[entry].status == ("superseded" if words else "withdrawn")
    assert now.turns[-1] == (text or TAKEN_BACK)
    for before, after in zip(ground.entries, now.entries, strict=False):
        assert before.id == entry or before == after
    for each in now.entries:
        assert now.turns[each.span.turn][each.span.start : each.span.end] == each.text


@given(
    st.lists(st.sampled_from(SAID), min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 4)
)
def test_hearing_on_from_a_ledger_is_hearing_it_all(said, start, entry):
    messages = []
    for words in said:
        messages += [
            {"role": "user", "content": words},
            {"role": "assistant", "content": "All right."},
        ]
    whole = Conversation.from_dicts(messages).messages
    start = min(start, len(said)) * 2
    before, _ = heard(whole[:start])
    assert heard(whole, before=(before, start))[0] == heard(whole)[0]
    made = {1: [amendment(entry, "Other words.")]}
    ground, shown = heard(whole, made)
    added = [message for message in shown if not any(message is each for each in whole)]
    assert len(added) == len(ground.turns) - len(said)
    assert without(Conversation(shown), added) == Conversation(whole)


@given(st.floats(0, 1), st.integers(0, 2**64 - 1))
def test_an_arm_is_the_conversations_own(share, number):
    root = number.to_bytes(8, "big") * 2
    arm = choose("mediate", share, lambda: root)
    assert arm == choose("mediate", share, lambda: root)
    assert arm in ("mediated", "original")
    if arm == "mediated" and share < 1:
        assert choose("mediate", min(1.0, share * 1.5), lambda: root) == "mediated"
    assert choose("original", share, lambda: root) == "original"
    assert choose("mediate", share, lambda: root, "shadow") == "shadow"
    assert choose("shadow", 1.0, lambda: root, "nonsense") == "shadow"
