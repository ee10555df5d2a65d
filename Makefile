# Everything a newcomer needs: `make demo`, then `make test`. The first use of any target makes .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
KERNEL := $(wildcard broker/watership/kernel/*.pyx broker/watership/kernel/*.pxd)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast bench bench-gate bench-operator lint format generate constraints image clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with Watership in it (compiles the kernel)

$(STAMP): pyproject.toml setup.py constraints-dev.txt $(KERNEL)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Watership needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 setup"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "Python cannot make virtual environments here. On Debian: apt install python3-venv python3-dev gcc make"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: setup ## from YAML to a delivered message: `watership dev` and two pika programs
	$(BIN)/python examples/hello/tour.py

test: setup ## every tier that can run here; a tier that cannot says what is missing
	tests/run

test-fast: setup ## only what needs no Kubernetes
	$(BIN)/python -m pytest tests/unit tests/broker

bench: setup ## speed beside a real RabbitMQ and a do-nothing relay, and many things at once
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.figures

bench-gate: setup ## CI's short form: fails when a message has become dearer
	$(BIN)/python -m benchmarks --gate

bench-operator: setup ## the operator with 1,000 and 10,000 objects on a real API server (10 minutes)
	$(BIN)/python -m benchmarks.sizes --keep

lint: setup ## ruff, mypy, import contracts, generated files up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m watership_operator.generate --check

format: setup ## rewrite the code as ruff likes it
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

generate: setup ## crds/, the chart's copies, the AMQP method tables
	$(BIN)/python -m watership.wire.amqp091.generate
	$(BIN)/python -m watership_operator.generate

# Extras stay in the names: pip of Debian 12 does not find the hash of `coverage[toml]` under `coverage`.
constraints: ## lock the dependencies again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --extra operator \
	  pyproject.toml -o constraints.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --extra operator \
	  --group dev -c constraints.txt pyproject.toml -o constraints-dev.txt

clean: ## remove .venv and what was built
	rm -rf $(VENV) build dist *.egg-info broker/watership/kernel/*.so broker/watership/kernel/*.c
