# Two commands do all set-up: `make demo` and `make test`. See BUILD.md.
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON311 := $(shell for p in python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$p && break; done)
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help install demo test test-all compat exports lint format benchmark clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(VENV)/.installed ## the environment, in .venv

$(VENV)/.installed: setup.py constraints.txt
	@if [ -n "$(PYTHON311)" ]; then $(PYTHON311) -m venv $(VENV); \
	elif command -v uv >/dev/null; then uv venv --seed --python 3.11 $(VENV); \
	else echo "Python 3.11 is needed: install it, or uv (https://docs.astral.sh/uv), which fetches it." >&2; exit 1; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,serving,beam,dev]'
	@touch $@

demo: install ## train a little, export, compress a photograph with the shipped weights; a report in runs/demo
	$(BIN)/python demo.py

test: install lint ## the fast tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-all: install lint ## all tests, every exported model among them
	$(BIN)/python -m pytest -m ''

compat: install ## exports in the newest TensorFlow and LiteRT, in environments of their own
	$(BIN)/python tests/compat/run.py

exports: install ## the next version of every export, from its trained variables
	for card in exported/*/1/card.json; do $(BIN)/toulon export $$(basename $${card%/1/card.json}) || exit 1; done

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install ## lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: install ## speed, side by side with peers
	$(BIN)/python -m benchmarks.codec

clean: ## all that was made, runs excepted
	rm -rf $(VENV) .venv-* build dist *.egg-info .pytest_cache .ruff_cache
