"""Imports run one way, lowest first, and the base never needs what only an extra installs."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "uptake"

# A module may import from lines above its own, and from its own line so long as nothing goes in a
# circle. Each new file takes a place here.
LAYERS = (
    "errors seeds sieve structured",
    "conversation",
    "instruction",
    "model",
    "embedded embedded.*",
    "models models.*",
    "domains domains.*",
    "instructions instructions.*",
    "scenario",
    "sentences signs ground",
    "partners questions user users acts judge",
    "analyst analyst.*",
    "compile moves menders",
    "model_analyst",
    "mediator",
    "episode",
    "experience",
    "analysts talk",
    "intervals agreement contrasts halflife measures cells scores compare gates",
    "probes probes.*",
    "run run.*",
    "sharding sharding.*",
    "report report.* show",
    "bridges bridges.inspect*",
    "transcripts transcripts.*",
    "audit audit.*",
    "bridges.scout bridges.guests",
    "mining mining.*",
    "train train.*",
    "study study.*",
    "bridges.openenv bridges.verifiers bridges.verl",
    "serve serve.*",
    "bridges.litellm",
    "api __init__ cli cli.* __main__",
)

# What only the extras install; these may import it, inside functions.
HEAVY = {
    "accelerate",
    "aiohttp",
    "datasets",
    "onnx",
    "ray",
    "safetensors",
    "torch",
    "transformers",
    "trl",
}
HEAVY_MAY = ("audit.cluster", "models.direct", "models.local", "train", "train.*")

# Modules that another program loads: of no use without it, so they may need it from the start.
GUESTS = {
    "bridges.guests": "inspect_ai",
    "bridges.inspect": "inspect_ai",
    "bridges.scout": "inspect_scout",
    "bridges.litellm": "litellm",
    "bridges.openenv": "openenv",
    "bridges.verifiers": "verifiers",
    "bridges.verl": "verl",
}

# The rooms of the server are entered once its extra is there; its door is open to the base.
SERVER = ("serve.*",)
DOOR = ("serve.cli", "serve.settings", "serve.annotate.cli")

# What the base installs but `import uptake` does not wait for.
SLOW = {
    "altair",
    "anthropic",
    "cyclopts",
    "jinja2",
    "jsonschema",
    "numpy",
    "onnxruntime",
    "openai",
    "re2",
    "referencing",
    "rich",
    "sacrebleu",
    "sqlglot",
    "tokenizers",
    "zstandard",
}


@dataclass(frozen=True)
class Import:
    """One imported module (dotted, absolute), and whether importing its file imports it too."""

    target: str
    line: int
    lazy: bool


def module_name(path: Path) -> str:
    """`conversation`, `domains`, `domains.math`; the package's own file is `__init__`."""
    parts = path.relative_to(SRC).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


MODULES = {module_name(path): path for path in sorted(SRC.rglob("*.py"))}


def imports(path: Path) -> Iterator[Import]:
    """Every import statement of a file; relative ones made absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ("uptake", *path.relative_to(SRC).parent.parts)
    yield from _imports(tree, package, lazy=False)


def _imports(node: ast.AST, package: tuple[str, ...], *, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, lazy)
        elif isinstance(child, ast.ImportFrom):
            base = package[: len(package) - child.level + 1] if child.level else ()
            source = ".".join([*base, *([child.module] if child.module else [])])
            for alias in child.names:  # `from uptake import scores` imports the module scores
                inner = f"{source}.{alias.name}"
                named = inner.removeprefix("uptake.") in MODULES and inner.startswith("uptake.")
                yield Import(inner if named else source, child.lineno, lazy)
        else:
            deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _imports(child, package, lazy=lazy or deferred or typing_only)


def internal(target: str) -> str | None:
    """The name in MODULES that an import of `target` loads; None where it is not ours."""
    if target == "uptake":
        return "__init__"
    if not target.startswith("uptake."):
        return None
    return target.removeprefix("uptake.")


def layer(module: str) -> int:
    for height, line in enumerate(LAYERS):
        if any(fnmatchcase(module, pattern) for pattern in line.split()):
            return height
    pytest.fail(f"src/uptake/{module}: give it a place in LAYERS (tests/test_layers.py)")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_lies_below_it(module: str):
    height = layer(module)
    upward = [
        f"{module}:{found.line} imports {found.target}"
        for found in imports(MODULES[module])
        if (name := internal(found.target)) and layer(name) > height
    ]
    assert upward == []


def test_nothing_imports_in_a_circle():
    graph = {
        module: {
            name for found in imports(path) if (name := internal(found.target)) and name != module
        }
        for module, path in MODULES.items()
    }
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the circle
    assert set(MODULES) <= set(order)


@cache
def declared(extra: str | None = None) -> set[str]:
    """The import names that the project's own dependencies (of an extra) bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    wanted = {canonical(re.match(r"[\w.-]+", line)[0]) for line in lines}
    return {
        name
        for name, distributions in installed().items()
        if wanted & {canonical(distribution) for distribution in distributions}
    }


@cache
def installed() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def inside_the_server(module: str) -> bool:
    return module not in DOOR and any(fnmatchcase(module, pattern) for pattern in SERVER)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_installation_has(module: str):
    may_be_heavy = any(fnmatchcase(module, pattern) for pattern in HEAVY_MAY)
    base = declared()
    wrong = []
    for found in imports(MODULES[module]):
        root = found.target.partition(".")[0]
        if root in sys.stdlib_module_names or root == "uptake" or root in base:
            continue
        if root == GUESTS.get(module):
            continue
        if inside_the_server(module) and root in declared("serve") | declared("postgres"):
            continue
        if not (root in HEAVY and may_be_heavy and found.lazy):
            wrong.append(f"{module}:{found.line} imports {found.target}")
    assert wrong == []


HELP = """
import contextlib, io, sys
from uptake.cli import main
sys.argv = ["uptake", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as page, contextlib.suppress(SystemExit):
    main()
assert "probe" in page.getvalue()
"""


def loaded_by(program: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running `program`."""
    program += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_uptake_waits_for_nothing_slow():
    assert loaded_by("import uptake") & (HEAVY | SLOW) == set()


def test_importing_any_module_needs_no_extra():
    apart = {"__init__", "__main__", *GUESTS}
    inner = {module for module in MODULES if inside_the_server(module)}
    names = [f"uptake.{module}" for module in MODULES.keys() - apart - inner]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert loaded & {*HEAVY, *GUESTS.values()} == set()


def test_help_waits_for_no_runtime_client_or_plot():
    printing = {"cyclopts", "rich"}
    assert loaded_by(HELP) & (HEAVY | SLOW - printing) == set()
