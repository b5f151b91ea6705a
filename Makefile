# Works in a fresh clone with nothing but Python 3.11 or later and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= 2
BIN := .venv/bin

.PHONY: install dev test check demo bench generate clean

install: .venv/installed
dev: .venv/installed-dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch .venv/installed $@

check: dev
	$(BIN)/ruff check
	$(BIN)/mypy

test: check
	$(BIN)/pytest -n $(JOBS)

demo: install
	$(BIN)/ringfence demo

# ansible-core is compared with; it gets an environment of its own
.venv-bench/installed: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	touch $@

bench: .venv-bench/installed
	.venv-bench/bin/python -m tests.bench

# schemas/ and docs/reference/ come from the tables of the kinds, docs/demo.txt from the demo
generate: dev
	$(BIN)/python -m ringfence.cli.generate .

clean:
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache
