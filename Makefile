# Everything a newcomer or CI needs. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .tools
export PATH := $(CURDIR)/$(TOOLS)/bin:$(PATH)
STAMPS := $(VENV)/.stamps

.DEFAULT_GOAL := help
.PHONY: help setup lock demo test lint types contracts check-style fmt test-tools goldens clean \
        bench-demo bench-verdicts bench-build bench-scale bench-intake bench bench-controller test-rules test-cluster soak-kill soak-strategies screenshots

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "telford needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: $(STAMPS)/venv requirements/dev.lock pyproject.toml
	@echo "installing the pinned packages (about a minute) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(STAMPS)/dev $(STAMPS)/front ## create .venv with the locked packages and fetch the portal's front-end packages

$(STAMPS)/front: $(STAMPS)/dev frontend/package-lock.json tools/frontend.py
	@$(BIN)/python tools/frontend.py
	@touch $@

lock: ## resolve the lock files again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml --group dev -o requirements/dev.lock

demo: setup ## the main job, live: check, build, start, release a good and a bad version (ONCE=1 ends by itself)
	@$(BIN)/telford demo $(if $(ONCE),--once)

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

contracts:
	$(BIN)/lint-imports --no-cache

check-style: lint types contracts ## ruff, mypy strict and the import contracts

fmt: ## format and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The demo plays against the clock, 200 requests a second: it has the machine to itself.
DEMO_TEST := tests/demo/test_demo_whole.py

test: setup check-style ## everything, from nothing
	$(BIN)/pytest -n 2 --dist worksteal --ignore=$(DEMO_TEST)
	$(BIN)/pytest $(DEMO_TEST)

test-tools: ## install the optional system tools that tests use when present
	@sh tools/install-test-tools.sh $(TOOLS)

goldens: setup ## write the golden files again (read the diff before you commit it)
	TELFORD_GOLDENS=write $(BIN)/pytest -q -k golden

test-rules: setup ## every generated promtool test, slow windows included
	$(BIN)/python -m tools.test_rules

test-cluster: setup ## the contract of places against the cluster of KUBECONFIG, in a namespace of its own
	@TELFORD_TEST_CLUSTER=1 $(BIN)/pytest -n 0 -q -rs tests/contract/test_place_contract.py

bench-demo: setup ## ten good and ten failing releases of the shop: time to decide, requests harmed
	$(BIN)/python tools/bench_demo.py

bench-verdicts: setup ## error rates and price of the verdicts, peers beside us
	$(BIN)/python tools/bench_verdicts.py

bench-build: setup test-tools ## build 1,000 services in three places; helm, kustomize, jsonnet and cdk8s beside us
	@sh tools/install-peers.sh $(TOOLS)
	$(BIN)/python tools/bench_build.py

bench-intake: setup ## import and check of a whole real organisation, plain parsing beside us
	$(BIN)/python tools/bench_intake.py

bench-scale: setup ## load 10,000 services cold, warm and with one change; ask the graph
	$(BIN)/python tools/bench_scale.py

bench-controller: setup ## a thousand releases in flight on one controller: processor, memory, latency
	$(BIN)/python tools/bench_controller.py

soak-kill: setup ## kill controllers at every boundary of every strategy, break all else; the end must be the same
	$(BIN)/python tools/soak_kill.py --beside

soak-strategies: setup ## 100 releases of all strategies at 200 requests a second: requests failed by the tool
	PYTHONPATH=examples/shop $(BIN)/python tools/soak_releases.py

screenshots: setup ## screenshots of every portal page from a running demo
	$(BIN)/python tools/screenshots.py

clean: ## remove what the targets made
	rm -rf $(VENV) $(TOOLS) frontend/node_modules build dist .mypy_cache .ruff_cache .pytest_cache
