# poolwright. On a fresh machine two commands matter: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PYTEST_ARGS ?=
WORKERS ?= $(shell echo $$(( 2 * $$(getconf _NPROCESSORS_ONLN) ))) # many tests wait for a socket or a process
unexport PYTHONDONTWRITEBYTECODE # the tests start many programs; compiling each anew costs minutes

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-screens explore test-real test-machines disconnects crashpoints storm check lint types contracts fresh format screenshots bench bundle lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with every locked dependency and poolwright itself

$(STAMP): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "poolwright needs Python 3.11 or newer; try make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip --disable-pip-version-check -q install --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup ## make a pool on the simulated fleet: the wizard in a terminal, headless without one
	@$(BIN)/poolwright demo

test: setup ## every test but those on real systems; one that lacks a system package skips with a reason
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not real" $(PYTEST_ARGS)

test-fast: setup ## the quick ones only
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not real and not slow" $(PYTEST_ARGS)

test-screens: setup ## the wizard's tests on one busy processor, drawn as rarely as may be, and at once (WAYS, TIMES)
	$(BIN)/python scripts/screen_ways.py $(WAYS) --times $(or $(TIMES),1)

explore: setup ## TIMES=30 as many examples of every property, drawn anew (many minutes)
	POOLWRIGHT_TEST_EXAMPLES=$(or $(TIMES),30) $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "hypothesis and not real" --timeout 3600 $(PYTEST_ARGS)

test-real: setup ## real sshd, namespaces, disk images, emulated machines, a Xen dom0 (root and the packages of .ci/run)
	POOLWRIGHT_TEST_REAL=1 $(BIN)/pytest -m real -ra --durations=5 $(PYTEST_ARGS)

test-machines: setup ## only the emulated machines and the Xen dom0 (root, QEMU; builds an image first)
	POOLWRIGHT_TEST_REAL=1 $(BIN)/pytest -ra --durations=5 tests/real/test_machines.py tests/real/test_xen.py tests/real/test_logind.py $(PYTEST_ARGS)

disconnects: setup ## Manager hangs up at every command, before and after it was carried out (part of crashpoints)
	$(BIN)/python scripts/crashpoints.py --only disconnects

crashpoints: setup ## kill a runner at every journal write and change, resume and roll back each (minutes)
	$(BIN)/python scripts/crashpoints.py

storm: setup ## SEEDS=1000 runs in random faults, each must end as promised; FIRST=0 is the first seed
	$(BIN)/python scripts/storm.py $(or $(SEEDS),1000) $(or $(FIRST),0)

check: lint types contracts fresh test ## the whole loop

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

fresh: setup ## generated documents and pictures are up to date
	$(BIN)/python scripts/docs.py --check
	$(BIN)/python scripts/screenshots.py --check

format: setup ## put the code in the one form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

screenshots: setup ## make screenshots/*.svg and demo.cast anew, from the lab
	$(BIN)/python scripts/screenshots.py
	$(BIN)/python scripts/cast.py

bench: setup ## measure, as ratios against what a user would otherwise use
	$(BIN)/python -m bench

bundle: setup ## a wheelhouse and installer for a jump host without internet, in dist/
	$(BIN)/python scripts/bundle.py

lock: ## pin every dependency anew
	scripts/lock.sh

clean: ## remove what was built (not .venv)
	rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
