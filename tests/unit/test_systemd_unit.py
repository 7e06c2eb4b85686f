"""The systemd unit is one that systemd understands, and says what the agent counts on."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.config import UnitFile

SERVICE = Path(__file__).parents[2] / "systemd" / "nodkald-agent.service"


def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # because systemd's keys have capitals
    parser.read_string(SERVICE.read_text())
    return parser["Service"]


def verified(unit: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine")
    return subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)


def written(directory: Path, text: str) -> Path:
    """Return the unit with a command that exists on every machine, for systemd asks whether it does."""
    unit = directory / SERVICE.name
    unit.write_text(text.replace("/opt/nodkald/bin/nodkald run", "/bin/true"))
    return unit


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    done = verified(written(tmp_path, SERVICE.read_text()))
    assert (done.returncode, [line for line in done.stderr.splitlines() if SERVICE.name in line]) == (0, [])


def test_a_line_that_systemd_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    done = verified(written(tmp_path, SERVICE.read_text().replace("RestartSec=1", "RestartSecs=1")))
    assert "RestartSecs" in done.stderr


def test_it_starts_the_command_that_is_ready_when_the_cords_are_armed_and_always_again() -> None:
    found = service()
    assert found["ExecStart"].endswith("/nodkald run")
    assert (found["Type"], found["Restart"], found["User"]) == ("notify", "always", "nodkald")


@pytest.mark.parametrize(
    ("key", "parent", "field"),
    [("StateDirectory", "/var/lib", "state_dir"), ("RuntimeDirectory", "/run", "runtime_dir")],
)
def test_its_directories_are_the_defaults_of_the_unit_file(key: str, parent: str, field: str) -> None:
    assert Path(parent, service()[key]) == UnitFile.model_fields[field].default
