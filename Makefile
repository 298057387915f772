# Every line also works typed by hand; nothing else is needed than Python 3.11+ with venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo sandbox test test-page check chaos chaos-short breaks audit lock release help
.PHONY: bench bench-press bench-storm bench-following bench-rules bench-service bench-ledger

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: .venv-sandbox/ready ## Play a story with stand-ins in the terminal (no tokens needed)
	.venv-sandbox/bin/python -m sandbox.demo

sandbox: .venv-sandbox/ready ## Play in the browser with a stand-in Slack and Evo Voice (no tokens needed)
	.venv-sandbox/bin/python -m sandbox

# Without what the tests need: a newcomer waits half as long, for 150 MB instead of 370.
.venv-sandbox/ready: requirements-sandbox.txt
	$(PYTHON) -m venv .venv-sandbox
	.venv-sandbox/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.PHONY: pictures
pictures: .venv/ready .venv-pictures/ready ## Take the pictures in docs/pictures anew; ONLY="call home" takes these
	.venv-pictures/bin/python -m tests.pictures $(ONLY)

# The same pictures need the same browser and fonts. Debian: apt-get install chromium fonts-lato
# fonts-noto-color-emoji gcc libc6-dev. PICTURES_BROWSER is the path of another Chromium.
.venv-pictures/ready:
	$(PYTHON) -m venv .venv-pictures
	.venv-pictures/bin/python -m pip install --quiet --disable-pip-version-check playwright==1.65.2 Pillow==13.0.0
	touch $@

test: .venv/ready ## Run the whole test suite
	$(BIN)/python -m pytest -n 4 --dist worksteal

test-page: .venv/ready .venv-page/ready ## Test the playground's page in Chromium (needs chromium, and the internet at first)
	.venv-page/bin/python -m pytest -n 2 --dist worksteal --confcutdir=tests/page tests/page

.venv-page/ready: tests/page/requirements.txt
	$(PYTHON) -m venv .venv-page
	.venv-page/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

check: .venv/ready ## Check style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

chaos: .venv/ready ## Try to break the promise, at length (up to an hour); writes chaos.json
	$(BIN)/python -m tests.chaos

chaos-short: .venv/ready ## The same in four minutes
	$(BIN)/python -m tests.chaos --short

breaks: .venv/ready ## Break the product on purpose in twelve places and see which test catches it (twenty minutes)
	$(BIN)/python -m tests.chaos.breaks

bench: .venv/ready ## Compare /call and Submit with a bare Bolt app
	$(BIN)/python -m tests.bench

bench-press: .venv/ready ## Count what a press costs: statements, round trips, commits (half a minute)
	$(BIN)/python -m tests.bench_press

bench-storm: .venv/ready ## Press 2,000 times in 10 s, track 1,000 live calls, and try 1, 2 and 4 bots (three minutes)
	$(BIN)/python -m tests.bench_storm

bench-following: .venv/ready ## Measure what tracking calls costs and how soon cards show it (ten minutes)
	$(BIN)/python -m tests.bench_following

bench-rules: .venv/ready ## Compare a ledger of a million calls with an empty one (three minutes); writes bench-rules.json
	$(BIN)/python -m tests.bench_rules

bench-service: .venv/ready ## Measure what one bot needs: start, memory, threads, CPU, log (six minutes; Linux); writes bench-service.json
	$(BIN)/python -m tests.bench_service

bench-ledger: .venv/ready ## Measure every surface with up to a million calls (five minutes); writes bench-ledger.json
	$(BIN)/python -m tests.bench_ledger

audit: .venv-audit/bin/pip-audit ## Look for known vulnerabilities in the pinned packages (needs the internet)
	$< --strict --no-deps --disable-pip -r requirements.txt

.venv-audit/bin/pip-audit:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1

release: .venv-release/ready ## Build wheel, sdist and SBOM into dist/, try them, and list them (needs the internet)
	.venv-release/bin/python -m tests.release

.venv-release/ready: requirements-build.txt
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
	.venv-release/bin/python -m pip install --quiet --disable-pip-version-check build==1.6.1 cyclonedx-bom==7.5.0
	touch $@

lock: .venv-lock/bin/uv ## Write the requirements files anew from pyproject.toml; UPGRADE=--upgrade takes newer versions
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) --group build --output-file requirements-build.txt
	$(COMPILE) pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
	$(COMPILE) pyproject.toml --group sandbox --constraints requirements-dev.txt --output-file requirements-sandbox.txt

# One file for all Python versions and systems, with the hashes of every wheel, and no address of an index.
COMPILE = $< pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)

.venv-lock/bin/uv:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/ready: requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
