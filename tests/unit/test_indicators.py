"""Light and sounder: each state is a pattern that a person can tell from the others, on real (mock) pins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import Now
from agent.effects import Light, Show, Sounder
from agent.indicators import LIGHT_PATTERNS, OFF, ON, SOUNDER_PATTERNS, Indicators, phase
from agent.profiles import Output
from agent.sensors.pins import RETRY_S, Pins
from agent.system_clock import SystemClock
from agent.texts import LIGHT, SOUNDER
from tests.unit.sensors.test_gpio import FailingPins
from tests.waiting import eventually

COMING = Show(Light.COMING, Sounder.SILENT)
ALARM = Show(Light.PRE_ALARM, Sounder.PRE_ALARM)


def test_every_state_has_a_pattern_and_a_meaning_in_both_languages() -> None:
    assert LIGHT_PATTERNS.keys() == LIGHT.keys() == set(Light)
    assert SOUNDER_PATTERNS.keys() == SOUNDER.keys() == set(Sounder)
    for text in (*LIGHT.values(), *SOUNDER.values()):
        assert text.in_("da") == text.da != ""
        assert text.in_("en") == text.en not in ("", text.da)


def test_no_two_states_look_or_sound_alike() -> None:
    assert len(set(LIGHT_PATTERNS.values())) == len(Light)
    assert len(set(SOUNDER_PATTERNS.values())) == len(Sounder)
    assert [s for s, pattern in SOUNDER_PATTERNS.items() if pattern == OFF] == [Sounder.SILENT]
    assert all(pattern != OFF for pattern in LIGHT_PATTERNS.values())


def test_phases_follow_the_pattern_and_repeat() -> None:
    pattern = (0.5, 0.25, 0.125, 1.0)
    for begin in (0.0, sum(pattern) * 7):
        assert [phase(pattern, begin + t) for t in (0.0, 0.25, 0.5, 0.75, 0.875, 1.375)] == [
            (True, 0.5),
            (True, 0.25),
            (False, 0.25),
            (True, 0.125),
            (False, 1.0),
            (False, 0.5),
        ]
    assert phase(OFF, 3.0) == (False, math.inf)
    assert phase(ON, 3.0) == (True, math.inf)


@given(
    st.sampled_from([*LIGHT_PATTERNS.values(), *SOUNDER_PATTERNS.values()]),
    st.floats(min_value=0, max_value=1e7, allow_nan=False),
)
def test_a_phase_never_asks_to_wait_for_nothing_or_longer_than_the_pattern(
    pattern: tuple[float, ...], elapsed_s: float
) -> None:
    _, wait_s = phase(pattern, elapsed_s)
    assert 0 < wait_s <= (max(pattern) if pattern else math.inf)


class Shown:
    """Indicators on mock pins 24 (light) and 4 (sounder)."""

    def __init__(self, pins: Pins, clock: Any = None, *, active_high: bool = True) -> None:
        self.pins = pins
        self.heard: list[Show] = []
        self.indicators = Indicators(
            Output(pin=24, active_high=active_high),
            Output(pin=4),
            pins,
            clock or SystemClock(),
            on_change=self.hear,
        )

    def hear(self, show: Show) -> None:
        self.heard.append(show)
        assert show != ALARM, "a listener that fails"

    def levels(self, pin: int) -> list[bool]:
        return [state.state for state in self.pins.factory().pin(pin).states]


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    shown = Shown(Pins("mock", tmp_path))
    shown.indicators.start()
    yield shown
    shown.indicators.stop()


def test_patterns_run_on_the_pins_and_both_are_off_after_stop(shown: Shown) -> None:
    shown.indicators.show(ALARM)
    eventually(lambda: shown.levels(24).count(True) >= 2 and shown.levels(4).count(True) >= 2)
    shown.indicators.show(COMING)
    factory = shown.pins.factory()
    eventually(lambda: factory.pin(24).state and not factory.pin(4).state)
    shown.indicators.stop()
    assert not factory.pin(24).state


def test_a_new_state_is_heard_once_and_a_failing_listener_stops_nothing(shown: Shown) -> None:
    for show in (COMING, COMING, ALARM, ALARM, COMING):
        shown.indicators.show(show)
    assert shown.heard == [COMING, ALARM, COMING]
    eventually(lambda: shown.pins.factory().pin(24).state)


def test_an_output_that_is_active_low_is_dark_when_it_is_high(tmp_path: Path) -> None:
    shown = Shown(Pins("mock", tmp_path), active_high=False)
    shown.indicators.start()
    eventually(lambda: shown.pins.factory().pin(24).function == "output")
    eventually(lambda: shown.pins.factory().pin(24).state)
    shown.indicators.show(COMING)
    eventually(lambda: not shown.pins.factory().pin(24).state)
    shown.indicators.stop()


class Hurried:
    """A clock in which every look is `RETRY_S` later than the one before."""

    def __init__(self) -> None:
        self.mono = 0.0

    def now(self) -> Now:
        self.mono += RETRY_S
        return Now(self.mono, 0.0)


def test_a_dead_gpio_is_logged_once_and_the_light_comes_back_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = FailingPins(tmp_path)
    shown = Shown(pins, Hurried())
    shown.indicators.start()
    for show in (COMING, Show(Light.READY, Sounder.SILENT)) * 5:
        asked = pins.asked
        shown.indicators.show(show)
        eventually(lambda asked=asked: pins.asked > asked)
    assert capsys.readouterr().out.count("indicator_pin_lost") == 2
    pins.dead = False
    shown.indicators.show(COMING)
    eventually(lambda: pins.factory().pin(24).state)
    shown.indicators.stop()


def test_stop_without_start_and_twice(tmp_path: Path) -> None:
    shown = Shown(Pins("mock", tmp_path))
    shown.indicators.show(COMING)
    shown.indicators.stop()
    shown.indicators.stop()
