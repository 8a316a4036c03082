"""The hidden tests of an instruction: generated here, or brought by a row of a public file.

* generated: `function` and `tests`, each with its `input` (arguments) and `output`;
* LiveCodeBench, and Lost in Conversation's task "code": `public_test_cases` and
  `private_test_cases` (JSON, the latter perhaps pickled and packed), the function's name in
  `metadata`; an input is one JSON argument a line. Tests that feed standard input are not read;
* HumanEval: `test`, a program that defines `check(candidate)`, and `prompt` with its helpers.

This module knows nothing of replies, and runs nothing.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from uptake.conversation import thaw
from uptake.domains.code.tasks import Case

__all__ = ["UNSOLVED", "Tests", "hidden"]

UNSOLVED = "(whatever passes the tests)"
"""The answer of an instruction that brings tests and no solution."""

_IMPORTS = re.compile(r"^(?:from [\w.]+ )?import [^\n(]+$", re.MULTILINE)
# What the code of LiveCodeBench may take for granted.
_USUAL = """import bisect, collections, copy, datetime, functools, heapq, itertools, json, math
import operator, random, re, statistics, string, sys
from typing import *
from collections import *
from functools import *
from itertools import *
from heapq import *
from bisect import *
"""


@dataclass(frozen=True, slots=True)
class Tests:
    """How to test the function `name`: by `cases`, or else by the program `check`.

    `prelude` is run before the code, `helpers` before `check`. `any_name`: the request need not
    have told the name, so that the last function a reply defines will do.
    """

    name: str
    cases: tuple[Case, ...] = ()
    check: str | None = None
    prelude: str = ""
    helpers: str = ""
    any_name: bool = False


def hidden(meta: Mapping[str, Any]) -> Tests | None:
    """The tests that an instruction's `meta` holds; None where it holds none that can be read."""
    try:
        if "tests" in meta:
            cases = tuple(Case(thaw(test["input"]), thaw(test["output"])) for test in meta["tests"])
            return Tests(meta["function"], cases) if cases else None
        return _from_row(meta)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _from_row(meta: Mapping[str, Any]) -> Tests | None:
    about = meta.get("metadata", {})
    about = json.loads(about) if isinstance(about, str) else about
    name = about.get("func_name") or meta.get("entry_point")
    if not isinstance(name, str) or not name.isidentifier():
        return None
    prompt = meta.get("prompt")
    prompt = prompt if isinstance(prompt, str) else ""
    imports = "\n".join(_IMPORTS.findall(prompt))
    packed = [meta[key] for key in ("public_test_cases", "private_test_cases") if meta.get(key)]
    rows = [row for each in packed for row in _unpacked(each)]
    if rows and all(row.get("testtype", "functional") == "functional" for row in rows):
        cases = tuple(_case(row) for row in rows)
        return Tests(name, cases, prelude=f"{_USUAL}{imports}", any_name=True)
    test = meta.get("test")
    if isinstance(test, str) and "def check(" in test:
        return Tests(name, (), test, f"{_USUAL}{imports}", prompt, any_name=True)
    return None


def _case(row: Mapping[str, Any]) -> Case:
    """`input`: one JSON argument a line; `output`: JSON."""
    given = cast("str", row["input"])
    args = tuple(json.loads(line) for line in given.split("\n") if line.strip())
    return Case(args, json.loads(row["output"]))


def _unpacked(cases: Any) -> list[dict[str, Any]]:
    if not isinstance(cases, str):
        return thaw(cases)
    try:
        return json.loads(cases)
    except ValueError:
        return json.loads(_unpickled(cases))


class _Text(pickle.Unpickler):
    """Unpickles text. A pickle that names anything to be imported is refused."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not text")


def _unpickled(packed: str) -> str:
    try:
        data = zlib.decompress(base64.b64decode(packed.encode()))
        text = _Text(io.BytesIO(data)).load()
    except (binascii.Error, zlib.error, pickle.UnpicklingError, EOFError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(text, str):
        raise ValueError("the pickle holds no text")
    return text
