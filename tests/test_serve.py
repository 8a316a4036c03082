"""The server between a client and an upstream: what passes, what is mended, what is kept."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager

import pytest
from served import chunks, completion, reply, serving, streamed, upstream

from uptake.errors import UptakeError
from uptake.serve.settings import Settings
from uptake.serve.store import StoreError, open_store

TOLD = [
    {"role": "user", "content": "How many apples does Ann have in the end?"},
    {"role": "assistant", "content": "Probably 5."},
    {"role": "user", "content": "Ann has 12 apples at first."},
    {"role": "assistant", "content": "Then 12."},
    {"role": "user", "content": "Ann gives 4 apples to Ben."},
]
CORRECTED = [
    *TOLD,
    {"role": "assistant", "content": "8."},
    {"role": "user", "content": "Sorry, I meant Ann has 15 apples at first."},
]
FIRST = TOLD[:1]


@asynccontextmanager
async def between(*script, store=None, **settings):
    """An upstream and a server before it."""
    async with upstream(*script) as above:
        kept = store or open_store("memory:")
        given = {"dashboard": False, "port": 1, **settings}
        async with serving(Settings(upstream=above.url, **given), kept) as served:
            yield above, served, kept


def run(case):
    """An async test, with an end."""
    return asyncio.run(asyncio.wait_for(case(), 60))


def test_a_first_turn_passes_byte_for_byte_and_so_does_its_reply():
    async def case():
        whole = reply(completion("Hello."), x_ratelimit_remaining="7")
        async with between(whole) as (above, served, _):
            body = (
                b'{ "model":"m", "messages":[{"role":"user","content":"Hi \\u00e9"}], "x": 1e400 }'
            )
            status, headers, content = await served.post(
                "/v1/chat/completions?x=1",
                body,
                {"authorization": "Bearer k", "x-uptake-arm": "mediated"},
            )
            assert status == 200
            assert content == whole.partition(b"\r\n\r\n")[2]
            assert headers["x-ratelimit-remaining"] == "7"
            assert headers["x-uptake-move"] == "pass"
            got = above.got[0]
            assert got.body == body
            assert got.target == "/v1/chat/completions?x=1"
            assert got.headers["authorization"] == "Bearer k"
            assert not [name for name in got.headers if name.startswith("x-uptake")]

    run(case)


def test_a_stream_passes_byte_for_byte():
    async def case():
        parts = [b": hello\n\n", *chunks("Hello there."), b": after all\n\n"]
        async with between(streamed(parts)) as (_, served, _store):
            status, headers, content = await served.chat(FIRST, stream=True)
            assert (status, content) == (200, b"".join(parts))
            assert headers["content-type"] == "text/event-stream; charset=utf-8"
            assert headers["x-request-id"] == "r1"

    run(case)


def test_a_told_request_goes_up_as_one_instruction():
    async def case():
        async with between(reply(completion("8."))) as (above, served, _):
            _, headers, _ = await served.chat(TOLD, temperature=0.3, tomorrow={"a": [1]})
            sent = above.got[0].json
            assert headers["x-uptake-move"] == "answer"
            assert len(sent["messages"]) == 1
            for told in TOLD[::2]:
                assert told["content"] in sent["messages"][0]["content"]
            assert "Probably" not in sent["messages"][0]["content"]
            assert (sent["temperature"], sent["tomorrow"]) == (0.3, {"a": [1]})

    run(case)


def test_what_was_corrected_goes_up_corrected():
    async def case():
        async with between(reply(completion("11."))) as (above, served, _):
            _, headers, _ = await served.chat(CORRECTED)
            sent = above.got[0].json["messages"][0]["content"]
            assert headers["x-uptake-move"] == "repair"
            assert "15" in sent
            assert "12" not in sent

    run(case)


WAIT = [
    {
        "role": "user",
        "content": "I have a question. I will tell you the facts first, so wait until I ask.",
    }
]


@pytest.mark.parametrize("stream", [False, True])
def test_a_move_that_speaks_needs_no_upstream(stream):
    async def case():
        async with between(reply(completion("?"))) as (above, served, store):
            status, headers, content = await served.chat(WAIT, stream=stream)
            assert (status, headers["x-uptake-move"]) == (200, "hold")
            assert above.got == []
            if stream:
                assert headers["content-type"] == "text/event-stream"
                lines = [line for line in content.decode().split("\n\n") if line]
                assert lines[-1] == "data: [DONE]"
                deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in lines[:-1]]
                assert deltas[0]["role"] == "assistant"
                said = "".join(delta.get("content") or "" for delta in deltas)
            else:
                said = json.loads(content)["choices"][0]["message"]["content"]
            assert said
            turns = await store.turns(headers["x-uptake-conversation"])
            assert [turn.reply["content"] for turn in turns] == [said]

    run(case)


@pytest.mark.parametrize("stream", [False, True])
def test_a_correction_of_the_user_comes_before_the_models_words(stream):
    asked = [
        {"role": "user", "content": "Ann has 12 apples at first. Ann gives 4 apples to Ben."},
        {"role": "assistant", "content": "All right."},
        {
            "role": "user",
            "content": "Since Ann has 9 apples at first, how many apples does Ann have in the end?",
        },
    ]

    async def case():
        answer = streamed(chunks("It is 8.")) if stream else reply(completion("It is 8."))
        async with between(answer) as (_, served, store):
            _, headers, content = await served.chat(asked, stream=stream)
            assert headers["x-uptake-move"] == "correct"
            if stream:
                data = [
                    json.loads(e[6:])
                    for e in content.decode().split("\n\n")
                    if e and "[DONE]" not in e
                ]
                said = "".join(d["choices"][0]["delta"].get("content") or "" for d in data)
            else:
                said = json.loads(content)["choices"][0]["message"]["content"]
                assert headers["content-length"] == str(len(content))
            assert said.startswith("Not quite")
            assert said.strip().endswith("It is 8.")
            kept = (await store.turns(headers["x-uptake-conversation"]))[-1]
            assert kept.reply["content"].strip() == said.strip()

    run(case)


def test_an_error_of_the_upstream_is_told_once_as_it_came():
    async def case():
        refusal = {
            "error": {"message": "slow down", "type": "rate_limit", "param": None, "code": "x"}
        }
        answer = reply(refusal, "429 Too Many Requests", retry_after="3", x_ratelimit_limit="9")
        async with between(answer) as (above, served, store):
            status, headers, content = await served.chat(TOLD)
            assert (status, json.loads(content)) == (429, refusal)
            assert (headers["retry-after"], headers["x-ratelimit-limit"]) == ("3", "9")
            assert len(above.got) == 1
            turn = (await store.turns(headers["x-uptake-conversation"]))[-1]
            assert (turn.state, turn.reply) == ("failed", None)

    run(case)


def test_an_upstream_that_is_not_there_or_silent_is_said_in_the_apis_shape():
    async def hang(writer, got):
        await asyncio.sleep(30)

    async def case():
        async with between(hang, first_seconds=0.2) as (_, served, _store):
            status, _, content = await served.chat(FIRST)
            assert status == 504
            assert "0.2 s" in json.loads(content)["error"]["message"]
        gone = Settings(upstream="http://127.0.0.1:9/v1", dashboard=False)
        async with serving(gone, open_store("memory:")) as served:
            status, _, content = await served.chat(FIRST)
            assert (status, json.loads(content)["error"]["type"]) == (502, "upstream_error")

    run(case)


def test_a_stream_that_breaks_between_events_ends_with_an_error_as_data():
    async def case():
        parts = chunks("one two three")[:3]
        async with between(streamed(parts, end=False)) as (_, served, store):
            status, headers, content = await served.chat(FIRST, stream=True)
            assert status == 200
            assert content.startswith(b"".join(parts))
            last = json.loads(content[len(b"".join(parts)) :].removeprefix(b"data: "))
            assert "broke off" in last["error"]["message"]
            turn = (await store.turns(headers["x-uptake-conversation"]))[-1]
            assert turn.state == "cut"

    run(case)


def test_a_stream_that_breaks_within_an_event_breaks_for_the_client_too():
    async def case():
        parts = [chunks("one two")[0], b'data: {"half": ']
        async with between(streamed(parts, end=False)) as (_, served, _store):
            with pytest.raises(Exception, match=r"payload|chunk|disconnect|Connection|complete"):
                await served.chat(FIRST, stream=True)

    run(case)


def test_comments_keep_a_silent_stream_alive_and_only_between_events():
    async def case():
        parts = [b'data: {"a"', b": 1}\n\n", b"data: [DONE]\n\n"]
        answer = streamed(parts, pause=0.25)
        async with between(answer, keep_alive_seconds=0.1) as (_, served, _store):
            _, _, content = await served.chat(FIRST, stream=True)
            assert b'data: {"a": 1}\n\n' in content
            assert content.replace(b": keep-alive\n\n", b"") == b"".join(parts)
            assert b": keep-alive\n\n" in content

    run(case)


async def _never(writer, got):
    await asyncio.sleep(30)


async def _headers_only(writer, got):
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    await writer.drain()
    await asyncio.sleep(30)


async def _one_token(writer, got):
    part = chunks("one")[0]
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
    await writer.drain()
    await asyncio.sleep(30)


@pytest.mark.parametrize(
    "window", [_never, _headers_only, _one_token], ids=lambda window: window.__name__
)
def test_a_client_that_leaves_ends_the_upstreams_work(window):
    async def case():
        async with between(window) as (above, served, store):
            asking = asyncio.ensure_future(served.chat(FIRST, stream=True))
            while not above.got:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            asking.cancel()
            await asyncio.wait_for(above.left.wait(), 5)
            while not (known := await store.summaries()):
                await asyncio.sleep(0.01)
            assert known[0].last.state == "cut"

    run(case)


class _Broken:
    """A store that has gone."""

    def __init__(self, inner, *broken):
        self._inner = inner
        self._broken = broken

    def __getattr__(self, name):
        if name in self._broken:

            async def fail(*args, **kwargs):
                raise StoreError("the store is gone")

            return fail
        return getattr(self._inner, name)


@pytest.mark.parametrize("broken", [("find",), ("add",), ("find", "add", "children", "latest")])
def test_a_broken_store_fails_open(broken):
    async def case():
        answer = reply(completion("8."))
        store = _Broken(open_store("memory:"), *broken)
        async with between(answer, store=store) as (above, served, _):
            status, headers, content = await served.chat(TOLD)
            assert (status, content) == (200, answer.partition(b"\r\n\r\n")[2])
            if "find" in broken:
                assert headers["x-uptake-move"] == "pass"
                assert "the store is gone" in headers["x-uptake-reason"]
                assert above.got[0].json["messages"] == TOLD
            _, _, metrics = await served.get("/metrics")
            if broken == ("add",):
                assert b'uptake_failures_total{part="store"} 1.0' in metrics

    run(case)


def test_an_analysis_that_fails_or_is_late_fails_open(monkeypatch):
    async def case():
        async def late(*args, **kwargs):
            await asyncio.sleep(10)

        async def raises(*args, **kwargs):
            raise RuntimeError("a fault of ours")

        for fault, why in ((late, "too long"), (raises, "failed")):
            monkeypatch.setattr("uptake.serve.desk.mediate", fault)
            async with between(reply(completion("8.")), mediate_seconds=0.1) as (above, served, _):
                status, headers, _ = await served.chat(TOLD)
                assert (status, headers["x-uptake-move"]) == (200, "pass")
                assert why in headers["x-uptake-reason"]
                assert above.got[0].json["messages"] == TOLD

    run(case)


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b'{"messages": 3}',
        b'{"messages": [{"content": 1}]}',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
def test_what_cannot_be_read_is_the_upstreams_to_judge(body):
    async def case():
        answer = reply({"error": {"message": "bad"}}, "400 Bad Request")
        async with between(answer) as (above, served, _):
            status, headers, _ = await served.post("/v1/chat/completions", body)
            assert (status, above.got[0].body) == (400, body)
            assert headers["x-uptake-move"] == "pass"

    run(case)


def test_the_rest_of_v1_goes_up_and_back_as_it_is():
    async def case():
        blob = bytes(range(256)) * 50
        answers = [reply(blob, content_type="audio/mpeg"), reply(b"", "204 No Content")]
        async with between(*answers) as (above, served, _):
            status, headers, content = await served.post("/v1/audio/speech?a=b%20c", b"\x00\x01")
            assert (status, headers["content-type"], content) == (200, "audio/mpeg", blob)
            assert (above.got[0].target, above.got[0].body) == (
                "/v1/audio/speech?a=b%20c",
                b"\x00\x01",
            )
            async with served.http.delete(served.root + "/v1/files/f1") as gone:
                assert gone.status == 204
            assert (above.got[1].method, above.got[1].target) == ("DELETE", "/v1/files/f1")

    run(case)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/models",
        "/admin",
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1//host/x",
        "/v1/a\\b",
        "/dashboard",
    ],
)
def test_a_path_that_is_not_listed_leads_nowhere(path):
    async def case():
        async with between(reply({})) as (above, served, _):
            host, _, port = served.root.removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 307"))
            assert above.got == []

    run(case)


def test_only_the_keys_that_may_come_in_do_and_the_servers_own_goes_up():
    async def case():
        given = {"client_keys": ("a", "b"), "upstream_key": "secret"}
        async with between(reply(completion("Hi.")), **given) as (above, served, _):
            status, _, content = await served.chat(FIRST, headers={"authorization": "Bearer c"})
            assert (status, json.loads(content)["error"]["type"]) == (401, "authentication_error")
            status, _, _ = await served.get("/v1/models")
            assert (status, above.got) == (401, [])
            status, _, _ = await served.chat(FIRST, headers={"authorization": "Bearer b"})
            assert (status, above.got[0].headers["authorization"]) == (200, "Bearer secret")

    run(case)


def test_a_body_has_a_bound():
    async def case():
        async with between(reply({}), body_bytes=1000) as (above, served, _):
            status, _, content = await served.post("/v1/chat/completions", b"x" * 2000)
            assert (status, above.got) == (413, [])
            assert "1000" in json.loads(content)["error"]["message"]

    run(case)


def test_turns_link_up_and_an_edit_is_a_branch():
    async def case():
        answers = [
            reply(completion(text)) for text in ("Probably 5.", "Then 12.", "8.", "Then 13.")
        ]
        async with between(*answers) as (_, served, store):
            names = []
            for length in (1, 3, 5):
                _, headers, _ = await served.chat(TOLD[:length])
                names.append(headers["x-uptake-conversation"])
            assert len(set(names)) == 1
            edited = [*TOLD[:2], {"role": "user", "content": "Ann has 13 apples at first."}]
            _, headers, _ = await served.chat(edited)
            assert headers["x-uptake-conversation"] != names[0]
            line = await store.turns(names[0])
            assert [turn.said[-1]["content"] for turn in line] == [t["content"] for t in TOLD[::2]]
            assert [len(turn.said) for turn in line] == [1, 1, 1]
            branch = await store.turns(headers["x-uptake-conversation"])
            assert [turn.id for turn in branch][:1] == [line[0].id]
            assert [turn.said[-1]["content"] for turn in branch][1:] == [
                "Ann has 13 apples at first."
            ]

    run(case)


def test_tenants_with_the_same_words_share_nothing():
    async def case():
        async with between(reply(completion("Probably 5."))) as (_, served, store):
            names = {}
            for key in ("one", "two"):
                for length in (1, 3):
                    _, headers, _ = await served.chat(
                        TOLD[:length], headers={"authorization": f"Bearer {key}"}
                    )
                    names.setdefault(key, set()).add(headers["x-uptake-conversation"])
            assert names["one"].isdisjoint(names["two"])
            tenants = {summary.tenant for summary in await store.summaries()}
            assert len(tenants) == 2
            assert not any("one" in tenant or "two" in tenant for tenant in tenants)

    run(case)


ID = {"x-uptake-conversation": "chat 7"}


def test_a_history_that_the_client_cut_is_whole_again_under_an_explicit_id():
    async def case():
        answers = [reply(completion(text)) for text in ("Probably 5.", "Then 12.", "8.")]
        async with between(*answers) as (above, served, _):
            await served.chat(TOLD[:1], headers=ID)
            await served.chat(TOLD[:3], headers=ID)
            _, headers, _ = await served.chat(TOLD[2:], headers=ID)  # the request itself is cut off
            sent = above.got[-1].json["messages"]
            assert headers["x-uptake-move"] == "answer"
            assert TOLD[0]["content"] in sent[0]["content"]

    run(case)


def test_without_an_id_a_history_that_was_cut_is_another_conversation():
    async def case():
        answers = [reply(completion(text)) for text in ("Probably 5.", "Then 12.", "8.")]
        async with between(*answers) as (above, served, _):
            await served.chat(TOLD[:1])
            _, before, _ = await served.chat(TOLD[:3])
            _, headers, _ = await served.chat(TOLD[2:])
            assert headers["x-uptake-conversation"] != before["x-uptake-conversation"]
            assert TOLD[0]["content"] not in json.dumps(above.got[-1].json)

    run(case)


def test_what_a_person_puts_right_is_obeyed_from_the_next_turn_on():
    from uptake.serve.records import Amendment, new_id

    async def case():
        answers = [reply(completion(text)) for text in ("Probably 5.", "Then 12.", "8.")]
        async with between(*answers) as (above, served, store):
            await served.chat(TOLD[:1], headers=ID)
            _, headers, _ = await served.chat(TOLD[:3], headers=ID)
            turn = (await store.turns(headers["x-uptake-conversation"]))[-1]
            entry = next(change["id"] for change in turn.changes if "12" in change["text"])
            words = "Ann has 20 apples at first."
            await store.amend(
                Amendment(new_id(), turn.tenant, turn.thread, turn.id, entry, words, turn.at)
            )
            await served.chat(TOLD, headers=ID)
            sent = above.got[-1].json["messages"]
            assert len(sent) == 1
            assert words in sent[0]["content"]
            assert "12" not in sent[0]["content"]
            await served.chat(TOLD)  # the same words without the id: nobody has put them right
            assert "20" not in json.dumps(above.got[-1].json)

    run(case)


TOKEN = "let me in, please"


async def log_in(served):
    """Log in to the dashboard; its pages' stamp, by which forms are known for its own."""
    async with served.http.post(f"{served.root}/dashboard/login", data={"token": TOKEN}) as answer:
        page = await answer.text()
    return re.search(r'name="stamp" value="([^"]+)"', page)[1]


def test_on_the_dashboard_a_turn_is_replayed_corrected_and_forgotten():
    async def case():
        answers = ("Probably 5.", "Then 12.", "16.")
        script = [reply(completion(text)) for text in answers]
        replayed = streamed(chunks("12 it is."))
        settings = {"dashboard": True, "dashboard_token": TOKEN}
        async with between(*script[:2], replayed, script[2], **settings) as (above, served, store):
            await served.chat(TOLD[:1], headers=ID)
            _, headers, _ = await served.chat(TOLD[:3], headers=ID)
            stamp = await log_in(served)
            name = headers["x-uptake-conversation"]
            turn = (await store.turns(name))[-1]
            url = f"{served.root}/dashboard/c/{name}"

            asked = {"stamp": stamp, "turn": turn.id}
            async with served.http.post(f"{url}/replay", data=asked) as answer:
                lines = [json.loads(line) for line in (await answer.text()).splitlines()]
            assert "".join(line.get("text", "") for line in lines).strip() == "12 it is."
            assert above.got[-1].json["messages"] == TOLD[:3]

            entry = next(change["id"] for change in turn.changes if "12" in change["text"])
            put = {
                "stamp": stamp,
                "at": turn.id,
                "entry": str(entry),
                "words": "Ann has 20 apples.",
            }
            async with served.http.post(f"{url}/amend", data=put) as answer:
                assert answer.status < 400
            await served.chat(TOLD, headers=ID)
            assert "Ann has 20 apples." in above.got[-1].json["messages"][0]["content"]
            assert "12" not in json.dumps(above.got[-1].json)

            async with served.http.post(f"{url}/delete", data={"stamp": stamp}) as answer:
                assert answer.status < 400
            assert await store.turns(name) == []
            _, headers, _ = await served.chat(TOLD[:3], headers=ID)
            (turn,) = await store.turns(headers["x-uptake-conversation"])
            assert turn.parent is None

    run(case)


@pytest.mark.parametrize("name", ["", "a\tb", "x" * 201, "é"])
def test_an_id_that_cannot_be_one_is_refused(name):
    async def case():
        async with between(reply(completion("Hi."))) as (above, served, _):
            status, _, _ = await served.chat(FIRST, headers={"x-uptake-conversation": name})
            assert (status, above.got) == (400, [])

    run(case)


def test_a_shadow_sends_the_original_and_keeps_what_would_have_been_said():
    async def case():
        answers = [reply(completion("12.")), reply(completion("11."))]
        async with between(*answers, mode="shadow") as (above, served, store):
            _, headers, content = await served.chat(CORRECTED)
            assert json.loads(content)["choices"][0]["message"]["content"] == "12."
            assert (headers["x-uptake-move"], headers["x-uptake-arm"]) == ("pass", "shadow")
            while len(above.got) < 2:
                await asyncio.sleep(0.01)
            assert above.got[0].json["messages"] == CORRECTED
            assert len(above.got[1].json["messages"]) == 1
            name = headers["x-uptake-conversation"]
            while not (turn := (await store.turns(name))[-1]).would:
                await asyncio.sleep(0.01)
            assert (turn.move, turn.would, turn.reply["content"]) == ("repair", "11.", "12.")

    run(case)


def test_a_share_of_the_conversations_is_mediated_and_each_stays_where_it_is():
    async def case():
        async with between(reply(completion("Fine.")), share=0.5) as (_, served, _store):
            arms = []
            for number in range(40):
                first = {"role": "user", "content": f"How many are {number} apples and 3 apples?"}
                told = [
                    first,
                    {"role": "assistant", "content": "Fine."},
                    {"role": "user", "content": "And 4 more."},
                ]
                _, one, _ = await served.chat(told[:1])
                _, two, _ = await served.chat(told)
                assert one["x-uptake-arm"] == two["x-uptake-arm"]
                arms.append(one["x-uptake-arm"])
            assert {"mediated", "original"} == set(arms)
            _, forced, _ = await served.chat(FIRST, headers={"x-uptake-arm": "original"})
            assert forced["x-uptake-arm"] == "original"

    run(case)


def test_it_says_how_it_is():
    async def case():
        async with between(reply(completion("Hi."))) as (_, served, _store):
            assert (await served.get("/health"))[0] == 200
            assert (await served.get("/ready"))[0] == 200
            await served.chat(FIRST)
            _, _, metrics = await served.get("/metrics")
            assert (
                b'uptake_requests_total{arm="mediated",move="pass",status="200",surface="chat"} 1.0'
                in metrics
            )
            status, _, document = await served.get("/openapi.json")
            assert (status, json.loads(document)["openapi"][:2]) == (200, "3.")

    run(case)


def test_with_no_upstream_it_serves_the_embedded_model():
    async def case():
        settings = Settings(dashboard=False)
        async with serving(settings, open_store("memory:")) as served:
            status, headers, content = await served.chat(TOLD, temperature=0)
            assert (status, headers["x-uptake-move"]) == (200, "answer")
            assert "8" in json.loads(content)["choices"][0]["message"]["content"]
            status, _, content = await served.get("/v1/models")
            assert (status, json.loads(content)["data"][0]["id"]) == (200, "embedded")

    run(case)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"upstream": "localhost:1"}, "http://HOST:PORT/v1"),
        ({"upstream": "ftp://x/v1"}, "http://HOST:PORT/v1"),
        ({"upstream": "http://u:p@x/v1"}, "UPTAKE_UPSTREAM_KEY"),
        ({"share": 1.5}, "between 0 and 1"),
        ({"port": 0}, "65535"),
        ({"workers": 2, "store": "memory:"}, "share"),
        ({"host": "0.0.0.0", "upstream_key": "k"}, "UPTAKE_CLIENT_KEYS"),
        ({"retain": -1.0}, "days"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_line(given, says):
    with pytest.raises(UptakeError, match=says):
        Settings(**given)


def test_the_dashboard_is_off_where_others_can_reach_the_server():
    assert Settings().shows_dashboard
    assert not Settings(host="0.0.0.0").shows_dashboard
    assert Settings(host="0.0.0.0", dashboard=True).shows_dashboard
