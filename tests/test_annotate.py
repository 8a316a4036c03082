"""Labels by people: the page in a real browser, agreement, what is settled, an audit with them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re

import pytest
import uvicorn
from browser import browser
from command import start, surroundings, uptake
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from uptake.acts import ACTS
from uptake.agreement import alpha, masi
from uptake.audit.labels import SETTLED, Label, agreement, final, read_labels
from uptake.conversation import Conversation
from uptake.errors import UptakeError
from uptake.serve.annotate.app import KEYS, create_annotator
from uptake.serve.annotate.tasks import Tasks, sample
from uptake.serve.dashboard.guard import POLICY
from uptake.transcripts import Source, Transcript

NASTY = "<script>document.title='owned'</script>"
TALKS = (
    ("How much is the trip?", "Which trip do you mean?", "To Rome.", f"It is 300 euros. {NASTY}"),
    ("Tell me of Java.", "It is a language."),
)


def talks(said=TALKS):
    for number, texts in enumerate(said):
        made = Conversation()
        for place, text in enumerate(texts):
            made = made.assistant(text) if place % 2 else made.user(text)
        yield Transcript(f"c{number}", made, "openai", Source("logs/chats.jsonl", number + 1), None)


@pytest.fixture
def tasks(tmp_path):
    return Tasks(list(talks()), tmp_path / "labels.jsonl")


# Agreement


def test_alpha_is_that_of_krippendorffs_example():
    """Four observers, twelve units, some unsaid: nominal .743 (Krippendorff 2011, C)."""
    rows = (
        (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
        (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
        (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
        (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
    )
    units = [[value for value in unit if value is not None] for unit in zip(*rows, strict=True)]
    assert alpha(units) == pytest.approx(0.743, abs=5e-4)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=12))
def test_alpha_is_one_where_all_agree_and_at_most_one(units):
    found = alpha(units)
    assert found is None or found <= 1 + 1e-9
    alike = [unit[:1] * len(unit) for unit in units]
    assert alpha(alike) in (None, pytest.approx(1.0))


def test_sets_that_share_something_are_less_far_apart():
    a, ab, bc, d = map(frozenset, ("a", "ab", "bc", "d"))
    assert masi(a, a) == 0
    assert masi(a, d) == 1
    assert 0 < masi(a, ab) < masi(ab, bc) < 1


def label(turn, by, *acts, talk="c0"):
    return Label("chats.jsonl", talk, turn, by, acts)


def test_agreement_is_of_turns_with_two_labels_before_anything_was_settled():
    labels = [
        label(turn, by, *acts, talk=f"c{talk}")
        for talk in range(6)
        for turn, by, acts in (
            (0, "ann", ()),
            (0, "bob", ()),
            (1, "ann", ("clarify",)),
            (1, "bob", ("clarify",) if talk else ("check",)),
            (1, SETTLED, ("check",)),
            (2, "ann", ("commit",)),
        )
    ]
    rows = {row.act: row for row in agreement(labels)}
    assert set(rows) == {"all acts", "clarify", "check"}
    assert rows["clarify"].n == 12
    # Of 12 places both say so at 5, one alone at 1: kappa = (11/12 - pe) / (1 - pe).
    chance = (6 / 12) * (5 / 12) + (6 / 12) * (7 / 12)
    assert rows["clarify"].kappa.value == pytest.approx((11 / 12 - chance) / (1 - chance))
    assert rows["clarify"].kappa.low < rows["clarify"].kappa.value <= rows["clarify"].kappa.high
    assert rows["all acts"].alpha < 1
    assert agreement(labels[:1]) == []


def test_what_holds_is_what_was_settled_or_what_all_say():
    held = final(
        [
            label(0, "ann", "check"),
            label(1, "ann", "check"),
            label(1, "bob", "check"),
            label(2, "ann", "check"),
            label(2, "bob", "clarify"),
            label(3, "ann", "check"),
            label(3, SETTLED),
        ]
    )
    assert {at[2]: set(acts) for at, acts in held.items()} == {0: {"check"}, 1: {"check"}, 3: set()}


@pytest.mark.parametrize(
    ("line", "words"),
    [("{", "not a label"), ("[]", "no object"), ('{"acts": ["sing"]}', "'sing'"), ("{}", "'acts'")],
)
def test_a_line_that_is_no_label_is_named(tmp_path, line, words):
    path = tmp_path / "labels.jsonl"
    path.write_text(label(0, "ann").line() + line + "\n")
    with pytest.raises(UptakeError, match=rf"labels\.jsonl:2: .*{words}"):
        read_labels(path)


# What is labelled


def test_a_sample_is_even_the_same_again_and_in_the_order_of_the_logs():
    many = list(talks([TALKS[1]] * 40 + [("Alone.",)] * 9))
    drawn = sample(iter(many), 10, 3)
    assert drawn == sample(iter(many), 10, 3) != sample(iter(many), 10, 4)
    assert [t.source.line for t in drawn] == sorted(t.source.line for t in drawn)
    counts = [0] * 40
    for seed in range(300):
        for one in sample(iter(many), 10, seed):
            counts[one.source.line - 1] += 1
    assert min(counts) > 40
    assert max(counts) < 115


def test_every_save_is_kept_and_the_last_counts(tasks):
    tasks.save(1, "ann", ["clarify"])
    tasks.save(1, "ann", ["check"])
    again = Tasks(list(talks()), tasks.path)
    assert again.of(1) == {"ann": ("check",)}
    assert (again.done("ann"), again.next("ann"), again.next("ann", 4)) == (1, 0, 5)
    assert len(tasks.path.read_text().splitlines()) == 2


# The page


def test_each_act_has_a_key_of_its_own():
    assert set(KEYS) == set(ACTS)
    assert len(set(KEYS.values())) == len(ACTS)


def test_the_page_is_for_whoever_has_the_key_and_for_this_machine(tasks):
    client = TestClient(create_annotator(tasks, "secret"), base_url="http://127.0.0.1")
    assert client.get("/secret/").headers["content-security-policy"] == POLICY
    assert client.get("/").status_code == 404
    assert client.get("/wrong/label/0?by=ann").status_code == 404
    assert client.post("/wrong/label/0?by=ann", data={"commit": "on"}).status_code == 404
    assert client.get("/secret/", headers={"host": "evil.example"}).status_code == 400
    assert tasks.labels == {}
    away = client.get(f"/secret/label/0?by={SETTLED}", follow_redirects=False)
    assert away.status_code == 303  # nobody is called so


@contextlib.asynccontextmanager
async def site(app):
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/secret/"
    finally:
        server.should_exit = True
        await running


async def press(page, key, where):
    """Press a key, and wait for what comes of it."""
    for kind in ("keyDown", "keyUp"):
        await page.do("Input.dispatchKeyEvent", type=kind, key=key)
    await page.until(where)


def at(path):
    return f"location.pathname.endsWith('{path}') && document.readyState === 'complete'"


def chosen(act):
    return f"document.querySelector('[name={act}]').checked"


def test_two_people_label_by_keyboard_and_settle_what_they_differ_on(tasks):
    async def work():
        async with site(create_annotator(tasks, "secret")) as base, browser() as page:
            await page.show(width=1200)
            for name, second in (("Ann", "c"), ("Bob", "k")):
                await page.open(base)
                await page.js(f"document.querySelector('.name').value = '{name}'")
                await page.js("document.querySelector('.login').requestSubmit()")
                await page.until(at("/label/0"))
                await press(page, "Enter", at("/label/1"))
                await press(page, second, chosen("clarify" if second == "c" else "check"))
                await press(page, "Enter", at("/label/2"))
                await press(page, "ArrowLeft", at("/label/1"))  # and what was said is there
                assert await page.js(chosen("clarify" if second == "c" else "check"))
                for number in (2, 3, 4, 5):
                    await press(page, "Enter", at(f"/label/{number}"))
                    if number in (3, 5):
                        await press(page, "m", chosen("commit"))
                assert "Bob" not in await page.js("document.body.innerText") or name == "Bob"
                await press(page, "Enter", at("/agreement"))
            shown = await page.js("document.body.innerText")
            await page.js("document.querySelector('a.button').click()")
            await page.until(at("/settle/1"))
            others = await page.js("document.body.innerText")
            await press(page, "c", chosen("clarify"))
            await press(page, "Enter", at("/agreement"))
            title = await page.js("document.title")
            export = await page.js(f"fetch('{base}export').then(r => r.text())")
            await page.show(width=390, dark=True)
            await page.open(base + "label/3?by=Ann")
            wide = await page.js("document.documentElement.scrollWidth")
            return shown, others, title, export, wide, page.asked, page.complaints

    shown, others, title, export, wide, asked, complaints = asyncio.run(work())
    assert complaints == []
    assert all(re.match(r"http://127\.0\.0\.1:\d+/secret/|data:|about:", url) for url in asked)
    assert "Ann 6 of 6" in " ".join(shown.split())
    assert "Settle 1 that differ" in shown
    assert "commit" in shown
    assert "Ann clarify" in " ".join(others.split())
    assert title == "uptake: annotate"
    assert wide <= 390
    rows = map(json.loads, export.splitlines())
    held = {(row["conversation"], row["turn"]): row["acts"] for row in rows}
    assert held["c0", 1] == ["clarify"]
    assert held["c1", 1] == ["commit"]
    assert len(held) == 6


# The command, and an audit


def log(tmp_path):
    path = tmp_path / "chats.jsonl"
    with path.open("w") as lines:
        for number, said in enumerate(TALKS):
            pairs = zip(("user", "assistant") * 2, said, strict=False)
            messages = [{"role": role, "content": text} for role, text in pairs]
            lines.write(json.dumps({"id": f"c{number}", "messages": messages}) + "\n")
    return path


def test_the_command_tells_the_address_and_ends_with_how_well_people_agree(tmp_path):
    path, out = log(tmp_path), tmp_path / "labels.jsonl"
    acts = [("ann", ("clarify",)), ("bob", ("clarify",))]
    rows = [label(1, by, *each) for by, each in acts] + [label(3, by) for by, _ in acts]
    out.write_text("".join(row.line() for row in rows))
    with start(surroundings(tmp_path), "annotate", path, "-o", out, "--port", 0) as process:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{16}/", address)
        assert "6 turns" in process.stdout.readline()
        process.send_signal(2)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "all acts: alpha 1.00 (2 turns)" in said
    assert "clarify: alpha 1.00" in said


def test_an_audit_takes_the_labels_of_people_before_the_rules(tmp_path):
    path, labels = log(tmp_path), tmp_path / "labels.jsonl"
    said = [label(1, "ann", "check"), label(2, "ann", "acknowledge", "reject")]
    labels.write_text("".join(row.line() for row in said))
    env = surroundings(tmp_path)
    code, _, err = uptake(env, "audit", path, "-o", tmp_path / "out", "--labels", labels)
    assert (code, err) == (0, [])
    rows = [json.loads(line) for line in (tmp_path / "out/turns.jsonl").read_text().splitlines()]
    acts = {(row["conversation"], row["turn"]): row["acts"] for row in rows}
    assert acts["c0", 1] == ["check"]
    assert acts["c0", 2] == ["acknowledge", "reject"]
    assert acts["c0", 3] == ["commit"]  # nobody labelled it: by rule
    labels.write_text("{}\n")
    code, _, err = uptake(env, "audit", path, "-o", tmp_path / "new", "--labels", labels)
    assert (code, len(err)) == (2, 1)
    assert "labels.jsonl:1: not a label" in err[0]


@pytest.mark.parametrize(
    ("words", "line"),
    [((), "name a log"), (("none.jsonl",), "no such file"), (("empty.jsonl",), "nothing to do")],
)
def test_bad_usage_is_one_line(tmp_path, words, line):
    (tmp_path / "empty.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi."}]}\n')
    code, _, err = uptake(surroundings(tmp_path), "annotate", *words, cwd=tmp_path)
    assert (code, len(err)) == (2, 1)
    assert line in err[0]
