# Every line also works typed by hand; nothing else is needed than Python 3.11+ with venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo sandbox test check bench help

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/ready ## Play a story with stand-ins in the terminal (no tokens needed)
	$(BIN)/python -m evoslack.sandbox.demo

sandbox: .venv/ready ## Play in the browser with a stand-in Slack and Evo Voice (no tokens needed)
	$(BIN)/python bot.py --sandbox

test: .venv/ready ## Run the whole test suite
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: .venv/ready ## Check style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready ## Compare /call and Submit with a bare Bolt app
	$(BIN)/python -m tests.bench

.venv/ready: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
