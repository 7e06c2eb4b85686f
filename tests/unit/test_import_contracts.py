"""The import contracts of pyproject.toml can break, and what they can't see is looked at in a running interpreter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(os.environ.get("NODKALD_LINT_IMPORTS") or shutil.which("lint-imports") or "/nonexistent")
"""import-linter has a venv of its own; `make test` says where."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of what the contracts are about."""
    if not LINT_IMPORTS.exists():
        pytest.skip("NODKALD_LINT_IMPORTS names no lint-imports: `make test` installs it")
    for package in ("agent", "firmware_profiles"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(directory: Path) -> set[str]:
    """Return the ids of the contracts that the packages in this directory break."""
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory)},  # the copy, not the project that is installed
        capture_output=True,
        text=True,
        check=False,
    )
    broken = {
        contract["id"]
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        if f"{contract['name']} BROKEN" in done.stdout
    }
    assert done.returncode == (1 if broken else 0), done.stdout + done.stderr
    return broken


def test_no_contract_is_broken(copy: Path) -> None:
    assert broken_contracts(copy) == set()


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param("uplink/topics.py", "import time", "pure-core", id="a-clock-from-the-standard-library"),
        pytest.param("core.py", "def late() -> None:\n    import sqlite3", "pure-core", id="inside-a-function"),
        pytest.param("ids.py", "from agent import system_clock", "pure-core", id="through-another-module"),
        pytest.param("inference/window.py", "from paho.mqtt import client", "pure-core", id="part-of-a-library"),
        pytest.param("sensors/gpio.py", "from agent.inference import policy", "manual-call", id="model-from-the-pins"),
        pytest.param("errors.py", "import agent.inference.reasons", "manual-call", id="model-through-another-module"),
        pytest.param("mailbox.py", "import numpy", "manual-call", id="a-library-of-the-model"),
        pytest.param("logs.py", "from agent.simulator import home", "simulator", id="simulator-from-a-real-unit"),
        pytest.param("config.py", "from training import dataset", "not-installed", id="training"),
        pytest.param("clock.py", "import tests.waiting", "not-installed", id="tests"),
    ],
)
def test_a_planted_import_breaks_its_contract(copy: Path, module: str, line: str, contract: str) -> None:
    with (copy / "agent" / module).open("a") as source:
        source.write(f"\n\n{line}\n")
    assert contract in broken_contracts(copy)


def test_a_unit_is_ready_for_a_manual_call_without_model_and_simulator() -> None:
    """The composition root and the command may import both, but inside functions: which import-linter can't tell."""
    script = "import agent.app, agent.run, agent.sensors.registry, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    unwanted = ("agent.inference", "agent.simulator", "numpy", "ai_edge_litert", "tflite_runtime", "iotcore")
    assert "agent.core" in loaded
    assert [module for module in loaded if module.startswith(unwanted)] == []


def test_what_looks_at_the_model_before_the_start_loads_nothing_heavy() -> None:
    """A unit with a wearable checks the model's card before it is armed, and numpy takes long to load."""
    script = "import agent.inference.cards, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "numpy" not in done.stdout.split()


def test_judging_the_first_fall_loads_nothing() -> None:
    """The core's own thread does it: an import there would delay a cord that is pulled meanwhile."""
    script = (
        "import sys; from tests.unit.inference.test_detector import one_fall, ready; u = ready(); "
        "before = set(sys.modules); u.play(one_fall()); assert u.assessed; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
