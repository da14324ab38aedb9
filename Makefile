# `make` explains the targets. Everything is set up in this folder: no root, no service, nothing outside it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := .tools/bin/uv
RUN := .venv/bin
ARGS ?=

export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
# Compiled modules are kept, whatever the surroundings say: to compile them anew takes each of many processes seconds.
unexport PYTHONDONTWRITEBYTECODE

# One environment, made from uv.lock; each group of targets adds what it needs.
# Keywright itself is made anew each time: its compiled part may be missing, or of another day.
SYNC = $(UV) sync --quiet --locked --inexact --reinstall-package keywright --python .tools/bin/python --extra server
MADE_FROM = pyproject.toml uv.lock hatch_build.py src/keywright/protocol/_native.c

.PHONY: help run demo settings test test-rest test-pure test-all check format reference coverage bench clean

help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.server ## Start Keywright with its sandbox (spot :8401, futures :8402); Ctrl-C stops it
	@exec $(RUN)/keywright serve $(ARGS)

demo: .venv/.server ## Beside a running server: make a key to trade with and print how (ARGS=--json)
	@exec $(RUN)/keywright demo $(ARGS)

settings: .venv/.server ## Show every setting, its value and where it came from
	@exec $(RUN)/keywright settings

test: .venv/.test ## Run every test that needs no service and no browser
	$(RUN)/pytest -n auto --ignore tests/browser -m "not clients and not postgres and not browser and not namespaces" $(ARGS)

test-rest: .venv/.all ## Run what `make test` leaves out: real clients, PostgreSQL, Chromium, network namespaces; what is missing fails and says how to get it
	$(RUN)/pytest -n auto -m "clients or postgres or browser or namespaces" $(ARGS)

test-pure: .venv/.test ## Run the protocol's tests once more, without its compiled part
	KEYWRIGHT_PURE=1 $(RUN)/pytest -n auto tests/protocol -m "not clients" $(ARGS)

test-all: .venv/.all ## Run every test: `make test` and `make test-rest` in one
	$(RUN)/pytest -n auto $(ARGS)

check: .venv/.all ## Lint, format, strict types, import contracts, docs
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache
	$(RUN)/pytest -q -p no:cacheprovider tests/test_house.py tests/test_docs.py

format: .venv/.all ## Format the code and mend what lint can mend
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

reference: .venv/.all ## Write docs/reference, the newest schema and the catalogue of texts anew from the code
	$(RUN)/python scripts/reference.py
	$(RUN)/python -m scripts.schema
	$(RUN)/python -m scripts.texts

coverage: .venv/.all ## Run every test in one process and report what no test reaches
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -q -p no:xdist -m "not slow" $(ARGS)
	$(RUN)/coverage combine --quiet
	$(RUN)/coverage report

bench: .venv/.all ## Measure Keywright beside its peers, in one run, as ratios
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix benchmarks/peers; fi
	$(RUN)/python benchmarks/run.py $(ARGS)

clean: ## Remove the environments and caches of this folder (never the data)
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

$(UV): scripts/setup.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Keywright needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "python3-venv is missing: apt install python3-venv"; exit 1; }
	@echo "setting up .tools and .venv (first time only) …"
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r scripts/setup.txt
	@touch $@

.venv/.server: $(UV) $(MADE_FROM)
	@$(SYNC)
	@touch $@

.venv/.test: $(UV) $(MADE_FROM)
	@$(SYNC) --extra postgres --extra chat --extra vault --extra transit --group test
	@touch $@ .venv/.server

.venv/.all: $(UV) $(MADE_FROM)
	@$(SYNC) --extra postgres --extra chat --extra vault --extra transit --group dev
	@touch $@ .venv/.test .venv/.server
