"""A home with a virtual Pi in it, its broker, and the response centre, ready for something to go wrong.

    with VirtualHouse(unit, folder) as house:
        at = house.hands.pull(CORD)
        house.centre.wait("call.raised")

Rules of this file: one host clock for hands, light and centre. What the citizen sees is read from the light's own pin.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Self

from agent.effects import Light
from agent.events import CallData, CloudEvent
from tests.trials.centre import TimedCentre
from tests.vm.hands import Hands
from tests.vm.light import promised, read_light
from tests.vm.wearable import UsbWearable
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.vm.installed import Installed
    from tests.vm.machine import Machine

SERVICE = "nodkald-agent.service"
READY_WITHIN_S = 120.0
SETTLES_S = 4.0
"""After a path is up: all that was stored leaves at once, and is acknowledged."""

_LAST_ARMED = f"journalctl -b -u {SERVICE} -o short-monotonic --no-pager | grep '\"armed\"' | tail -n 1"
_LIGHT = re.compile(r'"light": "([a-z_]+)"')
_ESTABLISHED = '"event": "path_up"'


class VirtualHouse:
    """A provisioned unit at home: switched on, connected, its light at *ready*. `running` is one that is on already."""

    def __init__(
        self,
        unit: Installed,
        folder: Path,
        *,
        two_paths: bool = False,
        wearable: bool = True,
        running: Machine | None = None,
    ) -> None:
        self.machine = running or unit.machine(folder / "machine")
        self.hands = Hands(self.machine.hands)
        self.wearable = UsbWearable(self.machine.usb) if wearable else None
        self.brokers = [unit.broker(folder / "broker")]
        if two_paths:
            self.brokers.append(unit.broker(folder / "broker-2", second=True))
        self._unit = unit
        self.centres: list[TimedCentre] = []

    @property
    def centre(self) -> TimedCentre:
        """The consumer on the primary broker."""
        return self.centres[0]

    def __enter__(self) -> Self:
        try:
            for broker in self.brokers:
                self.centres.append(self.consumer(broker.start().port))
            if self.machine.running:
                self.hands.connect()
            else:
                self.switch_on()
            if self.wearable is not None:
                self.wearable.__enter__()
            self.machine.wait_booted()
            self.until_ready()
            ready_s = time.monotonic() - self.machine.on_at
            print(f"house: ready {ready_s:.0f} s after power-on, armed in {self.armed_after_s():.1f} s", flush=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.wearable is not None:
            self.wearable.__exit__()
        self.hands.disconnect()
        if self.machine.running:
            self.machine.cut()
        for centre in self.centres:
            centre.close()
        for broker in self.brokers:
            broker.kill()

    def consumer(self, port: int) -> TimedCentre:
        """Return a centre on one of the brokers, with a session that waits while the broker is away."""
        context = self._unit.ca.client_context(self._unit.centre)
        return TimedCentre(port, "nk/v1/aabenraa/#", tls=context, lasting=True)

    # ------------------------------------------------------------ power

    def switch_on(self) -> None:
        """Switch the power on, with hands at the switches from the first moment."""
        self.machine.power_on()
        self.hands.connect()

    def cut(self) -> float:
        """Cut the power; return the moment."""
        at = self.machine.cut()
        self.hands.dark()
        return at

    # ------------------------------------------------------------ what the citizen sees

    def light(self, since: float, *, steady: bool = False) -> list[tuple[float, Light]]:
        """Return what the light said from `since` until now."""
        return read_light(self.hands.edges(since), time.monotonic(), steady=steady)

    def meant(self) -> list[tuple[float, Light]]:
        """Return (moment, light) for each light that the unit logged to have set since this boot."""
        lines = self.machine.must(
            f'journalctl -b -u {SERVICE} -o short-monotonic --no-pager | grep \'"event": "indication"\'; true'
        ).splitlines()
        began = self._host_time(0.0)
        return [(began + _monotonic(line), Light(_LIGHT.findall(line)[0])) for line in lines if _LIGHT.search(line)]

    def promised(self, after: float, until: float | None = None) -> float | None:
        """Return when the light first said *sending* or more after `after`."""
        return promised(self.hands.edges(after), after, time.monotonic() if until is None else until)

    def until_light(self, light: Light, since: float, within_s: float = READY_WITHIN_S) -> float:
        """Wait until the light says so; return the moment."""

        def shown() -> float | None:
            entries = self.light(since)
            return entries[-1][0] if entries and entries[-1][1] is light else None

        found = eventually(shown, within=within_s, every=0.05)
        assert found is not None
        return found

    def until_ready(self, within_s: float = READY_WITHIN_S) -> float:
        """Wait until the light says that nothing is open and the line is up; return the moment."""
        return self.until_light(Light.READY, time.monotonic() - 5, within_s)

    # ------------------------------------------------------------ what the technician sees

    def until_settled(self, within_s: float = READY_WITHIN_S) -> None:
        """Wait until the unit has a path, and nothing more to send: what had not been stored by now never was."""
        look = f"journalctl -b -u {SERVICE} --no-pager | grep -q '{_ESTABLISHED}'"
        eventually(lambda: self.machine.sh(look)[0] == 0, within=within_s, every=1)
        threading.Event().wait(SETTLES_S)

    def close(self, events: Iterable[CloudEvent]) -> None:
        """Have a person take these calls, and close them."""
        for call_id in {event.data.call_id for event in events if isinstance(event.data, CallData)}:
            for centre in self.centres:
                centre.say("ack", {"call_id": call_id, "ack": "accepted", "by": "trial"})
                centre.say("ack", {"call_id": call_id, "ack": "closed", "outcome": "helped"})

    def moment_of(self, unit: str, words: str) -> float:
        """Return the host's time of the first line in a service's journal of this boot that has these words."""
        said = self.machine.must(f"journalctl -b -u {unit} -o short-monotonic --no-pager | grep -m 1 -F '{words}'")
        return self._host_time(_monotonic(said))

    def _host_time(self, guest_s: float) -> float:
        before = time.monotonic()
        uptime = float(self.machine.must("cut -d' ' -f1 /proc/uptime"))
        return (before + time.monotonic()) / 2 - uptime + guest_s

    def main_pid(self) -> int:
        """Return the agent's process; 0 if there is none."""
        return int(self.machine.must(f"systemctl show {SERVICE} -P MainPID"))

    def until_restarted(self, before: int, within_s: float = READY_WITHIN_S) -> float:
        """Wait until another process than `before` is the agent, and armed; return when that process was first seen."""
        eventually(lambda: self.main_pid() not in (0, before), within=within_s, every=0.3)
        seen_at = time.monotonic()
        armed = f"journalctl -u {SERVICE} _PID={self.main_pid()} --no-pager | grep -q armed"
        eventually(lambda: self.machine.sh(armed)[0] == 0, within=within_s, every=0.5)
        return seen_at

    def last_armed_at(self) -> float:
        """Return the host's time at which the agent was armed last."""
        return self._host_time(_monotonic(self.machine.must(_LAST_ARMED)))

    def armed_after_s(self) -> float:
        """Return the guest's own seconds from the service's start to `armed`, of its latest start."""
        shown = self.machine.must(f"systemctl show {SERVICE} -P ExecMainStartTimestampMonotonic")
        said = self.machine.must(
            f"journalctl -b -u {SERVICE} -o short-monotonic --no-pager | grep '\"armed\"' | tail -n 1"
        )
        return _monotonic(said) - int(shown) / 1e6


def _monotonic(line: str) -> float:
    moment = re.match(r"\[ *([0-9.]+)\]", line)
    assert moment is not None, line
    return float(moment[1])
