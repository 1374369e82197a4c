# springdrift: `make demo` shows it, `make test` checks it. Both set themselves up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo check test test-slow test-attack test-words test-floors test-frameworks test-rllib lint types warm warm-incline warm-series unit format bench readme site clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.ready  ## create .venv and install springdrift with everything it can use

.venv/.ready: pyproject.toml constraints.txt tests/set_up.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "springdrift needs Python 3.11 or later; try: make PYTHON=python3.11 setup"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "Python has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "== setting up .venv (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python tests/set_up.py
	@touch $@

demo: .venv/.ready  ## compare strategies on drifting worlds: the main job, in two minutes
	@$(BIN)/springdrift compare --quick --out out/demo

# What does not need each other is done at the same time.
TOGETHER := @$(MAKE) --no-print-directory -j 2 --output-sync=target
test:  ## lint, types, import layers, tests and doctests: under 12 minutes on two cores, set-up included
	$(TOGETHER) .venv/.ready .venv/.tools
	$(TOGETHER) warm lint types
	@$(MAKE) --no-print-directory unit

# Enough to see that a change breaks nothing at the heart; the rest is `make test`.
HEART := golden env worlds rules rollout files registry model transpose
check: lint types  ## the inner loop: lint, types, the tests at the heart of it
	@$(BIN)/pytest -q -x -n 2 $(HEART:%=tests/test_%.py)

lint: .venv/.ready  ## style and import layers
	@echo "== lint"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: .venv/.ready  ## type check
	@echo "== types"
	@$(BIN)/mypy

# A window is driven with real key presses where there is an X server, the page is played where there is a browser and its code
# runs where there is Node, and sandboxes are closed off by bubblewrap, too, where it can be had.
TOOLS := Xvfb:xvfb xdotool:xdotool node:nodejs chromium:chromium bwrap:bubblewrap
.venv/.tools:
	@mkdir -p .venv
	@missing=; for tool in $(TOOLS); do command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; done; \
	[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		{ apt-get -qq update && apt-get -qq install -y --no-install-recommends $$missing; } >/dev/null 2>&1; } || \
		echo "not to be had here, so what needs them is not tested:$$missing"
	@touch $@

# Compiled once, before processes of pytest would do it at the same time.
warm: warm-incline warm-series
warm-incline: .venv/.ready
	@$(BIN)/python -c "import springdrift; springdrift.warm_up()"
warm-series: .venv/.ready
	@$(BIN)/python -c "import springdrift as s; s.warm_up(s.SERIES_ID); s.warm_up(s.SERIES_OPS_ID)"

unit: .venv/.ready .venv/.tools
	@echo "== tests"
	@$(BIN)/pytest -q -n 4 --dist worksteal --durations=25

test-attack: .venv/.ready .venv/.tools  ## hostile submissions, forged messages and damaged files alone
	@$(BIN)/pytest -q -n 2 -m attack

# The same on a larger scale, and what a change of pages alone can break; with the types of torch and other large packages.
test-slow: .venv/.ready .venv/.tools warm  ## what `make test` leaves out (larger scale, pages, all types): about 20 minutes
	@$(BIN)/pytest -q -n 3 --dist worksteal -m slow --ignore tests/test_lessons_in_words.py
	@sed 's/^follow_imports = "skip"/follow_imports = "normal"/' pyproject.toml >.venv/types.toml
	@$(BIN)/mypy --config-file .venv/types.toml

test-words: .venv/.ready  ## every lesson in full, what its text says held to what it shows: an hour
	@$(BIN)/pytest -q -m slow tests/test_lessons_in_words.py

# Other people's frameworks, each in an environment of its own, on every env id for a minute:
# `make test-frameworks-skrl SECONDS=10` runs one of them for less. One that cannot be installed is named, with the reason.
FRAMEWORKS := gymnasium sb3 sb3_contrib rl_zoo3 cleanrl tianshou torchrl skrl rllib pufferlib minari d3rlpy
SECONDS ?= 60
OTHERS := .venv-frameworks

$(OTHERS)/%/.ready: tests/frameworks/%.txt pyproject.toml
	@echo "== setting up $(OTHERS)/$* (once, a minute or two)"
	@test -x $(OTHERS)/$*/bin/python || $(PYTHON) -m venv $(OTHERS)/$*
	@rm -f $(OTHERS)/$*/.refused
	@if [ -f tests/frameworks/install_$*.sh ]; then set -- bash tests/frameworks/install_$*.sh $(OTHERS)/$*/bin; \
	else set -- $(OTHERS)/$*/bin/python -m pip install --quiet -r tests/frameworks/$*.txt; fi; \
	timeout 900 "$$@" 2>$(OTHERS)/$*/.said || \
		{ grep -i -m 1 '^error' $(OTHERS)/$*/.said || echo "ERROR: it did not end well within 15 minutes"; } >$(OTHERS)/$*/.refused
	@touch $@

.PRECIOUS: $(OTHERS)/%/.ready

test-frameworks-%: $(OTHERS)/%/.ready
	@echo "== $*"
	@if [ -s $(OTHERS)/$*/.refused ]; then echo "SKIPPED $*: cannot be installed here with springdrift and its torch: $$(cat $(OTHERS)/$*/.refused)"; \
	else $(OTHERS)/$*/bin/python tests/frameworks/with_$*.py --seconds $(SECONDS); fi

test-frameworks: $(FRAMEWORKS:%=test-frameworks-%)  ## other people's frameworks run on every world

test-rllib: $(OTHERS)/rllib/.ready  ## RLlib learns too
	@$(OTHERS)/rllib/bin/python tests/rllib/train.py --check

# The lowest versions that pyproject.toml allows, with the tests of the worlds alone.
WORLDS := env vector_env worlds golden physics model state_checks series_env series_generator series_optimum transpose
.venv-floors/.ready: pyproject.toml tests/floors.py
	@echo "== setting up .venv-floors (once, a minute)"
	@test -x .venv-floors/bin/python || $(PYTHON) -m venv .venv-floors
	@$(PYTHON) tests/floors.py > .venv-floors/floors.txt
	@.venv-floors/bin/python -m pip install --quiet -r .venv-floors/floors.txt pytest hypothesis
	@.venv-floors/bin/python -m pip install --quiet --no-deps -e .
	@touch $@

test-floors: .venv-floors/.ready  ## the worlds' tests with the lowest versions allowed
	@.venv-floors/bin/python -m pytest -q -p no:cacheprovider $(WORLDS:%=tests/test_%.py)

format: .venv/.ready  ## format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: .venv/.ready  ## measure speed and strategy separation
	@$(BIN)/springdrift bench speed && $(BIN)/springdrift bench separation

readme: .venv/.ready  ## write the README's tables and picture anew
	@$(BIN)/python tutorials/site/readme.py && $(BIN)/pytest -q README.md tests/test_readme.py

site: .venv/.ready  ## build the documentation: lessons run in full (kept until their code changes), how-tos, reference
	@$(BIN)/python tutorials/site/build.py

clean:  ## remove the set-up and everything generated
	rm -rf .venv .venv-* out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find envs agents tutorials tests -name __pycache__ -type d -prune -exec rm -rf {} +
