PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo --non-interactive)
# open3d loads a library of the system that no package of Python's brings
LACKS_LIBUSB := $(BIN)/python -c 'import open3d' 2>&1 | grep -q libusb

.PHONY: setup demo test lint bench docs clean
.DEFAULT_GOAL := setup

setup: $(STAMP)  ## .venv in this folder, with the tested versions

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	@! $(LACKS_LIBUSB) || { $(SUDO) apt-get update && $(SUDO) apt-get install --yes libusb-1.0-0; } > /dev/null 2>&1 || true
	@! $(LACKS_LIBUSB) || echo "distances from scans need libusb: install Debian's libusb-1.0-0, or what your system calls it"
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
	$(BIN)/python -m evaluation.protocol_documentation docs/protocols.md

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
