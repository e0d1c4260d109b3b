# elb-passthrough: everything that is done with a checkout. `make` alone lists it.
#
# The targets install into .venv: with uv where it is found, else with pip, the same pinned versions either way.
# PYTHON chooses the interpreter (3.11 or newer); WORKERS how many processes run the tests; PORT where the demo listens;
# ARGS what is handed on.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
WORKERS ?= 4
PORT ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 14

.PHONY: demo
demo: $(STAMP) ## start the simulated world and the bot on loopback; prints the URL (PORT=9000: another port)
	@$(BIN)/python -m bot demo $(if $(PORT),--port $(PORT)) $(ARGS)

.PHONY: test
test: $(STAMP) ## run the whole test suite
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: coverage
coverage: $(STAMP) ## the same with branch coverage, which takes twice as long
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term $(ARGS)

.PHONY: check
check: $(STAMP) ## lint, format, types and the floors of docs/architecture.md
	@failed=; for each in 'ruff check .' 'ruff format --check .' mypy lint-imports; do \
	  echo "$$each"; $(BIN)/$$each || failed=1; \
	done; test -z "$$failed"

.PHONY: bench
bench: $(STAMP) ## measure what is promised to be fast, beside baselines
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: torture
torture: $(STAMP) ## race, cut off and kill real processes, and count what came of it (needs PostgreSQL)
	@$(BIN)/python -m tests.torture $(ARGS)

.PHONY: soak
soak: $(STAMP) ## an hour of churn and trouble in the watched cluster, in minutes; compares at the end
	@$(BIN)/python -m tests.soak $(ARGS)

.PHONY: pictures
pictures: $(STAMP) ## draw the README's pictures and diagram anew (needs Chromium)
	@$(BIN)/python -m tests.e2e.page_story docs
	@$(BIN)/python -m tests.house.diagram

.PHONY: install
install: $(STAMP) ## only install into .venv

.PHONY: lock
lock: ## write uv.lock and requirements-dev.txt anew (needs uv)
	uv lock
	uv export --frozen --quiet --no-hashes --no-annotate --no-emit-project --no-header --output-file requirements-dev.txt

.PHONY: clean
clean: ## remove .venv, caches and build results
	rm -rf $(VENV) dist build htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One recipe in one shell, so that a failed step of uv's falls back to pip, and a failed one of pip's is the answer.
$(STAMP): pyproject.toml uv.lock requirements-dev.txt
	@set -eu; \
	python=; \
	for candidate in '$(PYTHON)' python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    python=$$(command -v "$$candidate"); break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'make: no Python 3.11 or newer was found; name one: make PYTHON=/path/to/python3.12' >&2; exit 1; \
	fi; \
	rm -rf $(VENV); \
	if uv --version >/dev/null 2>&1 \
	    && UV_PROJECT_ENVIRONMENT=$(VENV) uv sync --frozen --quiet --no-progress --no-python-downloads --python "$$python"; then \
	  :; \
	else \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "make: $$python has no venv module (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }; \
	  rm -rf $(VENV); \
	  echo 'installing into $(VENV) with pip ...'; \
	  "$$python" -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --requirement requirements-dev.txt; \
	  $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .; \
	fi; \
	touch $@
