.DEFAULT_GOAL := help
.PHONY: help demo test dev check bench

PYTHON ?= python3.11
BIN := .venv/bin
export HOLDFAST_HOME ?= $(CURDIR)/.holdfast

help: ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

.venv/ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed as $(PYTHON); name another with PYTHON=..."; exit 2; }
	@echo "setting up .venv (about 1.5 minutes)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/ready ## Land a simulated shop, run the whole graph, say where the results are
	@$(BIN)/python -m orchestration.demo

test: .venv/ready ## Pass all tests
	@$(BIN)/python -m pytest

dev: .venv/ready ## Dagster UI and daemon, MLflow UI and the report site, side by side
	@$(BIN)/python -m orchestration.dev

check: .venv/ready ## Lint, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

spark: .venv/ready ## Add pyspark (450 MB; it needs Java 17), to run the gates on Spark tables
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes -r requirements-spark.lock

bench: .venv/ready ## Benchmarks, with where the time goes
	@$(BIN)/python -m benchmarks.simulator
	@$(BIN)/python -m benchmarks.spine
	@$(BIN)/python -m benchmarks.staging
	@$(BIN)/python -m benchmarks.labelled
	@$(BIN)/python -m benchmarks.identity
	@$(BIN)/python -m benchmarks.behavior
	@$(BIN)/python -m benchmarks.uplift
	@$(BIN)/python -m benchmarks.models
	@$(BIN)/python -m benchmarks.statistics
	@$(BIN)/python -m benchmarks.cells
	@$(BIN)/python -m benchmarks.audiences
