"""Trials: a worker that hangs. The pins and the core are the watchdog's part; everything else is mended in place.

Rules of this file: nothing is shortened: limits, pings and WatchdogSec are those of a home. Each round lets one thing
hang at a random moment around a pull; five homes at a time, for most of a round is waiting.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from agent.effects import Light
from agent.events import EventType, Fault
from agent.housekeeping import LINE_LOST_AFTER_S
from agent.simulator.motions import fall_forward
from tests.faults.storage import RealDisk
from tests.trials import holding_on
from tests.trials.house import TrialHouse
from tests.trials.hung_unit import REAL, Findings, HungUnit, Pace, looked_after
from tests.trials.ledger import Pull
from tests.trials.side_by_side import side_by_side
from tests.trials.systemd import STOP_S
from tests.waiting import eventually

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.trials.ledger import Ledger

CORD, BUTTON = "bathroom-cord", "bedroom-button"
FALL = [sample for sample in fall_forward(100, seed=3) if sample[0] >= 3.5]
SENSOR_SILENT_S = 10.0
"""The profile's own `silent_after_s`."""


def pins(ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace = REAL) -> str:
    """Let pins, core, or all of Python hang: systemd restarts the unit, and what was stored arrives."""
    findings = Findings()

    def play(own: Ledger, rounds: Iterator[int], chance: random.Random, place: Path) -> None:
        with looked_after(TrialHouse(place, chance), ("pins", "core", "lock"), pace, findings, own) as unit:
            for number in rounds:
                _watchdog_round(unit, f"hung-pins {number}")

    side_by_side(ledger, times, rng, work, play, homes=pace.homes, each=pace.each)
    return findings.note("the pings had ended, and systemd restarted it; beaten: pulled while it hung, and let go")


def _watchdog_round(unit: HungUnit, name: str) -> None:
    house, systemd, rng = unit.house, unit.systemd, unit.house.rng
    unit.begin(name)
    kind = rng.choice(("pins", "core", "lock"))
    away = rng.random() < 0.75  # then the call is only in the outbox
    if away:
        house.brokers[0].stop()
        eventually(lambda: house.lights.now is Light.LINE_DOWN)
    stored = house.pull(CORD)
    eventually(lambda: house.home.stored("call.raised") or house.heard.since(stored.at, EventType.CALL_RAISED))
    stored.promised_at = time.monotonic()  # on disk, or at the centre
    house.let_go()
    before, kills = unit.hangs(), len(systemd.killed)
    unit.hang(kind)
    hung_at = unit.hangs_since(before)
    threading.Event().wait(rng.uniform(0, unit.pace.watchdog_s / 2))
    late, holds = house.pull(BUTTON, reaches=kind != "lock"), rng.random() < 0.5
    (house.directory / holding_on.FILE).write_text(BUTTON if holds else "")
    eventually(lambda: len(systemd.killed) > kills, unit.pace.limits["pins"] + unit.pace.watchdog_s + 20)
    unit.findings.found.append(systemd.killed[-1] - hung_at)
    if systemd.killed[-1] - hung_at > unit.pace.limits["pins"] + 2 + unit.pace.watchdog_s:
        unit.complain(f"{kind}: found only {systemd.killed[-1] - hung_at:.1f} s after it hung")
    for pull in (stored, late):
        house.look()
        pull.cut_at = systemd.killed[-1] if pull.arrived_at is None else None
    eventually(lambda: systemd.started[-1] > systemd.killed[-1], STOP_S + 10)
    house.held.clear()
    if holds:  # the hand that pulled the second time has not let go
        house.held.add(BUTTON)
        late.cut_at = None
    eventually(lambda: systemd.ready and systemd.ready[-1] > systemd.killed[-1], 30)
    unit.ledger.armed_s.append(systemd.ready[-1] - systemd.started[-1])
    if away:
        house.brokers[0].start()
        stored.path_at = late.path_at = time.monotonic()
    house.arrived()
    unit.end()


def driver(ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace = REAL) -> str:
    """Let the read of the wearable's port never return: another thread opens it anew."""
    findings = Findings()

    def play(own: Ledger, rounds: Iterator[int], chance: random.Random, place: Path) -> None:
        with looked_after(TrialHouse(place, chance), ("driver",), pace, findings, own) as unit:
            for number in rounds:
                _driver_round(unit, f"hung-driver {number}")

    side_by_side(ledger, times, rng, work, play, homes=pace.homes, each=pace.each)
    return findings.note("told as sensor.silent")


def _driver_round(unit: HungUnit, name: str) -> None:
    house, worker = unit.house, "wearable:wearable"
    unit.begin(name)
    eventually(lambda: house.home.logged("wearable_link_up"))
    ups, before, known = len(house.home.logged("wearable_link_up")), unit.hangs(), unit.found(worker)
    unit.hang("driver")
    hung_at = unit.hangs_since(before)
    threading.Event().wait(house.rng.uniform(0, unit.pace.limits["wearable"]))
    house.pull(CORD)
    unit.wait_found(worker, known)
    eventually(lambda: len(house.home.logged("wearable_link_up")) > ups, 20)
    if unit.pace.limits["wearable"] > SENSOR_SILENT_S:
        _told_and_restored(unit, Fault.SENSOR_SILENT, hung_at)
    unit.mended(hung_at)
    unit.pinged_all_the_while(hung_at)
    unit.end()


def model(ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace = REAL) -> str:
    """Let inference never return while somebody lies on the floor: the fall is a call, `unverified`."""
    findings = Findings()

    def play(own: Ledger, rounds: Iterator[int], chance: random.Random, place: Path) -> None:
        with looked_after(TrialHouse(place, chance), ("model",), pace, findings, own) as unit:
            eventually(lambda: house_has_model(unit), 60)
            for number in rounds:
                _model_round(unit, f"hung-model {number}")

    side_by_side(ledger, times, rng, work, play, homes=pace.homes, each=pace.each)
    return findings.note("told as model.failing; a fall counts from the end of its pre-alarm")


def house_has_model(unit: HungUnit) -> bool:
    """Whether the model is loaded."""
    return bool(unit.house.home.logged("model_ready"))


def _model_round(unit: HungUnit, name: str) -> None:
    house, home = unit.house, unit.house.home
    unit.begin(name)
    before, known = unit.hangs(), unit.found("model")
    unit.hang("model")
    began = time.monotonic()
    home.play(FALL)
    hung_at = unit.hangs_since(before)
    pulls = house.rng.random() < 0.5
    threading.Event().wait(house.rng.uniform(0, min(4.0, unit.pace.limits["model"])))
    if pulls:
        house.pull(CORD)
    fall = Pull(at=began)
    raised = eventually(lambda: house.heard.since(began, EventType.CALL_RAISED, "wearable"), 40)[0]
    warned = house.lights.first(began, Light.PRE_ALARM) or raised.at
    fall.at, fall.arrived_at = min(raised.at, warned + 1.0), raised.at
    unit.ledger.pulls.append(fall)
    if raised.call is None or raised.call.assessment is None or raised.call.assessment.verdict != "unverified":
        unit.complain(f"the fall was not unverified: {raised.event.model_dump_json()}")
    unit.wait_found("model", known)
    _told_and_restored(unit, Fault.MODEL_FAILING, hung_at)
    unit.mended(hung_at)
    unit.pinged_all_the_while(hung_at)
    unit.end()


def disk(ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace = REAL) -> str:
    """Let every write to the outbox wait: the call goes out from memory, also one that came while no path was there."""
    findings = Findings()

    def play(own: Ledger, rounds: Iterator[int], chance: random.Random, place: Path) -> None:
        house = TrialHouse(place, chance)
        real = RealDisk(house.directory / "state")
        if not real.mount():
            raise OSError("a disk of its own (ext4 in a file, by a loop device) can only be mounted as root")
        try:
            with looked_after(house, (), pace, findings, own) as unit:
                for number in rounds:
                    try:
                        _disk_round(unit, real, f"hung-disk {number}")
                    finally:
                        real.go_on()  # nothing in this process can be ended while it waits for the disk
        finally:
            real.unmount()

    side_by_side(ledger, times, rng, work, play, homes=pace.homes, each=pace.each)
    return findings.note("told as storage.failing; in half of the rounds the call was in memory only")


def _disk_round(unit: HungUnit, real: RealDisk, name: str) -> None:
    house, rng, limit = unit.house, unit.house.rng, unit.pace.limits["storage"]
    unit.begin(name)
    away, known = rng.random() < 0.5, unit.found("storage")
    if away:
        house.brokers[0].stop()
        eventually(lambda: house.lights.now is Light.LINE_DOWN)
    real.hang()
    threading.Event().wait(rng.uniform(0, limit / 2))
    pull = house.pull(CORD)
    hung_at = pull.at  # the disk is asked for nothing before
    back = rng.uniform(0, 2 * limit)
    if away:
        threading.Event().wait(back)
        house.brokers[0].start()
        pull.path_at = time.monotonic()
    unit.wait_found("storage", known)
    threading.Event().wait(rng.uniform(0, limit / 2))
    real.go_on()
    _told_and_restored(unit, Fault.STORAGE_FAILING, hung_at)
    unit.mended(hung_at)
    unit.pinged_all_the_while(hung_at)
    unit.end()


def resolver(ledger: Ledger, times: int, rng: random.Random, work: Path, pace: Pace = REAL) -> str:
    """Let the look-up of the broker's name never return: another attempt connects, or another path carries the call."""
    findings, waited = Findings(), {1: [0.0], 2: [0.0]}

    def play(own: Ledger, rounds: Iterator[int], chance: random.Random, place: Path) -> None:
        alone = int(place.name.split("-")[1]) % 2 == 1
        paths = ({"host": "localhost"},) if alone else ({"host": "localhost"}, {})
        with looked_after(TrialHouse(place, chance, *paths), ("resolver",), pace, findings, own) as unit:
            for number in rounds:
                _resolver_round(unit, f"hung-resolver {number}")
                waited[len(paths)] += [pull.delay_s or 0.0 for _, pull in unit.house.pulls]

    side_by_side(ledger, times, rng, work, play, homes=pace.homes, each=pace.each)
    return findings.note(
        f"told as uplink.lost; a call waited {max(waited[2]):.2f} s at most where there were two paths "
        f"({len(waited[2]) - 1} rounds), and where the only path hung, from when names could be looked up "
        f"again: {max(waited[1]):.1f} s at most ({len(waited[1]) - 1} rounds)"
    )


def _resolver_round(unit: HungUnit, name: str) -> None:
    house, rng, worker = unit.house, unit.house.rng, "uplink:primary"
    unit.begin(name)
    limit, alone = unit.pace.limits["uplink"], len(house.brokers) == 1
    before, known, ups = unit.hangs(), unit.found(worker), _ups(unit)
    unit.hang("resolver")
    lost_at = time.monotonic()
    house.brokers[0].restart()
    hung_at = unit.hangs_since(before)
    threading.Event().wait(rng.uniform(0, limit / 4))
    pull = house.pull(CORD)
    threading.Event().wait(rng.uniform(0, limit / 2))
    unit.release_the_rest("resolver")  # the name can be looked up again; who hangs hangs
    if alone:
        pull.path_at = time.monotonic()
    eventually(lambda: _ups(unit) > ups, limit + 30)
    away_s = time.monotonic() - lost_at
    unit.wait_found(worker, known)
    unit.mended(hung_at)
    if rng.random() < 0.5:  # the abandoned look-up returns after all
        (house.directory / "let-go").touch()
    unit.pinged_all_the_while(hung_at)
    if unit.pace.is_real and away_s > LINE_LOST_AFTER_S + 2.0:
        _told_and_restored(
            unit, Fault.UPLINK_LOST, lost_at
        )  # it may have been told while the next attempt was waited for
    unit.end()
    (house.directory / "let-go").unlink(missing_ok=True)


def _ups(unit: HungUnit) -> int:
    return sum(line["path"] == "primary" for line in unit.house.home.logged("path_up"))


def _told_and_restored(unit: HungUnit, fault: Fault, since: float) -> None:
    """Wait until the centre was told of the fault, and of its end."""
    for kind in (EventType.TECH_FAULT, EventType.TECH_RESTORED):
        eventually(
            lambda kind=kind: any(  # type: ignore[misc]  # because mypy has no type for a bound loop variable
                getattr(arrival.event.data, "fault", None) == fault for arrival in unit.house.heard.since(since, kind)
            ),
            40,
        )
