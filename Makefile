# Two commands on a fresh machine: `make demo` runs the main job, `make test` runs the tests.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test examples lint bench engine images clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/developer: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

engine: ## A container engine: the one that answers, else (Debian, root) Debian's
	@PYTHON=$(PYTHON) scripts/engine-debian.sh

demo: .venv/installed ## Start the agent platform and prove that it works
	@PYTHON=$(CURDIR)/$(BIN)/python scripts/demo.sh

images: .venv/installed ## The images that the tests need
	@PYTHON=$(CURDIR)/$(BIN)/python scripts/images.sh

test: .venv/developer ## Every test; those that need an engine are skipped where none can be had
	@PYTHON=$(CURDIR)/$(BIN)/python scripts/test-ground.sh
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

examples: .venv/developer engine images ## The systems under examples/, with the proof of each of their criteria
	$(BIN)/pytest tests/examples -m "long or not long"

lint: .venv/developer ## Format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/developer engine images ## The speed table: devstack against Docker Compose
	$(BIN)/python -m tests.bench

clean: ## Remove what make made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
