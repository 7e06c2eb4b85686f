"""A wearable's driver whose read never returns: it is left behind, and another one takes its port over."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from serial import Serial

from agent.profiles import Wt901
from agent.readings import Item, LinkUp, MotionBatch
from agent.sensors.wearable import WearableDriver
from agent.simulator.wearable import SimulatedWearable
from agent.system_clock import SystemClock
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class StuckRead:
    """Lets the next read of a port hang until `go_on`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hangs, self.go_on = threading.Event(), threading.Event()
        real = Serial.read

        def read(port: Serial, size: int = 1) -> Any:
            if not self.hangs.is_set():
                self.hangs.set()
                self.go_on.wait(20)
            return real(port, size)

        monkeypatch.setattr(Serial, "read", read)


@pytest.fixture
def wearable(tmp_path: Path) -> Iterator[SimulatedWearable]:
    simulated = SimulatedWearable(tmp_path / "wearable", 100)
    simulated.start()
    yield simulated
    simulated.stop()


def driver(port: Path, items: list[Item]) -> WearableDriver:
    config = Wt901(type="wt901", port="/dev/unused", rate_hz=100, body_position="waist")
    return WearableDriver("wearable", config, str(port), items.append, SystemClock(), chance=lambda: 0.0)


def test_another_driver_takes_over_the_port_of_one_that_hangs(
    wearable: SimulatedWearable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = StuckRead(monkeypatch)
    left_behind: list[Item] = []
    taken_over: list[Item] = []
    hung, other = driver(tmp_path / "wearable", left_behind), driver(tmp_path / "wearable", taken_over)
    hung.start()
    assert stuck.hangs.wait(10)
    hung.stop()
    other.start()
    try:
        eventually(lambda: any(isinstance(item, MotionBatch) for item in taken_over))
        assert any(isinstance(item, LinkUp) for item in taken_over)
        posted = len(left_behind)
        stuck.go_on.set()  # the read returns after all
        eventually(lambda: [thread.name for thread in threading.enumerate()].count("wearable-wearable") == 1)
        assert len(left_behind) == posted, "what was stopped posts nothing more"
    finally:
        stuck.go_on.set()
        other.stop()
