# make run and make test are the two commands; the rest is for people who work on the code.

PYTHON ?= $(shell command -v python3.11 || echo python3)
DEMO ?= demo-case
SYSTEM ?=
UPGRADE ?=
BIN := .venv/bin
SET_UP = @$(PYTHON) packaging/set_up.py $(if $(filter ignore,$(SYSTEM)),--ignore-system)
LOCK = env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(BIN)/uv --no-config pip compile --quiet --system-certs \
	--generate-hashes --no-header --python-version 3.11 --python-platform x86_64-manylinux_2_34 $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help run test test-offline gui check bench lint setup setup-dev harness lock wheel wheel-smoke clean

help:
	@echo "make run          set up, make the demonstration case, open the window on it where there is a screen"
	@echo "make test         set up, run all tests (ARGS=... goes to pytest)"
	@echo "make test-offline the same tests where no network exists at all (C4; Linux)"
	@echo "make gui          set up, open the window (on CASE=... if given)"
	@echo "make check        ruff, mypy, import contracts, then all tests"
	@echo "make bench        measure the speed ratios of tests/benchmarks"
	@echo "make harness      kill, fault, tamper and hostile-media runs at full size (long)"
	@echo "make lock         write the lock files anew (UPGRADE=--upgrade takes newer versions)"
	@echo "make wheel        build the wheel into dist; make wheel-smoke also installs and tries it"
	@echo "make clean        remove caches and build leftovers (.venv and cases stay)"

setup:
	$(SET_UP)

setup-dev:
	$(SET_UP) --dev

run: setup
	$(BIN)/workstation demo --output $(DEMO)
	@if $(PYTHON) packaging/check_display.py; then \
		echo "Opening the window on $(DEMO) ..."; exec $(BIN)/workstation gui $(DEMO); \
	else \
		echo "No screen here. Where there is one, this opens the window: $(BIN)/workstation gui $(DEMO)"; \
	fi

gui: setup
	$(BIN)/workstation gui $(CASE)

test: setup-dev
	$(BIN)/python -m pytest $(ARGS)

# A name space of its own with no interface up: not even the machine itself can be reached.
test-offline: setup-dev
	unshare --net $(if $(filter-out 0,$(shell id -u)),--map-current-user) $(BIN)/python -m pytest $(ARGS)

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

harness: setup-dev
	$(BIN)/python -m pytest -m harness tests $(ARGS)

bench: setup-dev
	$(BIN)/python -m pytest -m benchmark tests/benchmarks

lock: setup-dev
	$(LOCK) packaging/bootstrap.in -o packaging/bootstrap.lock
	$(LOCK) packaging/requirements.in -o packaging/requirements.lock
	$(LOCK) packaging/requirements-dev.in -o packaging/requirements-dev.lock

wheel: setup-dev
	$(BIN)/python packaging/build_wheel.py dist

wheel-smoke: setup-dev
	$(BIN)/python packaging/smoke.py

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache*
	find workstation resources tests packaging -name __pycache__ -type d -prune -exec rm -rf {} +
