"""The embedded runtime on a tiny random network: right, repeatable, and gone when told to go."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import uptake
from uptake.conversation import Conversation
from uptake.embedded import Embedded
from uptake.embedded.chat import Chat
from uptake.embedded.decoder import Batch, Network
from uptake.embedded.engine import Engine, Request
from uptake.embedded.model import TooLongError
from uptake.embedded.prefix import BLOCK, Prefixes
from uptake.embedded.sampling import draw
from uptake.embedded.weights import read_config
from uptake.model import Model, ModelError, Reply, Sampling

spec = importlib.util.spec_from_file_location(
    "tiny_llama", Path(__file__).with_name("tiny_llama.py")
)
tiny_llama = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny_llama)

GREEDY = Sampling(temperature=0, max_tokens=24)
TEXT = "Ann has 12 apples. How many does she have? é ☃ 🎉 Bob buys 5 more, then eats two."


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_llama.write(tmp_path_factory.mktemp("tiny"))


@asynccontextmanager
async def opened(folder: Path, **options) -> AsyncIterator[Embedded]:
    model = Embedded(folder, **options)
    try:
        yield model
    finally:
        await model.aclose()


def replies(folder: Path, asked, *, together: bool = True, **options) -> list:
    """The replies to (conversation, sampling) pairs, all at once or one after the other."""

    async def ask():
        async with opened(folder, **options) as model:
            if together:
                return await asyncio.gather(*(model.reply(*each) for each in asked))
            return [await model.reply(*each) for each in asked]

    return asyncio.run(ask())


def chat(*texts: str) -> Conversation:
    conversation = Conversation()
    for turn, text in enumerate(texts):
        conversation = conversation.assistant(text) if turn % 2 else conversation.user(text)
    return conversation


def some_chats(count: int, seed: int = 0, longest: int = 30) -> list[Conversation]:
    random = np.random.default_rng(seed)

    def text() -> str:
        return " ".join(random.choice(TEXT.split(), random.integers(1, longest)))

    return [chat(*(text() for _ in range(random.choice([1, 3, 5])))) for _ in range(count)]


# What it computes


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"heads": 2, "kv_heads": 2, "tied": False},
        {"heads": 4, "kv_heads": 2, "layers": 1},
        {"head_dim": 64, "layers": 3},
    ],
    ids=str,
)
def test_greedy_replies_are_those_of_a_plain_numpy_decoder(tmp_path: Path, shape):
    folder = tiny_llama.write(tmp_path, seed=3, **shape)
    plain, words = tiny_llama.PlainLlama(folder, seed=3), Chat(folder)
    chats = some_chats(12, longest=8)
    sampling = dataclasses.replace(GREEDY, max_tokens=8)
    expected = [words.text(plain.greedy(words.prompt(each), 8)) for each in chats]
    assert [r.text for r in replies(folder, [(each, sampling) for each in chats])] == expected
    assert len(set(expected)) > 6  # a decoder that says the same to all would prove nothing


def test_a_conversation_that_outgrows_its_first_room_is_still_right(folder: Path):
    plain, words = tiny_llama.PlainLlama(folder), Chat(folder)
    talk = chat("apples and " * 45)  # within 256 tokens at first, beyond them after the reply
    sampling = dataclasses.replace(GREEDY, max_tokens=100)
    prompt = words.prompt(talk)
    made = plain.greedy(prompt, 100)
    assert len(prompt) < 256 < len(prompt) + len(made)
    [reply] = replies(folder, [(talk, sampling)])
    assert reply.text == words.text(made)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_reply_depends_on_nothing_that_runs_beside_it(folder: Path, data):
    """One after the other without a memory, against all at once with one."""
    chats = some_chats(data.draw(st.integers(1, 12)), seed=data.draw(st.integers(0, 9)), longest=9)
    chats += [each.assistant("5").user("and then?") for each in chats]
    samplings = st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.7, 1.0, 1.5]),
        top_p=st.sampled_from([0.5, 0.9, 1.0]),
        max_tokens=st.integers(1, 20),
        seed=st.integers(-5, 5),
    )
    asked = [(each, data.draw(samplings)) for each in data.draw(st.permutations(chats))]
    alone = replies(folder, asked, together=False, threads=1, rows=1, cache_bytes=0)
    options = {
        "threads": data.draw(st.integers(1, 3)),
        "rows": data.draw(st.sampled_from([1, 2, 5, 64])),
        "cache_bytes": data.draw(st.sampled_from([0, 60_000, 10_000_000])),
    }
    assert replies(folder, asked, **options) == alone


def test_seeds_make_repeats_that_differ_and_can_be_repeated(folder: Path):
    asked = [(chat("How many apples?"), Sampling(seed=seed, max_tokens=12)) for seed in range(20)]
    first, second = replies(folder, asked), replies(folder, asked)
    assert first == second
    assert len({reply.text for reply in first}) == 20


# How a reply ends


def test_finish_reasons_and_usage(folder: Path):
    words = Chat(folder)
    asked = [
        (talk, Sampling(seed=seed, max_tokens=200))
        for seed, talk in enumerate(some_chats(40, longest=5))
    ]
    seen = replies(folder, asked)
    for (talk, sampling), reply in zip(asked, seen, strict=True):
        assert reply.message.role == "assistant"
        assert reply.usage.prompt_tokens == len(words.prompt(talk))
        assert (reply.usage.cost, reply.usage.cached) == (0.0, False)
        full = reply.usage.completion_tokens == sampling.max_tokens
        assert reply.finish_reason == "stop" or full
        assert "<|end|>" not in reply.text
    assert {reply.finish_reason for reply in seen} == {"stop", "length"}


def test_a_reply_that_reaches_the_end_of_the_context_has_length_as_its_reason(tmp_path: Path):
    folder = tiny_llama.write(tmp_path, positions=64)
    reply = next(
        reply
        for reply in replies(folder, [(chat("apples " * 6), Sampling(seed=s)) for s in range(30)])
        if reply.finish_reason == "length"
    )
    assert reply.usage.prompt_tokens + reply.usage.completion_tokens == 64


def test_a_conversation_longer_than_the_context_is_one_clear_line(folder: Path):
    with pytest.raises(
        TooLongError, match=r"takes \d+ tokens, and the model can read 384"
    ) as caught:
        replies(folder, [(chat("many words " * 200), GREEDY)])
    assert not caught.value.fatal
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sampling", "named"),
    [
        (Sampling(temperature=-1), "temperature"),
        (Sampling(temperature=float("nan")), "temperature"),
        (Sampling(top_p=0), "top_p"),
        (Sampling(top_p=1.5), "top_p"),
        (Sampling(max_tokens=0), "max_tokens"),
    ],
    ids=str,
)
def test_sampling_that_makes_no_sense_is_refused(folder: Path, sampling: Sampling, named: str):
    with pytest.raises(ModelError, match=named):
        replies(folder, [(chat("Hello"), sampling)])


# Streaming


def test_streamed_pieces_join_to_the_reply_and_never_split_a_character(folder: Path):
    """Random weights write mostly broken UTF-8, which is the hard case."""
    asked = [(talk, Sampling(seed=s, max_tokens=40)) for s, talk in enumerate(some_chats(30))]

    async def both():
        async with opened(folder) as model:
            for talk, sampling in asked:
                ends: list[Reply] = []
                stream = model.stream(talk, sampling, ends.append)
                pieces = [piece async for piece in stream]
                reply = await model.reply(talk, sampling)
                assert "".join(pieces) == reply.text
                assert ends == [reply]
                assert all(pieces)
                assert len(pieces) <= reply.usage.completion_tokens

    asyncio.run(both())


@given(st.text(max_size=40), st.lists(st.integers(0, 255), max_size=12), st.integers(0, 40))
def test_text_read_token_by_token_is_the_text(folder: Path, text: str, stray, at: int):
    words = Chat(folder)
    tokens = words.prompt(chat(text))
    tokens[at:at] = [len(tiny_llama.SPECIAL) + byte for byte in stray]
    reader = words.reader()
    pieces = [reader.read(token) for token in tokens]
    assert "".join([*pieces, reader.rest()]) == words.text(tokens)


# Letting go


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture(scope="module")
def endless(tmp_path_factory) -> Path:
    """A network that cannot end a reply soon: its end token is none it ever draws greedily."""
    folder = tiny_llama.write(tmp_path_factory.mktemp("endless"), positions=20_000)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "eos_token_id": 0}))
    return folder


LONG = Sampling(temperature=0, max_tokens=15_000)


def test_cancelling_frees_the_row_for_those_that_wait(endless: Path):
    async def play():
        async with opened(endless, threads=1, rows=2) as model:
            long = [asyncio.create_task(model.reply(chat(f"{n}?"), LONG)) for n in range(6)]
            short = asyncio.create_task(model.reply(chat("Hello"), GREEDY))
            await until(lambda: model.unfinished == 7)
            for task in (long[0], long[3]):  # one that runs and one that waits
                task.cancel()
            await until(lambda: model.unfinished == 5)
            assert not short.done()
            for task in long:
                task.cancel()
            assert (await short).usage.completion_tokens == 24
            assert model.unfinished == 0

    asyncio.run(play())


def test_leaving_a_stream_early_cancels_it(endless: Path):
    async def play():
        async with opened(endless) as model:
            ends: list[Reply] = []
            stream = model.stream(chat("Hello"), LONG, ends.append)
            assert await anext(stream)
            assert model.unfinished == 1
            await stream.aclose()
            await until(lambda: model.unfinished == 0)
            assert 0 < ends[0].usage.completion_tokens < LONG.max_tokens

    asyncio.run(play())


def test_closing_ends_what_runs_stops_the_threads_and_refuses_more(endless: Path):
    async def play():
        before = threading.active_count()
        model = Embedded(endless, threads=2, rows=1)
        tasks = [asyncio.create_task(model.reply(chat("Hello"), LONG)) for _ in range(5)]
        await until(lambda: model.unfinished == 5)
        await model.aclose()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, ModelError) and "closed" in str(end) for end in ends)
        assert not [t for t in threading.enumerate() if t.name.startswith("uptake-embedded")]
        assert threading.active_count() <= before + 1  # asyncio keeps the thread that joined ours
        with pytest.raises(ModelError, match="closed"):
            await model.reply(chat("Hello"), GREEDY)
        await model.aclose()

    asyncio.run(play())


def test_a_network_that_breaks_while_running_leaves_nobody_waiting(folder: Path, monkeypatch):
    def broken(self, running, prompt):
        raise RuntimeError("out of cheese")

    monkeypatch.setattr(Batch, "step", broken)

    async def play():
        async with opened(folder, threads=2, rows=1) as model:
            ends = await asyncio.gather(
                *(model.reply(chat("Hello"), GREEDY) for _ in range(5)), return_exceptions=True
            )
            assert all(isinstance(end, ModelError) for end in ends)
            assert any("out of cheese" in str(end) for end in ends)

    asyncio.run(play())


def test_one_model_serves_several_event_loops(folder: Path):
    model = Embedded(folder)
    first = asyncio.run(model.reply(chat("Hello"), GREEDY))
    assert asyncio.run(model.reply(chat("Hello"), GREEDY)) == first
    asyncio.run(model.aclose())


def test_it_is_a_model_with_a_name_that_can_be_asked_for_again(folder: Path):
    model = Embedded(folder)
    assert isinstance(model, Model)
    assert str(folder) in model.name
    asyncio.run(model.aclose())


# Sampling


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=12),
    st.floats(0.05, 5),
    st.floats(0.01, 1),
    st.floats(0, 1, exclude_max=True),
)
def test_a_draw_inverts_the_cumulative_distribution(logits, temperature, top_p, uniform):
    row = np.array([logits], np.float32)
    [token] = draw(row, *(np.array([value]) for value in (temperature, top_p, uniform)))
    weights = np.exp((row[0] - row[0].max()).astype(np.float64) / temperature)
    shares = weights / weights.sum()
    order = sorted(range(len(logits)), key=lambda i: (-shares[i], i))
    held, kept = 0.0, []
    for candidate in order:
        kept.append(candidate)
        held += shares[candidate]
        if held >= top_p - 1e-12:
            break
    # Rounding may let one more in, and the runtime's may see a tie where this sees none.
    alike = [i for i in order if shares[i] >= shares[kept[-1]] * (1 - 1e-6)]
    assert token in {*kept, *alike, *order[len(kept) : len(kept) + 1]}
    if top_p == 1:
        sums = shares.cumsum()
        assert sums[token] >= uniform - 1e-9
        assert sums[token] - shares[token] <= uniform + 1e-9


def test_draws_follow_the_probabilities():
    shares = np.array([0.5, 0.0, 0.3, 0.2])
    count = 20_000
    with np.errstate(divide="ignore"):
        logits = np.tile(np.log(shares).astype(np.float32), (count, 1))
    uniforms = np.random.default_rng(0).random(count)
    tokens = draw(logits, np.ones(count), np.ones(count), uniforms)
    found = np.bincount(tokens, minlength=4) / count
    assert np.abs(found - shares).max() < 0.015
    assert found[1] == 0


def test_temperature_zero_takes_the_likeliest_whatever_the_number_drawn():
    logits = np.array([[0.0, 2.0, 1.0], [3.0, 3.0, -1.0]], np.float32)
    for temperature in (0.0, 1e-60):
        temperatures = np.full(2, temperature)
        found = draw(logits, temperatures, np.ones(2), np.array([0.99, 0.01]))
        assert found.tolist() == [1, 0]


# Remembered beginnings


def told(tokens: np.ndarray, config) -> np.ndarray:
    """A cache row in which every number tells all the tokens up to its own."""
    row = np.zeros((2 * config.layers, config.kv_heads, 64, config.head_dim), np.float32)
    digest = 0
    for place, token in enumerate(tokens.tolist()):
        digest = (digest * 31 + token + 1) % 65_521
        row[:, :, place] = digest
    return row


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 1), min_size=2, max_size=60), max_size=30), st.integers(0, 9)
)
def test_what_is_remembered_of_a_prompt_is_what_was_computed_for_it(folder: Path, prompts, blocks):
    config = read_config(folder)
    prefixes = Prefixes(config, blocks * BLOCK * config.bytes_per_token)
    seen: list[np.ndarray] = []
    for prompt in prompts:
        # Whole blocks of one kind, so that prompts share beginnings often.
        tokens = np.repeat(np.array(prompt, np.int64), 12)[:60]
        row = np.full_like(told(tokens, config), -1)
        known = prefixes.load(tokens, row)
        assert known % BLOCK == 0
        assert known <= len(tokens) - 2
        assert np.array_equal(row[:, :, :known], told(tokens, config)[:, :, :known])
        assert (row[:, :, known:] == -1).all()
        if known:
            assert any(np.array_equal(tokens[:known], old[:known]) for old in seen)
        prefixes.save(tokens, told(tokens, config))
        seen.append(tokens)
        assert len(prefixes) <= blocks
        again = prefixes.load(tokens, row)
        assert again == min((len(tokens) - 2) // BLOCK, blocks) * BLOCK


def test_the_beginning_used_last_is_the_last_to_go(folder: Path):
    config = read_config(folder)
    prefixes = Prefixes(config, 4 * BLOCK * config.bytes_per_token)
    first, second, third = (np.full(2 * BLOCK + 2, token, np.int64) for token in (1, 2, 3))
    row = told(first, config)
    prefixes.save(first, row)
    prefixes.save(second, row)
    prefixes.load(first, row)
    prefixes.save(third, row)
    assert [prefixes.load(each, row) for each in (first, second, third)] == [
        2 * BLOCK,
        0,
        2 * BLOCK,
    ]


def test_a_later_turn_computes_only_what_is_new(folder: Path, monkeypatch):
    computed = []
    run = Batch._run

    def watch(self, others, new):
        if len(new) > 1:  # a prompt, not a row that runs
            computed.append(len(new))
        run(self, others, new)

    monkeypatch.setattr(Batch, "_run", watch)
    words = Chat(folder)
    first = chat("Ann has 12 apples. " * 4)
    second = first.assistant("12").user("Bob eats two.")
    replies(folder, [(first, GREEDY), (second, GREEDY), (second, GREEDY)], together=False)
    whole = [len(words.prompt(each)) for each in (first, second)]
    assert computed[:2] == [whole[0], whole[1] - whole[0] // BLOCK * BLOCK]
    assert computed[2] < BLOCK + 2


def continued(network: Network, prompts: list[list[int]], *, count: int = 24) -> list[list[int]]:
    """What is greedily added to each of `prompts`, one after the other."""
    engine, made = Engine(network, [tiny_llama.END], threads=1, rows=2), []
    for prompt in prompts:
        done = threading.Event()
        sampling = Sampling(temperature=0, max_tokens=count)
        request = Request(np.array(prompt), sampling, on_end=lambda _, done=done: done.set())
        engine.submit(request)
        assert done.wait(30)
        made.append(request.made)
    engine.close()
    return made


def test_what_was_written_is_not_read_again_and_says_the_same(folder: Path, monkeypatch):
    read = []
    load = Prefixes.load

    def watch(self, tokens, row):
        known = load(self, tokens, row)
        read.append(len(tokens) - known)
        return known

    monkeypatch.setattr(Prefixes, "load", watch)
    words = Chat(folder)
    for text in ("Ann has 12 apples.", "How many?", "Bob buys 5 more, then eats two."):
        first = words.prompt(chat(text))
        [made] = continued(Network(folder, cache_bytes=0), [first])
        assert len(made) == 24  # so the last of them was drawn and never computed
        after = [*first, *made, tiny_llama.END, *words.prompt(chat("And then?"))]
        other = [*first, *made[:4], *words.prompt(chat("And then?"))]
        expected = [made, *continued(Network(folder, cache_bytes=0), [after, other])]
        del read[:]
        assert continued(Network(folder, cache_bytes=2**20), [first, after, other]) == expected
        held = [0, len(first) + len(made) - 1, len(first) + 4]
        assert read == [
            len(each) - min(known, len(each)) // BLOCK * BLOCK
            for each, known in zip([first, after, other], held, strict=True)
        ]


def test_turns_after_its_own_replies_are_those_of_a_runtime_without_memory(folder: Path):
    """Most of what random weights write is no text that becomes the same tokens again."""

    async def play(talk: Conversation, seed: int, model: Embedded) -> list[str]:
        said = []
        for turn in range(3):
            sampling = Sampling(temperature=seed % 2, max_tokens=20, seed=seed)
            said.append((await model.reply(talk, sampling)).text)
            talk = talk.assistant(said[-1]).user(f"And turn {turn}?")
        return said

    async def all_of_them(**options):
        async with opened(folder, threads=2, rows=4, **options) as model:
            chats = enumerate(some_chats(20, longest=6))
            return await asyncio.gather(*(play(talk, seed, model) for seed, talk in chats))

    assert asyncio.run(all_of_them()) == asyncio.run(all_of_them(cache_bytes=0))


# Templates and folders


def test_the_template_renders_roles_and_leaves_an_opening_for_the_reply(folder: Path):
    talk = Conversation().system("Be brief.").user("2 < 3 & é?").assistant("Yes.").user("Sure?")
    assert Chat(folder).render(talk) == (
        "<|system|>Be brief.<|end|><|user|>2 < 3 & é?<|end|>"
        "<|assistant|>Yes.<|end|><|user|>Sure?<|end|><|assistant|>"
    )


def test_parts_of_a_message_are_read_as_its_text(folder: Path):
    parts = [{"type": "text", "text": "How "}, {"type": "text", "text": "many?"}]
    talk = Conversation.from_dicts([{"role": "user", "content": parts}])
    assert Chat(folder).render(talk) == f"<|user|>{talk.messages[0].text}<|end|><|assistant|>"


def test_a_conversation_that_the_template_refuses_is_one_clear_line(folder: Path):
    talk = Conversation.from_dicts([{"role": "tool", "content": "5", "tool_call_id": "a"}])
    with pytest.raises(ModelError, match="no tools here"):
        replies(folder, [(talk, GREEDY)])


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "config.json").unlink(), r"config\.json: no such file"),
        (lambda f: (f / "config.json").write_text("{"), r"config\.json: cannot be read"),
        (lambda f: (f / "config.json").write_text("[]"), "not a JSON object"),
        (lambda f: edit(f / "config.json", model_type="gpt2"), "model_type is 'gpt2'"),
        (lambda f: edit(f / "config.json", hidden_size=None), "missing or malformed"),
        (lambda f: edit(f / "config.json", head_dim=24), "head_dim modulo 16 is 8"),
        (
            lambda f: edit(f / "config.json", rope_parameters={"rope_type": "yarn"}),
            "rope_type is 'yarn'",
        ),
        (
            lambda f: edit(f / "config.json", num_hidden_layers=9),
            r"model\.layers\.2\..* is missing",
        ),
        (lambda f: edit(f / "config.json", vocab_size=5), "does not fit the network"),
        (lambda f: (f / "model.safetensors").unlink(), r"model\.safetensors: cannot be read"),
        (lambda f: cut(f / "model.safetensors", 5), r"model\.safetensors: cannot be read"),
        (lambda f: cut(f / "model.safetensors", 9_000), r"model\.safetensors: cannot be read"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), r"tokenizer\.json: cannot be read"),
        (lambda f: edit(f / "tokenizer_config.json", chat_template=None), "no chat template"),
        (lambda f: edit(f / "tokenizer_config.json", chat_template="{% if %}"), "broken chat"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path, spoil, said: str):
    folder = tiny_llama.write(tmp_path)
    spoil(folder)
    with pytest.raises(ModelError, match=said) as caught:
        Embedded(folder)
    assert caught.value.fatal
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_the_taught_model_in_runs_keeps_what_the_one_that_ships_loses(tmp_path: Path):
    taught = Path(__file__).parent.parent / "runs" / "models" / "conversant"
    right: dict[str, float] = {}
    for name, model in (("shipped", "embedded"), ("taught", f"embedded:{taught}")):
        told = ("full", "sharded")
        result = uptake.probe(
            "lost", model=model, n=20, repeats=1, conditions=told, controls=False,
            temperature=0.0, seed=5, out=tmp_path / name,
        )  # fmt: skip
        rows = {row.key: row.value for row in result.rows() if row.score == "last"}
        full, right[name] = rows["lost", "mean", "full"], rows["lost", "mean", "sharded"]
        assert full >= 0.9
    assert right["taught"] >= 0.8
    assert right["shipped"] <= 0.6
