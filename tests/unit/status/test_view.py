"""The screen that a technician reads."""

from __future__ import annotations

from typing import Any

import pytest

from agent.readings import ShadowScored, ShadowState
from agent.status import view
from tests.home_bench import HomeBench
from tests.unit.status.seen import said


def screen(bench: HomeBench, language: Any = "en") -> str:
    return "\n".join(view.lines(said(bench), language))


def test_a_quiet_home_fits_on_a_screen() -> None:
    text = screen(HomeBench())
    assert len(text.splitlines()) <= 20
    assert "Ready: you can call for help" in text
    assert "none in progress" in text
    assert "nothing waits" in text
    assert "none open" in text
    assert "connected, in use" in text


def test_a_call_a_pulled_cord_and_the_queue_are_seen() -> None:
    bench = HomeBench()
    bench.acks = False
    bench.switch("bathroom-cord", pulled=True)
    bench.advance(2.2)
    text = screen(bench)
    assert "bathroom-cord (bathroom): being sent to the centre, began 2." in text
    assert "calls wait for the centre: 1" in text
    assert ", PULLED" in text
    assert "CALL from bathroom-cord (bathroom)" in text
    assert not view.has_faults(said(bench))


def test_danish_is_the_other_language_and_no_word_of_english_is_left() -> None:
    bench = HomeBench()
    bench.acks = False
    bench.switch("bathroom-cord", pulled=True)
    bench.advance(2.2)
    text = screen(bench, "da")
    assert "bathroom-cord (badeværelse): sendes til centralen" in text
    assert "TRUKKET" in text
    for english in ("the centre", "heard", "PULLED", "connected", "Light", "Calls"):
        assert english not in text


def test_an_open_fault_is_seen_with_what_it_is_about() -> None:
    bench = HomeBench()
    bench.advance(15)  # nobody reads the levels: every contact falls silent
    text = screen(bench)
    assert view.has_faults(said(bench))
    assert "the sensor is silent (bathroom-cord), since 20" in text
    assert "SILENT, heard 1" in text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")],
)
def test_ages_are_told_in_their_largest_unit(seconds: float, expected: str) -> None:
    assert view.age(seconds).en == expected


def test_a_time_that_is_none_is_told_as_it_stands() -> None:
    assert view.local_time("yesterday") == "yesterday"
    assert view.event_lines([{"type": "x"}], "en")


def test_a_model_in_the_shadow_is_seen_with_how_far_it_agrees() -> None:
    bench = HomeBench()
    assert "shadow" not in screen(bench)
    bench.step(ShadowState("fall-waist/9.1.0", "ab", failing=False, detail=""))
    for answers in ((True, True), (False, False), (True, False)):
        bench.step(ShadowScored(*answers, score=0.5))
    assert "in the shadow: fall-waist/9.1.0, agrees on 2 of 3 triggers this day" in screen(bench)
    bench.step(ShadowState("fall-waist/9.1.0", "ab", failing=True, detail="it has not answered for 15 s"))
    assert "CAN'T BE USED: it has not answered for 15 s" in screen(bench)
    assert "KAN IKKE BRUGES" in screen(bench, "da")
    assert not view.has_faults(said(bench))
