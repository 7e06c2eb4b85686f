"""A person's call: never delayed, weighed or stopped."""

from __future__ import annotations

import pytest

from agent.assessment import Verdict
from agent.call_table import Phase
from agent.effects import Light, Publish, StoreEvent
from agent.readings import Edge, Tick
from tests.home_bench import SETTLED_S, HomeBench


def test_a_pull_is_published_and_stored_side_by_side_in_the_step_in_which_it_settles() -> None:
    home = HomeBench(auto=False)
    home.connect()
    home.unanswered.clear()
    home.switch("bathroom-cord", pulled=True)
    home.clock.advance(SETTLED_S)
    home.step(Tick())
    assert [publish.topic.rsplit("/", 1)[1] for publish in home.unanswered if publish.token] == ["call"]
    assert any(isinstance(effect, StoreEvent) and effect.event.is_call for effect in home.disk.waiting)


def test_the_event_says_who_where_and_which() -> None:
    home = HomeBench()
    home.pull()
    (event,) = home.seen("call.raised")
    assert event["subject"] == "bathroom-cord"
    assert event["data"]["trigger"] == {
        "kind": "manual",
        "type": "pull_cord",
        "sensor": "bathroom-cord",
        "room": "bathroom",
    }
    assert event["data"]["repeat"] == 0
    assert event["data"]["assessment"] is None


def test_every_pull_is_heard_and_one_call_until_somebody_accepts() -> None:
    home = HomeBench()
    for _ in range(3):
        home.pull()
    raised = home.seen("call.raised")
    assert [event["data"]["repeat"] for event in raised] == [0, 1, 2]
    assert len({event["data"]["call_id"] for event in raised}) == 1
    home.ack("accepted", call_id=raised[0]["data"]["call_id"])
    home.pull()
    assert home.seen("call.raised")[-1]["data"]["call_id"] != raised[0]["data"]["call_id"]


def test_a_pull_half_an_hour_after_the_first_is_a_new_call() -> None:
    home = HomeBench()
    home.pull()
    home.advance(30 * 60 + 1)
    home.pull()
    assert len({event["data"]["call_id"] for event in home.seen("call.raised")}) == 2


def test_a_cord_that_is_pulled_at_start_is_a_call() -> None:
    home = HomeBench(settled=False)
    home.levels(bathroom_cord=True)
    home.advance(1.0)
    assert len(home.seen("call.raised")) == 1


def test_a_cord_that_is_still_pulled_after_a_restart_belongs_to_its_call() -> None:
    home = HomeBench()
    home.switch("bathroom-cord", pulled=True)
    home.advance(1.0)
    home.crash()
    home.levels(bathroom_cord=True)
    home.advance(1.0)
    assert len(home.seen("call.raised")) == 1


def test_a_cord_that_was_let_go_before_a_restart_calls_again_in_the_same_call() -> None:
    home = HomeBench()
    home.pull()
    home.crash()
    home.levels(bathroom_cord=True)
    home.advance(1.0)
    assert [event["data"]["repeat"] for event in home.seen("call.raised")] == [0, 1]


def test_a_cord_that_was_let_go_while_the_unit_was_off_calls_again_at_the_next_start() -> None:
    home = HomeBench()
    home.switch("bathroom-cord", pulled=True)
    home.advance(1.0)
    home.crash()
    home.levels(bathroom_cord=False)
    home.advance(1.0)
    home.crash()
    home.levels(bathroom_cord=True)
    home.advance(1.0)
    assert [event["data"]["repeat"] for event in home.seen("call.raised")] == [0, 1]


def test_a_lost_edge_is_found_by_the_level() -> None:
    home = HomeBench()
    home.levels(bathroom_cord=True)
    home.advance(SETTLED_S)
    assert len(home.seen("call.raised")) == 1


def test_a_stuck_contact_is_one_call_and_one_fault_and_its_release_restores_it() -> None:
    home = HomeBench()
    home.switch("bathroom-cord", pulled=True)
    for _ in range(700):
        home.advance(1.0)
        home.levels(bathroom_cord=True)
    assert len(home.seen("call.raised")) == 1
    assert home.faults("tech.fault", "bathroom-cord") == ["contact.stuck"]
    home.switch("bathroom-cord", pulled=False)
    home.advance(1.0)
    assert home.faults("tech.restored", "bathroom-cord") == ["contact.stuck"]


def test_a_worn_switch_that_fires_all_the_time_is_no_storm() -> None:
    home = HomeBench()
    home.advance(1.0)
    for _ in range(2000):  # ten a second for 200 s
        home.switch("bathroom-cord", pulled=True)
        home.advance(SETTLED_S)
        home.switch("bathroom-cord", pulled=False)
        home.advance(SETTLED_S)
    raised = home.seen("call.raised")
    assert 300 < len(raised) < 330
    assert home.faults("tech.fault", "bathroom-cord").count("contact.stuck") == 1


def test_a_contact_that_never_settles_calls_after_a_second() -> None:
    home = HomeBench()
    at = home.clock.now().mono
    closed = True
    while home.clock.now().mono - at < 1.1:
        closed = not closed
        home.step(Edge("bathroom-cord", closed, home.clock.now().mono))
        home.clock.advance(0.01)
    assert len(home.seen("call.raised")) == 1


def test_a_bounce_is_no_pull() -> None:
    home = HomeBench()
    home.switch("bathroom-cord", pulled=True)
    home.advance(SETTLED_S / 2)
    home.switch("bathroom-cord", pulled=False)
    home.advance(1.0)
    assert not home.seen("call.raised")


def test_a_call_button_ends_a_pre_alarm_by_raising_it_after_its_own_call() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.assess("t1", Verdict.CONFIRMED)
    assert home.light is Light.PRE_ALARM
    home.pull("bedroom-button")
    assert [event["subject"] for event in home.seen("call.raised")] == ["bedroom-button", "wearable"]


def test_the_reset_button_cancels_no_call() -> None:
    home = HomeBench()
    home.pull()
    home.pull("reset-button")
    assert not home.seen("call.cancelled")
    assert home.light is Light.RECEIVED


def test_an_unknown_sensor_is_nobodys_call() -> None:
    home = HomeBench()
    home.step(Edge("ghost", closed=True, at=home.clock.now().mono))
    home.advance(1.0)
    assert not [effect for effect in home.other if isinstance(effect, Publish)]
    assert not home.seen("call.raised")


@pytest.mark.parametrize("written", range(4))
def test_a_power_cut_between_two_writes_leaves_no_call_that_looks_received(written: int) -> None:
    home = HomeBench()
    home.cut()
    home.auto = False
    home.switch("bathroom-cord", pulled=True)
    home.advance(SETTLED_S)
    del home.disk.waiting[written:]
    home.write()
    home.crash()
    assert not [call for call in home.state.calls.under_way() if call.phase is Phase.RECEIVED]
