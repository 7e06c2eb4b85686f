"""When a call event goes out, on which path, until the centre has it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from agent.effects import Light
from agent.uplink import call_lane, paths
from tests.home_bench import HomeBench

TWO = ("primary", "secondary")


def sent(home: HomeBench) -> list[tuple[float, str]]:
    """Return (seconds since the first copy, path) of every copy of the call that the centre got."""
    copies = [event for event in home.centre if event["type"].endswith("call.raised")]
    ages = [event["data"]["delivery"]["age_ms"] / 1000 for event in copies]
    return [(round(age), event["data"]["delivery"]["path"]) for age, event in zip(ages, copies, strict=True)]


def test_without_received_it_goes_round_the_other_paths_and_then_ever_more_seldom() -> None:
    home = HomeBench(TWO)
    home.acks = False
    home.pull()
    home.advance(1300.0)
    assert sent(home)[:2] == [(0, "primary"), (15, "secondary")]
    assert [at for at, _ in sent(home)] == [0, 15, 45, 105, 225, 465, 945]


def test_the_wait_never_exceeds_ten_minutes() -> None:
    home = HomeBench()
    home.acks = False
    home.pull()
    home.advance(2 * 3600.0)
    times = [at for at, _ in sent(home)]
    assert max(later - earlier for earlier, later in pairwise(times)) == 600


def test_with_one_path_the_round_is_that_path_again() -> None:
    home = HomeBench()
    home.acks = False
    home.pull()
    home.advance(20.0)
    assert sent(home) == [(0, "primary"), (15, "primary")]


def test_attempts_are_counted_and_what_is_late_is_marked() -> None:
    home = HomeBench()
    home.acks = False
    home.pull()
    home.advance(500.0)
    copies = [event["data"]["delivery"] for event in home.centre if event["type"].endswith("call.raised")]
    assert [copy["attempt"] for copy in copies] == list(range(1, len(copies) + 1))
    assert [copy["late"] for copy in copies] == [copy["age_ms"] > 300_000 for copy in copies]
    assert copies[-1]["late"]


def test_a_path_that_comes_back_gets_every_waiting_call_at_once_in_order() -> None:
    home = HomeBench()
    home.cut()
    for _ in range(20):
        home.pull()
    assert not home.seen("call.raised")
    home.connect()
    raised = [event for event in home.centre if event["type"].endswith("call.raised")]
    assert [event["data"]["repeat"] for event in raised] == list(range(20))


def test_calls_go_before_technical_events_when_the_line_comes_back() -> None:
    home = HomeBench()
    home.cut()
    home.fail_disk()
    home.mend_disk()
    home.pull()
    home.connect()
    kinds = [event["type"].split(".")[2] for event in home.centre]
    assert kinds[0] == "call"
    assert "tech" in kinds


def test_a_path_without_received_is_doubted_and_the_next_call_takes_the_other() -> None:
    home = HomeBench(TWO)
    home.acks = False
    home.pull()
    home.advance(20.0)
    home.centre.clear()
    home.pull("bedroom-button")
    (first, *_) = [event for event in home.centre if event["subject"] == "bedroom-button"]
    assert first["data"]["delivery"]["path"] == "secondary"


def test_an_acknowledgement_counts_on_either_path() -> None:
    home = HomeBench(TWO)
    home.acks = False
    home.pull()
    home.ack("received", event_ids=[event["id"] for event in home.centre], path="secondary")
    assert home.light is Light.RECEIVED
    assert not len(home.state.delivery.calls)


def test_when_a_path_is_lost_the_call_in_flight_takes_the_other_at_once() -> None:
    home = HomeBench(TWO)
    home.auto = False
    home.pull()
    assert [event["data"]["delivery"]["path"] for event in home.centre][-1] == "primary"
    home.cut("primary")
    assert [event["data"]["delivery"]["path"] for event in home.centre][-1] == "secondary"


def test_no_puback_for_five_seconds_while_a_call_waits_closes_the_connection() -> None:
    home = HomeBench(TWO)
    home.puback_code = None
    home.acks = False
    home.pull()
    home.advance(4.0)
    assert sent(home) == [(0, "primary")]
    home.advance(1.2)
    assert sent(home)[:2] == [(0, "primary"), (5, "secondary")]


def test_while_a_call_waits_reconnecting_is_never_more_than_five_seconds_away() -> None:
    for attempts in range(20):
        assert paths.backoff(attempts, call_waits=True, fraction=0.999) <= 5.0
    assert paths.backoff(20, call_waits=False, fraction=0.999) == pytest.approx(60.0, rel=0.01)
    assert paths.backoff(20, call_waits=False, fraction=0.0) == 0.0, "full jitter"


def test_a_preferred_path_takes_over_again_only_after_it_held_for_a_while() -> None:
    home = HomeBench(TWO)
    home.cut("primary")
    assert home.state.delivery.active == "secondary"
    home.connect("primary")
    assert home.state.delivery.active == "secondary"
    home.advance(paths.STEADY_AFTER_S + 2.0)
    assert home.state.delivery.active == "primary"


def test_what_may_be_breaking_the_line_is_left_to_its_timetable() -> None:
    lane = call_lane.CallLane()
    home = HomeBench()
    home.acks = False
    home.puback_code = None
    home.pull()
    (event_id,) = home.state.delivery.calls.entries
    for _ in range(call_lane.SUSPECT_AFTER_DROPS):
        home.cut()
        home.connect()
        home.advance(0.1)
    assert event_id not in call_lane.sendable_on_return(home.state.delivery.calls)
    before = len(home.centre)
    home.cut()
    home.connect()
    assert len(home.centre) == before
    home.advance(40.0)
    assert len(home.centre) > before
    assert not call_lane.sendable_on_return(lane)


def test_corrected_time_is_told_once_the_clock_is_known() -> None:
    home = HomeBench()
    home.cut()
    home.clock.set_wall(10.0, synced=False)
    home.pull()
    home.clock.set_wall(1_790_000_000.0, synced=True)
    home.connect()
    (event,) = home.seen("call.raised")
    assert event["time"].startswith("1970-01-01")
    assert event["data"]["clock_synced"] is False
    assert event["data"]["delivery"]["corrected_time"].startswith("2026-09-21")
