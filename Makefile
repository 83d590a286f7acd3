# SPDX-License-Identifier: MIT
# Every target first makes sure that everything it needs is there: `make setup` does that alone.

PYTHON ?= $(shell command -v python3 || command -v python3.13 || command -v python3.12 || command -v python3.11)
MINUTES ?= 5
ARGS ?=
JOBS ?= 2
COVERAGE_TESTS ?= tests/stateful/test_campaign.py tests/unit/vault tests/unit/vault_liquidation \
	tests/unit/price_hub tests/unit/stablecoin tests/unit/insurance_fund tests/unit/test_governed.py \
	tests/unit/margin_models tests/unit/settlement tests/unit/peg_stability tests/unit/listings \
	tests/unit/governor tests/incidents tests/bad_inputs
BASE ?= origin/main
# what `make mutate` tries: tests/mutation/plan.py says by which tests
CORE := Vault PriceHub Stablecoin InsuranceFund margin_math ledger interest account transfers \
	reasons governed price_word
MUTATE := surety check mutate contracts --exclude '*mocks*' $(CORE:%=--files %.vy) \
	--argued tests/mutation/argued.toml

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help setup demo test compile check lint format fuzz coverage chaos bench assurance clean mutate mutate-changed halmos
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Python packages into .venv, Anvil and Uniswap into node_modules
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11, 3.12 or 3.13 is needed and there is no python3 on PATH" >&2; exit 1; }
	@$(PYTHON) -m surety.bootstrap

demo: setup ## replay a market crash on a local chain (ARGS="--accounts 50 ...")
	@surety demo $(ARGS)

test: lint check ## check style, types and artifacts, then run every test but the long ones
	@pytest -n $(JOBS) -m "not deep" $(ARGS)

lint: setup ## check style and types
	@ruff check --quiet
	@ruff format --check --quiet
	@mypy

compile: setup ## compile the contracts into surety/artifacts
	@surety compile $(ARGS)

check: setup ## check that the committed artifacts are those of the sources
	@surety compile --check

format: setup ## format the Python sources
	@ruff check --quiet --fix
	@ruff format

fuzz: setup ## run the long fuzz tests (MINUTES=5)
	@SURETY_FUZZ_MINUTES=$(MINUTES) pytest -m deep --hypothesis-profile=deep $(ARGS)

coverage: setup ## measure which branches of the core's bytecode the tests take, in 15 minutes at most
	@rm -f .cache/branches.json && mkdir -p .cache
	@SURETY_COVERAGE=.cache/branches.json SURETY_COVERAGE_SECONDS=780 \
		pytest -p no:ape_test -p tests.proofs.coverage -q --tb=no -m "not deep and not chaos" \
		$(COVERAGE_TESTS) $(ARGS)
	@SURETY_COVERAGE=.cache/branches.json python -m tests.proofs.coverage

halmos: setup ## show properties of the deployed bytecode by symbolic runs (ARGS=Stablecoin for one)
	@python -m tests.proofs.halmos $(ARGS)

chaos: setup ## run the tests with faulty nodes and networks
	@pytest -m chaos $(ARGS)

bench: setup ## measure the gas of every operation
	@surety bench gas $(ARGS)

assurance: setup ## run every tool of docs/assurance.md again (MINUTES=5 for each search)
	@SURETY_ASSURANCE_MINUTES=$(MINUTES) python -m tests.assurance $(ARGS)

mutate: setup ## try which small faults in the core the tests let pass (hours; goes on where it ended)
	@$(MUTATE) --server "python -m tests.mutation.judge" --results tests/mutation/results.jsonl \
		--page docs/mutation.md $(ARGS)

mutate-changed: setup ## the same for a minute, of functions that changed since BASE=origin/main
	@if git merge-base $(BASE) HEAD >/dev/null 2>&1; then \
		$(MUTATE) --server "python -m tests.mutation.judge 10" --changed $(BASE) --seconds 60 $(ARGS); \
	else echo "mutate-changed: git knows no $(BASE), so nothing has changed since"; fi

clean: ## remove everything that was built or installed here
	@rm -rf .venv node_modules .build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		dist build surety-demo.html
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
