PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: setup demo test lint bench docs clean
.DEFAULT_GOAL := setup

setup: $(STAMP)  ## .venv in this folder, with the tested versions

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	touch $@

demo: setup  ## a real photograph becomes a textured 3D face in out/demo, by fast and by ganfit++
	$(BIN)/ganfit compare "$$($(BIN)/python -m data.demo)" --out out/demo

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup  ## every script ends with one line of JSON
	for script in benchmarks/[!_]*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

docs: setup  ## the documentation that is generated from the code
	$(BIN)/python -m data.schemas docs/tables.md

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
