# Two commands do everything on a fresh machine: `make app` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8501
# Files that register your own networks and methods: make app PLUGINS=my_networks.py
PLUGINS ?=

# Two processes with one thread each: tests are many and small. Threads that spin while they wait take minutes on a busy machine.
PYTEST := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

QUICK := $(addprefix tests/,base specs results disk stats figures sweeps test_architecture.py test_facade.py)

.PHONY: app serve check test test-all lab lint tables clean chromium postgres

app: $(VENV)/.app
	@$(BIN)/streamlit run app.py --server.address $(HOST) --server.port $(PORT) $(if $(PLUGINS),-- --plugins $(PLUGINS))

# For a class: visitors look and change nothing, the teacher unlocks. Options: make serve HOST=0.0.0.0 SERVE="--slow-s 60"; docs/serving.md
SERVE ?=

serve: $(VENV)/.locked
	@$(BIN)/python -m core serve --host $(HOST) --port $(PORT) $(if $(PLUGINS),--plugins $(PLUGINS)) $(SERVE)

# About a minute: linters, types, and the quick tests.
check: lint
	$(PYTEST) -m "not long" $(QUICK)

# Every property and reference, a browser journey a page, a small case a capability: at most ten minutes on two cores.
test: lint chromium
	$(PYTEST) -m "not long"

# Everything: notebooks, repeated kills, a Ray cluster, a PostgreSQL server, long jobs, benches. At most 45 minutes.
test-all: lint chromium postgres $(VENV)/.ray $(VENV)/.postgres
	$(PYTEST)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tables of docs/reference.md, from the registries.
tables: $(VENV)/.dev
	$(BIN)/python -m docs.tables docs/reference.md
	$(BIN)/python -m tests.zoo.page docs/inputs.md

lab: $(VENV)/.dev
	$(BIN)/jupyter lab notebooks

# The browser tests need Debian's chromium. Root installs it; everyone else is told, and those tests are skipped visibly.
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	  else echo "chromium is missing: the browser tests will be skipped. Install it with: sudo apt-get install chromium"; fi; }

# The answers of studies are also tested on a PostgreSQL server, which the tests start and stop.
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; \
	  else echo "PostgreSQL is missing: its tests will be skipped. Install it with: sudo apt-get install postgresql"; fi; }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sparsight needs Python 3.11 or later; try make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV) || { echo "The module venv is missing: sudo apt-get install python3-venv"; exit 1; }

$(VENV)/.app: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# Every package with its hash, also those that others need.
$(VENV)/.locked: requirements.lock | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-notebooks.txt requirements-export.txt requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Only test-all needs Ray; without it, the tests of a cluster are skipped visibly.
$(VENV)/.ray: $(VENV)/.dev requirements-ray.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-ray.txt
	@touch $@

$(VENV)/.postgres: $(VENV)/.dev requirements-postgres.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-postgres.txt
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
