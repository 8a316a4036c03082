"""What runs inside the sandbox: give up every right, then run code that nobody has read.

Started by `sandbox` in one of two parts (`main`). `serve` defines the code and answers calls
to its function, one JSON line each. `check` runs a test in which the function is a stand-in that
asks a `serve` process, so that test and code never share a process. Both lock themselves first.

This module needs the standard library only, and knows no expected output. That a locked process
cannot write, connect, fork or signal holds on Linux alone; `sandbox` says what holds elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

__all__ = ["decode", "encode", "main"]

_LINE = 1 << 20  # bytes in the longest answer that the stand-in of `check` reads

# Values over a pipe


def encode(value: Any) -> Any:
    """A value as JSON that keeps tuples, sets and keys apart from lists and strings.

    Raises TypeError for what is not made of numbers, strings, lists, tuples, sets and dicts.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [encode(item) for item in cast("list[Any]", value)]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in cast("tuple[Any, ...]", value)]}
    if isinstance(value, set | frozenset):
        return {"set": [encode(item) for item in cast("set[Any]", value)]}
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {"dict": [[encode(key), encode(item)] for key, item in items]}
    raise TypeError(f"a {type(value).__name__} cannot be compared")


def decode(value: Any) -> Any:
    """The value again. Raises TypeError or ValueError for what `encode` cannot have made."""
    if isinstance(value, list):
        return [decode(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    ((kind, items),) = cast("dict[str, list[Any]]", value).items()
    found = [decode(item) for item in items]
    if kind == "tuple":
        return tuple(found)
    if kind == "set":
        return set(found)
    if kind == "dict":
        return {key: item for key, item in found}  # noqa: C416 (pairs come as lists)
    raise ValueError(f"unknown kind {kind!r}")


# The lock


def _lock(head: dict[str, Any]) -> list[str]:
    """Give up rights, each as far as this platform lets one; the names of those given up."""
    done: list[str] = []
    # Whatever the code imports may lie where another user cannot read: load it before.
    for name in head["imports"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    limits = [_limit(name, most) for name, most in head["limits"].items()]
    if limits and all(limits):
        done.append("limits")
    landlock = _landlock_rules() if sys.platform == "linux" else None
    if os.getuid() == 0 and _drop():
        done.append("user")
    done += [name for name, took in _rights(head["parent"], landlock) if took]
    return done


def _limit(name: str, most: int) -> bool:
    import resource  # not to be had on every system that only generates

    kind = getattr(resource, f"RLIMIT_{name}", None)
    if kind is None:
        return False
    try:
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # Soft and hard alike: the signal of a soft limit could be caught.
        resource.setrlimit(kind, (most, most))
    except (OSError, ValueError):
        return False
    return True


def _drop() -> bool:
    """From root to a user with nothing: one of its own each run, so that limits are not shared."""
    with contextlib.suppress(OSError):
        os.setgroups([])
    for user in (2_000_000_000 + os.getpid(), 65534):
        with contextlib.suppress(OSError):
            os.setgid(user)
            os.setuid(user)
            return os.getuid() == user
    return False


def _rights(parent: int, landlock: int | None) -> Iterator[tuple[str, bool]]:
    if sys.platform != "linux":
        return
    yield "no_new_privs", _prctl(38, 1)
    yield "parent_death", _prctl(1, 9)  # set after the change of user, which would undo it
    if os.getppid() != parent:
        os._exit(1)
    yield "landlock", landlock is not None and _call(_LANDLOCK + 2, landlock, 0) == 0
    if landlock is not None:
        os.close(landlock)
    yield "seccomp", _seccomp()


def _call(number: int, *args: int | bytes | None) -> int:
    libc = ctypes.CDLL(None)
    words = (ctypes.c_long(each) if isinstance(each, int) else each for each in args)
    return int(libc.syscall(ctypes.c_long(number), *words))


def _prctl(option: int, *args: int) -> bool:
    words = (ctypes.c_ulong(each) for each in (*args, 0, 0, 0, 0)[:4])
    return int(ctypes.CDLL(None).prctl(option, *words)) == 0


_LANDLOCK = 444  # the first of three numbers that are the same on every machine


def _landlock_rules() -> int | None:
    """A rule set that lets nothing of the file system be used but the libraries be read."""
    version = _call(_LANDLOCK, None, 0, 1)
    if version < 1:
        return None
    handled = {1: 0x1FFF, 2: 0x3FFF}.get(version, 0x7FFF)
    attributes = struct.pack("=Q", handled)
    rules = _call(_LANDLOCK, attributes, len(attributes), 0)
    if rules < 0:
        return None
    read = 0b1100  # files and directories
    library = os.path.dirname(os.__file__)  # noqa: PTH120 (pathlib would have to be loaded)
    shared = f"{sys.base_exec_prefix}/lib"
    places = {library, shared, *sys.path, "/lib", "/lib64", "/usr/lib", "/usr/lib64"}
    for place in places:
        if os.path.isdir(place):  # noqa: PTH112
            fd = os.open(place, os.O_RDONLY)
            rule = struct.pack("=Qi", read, fd)
            _call(_LANDLOCK + 1, rules, 1, rule, 0)
            os.close(fd)
    return rules


# System calls that plain computing needs, by machine: x86-64, aarch64 (-1: has none such).
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "stat": (4, -1),
    "fstat": (5, 80),
    "lstat": (6, -1),
    "poll": (7, -1),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, -1),
    "select": (23, -1),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "uname": (63, 160),
    "getcwd": (79, 17),
    "readlink": (89, -1),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "times": (100, 153),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "getppid": (110, 173),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "time": (201, -1),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "getdents64": (217, 61),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "newfstatat": (262, 79),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "pselect6": (270, 72),
    "ppoll": (271, 73),
    "getrandom": (318, 278),
    "statx": (332, 291),
    "faccessat2": (439, 439),
}
# Opening is allowed to read: the number, and where its flags stand among the arguments.
_OPEN = {"open": (2, -1, 1), "openat": (257, 56, 2)}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def _seccomp() -> bool:
    """From here on, every system call but those above fails with EPERM."""
    machine, architecture = _MACHINES.get(os.uname().machine, (0, 0))
    if not architecture or sys.maxsize < 2**32:
        return False
    program = _filter(machine, architecture)
    code = ctypes.create_string_buffer(b"".join(program))

    class Program(ctypes.Structure):
        _fields_ = (("count", ctypes.c_ushort), ("code", ctypes.c_void_p))

    whole = Program(len(program), ctypes.addressof(code))
    return _prctl(22, 2, ctypes.addressof(whole))


def _filter(machine: int, architecture: int) -> list[bytes]:
    """The rules as instructions of the kernel's packet filter: code, jump if, jump else, value."""

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    load, equal, has, answer = 0x20, 0x15, 0x45, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050001, 0x80000000
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    program = [
        step(load, 4),
        step(equal, architecture, 1, 0),
        step(answer, kill),
        step(load, 0),
    ]
    for numbers in _ALLOWED.values():
        if numbers[machine] >= 0:
            program += [step(equal, numbers[machine], 0, 1), step(answer, allow)]
    for *numbers, place in _OPEN.values():
        if numbers[machine] >= 0:
            program += [
                step(equal, numbers[machine], 0, 4),
                step(load, 16 + 8 * place),
                step(has, writes, 0, 1),
                step(answer, refuse),
                step(answer, allow),
            ]
    return [*program, step(answer, refuse)]


# The two parts


def _say(out: BinaryIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def _function(space: dict[str, Any], name: str, *, any_name: bool) -> Callable[..., Any]:
    """The function of that name, a method of `Solution`, or the last function there is."""
    if callable(found := space.get(name)):
        return found
    if callable(solution := space.get("Solution")) and hasattr(solution, name):
        return getattr(solution(), name)
    functions = [
        each
        for each in space.values()
        if isinstance(each, type(_function)) and each.__module__ == space["__name__"]
    ]
    if any_name and functions:
        return functions[-1]
    raise NameError(f"no function {name}")


def _serve(head: dict[str, Any], calls: BinaryIO, out: BinaryIO) -> None:
    space: dict[str, Any] = {"__name__": "solution"}
    why = "no function"
    function = None
    try:
        for part in head["code"]:
            exec(compile(part, "solution", "exec"), space)
        function = _function(space, head["name"], any_name=head["any_name"])
    except BaseException as error:  # noqa: BLE001 (SystemExit is one of its tricks)
        why = f"{type(error).__name__}: {error}"
    for line in calls:
        if function is None:
            _say(out, {"error": why[:200]})
            continue
        try:
            _say(out, {"value": encode(function(*decode(json.loads(line))))})
        except BaseException as error:  # noqa: BLE001
            _say(out, {"error": f"{type(error).__name__}: {error}"[:200]})


def _check(head: dict[str, Any], asks: BinaryIO, answers: BinaryIO, out: BinaryIO) -> None:
    def candidate(*args: Any) -> Any:
        asks.write(json.dumps(encode(list(args))).encode() + b"\n")
        asks.flush()
        answer: dict[str, Any] = json.loads(answers.readline(_LINE))
        if "value" not in answer:
            raise RuntimeError(answer.get("error"))
        return decode(answer["value"])

    space: dict[str, Any] = {"__name__": "test"}
    try:
        programs = [compile(part, "test", "exec") for part in head["code"]]
    except (SyntaxError, ValueError) as error:
        _say(out, {"broken": str(error)})
        return
    try:
        if "ready" not in json.loads(answers.readline(_LINE)):
            raise ValueError
    except ValueError:
        _say(out, {"broken": "the other part did not start"})
        return
    try:
        for program in programs:
            exec(program, space)
        # A test calls the function by its name as well as by the one it was given.
        space[head["name"]] = candidate
        space["check"](candidate)
    except BaseException as error:  # noqa: BLE001
        _say(out, {"error": f"{type(error).__name__}: {error}"[:200]})
        return
    _say(out, {"value": True})


def main(part: str, *numbers: str) -> None:
    """Be one of the two parts, "serve" or "check", on pipes of these numbers; does not return."""
    with os.fdopen(0, "rb") as file:
        head: dict[str, Any] = json.load(file)
    modes = ("rb", "wb") if part == "serve" else ("wb", "rb", "wb")
    pipes = [os.fdopen(int(number), mode) for number, mode in zip(numbers, modes, strict=True)]
    os.open(os.devnull, os.O_RDONLY)  # takes the number that the head left: input is empty
    layers = _lock(head)
    _say(pipes[-1], {"ready": layers})
    if part == "serve":
        _serve(head, pipes[0], pipes[1])
    else:
        _check(head, pipes[0], pipes[1], pipes[2])
    # Neither what was registered for the exit nor a thread that goes on has a say.
    os._exit(0)
