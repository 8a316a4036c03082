"""What is public is listed, what is listed exists, and each of it says what it is."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import uptake

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
FILES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SRC.rglob("*.py"))
}
# `__main__` and names with an underscore are no one's to import; what another program loads cannot
# be imported without it.
APART = {
    "uptake.bridges.guests",
    "uptake.bridges.inspect",
    "uptake.bridges.litellm",
    "uptake.bridges.openenv",
    "uptake.bridges.scout",
    "uptake.bridges.verifiers",
    "uptake.bridges.verl",
    "uptake_verifiers",
}
PUBLIC = [
    name
    for name in FILES
    if name not in APART and not any(part.startswith("_") for part in name.split("."))
]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def defined(name: str) -> set[str]:
    """The public functions and classes that a module's own file makes.

    Not a decorated function: the command line, say, reaches it through what it registered with.
    """
    body = tree(FILES[name]).body
    made = {node.name for node in body if isinstance(node, ast.ClassDef)}
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    made |= {n.name for n in body if isinstance(n, functions) and not n.decorator_list}
    return {each for each in made if not each.startswith("_")}


def wanted_elsewhere() -> dict[str, set[str]]:
    """Per module, the names that other modules and the scripts import from it."""
    wanted: dict[str, set[str]] = {name: set() for name in FILES}
    scripts = [*ROOT.glob("runs/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]
    for path in [*FILES.values(), *scripts]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module in wanted:
                wanted[node.module] |= {alias.name for alias in node.names}
    for name in FILES:  # a submodule is no name in its package's list
        wanted[name] -= {each for each in wanted[name] if f"{name}.{each}" in FILES}
    return wanted


WANTED = wanted_elsewhere()


def order(name: str) -> tuple[bool, bool, str]:
    """CONSTANTS, then Classes, then functions, as ruff (RUF022) sorts them."""
    return (not name.isupper(), not name[:1].isupper(), name)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_module_says_what_it_is(name: str):
    assert inspect.getdoc(importlib.import_module(name))


@pytest.mark.parametrize("name", PUBLIC)
def test_all_lists_what_others_take(name: str):
    missing = WANTED[name] - set(importlib.import_module(name).__all__)
    assert missing == set(), f"{name}.__all__ lacks {sorted(missing)}"


# In `uptake` itself whatever has no underscore is offered. The rooms of its sub-folders (the
# stories of a domain, the registers of a corpus) are reached through what lists them.
@pytest.mark.parametrize("name", [name for name in PUBLIC if name.count(".") < 2])
def test_all_lists_what_is_defined(name: str):
    missing = defined(name) - set(importlib.import_module(name).__all__)
    assert missing == set(), f"list {sorted(missing)} in {name}.__all__, or begin with _"


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_sorted_and_each_name_exists(name: str):
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__), key=order)
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_each_exported_thing_is_documented(name: str):
    module = importlib.import_module(name)
    silent = [
        each
        for each in module.__all__
        if inspect.isroutine(thing := getattr(module, each)) or inspect.isclass(thing)
        if not _documented(thing)
    ]
    assert silent == [], f"{name}: {silent} have no docstring of their own"


def _documented(thing: object) -> bool:
    doc = thing.__doc__ or ""
    # A dataclass or an alias without a docstring is given its signature as one.
    return bool(doc.strip()) and not doc.startswith(f"{getattr(thing, '__name__', '')}(")


def test_uptake_offers_what_it_lists():
    assert uptake.__all__
    assert set(uptake.__all__) <= set(dir(uptake))
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = uptake.no_such_thing
