"""The systemd units are ones that systemd understands, take away what they can, and say what the agent counts on."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent import kernel_clock
from agent.config import UnitFile
from agent.kernel_clock import READING

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "systemd" / "nodkald-agent.service"
CLOCK = ROOT / "systemd" / "nodkald-clock.service"
both = pytest.mark.parametrize("unit", [SERVICE, CLOCK], ids=lambda unit: unit.stem)
HARDENING = ROOT / "docs" / "operations" / "hardening.md"
EXPOSURE = 1.5
"""What `systemd-analyze security` may give at most; 0 is closed, 10 open."""


def service(unit: Path = SERVICE) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)  # systemd allows a key more than once
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # because systemd's keys have capitals
    parser.read_string(unit.read_text())
    return parser["Service"]


def analyzed(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine")
    return subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)


def verified(directory: Path, name: str, text: str) -> str:
    """Return what systemd says of the unit, with a command that exists on every machine: it asks whether it does."""
    for unit in (SERVICE, CLOCK):
        said = text if unit.name == name else unit.read_text()
        (directory / unit.name).write_text(re.sub(r"^ExecStart=.*", "ExecStart=/bin/true", said, flags=re.MULTILINE))
    done = analyzed("verify", "--man=no", str(directory / name))
    said_of_it = [line for line in done.stderr.splitlines() if name in line]  # not of this machine's other units
    return "\n".join(said_of_it) if said_of_it or done.returncode == 0 else done.stderr


def exposure(directory: Path, text: str) -> float:
    unit = directory / SERVICE.name
    unit.write_text(text)
    done = analyzed("security", "--offline=true", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


@both
def test_systemd_understands_every_line_and_has_nothing_to_say(tmp_path: Path, unit: Path) -> None:
    assert verified(tmp_path, unit.name, unit.read_text()) == ""


def test_a_line_that_systemd_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    assert "RestartSecs" in verified(tmp_path, SERVICE.name, SERVICE.read_text().replace("RestartSec=", "RestartSecs="))


@both
def test_it_is_as_closed_as_the_documents_say(tmp_path: Path, unit: Path) -> None:
    found = exposure(tmp_path, unit.read_text())
    assert found <= EXPOSURE
    assert f"exposure level {found}" in HARDENING.read_text()


def test_an_open_service_would_be_seen(tmp_path: Path) -> None:
    text = SERVICE.read_text().replace("CapabilityBoundingSet=\n", "").replace("PrivateUsers=yes\n", "")
    assert exposure(tmp_path, text) > EXPOSURE


@both
def test_every_restriction_is_explained(unit: Path) -> None:
    explained = HARDENING.read_text()
    section = unit.read_text().split("\n[Service]\n")[1].split("\n[Install]\n")[0]
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


ASKS = {"adjtimex", "clock_adjtime"}
"""The system calls that read the clock's state, and can set it; which of them `adjtimex` makes is the libc's choice."""


def members(name: str) -> set[str]:
    """Return the system calls of a set as systemd defines it."""
    if not name.startswith("@"):
        return {name}
    lines = [line.strip() for line in analyzed("syscall-filter", name).stdout.splitlines()[1:]]
    return {call for line in lines if not line.startswith("#") for call in members(line)}


def may_ask(unit: Path) -> set[str]:
    """Return those calls of `ASKS` that the unit's sandbox lets through."""
    allowed: set[str] = set()
    for words in re.findall(r"^SystemCallFilter=(.*)", unit.read_text(), re.MULTILINE):
        named = {call for name in words.removeprefix("~").split() for call in members(name)}
        allowed = allowed - named if words.startswith("~") else allowed | named
    return set() if "\nProtectClock=yes\n" in unit.read_text() else allowed & ASKS


def test_who_may_not_ask_for_the_clock_has_somebody_who_may() -> None:
    assert may_ask(SERVICE) == set(), "then it needs nobody to ask in its place"
    assert may_ask(CLOCK) == ASKS
    assert f"Wants={CLOCK.name}" in SERVICE.read_text()
    asks = service(CLOCK)["ExecStart"].split()
    assert asks[-2:] == [f"/opt/nodkald/lib/python3/{Path(kernel_clock.__file__).relative_to(ROOT)}", str(READING)]
    assert READING.parent == Path("/run", service(CLOCK)["RuntimeDirectory"])


def test_the_agent_never_waits_for_it() -> None:
    ordered = re.findall(rf"^(?:After|Requires|BindsTo|PartOf)=.*{CLOCK.name}", SERVICE.read_text(), re.MULTILINE)
    assert not ordered
    assert not re.search(r"^(?:Before|PartOf|BindsTo|Requires|StopWhenUnneeded)=", CLOCK.read_text(), re.MULTILINE)
