# `make run` and `make test` are all there is to know; each does everything on a fresh machine.

PYTHON ?= python3
BIN := .venv/bin

# Hundreds of processes start in the tests: what Python compiled of us is kept, whatever this shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test tests quick test-long crash soak bench browser packages check format sbom audit licences release pictures sheets trees messages update clean

help: ## What there is to make
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: .venv/run ## The sandbox, on http://127.0.0.1:8000; PORT=8001 for another port
	@$(BIN)/python app.py

# Where the tests keep their stores: in memory, if there is enough of it, for they flush thousands of times.
STORES := $(shell df -Pk /dev/shm 2>/dev/null | awk 'END { if ($$4 > 4000000) print "TMPDIR=/dev/shm" }')
test: .venv/test browser packages ## What has to pass before a merge; some eight minutes on two cores
	@$(MAKE) --no-print-directory -j2 check tests

# Beside the checks. One process more than cores, since a test waits some of its time.
tests:
	$(STORES) $(BIN)/pytest -n 3 --dist loadgroup -m "not long" -rs

# The rules: numbers, requests, forms, times, and the maps of the code; on SQLite, without what takes longest.
RULES := phone outbox web/form structure test_opening_hours.py
SLOW := brake measured_promise outbox_states patient_stranger recovery traces
quick: check ## The rules alone, in about a minute: no browser, no PostgreSQL, no other process
	$(BIN)/pytest -n 2 -m "not long" -k "not postgres" $(RULES:%=tests/%) $(SLOW:%=--ignore tests/outbox/test_%.py)

test-long: check browser packages ## The same at full figures: 1,000 kills, 100,000 inputs, every state in every look
	$(STORES) $(BIN)/pytest

# Kills processes a thousand times on each engine and prints the table of docs/reliability.md. Some five minutes.
crash: .venv/test ## A thousand kills an engine, counted
	@$(BIN)/python -m tests.crash

# Measures, prints the tables, and writes them into docs/benchmarks.md, then says which bars were met. Some forty
# minutes; one part alone: make bench ONLY=accepting
bench: .venv/test browser ## The benchmarks, each beside a peer
	@$(BIN)/python -m tools.bench $(ONLY)

# Whether anything grows: memory, handles, connections, threads. Half an hour; with PostgreSQL: --store postgres.
soak: .venv/test ## Fifty thousand requests, and what serves them is weighed
	@$(BIN)/python -m tools.soak

check: .venv/test ## Style, types, and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format: .venv/test ## Writes every file in the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

browser: .venv/test
	@$(BIN)/python -m tests.browser.chromium

# What the tests put beside Ringback: React and Vue on pages, PgBouncer before PostgreSQL.
packages: .venv/test
	@$(BIN)/python -m tests.npm
	@$(BIN)/python -m tests.pgbouncer

# The pictures of the README, taken of the sandbox.
pictures: browser ## The pictures of the README
	$(BIN)/python -m tools.pictures

# Every state in every look, drawn into tests/output/sheets for a person to look at. Some seven minutes.
sheets: browser ## Every state in every look, to look at
	$(BIN)/python -m tools.sheets

# What a screen reader is told of each state, written into tests/browser/trees; a change is read as code is.
trees: browser ## What a screen reader is told, written down anew
	$(BIN)/python -m tests.browser.trees

# Brings translations/*.po up to the sentences in the code and the templates, and says what is left to translate.
messages: .venv/test ## Translations, brought up to the sentences
	@$(BIN)/python -m tools.messages

.venv/run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ringback needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test: .venv/run requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@touch $@

# The newest of everything that we chose, and of what comes along, exactly; then the tests say whether it fits.
PIN := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --annotation-style line --no-header
update: .venv/test ## Renews the pinned packages, and runs the tests
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(PIN) requirements.in -o requirements.txt
	sed -i '1i # Made by `make update` of requirements.in: every package, exactly, and who wants what.' requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements.txt -o requirements.lock
	$(PIN) requirements-dev.in -o requirements-dev.txt
	sed -i '1i # Made by `make update` of requirements-dev.in.' requirements-dev.txt
	$(MAKE) test

# What runs, told to others, in an environment of its own; docs/releasing.md says what each is for.
# Not in .venv, which may be a link to one that several work trees share.
SUPPLY := .venv-supply/bin
$(SUPPLY):
	$(PYTHON) -m venv .venv-supply
	$(SUPPLY)/pip install --quiet --disable-pip-version-check cyclonedx-bom pip-audit pip-licenses

SBOM := $(SUPPLY)/cyclonedx-py requirements --output-reproducible --validate -o dist/ringback.cdx.json
sbom: $(SUPPLY) ## Every package that runs, as CycloneDX, into dist/
	@mkdir -p dist
	$(SBOM) requirements.lock

audit: $(SUPPLY) ## Known holes in the packages that run
	$(SUPPLY)/pip-audit --require-hashes --disable-pip --strict -r requirements.lock

licences: $(SUPPLY) .venv/run ## Under which licence each package that runs is
	@$(SUPPLY)/pip-licenses --python=$(BIN)/python --packages $$(sed -nE 's/^([a-z0-9._-]+)==.*/\1/p' requirements.lock)

# What is uploaded for a tag, and nothing is uploaded: make release TAG=v1.0.0. All of it is of the tag, whatever is
# in this folder; and the tag is the version that the code says and the change log tells of.
VERSION = $(TAG:v%=%)
release: $(SUPPLY) ## What a release consists of, into dist/
	@test -n "$(TAG)" || { echo "make release TAG=v1.0.0"; exit 1; }
	@git show $(TAG):ringback/__init__.py | grep -q '"$(VERSION)"' || { echo "ringback/__init__.py has another version in $(TAG)"; exit 1; }
	@git show $(TAG):CHANGELOG.md | grep -m1 '^## ' | grep -qF '$(VERSION)' || { echo "CHANGELOG.md does not begin with $(VERSION) in $(TAG)"; exit 1; }
	rm -rf dist && mkdir dist
	git show $(TAG):requirements.lock > dist/requirements.lock
	$(SBOM) dist/requirements.lock
	rm dist/requirements.lock
	git archive --format=tar.gz --prefix=ringback/ -o dist/ringback-$(TAG).tar.gz $(TAG)
	git show $(TAG):CHANGELOG.md | awk '/^## /{n++} n==1' > dist/ringback-$(TAG).md
	cd dist && sha256sum ringback-$(TAG).tar.gz ringback.cdx.json > SHA256SUMS

clean: ## Removes the environment, the sandbox's store and what tests drew
	rm -rf .venv .venv-supply .sandbox tests/output
