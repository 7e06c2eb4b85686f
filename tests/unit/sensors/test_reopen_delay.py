"""Backoff with full jitter between 0.1 and 5 seconds."""

from __future__ import annotations

import pytest

from agent.sensors.serial_port import reopen_delay_s


@pytest.mark.parametrize("attempt", [0, 1, 5, 6, 50, 10_000])
def test_the_smallest_chance_is_always_a_tenth_of_a_second(attempt: int) -> None:
    assert reopen_delay_s(attempt, 0.0) == 0.1


def test_the_ceiling_doubles_up_to_five_seconds() -> None:
    ceilings = [reopen_delay_s(attempt, 1.0) for attempt in range(8)]
    assert ceilings == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])


def test_chance_spreads_evenly() -> None:
    assert reopen_delay_s(5, 0.5) == pytest.approx(2.55)
