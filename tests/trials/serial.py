"""Trials: garbage on the wearable's serial port for a minute, and another device on it.

Rules of this file: the port is a real pseudo-terminal of the trial's own (`line`), which takes the place of the
simulated home's, behind the same path. In each round a hand pulls a cord while the port is wrong, and a person falls
after it is right again. A call of the wearable before that fall is a false one, unless it is `unverified`: a trigger
that could not be judged is a call, on purpose. A fall that is not found, and a fault that is not told, is a lie.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.effects import Light
from agent.events import CallData, EventType, Fault, FaultData
from agent.simulator.motions import fall_forward
from agent.simulator.wearable import SimulatedWearable
from tests.trials.house import TrialHouse
from tests.trials.line import Line, clean
from tests.trials.other_devices import GARBAGE, OTHERS
from tests.trials.side_by_side import side_by_side
from tests.waiting import eventually

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.trials.heard import Arrival
    from tests.trials.ledger import Ledger
    from tests.trials.line import Through

WEARABLE, CORD = "wearable", "bathroom-cord"
RATE_HZ = 100
FALL = [sample for sample in fall_forward(RATE_HZ, seed=3) if 3.5 <= sample[0] < 9]
"""From a second before the trip to lying on the floor, where the wearable then stays."""
FOUND_WITHIN_S = 25.0
"""From the begin of the fall's motion to the call: six seconds of window, the model, a second of pre-alarm."""
OPENED_WITHIN_S = 7.0
"""The driver tries at least every 5 s."""
LONGEST_ROUND_S = 600.0
_STARTING = threading.Lock()
"""One model after the other is loaded: that takes a core for seconds, and is not what is tried here."""
FAULTS = (Fault.SENSOR_GARBLED, Fault.SENSOR_SILENT)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a round takes."""

    wrong_s: tuple[float, float] = (60.0, 60.0)
    """For how long the port is wrong: from, to."""
    unplugged_s: tuple[float, float] = (0.0, 3.0)
    """How long nothing is plugged in while one device takes another's place."""
    fall_after_s: tuple[float, float] = (1.0, 10.0)
    """How long after the right wearable is heard again somebody falls."""
    restored_within_s: float = 75.0
    """From the last garbage, or the last time that busy cores held the line up: what came in a minute counts."""
    homes: int = 10
    each: int = 5
    prelude: str = ""
    """Python that the unit runs first: shorter waits, in a test."""


class PacedRun(Protocol):
    """One of the two trials."""

    def __call__(self, ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace | None = None) -> str:
        """Play `times` rounds and return the note for the table."""
        ...


@dataclass(slots=True)
class Findings:
    """What all homes found out."""

    falls: int = 0
    found: int = 0
    confirmed: int = 0
    restored_s: list[float] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)

    def note(self, what: str) -> str:
        """Sum up for the table."""
        told = ", ".join(f"{count} {fault}" for fault, count in sorted(self.faults.items()))
        longest = f"{max(self.restored_s):.0f} s" if self.restored_s else "never"
        return (
            f"{what}; falls after it: {self.found} of {self.falls} found, {self.confirmed} of them confirmed; "
            f"faults told: {told or 'none'}, restored after at most {longest}"
        )


def garbage(ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace | None = None) -> str:
    """A minute of garbage on the line."""
    findings = Findings()
    _play(ledger, times, rng, work, pace or Pace(), GARBAGE, findings, unplugs=False)
    return findings.note(f"one kind at random of {', '.join(GARBAGE)}")


def other_device(ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace | None = None) -> str:
    """Another device in the wearable's place, for 15 to 30 seconds, and then the right one back."""
    findings = Findings()
    _play(ledger, times, rng, work, pace or Pace(wrong_s=(15.0, 30.0)), OTHERS, findings, unplugs=True)
    return findings.note(f"one device at random of {', '.join(OTHERS)}")


def _play(
    ledger: Ledger,
    times: int,
    rng: random.Random,
    work: Path,
    pace: Pace,
    kinds: Mapping[str, Callable[[random.Random], Through]],
    findings: Findings,
    *,
    unplugs: bool,
) -> None:
    def play(own: Ledger, rounds: Iterator[int], chance: random.Random, place: Path) -> None:
        with _worn(TrialHouse(place, chance), place, pace) as home:
            for number in rounds:
                kind = chance.choice(list(kinds))
                home.round(own, findings, f"{number} ({kind})", kinds[kind](chance), unplugs=unplugs)
                print(f"{number}: {kind}, {findings.found} of {findings.falls} falls found", flush=True)

    side_by_side(ledger, times, rng, work, play, homes=pace.homes, each=pace.each)


@contextlib.contextmanager
def _worn(house: TrialHouse, place: Path, pace: Pace) -> Iterator[_Home]:
    """Start the unit, and put the trial's own line in the place of the simulated one."""
    device = place / "device"
    wearable = SimulatedWearable(device, RATE_HZ)
    house.home.prelude = pace.prelude
    with house:
        wearable.start()
        try:
            with _STARTING:
                house.home.start()
                eventually(lambda: house.home.logged("model_ready"), within=60)
            house.home.ask(do="unplug", sensor=WEARABLE)
            with Line(device, house.directory / "run" / WEARABLE) as line:
                home = _Home(house, line, wearable, pace)
                home.alive()
                yield home
        finally:
            wearable.stop()


class _Home:
    """A house whose wearable is on the trial's line."""

    def __init__(self, house: TrialHouse, line: Line, wearable: SimulatedWearable, pace: Pace) -> None:
        self.house = house
        self.line = line
        self.wearable = wearable
        self.pace = pace
        self._wait = threading.Event().wait

    def round(self, ledger: Ledger, findings: Findings, name: str, through: Through, *, unplugs: bool) -> None:
        """Let the port be wrong, pull meanwhile, make it right, fall, and see what became of all that."""
        house, rng = self.house, self.house.rng
        eventually(lambda: house.lights.now is Light.READY, within=30)
        house.begin()
        began = time.monotonic()
        wrong_s = rng.uniform(*self.pace.wrong_s)
        self._change(through, unplugs=unplugs)
        self._wait(rng.uniform(0, wrong_s))
        house.pull(CORD)
        self._wait(rng.uniform(0.1, 0.5))
        house.home.ask(do="release", sensor=CORD)
        house.arrived()
        self._wait(began + wrong_s - time.monotonic())
        self._change(clean, unplugs=unplugs)
        right_at = time.monotonic()
        house.settle()
        self._fall(ledger, findings, name, began)
        self._faults(ledger, findings, name, began, right_at)
        house.end(ledger, name)

    def alive(self) -> None:
        """Wait until the wearable is heard and no fault of it is open."""
        eventually(lambda: self.house.home.logged("wearable_link_up"), within=30)
        eventually(lambda: self._told(EventType.TECH_FAULT, 0.0) == self._told(EventType.TECH_RESTORED, 0.0), within=90)

    def _change(self, through: Through, *, unplugs: bool) -> None:
        if not unplugs:
            self.line.through = through
            return
        opened = len(self.house.home.logged("wearable_link_up"))
        self.line.unplug()
        self._wait(self.house.rng.uniform(*self.pace.unplugged_s))
        self.line.plug(through)
        eventually(lambda: len(self.house.home.logged("wearable_link_up")) > opened, within=OPENED_WITHIN_S)

    def _fall(self, ledger: Ledger, findings: Findings, name: str, began: float) -> None:
        """Fall, and wait for the call that says so; every call of the wearable before that is told apart."""
        self._wait(self.house.rng.uniform(*self.pace.fall_after_s))
        self.house.settle()  # what was unverified, or false, is closed: the fall must not join it
        fell_at = time.monotonic()
        self.wearable.play(FALL)
        findings.falls += 1
        with contextlib.suppress(AssertionError):
            eventually(lambda: self._raised(fell_at), within=FOUND_WITHIN_S)
        calls = self._raised(fell_at)
        if calls:
            findings.found += 1
            findings.confirmed += not _is_unverified(calls[0])
        else:
            ledger.lies.append(f"{name}: the fall was not found")
            print(f"{name}: NOT FOUND, log in {self.house.directory}", flush=True)
        for arrival in [a for a in self._raised(began) if a not in calls]:
            if not _is_unverified(arrival):  # those are counted at the end of the round
                ledger.false_calls += 1
                print(f"{name}: a call of nobody's fall: {arrival.event.model_dump_json()}", flush=True)
        eventually(lambda: not self.wearable.playing, within=40)

    def _raised(self, since: float) -> list[Arrival]:
        return self.house.heard.since(since, EventType.CALL_RAISED, WEARABLE)

    def _faults(self, ledger: Ledger, findings: Findings, name: str, began: float, right_at: float) -> None:
        """Hold what the unit told about the wearable against what was done to it."""
        told = self._told(EventType.TECH_FAULT, began)
        if not any("which device is on the port" in detail for detail in self._details(began)):
            ledger.lies.append(f"{name}: nobody was told to look which device is on the port: {self._details(began)}")
        for fault in told:
            findings.faults[fault] = findings.faults.get(fault, 0) + 1
        if not self._restored(began, right_at):
            ledger.lies.append(f"{name}: {told} was not restored within {self.pace.restored_within_s:.0f} s")
            return
        ends = [arrival.at for arrival in self._about(EventType.TECH_RESTORED, began)]
        findings.restored_s.append(max(ends, default=right_at) - right_at)

    def _restored(self, began: float, right_at: float) -> bool:
        """Wait until the unit has told the end of every fault that it told."""
        until = right_at + LONGEST_ROUND_S

        def is_over() -> bool:
            return time.monotonic() > min(until, max(right_at, self.line.held_up_at) + self.pace.restored_within_s)

        def is_restored() -> bool:
            told, ended = (self._told(kind, began) for kind in (EventType.TECH_FAULT, EventType.TECH_RESTORED))
            return sorted(told) == sorted(ended)

        eventually(lambda: is_restored() or is_over(), within=LONGEST_ROUND_S + 10, every=0.1)
        return is_restored()

    def _told(self, kind: EventType, since: float) -> list[str]:
        return [a.event.data.fault.value for a in self._about(kind, since) if isinstance(a.event.data, FaultData)]

    def _details(self, since: float) -> list[str]:
        found = self._about(EventType.TECH_FAULT, since)
        return [a.event.data.detail for a in found if isinstance(a.event.data, FaultData)]

    def _about(self, kind: EventType, since: float) -> list[Arrival]:
        found = self.house.heard.since(since, kind, WEARABLE)
        return [a for a in found if isinstance(a.event.data, FaultData) and a.event.data.fault in FAULTS]


def _is_unverified(arrival: Arrival) -> bool:
    data = arrival.event.data
    return isinstance(data, CallData) and data.assessment is not None and data.assessment.verdict == "unverified"
