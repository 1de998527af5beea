# make demo    set up, then make a bundled example in demo/ and run it headless
# make test    set up, then run the tests but for the slow ones (some ten minutes on two cores)
# make test-all  the same, then the slow ones: whole runs, networks, killed processes, a browser
# make setup   only the environment: .venv/bin/toolkit, .venv/bin/jupyter
# make lint    style, types, layers, notebooks without outputs
# make wheel   build the wheel into dist/
# make lock    resolve requirements.lock again from pyproject.toml (needs uv)
#
# PYTHON=/path/to/python3.12 chooses the Python that .venv is made with.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint wheel lock clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo
NEEDED_GIB := 6
# The long files come first; tests of one file share what they made, so they stay in one process.
PYTEST_ARGS ?= --numprocesses 2 --dist loadfile --no-loadscope-reorder

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -9

setup: $(STAMP)

# What is installed follows the lock; a second call finds the stamp and does nothing.
$(STAMP): requirements.lock pyproject.toml
	@bash .ci/setup $(VENV) $(NEEDED_GIB) '$(PYTHON)'
	@touch $(STAMP)
	@echo "Ready: $(BIN)/toolkit"

demo: setup
	@[ -e $(DEMO)/project.yaml ] || $(BIN)/toolkit example german_credit $(DEMO)
	$(BIN)/toolkit run $(DEMO)
	@echo "open it   $(BIN)/jupyter lab $(DEMO)"

test: setup
	$(BIN)/python -m pytest -m 'not slow' $(PYTEST_ARGS)

test-all: test
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/notebooks_without_outputs.py

wheel: setup
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

# The lock names no index: whoever installs decides where packages come from. That a release has
# wheels for every system that we support is not in the lock, so it is looked up.
lock:
	uv pip compile pyproject.toml --extra dev --extra boosting --python-version 3.11 --universal \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock
	@set -eu; for python in 3.11 3.12 3.13; do \
	  for system in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin; do \
	    uv pip install --quiet --dry-run --no-deps --only-binary :all: --target build/lock \
	      --python-version $$python --python-platform $$system --requirement requirements.lock; \
	    echo "every package has a wheel for Python $$python on $$system"; \
	  done; \
	done

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
