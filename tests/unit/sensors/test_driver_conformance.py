"""What every driver in the registry must do, whatever it drives. A new line in the registry is tested by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from agent.profiles import Button, PullCord, Sensor, Wt901
from agent.readings import Edge, Item, Level, LinkDown, LinkQuality, LinkUp, MotionBatch
from agent.sensors.pins import Pins
from agent.sensors.registry import DRIVERS, Wiring, make_driver
from agent.simulator.wearable import SimulatedWearable
from agent.system_clock import SystemClock
from tests.unit.sensors.test_gpio import FailingPins
from tests.waiting import eventually

NAME = "the-sensor"

CONFIGS: dict[str, Any] = {
    "pull_cord": PullCord(type="pull_cord", pin=17, contact="normally_closed"),
    "button": Button(type="button", pin=17, contact="normally_open"),
    "wt901": Wt901(type="wt901", port="/nowhere/at/all", body_position="waist"),
}
"""One config for each `type` of the profile's union."""


@dataclass
class Mailbox:
    """What was posted, and whether the driver is still allowed to."""

    items: list[Item]
    closed: bool = False
    late: int = 0

    def post(self, item: Item) -> None:
        if self.closed:
            self.late += 1
        self.items.append(item)


@contextmanager
def device(kind: str, tmp_path: Path, *, present: bool) -> Iterator[Wiring]:
    """Give the wiring of a driver whose device is there, or is not."""
    mailbox = Mailbox([])
    port = tmp_path / "port"
    pins = Pins("mock", tmp_path) if present else FailingPins(tmp_path)
    wearable = SimulatedWearable(port, 100)
    if present:
        wearable.start()
    try:
        yield Wiring(NAME, CONFIGS[kind], str(port), pins, mailbox.post, SystemClock())
    finally:
        wearable.stop()


def mailbox_of(wiring: Wiring) -> Mailbox:
    mailbox = wiring.post.__self__  # type: ignore[attr-defined]  # because a test knows that it is a bound method
    assert isinstance(mailbox, Mailbox)
    return mailbox


def test_every_type_of_sensor_has_a_driver_and_a_config_here() -> None:
    union, *_ = get_args(Sensor)
    types = {name for model in get_args(union) for name in get_args(model.model_fields["type"].annotation)}
    assert types == DRIVERS.keys() == CONFIGS.keys()


@pytest.mark.parametrize("kind", sorted(DRIVERS))
def test_a_device_that_is_there_is_read(kind: str, tmp_path: Path) -> None:
    with device(kind, tmp_path, present=True) as wiring:
        driver = make_driver(wiring)
        mailbox = mailbox_of(wiring)
        driver.start()
        eventually(lambda: any(isinstance(item, Level | MotionBatch) for item in mailbox.items))
        driver.stop()
        mailbox.closed = True
        driver.stop()
    kinds = Edge | Level | LinkUp | LinkDown | LinkQuality | MotionBatch
    assert all(isinstance(item, kinds) and item.sensor == NAME for item in mailbox.items)
    assert mailbox.late == 0


@pytest.mark.parametrize("kind", sorted(DRIVERS))
def test_a_device_that_is_absent_is_a_reading_and_no_error(kind: str, tmp_path: Path) -> None:
    with device(kind, tmp_path, present=False) as wiring:
        driver = make_driver(wiring)
        mailbox = mailbox_of(wiring)
        driver.start()
        [down] = eventually(lambda: [item for item in mailbox.items if isinstance(item, LinkDown)])
        driver.stop()
    assert down.sensor == NAME
    assert down.detail


@pytest.mark.parametrize("kind", sorted(DRIVERS))
def test_a_driver_touches_nothing_before_start_and_may_be_stopped_without(kind: str, tmp_path: Path) -> None:
    with device(kind, tmp_path, present=False) as wiring:
        threads = threading.active_count()
        driver = make_driver(wiring)
        assert isinstance(wiring.pins, FailingPins)
        assert wiring.pins.asked == 0
        assert threading.active_count() == threads
        driver.stop()
        assert mailbox_of(wiring).items == []
