# Everything a person does with a checkout. `make help` lists it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SOURCES := shard operator emulator modules tests charts examples
ARGS   ?=
# Tests run side by side; a machine with more cores may take more.
JOBS   ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench bench-rest bench-operator lock clean test-system test-tools test-cluster

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make the virtual environment with everything of the lock file

$(READY): requirements/dev.lock pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup "$(VENV)"
	@touch $(READY)

demo: $(READY) ## Run a fleet of 4 shards in 3 processes against the emulator, and replace them all (ARGS=--forever keeps it running)
	@$(BIN)/migaga demo $(ARGS)

test-system: $(READY) ## Install the system packages that tests need (MariaDB)
	@scripts/system-packages

test-tools: ## Build the programs of the cluster tests, once (Kubernetes, etcd, helm; needs Go)
	@PYTHON="$(PYTHON)" scripts/cluster-tools

test: $(READY) test-system test-tools ## Run all tests (ARGS are given to pytest)
	@scripts/test $(BIN)/python $(JOBS) $(ARGS)

test-cluster: $(READY) test-system test-tools ## Run the tests on a real Kubernetes control plane (ARGS are given to pytest)
	$(BIN)/python -m pytest tests/cluster $(ARGS)

check: $(READY) ## Formatting, lint, types, layers, spelling of the lock file
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy shard operator emulator modules tests examples
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_repository.py

format: $(READY) ## Format and fix what can be fixed
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(READY) ## Measure the hot path against peers, as ratios within one run
	$(BIN)/python -m tests.bench $(ARGS)

bench-rest: $(READY) test-system ## Measure what a fleet of 200 shards costs at rest
	$(BIN)/python -m tests.bench.rest $(ARGS)

bench-operator: $(READY) test-tools ## Measure what the operator costs and how soon it acts (ARGS="--bots 300 --json")
	$(BIN)/python -m tests.bench.operator $(ARGS)

lock: $(READY) ## Make the lock files anew from pyproject.toml
	@scripts/lock "$(BIN)/uv"

clean: ## Remove what the targets above made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
