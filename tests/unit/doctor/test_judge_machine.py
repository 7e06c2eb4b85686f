"""What is said of clock, power, watchdog and temperature."""

from __future__ import annotations

import pytest

from agent.clock import Now
from agent.doctor import clock, power, temperature, watchdog
from agent.doctor.finding import Verdict
from agent.doctor.watchdog import Watchdog
from tests.unit.doctor.cases import only

WALL = 1_780_000_000.0


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (Now(1, WALL, synced=True), Verdict.OK),
        (Now(1, WALL, synced=False), Verdict.WARN),
        (Now(1, 0.0, synced=False), Verdict.FAIL),
        (Now(1, 1e30, synced=False), Verdict.FAIL),
    ],
)
def test_clock(now: Now, verdict: Verdict) -> None:
    assert only(clock.judge(now)).verdict is verdict
    assert only(clock.judge(now, told=now.synced)).verdict is verdict


def test_a_clock_that_the_unit_does_not_know_to_be_right() -> None:
    found = only(clock.judge(Now(1, WALL, synced=True), told=False))
    assert found.verdict is Verdict.WARN
    assert found.next_step is not None
    assert "nodkald-clock" in found.next_step.en


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [(None, Verdict.SKIPPED), (0, Verdict.OK), (0x50005, Verdict.FAIL), (0x10000, Verdict.WARN), (0x4, Verdict.WARN)]
    + [(1 << bit, Verdict.WARN) for bit in (1, 2, 3, 17, 18, 19)],
)
def test_power(flags: int | None, verdict: Verdict) -> None:
    assert only(power.judge(flags)).verdict is verdict


@pytest.mark.parametrize(
    ("found", "simulated", "verdict"),
    [
        (Watchdog("bcm", armed=True), False, Verdict.OK),
        (Watchdog("bcm", armed=False), False, Verdict.WARN),
        (None, False, Verdict.WARN),
        (None, True, Verdict.SKIPPED),
        (Watchdog("bcm", armed=False), True, Verdict.SKIPPED),
    ],
)
def test_watchdog(found: Watchdog | None, *, simulated: bool, verdict: Verdict) -> None:
    assert only(watchdog.judge(found, simulated=simulated)).verdict is verdict


@pytest.mark.parametrize(
    ("degrees", "verdict"),
    [(None, Verdict.SKIPPED), (69.9, Verdict.OK), (70.0, Verdict.WARN), (80.0, Verdict.FAIL)],
)
def test_temperature(degrees: float | None, verdict: Verdict) -> None:
    assert only(temperature.judge(degrees)).verdict is verdict
