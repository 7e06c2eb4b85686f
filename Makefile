# Everything a developer does with this project. `make` alone lists it.
#
# Rules of this file: Python 3.11 to 3.13 with venv and pip is all that is asked for; packages come from the locks in
# requirements/, by hash. PYTHON chooses the interpreter, VENV the environment, ARGS what a target hands on.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test mosquitto tflite lint model evaluate bench deb deb-test vm-test vm-fast trials lock clean

ifndef PYTHON
PYTHON := $(shell tools/pythons | head -n 1)
endif
VENV ?= .venv
TESTS ?= tests
ARGS ?=
ARCH ?= amd64

# Quiet: pip would tell of every mirror it asked and of its own age; its errors still show.
PIP_INSTALL = -m pip install -qq --disable-pip-version-check --no-input --only-binary :all: --require-hashes

# One line says what is about to happen, because it takes a while; then a venv from one lock, and nothing else in it.
# $(1) the venv, $(2) the interpreter, $(3) the lock.
define from_lock
@test -n "$(2)" || { echo "make: no Python from 3.11 to 3.13 found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
@$(2) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "make: $(2) is not one of Python 3.11 to 3.13" >&2; exit 1; }
@$(2) -c 'import ensurepip, venv' || { echo "make: $(2) has no venv: on Debian, apt-get install python3-venv" >&2; exit 1; }
@echo "setting up $(1) with $$($(2) --version) from $(3)"
@$(2) -m venv --clear $(1)
@$(1)/bin/python $(PIP_INSTALL) -r $(3)
endef

# The project itself, editable. Its dependencies and its build tool are in the venv already: the network is not asked.
define install_project
@$(1)/bin/python -m pip install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
endef

help:  ## list what there is
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.project  ## make .venv: the project and its tools, from the lock

# The interpreter's version is part of the name, so that another PYTHON makes the venv anew.
MADE := $(VENV)/.from-lock-$(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)

$(MADE): requirements/dev.txt
	$(call from_lock,$(VENV),$(PYTHON),$<)
	@touch $@

$(VENV)/.project: $(MADE) pyproject.toml
	$(call install_project,$(VENV))
	@touch $@

demo: setup  ## show the main job: a home, a unit, a broker and a response centre (ARGS=--stay to go on playing)
	@$(VENV)/bin/python -m agent.simulator.demo $(ARGS)

# Three at a time, on two processors: most of a test against a broker is waiting. (ARGS='-n 0' for a debugger.)
test: setup mosquitto tflite .venv-contracts/.from-lock  ## run all tests (TESTS=tests/unit for some)
	@NODKALD_TFLITE_PYTHON="$$(ls $(CURDIR)/.venv-tflite/bin/python 2>/dev/null)" \
	  NODKALD_LINT_IMPORTS=$(CURDIR)/.venv-contracts/bin/lint-imports \
	  $(VENV)/bin/python -m pytest -n 3 $(TESTS) $(ARGS)

# The tests against a real broker need one, and those of a wrong clock a faked one; without them they skip, and say so.
mosquitto:
	@tools/need mosquitto openssl faketime

# The other model runtime ends with Python 3.11 and NumPy 1, so it has a venv of its own, where there is such a Python.
tflite: $(if $(findstring .from-lock-3.11.,$(MADE)),.venv-tflite/.from-lock)

.venv-tflite/.from-lock: requirements/tflite.txt
	$(call from_lock,.venv-tflite,$(PYTHON),$<)
	@touch $@

lint: setup .venv-contracts/.from-lock  ## style, types, import contracts, and that the generated documents are up to date
	@tools/lint $(VENV)/bin .venv-contracts/bin/lint-imports

.venv-contracts/.from-lock: requirements/contracts.txt
	$(call from_lock,.venv-contracts,$(PYTHON),$<)
	@touch $@

# TensorFlow's C++ part logs harmless differences between its own parts as errors, through the progress bars.
model: .venv-training/.project  ## train the fall model anew from ../shared/data
	@TF_CPP_MIN_LOG_LEVEL=3 .venv-training/bin/python -m training.train --data ../shared/data --out agent/inference/models --folds build/model $(ARGS)
	@.venv-training/bin/python -m training.words

evaluate: .venv-training/.project  ## judge every recording by a model that has not seen its person; writes docs/model/report.md
	@.venv-training/bin/python -m training.evaluate --data ../shared/data --folds build/model $(ARGS)

.venv-training/.from-lock: requirements/training.txt
	$(call from_lock,.venv-training,$(PYTHON),$<)
	@touch $@

.venv-training/.project: .venv-training/.from-lock pyproject.toml
	$(call install_project,.venv-training)
	@touch $@

bench: setup mosquitto  ## measure: framer and inference, how long a call takes to the centre, and what the unit costs the board
	@$(VENV)/bin/python -m benchmarks.framer
	@$(VENV)/bin/python -m benchmarks.inference
	@$(VENV)/bin/python -m benchmarks.latency $(ARGS)
	@$(VENV)/bin/python -m benchmarks.footprint

deb: setup .venv-lock/.from-lock  ## build the package in dist/ (ARCH=arm64 for a Raspberry Pi)
	@$(VENV)/bin/python tools/build_deb.py --uv .venv-lock/bin/uv --arch $(ARCH)

deb-test: setup .venv-lock/.from-lock  ## install the packages on Debian 12 and 13, and try them there (root, on Debian)
	@set -e; for arch in amd64 arm64; do \
	  $(VENV)/bin/python tools/build_deb.py --uv .venv-lock/bin/uv --arch $$arch; \
	  for suite in bookworm trixie; do tools/try-deb $(VENV)/bin/python dist/nodkald-agent_*_$$arch.deb $$suite; done; \
	done

# On a virtual machine with a real GPIO device (tests/vm/README.md). The whole of it takes hours; CI runs `vm-fast`.
VM_TRIALS = guest-kill power-cut carrier loss usb-unplugged hung-process

vm-test: vm-fast  ## the package on a virtual Pi: installed, provisioned, and every fault of docs/reliability.md that needs one
	@NODKALD_VM=1 $(VENV)/bin/python -m pytest tests/vm/test_in_use.py tests/vm/test_board.py
	@tools/trials $(VENV)/bin/python $(VM_TRIALS)

vm-fast: setup mosquitto .venv-lock/.from-lock  ## the short part of it: install, provision, a call, the doctor, three power cuts
	@NODKALD_VM=1 $(VENV)/bin/python -m pytest tests/vm/test_virtual_pi.py $(ARGS)

trials: setup mosquitto  ## break everything that needs no virtual Pi as often as docs/reliability.md says (hours)
	@tools/trials $(VENV)/bin/python --host

lock: .venv-lock/.from-lock  ## make the locks anew (ARGS=--upgrade for newer versions)
	@tools/lock .venv-lock/bin/uv $(ARGS)

.venv-lock/.from-lock: requirements/lock.txt
	$(call from_lock,.venv-lock,$(PYTHON),$<)
	@touch $@

clean:  ## remove what the other targets made
	@rm -rf .venv .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name '__pycache__' -prune -exec rm -rf {} + ; rm -rf ./*.egg-info
