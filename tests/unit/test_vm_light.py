"""Whoever reads the virtual Pi's light reads what `agent.indicators` blinks, and no promise too early."""

from __future__ import annotations

import math

import pytest

from agent.effects import Light
from agent.indicators import LIGHT_PATTERNS
from tests.vm.light import promised, read_light

LAG_S = 0.04


def edges(light: Light, seconds: float, begins: float = 100.0) -> list[tuple[float, bool]]:
    """What the pin does: its pattern, each edge seen a little late, and not always equally late."""
    at, level, found = begins, True, []
    pattern = LIGHT_PATTERNS[light]
    index = 0
    while at < begins + seconds:
        found.append((at + (LAG_S if index % 3 else 0), level))
        if math.isinf(pattern[index % len(pattern)]):
            break
        at += pattern[index % len(pattern)]
        level = not level
        index += 1
    return found


@pytest.mark.parametrize("light", list(Light))
def test_each_pattern_is_read_as_what_it_means(light: Light) -> None:
    shown = read_light(edges(light, 25.0), until=125.0)
    assert {found for _, found in shown} == {light}


def test_a_change_is_read_at_its_first_edge() -> None:
    pin = [*edges(Light.READY, 9.0), *edges(Light.SENDING, 3.0, begins=110.0)]
    assert read_light(pin, until=113.0)[-1] == (110.0, Light.SENDING)


def test_one_stretched_pulse_is_not_steady() -> None:
    pin = [*edges(Light.SENDING, 4.0), (104.0, True), (105.2, False), *edges(Light.SENDING, 4.0, begins=105.7)]
    assert Light.RECEIVED in [light for _, light in read_light(pin, until=110.0)]
    assert [light for _, light in read_light(pin, until=110.0, steady=True)] == [Light.SENDING]


@pytest.mark.parametrize("light", [Light.READY, Light.LINE_DOWN, Light.PRE_ALARM])
def test_no_other_light_is_a_promise(light: Light) -> None:
    assert promised(edges(light, 20.0), after=99.0, until=120.0) is None


@pytest.mark.parametrize("light", [Light.SENDING, Light.RECEIVED, Light.COMING])
def test_sending_and_more_is_a_promise(light: Light) -> None:
    assert promised(edges(light, 5.0), after=99.0, until=105.0) == 100.0
    assert promised(edges(light, 5.0), after=100.5, until=101.0) is None


def test_a_light_that_is_on_when_the_power_goes_is_taken_at_its_word_after_a_flash() -> None:
    assert promised([(100.0, True)], after=99.0, until=100.1) is None
    assert promised([(100.0, True)], after=99.0, until=100.3) == 100.0
