"""Acknowledgements, escalation, and the light that never promises more than is true."""

from __future__ import annotations

import pytest

from agent.call_table import ENDED, OPEN, TRANSITIONS, Phase, Signal
from agent.effects import Light, Sounder
from tests.home_bench import HomeBench


def call_of(home: HomeBench) -> str:
    """Return the id of the one call."""
    (call_id,) = {event["data"]["call_id"] for event in home.seen("call.raised")}
    return str(call_id)


def test_the_light_goes_from_sending_to_received_to_coming() -> None:
    home = HomeBench()
    home.acks = False
    assert home.light is Light.READY
    home.pull()
    assert home.light is Light.SENDING
    home.ack("received", event_ids=[event["id"] for event in home.centre])
    assert home.light is Light.RECEIVED
    home.ack("accepted", call_id=call_of(home))
    assert home.light is Light.COMING
    home.ack("closed", call_id=call_of(home))
    assert home.light is Light.READY
    (closed,) = home.seen("call.closed")
    assert closed["data"]["outcome"] == "closed_by_centre"


def test_sending_is_not_shown_before_anybody_has_the_call() -> None:
    home = HomeBench()
    home.auto = False
    home.pull()
    assert home.light is Light.READY
    home.write()
    assert home.light is Light.SENDING


def test_between_pre_alarm_and_sending_the_light_does_not_say_ready() -> None:
    home = HomeBench(pre_alarm_s=5.0)
    home.trigger("t1")
    home.assess("t1")
    home.auto = False
    home.advance(5.1)
    assert not [call for call in home.state.calls.under_way() if call.phase is Phase.PRE_ALARM]
    assert home.light is Light.PRE_ALARM
    home.write()
    assert [show.light for show in home.lights][-2:] == [Light.PRE_ALARM, Light.SENDING]


def test_a_puback_is_enough_for_sending_while_the_disk_is_slow() -> None:
    home = HomeBench()
    home.auto = home.acks = False
    home.pull()
    home.answer_broker()
    assert home.light is Light.SENDING


def test_line_down_is_shown_at_once_without_a_path_and_the_sounder_only_with_a_call() -> None:
    home = HomeBench()
    home.cut()
    assert (home.light, home.lights[-1].sounder) == (Light.LINE_DOWN, Sounder.SILENT)
    home.pull()
    assert (home.light, home.lights[-1].sounder) == (Light.LINE_DOWN, Sounder.LINE_DOWN)


def test_line_down_is_shown_when_received_is_a_minute_overdue() -> None:
    home = HomeBench()
    home.acks = False
    home.pull()
    home.advance(58.0)
    assert home.light is Light.SENDING
    home.advance(3.0)
    assert home.light is Light.LINE_DOWN
    home.ack("received", event_ids=[event["id"] for event in home.centre])
    assert home.light is Light.RECEIVED


def test_the_least_advanced_open_call_is_shown() -> None:
    home = HomeBench()
    home.pull("bathroom-cord")
    home.ack("accepted", call_id=call_of(home))
    assert home.light is Light.COMING
    home.acks = False
    home.pull("bedroom-button")
    assert home.light is Light.SENDING


def test_a_call_that_is_not_safe_yet_leaves_the_light_to_those_that_are() -> None:
    home = HomeBench()
    home.pull()
    assert home.light is Light.RECEIVED
    first, before = call_of(home), len(home.lights)
    home.auto = False
    home.pull("bedroom-button")
    assert {show.light for show in home.lights[before:]} <= {Light.RECEIVED}, "ready would deny the open call"
    home.ack("closed", call_id=first)
    assert home.light is Light.READY
    home.write()
    assert home.light is Light.SENDING


def test_without_accepted_the_call_is_escalated_every_three_minutes() -> None:
    home = HomeBench()
    home.pull()
    home.advance(179.0)
    assert not home.seen("call.escalated")
    home.advance(2.0)
    home.advance(180.0)
    assert [event["data"]["escalation"] for event in home.seen("call.escalated")] == [1, 2]
    home.ack("accepted", call_id=call_of(home))
    home.advance(600.0)
    assert len(home.seen("call.escalated")) == 2


def test_escalation_goes_on_after_a_restart() -> None:
    home = HomeBench()
    home.pull()
    home.advance(100.0)
    home.crash()
    home.advance(81.0)
    assert len(home.seen("call.escalated")) == 1


def test_an_accepted_call_that_is_never_closed_ends_after_a_day() -> None:
    home = HomeBench()
    home.pull()
    home.ack("accepted", call_id=call_of(home))
    home.clock.advance(24 * 3600.0)
    home.advance(1.0)
    assert home.seen("call.closed")[0]["data"]["outcome"] == "no_close_from_centre"
    assert not [key for key in home.disk.notes if key.startswith("call:")]


def test_an_open_call_and_what_the_light_shows_survive_a_restart() -> None:
    home = HomeBench()
    home.pull()
    home.ack("accepted", call_id=call_of(home))
    home.crash()
    home.levels()
    assert home.light is Light.COMING


def test_a_call_that_was_received_as_the_power_went_is_not_shown_as_sending_for_ever() -> None:
    home = HomeBench()
    home.acks = False
    home.pull()
    note = dict(home.disk.notes)
    home.ack("received", event_ids=[event["id"] for event in home.centre])
    home.disk.notes = note  # the events are forgotten, the note of it did not make it
    home.crash()
    assert home.light is Light.RECEIVED


@pytest.mark.parametrize("ack", ["accepted", "closed"])
def test_an_ack_for_an_unknown_call_changes_nothing(ack: str) -> None:
    home = HomeBench()
    home.ack(ack, call_id="nobody")
    assert any(log.event == "ack_for_unknown_call" for log in home.logs)
    assert home.light is Light.READY


def test_a_note_that_can_not_be_read_does_not_keep_the_unit_from_starting() -> None:
    home = HomeBench()
    home.pull()
    home.disk.notes["call:broken"] = '{"phase": "floating"}'
    home.crash()
    assert any(log.event == "call_note_unreadable" for log in home.logs)
    assert home.light is Light.RECEIVED


def test_nothing_withdraws_a_call_that_was_raised() -> None:
    for (phase, _), target in TRANSITIONS.items():
        assert phase not in ENDED
        if phase in OPEN:
            assert target in OPEN or target is Phase.CLOSED


def test_every_phase_that_is_not_ended_can_end_and_every_signal_is_used() -> None:
    assert {signal for _, signal in TRANSITIONS} == set(Signal)
    for phase in set(Phase) - ENDED:
        reached, frontier = {phase}, {phase}
        while frontier:
            frontier = {to for (origin, _), to in TRANSITIONS.items() if origin in frontier} - reached
            reached |= frontier
        assert reached & ENDED
