# Everything a contributor runs. Needs make, Python >= 3.10 and PyPI; the virtual environment is made here, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
ARGS ?=
# TIERS=all: a test that would be skipped (no cluster binaries, no root) fails instead.
TIERS ?=
REQUIRED := $(if $(filter all,$(TIERS)),--require-tiers)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format cluster bench versions audit dist lock clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(READY) ## Explain a recorded incident: no cluster needed
	$(BIN)/kubectl-oom why deploy/slow-growth -n demo --from kubectl_oom/incidents/slow-growth.json

test: lint ## Check the code and run the tests: make test ARGS='-k heap'
	$(BIN)/python -m pytest $(REQUIRED) $(ARGS)

lint: $(READY) ## Check style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

cluster: $(READY) ## Build the binaries of a real test node (root, Go >= 1.26; about 15 minutes, once)
	$(BIN)/python -m tests.cluster build krew validate-krew-manifest

bench: $(READY) ## Measure what it costs beside kubectl, into docs/benchmarks.md: make bench ARGS='--sizes 100'
	$(BIN)/python -m benchmarks $(ARGS)

versions: $(READY) ## Test with every supported Python, and the oldest and newest dependencies (5 minutes)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group versions
	$(BIN)/python -m tests.versions $(if $(REQUIRED),--require-all --require-tiers) $(ARGS)

audit: $(READY) ## Ask whether what is frozen has known vulnerabilities
	$(BIN)/python packaging/audit.py $(ARGS)

dist: ## Build this machine's archive and manifest for krew, in dist (about a minute)
	$(PYTHON) packaging/build.py $(ARGS)

lock: $(READY) ## Choose anew what is frozen into the archives: packaging/requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dist --universal --python-version 3.10 --generate-hashes --no-annotate \
	  --custom-compile-command 'make lock' --upgrade --quiet --output-file packaging/requirements.txt

clean: ## Remove the virtual environment and every cache
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Reinstalled when the dependencies change; the code itself is installed in place.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@
