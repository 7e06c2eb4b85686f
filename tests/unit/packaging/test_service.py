"""The systemd unit is one that systemd understands, takes away what it can, and says what the agent counts on."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.config import UnitFile

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "systemd" / "nodkald-agent.service"
HARDENING = ROOT / "docs" / "operations" / "hardening.md"
EXPOSURE = 1.5
"""What `systemd-analyze security` may give at most; 0 is closed, 10 open."""


def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)  # systemd allows a key more than once
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # because systemd's keys have capitals
    parser.read_string(SERVICE.read_text())
    return parser["Service"]


def analyzed(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine")
    return subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)


def verified(directory: Path, text: str) -> str:
    """Return what systemd says of the unit, with a command that exists on every machine: it asks whether it does."""
    unit = directory / SERVICE.name
    unit.write_text(text.replace("/opt/nodkald/bin/nodkald run", "/bin/true"))
    done = analyzed("verify", "--man=no", str(unit))
    said = [line for line in done.stderr.splitlines() if SERVICE.name in line]  # not of this machine's other units
    return "\n".join(said) if said or done.returncode == 0 else done.stderr


def exposure(directory: Path, text: str) -> float:
    unit = directory / SERVICE.name
    unit.write_text(text)
    done = analyzed("security", "--offline=true", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def test_systemd_understands_every_line_and_has_nothing_to_say(tmp_path: Path) -> None:
    assert verified(tmp_path, SERVICE.read_text()) == ""


def test_a_line_that_systemd_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    assert "RestartSecs" in verified(tmp_path, SERVICE.read_text().replace("RestartSec=", "RestartSecs="))


def test_it_is_as_closed_as_the_documents_say(tmp_path: Path) -> None:
    found = exposure(tmp_path, SERVICE.read_text())
    assert found <= EXPOSURE
    assert f"exposure level {found}" in HARDENING.read_text()


def test_an_open_service_would_be_seen(tmp_path: Path) -> None:
    text = SERVICE.read_text().replace("CapabilityBoundingSet=\n", "").replace("PrivateUsers=yes\n", "")
    assert exposure(tmp_path, text) > EXPOSURE


def test_every_restriction_is_explained() -> None:
    explained = HARDENING.read_text()
    section = SERVICE.read_text().split("\n[Service]\n")[1].split("\n[Install]\n")[0]
    keys = sorted(set(re.findall(r"^([A-Z]\w+)=", section, re.MULTILINE)))
    assert [key for key in keys if f"`{key}" not in explained] == []


def test_it_starts_the_command_that_is_ready_when_the_cords_are_armed_and_always_again() -> None:
    found = service()
    assert found["ExecStart"].endswith("/nodkald run")
    assert (found["Type"], found["Restart"], found["User"]) == ("notify", "always", "nodkald")
    assert "StartLimitIntervalSec=0" in SERVICE.read_text()


def test_the_library_for_pins_can_write_where_it_starts() -> None:
    assert service()["WorkingDirectory"] == f"/run/{service()['RuntimeDirectory']}"


@pytest.mark.parametrize(
    ("key", "parent", "field"),
    [("StateDirectory", "/var/lib", "state_dir"), ("RuntimeDirectory", "/run", "runtime_dir")],
)
def test_its_directories_are_the_defaults_of_the_unit_file(key: str, parent: str, field: str) -> None:
    assert Path(parent, service()[key]) == UnitFile.model_fields[field].default
