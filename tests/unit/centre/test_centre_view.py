"""What the operator reads: every kind of event in both languages, and what matters about a call in one line."""

from __future__ import annotations

import re

import pytest

from agent.assessment import Advice, Verdict
from agent.events import EventType
from agent.simulator import centre_view as view
from agent.simulator.centre_calls import Call
from agent.simulator.centre_messages import EventSeen, HoleFound, OnlineSeen
from agent.simulator.centre_sequence import Hole
from tests.unit.centre.messages import call

FALL = {
    "trigger": {"kind": "automatic", "type": "fall", "sensor": "wearable", "room": "on_person"},
    "assessment": {
        "verdict": "confirmed",
        "score": 0.97,
        "threshold": 0.62,
        "reasons": ["impact 4.8 g", "lying still 12 s"],
        "advice": "dispatch",
    },
    "pre_alarm": {"seconds": 10, "cancelled": False},
    "delivery": {"attempt": 3, "late": True},
}


def seen(event: dict[str, object], *, duplicate: bool = False, departures: tuple[str, ...] = ()) -> EventSeen:
    return EventSeen(event, "t", "primary", False, duplicate, (), departures)  # noqa: FBT003 - the field order of the note


def test_a_line_begins_with_the_time_of_day() -> None:
    assert re.match(r"\d\d:\d\d:\d\d  CALL", view.line(seen(call(1)), 0.0, "en"))


def test_a_fall_in_english_says_what_was_found_and_what_to_do() -> None:
    text = view.line(seen(call(1, **FALL), duplicate=True, departures=("data.x: extra",)), 0.0, "en")
    assert text.endswith(
        "CALL  call-1  wearable (on the body)  after 10 s of warning  confirmed fall 0.97/0.62: impact 4.8 g, "
        "lying still 12 s  send help  attempt 3  LATE  duplicate  departs from the contract: data.x: extra"
    )


def test_a_fall_in_danish() -> None:
    text = view.line(seen(call(1, **FALL)), 0.0, "da")
    assert "NØDKALD" in text
    assert "bekræftet fald" in text
    assert "send hjælp" in text
    assert "FORSINKET" in text


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (view.EVENTS, EventType),
        (view.VERDICTS, Verdict),
        (view.ADVICE, Advice),
    ],
)
def test_every_word_of_the_contract_has_both_languages(table: dict[str, object], keys: type[EventType]) -> None:
    assert set(table) == set(keys)


def test_an_event_type_of_the_future_is_shown_by_its_name() -> None:
    assert "dk.nodkald.call.moved" in view.line(seen({**call(1), "type": "dk.nodkald.call.moved"}), 0.0, "en")


def test_a_hole_names_its_numbers() -> None:
    assert "event 2-3 of boot boot-1" in view.line(HoleFound(Hole("boot-1", 2, 3)), 0.0, "en")
    assert "event 2 of" in view.line(HoleFound(Hole("boot-1", 2, 2)), 0.0, "en")


def test_a_path_that_goes_is_no_alarm_while_another_carries() -> None:
    gone = {"online": False, "path": "backup"}
    assert "another one carries" in view.line(OnlineSeen(gone, "t", "primary", unit_online=True), 0.0, "en")
    assert "OFFLINE" in view.line(OnlineSeen(gone, "t", "primary", unit_online=False), 0.0, "en")


def test_the_live_list_shows_age_and_phase() -> None:
    text = view.open_call(Call("call-1", 10.0, data=call(1)["data"]), 85.0, "en")
    assert "1:15" in text
    assert "waits for you" in text
    assert "bathroom-cord (bathroom)" in text


def test_acknowledgements_say_who_and_which() -> None:
    ack = {"call_id": "0000-call-1", "ack": "accepted", "by": "operator-1"}
    assert view.ack_line(ack, 0.0, "en").endswith("operator-1 takes call call-1")
    assert view.ack_line({"call_id": "call-1", "ack": "closed", "outcome": "helped"}, 0.0, "da").endswith(
        "afsluttes: helped"
    )
