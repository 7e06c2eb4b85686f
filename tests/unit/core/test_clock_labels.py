"""How events are labelled while the clock is wrong, and how they are stamped again, once, when it is right."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.home_bench import HomeBench

NOON = 1_795_262_400.0  # 2026-11-21T12:00Z
BEYOND = {
    0.0: "1970-01-01T00:00:00.",
    2.0**31 - 1: "2038-01-19T03:14:07.",
    2.0**31: "2038-01-19T03:14:08.",
    2.0**32 + 5: "2106-02-07T06:28:21.",
    -86_400.0: "1970-01-01T00:00:00.",
    1e15: "9999-12-31T23:59:59.",
}


@pytest.mark.parametrize("wall", BEYOND)
def test_a_call_at_any_hour_of_history_is_a_valid_event(wall: float) -> None:
    home = HomeBench()
    home.clock.set_wall(wall, synced=False)
    home.pull(held_s=0.06)
    (event,) = home.seen("call.raised")
    assert str(event["time"])[:17] == BEYOND[wall][:17]
    assert event["data"]["clock_synced"] is False
    datetime.fromisoformat(event["time"])


def late_copies(home: HomeBench) -> list[str | None]:
    copies = [event for event in home.centre if event["type"].endswith("call.raised")]
    return [copy["data"]["delivery"]["corrected_time"] for copy in copies]


def test_it_is_stamped_again_once_and_the_same_in_every_copy() -> None:
    home = HomeBench()
    home.clock.set_wall(0.0, synced=False)
    home.crash()  # a boot that has never known the time
    home.levels()
    home.acks = False
    home.pull()
    home.advance(14.0)
    home.clock.set_wall(NOON, synced=True)
    home.advance(200.0)
    home.clock.set_wall(NOON + 4e7, synced=True)  # a technician, or a wrong time server
    home.advance(400.0)
    home.clock.set_wall(0.0, synced=False)
    home.advance(500.0)
    times = late_copies(home)
    assert times[0] is None
    assert len(times) > 5
    (corrected,) = set(times[1:])
    assert corrected is not None
    pulled_ago = 14.0 + 0.5 + 0.1  # the pull's own hold and debounce
    assert NOON - pulled_ago - 0.2 < datetime.fromisoformat(corrected).timestamp() < NOON - 13.9
    bodies = {json.dumps({**e, "data": {**e["data"], "delivery": None}}) for e in home.seen("call.raised")}
    assert len(bodies) == 1, "the body never changes"


def test_what_was_stamped_right_is_not_stamped_again() -> None:
    home = HomeBench()
    home.acks = False
    home.pull()
    home.clock.set_wall(NOON + 4e7, synced=True)
    home.advance(100.0)
    assert set(late_copies(home)) == {None}


def test_an_event_of_an_earlier_boot_can_not_be_corrected_and_is_late() -> None:
    home = HomeBench()
    home.cut()
    home.clock.set_wall(0.0, synced=False)
    home.pull()
    home.crash()
    home.levels()
    home.clock.set_wall(NOON, synced=True)
    home.connect()
    (event,) = [e for e in home.seen("call.raised") if e["data"]["boot_id"] == "boot-1"]
    delivery = event["data"]["delivery"]
    assert (delivery["late"], delivery["age_ms"], delivery["corrected_time"]) == (True, None, None)


def test_order_holds_while_the_clock_goes_back() -> None:
    home = HomeBench()
    for wall in (NOON, 0.0, 2.0**31, 1000.0):
        home.clock.set_wall(wall, synced=False)
        home.pull()
        home.advance(1.0)
    raised = home.seen("call.raised")
    assert [event["data"]["repeat"] for event in raised] == [0, 1, 2, 3]
    assert [event["sequence"] for event in raised] == sorted(event["sequence"] for event in raised)


def test_a_clock_that_is_never_synchronised_is_told_after_ten_minutes_and_its_end_once() -> None:
    home = HomeBench()
    home.clock.set_wall(0.0, synced=False)
    home.advance(590.0)
    assert home.faults("tech.fault", None) == []
    home.advance(30.0)
    assert home.faults("tech.fault", None) == ["clock.unsynced"]
    home.clock.set_wall(NOON, synced=True)
    home.advance(2.0)
    assert home.faults("tech.restored", None) == ["clock.unsynced"]


def test_a_restart_of_the_machine_with_a_clock_of_1970_does_not_age_a_call() -> None:
    home = HomeBench()
    home.pull()
    home.machine_boot = "machine-boot-2"
    home.clock.set_wall(0.0, synced=False)
    home.crash()
    home.levels()
    home.pull()
    repeats = [event["data"]["repeat"] for event in home.seen("call.raised")]
    assert repeats == [0, 1], "the second pull belongs to the call, as nobody can say how long the unit was off"
