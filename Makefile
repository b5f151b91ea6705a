# Works in a fresh clone with nothing but Python 3.11 or later and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# JOBS: processes of what needs the processor alone; WORKERS: those of tests, which wait for sockets in between
JOBS ?= 2
WORKERS ?= 4
BIN := .venv/bin

.PHONY: install dev lock test test-as-users test-by-chance test-powershell test-browser test-lowest check demo bench oracle mutants soak generate examples newcomer man docs ci-windows-dry release-prepare release-dry clean

install: .venv/installed
dev: .venv/installed-dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lab]'
	touch $@

# exactly the locked versions, of files with the locked hashes: what is built and tested is what was reviewed
.venv/installed-dev: .venv/bin/python pyproject.toml requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch .venv/installed $@

# the newest versions that pyproject.toml admits, for every platform and Python; requirements.txt has those that users run, as tested
LOCK := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-package ringfence --upgrade --custom-compile-command 'make lock'
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOCK) --extra dev --output-file requirements-dev.txt pyproject.toml
	$(LOCK) --group pyproject.toml:audit --output-file .github/requirements-audit.txt
	$(LOCK) --group pyproject.toml:docs --output-file .github/requirements-docs.txt
	$(LOCK) --extra lab --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml
	$(LOCK) --group pyproject.toml:release --output-file .github/requirements-release.txt

check: dev
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/actionlint .github/workflows/*.yml
	$(BIN)/python -m tests.release check

test: check
	$(BIN)/pytest -n $(WORKERS) -m 'not browser and not powershell and not docs and not wheel'

# what users get, as they get it: the wheel, installed elsewhere, every command of the documentation, and the demo; .ci/run runs these too
test-as-users: dev
	$(BIN)/pytest -n $(WORKERS) -m 'docs or wheel'

# all that the tests by chance look at: make test looks at a part of it (tests/helpers/chance.py)
test-by-chance: dev
	RINGFENCE_SOAK=1 $(BIN)/pytest -n $(WORKERS) -m chance

# hosts with a real PowerShell: the host script, and the commands against it; .ci/run runs these too
test-powershell: dev
	$(BIN)/pytest -n $(WORKERS) -m powershell

# the page of the HTML report in a Chromium; .ci/run runs these too
test-browser: dev
	$(BIN)/pytest -n $(WORKERS) -m browser

# the oldest versions of dependencies that pyproject.toml admits: it is their only list
.venv-lowest/installed: pyproject.toml tests/helpers/lowest.py
	$(PYTHON) -m venv --clear .venv-lowest
	$(PYTHON) tests/helpers/lowest.py > .venv-lowest/floors.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv-lowest/floors.txt \
		--editable '.[dev]'
	touch $@

test-lowest: .venv-lowest/installed
	.venv-lowest/bin/pytest -n $(WORKERS) -m 'not wheel'

demo: install
	$(BIN)/ringfence demo

# ansible-core is compared with; it gets an environment of its own
.venv-bench/installed: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	touch $@

bench: .venv-bench/installed
	.venv-bench/bin/python -m tests.bench

# what ansible-core says of the inventories, plays and templates of the tests, each version of it in an environment of its own: three
# to five minutes a version; CHECK=--check: only whether it still says so
ANSIBLE ?= 2.16 2.17 2.18 2.19 2.20 2.21
PYTHON312 ?= python3.12
.venv-oracle/2.2%/installed: PYTHON = $(PYTHON312)  # what ansible-core 2.20 and later want
.venv-oracle/%/installed:
	$(PYTHON) -m venv .venv-oracle/$*
	.venv-oracle/$*/bin/python -m pip install --quiet --disable-pip-version-check 'ansible-core==$*.*' netaddr jmespath
	touch $@

# of the collections that are released with ansible-core 2.19 ansible.utils and community.general are asked
.venv-oracle/collections/installed:
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target $(@D) 'ansible==12.*'
	touch $@

oracle: dev .venv-oracle/collections/installed $(ANSIBLE:%=.venv-oracle/%/installed)
	ANSIBLE_COLLECTIONS_PATH=.venv-oracle/collections $(BIN)/python -m tests.oracle $(CHECK) $(ANSIBLE:%=.venv-oracle/%/bin/python)

# single faults, those with names and then some of every module: would the tests notice? At first which tests run which line
mutants: dev
	rm -f .reach.json
	$(BIN)/python -m tests.mutants --named --jobs $(JOBS) --reach .reach.json
	$(BIN)/python -m tests.mutants --jobs $(JOBS) --reach .reach.json

# hostile files in processes that are measured, and N mutated inputs through every reader: minutes to an hour
N ?= 1000000
soak: test-by-chance
	$(BIN)/python -m tests.soak -n $(N)
	$(BIN)/python -m tests.trials -n 2000
	$(BIN)/python -m tests.trials -n 100 --without each
	$(BIN)/python -m tests.rollout.rollout_trials -n 1000
	$(BIN)/python -m tests.histories -n 2000
	HISTORIES=200 $(BIN)/python -m pytest -q tests/histories/test_choices.py

# schemas/ and docs/reference/ come from the tables of the kinds and of tests/windows_job; docs/demo.txt and pictures from the demo
generate: dev
	$(BIN)/python -m ringfence.cli.generate .
	$(BIN)/python -m tests.windows_job page

# README, followed word for word in an empty home, in a fresh clone of the last commit and with its wheel alone
newcomer: dev
	$(BIN)/python -m tests.docs_commands.newcomer

# what the commands of the documentation show, below them; then read what changed
examples: dev
	$(BIN)/python -m tests.docs_commands $(PAGES)

# man/*.1, which `make generate` renews too
man: dev
	$(BIN)/python -m ringfence.cli.man_pages man

# the documentation as a site in build/site; a page or an anchor that a link does not find ends it
.venv-docs/installed: .github/requirements-docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

docs: .venv-docs/installed
	$(PYTHON) -m tests.docs_site
	.venv-docs/bin/zensical build --clean --strict

# the steps of .github/workflows/windows.yml against simulated hosts: it proves the steps, and nothing of Windows
ci-windows-dry: dev
	$(BIN)/python -m tests.windows_job.dry

# the version and the changelog become those of a release of today: RELEASING.md
release-prepare: dev
	$(BIN)/python -m tests.release prepare $(VERSION)

# what is only needed for a release
.venv-release/installed: .github/requirements-release.txt
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

# the steps of .github/workflows/release.yml in a clone of what is committed, up to where it would be published; all its tests take
# long, TESTS=… are these ones instead
release-dry: dev .venv-release/installed
	$(BIN)/python -m tests.release.dry $(TESTS)

clean:
	rm -rf .reach.json build .cache .venv .venv-bench .venv-docs .venv-lowest .venv-lock .venv-oracle .venv-release .mypy_cache .ruff_cache .pytest_cache
