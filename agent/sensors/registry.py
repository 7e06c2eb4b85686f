"""The one registry: from a sensor's `type` in the profile to the driver that reads it.

Rules of this file: a new sensor is one config class in `agent/profiles.py`, one driver file and one line in `DRIVERS`;
the driver conformance test runs on every line. Drivers are imported when a profile has them, so that a home without a
wearable never loads pyserial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.clock import Clock
    from agent.sensors.driver import Driver, Post
    from agent.sensors.pins import Pins


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a driver is made of. `config` is the sensor's part of the profile, `port` its serial port if it has one."""

    name: str
    config: Any
    port: str | None
    pins: Pins
    post: Post
    clock: Clock


def _contact(wiring: Wiring) -> Driver:
    from agent.sensors.gpio import ContactDriver  # noqa: PLC0415 - imported only where a profile has it

    return ContactDriver(wiring.name, wiring.config, wiring.pins, wiring.post, wiring.clock)


def _wt901(wiring: Wiring) -> Driver:
    from agent.sensors.wearable import WearableDriver  # noqa: PLC0415 - imported only where a profile has it

    return WearableDriver(wiring.name, wiring.config, wiring.port or wiring.config.port, wiring.post, wiring.clock)


DRIVERS: Mapping[str, Callable[[Wiring], Driver]] = {
    "pull_cord": _contact,
    "button": _contact,
    "wt901": _wt901,
}


def make_driver(wiring: Wiring) -> Driver:
    """Return the driver of the sensor, not started yet: drivers of contacts touch no pin before `start`."""
    return DRIVERS[wiring.config.type](wiring)
