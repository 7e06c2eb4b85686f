"""Every event, fault, phase and room has words in both languages, and nothing that comes makes them fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call_table import Phase
from agent.config import Room
from agent.events import EventType, Fault
from agent.rooms import ROOMS
from agent.status import words
from agent.supervision import Phase as LinkPhase
from tests.home_bench import HomeBench
from tests.unit.status.seen import stored

PUBLISHED_ONLY = {EventType.HEARTBEAT, EventType.STATE}
"""These go past the outbox, so nobody tells them."""


def test_everything_has_words() -> None:
    assert set(ROOMS) == set(Room)
    assert set(words.FAULT) == set(Fault)
    assert set(words.PHASE) == set(Phase)
    assert set(words.LINK) == {phase.value for phase in LinkPhase}
    for event_type in set(EventType) - PUBLISHED_ONLY:
        told = words.tell({"type": event_type.value, "subject": "x", "data": {}})
        assert event_type.value not in told.da + told.en
        assert told.da != told.en


@pytest.mark.parametrize("texts", [ROOMS, words.FAULT, words.PHASE, words.LINK])
def test_no_two_things_have_the_same_words(texts: dict[object, words.Text]) -> None:
    for language in ("da", "en"):
        said = [getattr(text, language) for text in texts.values()]
        assert all(said)
        assert len(set(said)) == len(said)


def test_a_pulled_cord_and_the_second_pull_are_told() -> None:
    bench = HomeBench()
    bench.acks = False
    for _ in range(2):
        bench.pull("bathroom-cord")
        bench.advance(1)
    told = [words.tell(json.loads(effect.event.body)) for effect in stored(bench)]
    assert [text.en for text in told] == [
        "CALL from bathroom-cord (bathroom)",
        "CALL from bathroom-cord (bathroom) (pulled again, time 2)",
    ]
    assert [text.da for text in told] == [
        "KALD fra bathroom-cord (badeværelse)",
        "KALD fra bathroom-cord (badeværelse) (trukket igen, 2. gang)",
    ]


def test_a_fault_is_told_with_its_detail() -> None:
    event = {
        "type": "dk.nodkald.tech.fault",
        "subject": "wearable",
        "data": {"fault": "sensor.silent", "sensor": "wearable", "detail": "nothing heard for 10 s"},
    }
    assert words.tell(event).en == "FAULT wearable: the sensor is silent (nothing heard for 10 s)"
    assert words.tell(event).da == "FEJL wearable: sensoren er tavs (nothing heard for 10 s)"


def test_a_fall_is_told_with_its_reasons() -> None:
    event: dict[str, Any] = {
        "type": "dk.nodkald.call.raised",
        "subject": "wearable",
        "data": {
            "call_id": "c1",
            "trigger": {"kind": "automatic", "type": "fall", "sensor": "wearable", "room": "on_person"},
            "assessment": {"verdict": "unverified", "reasons": ["impact 4.8 g"]},
        },
    }
    assert words.tell(event).en == "CALL from wearable (on the body) (fall, unverified, impact 4.8 g)"
    assert words.tell(event).da.endswith("(fald, ikke efterprøvet, impact 4.8 g)"), "an older version wrote no Danish"
    event["data"]["assessment"]["reasons_da"] = ["stød 4,8 g"]
    assert words.tell(event).da == "KALD fra wearable (på kroppen) (fald, ikke efterprøvet, stød 4,8 g)"


@pytest.mark.parametrize(("verdict", "word"), [("false_alarm", ""), ("uncertain", "usikkert, ")])
def test_what_was_no_call_is_not_told_as_a_fall(verdict: str, word: str) -> None:
    event = {
        "type": "dk.nodkald.audit.suppressed",
        "subject": "wearable",
        "data": {
            "trigger": {"kind": "automatic", "type": "fall", "sensor": "wearable", "room": "on_person"},
            "assessment": {"verdict": verdict, "reasons": ["impact 2.6 g"], "reasons_da": ["stød 2,6 g"]},
        },
    }
    where = ROOMS[Room.ON_PERSON].da
    said = f"Intet kald: udslag fra wearable ({where}) blev ikke taget for et fald ({word}stød 2,6 g)"
    assert words.tell(event).da == said


def test_a_fault_of_the_unit_itself_has_no_name_before_it() -> None:
    for kind, said in (("fault", "FEJL: lageret er fuldt"), ("restored", "I orden igen (var: lageret er fuldt)")):
        event = {"type": f"dk.nodkald.tech.{kind}", "data": {"fault": "storage.full", "sensor": None}}
        assert words.tell(event).da == said


@pytest.mark.parametrize("event", [{}, {"type": "dk.nodkald.new.thing"}, {"type": "dk.nodkald.tech.fault", "data": 5}])
def test_what_a_newer_version_wrote_is_told_by_its_type(event: dict[str, object]) -> None:
    assert words.tell(event).en == str(event.get("type"))


@given(st.dictionaries(st.sampled_from(["fault", "detail", "sensor", "ok"]), st.text() | st.none() | st.booleans()))
def test_odd_data_is_told_all_the_same(data: dict[str, object]) -> None:
    assert words.tell({"type": "dk.nodkald.tech.fault", "subject": "{who}", "data": data}).da.startswith("FEJL")
