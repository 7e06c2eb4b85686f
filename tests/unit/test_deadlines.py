"""A worker that hangs is found once, mended a few times, and only the pins cost the watchdog's ping."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agent import workers
from agent.deadlines import Hung, Limits, Watch, look
from agent.workers import MENDS, PING_EVERY_S, Worker, Workers

LIMITS = Limits({"storage": 10.0, "pins": 5.0, "uplink": 45.0})


def test_a_worker_that_waits_is_never_late() -> None:
    assert look(Watch(), {"storage": None}, 1e9, LIMITS) == (Watch(), (), ())


def test_one_that_is_busy_for_too_long_is_found_once_and_its_return_is_told() -> None:
    watch, found, _ = look(Watch(), {"storage": 100.0}, 109.9, LIMITS)
    assert not found
    watch, found, _ = look(watch, {"storage": 100.0}, 110.0, LIMITS)
    assert found == (Hung("storage", 10.0),)
    watch, found, well = look(watch, {"storage": 100.0}, 200.0, LIMITS)
    assert not found
    assert not well
    watch, found, well = look(watch, {"storage": 199.0}, 201.0, LIMITS)
    assert (found, well) == ((), ("storage",))


def test_one_that_hangs_again_is_found_again() -> None:
    watch, _, _ = look(Watch(), {"uplink:primary": 0.0}, 50.0, LIMITS)
    _, found, _ = look(watch, {"uplink:primary": 50.0}, 100.0, LIMITS)
    assert found == (Hung("uplink:primary", 50.0),)


def test_only_the_pins_withhold_the_ping() -> None:
    assert look(Watch(), {"storage": 0.0, "pins": None}, 50.0, LIMITS)[0].may_ping
    assert not look(Watch(), {"pins": 0.0}, 50.0, LIMITS)[0].may_ping


@pytest.fixture
def pings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what systemd is told."""
    told: list[str] = []
    monkeypatch.setattr(workers, "notify", told.append)
    return told


def test_systemd_is_pinged_while_the_pins_work_and_no_longer(pings: list[str]) -> None:
    busy: list[float | None] = [None]
    looked_after = Workers()
    looked_after.add("pins", Worker(lambda: busy[0], mend=lambda _: None))
    for second in range(100, 131):
        looked_after.look(float(second))
    assert pings == ["WATCHDOG=1"] * (30 // int(PING_EVERY_S) + 1)
    busy[0] = 131.0
    pings.clear()
    for second in range(131, 200):
        looked_after.look(float(second))
    assert len(pings) <= 1


def test_a_worker_is_mended_a_few_times_and_then_left(pings: list[str]) -> None:
    mended: list[float] = []
    since = [0.0]
    looked_after = Workers()
    looked_after.add("storage", Worker(lambda: since[0], mended.append))
    for round_number in range(10):
        since[0] = 1000.0 * (round_number + 1)
        looked_after.look(since[0] + 20.0)
    assert mended == [20.0] * MENDS
    assert pings, "a disk that hangs is no reason to restart"


def test_what_works_again_is_told(pings: list[str]) -> None:
    since: list[float | None] = [0.0]
    well: list[str] = []
    looked_after = Workers()
    looked_after.add("storage", Worker(lambda: since[0], lambda _: None, lambda: well.append("well")))
    looked_after.look(20.0)
    since[0] = None
    looked_after.look(30.0)
    assert well == ["well"]


def test_two_that_are_added_at_once_are_both_looked_after() -> None:
    looked_after = Workers()
    idle = Worker(lambda: None, mend=lambda _: None)
    other = threading.Thread(target=looked_after.add, args=("other", idle))

    class Copied(dict[str, Worker]):
        """While it is copied, another thread has time to add one of its own, unless it is kept waiting."""

        def __iter__(self) -> Iterator[str]:
            return iter(list(super().keys()))

        def keys(self) -> Any:
            if other.ident is None:
                other.start()
                other.join(0.2)
            return list(super().keys())

    looked_after._workers = Copied(first=idle)
    looked_after.add("second", idle)
    other.join(5)
    assert set(looked_after._workers) == {"first", "second", "other"}
