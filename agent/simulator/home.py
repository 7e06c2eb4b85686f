"""A home without hardware: switches on mock pins, a wearable on a pseudo-terminal, and what light and sounder show.

Rules of this file: the unit is not told. It claims the pins and opens the port as it does in a real home; only the
switches and the wearable behind them are simulated. Make the home before the drivers start: a real switch is there
before the software is, and wins over the pull resistor.
"""

from __future__ import annotations

import queue
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import structlog
from gpiozero.pins.mock import MockPin

from agent.errors import SimulatorError
from agent.recordings import read_recording
from agent.simulator.wearable import SimulatedWearable

if TYPE_CHECKING:
    from agent.effects import Show
    from agent.profiles import Profile
    from agent.sensors.pins import Pins
    from agent.simulator.motions import Motion

PRESS_S = 0.3
"""How long a finger holds a button in `press`."""

WATCH_BACKLOG = 100
"""A watcher that is further behind than this misses changes; the unit never waits for it."""

log = structlog.get_logger()


class SwitchedPin(MockPin):  # type: ignore[misc]  # because gpiozero has no types
    """A mock pin with a contact on it: to ground, or to 3.3 V where the pull is down."""

    def __init__(self, factory: Any, info: Any) -> None:
        super().__init__(factory, info)
        self._closed = False

    def switch(self, *, closed: bool) -> None:
        """Close or open the contact."""
        self._closed = closed
        self._settle()

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        self._settle()

    def _settle(self) -> None:
        if self._closed == (self._pull == "down"):
            self.drive_high()
        else:
            self.drive_low()


class SimulatedHome:
    """The sensors of a simulated profile, and the hands that work them. Every method may come from any thread."""

    def __init__(self, profile: Profile, runtime_dir: Path, pins: Pins) -> None:
        factory = pins.factory()
        self._rest_closed = {name: c.contact == "normally_closed" for name, c in profile.contacts.items()}
        self._pins: dict[str, SwitchedPin] = {}
        for name, contact in profile.contacts.items():
            pin = factory.pin(contact.pin, pin_class=SwitchedPin)
            if not isinstance(pin, SwitchedPin):
                raise SimulatorError(f"pin {contact.pin} was claimed before the simulated home was made; make it first")
            pin.switch(closed=self._rest_closed[name])
            self._pins[name] = pin
        self._wearables = {
            name: SimulatedWearable(runtime_dir / name, config.rate_hz) for name, config in profile.wearables.items()
        }
        self._rates = {name: config.rate_hz for name, config in profile.wearables.items()}
        self._random = random.Random()
        self._unplugged: set[str] = set()
        self._lock = threading.Lock()
        self._shown: Show | None = None
        self._watchers: list[queue.Queue[Show]] = []
        self._stopping = threading.Event()

    def start(self) -> None:
        """Plug the wearables in. Raises SimulatorError if a port can't be made."""
        for wearable in self._wearables.values():
            wearable.start()

    def stop(self) -> None:
        """Unplug everything, and end what is waiting. May be called twice."""
        self._stopping.set()
        for wearable in self._wearables.values():
            wearable.stop()

    def pull(self, sensor: str) -> None:
        """Pull a cord, or press a button and hold it."""
        self._switch(sensor, pulled=True)

    def release(self, sensor: str) -> None:
        """Let a cord or button go."""
        self._switch(sensor, pulled=False)

    def press(self, sensor: str) -> None:
        """Pull and let go after `PRESS_S`; returns when it has been let go."""
        self.pull(sensor)
        self._stopping.wait(PRESS_S)
        self.release(sensor)

    def play(self, sensor: str, path: Path, speed: float = 1.0) -> float:
        """Move the wearable as the recording at `path` says; return the seconds that it takes.

        Raises SimulatorError or RecordingError.
        """
        return self._moving(sensor).play(read_recording(path), speed)

    def take_off(self, sensor: str) -> None:
        """Take the wearable off and put it on a table; returns at once. Nobody breathes in it from then on."""
        self._handle(sensor, "taken_off", worn=False)

    def drop(self, sensor: str) -> None:
        """Drop the wearable on the floor, and leave it there; returns at once."""
        self._handle(sensor, "dropped", worn=False)

    def put_on(self, sensor: str) -> None:
        """Pick the wearable up and put it on; returns at once."""
        self._handle(sensor, "put_on", worn=True)

    def unplug(self, sensor: str) -> None:
        """Pull the wearable's plug: its port disappears."""
        wearable = self._wearable(sensor)
        with self._lock:
            wearable.unplug()
            self._unplugged.add(sensor)

    def replug(self, sensor: str) -> None:
        """Put the wearable's plug back."""
        wearable = self._wearable(sensor)
        with self._lock:
            wearable.replug()
            self._unplugged.discard(sensor)

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the home stops."""
        self._stopping.wait(seconds)

    def shown(self, show: Show) -> None:
        """Hear from the indicators what they show now. Never blocks."""
        with self._lock:
            self._shown = show
            for watcher in self._watchers:
                try:
                    watcher.put_nowait(show)
                except queue.Full:
                    log.debug("watcher_too_slow")

    def watch(self) -> queue.Queue[Show]:
        """Return a queue of what is shown: the present state, if there is one, and every change."""
        watcher: queue.Queue[Show] = queue.Queue(WATCH_BACKLOG)
        with self._lock:
            if self._shown is not None:
                watcher.put_nowait(self._shown)
            self._watchers.append(watcher)
        return watcher

    def unwatch(self, watcher: queue.Queue[Show]) -> None:
        """Forget a queue that `watch` returned."""
        with self._lock:
            self._watchers.remove(watcher)

    def _switch(self, sensor: str, *, pulled: bool) -> None:
        if sensor not in self._pins:
            raise self._no_such(sensor, "cord or button", list(self._pins))
        with self._lock:
            self._pins[sensor].switch(closed=self._rest_closed[sensor] != pulled)

    def _handle(self, sensor: str, how: Literal["taken_off", "dropped", "put_on"], *, worn: bool) -> None:
        from agent.simulator import handling  # noqa: PLC0415 - loads NumPy: not in a home that has no wearable

        wearable = self._moving(sensor)
        motion: Motion = getattr(handling, how)
        wearable.play(motion(self._rates[sensor], self._random.randrange(1000)), worn=worn)

    def _moving(self, sensor: str) -> SimulatedWearable:
        wearable = self._wearable(sensor)
        with self._lock:
            if sensor in self._unplugged:
                raise SimulatorError(f"{sensor} is unplugged, so nobody would see it move; replug it first")
        return wearable

    def _wearable(self, sensor: str) -> SimulatedWearable:
        if sensor not in self._wearables:
            raise self._no_such(sensor, "wearable", list(self._wearables))
        return self._wearables[sensor]

    @staticmethod
    def _no_such(sensor: str, kind: str, known: list[str]) -> SimulatorError:
        there_are = f"there are: {', '.join(sorted(known))}" if known else "this home has none"
        return SimulatorError(f"{sensor!r} is no {kind} of this home; {there_are}")
