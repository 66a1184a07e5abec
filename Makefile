# `make run` and `make test` are all there is to know; each does everything on a fresh machine.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-long crash bench browser packages check pictures sheets messages clean

run: .venv/run
	@$(BIN)/python app.py

# The fastest first: a slip is told in seconds.
test: check browser packages
	$(BIN)/pytest -n 2 --dist loadgroup -m "not long"

test-long: check browser packages
	$(BIN)/pytest

# Kills processes a thousand times on each engine and prints the table of docs/reliability.md. Some five minutes.
crash: .venv/test
	@$(BIN)/python -m tests.crash

# Measures, prints the tables, and writes them into docs/benchmarks.md, then says which bars were met. Some forty
# minutes; one part alone: make bench ONLY=accepting
bench: .venv/test browser
	@$(BIN)/python -m tests.bench $(ONLY)

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

browser: .venv/test
	@$(BIN)/python -m tests.browser.chromium

# What the tests put on pages beside Ringback: React, Vue.
packages: .venv/test
	@$(BIN)/python -m tests.npm

# The pictures of the README, taken of the sandbox.
pictures: browser
	$(BIN)/python -m tests.browser.pictures

# Every state in every look, drawn into tests/output/sheets for a person to look at. Some seven minutes.
sheets: browser
	$(BIN)/python -m tests.browser.sheets

# Brings translations/*.po up to the sentences in the code and the templates, and says what is left to translate.
messages: .venv/test
	@$(BIN)/python -m tests.messages

.venv/run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ringback needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test: .venv/run requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv .sandbox tests/output
