# make run and make test are all you need; both set up everything they need first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := .venv/bin
SETUP := scripts/setup.sh pyproject.toml
PACKAGES := realtime audio scheduler think_loop tts
CODE := $(PACKAGES) bench examples tests
PYTEST_ARGS ?=
UV_COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

# Two at a time: the pure tests first, for those in real time mostly wait, and would not like their company. Files stay whole,
# because their tests share servers and browsers. That a choice of tests has none of one kind is fine.
PYTEST = $(BIN)/pytest $(1) $(PYTEST_ARGS) || [ $$? -eq 5 ]

.PHONY: help run test check page fast format lock bench doctor setup clean

help: ## Show what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: .venv/.stretto-base ## Start the server (make run ARGS="--port 9000")
	@$(BIN)/stretto serve $(ARGS)

test: .venv/.stretto-dev ## Run every test (make test PYTEST_ARGS="-k journal")
	@$(call PYTEST,-n 2 -m "not slow")
	@$(call PYTEST,-n 2 --dist loadfile -m slow)

check: .venv/.stretto-dev ## Style, types and the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory page

page: .venv/.stretto-dev ## The browser page's types and style (needs Node.js)
	@if [ -x node_modules/.bin/tsc ]; then set -x; node_modules/.bin/tsc -p . && node_modules/.bin/eslint web_client eslint.config.js; \
	else echo "The page's types and style are not checked: there is no node_modules (install Node.js 18.18 or newer, then make setup)."; fi

fast: check ## The same, and the tests that need no real engines, sockets or time
	$(BIN)/pytest -m "not slow" $(PYTEST_ARGS)

format: .venv/.stretto-dev ## Put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.stretto-dev ## Measure hearing: word error rate and delays
	$(BIN)/python -m bench.hear $(ARGS)

doctor: .venv/.stretto-base ## Tell what is in use and what would be better
	@$(BIN)/stretto doctor

setup: .venv/.stretto-dev ## Only set up

lock: .venv/.stretto-dev ## Choose new versions for the lock files
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	printf 'hatchling\neditables\n' | $(BIN)/$(UV_COMPILE) --upgrade --extra dev pyproject.toml - -o requirements-dev.lock
	printf 'hatchling\neditables\n' | $(BIN)/$(UV_COMPILE) --upgrade -c requirements-dev.lock pyproject.toml - -o requirements.lock

clean: ## Remove everything that was made, the virtual environment too
	rm -rf .venv node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.stretto-base: requirements.lock $(SETUP)
	@scripts/setup.sh base

.venv/.stretto-dev: requirements-dev.lock package-lock.json $(SETUP)
	@scripts/setup.sh dev
