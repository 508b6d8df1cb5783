# One step of CI is one target here. `make` alone shows them.
SHELL := /bin/sh
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
READY := .venv/.ready
READY_DEV := .venv/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run smoke demo demo-stop demo-remove test try-containers plans lint fix bench chaos soak blender-addon clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) ## make .venv with what the site needs

$(READY): requirements.txt clients/yard/pyproject.toml scripts/setup
	scripts/setup requirements.txt
	touch $@

setup-dev: $(READY_DEV) ## the same with what tests and lint need, system packages included when root

$(READY_DEV): requirements.txt requirements-dev.txt requirements-ldap.txt requirements-oidc.txt clients/yard/pyproject.toml system-packages.txt scripts/setup
	scripts/setup --system requirements-dev.txt
	touch $(READY) $@

run: setup ## run the site here, run a first job and show it, keep serving (Ctrl-C stops)
	@exec $(MANAGE) serve all --first-job

smoke: setup ## the same, then stop
	@exec $(MANAGE) serve all --first-job --then-exit

demo: setup ## load four kinds of real work into the site (installs Debian packages when root)
	-@scripts/setup --demo
	@$(MANAGE) demo

demo-stop: setup ## stop the SSH server of the example
	@$(MANAGE) demo --stop

demo-remove: setup ## remove the example, its jobs and its results
	@$(MANAGE) demo --remove

# One worker more than the two processors of the machine that the suite is meant for: tests wait for real parts.
test: setup-dev ## run all tests against real servers
	$(BIN)/pytest -n 3 --dist loadgroup

try-containers: ## bring a site up in containers from nothing, run a job on it, take it away (root, docker)
	deploy/try-containers

plans: setup-dev ## look at the plans of all statements with 1,000,000 finished and 100,000 ready jobs
	$(BIN)/pytest -q tests/plans --full-counts

lint: setup-dev ## check style, types, layers, templates, migrations and deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	PYTHONPATH=clients/yard:clients/blender $(BIN)/lint-imports
	if [ -d templates ]; then $(BIN)/djlint --check --lint templates; fi
	$(BIN)/bandit -q -c pyproject.toml --severity-level medium --confidence-level medium -r accounts hosts jobs scheduler_site clients
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --deploy --fail-level WARNING
	BATCHYARD_TLS=true $(MANAGE) check --deploy --fail-level WARNING

fix: setup-dev ## let the tools put right what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	if [ -d templates ]; then $(BIN)/djlint --reformat templates; fi

bench: setup-dev ## measure: a table, and bench.json
	$(BIN)/python -m bench

# Of `make chaos`: what goes to `python -m tests.lab`, which says what is possible with --help.
SEED ?=
FAULTS ?=
COUNT ?=
HOLD ?=
SHAPE ?= site
MINUTES ?= 30

chaos: setup-dev ## break a site of real processes on purpose (root; SEED= FAULTS= COUNT= HOLD= SHAPE=site|embedded)
	$(BIN)/python -m tests.lab --shape $(SHAPE) $(SEED:%=--seed %) $(FAULTS:%=--faults %) $(COUNT:%=--count %) $(HOLD:%=--hold %)

soak: setup-dev ## ten jobs a second, and whether any process grows (root; MINUTES=)
	$(BIN)/python -m tests.lab.soak $(MINUTES)

blender-addon: ## make the add-on for Blender: build/batchyard_blender.zip
	python3 scripts/blender-addon build/batchyard_blender.zip

clean: ## remove what was made here, but not the site's data
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench.json staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
