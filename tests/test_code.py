"""The code domain: what it makes can be solved as told, and nothing a reply does gets it a score.

The hostile replies are real: each is run, under short limits, and must neither pass nor harm.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uptake.domains.code import Code, code, committed, layers, same
from uptake.domains.code import sandbox as box
from uptake.domains.code.child import decode, encode
from uptake.domains.code.rows import hidden
from uptake.domains.code.rules import KINDS
from uptake.domains.code.sandbox import Limits, SandboxError, Solution, outputs, passes
from uptake.domains.code.tasks import Task, draw
from uptake.domains.code.tasks import tests as cases_of  # pytest would collect it by its name
from uptake.episode import play
from uptake.instruction import Instruction, Shard, Verdict
from uptake.instructions import read_instructions, write_lic
from uptake.model import Scripted
from uptake.probes.variants import changeable, changed
from uptake.scenario import scenarios

SPLITS = st.sampled_from(("train", "heldout"))
SEEDS = st.integers(0, 10_000)
SHORT = Limits(cpu=1, clock=60.0, memory=256)
# Where code waits, the clock alone ends it.
BRIEF = Limits(cpu=1, clock=1.0, memory=256)
LOCKED = pytest.mark.skipif(
    sys.platform != "linux" or "seccomp" not in layers(), reason="no seccomp on this machine"
)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    box.forget()


def double(reply: str, limits: Limits = SHORT) -> float | None:
    """The score of a reply that was to define f(x) = 2x for a hidden test."""
    meta = {"function": "f", "tests": [{"input": [2], "output": 4}, {"input": [31], "output": 62}]}
    one = Instruction("x", "code", "Double it.", (Shard("Double it."),), "", meta)
    return Code(limits).verify(one, f"```python\n{textwrap.dedent(reply)}\n```").score


# What is generated


@given(SEEDS, SPLITS)
@settings(max_examples=40)
def test_the_same_seed_makes_the_same_instructions(seed: int, split: str) -> None:
    once, again = (code.generate(2, seed=seed, split=split) for _ in range(2))
    assert once == again
    assert once[0].id != once[1].id


@given(SEEDS, SPLITS)
@settings(max_examples=40)
def test_every_shard_is_known(seed: int, split: str) -> None:
    (one,) = code.generate(1, seed=seed, split=split)
    assert one.meta["function"] in one.shards[0].text
    assert 3 <= len(one.shards) <= 8
    assert len({shard.quantity for shard in one.shards}) == len(one.shards)
    for shard in one.shards[1:]:
        assert shard.value is not None
        assert shard.value in shard.text
        assert shard.value in one.full
        assert shard.contradicted not in (None, shard.text)
        assert shard.ambiguous
        assert shard.quantity
        assert "{" not in shard.text + shard.quantity + shard.ambiguous


@given(SEEDS, SPLITS)
@settings(max_examples=40)
def test_each_requirement_shows_in_the_tests(seed: int, split: str) -> None:
    task = draw(Random(seed), split)
    meta = code.generate(1, seed=seed, split=split)[0].meta
    assert len(meta["tests"]) >= 10
    known = [(case.args, case.output) for case in cases_of(task, 0)]
    assert _right(task, task.source(), known)
    for chosen in task.rules:
        name = chosen.rule.name
        assert _right(task, task.source(without=name), known) != chosen.rule.needed
        assert _right(task, task.source(other=name), known) != chosen.rule.needed


def _right(task: Task, source: str, known: list[tuple[Any, Any]]) -> bool:
    try:
        return all(same(task.run(args, source=source), output) for args, output in known)
    except (TypeError, ValueError, ArithmeticError, NameError):
        return False


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_the_gold_answer_scores_and_a_mutant_does_not(split: str) -> None:
    for seed in range(2):
        (one,) = code.generate(1, seed=seed, split=split)
        task = draw(Random(one.id), split)
        assert task.source() == one.answer
        assert code.verify(one, f"Here it is:\n```python\n{one.answer}```\n").score == 1.0
        name = next(chosen.rule.name for chosen in task.rules if chosen.rule.needed)
        assert code.verify(one, f"```\n{task.source(without=name)}```").score == 0.0
        assert code.verify(one, "What should it do with an empty list?").answer is None


def test_splits_share_no_mixture_wording_name_or_thing() -> None:
    told: dict[str, set[tuple[str, ...]]] = {}
    names: dict[str, set[str]] = {}
    for split in ("train", "heldout"):
        made = code.generate(100, seed=5, split=split)
        assert len({one.full for one in made}) == len(made)
        assert {one.meta["kind"] for one in made} == {kind.name for kind in KINDS}
        told[split] = {(one.meta["kind"], *sorted(one.meta["rules"])) for one in made}
        names[split] = {part for one in made for part in one.meta["function"].split("_")}
    assert not told["train"] & told["heldout"]
    assert not names["train"] & names["heldout"]
    for rule in {
        rule.name: rule for kind in KINDS for s in kind.slots for rule in s.rules
    }.values():
        assert rule.train
        assert rule.heldout
        assert not set(rule.train) & set(rule.heldout)


# What a reply commits to


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("```python\ndef f(x):\n    return 1\n```", "def f(x):\n    return 1"),
        ("```\ndef f(x):\n    return 1\n```\nDone!", "def f(x):\n    return 1"),
        ("~~~py\ndef f(x): return 1\n~~~", "def f(x): return 1"),
        ("```python\ndef f(x): return 1\n```\nBetter:\n```python\ndef f(x): return 2\n```",
         "def f(x): return 2"),
        ("```python\ndef f(x): return 1\n```\nUse it:\n```python\nprint(f(3))\n```",
         "def f(x): return 1"),
        ("```python\ndef f(x): return 1\n```\n```text\ndef f(x): is a function\n```",
         "def f(x): return 1"),
        ("1. So:\n   ```python\n   def f(x):\n       return 1\n   ```", "def f(x):\n    return 1"),
        ("```python\nf = lambda x: 1\n```", "f = lambda x: 1"),
        ("```python\nclass Solution:\n    def f(self, x):\n        return 1\n```",
         "class Solution:\n    def f(self, x):\n        return 1"),
        ("```python\ndef f(x):\n    return 1", "def f(x):\n    return 1"),
        ("Sure.\n\nimport math\n\ndef f(x):\n    return 1\n\nThat is all.",
         "import math\n\ndef f(x):\n    return 1"),
        ("def f(x):\n    return 1\n", "def f(x):\n    return 1"),
        ("```python\r\ndef f(x):\r\n    return 1\r\n```", "def f(x):\n    return 1"),
    ],
)  # fmt: skip
def test_reads_the_last_code_that_defines_the_function(reply: str, found: str) -> None:
    read = committed(reply, "f")
    assert read is not None
    assert read.replace("\r", "") == found


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "What should f(x) return?",
        "```python\ndef g(x): return 1\n```",
        "```json\n{}\n```",
        "You can define it as follows.",
        "```python\nprint(1)\n```",
        "```bash\ndef f(x): return 1\n```",
    ],
)
def test_commits_to_nothing(reply: str) -> None:
    assert committed(reply, "f") is None
    assert double("pass") == 0.0


def test_any_function_will_do_where_the_name_was_not_told() -> None:
    assert committed("```python\ndef g(x): return 1\n```", None) == "def g(x): return 1"


@given(st.text(max_size=200) | st.text("`~\n def f(x):=lambda", max_size=60))
def test_reading_never_raises(reply: str) -> None:
    found = committed(reply, "f")
    assert found is None or "f" in found


# Values


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.sets(st.integers(), max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_values_come_back_as_they_were(value: Any) -> None:
    again = decode(json.loads(json.dumps(encode(value))))
    assert again == value
    assert type(again) is type(value)
    assert same(again, value)


def test_numbers_and_sequences_are_compared_kindly_and_nothing_else() -> None:
    assert same((1, 2), [1, 2])
    assert same(0.1 + 0.2, 0.3)
    assert same({"a": (1,)}, {"a": [1]})
    assert not same("12", 12)
    assert not same([1, 2], [2, 1])
    assert not same(None, 0)
    assert not same({"a": 1}, {"b": 1})


# Honest code


@pytest.mark.parametrize(
    "reply",
    [
        "def f(x):\n    return 2 * x",
        "import math, re\nfrom collections import deque\ndef f(x):\n    return math.ceil(x + x)",
        "def f(x):\n    import itertools\n    return sum(itertools.repeat(x, 2))",
        "import sys\nsys.setrecursionlimit(5000)\ndef f(x):\n    return 2 + f(x - 1) if x else 0",
        "print('hello')\ndef f(x):\n    print(x)\n    return x + x",
        "class Solution:\n    def f(self, x):\n        return x * 2",
        "import dataclasses\nA = dataclasses.make_dataclass('A', 'x')\ndef f(x): return A(2 * x).x",
        "if __name__ == '__main__':\n    raise SystemExit\ndef f(x):\n    return 2.0 * x",
    ],
)
def test_right_code_passes(reply: str) -> None:
    assert double(reply) == 1.0


@pytest.mark.parametrize(
    "reply",
    [
        "def f(x):\n    return x + 2",
        "def f(x):\n    return str(2 * x)",
        "def f(x):\n    print(2 * x)",
        "def f(x:\n    return 2 * x",
        "def f():\n    return 4",
        "def f(x):\n    return f(x)",
        "def f(x):\n    yield 2 * x",
        "async def f(x):\n    return 2 * x",
        "raise ValueError\ndef f(x):\n    return 2 * x",
        "def f(x):\n    return 4 if x == 2 else 1 / 0",
    ],
)
def test_wrong_code_does_not(reply: str) -> None:
    assert double(reply) == 0.0


def test_what_was_given_back_is_told() -> None:
    found = outputs(Solution("def f(x): return (x, {x: {1}})", "f"), [[1], ["a"], []], SHORT)
    assert found[0].value == (1, {1: {1}})
    assert found[1].value == ("a", {"a": {1}})
    assert found[2].error is not None
    assert found[2].error.startswith("TypeError")


# Hostile code


HOSTILE = {
    "leaves": "import sys\nsys.exit(0)\ndef f(x): ...",
    "leaves when called": "def f(x):\n    raise SystemExit(0)",
    "leaves at once": "import os\ndef f(x):\n    os._exit(0)",
    "leaves while defined": "import os\nos._exit(0)\ndef f(x): ...",
    "runs for ever": "def f(x):\n    while True: pass",
    "catches everything": """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, lambda *_: None)
            except (OSError, ValueError): pass
        def f(x):
            while True:
                try:
                    while True: pass
                except BaseException: pass
    """,
    "allocates 10 GB": "def f(x):\n    return len(bytearray(10 << 30)) and [0] * (1 << 31)",
    "grows": "def f(x):\n    a = [0]\n    while True: a += a",
    "recurses in C": """
        import sys
        sys.setrecursionlimit(10**8)
        def f(x):
            return f(x)
    """,
    "forges a result on stdout": """
        import os
        def f(x):
            for fd in (1, 2):
                try: os.write(fd, b'{"value": true}\\n{"value": 4}\\n')
                except OSError: pass
            os._exit(0)
    """,
    "forges a result on every pipe": """
        import os
        def f(x):
            for fd in range(256):
                try: os.write(fd, b'{"value": true}\\n' * 2)
                except OSError: pass
            os._exit(0)
    """,
    "says more than it was asked": """
        import os
        def f(x):
            for fd in range(256):
                try: os.write(fd, b'{"value": 4}\\n{"value": 62}\\n')
                except OSError: pass
            return 2 * x
    """,
    "patches what compares": """
        import builtins, json, operator
        class Same:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
            def __bool__(self): return True
        builtins.all = builtins.any = lambda *_: True
        builtins.isinstance = lambda *_: True
        operator.eq = lambda *_: True
        json.loads = lambda *_: [Same()]
        json.dumps = lambda *_, **__: '{"value": true}'
        def f(x):
            return Same()
    """,
    "returns what equals everything": """
        class Same(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        def f(x):
            return Same(7)
    """,
    "looks for what is expected": """
        import gc, json, sys
        def f(x):
            seen = []
            frame = sys._getframe()
            while frame:
                seen += [v for v in frame.f_locals.values() if isinstance(v, dict)]
                frame = frame.f_back
            seen += [o for o in gc.get_objects() if isinstance(o, dict)]
            for each in seen:
                for key in ("output", "expected", "answer", "tests"):
                    if key in each: return each[key]
            return json.loads("62") if x == 0 else None
    """,
    "registers for the exit": """
        import atexit, os
        def last():
            for fd in range(256):
                try: os.write(fd, b'{"value": 4}\\n{"value": 62}\\n')
                except OSError: pass
        atexit.register(last)
        def f(x):
            return 0
    """,
    "floods": """
        import os, sys
        def f(x):
            block = b"x" * 65536
            while True:
                for fd in range(3, 256):
                    try: os.write(fd, block)
                    except OSError: pass
    """,
    "floods what is printed": "def f(x):\n    while True: print('x' * 65536)",
    "returns a flood": "def f(x):\n    return 'x' * (1 << 24)",
    "returns what contains itself": "def f(x):\n    a = []\n    a.append(a)\n    return a",
    "returns a long number": "def f(x):\n    return 10 ** 10000",
    "is nested too deeply": "def f(x):\n    return " + "(" * 5000 + ")" * 5000,
    "is a long chain": "def f(x):\n    return " + "-" * 50_000 + "1",
    "holds a null byte": "def f(x):\n    return '\0'",
    "raises what raises": """
        class Bad(BaseException):
            def __str__(self): raise Bad
        def f(x):
            raise Bad
    """,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_scores_nothing(name: str) -> None:
    assert double(HOSTILE[name]) == 0.0


SLEEPS = {
    "sleeps": "import time\ndef f(x):\n    time.sleep(600)",
    "waits for itself": "import threading\ndef f(x):\n    threading.Event().wait()",
    "starts threads that never end": """
        import threading
        def forever():
            while True: pass
        threads = [threading.Thread(target=forever) for _ in range(50)]
        for thread in threads: thread.start()
        def f(x):
            return 0
    """,
    "reads its input": "import sys\ndef f(x):\n    return sys.stdin.read()",
}


@pytest.mark.parametrize("name", SLEEPS)
def test_code_that_waits_is_ended_by_the_clock(name: str) -> None:
    assert double(SLEEPS[name], BRIEF) == 0.0


def direct(call: str) -> str:
    """The call put to the C library, which fails without raising."""
    return f"import ctypes, os\nassert ctypes.CDLL(None).{call} >= 0"


FORBIDDEN = {
    "forks": "import os\nos.fork()",
    "forks and forks": "import os\nwhile True: os.fork()",
    "runs a program": "import os\nos.execv('/bin/sh', ['sh', '-c', 'true'])",
    "spawns": "import os\nos.posix_spawn('/bin/true', ['true'], {})",
    "starts a thread": "import _thread\n_thread.start_new_thread(print, ())",
    "kills its parent": "import os\nos.kill(os.getppid(), 9)",
    "kills everybody": "import os\nos.kill(-1, 9)",
    "leaves its group": "import os\nos.setsid() or os.setpgid(0, 0)",
    "raises its limits": "import resource as r\nr.setrlimit(r.RLIMIT_CPU, (-1, -1))",
    "changes its user": "import os\nos.setuid(0)",
    "links": "import os\nos.symlink('/', 'root')",
    "makes a folder": "import os\nos.mkdir('here')",
    "writes here": "open('here', 'w')",
    "writes to a terminal": "open('/dev/tty', 'w')",
    "opens a device": "open('/dev/null', 'r+')",
    "connects": direct("socket(2, 1, 0)"),
    "forks by itself": direct("fork()"),
    "aims a signal by itself": direct("fcntl(0, 8, os.getppid())"),
    "kills by itself": direct("kill(os.getppid(), 9)"),
}


@LOCKED
@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_locked_process_may_not(name: str) -> None:
    body = textwrap.indent(FORBIDDEN[name], "    ")
    solution = Solution(f"def f():\n{body}\n    return 'did it'", "f")
    (found,) = outputs(solution, [[]], SHORT)
    assert found.error is not None
    assert not found.error.startswith(("NameError", "SyntaxError", "no answer")), found.error


@LOCKED
def test_files_are_neither_deleted_nor_changed_nor_cut(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    ways = """os.remove(p); open(p, "w"); open(p, "a"); os.truncate(p, 0); os.chmod(p, 0)
        os.rename(p, p + "x"); os.rmdir(os.path.dirname(p)); os.link(p, p + "x")"""
    for way in re.split(r";\s*|\n\s*", ways):
        (found,) = outputs(Solution(f"def f(p):\n    import os\n    {way}\n", "f"), [[str(kept)]])
        assert found.error is not None
        assert "not permitted" in found.error
        assert kept.read_text() == "kept"
    assert kept.stat().st_mode & 0o777 != 0


@pytest.mark.skipif("landlock" not in layers(), reason="no landlock on this machine")
@pytest.mark.parametrize(
    "path", ["FILE", "/proc/{parent}/mem", "/proc/self/environ", "/etc/passwd"]
)
def test_files_are_not_read(path: str, tmp_path: Path) -> None:
    (tmp_path / "tests.json").write_text("62")
    place = path.format(parent=os.getpid()).replace("FILE", str(tmp_path / "tests.json"))
    (found,) = outputs(Solution("def f(p): return open(p, 'rb').read(1)", "f"), [[place]], SHORT)
    assert found.error is not None
    assert "Permission" in found.error


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_is_left_running_and_nothing_lies_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(_children(os.getpid()))
    assert double(SLEEPS["sleeps"], BRIEF) == 0.0
    assert double(HOSTILE["catches everything"]) == 0.0
    assert set(_children(os.getpid())) == before
    assert list(tmp_path.iterdir()) == []


def _children(of: int) -> list[str]:
    tasks = Path(f"/proc/{of}/task")
    return [pid for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


@pytest.mark.skipif("parent_death" not in layers(), reason="needs Linux")
def test_a_process_dies_with_the_one_that_started_it() -> None:
    program = f"""
from uptake.domains.code.sandbox import *
outputs(Solution({SLEEPS["sleeps"]!r}, "f"), [[1]], Limits(clock=300.0))
"""
    # The test would wait for ever, and not fail early, on a machine that is slow.
    with subprocess.Popen([sys.executable, "-c", program]) as ours:
        while not (found := _children(ours.pid)):
            time.sleep(0.01)
        while "S" not in (Path("/proc") / found[0] / "stat").read_text().split()[2]:
            time.sleep(0.01)
        ours.kill()
    while (Path("/proc") / found[0]).exists():
        time.sleep(0.01)


def test_the_environment_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "62")
    (found,) = outputs(Solution("import os\ndef f(): return dict(os.environ)", "f"), [[]], SHORT)
    assert "SECRET" not in found.value
    assert found.value["HOME"] != str(Path.home())


def test_sets_come_in_one_order() -> None:
    solution = Solution("def f(): return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})", "f")
    first = outputs(solution, [[]], SHORT)[0].value
    box.forget()
    assert outputs(solution, [[]], SHORT)[0].value == first


def test_several_run_at_once() -> None:
    scores: list[float | None] = []
    run = [
        threading.Thread(target=lambda: scores.append(double("def f(x):\n    return 2 * x")))
        for _ in range(4)
    ]
    for thread in run:
        thread.start()
    for thread in run:
        thread.join()
    assert scores == [1.0] * 4


# What is remembered


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been started in the sandbox so far: the part that each process played."""
    found: list[str] = []
    real = subprocess.Popen

    def popen(command: list[str], **options: Any) -> Any:
        found.append(next(word for word in command if word in ("serve", "check")))
        return real(command, **options)

    monkeypatch.setattr(box.subprocess, "Popen", popen)
    return found


def test_the_same_code_on_the_same_calls_runs_once(started: list[str]) -> None:
    right, wrong = "def f(x):\n    return 2 * x", "def f(x):\n    return x"
    assert [double(reply) for reply in (right, wrong, right, wrong)] == [1.0, 0.0, 1.0, 0.0]
    assert started == ["serve", "serve"]
    assert outputs(Solution(right, "f"), [[5]], SHORT)[0].value == 10  # other calls
    assert outputs(Solution(right, "f"), [[5]], Limits(cpu=2, clock=60.0))[0].value == 10
    assert len(started) == 4


def test_one_run_serves_every_reading_of_an_instruction(started: list[str]) -> None:
    """The tests of a changed requirement have the same inputs, and expect other outputs."""
    (one,) = code.generate(1, seed=3)
    shard = changeable(one)
    assert shard is not None
    other = changed(one, shard)
    for reply, scores in ((one.answer, (1.0, 0.0)), (other.answer, (0.0, 1.0))):
        fenced = f"```python\n{reply}```"
        assert tuple(code.verify(each, fenced).score for each in (one, other)) == scores
    assert started == ["serve", "serve"]


def test_a_program_that_tests_runs_once(started: list[str]) -> None:
    twice = [passes(Solution("def f(x): return x + x", "f"), CHECK, limits=SHORT) for _ in range(2)]
    assert twice == [True, True]
    assert started == ["serve", "check"]
    assert not passes(Solution("def f(x): return 2", "f"), CHECK, limits=SHORT)


def test_what_did_not_end_or_is_long_is_not_remembered(started: list[str]) -> None:
    slow = "import time\ndef f(x):\n    time.sleep(30)"
    assert double(slow, BRIEF) == double(slow, BRIEF) == 0
    long = Solution("def f(): return 'x' * 50_000", "f")
    assert outputs(long, [[]], SHORT) == outputs(long, [[]], SHORT)
    assert len(started) == 4


def test_hostile_code_scores_nothing_the_second_time_either() -> None:
    for reply in (
        "raise SystemExit(0)",
        "def f(x):\n    import os\n    os._exit(0)",
        "import child\nchild.encode = lambda value: 4\ndef f(x):\n    return 0",
    ):
        assert [double(reply) for _ in range(3)] == [0.0] * 3
    # Nor does it leave anything behind for the next.
    spoils = "import builtins\nbuiltins.len = builtins.all = lambda *_: 1\ndef f(x):\n    return 4"
    assert [double(spoils), double("def f(x):\n    return len([x]) * 2 * x")] == [0.0, 1.0]


# The sandbox itself


def test_what_cannot_start_gives_no_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(box.sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(SandboxError, match="did not start"):
        layers(SHORT)
    assert double("def f(x):\n    return 2 * x") is None


def test_what_breaks_before_the_lock_gives_no_score(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "child.py"
    broken.write_text("raise OSError('no such luck')")
    monkeypatch.setattr(box, "_CHILD", broken)
    with pytest.raises(SandboxError, match="no such luck"):
        outputs(Solution("def f(): return 1", "f"), [[]], SHORT)
    with pytest.raises(SandboxError, match="cannot be run"):
        passes(Solution("def f(): return 1", "f"), "def check(c): ...", limits=SHORT)


def test_layers_are_named() -> None:
    found = layers()
    assert len(found) == len(set(found))
    assert set(found) <= {"limits", "user", "no_new_privs", "parent_death", "landlock", "seccomp"}
    if os.getuid() == 0:
        assert "user" in found


# Tests that are programs


CHECK = """
def check(candidate):
    assert candidate(2) == 4
    assert candidate((1, 2)) == (1, 2, 1, 2), "tuples stay tuples"
    assert f("a") == "aa"
"""


def test_a_program_tests_the_function_from_outside() -> None:
    assert passes(Solution("def f(x): return x + x", "f"), CHECK, limits=SHORT)
    assert not passes(Solution("def f(x): return 2", "f"), CHECK, limits=SHORT)


@pytest.mark.parametrize(
    "name",
    ["leaves", "leaves when called", "leaves at once", "runs for ever", "patches what compares",
     "returns what equals everything", "forges a result on every pipe", "registers for the exit",
     "floods", "looks for what is expected"],
)  # fmt: skip
def test_hostile_code_passes_no_program(name: str) -> None:
    solution = Solution(textwrap.dedent(HOSTILE[name]), "f")
    assert not passes(solution, CHECK, limits=SHORT)


def test_a_test_that_is_no_python_gives_no_verdict() -> None:
    with pytest.raises(SandboxError, match="cannot be run"):
        passes(Solution("def f(x): return 1", "f"), "def check(:", limits=SHORT)


# Rows of public files


def row(**meta: Any) -> Instruction:
    return Instruction("row", "code", "Do it.", (Shard("Do it."),), "", meta)


LIC = {
    "metadata": {"func_name": "add"},
    "public_test_cases": json.dumps(
        [{"input": "1\n[2, 3]", "output": "[3, 4]", "testtype": "functional"}]
    ),
}


def packed(cases: list[dict[str, str]]) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode()


def test_rows_with_cases_are_verified_by_them() -> None:
    right = "```python\ndef plus(a, b: List[int]):\n    return [a + x for x in b]\n```"
    own = "```\nclass Solution:\n    def add(self, a, b):\n        return [a + x for x in b]\n```"
    assert code.verify(row(**LIC), right).score == 1.0
    assert code.verify(row(**LIC), own).score == 1.0
    assert code.verify(row(**LIC), right.replace("a + x", "a")).score == 0.0
    more = packed([{"input": "0\n[]", "output": "null"}])
    assert code.verify(row(**LIC, private_test_cases=more), right).score == 0.0


def test_rows_with_a_program_are_verified_by_it() -> None:
    human = row(
        entry_point="add",
        prompt='from typing import List\n\ndef add(a, b: List[int]):\n    """Add."""\n',
        test="def check(candidate):\n    assert candidate(1, [2]) == [3]\n",
    )
    right = "```python\ndef add(a, b: List[int]):\n    return [a + x for x in b]\n```"
    assert code.verify(human, right).score == 1.0
    assert code.verify(human, right.replace("a + x", "a")).score == 0.0


HEAD = 'def add(a, b):\n    """Add."""\n'


def test_rows_of_the_task_are_read_and_verified(tmp_path: Path) -> None:
    shards = [{"shard_id": 1, "shard": "Add."}, {"shard_id": 2, "shard": "To each of a list."}]
    common = {"task": "code", "shards": shards}
    rows = [
        {"task_id": "h/1", "prompt": HEAD, "source": "humaneval", **common,
         "canonical_solution": "    return [a + x for x in b]\n", "entry_point": "add",
         "test": "def check(candidate):\n    assert candidate(1, [2]) == [3]\n"},
        {"task_id": "l/1", "question_content": "Add it.", "starter_code": "def add(a, b):", **LIC,
         **common},
    ]  # fmt: skip
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    human, live = read_instructions(path)
    assert human.domain == live.domain == "code"
    assert human.full == f"Complete this Python function:\n\n```python\n{HEAD.strip()}\n```"
    assert live.full == "Add it.\n\nBegin with this:\n\n```python\ndef add(a, b):\n```"
    assert code.verify(human, human.answer).score == 1.0
    assert code.verify(live, human.answer).score == 1.0
    assert code.verify(live, "I would add them.").answer is None
    write_lic(path, [human, live])
    assert read_instructions(path) == [human, live]


def test_a_reply_is_judged_beside_the_loop_of_events() -> None:
    seen: list[str] = []

    class Watched(Code):
        def verify(self, instruction: Instruction, reply: str) -> Verdict:
            seen.append(threading.current_thread().name)
            return Verdict(1.0, reply)

    (one,) = code.generate(1)
    episode = asyncio.run(
        play(scenarios(one, ["full"])[0], Scripted(["def"]), verify=Watched().verify)
    )
    assert episode.score() == 1.0
    assert seen != [threading.main_thread().name]


class Loaded:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> Any:
        return (os.system, ("echo unpickled",))


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"tests": []},
        {"metadata": {"func_name": "f"}},
        {"metadata": "no json"},
        {"metadata": {"func_name": "f"}, "public_test_cases": "[{"},
        {"metadata": {"func_name": "f"}, "public_test_cases": "[1]"},
        {"metadata": {"func_name": "f"},
         "public_test_cases": '[{"input": "1", "output": "1", "testtype": "stdin"}]'},
        {"metadata": {"func_name": "f"},
         "private_test_cases": base64.b64encode(zlib.compress(pickle.dumps(Loaded()))).decode()},
    ],
)  # fmt: skip
def test_rows_without_tests_that_can_be_read_get_no_score(meta: dict[str, Any]) -> None:
    assert hidden(meta) is None
    verdict = code.verify(row(**meta), "```python\ndef f(x):\n    return x\n```")
    assert verdict.score is None
    assert verdict.answer is not None


def test_the_parent_was_not_signalled() -> None:
    """Kept last: whatever ran above, this process has its handlers and its folder still."""
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert Path.cwd().is_dir()
    assert replace(SHORT, cpu=2).cpu == 2
