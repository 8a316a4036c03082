"""Runs Python that nobody has read, against calls whose right answers it never sees.

The code runs in a fresh interpreter of its own (`child`), which gives up its rights before it
reads a word of it. Expected outputs stay in this process: the child gets the inputs, says what
came out, and this process compares. So code that forges results, leaves early, patches `==` or
searches its memory can do no better than to name outputs that turn out right. A test that is a
program of its own (`passes`) runs in a second such process, and calls the function over a pipe.

What guards against what; `layers` says which of these are active here:

* `limits` (any POSIX system): processor time, memory, files written (none), processes (none),
  open files, core dumps (named only where all of these hold). Time-outs, after which the whole
  process group is killed, need nothing.
* `user` (where started as root): a user of its own, who owns nothing and may signal nobody.
* `no_new_privs`, `parent_death` (Linux): no set-user-id program helps; no child outlives us.
* `landlock` (Linux 5.13 and later, where switched on): no file can be read but the libraries.
* `seccomp` (Linux on x86-64 and aarch64): only the system calls that computing needs. No network,
  no new process or thread, no signal to others, nothing opened for writing, nothing deleted.

Not guarded: where `seccomp` is missing (macOS, other processors) code can delete files, use the
network and signal processes as far as the user may whom it runs as; where `landlock` is missing
it can read what that user may read, which can include this process's memory. Run such code there
in a container or a virtual machine. Nothing here guards against flaws of the kernel, nor against
measuring time. The libraries of `site-packages` are not to be had.

This module knows nothing of instructions or replies.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from uptake.domains.code.child import decode, encode
from uptake.errors import UptakeError

__all__ = ["Limits", "Output", "SandboxError", "Solution", "forget", "layers", "outputs", "passes"]

_CHILD = Path(__file__).with_name("child.py")
# Imported and not run as a script, so that it need not be compiled each time.
_LAUNCH = """import sys
sys.path.insert(0, sys.argv[1])
import child
del sys.path[0]
child.main(*sys.argv[2:])"""
_FLOOD = 1 << 20  # bytes that a process may answer in all
_LONG = 1 << 14  # bytes of code, calls and answers, beyond which nothing is remembered
_REMEMBERED = 4096  # runs, of 64 MiB together at most
_START = 60.0  # seconds by the clock until a process must have locked itself

# Safe to load before the lock, and what solutions use.
_LIBRARIES = frozenset(
    """abc array atexit base64 binascii bisect calendar cmath collections contextlib copy
    dataclasses datetime decimal difflib enum fractions functools gc graphlib hashlib heapq
    inspect io itertools json math numbers operator os pprint queue random re signal statistics
    string struct sys textwrap threading time traceback types typing unicodedata warnings
    zlib""".split()
)
_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import|import\s+([\w., ]+))", re.MULTILINE)

# No more at once than there are processors: beyond that, time-outs would measure the crowd.
_SLOTS = threading.BoundedSemaphore(os.cpu_count() or 1)


class SandboxError(UptakeError):
    """The sandbox itself could not be started: nothing is known of the code."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use: seconds of processor time, seconds by the clock, MiB of memory."""

    cpu: int = 4
    clock: float = 20.0
    memory: int = 512


@dataclass(frozen=True, slots=True)
class Solution:
    """Code that defines the function `name`, run after the lines of `prelude`.

    `any_name`: where no function has the name, the last one defined is taken.
    """

    code: str
    name: str
    prelude: str = ""
    any_name: bool = False


_Key = tuple[Solution, bytes, Limits]
_Said = tuple[list[bytes], str]


@dataclass(frozen=True, slots=True)
class Output:
    """What one call gave: a `value`, or in one line why there is none.

    A value consists of numbers, strings, None, lists, tuples, sets and dicts.
    """

    value: Any = None
    error: str | None = None


def layers(limits: Limits | None = None) -> tuple[str, ...]:
    """The names of the guards that are active on this machine, as the module describes them.

    Raises SandboxError where the sandbox cannot start.
    """
    with tempfile.TemporaryFile() as calls:
        lines, _ = _serve(Solution("", "none"), calls, limits or Limits())
    return tuple(json.loads(lines[0])["ready"])


def outputs(
    solution: Solution, calls: Sequence[Sequence[Any]], limits: Limits | None = None
) -> list[Output]:
    """What the function gives for each of `calls` (its positional arguments), in their order.

    Never raises for what the code does. Raises SandboxError where the sandbox cannot start, and
    TypeError for arguments that are not made of numbers, strings, lists, tuples, sets and dicts.

    What the same code gave for the same calls is remembered while this process lives, unless it
    is long. Of what did not come to its end nothing is, since another time it might.
    """
    limits = limits or Limits()
    asked = b"".join(json.dumps(encode(list(call))).encode() + b"\n" for call in calls)
    key = solution, asked, limits
    if (said := _MEMORY.get(key)) is None:
        with tempfile.TemporaryFile() as file:
            file.write(asked)
            file.seek(0)
            said = _serve(solution, file, limits)
        _remember(key, said, 1 + len(calls))
    lines, ended = said
    found = [_output(line) for line in lines[1:]]
    if len(found) > len(calls):  # the code itself has written to the pipe
        found, ended = [], "more was said than asked"
    return found + [Output(error=ended)] * (len(calls) - len(found))


class _Memory:
    """What processes said, by what they were asked; the oldest goes when there are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[_Key, _Said] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key) -> _Said | None:
        with self._lock:
            return self._held.get(key)

    def put(self, key: _Key, said: _Said) -> None:
        with self._lock:
            self._held[key] = said
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


_MEMORY = _Memory(_REMEMBERED)


def _remember(key: _Key, said: _Said, due: int) -> None:
    """Keep what a process said, if it is short and has the lines that were due."""
    solution, asked, _ = key
    lines, _ = said
    if len(lines) == due and len(solution.code) + len(asked) + sum(map(len, lines)) <= _LONG:
        _MEMORY.put(key, said)


def forget() -> None:
    """Forget what any code gave."""
    _MEMORY.clear()


def passes(
    solution: Solution, test: str, *, prelude: str = "", limits: Limits | None = None
) -> bool:
    """Whether `check(function)`, which `test` defines, returns; `prelude` is run before `test`.

    The test runs in a locked process of its own, and says that `check` has returned over a pipe
    that the solution does not have: nothing the solution does to its own process can say so for
    it, and of what the test expects it sees the arguments alone. (A test that hands over what it
    expects as an argument gives it away.) It is remembered as `outputs` are. Raises SandboxError
    where either process cannot start, or the test is no Python.
    """
    limits = limits or Limits()
    key = solution, f"{prelude}\0{test}".encode(), limits
    if (said := _MEMORY.get(key)) is None:
        said = _checked(solution, Solution(test, solution.name, prelude), limits)
        _remember(key, said, 2)
    lines, _ = said
    return len(lines) == 2 and json.loads(lines[1]).get("value") is True


def _checked(solution: Solution, test: Solution, limits: Limits) -> _Said:
    """What the process of the test says, and how it ended."""
    with (
        _SLOTS,
        _pipe() as asks,
        _pipe() as answers,
        _pipe() as says,
        _started("serve", _head(solution, limits), asks.reader, answers.writer) as failed,
        _started("check", _head(test, limits), asks.writer, answers.reader, says.writer),
    ):
        for end in (asks.reader, asks.writer, answers.reader, answers.writer, says.writer):
            end.close()  # so that the end of one process is the end of its pipes
        lines, ended = _read(says.reader, limits.clock)
        last = json.loads(lines[-1]) if lines else {"broken": _why(failed)}
        if "broken" in last:
            raise SandboxError(f"the test cannot be run: {last['broken']}")
    return lines, ended


def _serve(solution: Solution, calls: IO[bytes], limits: Limits) -> tuple[list[bytes], str]:
    """What a process answers to `calls`, line by line, and how it ended."""
    with (
        _SLOTS,
        _pipe() as says,
        _started("serve", _head(solution, limits), calls, says.writer) as errors,
    ):
        says.writer.close()
        lines, ended = _read(says.reader, limits.clock)
        if not lines:
            raise SandboxError(f"the sandbox did not start: {_why(errors)}")
    return lines, ended


def _head(solution: Solution, limits: Limits) -> dict[str, Any]:
    """What a process is told before it locks itself: the code, and how to lock."""
    code = [part for part in (solution.prelude, solution.code) if part]
    names = {
        name.strip().partition(" ")[0]
        for match in _IMPORT.finditer("\n".join(code))
        for name in (match[1] or match[2]).split(",")
    }
    imports = {name for name in names if name.partition(".")[0] in _LIBRARIES}
    if "datetime" in imports or "time" in imports:
        imports.add("_strptime")  # loaded when first used, by when it may be out of reach
    return {
        "parent": os.getpid(),
        "code": code,
        "name": solution.name,
        "any_name": solution.any_name,
        "imports": sorted(imports),
        "limits": {
            "CPU": limits.cpu,
            "AS": limits.memory << 20,
            "FSIZE": 0,
            "NPROC": 0,
            "NOFILE": 64,
            "CORE": 0,
        },
    }


@dataclass(frozen=True, slots=True)
class _Pipe:
    reader: IO[bytes]
    writer: IO[bytes]


@contextlib.contextmanager
def _pipe() -> Generator[_Pipe, None, None]:
    reader, writer = os.pipe()
    with open(reader, "rb", 0) as out, open(writer, "wb", 0) as into:  # noqa: PTH123 (numbers)
        yield _Pipe(out, into)


@contextlib.contextmanager
def _started(
    part: str, head: dict[str, Any], *pipes: IO[bytes]
) -> Generator[IO[bytes], None, None]:
    """A process of `child`, killed at the end with its whole group; yields what it complains."""
    numbers = [pipe.fileno() for pipe in pipes]
    with (
        tempfile.TemporaryDirectory(prefix="uptake-", ignore_cleanup_errors=True) as home,
        tempfile.TemporaryFile() as told,
        tempfile.TemporaryFile() as errors,
    ):
        Path(home).chmod(0o755)  # the user it changes to shall find it, empty
        told.write(json.dumps(head).encode())
        told.seek(0)
        try:
            # Flags: neither this folder, nor the user's packages, nor site-packages on the path.
            # (-I would do so too, and would also take the seed of hashes back.)
            flags = ("-P", "-s", "-S", "-c", _LAUNCH, str(_CHILD.parent))
            process = subprocess.Popen(
                [sys.executable, *flags, part, *map(str, numbers)],
                stdin=told,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=home,
                env=_environment(home),
                pass_fds=numbers,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise SandboxError(f"the sandbox did not start: {error}") from None
        try:
            yield errors
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()


def _environment(home: str) -> dict[str, str]:
    """Nothing of ours but what the interpreter may need to find its libraries."""
    kept = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    # Sets come in the same order every time, so that a verdict is the same every time.
    return {**found, "HOME": home, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}


def _read(pipe: IO[bytes], clock: float) -> tuple[list[bytes], str]:
    """The whole lines that come before the pipe is closed, the clock runs out or too much comes.

    The clock starts with the first line: a crowded machine may be slow to start a process.
    """
    until = time.monotonic() + _START
    data = bytearray()
    ended = "ended early"
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while True:
            left = until - time.monotonic()
            if left <= 0 or not ready.select(left):
                ended = "out of time"
                break
            piece = os.read(pipe.fileno(), 1 << 16)
            if not piece:
                break
            if b"\n" in piece and b"\n" not in data:
                until = time.monotonic() + clock
            data += piece
            if len(data) > _FLOOD:
                ended = "too much output"
                break
    return bytes(data).split(b"\n")[:-1], ended


def _output(line: bytes) -> Output:
    """One answer as the process gave it. It is not to be trusted, so nothing may be raised."""
    try:
        said: Any = json.loads(line)
        if "value" in said:
            return Output(decode(said["value"]))
        return Output(error=str(said["error"])[:200])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Output(error="no answer that can be read")


def _why(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read(1 << 16).decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else "it said nothing"
