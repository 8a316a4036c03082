"""The dashboard: what it folds and tells, whom it lets in, and what a browser makes of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import replace

import pytest
from dashboards import TOKEN, kept, opened, site, visiting
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from starlette.testclient import TestClient
from stored import ANN, turn

from uptake.analyst import ledger
from uptake.errors import UptakeError
from uptake.ground import CommonGround
from uptake.serve.dashboard import Feed, create_dashboard
from uptake.serve.dashboard.arms import plots
from uptake.serve.dashboard.feed import ANY
from uptake.serve.dashboard.guard import COOKIE, POLICY, Attempts
from uptake.serve.dashboard.ledger import fold, rewording
from uptake.serve.records import ArmCount
from uptake.serve.store import open_store

SAID = (
    "Book a table for 5 on Monday.",
    "It should be quiet.",
    "Sorry, I meant 7.",
    "Forget that it should be quiet.",
    "Actually, make that Tuesday. Thanks!",
)


def told(said=SAID, **more):
    """A line of turns whose ledger is the analyst's."""
    turns, before = [], CommonGround()
    for place in range(len(said)):
        ground = ledger(said[: place + 1])
        data = {"said": ({"role": "user", "content": said[place]},), **kept(ground, before), **more}
        turns.append(turn(place + 1, parent=place or None, **data))
        before = ground
    return turns


# The ledger, folded.


@pytest.mark.parametrize("upto", range(1, len(SAID) + 1))
def test_what_holds_is_what_the_ledger_has_standing(upto):
    ground = ledger(SAID[:upto])
    stand = fold(told(SAID[:upto]))[-1]
    assert [line.wording for line in stand.holding] == [*map(ground.wording, ground.standing())]
    assert {line.id for line in stand.ended} == {e.id for e in ground.entries if e.by is not None}


def test_each_turn_says_what_it_did():
    did = [[(c.how, c.line.wording) for c in stand.changes] for stand in fold(told())]
    assert did[0] == [("added", "Book a table for 5 on Monday.")]
    assert ("reworded", "Book a table for 7 on Monday.") in did[2]
    assert ("withdrawn", "It should be quiet.") in did[3]
    assert ("reworded", "Book a table for 7 on Tuesday.") in did[4]


def entries():
    return st.fixed_dictionaries(
        {
            "id": st.integers(0, 5),
            "text": st.text(max_size=8),
            "wording": st.text(max_size=8),
            "kind": st.sampled_from(["fact", "goal", "correction", "social"]),
            "status": st.sampled_from(["active", "superseded", "withdrawn", "pending"]),
            "by": st.none() | st.integers(0, 5),
        }
    )


@given(st.lists(st.lists(entries(), max_size=4, unique_by=lambda e: e["id"]), max_size=6))
def test_the_last_word_on_an_entry_stands_and_nothing_is_forgotten(turns):
    line = [turn(i + 1, changes=tuple(changes)) for i, changes in enumerate(turns)]
    stands = fold(line)
    assert len(stands) == len(line)
    last = {}
    for stand, changes in zip(stands, turns, strict=True):
        last |= {entry["id"]: entry for entry in changes}
        assert {each.id: (each.wording, each.status) for each in stand.lines} == {
            number: (entry["wording"], entry["status"]) for number, entry in last.items()
        }
        assert {change.line.id for change in stand.changes} == {entry["id"] for entry in changes}
        assert not {each.id for each in stand.untouched} & {entry["id"] for entry in changes}


@given(st.text(alphabet="ab 1.\n", max_size=30), st.text(alphabet="ab 1.\n", max_size=30))
def test_a_rewording_holds_both_wordings(old, new):
    runs = rewording(old, new)
    assert "".join(run for kind, run in runs if kind != "in") == old
    assert "".join(run for kind, run in runs if kind != "out") == new


def test_topics_are_opened_set_aside_returned_to_and_closed():
    states = ([(0, "open")], [(0, "suspended"), (1, "open")], [(0, "open"), (1, "cancelled")])
    line = [
        turn(i + 1, topics=tuple({"id": topic, "state": state} for topic, state in each))
        for i, each in enumerate(states)
    ]
    assert [[(t.id, t.how) for t in stand.topics] for stand in fold(line)] == [
        [(0, "opened")],
        [(0, "set aside"), (1, "opened")],
        [(0, "returned to"), (1, "closed")],
    ]


# The feed, and the plots.


def test_an_ear_hears_each_change_once_and_no_more_than_it_can_hold():
    async def scene():
        feed = Feed(most=3)
        feed.tell("before anyone listened")
        with feed.listen() as ear:
            for each in ("a", "b", "a"):
                feed.tell(each)
            assert [await anext(ear), await anext(ear)] == ["a", "b"]
            for number in range(10):
                feed.tell(str(number))
            assert await anext(ear) == ANY
            waiting = asyncio.ensure_future(anext(ear))
            await asyncio.sleep(0)
            assert not waiting.done()
            feed.tell("c")
            assert await waiting == "c"
            feed.close()
            assert [each async for each in ear] == []
        with feed.listen() as late:
            assert [each async for each in late] == []

    asyncio.run(scene())


def test_a_plot_has_an_interval_that_counts_conversations():
    def arm(name, conversations, turns, repairs):
        return ArmCount(name, conversations, turns, 0, repairs, {}, 0, 0, 1.0, 1.0)

    repairs, failed = plots([arm("mediated", 10, 100, 20), arm("original", 0, 0, 0)])
    (bar,) = repairs.bars
    assert (bar.arm, bar.share, bar.of) == ("mediated", 0.2, 10)
    assert (round(bar.low, 2), round(bar.high, 2)) == (0.06, 0.51)  # Wilson, 2 of 10
    assert 0 <= bar.left < bar.at < bar.right <= 100
    assert failed.bars[0].share == 0
    assert failed.bars[0].high > 0.2
    assert plots([arm("original", 9, 9, 0)])[0].bars == ()  # not read, so nothing is known
    assert plots([])[0].bars == ()


# Who may look.


@pytest.fixture
def client():
    with contextlib.ExitStack() as stack:
        store = open_store("memory:")
        stack.callback(lambda: asyncio.run(store.aclose()))
        for each in told(thread="kitchen"):
            asyncio.run(store.add(each))
        made = TestClient(site(store, replay=_echo), follow_redirects=False)
        made.store = store
        yield made


async def _echo(turn, line):
    for piece in ("bare ", turn.said[0]["content"], f" after {len(line)}"):
        yield piece


def login(client, token=TOKEN):
    return client.post("/dashboard/login", data={"token": token})


def stamp(client, path="/dashboard/c/c"):
    return client.get(path).text.partition('name="stamp" value="')[2].partition('"')[0]


def test_everything_but_the_login_leads_to_the_login(client):
    for path in ("/", "/arms", "/live", "/c/c", "/c/c/after?turn=1", "/nowhere", "/c/c/x/y"):
        answer = client.get(f"/dashboard{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/login"), path
    for path in ("/logout", "/c/c/amend", "/c/c/delete", "/c/c/replay"):
        assert client.post(f"/dashboard{path}", data={}).status_code == 303
    assert len(asyncio.run(client.store.turns("c"))) == len(SAID)
    asked = client.get("/dashboard/", headers={"hx-request": "true"})
    assert (asked.status_code, asked.headers["hx-redirect"]) == (401, "/dashboard/login")
    assert client.get("/dashboard/live", headers={"accept": "text/event-stream"}).status_code == 401


def test_the_token_opens_and_nothing_else_does(client):
    for wrong in ("", "wrong", TOKEN[:-1], TOKEN + "x"):
        assert login(client, wrong).status_code == 403
    cookie = login(client).headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/dashboard"):
        assert part in cookie
    assert client.get("/dashboard/").status_code == 200
    client.post("/dashboard/logout", data={"stamp": stamp(client)})
    assert client.get("/dashboard/").status_code == 303


def test_a_cookie_that_is_forged_changed_or_old_is_none(client, monkeypatch):
    login(client)
    good = client.cookies[COOKIE]
    other = URLSafeTimedSerializer("another token altogether", salt="session").dumps("me")
    for bad in (other, good[:-2] + "xx", "x" + good, "", "..", "\x7f"):
        client.cookies.clear()
        client.cookies.set(COOKIE, bad, path="/dashboard")
        assert client.get("/dashboard/").status_code == 303
    now = time.time()
    client.cookies.clear()
    client.cookies.set(COOKIE, good, path="/dashboard")
    assert client.get("/dashboard/").status_code == 200
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + 12 * 3600 + 5)
    assert client.get("/dashboard/").status_code == 303


def test_five_wrong_tokens_a_minute_are_all_that_is_looked_at(client):
    for _ in range(5):
        assert login(client, "wrong").status_code == 403
    late = login(client)
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 61


def test_tries_are_counted_by_address_for_a_minute():
    now = [0.0]
    attempts = Attempts(most=2, clock=lambda: now[0])
    attempts.failed("a")
    assert attempts.wait("a") == 0
    attempts.failed("a")
    assert attempts.wait("a") == 61
    assert attempts.wait("b") == 0
    now[0] = 60.0
    assert attempts.wait("a") == 0
    for number in range(1100):
        attempts.failed(f"x{number}")
    assert len(attempts._failed) == 1000


def test_a_short_token_is_refused():
    with pytest.raises(UptakeError, match="16 or more"):
        create_dashboard(open_store("memory:"), "short", replay=None, feed=Feed())


def test_every_page_is_kept_to_itself(client):
    login(client)
    for path in ("/", "/login", "/arms", "/c/c", "/c/none", "/static/htmx.js", "/live2"):
        headers = client.get(f"/dashboard{path}").headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
    for path in ("/", "/c/c", "/arms"):
        text = client.get(f"/dashboard{path}").text
        assert " style=" not in text
        assert not re.search(r"<[^>]+\son\w+\s*=", text)
        assert "<script>" not in text


@pytest.mark.parametrize("path", ["/logout", "/c/c/amend", "/c/c/delete", "/c/c/replay"])
def test_a_form_of_another_site_or_session_is_refused(client, path):
    login(client)
    mine = stamp(client)
    data = {"entry": "0", "words": "x", "do": "put", "turn": turn(1).id}
    other = TestClient(client.app, follow_redirects=False)
    login(other)
    for wrong in ("", "x", stamp(other)):
        answer = client.post(f"/dashboard{path}", data=data | {"stamp": wrong})
        assert answer.status_code == 403, wrong
    crossing = {"sec-fetch-site": "cross-site"}
    answer = client.post(f"/dashboard{path}", data=data | {"stamp": mine}, headers=crossing)
    assert answer.status_code == 403
    as_json = client.post(f"/dashboard{path}", json={"stamp": mine})
    assert as_json.status_code == 400
    huge = client.post(f"/dashboard{path}", data={"stamp": mine, "words": "x" * 70_000})
    assert huge.status_code == 413
    assert asyncio.run(client.store.amendments(ANN, "kitchen")) == []
    assert len(asyncio.run(client.store.turns("c"))) == len(SAID)


# What a person can do.


def amend(client, **fields):
    data = {"stamp": stamp(client), "do": "put"} | fields
    return client.post("/dashboard/c/c/amend", data=data)


def test_a_correction_is_kept_and_shown_until_the_next_turn_takes_it_up(client):
    login(client)
    assert amend(client, entry="0", words="Book a table\n for 8.").status_code == 303
    (kept_,) = asyncio.run(client.store.amendments(ANN, "kitchen"))
    assert (kept_.after, kept_.entry, kept_.words) == (turn(5).id, 0, "Book a table for 8.")
    assert (
        '<ins dir="auto">Book a table for 8.</ins> <small>from the next turn on'
        in client.get("/dashboard/c/c").text
    )


def test_what_does_not_hold_is_taken_back(client):
    login(client)
    assert amend(client, entry="0", do="withdraw", words="left as it was").status_code == 303
    (made,) = asyncio.run(client.store.amendments(ANN, "kitchen"))
    assert made.words is None


def test_a_correction_of_what_is_no_more_is_refused(client):
    login(client)
    assert amend(client, entry="1", words="x").status_code == 409  # was taken back
    for wrong in ("99", "-1", "x", "", "²"):
        assert amend(client, entry=wrong, words="x").status_code == 409
    assert amend(client, entry="0", words=" \n ").status_code == 400
    assert amend(client, entry="0", words="x" * 5000).status_code == 400
    assert asyncio.run(client.store.amendments(ANN, "kitchen")) == []


def test_without_an_id_nothing_can_be_corrected_and_the_page_says_how_it_could(client):
    asyncio.run(client.store.add(turn(20, "bare", changes=({"id": 0, "text": "five"},))))
    login(client)
    text = client.get("/dashboard/c/bare").text
    assert "x-uptake-conversation" in text
    assert "<textarea" not in text
    data = {"stamp": stamp(client), "entry": "0", "words": "six"}
    assert client.post("/dashboard/c/bare/amend", data=data).status_code == 409


def test_a_conversation_can_be_forgotten(client):
    login(client)
    answer = client.post("/dashboard/c/c/delete", data={"stamp": stamp(client)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/")
    assert asyncio.run(client.store.turns("c")) == []
    assert client.get("/dashboard/c/c").status_code == 404
    asked = client.get("/dashboard/c/c/after?turn=1", headers={"hx-request": "true"})
    assert asked.headers["hx-redirect"] == "/dashboard/"


def test_a_replay_streams_and_says_when_it_fails(client):
    login(client)
    data = {"stamp": stamp(client), "turn": turn(3).id}
    answer = client.post("/dashboard/c/c/replay", data=data)
    lines = answer.text.splitlines()
    assert lines[1] == '{"text": "Sorry, I meant 7."}'
    assert lines[2] == '{"text": " after 3"}'
    assert lines[-1] == '{"done": true}'

    async def breaks(turn, line):
        yield "so far"
        raise ValueError("<no> model")

    other = TestClient(site(client.store, replay=breaks), follow_redirects=False)
    login(other)
    answer = other.post("/dashboard/c/c/replay", data={**data, "stamp": stamp(other)})
    assert '{"error": "No reply: <no> model"}' in answer.text

    none = TestClient(site(client.store), follow_redirects=False)
    login(none)
    answer = none.post("/dashboard/c/c/replay", data={**data, "stamp": stamp(none)})
    assert answer.status_code == 404


def test_branches_are_linked_both_ways(client):
    asyncio.run(client.store.add(turn(30, "d", 2, said=({"role": "user", "content": "else"},))))
    asyncio.run(client.store.add(turn(31, "c", 1, thread="kitchen")))
    asyncio.run(client.store.add(turn(32, "c", 5, thread="kitchen")))
    login(client)
    text = client.get("/dashboard/c/c").text
    assert 'href="/dashboard/c/d"' in text
    assert f'href="/dashboard/c/c?at={turn(31).id}"' in text
    other = client.get("/dashboard/c/d").text
    assert other.count('Up to here this is <a href="/dashboard/c/c">') == 1
    assert client.get(f"/dashboard/c/c?at={turn(31).id}").status_code == 200
    assert client.get("/dashboard/c/c?at=none").status_code == 404


def test_the_list_pages_and_searches(client):
    for number in range(100, 160):
        said = ({"role": "user", "content": f"number {number}"},)
        asyncio.run(client.store.add(turn(number, f"n{number}", said=said)))
    login(client)
    first = client.get("/dashboard/").text
    assert "number 159" in first
    assert "number 109" not in first
    older = first.partition("before=")[2].partition('"')[0]
    second = client.get(f"/dashboard/?before={older}").text
    assert "number 109" in second
    assert "Book a table" in second
    found = client.get("/dashboard/?search=kitchen").text
    assert "Book a table" in found
    assert "number" not in found.partition('id="rows"')[2]


def test_an_open_list_is_sent_again_only_where_it_changed(client):
    login(client)
    hx = {"hx-request": "true"}
    state = client.get("/dashboard/", headers=hx).text.partition("state=")[2].partition('"')[0]
    assert client.get(f"/dashboard/?search=&state={state}", headers=hx).status_code == 204
    asyncio.run(client.store.add(turn(9, "new")))
    answer = client.get(f"/dashboard/?search=&state={state}", headers=hx)
    assert answer.text.startswith('<div id="rows"')


def test_a_store_that_does_not_answer_is_said(client):
    login(client)
    asyncio.run(client.store.aclose())
    answer = client.get("/dashboard/")
    assert answer.status_code == 503
    assert "The store does not answer" in answer.text


def test_a_very_long_conversation_shows_its_end_first(client):
    for number in range(6, 90):
        asyncio.run(client.store.add(turn(number, parent=number - 1)))
    login(client)
    text = client.get("/dashboard/c/c").text
    assert text.count('<article class="step') == 60
    assert "29 earlier turns are not shown" in text
    assert client.get("/dashboard/c/c?all=1").text.count('<article class="step') == 89


# What a browser makes of it.

NASTY = (
    "<script>document.title='owned';alert(1)</script>"
    "<img src=/owned onerror=\"document.title='owned';alert(2)\">"
    '" autofocus onfocus="alert(3)" x="'
    "' hx-get='/owned' hx-trigger='load' '"
    '<a href="javascript:alert(4)">x</a>'
    '<div hx-get=/owned hx-trigger=load hx-on::load="alert(5)" sse-connect=/owned>'
    "{{7*7}}{% raw %}${7*7}</textarea></title></style>\n\nevent: changed\ndata: owned\n\n\x00\ud800"
)

MADE = (
    "main img, main script, main style, [onerror], [onfocus], [href^=javascript], [hx-get='/owned']"
)


def nasty():
    """Turns with the worst in every field that a client, a tool or a model can fill."""
    message = {
        "role": NASTY,
        "content": [{"type": NASTY, "text": NASTY}],
        "tool_calls": [{"id": NASTY, "function": {"name": NASTY, "arguments": NASTY}}],
    }
    change = {
        "id": 0,
        "text": NASTY,
        "wording": NASTY,
        "kind": NASTY,
        "status": "active",
        "topic": 0,
        "by": None,
    }
    plain = NASTY.replace("\ud800", "").replace("\x00", "")  # what a header or a column can hold
    first = turn(
        1,
        thread=plain,
        surface=NASTY,
        model=NASTY,
        said=({"role": "user", "content": NASTY}, message, {"role": "tool", "content": NASTY}),
        reply={"role": "assistant", "content": NASTY, "tool_calls": message["tool_calls"]},
        move=plain,
        why=NASTY,
        form=NASTY,
        alternatives=((NASTY, NASTY),),
        sent=({"role": "user", "content": NASTY}, {"no": NASTY}),
        would=NASTY,
        changes=(change, change | {"id": 1, "status": NASTY}),
        topics=({"id": 0, "state": NASTY},),
        analyst=NASTY,
        note=NASTY,
        arm="shadow",
    )
    worded = change | {"wording": NASTY[::-1] + NASTY}
    second = replace(first, id=turn(2).id, parent=first.id, key=b"2", changes=(worded,))
    return [first, replace(second, arm="mediated", topics=({"id": 0, "state": "cancelled"},))]


def test_nothing_that_was_said_takes_effect():
    async def replayed(turn, line):
        yield NASTY.replace("\ud800", "")

    async def look():
        async with opened() as store:
            for each in nasty():
                await store.add(each)
            async with visiting(store, replay=replayed) as (page, address):
                texts = {}
                for path in ("/", "/c/c", "/arms", "/?search=%3Cscript%3Ealert(6)%3C/script%3E"):
                    await page.open(address + path)
                    texts[path] = await page.js("document.body.innerText")
                await page.open(f"{address}/c/c")
                await page.js(
                    "document.querySelectorAll('details').forEach(d => { d.open = true })"
                )
                await page.js("document.querySelector('form.replay').requestSubmit()")
                await page.until(
                    "document.querySelector('.replayed .said').textContent.includes('raw')"
                )
                await page.js(
                    "[...document.querySelectorAll('.now [name=words]')][0].value"
                    " = '<img src=/owned onerror=alert(7)>';"
                    "document.querySelector('.edit [value=put]').click()"
                )
                await page.until("!!document.querySelector('.now .hand ins')")
                texts["after"] = await page.js("document.body.innerText")
                made = await page.js(f"document.querySelectorAll({MADE!r}).length")
                title = await page.js("document.title")
                return texts, title, made, page.asked, page.complaints, address

    texts, title, made, asked, complaints, address = asyncio.run(look())
    assert complaints == []
    assert made == 0
    assert title.startswith("uptake: <script>document.title='owned'")
    assert all(url.startswith((address, "data:")) for url in asked), asked
    assert not [url for url in asked if "owned" in url and "search" not in url]
    for path in ("/", "/c/c", "/arms", "after"):
        assert "<script>document.title='owned';alert(1)</script>" in texts[path], path
        assert "{{7*7}}{% raw %}${7*7}" in texts[path] or path == "/", path
    assert "<img src=/owned onerror=alert(7)>" in texts["after"]


def test_what_is_new_appears_without_a_reload():
    async def look():
        feed = Feed()
        turns = told(thread="kitchen")
        async with opened() as store:
            for each in turns[:2]:
                await store.add(each)
            async with visiting(store, feed=feed) as (page, address):
                await store.add(turn(40, "x", said=({"role": "user", "content": "brand new"},)))
                feed.tell("x")
                await page.until("document.body.innerText.includes('brand new')")
                await page.open(f"{address}/c/c")
                await page.js("window.same = true")
                steps = "document.querySelectorAll('.step').length"
                assert await page.js(steps) == 2
                await store.add(turns[2])
                feed.tell("c")
                await page.until(f"{steps} === 3")
                holds = await page.js("document.querySelector('#holds').innerText")
                # Not told: as when another worker kept it. The page asks by itself.
                await store.add(turns[3])
                await page.until(f"{steps} === 4")
                return holds, await page.js("window.same"), page.complaints

    holds, same, complaints = asyncio.run(look())
    assert "Book a table for 7 on Monday." in holds
    assert same is True
    assert complaints == []


def test_a_correction_is_made_in_the_page_and_not_lost_while_it_is_typed():
    async def look():
        feed = Feed()
        turns = told(thread="kitchen")
        async with opened() as store:
            for each in turns[:2]:
                await store.add(each)
            async with visiting(store, feed=feed) as (page, address):
                await page.open(f"{address}/c/c")
                await page.js("document.querySelector('.edit').open = true")
                await page.js("document.querySelector('.edit [name=words]').value = 'For 9.'")
                await store.add(turns[2])
                feed.tell("c")
                await page.until("document.querySelectorAll('.step').length === 3")
                typed = await page.js("document.querySelector('.edit [name=words]').value")
                await page.js("document.querySelector('.edit [value=put]').click()")
                await page.until("!!document.querySelector('.now .hand ins')")
                shown = await page.js("document.querySelector('.now .hand').innerText")
                return typed, shown, await store.amendments(ANN, "kitchen"), page.complaints

    typed, shown, made, complaints = asyncio.run(look())
    assert typed == "For 9."
    assert "For 9." in shown
    assert "from the next turn on" in shown
    assert [(each.entry, each.words, each.after) for each in made] == [(0, "For 9.", turn(3).id)]
    assert complaints == []


def test_a_replay_comes_in_beside_the_reply_as_it_is_written():
    async def look():
        go_on = asyncio.Event()

        async def slow(turn, line):
            yield "The first half"
            await go_on.wait()
            yield ", the second."

        async with opened() as store:
            for each in told():
                await store.add(each)
            async with visiting(store, replay=slow) as (page, address):
                await page.open(f"{address}/c/c")
                words = "document.querySelector('.replayed .said').textContent"
                await page.js("document.querySelector('form.replay button').click()")
                await page.until(f"{words} === 'The first half'")
                apart = await page.js(
                    "(() => { const [a, b] = ['.sent', '.replayed'].map(at => "
                    "document.querySelector(at).getBoundingClientRect());"
                    "return b.left >= a.right && Math.abs(a.top - b.top) < 2; })()"
                )
                go_on.set()
                await page.until(f"{words} === 'The first half, the second.'")
                await page.until("!document.querySelector('form.replay button').disabled")
                return apart, page.complaints

    apart, complaints = asyncio.run(look())
    assert apart
    assert complaints == []
