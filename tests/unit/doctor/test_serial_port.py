"""The check of a serial port on a real terminal, with a real wearable, a mute one and one that is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.doctor import serial_ports
from agent.doctor.case import Case
from agent.doctor.finding import Finding, Verdict
from agent.sensors.serial_port import SerialPort
from agent.simulator.wearable import SimulatedWearable
from tests.unit.doctor.cases import case


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_ports, "LISTEN_S", 0.5)


@pytest.fixture
def port(tmp_path: Path) -> Path:
    return tmp_path / "wearable"


@pytest.fixture
def wearable(port: Path) -> Iterator[SimulatedWearable]:
    simulated = SimulatedWearable(port, 100)
    simulated.start()
    yield simulated
    simulated.stop()


@pytest.fixture
def unit(tmp_path: Path, port: Path) -> Case:
    return case(tmp_path, profile="pi4-cords-wt901", more=f'[sensors.wearable]\nport = "{port}"\n')


def examined(unit: Case) -> Finding:
    [(name, config)] = unit.unit.profile.wearables.items()
    [found] = serial_ports.examine(unit, name, config)
    return found


def test_a_wearable_that_speaks_on_a_path_that_may_change(wearable: SimulatedWearable, unit: Case) -> None:
    found = examined(unit)
    assert (found.verdict, "speaks, but the path" in found.found.en) == (Verdict.WARN, True), found


def test_a_wearable_on_a_path_that_stays(
    wearable: SimulatedWearable, unit: Case, monkeypatch: pytest.MonkeyPatch, port: Path
) -> None:
    monkeypatch.setattr(serial_ports, "STABLE", (str(port),))
    assert examined(unit).verdict is Verdict.OK


def test_a_mute_wearable(wearable: SimulatedWearable, unit: Case) -> None:
    wearable.mute()
    assert examined(unit).found.en == "the port is open, but nothing comes"


def test_something_else_on_the_port(wearable: SimulatedWearable, unit: Case) -> None:
    wearable.send_garbage(100_000)
    found = examined(unit)
    assert (found.verdict, "that are not WT901" in found.found.en) == (Verdict.FAIL, True), found


def test_a_port_that_another_program_holds(wearable: SimulatedWearable, unit: Case, port: Path) -> None:
    other = SerialPort(str(port), 115200)
    found = examined(unit)
    other.close()
    assert (found.verdict, "another program" in found.detail) == (Verdict.FAIL, True), found


def test_a_port_that_is_not_there_and_one_that_is_none(unit: Case, port: Path) -> None:
    assert examined(unit).found.en == f"the port {port} does not exist"
    port.write_text("a file")
    assert examined(unit).detail == "not a character device"
