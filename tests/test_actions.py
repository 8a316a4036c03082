"""The actions domain: what it makes can be called, and its verifier reads the last calls."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing.exceptions import Unresolvable

from uptake.conversation import Message
from uptake.domains.actions import Call, actions, committed, offer, written
from uptake.domains.actions.check import offered, right
from uptake.domains.actions.themes import THEMES
from uptake.episode import play
from uptake.instruction import Instruction, Shard
from uptake.instructions import InstructionError, read_instructions, write_instructions, write_lic
from uptake.model import Scripted
from uptake.scenario import scenarios

SPLITS = st.sampled_from(("train", "heldout"))
SEEDS = st.integers(0, 10_000)


DOCS = Path(__file__).parent.parent / "docs" / "instructions.md"


def one(seed: int, split: str = "heldout") -> Instruction:
    return actions.generate(1, seed=seed, split=split)[0]


def gold(instruction: Instruction) -> list[dict[str, Any]]:
    return json.loads(instruction.answer)


def score(instruction: Instruction, calls: Any) -> float | None:
    return actions.verify(instruction, json.dumps(calls)).score


# What it makes


@given(SEEDS, SPLITS)
@settings(max_examples=30)
def test_instructions_are_deterministic_and_state_their_values(seed: int, split: str) -> None:
    made = actions.generate(2, seed=seed, split=split)
    assert made == actions.generate(2, seed=seed, split=split)
    assert made[0].id != made[1].id
    for shard in made[0].shards[1:]:
        assert shard.quantity
        assert shard.value is not None
        assert shard.value in shard.text
        assert shard.value in made[0].full
        assert shard.contradicted not in (None, shard.text)
        assert shard.ambiguous != shard.text
        assert (shard.ambiguous is None) == (not shard.needed)
        assert shard.ambiguous is None or shard.value in shard.ambiguous
        assert "{" not in shard.text + made[0].shards[0].text.partition("\n")[0]


@given(SEEDS, SPLITS)
@settings(max_examples=30)
def test_the_functions_are_told_with_the_goal(seed: int, split: str) -> None:
    made = one(seed, split)
    tools = offer(made.meta["functions"])
    assert made.shards[0].text.endswith(tools)
    assert made.full.endswith(tools)
    goal = f" {made.shards[0].text.removesuffix(tools)} "
    assert not any(f" {shard.value} " in goal for shard in made.shards[1:])
    names = {function["name"] for function in made.meta["functions"]}
    assert {call["name"] for call in gold(made)} < names


def test_many_surface_forms() -> None:
    made = [*actions.generate(300, seed=3), *actions.generate(300, seed=3, split="train")]
    assert len({i.full for i in made}) == 600
    assert {i.meta["calls"] for i in made} == {1, 2, 3}
    assert {len(i.shards) for i in made} == {3, 4, 5, 6, 7, 8}
    assert any(not shard.needed for i in made for shard in i.shards)
    kinds = {type(value) for i in made for call in gold(i) for value in call["arguments"].values()}
    assert kinds == {str, int, float, bool, list, dict}
    assert json.loads(json.dumps(made[0].meta)) is not None


def test_splits_share_no_function_and_no_sentence() -> None:
    trained, heldout = (
        {
            words
            for theme in THEMES[split]
            for function in theme.functions
            for words in (
                function.name,
                *function.also,
                *(said for param in function.params for said in param.says if function.does),
            )
        }
        for split in ("train", "heldout")
    )
    assert not trained & heldout
    with pytest.raises(ValueError, match="unknown split 'dev'; choose from train, heldout"):
        actions.generate(1, split="dev")


def test_a_file_gives_the_same_instruction_back(tmp_path: Path) -> None:
    made = actions.generate(3, seed=5)
    write_instructions(tmp_path / "own.jsonl", made)
    write_lic(tmp_path / "lic.json", made)
    assert read_instructions(tmp_path / "own.jsonl") == made
    assert read_instructions(tmp_path / "lic.json") == made
    assert actions.verify(read_instructions(tmp_path / "lic.json")[0], made[0].answer).score == 1


def test_the_docs_example_is_read_and_verified(tmp_path: Path) -> None:
    section = DOCS.read_text(encoding="utf-8").partition("**`actions`**")[2]
    (tmp_path / "mine.jsonl").write_text(section.split("```")[1].removeprefix("jsonl\n"))
    (example,) = read_instructions(tmp_path / "mine.jsonl")
    verdict = actions.verify(example, "set_lamp(percent=40, room='Hall', colour='white')")
    assert verdict.score == 1


# What is right


def python(calls: list[dict[str, Any]]) -> str:
    said = [
        f"{call['name']}({', '.join(f'{k}={v!r}' for k, v in call['arguments'].items())})"
        for call in calls
    ]
    return f"[{', '.join(said)}]"


def tools(calls: list[dict[str, Any]]) -> str:
    """As an endpoint gives them, arguments as text."""
    called = [
        {
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
        }
        for i, call in enumerate(calls)
    ]
    return Message("assistant", None, {"tool_calls": called}).written


FORMS = {
    "array": json.dumps,
    "lines": lambda calls: "\n".join(json.dumps(call) for call in calls),
    "fence": lambda calls: f"Here you are:\n```json\n{json.dumps(calls, indent=2)}\n```\nDone!",
    "fences": lambda calls: "\n".join(f"```json\n{json.dumps(call)}\n```" for call in calls),
    "numbered": lambda calls: "\n".join(f"{i}. `{json.dumps(c)}`" for i, c in enumerate(calls, 1)),
    "python": python,
    "python fence": lambda calls: f"Sure.\n```python\n{python(calls)[1:-1]}\n```",
    "tool calls": tools,
    "nested": lambda calls: json.dumps([{"function": call} for call in calls]),
    "text arguments": lambda calls: json.dumps(
        {"tool_calls": [c | {"arguments": json.dumps(c["arguments"])} for c in calls]}
    ),
    "parameters": lambda calls: json.dumps(
        [{"name": call["name"], "parameters": call["arguments"]} for call in calls]
    ),
    "by name": lambda calls: json.dumps([{call["name"]: call["arguments"]} for call in calls]),
    "last of two": lambda calls: (
        f"First: {json.dumps([calls[0] | {'arguments': {}}])}. No, rather:\n{json.dumps(calls)}"
    ),
    "upside down": lambda calls: json.dumps(calls[::-1]),
}


@pytest.mark.parametrize("form", FORMS)
def test_gold_is_right_in_every_form(form: str) -> None:
    for made in [*actions.generate(12, seed=1), *actions.generate(12, seed=1, split="train")]:
        verdict = actions.verify(made, FORMS[form](gold(made)))
        assert verdict.score == 1, FORMS[form](gold(made))
        assert verdict.answer is not None
        assert actions.verify(made, verdict.answer).score == 1


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every argument of calls, and of every field of one that is an object."""
    found: list[tuple[Any, ...]] = []
    for i, call in enumerate(value):
        for key, item in call["arguments"].items():
            inner = item if isinstance(item, dict) else {}
            found += [(i, key, name) for name in inner] or [(i, key)]
    return found


@given(SEEDS, SPLITS)
@settings(max_examples=25)
def test_every_argument_decides(seed: int, split: str) -> None:
    made = one(seed, split)
    for path in leaves(gold(made)):
        for change in ("drop", "change", "mistype"):
            calls = gold(made)
            place = calls[path[0]]["arguments"]
            for step in path[1:-1]:
                place = place[step]
            if change == "drop":
                del place[path[-1]]
            elif change == "mistype":
                place[path[-1]] = {"value": place[path[-1]]}
            else:
                place[path[-1]] = changed(place[path[-1]])
            assert score(made, calls) == 0, (path, change)
    for call in range(len(gold(made))):
        calls = gold(made)
        del calls[call]
        assert score(made, calls) == 0
        assert score(made, [*gold(made), gold(made)[call]]) == 0
        calls = gold(made)
        calls[call]["arguments"]["unheard_of"] = 1
        assert score(made, calls) == 0


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return value[1:] if isinstance(value, list) else f"{value}x"


LAMP = {
    "name": "set_lamp",
    "description": "Sets a lamp.",
    "parameters": {
        "type": "object",
        "properties": {
            "room": {"type": "string"},
            "percent": {"type": "number"},
            "steps": {"type": "integer", "minimum": 1},
            "on": {"type": "boolean", "default": True},
            "mode": {"type": "string", "enum": ["warm", "cold"], "default": "warm"},
            "fade": {
                "type": "object",
                "properties": {"seconds": {"type": "integer", "default": 5}},
            },
            "order": {"type": "array", "items": {"type": "string"}},
            "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        },
        "required": ["room"],
    },
}
ALL_OFF = {"name": "all_off", "parameters": {"type": "object", "properties": {}}}


def asks(*calls: dict[str, Any], functions: Any = (LAMP, ALL_OFF)) -> Instruction:
    meta = {"functions": list(functions)}
    return Instruction("lamp", "actions", "…", (Shard("…"),), json.dumps(calls), meta)


def lamp(**arguments: Any) -> dict[str, Any]:
    return {"name": "set_lamp", "arguments": arguments}


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        (lamp(room="hall"), lamp(room="  Hall "), 1),
        (lamp(room="the hall"), lamp(room="The   hall"), 1),
        (lamp(room="hall"), lamp(room="hallway"), 0),
        (lamp(room="hall"), lamp(room="hall", on=True, mode="warm"), 1),
        (lamp(room="hall", on=True), lamp(room="hall"), 1),
        (lamp(room="hall"), lamp(room="hall", on=False), 0),
        (lamp(room="hall"), lamp(room="hall", mode="Warm"), 0),  # no such value in the enum
        (lamp(room="hall"), lamp(room="hall", fade={"seconds": 5}), 1),
        (lamp(room="hall"), lamp(room="hall", fade={}, tags=[]), 1),
        (lamp(room="hall"), lamp(room="hall", fade={"seconds": 6}), 0),
        (lamp(room="hall", percent=40), lamp(room="hall", percent=40.0), 1),
        (lamp(room="hall", percent=40), lamp(room="hall", percent="40"), 0),
        (lamp(room="hall", percent=1), lamp(room="hall", percent=True), 0),
        (lamp(room="hall", percent=0.3), lamp(room="hall", percent=0.1 + 0.2), 1),
        (lamp(room="hall", steps=3), lamp(room="hall", steps=3.0), 1),
        (lamp(room="hall", steps=3), lamp(room="hall", steps=0), 0),
        (lamp(room="hall", percent=10**400), lamp(room="hall", percent=1.5), 0),
        (lamp(room="hall", percent=10**400), lamp(room="hall", percent=10**400), 1),
        (lamp(room="hall", mode="cold"), lamp(room="hall", mode=None), 0),
        (lamp(room="hall", order=["a", "b"]), lamp(room="hall", order=["a", "b"]), 1),
        (lamp(room="hall", order=["a", "b"]), lamp(room="hall", order=["b", "a"]), 0),
        (lamp(room="hall", tags=["a", "b"]), lamp(room="hall", tags=["B", "a"]), 1),
        (lamp(room="hall", tags=["a", "b"]), lamp(room="hall", tags=["a", "c"]), 0),
        (lamp(room="hall", tags=["a", "b"]), lamp(room="hall", tags=["a", "b", "c"]), 0),
        (lamp(room="hall"), {"name": "set_lamps", "arguments": {"room": "hall"}}, 0),
    ],
)
def test_what_means_the_same(wanted: Any, given: Any, expected: float) -> None:
    assert score(asks(wanted), [given]) == expected


@given(st.permutations(["hall", "attic", "cellar", "study"]))
def test_parallel_calls_have_no_order(rooms: list[str]) -> None:
    made = asks(*(lamp(room=room) for room in ("hall", "attic", "cellar", "study")))
    assert score(made, [lamp(room=room) for room in rooms]) == 1
    assert score(made, [lamp(room=rooms[0])] * 4) == 0


def test_functions_in_the_form_of_tools() -> None:
    made = asks(lamp(room="hall"), functions=[{"type": "function", "function": LAMP}])
    assert score(made, [lamp(room="hall")]) == 1
    assert score(made, [lamp(room=3)]) == 0


def test_what_cannot_be_checked_is_no_zero() -> None:
    with pytest.raises(ValueError, match="no functions"):
        score(asks(lamp(room="hall"), functions=()), [lamp(room="hall")])
    for answer in ("none", "[]", "[1]", '[{"set_lamp": 3}]', "[" * 100_000):
        broken = Instruction("x", "actions", "…", (Shard("…"),), answer, {"functions": [LAMP]})
        with pytest.raises(ValueError, match="gold"):
            score(broken, [lamp(room="hall")])


def test_a_schema_is_looked_up_nowhere() -> None:
    far = {"name": "f", "parameters": {"$ref": "http://localhost:9/schema.json"}}
    made = asks({"name": "f", "arguments": {"a": 1}}, functions=[far])
    with pytest.raises(Unresolvable):
        score(made, [{"name": "f", "arguments": {"a": 1}}])


# What a reply commits to

OFFERED = {"set_lamp": False, "all_off": True}


@pytest.mark.parametrize(
    ("reply", "calls"),
    [
        ("set_lamp(room='hall', percent=40)", [("set_lamp", {"room": "hall", "percent": 40})]),
        ("I call set_lamp(room='it\\'s', on=True, x=None).", [
            ("set_lamp", {"room": "it's", "on": True, "x": None})
        ]),
        ("lamps.set(a=[1, 2.5, -3], b={'c': (1, 2)},)", [
            ("lamps.set", {"a": [1, 2.5, -3], "b": {"c": [1, 2]}})
        ]),
        ('{"name": "a", "arguments": {"b": "\\u00e9 \\ud83d\\ude00 \\n"}}', [
            ("a", {"b": "é 😀 \n"})
        ]),
        ("all_off()", [("all_off", {})]),
        ('{"name": "all_off"}', [("all_off", {})]),
        ('{"name": "all_off", "arguments": ""}', [("all_off", {})]),
        ("set_lamp(a=1)\nall_off()", [("set_lamp", {"a": 1}), ("all_off", {})]),
        ("set_lamp(a=1), and then all_off().", [("set_lamp", {"a": 1}), ("all_off", {})]),
        ("set_lamp(a=1) was wrong; set_lamp(a=2) is right", [("set_lamp", {"a": 2})]),
        ("set_lamp('hall')", [("set_lamp", {"#1": "hall"})]),
        ('{"thought": "so", "action": {"name": "a", "arguments": {"b": 1}}}', [("a", {"b": 1})]),
        ("<tool_call>\n{'name': 'a', 'arguments': {'b': 1}}\n</tool_call>", [("a", {"b": 1})]),
        ('[set_lamp(a=1)] Shall I go on (yes or no) [y/n]?', [("set_lamp", {"a": 1})]),
    ],
)  # fmt: skip
def test_reads_what_is_committed(reply: str, calls: list[tuple[str, Any]]) -> None:
    assert [(call.name, call.arguments) for call in committed(reply, OFFERED)] == calls


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Which room should the lamp be in?",
        "I can call set_lamp() once you tell me the room.",
        "I would use set_lamp(room, percent) for this.",
        "[]",
        "{}",
        '{"room": "hall"}',
        '["set_lamp"]',
        "The lamp (in the hall) is at [40].",
        f"You said: {offer([LAMP, ALL_OFF])}",
        json.dumps([LAMP]),
        '[{"name": "set_lamp", "arguments": {"room": "hall"',
        "set_lamp(room=hall)",
        "set_lamp(room=open('/etc/passwd').read())",
        "set_lamp(room=set_lamp(room='hall'))",
        '{"name": "set_lamp", "arguments": "not json"}',
    ],
)
def test_commits_to_nothing(reply: str) -> None:
    assert committed(reply, OFFERED) == []
    assert actions.verify(asks(lamp(room="hall")), reply).score == 0
    assert actions.verify(asks(lamp(room="hall")), reply).answer is None


HARM = "__import__('pathlib').Path('harmed').touch()"
DEEP = 30_000


HOSTILE = [
    "[" * 1_000_000,
    "[]" * 500_000,
    "{" * 1_000_000,
    '{"a":' * 200_000,
    "f(" * 500_000,
    "a" * 1_000_000,
    "a(" * 1000 + ")" * 1000,
    '["' * 500_000,
    '[",' * 300_000,
    '["a[",1,' * 100_000,
    "[1," * 300_000,
    "[" * 20 + "1," * 500_000,
    "\\" * 1_000_000,
    '"' + "\\" * 999_999,
    "```" * 300_000,
    "<tool_call>" * 100_000,
    "set_lamp(room=" + "-" * DEEP + "1)",
    "set_lamp(room=" + "9" * DEEP + ")",
    "set_lamp(room=1e999)",
    "set_lamp(room=" + "[" * 15 + "]" * 15 + ")",
    "[" + "set_lamp(room='hall')," * 100_000 + "]",
    json.dumps({"name": "set_lamp", "arguments": "[" * 10_000}),
    f"set_lamp(room='hall', tags=[{'1,{},' * 3000}])\nset_lamp(room='attic')",
    HARM,
    f"set_lamp(room={HARM})",
    f"[set_lamp(room='hall'), {HARM}]",
    f"set_lamp(room=f'{{{HARM}}}')",
    "set_lamp(room=(lambda: 'hall')())",
    "set_lamp(**{'room': 'hall'})",
    "set_lamp(room='ha' 'll')",
    "set_lamp(room='hall'*9**9**9)",
    "\ud800[{\udfff",
    "\0" * 100_000,
]


@pytest.mark.parametrize("reply", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_replies_score_0_at_once(
    reply: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = asks(lamp(room="hall"), lamp(room="attic"))
    started = time.process_time()
    assert actions.verify(made, reply).score == 0
    assert time.process_time() - started < 2
    assert list(tmp_path.iterdir()) == []


MARKS = (
    "( ) [ ] { } , : = \" ' \\ 1 - .5 room set_lamp all_off true None ``` name arguments".split()
)
WORDS = st.sampled_from([*MARKS, " ", "\n", '{"name": "set_lamp", "arguments":'])


@given(st.text(max_size=200) | st.lists(WORDS, max_size=60).map("".join))
def test_never_raises(reply: str) -> None:
    verdict = actions.verify(asks(lamp(room="hall")), reply)
    assert verdict.score in (0, 1)
    assert verdict.answer is None or committed(verdict.answer, OFFERED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner,
                      max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_any_value_survives_being_written(value: Any) -> None:
    calls = [Call("set_lamp", {"room": value})]
    assert committed(written(calls), OFFERED) == calls
    assert committed(f"set_lamp(room={value!r})", OFFERED) == calls


# Calls by way of an endpoint's tools


def test_tool_calls_reach_the_verifier_and_the_episode() -> None:
    (scenario,) = scenarios(one(4), ["full"])
    called = [
        {"id": "1", "type": "function", "function": c | {"arguments": json.dumps(c["arguments"])}}
        for c in gold(scenario.instruction)
    ]
    model = Scripted([Message("assistant", None, {"tool_calls": called})])
    episode = asyncio.run(play(scenario, model, verify=actions.verify))
    assert episode.score() == 1
    assert actions.verify(scenario.instruction, episode.turns[0].reply).score == 1


# The gold of Lost in Conversation

ROW: dict[str, Any] = {
    "task_id": "sharded-made/up_1",
    "task": "actions",
    "language": "Python",
    "test_category": "parallel",
    "function": [
        {
            "name": "tide.predict",
            "description": "Predicts the tide.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "harbour": {"type": "string"},
                    "hours": {"type": "float"},
                    "unit": {"type": "string", "default": "m"},
                    "span": {"type": "dict", "properties": {"from": {"type": "integer"}}},
                    "marks": {"type": "array", "items": {"type": "string"}},
                    "note": {"type": "any"},
                },
                "required": ["harbour", "hours"],
            },
        }
    ],
    "shards": [
        {"shard_id": 1, "shard": "predict the tide"},
        {"shard_id": 2, "shard": "for Port Ellen, six hours"},
        {"shard_id": 3, "shard": "and for Oban"},
    ],
    "reference_answer": [
        {
            "tide.predict": {
                "harbour": ["Port Ellen", "Port Ellen, Islay"],
                "hours": [6],
                "unit": ["m", "metres", ""],
                "span": [{"from": [3, 4]}, ""],
            }
        },
        {
            "tide.predict": {
                "harbour": ["Port Ellen", "Oban"],
                "hours": [6.0],
                "marks": [["a", "b"], ""],
            }
        },
    ],
    "fully_specified_question": [[{"role": "user", "content": "Predict both tides."}]],
}


@pytest.fixture
def tides(tmp_path: Path) -> Instruction:
    (tmp_path / "lic.json").write_text(json.dumps([ROW]))
    (found,) = read_instructions(tmp_path / "lic.json")
    write_lic(tmp_path / "again.json", [found])
    assert read_instructions(tmp_path / "again.json") == [found]
    return found


def test_a_row_of_lost_in_conversation_tells_its_functions(tides: Instruction) -> None:
    assert tides.domain == "actions"
    assert tides.full.startswith("Predict both tides.\n\nYou can call these functions:\n{")
    assert tides.shards[0].text.startswith("predict the tide\n\nYou can call")
    assert [shard.text for shard in tides.shards[1:]] == [
        "for Port Ellen, six hours",
        "and for Oban",
    ]


A = "tide.predict(harbour='Port Ellen', hours=6)"
B = "tide.predict(harbour='oban', hours=6.0)"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (f"[{A}, {B}]", 1),
        (f"[{B}, {A}]", 1),
        (f"{A}\n{B}".replace("tide.", "tide_"), 1),
        (f"[{A}, {A}]", 1),  # Port Ellen is acceptable for both
        (f"[{B}, {B}]", 0),
        (f"[{A}]", 0),
        (f"[{B}, tide.predict(harbour='port-ellen Islay', hours=6, unit='M')]", 1),
        (f"[{B}, tide.predict(harbour='Port Ellen', hours=6, unit='feet')]", 0),
        (f"[{B}, tide.predict(harbour='Port Ellen', hours=6, span={{'from': 4}})]", 1),
        (f"[{B}, tide.predict(harbour='Port Ellen', hours=6, span={{'from': 5}})]", 0),
        (f"[{B}, tide.predict(harbour='Port Ellen', hours=6, span={{}})]", 0),
        (f"[{A}, tide.predict(harbour='Oban', hours=6, marks=['A', 'b'])]", 1),
        (f"[{A}, tide.predict(harbour='Oban', hours=6, marks=['b', 'a'])]", 0),
        (f"[{A}, tide.predict(harbour='Oban', hours=6, note='x')]", 0),  # not in the gold
        (f"[{A}, tide.predict(harbour='Oban', hours='6')]", 0),
        (f"[{A}, tide.predict(harbour='Oban')]", 0),
    ],
)
def test_any_acceptable_value_will_do(tides: Instruction, reply: str, expected: float) -> None:
    assert actions.verify(tides, reply).score == expected


def test_a_default_may_be_left_out_where_it_is_acceptable() -> None:
    functions = offered({"functions": ROW["function"]})
    call = Call("tide.predict", {"harbour": "Oban", "hours": 6})
    for unit, expected in (["m"], True), (["feet"], False):
        wanted = [{"tide.predict": {"harbour": ["Oban"], "hours": [6], "unit": unit}}]
        assert right([call], json.dumps(wanted), functions) == expected


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("fully_specified_question", [], '"fully_specified_question" is not'),
        ("function", [], '"function" is not a list'),
        ("reference_answer", "f()", '"reference_answer" is not a list'),
        ("reference_answer", [{"f": 3}], 'a gold call is not {"NAME"'),
    ],
)
def test_a_row_that_lacks_something_is_refused(
    tmp_path: Path, key: str, value: Any, said: str
) -> None:
    (tmp_path / "lic.json").write_text(json.dumps([ROW | {key: value}]))
    with pytest.raises(InstructionError, match=said):
        read_instructions(tmp_path / "lic.json")
