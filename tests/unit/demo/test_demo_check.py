"""The demo's judgement: an evening as the script wants it is right, and every single thing that goes wrong is seen."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from agent.effects import Light
from agent.simulator.demo_check import Tape, judge
from agent.simulator.demo_script import SCENES, Arrive, expectations, pre_alarms

CORD = {"kind": "manual", "type": "pull_cord", "sensor": "bathroom-cord", "room": "bathroom"}
FALL = {"kind": "automatic", "type": "fall", "sensor": "wearable", "room": "on_person"}
CONFIRMED = {"assessment": {"verdict": "confirmed"}, "pre_alarm": {"seconds": 3, "cancelled": False}}
EVENING: list[tuple[str, dict[str, Any]]] = [
    ("call.raised", {"trigger": CORD, "repeat": 0}),
    ("call.closed", {"trigger": CORD, "repeat": 0}),
    ("audit.suppressed", {"trigger": FALL, "assessment": {"verdict": "false_alarm"}}),
    ("call.cancelled", {"trigger": FALL, **CONFIRMED, "pre_alarm": {"seconds": 3, "cancelled": True}}),
    ("call.raised", {"trigger": FALL, **CONFIRMED}),
    ("call.closed", {"trigger": FALL, **CONFIRMED}),
    ("call.raised", {"trigger": CORD, "repeat": 0}),
    ("call.closed", {"trigger": CORD, "repeat": 0}),
    ("tech.fault", {"fault": "sensor.silent", "sensor": "wearable"}),
    ("tech.restored", {"fault": "sensor.silent", "sensor": "wearable"}),
]


def event(number: int, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    subject = data["trigger"]["sensor"] if "trigger" in data else data["sensor"]
    return {
        "id": f"id-{number}",
        "type": f"dk.nodkald.{kind}",
        "subject": subject,
        "sequence": f"{1:08d}{number:012d}",
        "data": data,
    }


def arrival(body: dict[str, Any], *, duplicate: bool = False) -> list[dict[str, Any]]:
    ack = {"event_id": body["id"], "ack": "received"}
    return [{"event": body, "duplicate": duplicate, "departures": []}, {"ack": ack}]


def evening(events: list[dict[str, Any]] | None = None) -> Tape:
    made = [event(number, kind, data) for number, (kind, data) in enumerate(EVENING, 1)] if events is None else events
    lights = [Light.READY, Light.PRE_ALARM, Light.READY, Light.PRE_ALARM, Light.RECEIVED]
    return Tape([line for body in made for line in arrival(copy.deepcopy(body))], lights)


def verdict(tape: Tape) -> list[str]:
    return judge(tape, expectations(), pre_alarms())


def all_events() -> list[dict[str, Any]]:
    return evening().events()


def test_the_evening_is_the_script() -> None:
    assert len(expectations()) == len(EVENING)
    assert pre_alarms() == 2


def test_an_evening_as_it_should_be_is_right() -> None:
    assert verdict(evening()) == []


def test_an_empty_evening_misses_everything() -> None:
    assert len([fault for fault in verdict(Tape()) if fault.startswith("missing: ")]) == len(EVENING)


@pytest.mark.parametrize("position", range(len(EVENING)))
def test_a_missing_event_is_seen(position: int) -> None:
    events = all_events()
    gone = events.pop(position)
    kind = gone["type"].removeprefix("dk.nodkald.")
    assert f"missing: {kind} of {gone['subject']}" in verdict(evening(events))


@pytest.mark.parametrize("position", range(len(EVENING) - 1))
def test_a_number_that_never_came_is_seen(position: int) -> None:
    events = all_events()
    del events[position]
    assert f"event {position + 1} of boot 1 never came" in verdict(evening(events))


@pytest.mark.parametrize("position", range(len(EVENING)))
def test_the_same_thing_under_a_second_id_is_seen(position: int) -> None:
    events = all_events()
    twin = {**events[position], "id": "id-99", "sequence": f"{1:08d}{11:012d}"}
    kind = twin["type"].removeprefix("dk.nodkald.")
    assert verdict(evening([*events, twin])) == [f"not expected, or doubled: {kind} of {twin['subject']}"]


@pytest.mark.parametrize(("first", "second"), [(0, 1), (3, 4), (1, 4), (8, 9), (2, 8)])
def test_a_wrong_order_in_a_lane_is_seen(first: int, second: int) -> None:
    events = all_events()
    events[first], events[second] = events[second], events[first]
    faults = verdict(evening(events))
    assert any(fault.startswith(("out of order: ", "arrived before an earlier one: ")) for fault in faults)


def test_calls_may_overtake_technical_events() -> None:
    events = all_events()
    assert verdict(evening([*events[:6], events[8], *events[6:8], events[9]])) == []


@pytest.mark.parametrize(
    ("position", "path", "value"),
    [
        (2, "assessment", {"verdict": "confirmed"}),
        (3, "pre_alarm", {"seconds": 3, "cancelled": False}),
        (4, "assessment", {"verdict": "unverified"}),
        (6, "repeat", 1),
        (8, "fault", "sensor.garbled"),
    ],
)
def test_an_event_that_says_something_else_is_not_the_one(position: int, path: str, value: object) -> None:
    events = all_events()
    events[position]["data"][path] = value
    assert any(fault.startswith("missing: ") for fault in verdict(evening(events)))


def test_a_copy_is_no_second_event() -> None:
    tape = evening()
    tape.lines += arrival(all_events()[0], duplicate=True)
    assert verdict(tape) == []


def test_a_copy_that_the_centre_took_for_new_is_seen() -> None:
    tape = evening()
    tape.lines += arrival(all_events()[0])
    assert verdict(tape) == ["the centre took a copy for what it is not: call.raised of bathroom-cord"]


def test_a_first_copy_that_the_centre_took_for_known_is_seen() -> None:
    tape = evening()
    tape.lines[0]["duplicate"] = True
    assert verdict(tape) == ["the centre took a copy for what it is not: call.raised of bathroom-cord"]


def test_a_copy_without_its_received_is_seen() -> None:
    tape = evening()
    del tape.lines[1]
    assert verdict(tape) == ["1 copies but 0 `received` for event id-1"]


def test_what_the_machine_or_the_outage_brings_is_tolerated() -> None:
    more = [
        event(11, "tech.fault", {"fault": "uplink.lost", "sensor": "primary"}),
        event(12, "tech.restored", {"fault": "uplink.lost", "sensor": "primary"}),
        event(13, "call.updated", {"trigger": FALL, **CONFIRMED}),
    ]
    assert verdict(evening([*all_events(), *more])) == []


def test_any_other_fault_is_not() -> None:
    more = event(11, "tech.fault", {"fault": "model.failing", "sensor": "wearable"})
    assert verdict(evening([*all_events(), more])) == ["not expected, or doubled: tech.fault of wearable"]


@pytest.mark.parametrize("lights", [[Light.PRE_ALARM], [Light.PRE_ALARM] * 3, []])
def test_a_pre_alarm_too_few_or_too_many_is_seen(lights: list[Light]) -> None:
    tape = evening()
    tape.lights = lights
    assert verdict(tape) == [f"the light showed {len(lights)} pre-alarms, expected 2"]


def test_a_departure_from_the_contract_is_seen() -> None:
    tape = evening()
    tape.lines[0]["departures"] = ["data.x: extra"]
    tape.lines.append({"malformed": "no JSON"})
    assert verdict(tape) == [
        "call.raised of bathroom-cord departs from the contract: data.x: extra",
        "the centre could not read a message: no JSON",
    ]


def test_heartbeats_and_state_are_not_judged() -> None:
    tape = evening()
    tape.lines.append({"event": {"id": "h", "type": "dk.nodkald.heartbeat", "sequence": None}, "duplicate": False})
    assert verdict(tape) == []


def test_every_scene_but_the_unplugging_ends_in_an_expectation() -> None:
    assert [any(isinstance(act, Arrive) for act in scene.acts) for scene in SCENES].count(False) == 1
